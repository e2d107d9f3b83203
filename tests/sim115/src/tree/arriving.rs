//! Files that arrive by upload: ids set aside for them, and the contents there are already.

use super::{NodeKind, TreeState};
use crate::content::Content;

impl TreeState {
    /// Sets an id aside for a file that may arrive later.
    pub(crate) fn reserve(&mut self) -> u64 {
        let id = self.next_id;
        self.next_id += 1;
        id
    }

    /// Adds a file under an id set aside for it.
    ///
    /// # Panics
    /// When `parent` is no folder.
    pub(crate) fn add_reserved(&mut self, id: u64, parent: u64, name: &str, content: Content) {
        self.add_as(id, parent, name, NodeKind::File(content));
    }

    /// The content of this size and hash, if a file has it or a deleted one had it.
    pub(crate) fn content_of(&self, size: u64, sha1: &str) -> Option<Content> {
        let mut files = self.nodes.values().chain(&self.gone).filter_map(|node| match &node.kind {
            NodeKind::File(content) => Some((node, content)),
            NodeKind::Folder => None,
        });
        files
            .find(|(node, content)| content.size() == size && node.sha1() == sha1)
            .map(|(_, content)| content.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::super::{ROOT, Tree};
    use super::*;

    #[test]
    fn contents_are_found_in_files_and_in_deleted_ones() {
        let mut tree = TreeState::build(&Tree::Empty);
        let content = Content::Bytes("some text".into());
        let (size, sha1) = (content.size(), content.sha1_hex());
        assert_eq!(tree.content_of(size, &sha1), None);
        let id = tree.reserve();
        let other = tree.add_file(ROOT, "other", Content::Bytes("some words".into()));
        tree.add_reserved(id, ROOT, "one", content.clone());
        assert!(id < other && tree.node(id).is_some());
        assert_eq!(tree.content_of(size, &sha1), Some(content.clone()));
        assert_eq!(tree.content_of(size + 1, &sha1), None);
        assert!(tree.delete(id));
        assert_eq!(tree.content_of(size, &sha1), Some(content));
    }
}
