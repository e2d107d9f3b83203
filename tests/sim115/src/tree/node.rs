//! One file or folder.

use std::sync::OnceLock;

use crate::content::Content;
use crate::pickcode::{self, Point};

/// Whether a node is a folder or a file, and a file's bytes.
#[derive(Clone, Debug)]
pub enum NodeKind {
    /// A folder.
    Folder,
    /// A file with its content.
    File(Content),
}

/// A file or a folder of the drive.
#[derive(Clone, Debug)]
pub struct SimNode {
    /// The id, unique in the drive.
    pub id: u64,
    /// The id of the folder it lies in; the root lies in itself.
    pub parent: u64,
    /// The raw name.
    pub name: String,
    /// Folder or file.
    pub kind: NodeKind,
    /// When it came into the drive, in unix seconds.
    pub created: u64,
    /// When it was last modified, in unix seconds.
    pub modified: u64,
    /// When it was last opened, in unix seconds; 0 for never.
    pub opened: u64,
    /// Whether it is pinned before the others of its folder.
    pub pinned: bool,
    /// Whether the service itself made it.
    pub system: bool,
    /// Whether it is marked as violating content.
    pub violating: bool,
    point: Point,
    sha1: OnceLock<String>,
}

impl SimNode {
    /// A node made at `now` in the drive of the user of `point`.
    pub(crate) fn new(id: u64, parent: u64, name: String, kind: NodeKind, now: u64, point: Point) -> Self {
        Self {
            id,
            parent,
            name,
            kind,
            created: now,
            modified: now,
            opened: 0,
            pinned: false,
            system: false,
            violating: false,
            point,
            sha1: OnceLock::new(),
        }
    }

    /// Whether it is a folder.
    pub fn is_folder(&self) -> bool {
        matches!(self.kind, NodeKind::Folder)
    }

    /// The size in bytes; 0 for a folder.
    pub fn size(&self) -> u64 {
        match &self.kind {
            NodeKind::File(content) => content.size(),
            NodeKind::Folder => 0,
        }
    }

    /// The SHA-1 in upper case (see [`Content::sha1_hex`]); empty for a folder.
    pub fn sha1(&self) -> &str {
        self.sha1.get_or_init(|| match &self.kind {
            NodeKind::File(content) => content.sha1_hex(),
            NodeKind::Folder => String::new(),
        })
    }

    /// The pick code; empty for the root.
    pub fn pick_code(&self) -> String {
        pickcode::encode(self.id, self.is_folder(), self.id, self.point)
    }

    pub(crate) fn set_content(&mut self, content: Content) {
        self.kind = NodeKind::File(content);
        self.sha1 = OnceLock::new();
    }
}
