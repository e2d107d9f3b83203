//! The drive's contents: folders and files under ids, as 115 keeps them.
//!
//! The tree is edited through this type only, by tests, by the control API and by behaviours that change a folder
//! between two pages. It knows nothing of HTTP. Names are 115's raw names: they may repeat within a folder, contain
//! `/`, and hold character references.

mod build;
mod naming;
mod nasty;
mod node;
mod order;
mod picture;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

pub use build::Tree;
pub(crate) use naming::{extension, shown};
pub use node::{NodeKind, SimNode};
pub(crate) use order::{Order, SortKey};

use crate::clock::Clock;
use crate::content::Content;
use crate::num::mix;
use crate::pickcode;
use order::Orders;

/// The id of the root folder.
pub const ROOT: u64 = 0;

/// The first id handed out; ids of the real service have this many digits.
const FIRST_ID: u64 = 2_580_033_742_990_999_100;

/// The creation time of the first node of a built tree; each later one is a minute younger.
const FIRST_TIME: u64 = 1_700_000_000;

/// All nodes of the drive.
#[derive(Debug)]
pub struct TreeState {
    nodes: HashMap<u64, SimNode>,
    children: HashMap<u64, Vec<u64>>,
    next_id: u64,
    deleted: HashSet<u64>,
    orders: Orders,
    remembered: HashMap<u64, Order>,
    total_bytes: u64,
    clock: Option<Arc<Clock>>,
}

impl Default for TreeState {
    fn default() -> Self {
        let mut tree = Self {
            nodes: HashMap::new(),
            children: HashMap::new(),
            next_id: FIRST_ID,
            deleted: HashSet::new(),
            orders: Orders::default(),
            remembered: HashMap::new(),
            total_bytes: 0,
            clock: None,
        };
        let mut root = SimNode::new(ROOT, ROOT, "根目录".to_owned(), NodeKind::Folder, FIRST_TIME);
        root.opened = 0;
        tree.nodes.insert(ROOT, root);
        tree.children.insert(ROOT, Vec::new());
        tree
    }
}

impl TreeState {
    /// A tree of the given kind.
    pub fn build(kind: &Tree) -> Self {
        let mut tree = Self::default();
        build::fill(&mut tree, kind);
        tree
    }

    /// From now on new nodes take their times from `clock` instead of the fixed series of a built tree.
    pub(crate) fn follow(&mut self, clock: Arc<Clock>) {
        self.clock = Some(clock);
    }

    // === Reading ===

    /// The node of an id.
    pub fn node(&self, id: u64) -> Option<&SimNode> {
        self.nodes.get(&id)
    }

    /// The children of a folder in the order they came into being.
    pub fn children(&self, id: u64) -> Vec<&SimNode> {
        self.child_ids(id).iter().filter_map(|child| self.nodes.get(child)).collect()
    }

    /// The node a path of raw names leads to; of several of one name the oldest.
    pub fn find(&self, path: &[&str]) -> Option<u64> {
        path.iter().try_fold(ROOT, |folder, name| {
            self.child_ids(folder)
                .iter()
                .copied()
                .find(|id| self.nodes.get(id).is_some_and(|node| node.name == *name))
        })
    }

    /// Every node but the root with its path of raw names, parents before children.
    pub fn walk(&self) -> Vec<(Vec<String>, &SimNode)> {
        let mut found = Vec::with_capacity(self.nodes.len());
        let mut waiting: Vec<(Vec<String>, u64)> = vec![(Vec::new(), ROOT)];
        while let Some((path, folder)) = waiting.pop() {
            for node in self.children(folder) {
                let mut below = path.clone();
                below.push(node.name.clone());
                if node.is_folder() {
                    waiting.push((below.clone(), node.id));
                }
                found.push((below, node));
            }
        }
        found
    }

    /// The number of nodes without the root.
    pub fn len(&self) -> usize {
        self.nodes.len() - 1
    }

    /// Whether there is nothing below the root.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The size of all files together.
    pub fn total_bytes(&self) -> u64 {
        self.total_bytes
    }

    /// Whether `id` once was a node and was deleted.
    pub fn was_deleted(&self, id: u64) -> bool {
        self.deleted.contains(&id)
    }

    /// The folders from the root down to `id` itself.
    pub(crate) fn lineage(&self, id: u64) -> Vec<&SimNode> {
        let mut line = Vec::new();
        let mut at = id;
        while let Some(node) = self.nodes.get(&at) {
            line.push(node);
            if at == ROOT {
                break;
            }
            at = node.parent;
        }
        line.reverse();
        line
    }

