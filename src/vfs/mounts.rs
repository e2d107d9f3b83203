//! Which drive serves which path.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::SystemTime;

use super::VPath;
use crate::cache::DriveKey;
use crate::drive::Drive;
use crate::model::{DownloadPolicy, FileId, Junk, Listing, Node};

/// A folder of a drive, shown at a path.
pub struct Mount {
    /// Where it is shown.
    pub path: VPath,
    /// The drive.
    pub drive: Arc<dyn Drive>,
    /// Mounts of the same drive share this, and with it their caches.
    pub drive_key: DriveKey,
    /// The folder of the drive that is shown.
    pub root: FileId,
    /// How content is handed out.
    pub download: DownloadPolicy,
    /// Nothing in it may be changed.
    pub read_only: bool,
    /// What is removed stays in 115's recycle bin.
    pub trash: bool,
    /// What becomes of files that systems leave everywhere.
    pub junk: Junk,
    /// Only what 115 already has may be uploaded.
    pub hash_only: bool,
}

impl Mount {
    /// All of a drive, to be read and written.
    pub fn whole(path: VPath, drive: Arc<dyn Drive>, drive_key: DriveKey) -> Self {
        Self {
            path,
            drive,
            drive_key,
            root: FileId::ROOT,
            download: DownloadPolicy::Redirect,
            read_only: false,
            trash: true,
            junk: Junk::Swallow,
            hash_only: false,
        }
    }
}

/// All mounts, and the folders that exist only because a mount lies below them.
pub(super) struct Mounts {
    by_path: HashMap<VPath, (Arc<Mount>, Arc<Node>)>,
    virtual_folders: HashMap<VPath, (Arc<Node>, Arc<Listing>)>,
}

/// What a path leads to.
pub(super) enum Place<'a> {
    /// Into a mount: its root's node, and the names to walk from there.
    Mounted(&'a Arc<Mount>, &'a Arc<Node>, Vec<&'a str>),
    /// A folder of the gateway's own.
    Virtual(&'a Arc<Node>, &'a Arc<Listing>),
    /// Nowhere.
    Nothing,
}

impl Mounts {
    /// Builds the table. Mounts must not lie inside one another; the configuration has checked that.
    /// `time` is shown as the date of folders that have none.
    pub(super) fn new(mounts: Vec<Mount>, time: SystemTime) -> Self {
        let mut children: HashMap<VPath, BTreeMap<Box<str>, Node>> = HashMap::new();
        let mut by_path = HashMap::new();
        if mounts.is_empty() {
            children.insert(VPath::root(), BTreeMap::new());
        }
        for mount in mounts {
            let mut parent = String::from("/");
            for segment in mount.path.segments() {
                let folder = VPath::parse(&parent).unwrap_or_else(|_| VPath::root());
                children
                    .entry(folder)
                    .or_default()
                    .insert(segment.into(), Node::virtual_folder(segment, time));
                parent = format!("{}/{segment}", parent.trim_end_matches('/'));
            }
            let name = mount.path.name().unwrap_or_default();
            let node = Arc::new(Node { id: mount.root, ..Node::virtual_folder(name, time) });
            by_path.insert(mount.path.clone(), (Arc::new(mount), node));
        }
        let virtual_folders = children
            .into_iter()
            .map(|(path, children)| {
                let node = Node::virtual_folder(path.name().unwrap_or_default(), time);
                let listing = Listing::new(children.into_values().collect());
                (path, (Arc::new(node), Arc::new(listing)))
            })
            .collect();
        Self { by_path, virtual_folders }
    }

    /// Where `path` leads: the longest mount that is a prefix of it, or a virtual folder.
    pub(super) fn find<'a>(&'a self, path: &'a VPath) -> Place<'a> {
        if let Some((node, listing)) = self.virtual_folders.get(path) {
            return Place::Virtual(node, listing);
        }
        let mut prefix = path.as_str();
        loop {
            if let Some((mount, node)) = self.by_path.get(if prefix.is_empty() { "/" } else { prefix }) {
                let below = path.as_str()[prefix.len()..].split('/').filter(|name| !name.is_empty());
                return Place::Mounted(mount, node, below.collect());
            }
            let Some(parent) = prefix.rfind('/') else { break };
            prefix = &prefix[..parent];
        }
        Place::Nothing
    }
}
