//! Moving onto a name that is taken (protocol notes, writing part, §1.3), and the names that make way.

use super::{Lag, SimNode, TreeState};

/// What becomes of a moved node whose name is taken by one of its kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Clash {
    /// The contents of the moved folder go into the one that is there; children that clash are both kept.
    Merge,
    /// What is there is gone for good; it does not go to the recycle bin.
    Replace,
    /// The moved node gets a number behind its name.
    KeepBoth,
}

impl Clash {
    /// What happens to a node of which nothing was said.
    pub(crate) fn default_of(node: &SimNode) -> Self {
        if node.is_folder() { Self::KeepBoth } else { Self::Replace }
    }

    /// The value of `action` in a policy.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "merge" => Self::Merge,
            "replace" => Self::Replace,
            "keep_both" => Self::KeepBoth,
            _ => return None,
        })
    }
}

impl TreeState {
    /// Moves a node below `target`, which need not be a folder. A move into the folder it is in does nothing, and neither
    /// does one that has become cyclic since it was asked for.
    pub(crate) fn transfer(&mut self, id: u64, target: u64, clash: Clash, lag: Lag) {
        let Some(node) = self.node(id).filter(|node| node.parent != target).cloned() else { return };
        if self.lineage(target).iter().any(|folder| folder.id == id) {
            return;
        }
        let rivals: Vec<u64> = self.namesakes(&node, target).iter().map(|rival| rival.id).collect();
        let mut name = node.name.clone();
        match (clash, rivals.first()) {
            (_, None) => {}
            (Clash::Replace, Some(_)) => {
                for rival in rivals {
                    self.before(rival, lag);
                    self.delete(rival);
                }
            }
            (Clash::Merge, Some(rival)) if node.is_folder() => {
                for child in self.child_ids(id).to_vec() {
                    self.transfer(child, *rival, Clash::KeepBoth, lag);
                }
                self.before(id, lag);
                self.delete(id);
                return;
            }
            (Clash::Merge | Clash::KeepBoth, Some(_)) => name = free_name(self, target, &node),
        }
        self.before(id, lag);
        // A move changes no times, not even when it changes the name.
        self.edit(id, |node| node.name = name);
        self.hang(id, target);
        self.appeared(id, lag);
    }

    /// The children of a folder that are of the kind and the name of a node.
    fn namesakes(&self, node: &SimNode, folder: u64) -> Vec<&SimNode> {
        let same = |other: &&SimNode| other.name == node.name && other.is_folder() == node.is_folder();
        self.children(folder).into_iter().filter(same).collect()
    }
}

/// The name of a node with the first number behind it that no child of the folder has: `name(1)`, `stem(1).ext`.
pub(crate) fn free_name(tree: &TreeState, folder: u64, node: &SimNode) -> String {
    let (stem, extension) = match node.name.rsplit_once('.') {
        Some((stem, extension)) if !node.is_folder() && !stem.is_empty() => (stem, format!(".{extension}")),
        _ => (node.name.as_str(), String::new()),
    };
    let taken = |name: &String| tree.children(folder).iter().any(|child| child.name == *name);
    let mut names = (1_u64..).map(|number| format!("{stem}({number}){extension}"));
    names.find(|name| !taken(name)).unwrap_or_default()
}
