//! A path with who asks for it.

use super::view::fold;
use super::{BadPath, VPath, View};

/// A path as a client calls it, with what that client sees.
#[derive(Clone, Debug)]
pub struct At {
    path: VPath,
    /// The same in the whole tree, where the home makes a difference.
    tree: Option<VPath>,
    view: View,
    /// The client cannot spell every name: see [`At::spelled_leniently`].
    lenient: bool,
}

impl At {
    pub(super) fn new(path: VPath, tree: Option<VPath>, view: View) -> Self {
        Self { path, tree, view, lenient: false }
    }

    /// As the client calls it: below its home.
    pub fn path(&self) -> &VPath {
        &self.path
    }

    /// As the owner of the gateway calls it: below the top of the whole tree.
    pub fn tree_path(&self) -> &VPath {
        self.tree.as_ref().unwrap_or(&self.path)
    }

    /// The same, from a client that cannot spell every name as it is, and so means what is there by what it writes.
    ///
    /// For the others, a name in another Unicode normal form or with a full-width twin is another name when they write.
    #[must_use]
    pub fn spelled_leniently(self, lenient: bool) -> Self {
        Self { lenient, ..self }
    }

    /// The folder above; the top has none.
    pub(super) fn parent(&self) -> Option<Self> {
        let path = self.path.parent()?;
        Some(self.view.at(path).spelled_leniently(self.lenient))
    }

    pub(super) fn is_lenient(&self) -> bool {
        self.lenient
    }

    /// The same for all spellings of the path that can lead to one node, whoever calls it.
    pub fn key(&self) -> String {
        self.tree_path().segments().fold(String::new(), |key, name| key + "/" + &fold(name))
    }

    /// The child called `name`.
    pub fn join(&self, name: &str) -> Result<Self, BadPath> {
        Ok(self.view.at(self.path.join(name)?).spelled_leniently(self.lenient))
    }

    /// What the client sees.
    pub fn view(&self) -> &View {
        &self.view
    }
}
