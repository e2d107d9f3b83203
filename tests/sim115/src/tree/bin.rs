//! The recycle bin (protocol notes, writing part, §1.5 and §1.6).
//!
//! Everything below a deleted folder leaves the tree with it and comes back with it; only the folder itself is an entry
//! of the bin.

use std::time::Duration;

use super::{ROOT, SimNode, TreeState};

/// One entry of the recycle bin.
#[derive(Clone, Debug)]
pub struct BinEntry {
    /// The file or folder that was deleted, and all that was below it, parents before children.
    pub nodes: Vec<SimNode>,
    /// When it was deleted, in unix seconds.
    pub deleted: u64,
    /// The name of the folder it was in.
    pub parent_name: String,
    /// Whether it is on its way back.
    pub restoring: bool,
    /// Until when a deleted folder can still be listed by its id, in simulated time since the unix epoch.
    lingers: Duration,
}

impl BinEntry {
    /// The file or folder that was deleted.
    pub fn top(&self) -> &SimNode {
        // An entry is made of at least the node that was deleted.
        &self.nodes[0]
    }

    /// The size of all its files together.
    pub fn bytes(&self) -> u64 {
        self.nodes.iter().map(SimNode::size).sum()
    }
}

/// The entries in the order they were deleted.
#[derive(Debug, Default)]
pub(super) struct Bin {
    entries: Vec<BinEntry>,
}

impl TreeState {
    /// The recycle bin in the order of deletion, the oldest first.
    pub fn bin(&self) -> &[BinEntry] {
        &self.bin.entries
    }

    /// Moves a node with everything below it into the recycle bin; `false` when there is none or it is the root.
    pub fn discard(&mut self, id: u64) -> bool {
        self.discard_lingering(id, Duration::ZERO)
    }

    /// The same; a folder can be listed by its id for a while longer.
    pub(crate) fn discard_lingering(&mut self, id: u64, lingering: Duration) -> bool {
        let parent = self.node(id).map(|node| node.parent);
        let parent_name =
            parent.and_then(|id| self.node(id)).map_or_else(String::new, |node| node.name.clone());
        let nodes = self.uproot(id);
        if nodes.is_empty() {
            return false;
        }
        let (deleted, lingers) = (self.stamp(), self.time() + lingering);
        self.bin.entries.push(BinEntry { nodes, deleted, parent_name, restoring: false, lingers });
        true
    }

    /// Puts an entry of the recycle bin back into the folder it was in, or into the root when that is gone or
    /// dangles; `false` when there is no such entry.
    pub fn restore(&mut self, id: u64) -> bool {
        let Some(place) = self.bin.entries.iter().position(|entry| entry.top().id == id) else {
            return false;
        };
        let mut nodes = self.bin.entries.remove(place).nodes;
        // A folder that is there but dangles is no place either: it may dangle below the very entry.
        let reachable = self.lineage(nodes[0].parent).first().is_some_and(|node| node.id == ROOT);
        if !reachable {
            nodes[0].parent = ROOT;
        }
        self.touch(nodes[0].parent);
        for node in nodes {
            self.deleted.remove(&node.id);
            self.total_bytes += node.size();
            self.children.entry(node.parent).or_default().push(node.id);
            if node.is_folder() {
                self.children.entry(node.id).or_default();
            }
            self.nodes.insert(node.id, node);
        }
        self.orders.clear();
        true
    }

    /// Notes which entries are on their way back.
    pub(super) fn set_restoring(&mut self, ids: &[u64]) {
        for entry in &mut self.bin.entries {
            entry.restoring = ids.contains(&entry.top().id);
        }
    }

    /// Removes an entry of the recycle bin for good; `false` when there is no such entry.
    pub fn purge(&mut self, id: u64) -> bool {
        let before = self.bin.entries.len();
        self.bin.entries.retain(|entry| entry.top().id != id);
        self.bin.entries.len() < before
    }

    /// Removes everything in the recycle bin for good.
    pub fn empty_bin(&mut self) {
        self.bin.entries.clear();
    }

    /// Whether a folder was deleted but can still be listed.
    pub(crate) fn lingers(&self, folder: u64) -> bool {
        self.lingering(folder).is_some()
    }

    fn lingering(&self, folder: u64) -> Option<&BinEntry> {
        let now = self.time();
        let holds = |entry: &&BinEntry| {
            now < entry.lingers && entry.nodes.iter().any(|node| node.id == folder && node.is_folder())
        };
        self.bin.entries.iter().find(holds)
    }

    /// What was in a folder that lingers.
    pub(super) fn lingering_children(&self, folder: u64) -> Option<Vec<&SimNode>> {
        let entry = self.lingering(folder)?;
        Some(entry.nodes.iter().filter(|node| node.parent == folder && node.id != folder).collect())
    }

    /// The folders from the root down to one that may be lingering.
    pub(crate) fn listed_lineage(&self, folder: u64) -> Vec<&SimNode> {
        let Some(entry) = self.lingering(folder) else { return self.lineage(folder) };
        let mut below = Vec::new();
        let mut at = folder;
        while let Some(node) = entry.nodes.iter().find(|node| node.id == at) {
            below.push(node);
            at = node.parent;
        }
        below.reverse();
        self.lineage(at).into_iter().chain(below).collect()
    }
}
