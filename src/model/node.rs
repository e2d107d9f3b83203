//! One file or folder.

use std::time::SystemTime;

use super::{FileId, PickCode, Sha1};

/// What a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A collection in WebDAV's words.
    Folder,
    /// A resource with a body.
    File,
}

/// One file or folder, as a listing shows it.
#[derive(Clone, Debug)]
pub struct Node {
    /// Id at 115.
    pub id: FileId,
    /// Folder or file.
    pub kind: Kind,
    /// The name in paths: see [`super::visible_name`]. Unique within its listing.
    pub name: Box<str>,
    /// Length in bytes; 0 for a folder.
    pub size: u64,
    /// Content hash; folders have none, and 115 may leave it out of a file.
    pub sha1: Option<Sha1>,
    /// What a download link is asked for with.
    pub pick_code: PickCode,
    /// Last change.
    pub modified: SystemTime,
    /// Creation (for 115: the upload).
    pub created: SystemTime,
    /// 115 found the content in violation of its rules and refuses to hand it out.
    pub censored: bool,
}

impl Node {
    /// Whether this is a folder.
    pub fn is_folder(&self) -> bool {
        self.kind == Kind::Folder
    }

    /// A folder that exists only in the gateway: a mount point or a parent of one.
    pub fn virtual_folder(name: &str, time: SystemTime) -> Self {
        Self {
            id: FileId::ROOT,
            kind: Kind::Folder,
            name: name.into(),
            size: 0,
            sha1: None,
            pick_code: PickCode::NONE,
            modified: time,
            created: time,
            censored: false,
        }
    }
}
