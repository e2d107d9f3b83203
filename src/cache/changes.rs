//! What was done to folders lately, to be shown in listings that do not know of it yet.
//!
//! 115's listings lag behind its writes by seconds, and a page that was asked for before a write may arrive after it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

use super::FolderKey;
use crate::model::{Change, FileId, Node};

/// A listing that 115 was asked for this long after a change may still be of before it.
const LAG: Duration = Duration::from_secs(60);

pub(super) struct Changes {
    /// How long a listing is kept that was asked for before a change.
    ttl: Duration,
    state: Mutex<State>,
    /// Folders in `state`. Mostly none, and then nobody has to wait for the lock.
    folders: AtomicUsize,
}

#[derive(Default)]
struct State {
    serial: u64,
    by_folder: HashMap<FolderKey, Vec<Noted>>,
}

struct Noted {
    serial: u64,
    /// `None` for what is here alone.
    at: Option<Instant>,
    change: Change,
}

impl Changes {
    pub(super) fn new(ttl: Duration) -> Self {
        Self { ttl, state: Mutex::default(), folders: AtomicUsize::new(0) }
    }

    pub(super) fn note(&self, key: FolderKey, changes: Vec<Change>) {
        self.edit(|state, now| changes.into_iter().for_each(|change| state.push(key, Some(now), change)));
    }

    pub(super) fn add_local(&self, key: FolderKey, node: Node) {
        self.edit(|state, _| state.push(key, None, Change::Put(node)));
    }

    pub(super) fn drop_local(&self, key: FolderKey, id: FileId) {
        self.edit(|state, now| {
            if let Some(noted) = state.by_folder.get_mut(&key) {
                noted.retain(|noted| !matches!(&noted.change, Change::Put(node) if node.id == id));
            }
            state.push(key, Some(now), Change::Gone(id));
        });
    }

    fn edit(&self, edit: impl FnOnce(&mut State, Instant)) {
        let mut state = self.state.lock();
        let now = Instant::now();
        edit(&mut state, now);
        // No listing that was asked for before the end of the lag is still kept then.
        let is_needed = |noted: &Noted| noted.at.is_none_or(|at| now < at + LAG + self.ttl);
        state.by_folder.retain(|_, noted| {
            noted.retain(is_needed);
            !noted.is_empty()
        });
        self.folders.store(state.by_folder.len(), Ordering::Release);
    }

    /// What a listing that was asked for at `asked` and shows the changes up to `serial` does not show yet,
    /// and the serial of the last of them.
    pub(super) fn since(&self, key: FolderKey, serial: u64, asked: Instant) -> Option<(Vec<Change>, u64)> {
        if self.folders.load(Ordering::Acquire) == 0 {
            return None;
        }
        let state = self.state.lock();
        let is_news = |noted: &&Noted| noted.serial > serial && noted.at.is_none_or(|at| asked < at + LAG);
        let news = state.by_folder.get(&key)?.iter().filter(is_news);
        let last = news.clone().next_back()?.serial;
        Some((news.map(|noted| noted.change.clone()).collect(), last))
    }

    #[cfg(test)]
    pub(super) fn folders(&self) -> usize {
        self.state.lock().by_folder.len()
    }
}

impl State {
    fn push(&mut self, key: FolderKey, at: Option<Instant>, change: Change) {
        self.serial += 1;
        let noted = Noted { serial: self.serial, at, change };
        self.by_folder.entry(key).or_default().push(noted);
    }
}
