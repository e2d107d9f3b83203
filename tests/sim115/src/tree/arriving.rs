//! Files that arrive by upload: ids set aside for them, and the contents there are already.

use std::collections::HashMap;

use super::{NodeKind, TreeState};
use crate::content::Content;

/// Up to so many contents of one size, none is noted twice. Of more, repetitions cost less than comparing.
const COMPARED: usize = 64;

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

    /// The content of this size and hash, if a file has it or ever had it.
    pub(crate) fn content_of(&self, size: u64, sha1: &str) -> Option<Content> {
        let known = self.contents.0.get(&size)?;
        known.iter().find(|content| content.sha1_hex() == sha1).cloned()
    }
}

/// The contents files have or once had, by their sizes: 115 forgets none.
#[derive(Debug, Default)]
pub(super) struct Contents(HashMap<u64, Vec<Content>>);

impl Contents {
    /// Notes the content of a file.
    pub(super) fn note(&mut self, kind: &NodeKind) {
        if let NodeKind::File(content) = kind {
            let known = self.0.entry(content.size()).or_default();
            if known.len() >= COMPARED || !known.contains(content) {
                known.push(content.clone());
            }
        }
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
        let words = Content::Bytes("some words".into());
        assert!(tree.set_content(other, Content::Bytes("more words".into())));
        assert_eq!(tree.content_of(words.size(), &words.sha1_hex()), Some(words));
    }
}
