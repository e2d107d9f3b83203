//! The drive's contents: folders and files under ids, as 115 keeps them.
//!
//! The tree is edited through this type only, by tests, by the control API and by behaviours that change a folder
//! between two pages. It knows nothing of HTTP. Names are 115's raw names: they may repeat within a folder, contain
//! `/`, and hold character references.

mod arriving;
mod bin;
mod build;
mod conflict;
mod graft;
mod lag;
mod naming;
mod nasty;
mod node;
mod order;
mod picture;
mod reading;
mod work;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

pub use bin::BinEntry;
pub use build::Tree;
pub(crate) use conflict::{Clash, free_name};
pub(crate) use lag::{Lag, Overlay, Spell, View};
pub(crate) use naming::{extension, shown};
pub use node::{NodeKind, SimNode};
pub(crate) use order::{Order, SortKey};
pub(crate) use reading::PickCode;
pub(crate) use work::{CopyTo, Job, JobKind, Step};

use crate::clock::Clock;
use crate::content::Content;
use crate::num::mix;
use crate::pickcode::{FIRST_POINT, Point};
use arriving::Contents;
use bin::Bin;
use lag::Shadows;
use order::Orders;
use work::Work;

/// The id of the root folder.
pub const ROOT: u64 = 0;

/// The first id handed out; ids of the real service have this many digits.
const FIRST_ID: u64 = 2_580_033_742_990_999_100;

/// How many ids lie between the first ones of two owners.
const FOREIGN_IDS: u64 = 1_000_000_000;

/// The creation time of the first node of a built tree; each later one is a minute younger.
const FIRST_TIME: u64 = 1_700_000_000;

/// All nodes of the drive.
#[derive(Debug)]
pub struct TreeState {
    nodes: HashMap<u64, SimNode>,
    children: HashMap<u64, Vec<u64>>,
    first_id: u64,
    next_id: u64,
    deleted: HashSet<u64>,
    /// What the pick codes of its nodes hold of its user.
    point: Point,
    orders: Orders,
    remembered: HashMap<u64, Order>,
    total_bytes: u64,
    contents: Contents,
    clock: Option<Arc<Clock>>,
    bin: Bin,
    shadows: Shadows,
    work: Work,
}

impl Default for TreeState {
    fn default() -> Self {
        Self::starting_at(FIRST_ID, FIRST_POINT)
    }
}

impl TreeState {
    /// A tree with nothing but the root, whose ids are handed out from `first_id` on.
    fn starting_at(first_id: u64, point: Point) -> Self {
        let mut tree = Self {
            nodes: HashMap::new(),
            children: HashMap::new(),
            first_id,
            next_id: first_id,
            deleted: HashSet::new(),
            point,
            orders: Orders::default(),
            remembered: HashMap::new(),
            total_bytes: 0,
            contents: Contents::default(),
            clock: None,
            bin: Bin::default(),
            shadows: Shadows::default(),
            work: Work::default(),
        };
        let root = SimNode::new(ROOT, ROOT, "根目录".to_owned(), NodeKind::Folder, FIRST_TIME, point);
        tree.nodes.insert(ROOT, root);
        tree.children.insert(ROOT, Vec::new());
        tree
    }

    /// A tree of the given kind.
    pub fn build(kind: &Tree) -> Self {
        let mut tree = Self::default();
        build::fill(&mut tree, kind);
        tree
    }

    /// A tree of the given kind for the user of a number; the first one has 0. No two have an id in common, nor with
    /// what is shared.
    pub(crate) fn build_of_user(kind: &Tree, number: u64) -> Self {
        let first = FIRST_POINT[0];
        let point = [first + u8::try_from(number % 10).unwrap_or_default(), b'a', b'b', b'c'];
        let mut tree = Self::starting_at(FIRST_ID - number * FOREIGN_IDS, point);
        build::fill(&mut tree, kind);
        tree
    }

    /// A tree of the given kind that belongs to somebody else: its ids are none of the account's own.
    pub(crate) fn build_foreign(kind: &Tree, owner: u64) -> Self {
        let mut tree = Self::starting_at(FIRST_ID + (owner + 1) * FOREIGN_IDS, FIRST_POINT);
        build::fill(&mut tree, kind);
        tree
    }

    /// From now on new nodes take their times from `clock` instead of the fixed series of a built tree.
    pub(crate) fn follow(&mut self, clock: Arc<Clock>) {
        self.clock = Some(clock);
    }

    /// Adds a folder.
    ///
    /// # Panics
    /// When `parent` is no folder.
    pub fn add_folder(&mut self, parent: u64, name: &str) -> u64 {
        self.add(parent, name, NodeKind::Folder)
    }

    /// Adds a file.
    ///
    /// # Panics
    /// When `parent` is no folder.
    pub fn add_file(&mut self, parent: u64, name: &str, content: Content) -> u64 {
        self.add(parent, name, NodeKind::File(content))
    }

    /// Adds a file of `size` bytes with a ruled content of its own.
    ///
    /// # Panics
    /// When `parent` is no folder.
    pub fn add_file_sized(&mut self, parent: u64, name: &str, size: u64) -> u64 {
        let seed = mix(0x5eed, self.next_id);
        self.add(parent, name, NodeKind::File(Content::Rule { seed, size }))
    }

    /// Adds one of the folders the service itself makes at the root; they are listed before all others.
    pub fn add_system_folder(&mut self, name: &str) -> u64 {
        let id = self.add_folder(ROOT, name);
        self.edit(id, |node| node.system = true);
        id
    }