    pub(crate) fn child_ids(&self, id: u64) -> &[u64] {
        self.children.get(&id).map_or(&[], Vec::as_slice)
    }

    /// Files, folders and bytes at any depth below a folder.
    pub(crate) fn totals(&self, folder: u64) -> Totals {
        let mut totals = Totals::default();
        let mut waiting = vec![folder];
        while let Some(at) = waiting.pop() {
            for node in self.children(at) {
                if node.is_folder() {
                    totals.folders += 1;
                    waiting.push(node.id);
                } else {
                    totals.files += 1;
                    totals.bytes += node.size();
                }
            }
        }
        totals
    }

    /// The ids listed for a folder in an order; sorted once and kept until the next edit.
    pub(crate) fn listed(&mut self, folder: u64, order: Order, deep: bool) -> Arc<[u64]> {
        if let Some(known) = self.orders.get(folder, order, deep) {
            return known;
        }
        let ids = if deep { self.files_below(folder) } else { self.child_ids(folder).to_vec() };
        let sorted = order::sorted(&self.nodes, &ids, order);
        self.orders.keep(folder, order, deep, Arc::clone(&sorted));
        sorted
    }

    fn files_below(&self, folder: u64) -> Vec<u64> {
        let mut files = Vec::new();
        let mut waiting = vec![folder];
        while let Some(at) = waiting.pop() {
            for node in self.children(at) {
                if node.is_folder() { waiting.push(node.id) } else { files.push(node.id) }
            }
        }
        files
    }

    /// The order the drive remembers for a folder, if one was ever set for it.
    pub(crate) fn remembered(&self, folder: u64) -> Option<Order> {
        self.remembered.get(&folder).copied()
    }

    /// Sets the order the drive remembers for a folder.
    pub(crate) fn remember(&mut self, folder: u64, order: Order) {
        self.remembered.insert(folder, order);
    }

    // === Editing ===

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

    /// Deletes a node with everything below it; `false` when there is none or it is the root.
    pub fn delete(&mut self, id: u64) -> bool {
        if id == ROOT {
            return false;
        }
        let Some(parent) = self.node(id).map(|node| node.parent) else { return false };
        self.detach(parent, id);
        let mut waiting = vec![id];
        while let Some(at) = waiting.pop() {
            waiting.extend(self.children.remove(&at).unwrap_or_default());
            if let Some(node) = self.nodes.remove(&at) {
                self.total_bytes -= node.size();
            }
            self.deleted.insert(at);
        }
        self.touch(parent);
        self.orders.clear();
        true
    }

    /// Gives a file other bytes under the same id; `false` when it is no file.
    pub fn set_content(&mut self, id: u64, content: Content) -> bool {
        let Some(before) = self.node(id).filter(|node| !node.is_folder()).map(SimNode::size) else {
            return false;
        };
        let now = self.stamp();
        self.total_bytes = self.total_bytes - before + content.size();
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

    /// Sets the creation and modification time in unix seconds.
    pub fn set_times(&mut self, id: u64, created: u64, modified: u64) -> bool {
        self.edit(id, |node| {
            node.created = created;
            node.modified = modified;
        })
    }

    fn add(&mut self, parent: u64, name: &str, kind: NodeKind) -> u64 {
        assert!(self.node(parent).is_some_and(SimNode::is_folder), "{parent} is no folder");
        let id = self.next_id;
        self.next_id += 1;
        let now = self.stamp();
        let node = SimNode::new(id, parent, name.to_owned(), kind, now);
        self.total_bytes += node.size();
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

    fn stamp(&self) -> u64 {
        self.clock.as_ref().map_or_else(|| FIRST_TIME + 60 * (self.next_id - FIRST_ID), |clock| clock.unix())
    }

    /// The node a pick code names.
    pub(crate) fn by_pick_code(&self, code: &str) -> PickCode<'_> {
        let Some((id, folder)) = pickcode::decode(code) else { return PickCode::Unknown };
        match self.nodes.get(&id) {
            Some(node) if node.is_folder() == folder && node.pick_code() == code => PickCode::Found(node),
            None if self.deleted.contains(&id) => PickCode::Deleted,
            _ => PickCode::Unknown,
        }
    }
}

/// What is below a folder.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Totals {
    pub(crate) files: u64,
    pub(crate) folders: u64,
    pub(crate) bytes: u64,
}

/// What became of a pick code.
#[derive(Debug)]
pub(crate) enum PickCode<'tree> {
    /// It names this node.
    Found(&'tree SimNode),
    /// It named a node that was deleted.
    Deleted,
    /// It never named anything.
    Unknown,
}

#[cfg(test)]
mod tests;
