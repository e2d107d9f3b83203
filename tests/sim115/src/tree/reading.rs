//! Reading the tree: by id, by path, by pick code, in order, and as a whole.

use std::sync::Arc;

use super::{Order, ROOT, SimNode, TreeState, order};
use crate::pickcode;

impl TreeState {
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

    /// Whether any file is marked as violating content.
    pub(crate) fn has_violating(&self) -> bool {
        self.nodes.values().any(|node| node.violating)
    }

    /// Whether `id` once was a node, was deleted and did not come back.
    pub fn was_deleted(&self, id: u64) -> bool {
        self.deleted.contains(&id)
    }

    /// The nodes that hang below an id that is no folder (any more): their ids lead to them, no listing does.
    pub fn dangling(&self) -> Vec<&SimNode> {
        let lost = |node: &&SimNode| !self.nodes.get(&node.parent).is_some_and(SimNode::is_folder);
        let mut found: Vec<&SimNode> = self.nodes.values().filter(lost).collect();
        found.sort_by_key(|node| node.id);
        found
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

    /// Files and bytes of a node: of itself, or of all below it.
    pub(crate) fn weight(&self, id: u64) -> (u64, u64) {
        match self.node(id) {
            Some(node) if !node.is_folder() => (1, node.size()),
            Some(_) => {
                let totals = self.totals(id);
                (totals.files, totals.bytes)
            }
            None => (0, 0),
        }
    }

    /// The files at any depth below a folder, each with the names of the folders between.
    pub(crate) fn files_with_paths(&self, folder: u64) -> Vec<(Vec<&str>, &SimNode)> {
        let mut files = Vec::new();
        let mut waiting = vec![(Vec::new(), folder)];
        while let Some((path, at)) = waiting.pop() {
            for node in self.children(at) {
                if node.is_folder() {
                    let below: Vec<&str> = path.iter().copied().chain([node.name.as_str()]).collect();
                    waiting.push((below, node.id));
                } else {
                    files.push((path.clone(), node));
                }
            }
        }
        files.sort_by_key(|(_, node)| node.id);
        files
    }

    /// The ids listed for a folder in an order; sorted once and kept until the next edit.
    pub(crate) fn listed(&mut self, folder: u64, order: Order, deep: bool) -> Arc<[u64]> {
        if let Some(known) = self.orders.get(folder, order, deep) {
            return known;
        }
        let ids = if deep { self.files_below(folder) } else { self.child_ids(folder).to_vec() };
        let sorted = order::sorted(ids.iter().filter_map(|id| self.nodes.get(id)).collect(), order);
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
