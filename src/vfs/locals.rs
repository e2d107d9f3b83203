//! Files that are in the gateway alone: empty ones that are about to be filled, and what systems leave everywhere.
//!
//! A client that stores a file often makes an empty one first, locks it, and only then sends the content.
//! And Finder and Explorer write a file of their own beside every other. Neither is worth a call to 115.

use std::collections::HashMap;
use std::sync::{Arc, Weak};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::time::Instant;

use super::target::Target;
use crate::model::{FileId, Kind, Node, PickCode};

/// 115's own ids have 63 bits.
const FIRST_ID: u64 = 1 << 63;
/// What systems leave everywhere is small, but there is one beside every file.
const MAX_JUNK_BYTES: usize = 64 << 20;

/// The contents, by id.
#[derive(Default)]
pub(super) struct Locals {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    last: u64,
    files: HashMap<FileId, Local>,
    junk_bytes: usize,
}

struct Local {
    content: Bytes,
    /// For one that is to be made at 115 if it is not filled.
    empty: Option<Empty>,
}

struct Empty {
    /// Where it is to be made.
    target: Arc<Target>,
    since: Instant,
    /// How often that has failed.
    failures: u32,
    /// Held by who is about to fill it.
    filling: Weak<()>,
}

impl Locals {
    /// A node for `target` with `content`, which stays here; `None` if there is no more room.
    pub(super) fn add_junk(&self, target: &Target, content: Bytes) -> Option<Node> {
        let mut state = self.state.lock();
        if state.junk_bytes + content.len() > MAX_JUNK_BYTES {
            return None;
        }
        state.junk_bytes += content.len();
        Some(state.add(target, Local { content, empty: None }))
    }

    /// A node for `target`, which is empty and is to be made at 115 if it stays so.
    pub(super) fn add_empty(&self, target: &Arc<Target>) -> Node {
        let empty = Some(Empty {
            target: Arc::clone(target),
            since: Instant::now(),
            failures: 0,
            filling: Weak::new(),
        });
        self.state.lock().add(target, Local { content: Bytes::new(), empty })
    }

    pub(super) fn contains(&self, id: FileId) -> bool {
        id.0 >= FIRST_ID && self.state.lock().files.contains_key(&id)
    }

    pub(super) fn content(&self, id: FileId) -> Option<Bytes> {
        if id.0 < FIRST_ID {
            return None;
        }
        self.state.lock().files.get(&id).map(|local| local.content.clone())
    }

    /// Whether `id` was here. It is not any more.
    pub(super) fn remove(&self, id: FileId) -> bool {
        if id.0 < FIRST_ID {
            return false;
        }
        let mut state = self.state.lock();
        let Some(local) = state.files.remove(&id) else { return false };
        if local.empty.is_none() {
            state.junk_bytes -= local.content.len();
        }
        true
    }

    /// The node of the empty file `id` of `target`, if it is still here.
    pub(super) fn node(&self, id: FileId, target: &Target) -> Option<Node> {
        self.state.lock().files.contains_key(&id).then(|| node(id, target, 0))
    }

    /// Where the empty file `id` is to be made.
    pub(super) fn empty(&self, id: FileId) -> Option<Arc<Target>> {
        let state = self.state.lock();
        state.files.get(&id)?.empty.as_ref().map(|empty| Arc::clone(&empty.target))
    }

    /// Keeps the empty file `id` from being made at 115 as long as the returned is held: its content is on the way.
    pub(super) fn fill(&self, id: FileId) -> Option<Arc<()>> {
        let mut state = self.state.lock();
        let empty = state.files.get_mut(&id)?.empty.as_mut()?;
        let filling = empty.filling.upgrade().unwrap_or_default();
        empty.filling = Arc::downgrade(&filling);
        Some(filling)
    }

    /// Lets the empty file `id`, which could not be made, wait as long again. How often that has happened is returned.
    pub(super) fn put_off(&self, id: FileId) -> u32 {
        let mut state = self.state.lock();
        let Some(empty) = state.files.get_mut(&id).and_then(|local| local.empty.as_mut()) else { return 0 };
        empty.since = Instant::now();
        empty.failures += 1;
        empty.failures
    }

    /// The empty files that have been here for `patience`, and where they are to be made.
    pub(super) fn empties(&self, patience: Duration) -> Vec<(FileId, Arc<Target>)> {
        let state = self.state.lock();
        let due = state.files.iter().filter_map(|(&id, local)| {
            let empty = local.empty.as_ref()?;
            let is_due = empty.since.elapsed() >= patience && empty.filling.strong_count() == 0;
            is_due.then(|| (id, Arc::clone(&empty.target)))
        });
        due.collect()
    }
}

impl State {
    fn add(&mut self, target: &Target, local: Local) -> Node {
        let id = FileId(FIRST_ID + self.last);
        self.last += 1;
        let node = node(id, target, local.content.len() as u64);
        self.files.insert(id, local);
        node
    }
}

fn node(id: FileId, target: &Target, size: u64) -> Node {
    let folder = Node::virtual_folder(&target.name, SystemTime::now());
    Node { id, kind: Kind::File, size, pick_code: PickCode::NONE, ..folder }
}