    /// Renames a node; `false` when there is none or it is the root.
    pub fn rename(&mut self, id: u64, name: &str) -> bool {
        let now = self.stamp();
        self.edit(id, |node| {
            name.clone_into(&mut node.name);
            node.modified = now;
        })
    }

    /// Moves a node into another folder; `false` when either is missing or the folder lies below the node.
    pub fn relocate(&mut self, id: u64, parent: u64) -> bool {
        if !self.node(parent).is_some_and(SimNode::is_folder)
            || self.lineage(parent).iter().any(|node| node.id == id)
        {
            return false;
        }
        self.hang(id, parent)
    }

    /// Moves a node below an id, whether there is a folder of that id or not; `false` when the node is missing.
    ///
    /// Below an id that is no folder the node dangles: its id still leads to it, no listing does.
    pub(crate) fn hang(&mut self, id: u64, parent: u64) -> bool {
        let Some(old) = self.node(id).map(|node| node.parent) else { return false };
        if !self.edit(id, |node| node.parent = parent) {
            return false;
        }
        self.detach(old, id);
        self.children.entry(parent).or_default().push(id);
        self.touch(old);
        self.touch(parent);
        true
    }

    /// Deletes a node with everything below it for good; `false` when there is none or it is the root.
    pub fn delete(&mut self, id: u64) -> bool {
        !self.uproot(id).is_empty()
    }

    /// Takes a node with everything below it out of the tree, parents before children; nothing when there is none or
    /// it is the root.
    fn uproot(&mut self, id: u64) -> Vec<SimNode> {
        let parent = match self.node(id) {
            Some(node) if id != ROOT => node.parent,
            _ => return Vec::new(),
        };
        self.detach(parent, id);
        let mut ids = vec![id];
        let mut taken = Vec::new();
        while let Some(at) = ids.get(taken.len()).copied() {
            ids.extend(self.children.remove(&at).unwrap_or_default());
            let Some(node) = self.nodes.remove(&at) else { break };
            self.total_bytes -= node.size();
            self.deleted.insert(at);
            taken.push(node);
        }
        self.touch(parent);
        self.orders.clear();
        taken
    }

    /// Gives a file other bytes under the same id; `false` when it is no file.
    pub fn set_content(&mut self, id: u64, content: Content) -> bool {
        let Some(before) = self.node(id).filter(|node| !node.is_folder()).map(SimNode::size) else {
            return false;
        };
        let now = self.stamp();
        self.total_bytes = self.total_bytes - before + content.size();
        self.contents.note(&NodeKind::File(content.clone()));
        self.edit(id, |node| {
            node.set_content(content);
            node.modified = now;
        })
    }

    /// Pins a node, so that it is listed before the others of its folder.
    pub fn set_pinned(&mut self, id: u64, pinned: bool) -> bool {
        self.edit(id, |node| node.pinned = pinned)
    }

    /// Marks a file as violating content, which 115 lists but does not hand out.
    pub fn set_violating(&mut self, id: u64, violating: bool) -> bool {
        self.edit(id, |node| node.violating = violating)
    }

    /// Notes that a folder was opened now, which only orders by that time show.
    pub(crate) fn set_opened(&mut self, id: u64) {
        let now = self.stamp();
        if let Some(node) = self.nodes.get_mut(&id) {
            node.opened = now;
        }
        self.orders.forget(SortKey::Opened);
    }

    /// Notes that a node was modified now.
    pub(crate) fn modify(&mut self, id: u64) {
        let now = self.stamp();
        self.edit(id, |node| node.modified = now);
    }

    /// Sets the creation and modification time in unix seconds.
    pub fn set_times(&mut self, id: u64, created: u64, modified: u64) -> bool {
        self.edit(id, |node| {
            node.created = created;
            node.modified = modified;
        })
    }

    fn add(&mut self, parent: u64, name: &str, kind: NodeKind) -> u64 {
        let id = self.reserve();
        self.add_as(id, parent, name, kind)
    }

    fn add_as(&mut self, id: u64, parent: u64, name: &str, kind: NodeKind) -> u64 {
        assert!(self.node(parent).is_some_and(SimNode::is_folder), "{parent} is no folder");
        let now = self.stamp();
        let node = SimNode::new(id, parent, name.to_owned(), kind, now, self.point);
        self.total_bytes += node.size();
        self.contents.note(&node.kind);
        if node.is_folder() {
            self.children.insert(id, Vec::new());
        }
        self.nodes.insert(id, node);
        self.children.entry(parent).or_default().push(id);
        self.touch(parent);
        self.orders.clear();
        id
    }

    fn edit(&mut self, id: u64, change: impl FnOnce(&mut SimNode)) -> bool {
        if id == ROOT {
            return false;
        }
        self.orders.clear();
        self.nodes.get_mut(&id).map(change).is_some()
    }

    fn detach(&mut self, parent: u64, id: u64) {
        if let Some(children) = self.children.get_mut(&parent) {
            children.retain(|child| *child != id);
        }
    }

    /// A folder counts as modified when something comes into it or leaves it.
    fn touch(&mut self, folder: u64) {
        let now = self.stamp();
        if let Some(node) = self.nodes.get_mut(&folder) {
            node.modified = now;
        }
    }

    /// The simulated time since the unix epoch.
    fn time(&self) -> Duration {
        self.clock.as_ref().map_or_else(|| Duration::from_secs(self.stamp()), |clock| clock.since_epoch())
    }

    fn stamp(&self) -> u64 {
        self.clock
            .as_ref()
            .map_or_else(|| FIRST_TIME + 60 * (self.next_id - self.first_id), |clock| clock.unix())
    }
}

#[cfg(test)]
mod tests;
