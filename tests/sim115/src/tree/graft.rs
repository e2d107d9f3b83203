//! Copying nodes from one tree into another.

use super::{SimNode, TreeState};

impl TreeState {
    /// Copies a node of `source` with everything below it into a folder and returns the id of the copy. All copies
    /// have ids of this tree, and its times.
    ///
    /// # Panics
    /// When `parent` is no folder of this tree or `id` no node of the other.
    pub(crate) fn graft(&mut self, parent: u64, source: &Self, id: u64) -> u64 {
        let top = self.copy(parent, &source.nodes[&id]);
        let mut waiting = vec![(id, top)];
        while let Some((from, to)) = waiting.pop() {
            for child in source.children(from) {
                let copy = self.copy(to, child);
                if child.is_folder() {
                    waiting.push((child.id, copy));
                }
            }
        }
        top
    }

    pub(super) fn copy(&mut self, parent: u64, node: &SimNode) -> u64 {
        let id = self.add(parent, &node.name, node.kind.clone());
        if node.violating {
            self.set_violating(id, true);
        }
        id
    }
}

#[cfg(test)]
mod tests {
    use super::super::{ROOT, Tree};
    use super::*;
    use crate::num::long;

    #[test]
    fn a_copy_has_the_same_files_under_other_ids() {
        let source = TreeState::build_foreign(&Tree::DemoSmall, 0);
        let folder = source.find(&["剧集"]).unwrap();
        let mut tree = TreeState::default();
        let copy = tree.graft(ROOT, &source, folder);
        assert_eq!(tree.weight(copy), source.weight(folder));
        assert!(tree.walk().iter().all(|(_, node)| source.node(node.id).is_none()));
        let names = |tree: &TreeState, at| -> Vec<String> {
            let found = tree.files_with_paths(at);
            found
                .iter()
                .map(|(path, node)| format!("{}/{} {}", path.join("/"), node.name, node.sha1()))
                .collect()
        };
        assert_eq!(names(&tree, copy), names(&source, folder));
        assert_eq!(long(names(&tree, copy).len()), tree.weight(copy).0);
    }
}
