//! From a path to a node: the only walker in the crate.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use unicode_normalization::UnicodeNormalization as _;

use super::mounts::{Mount, Place};
use super::{At, Standing, Vfs, VfsErrorKind};
use crate::cache::FolderKey;
use crate::drive::{DriveError, DriveErrorKind};
use crate::model::{FileId, Listing, Meter, Node};

/// A node, kept alive by the listing it stands in. Never a copy.
#[derive(Clone, Debug)]
pub enum NodeRef {
    /// An entry of a listing.
    Listed(Arc<Listing>, usize),
    /// The root of a mount, or a virtual folder.
    Own(Arc<Node>),
}

impl Deref for NodeRef {
    type Target = Node;

    fn deref(&self) -> &Node {
        match self {
            Self::Listed(listing, index) => &listing.nodes()[*index],
            Self::Own(node) => node,
        }
    }
}

/// Something of a mount.
#[derive(Clone)]
pub struct Located {
    pub(super) mount: Arc<Mount>,
    pub(super) node: NodeRef,
    /// The folder in whose listing it stands; the mount's root has none.
    pub(super) parent: Option<FileId>,
    /// What the user may see below it.
    pub(super) standing: Standing,
}

/// What a path led to, with what is needed to do something with it. Never a copy.
#[derive(Clone)]
pub enum Resource {
    /// Something of a mount.
    Mounted(Located),
    /// A folder of the gateway's own, and what the user may see below it.
    Virtual(Arc<Node>, Arc<Listing>, Standing),
}

impl Resource {
    /// What is known of it, without where it is.
    pub fn into_node(self) -> NodeRef {
        match self {
            Self::Mounted(located) => located.node,
            Self::Virtual(node, ..) => NodeRef::Own(node),
        }
    }
}

impl fmt::Debug for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Resource").field(&**self).finish()
    }
}

impl Deref for Resource {
    type Target = Node;

    fn deref(&self) -> &Node {
        match self {
            Self::Mounted(located) => &located.node,
            Self::Virtual(node, ..) => node,
        }
    }
}

/// Where listings may come from during a walk.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Walk {
    /// The cache, else 115.
    Load,
    /// The cache alone: what is not in it counts as not there.
    CacheOnly,
}

impl Vfs {
    pub(super) async fn resolve(&self, meter: &Meter, at: &At, walk: Walk) -> Result<Resource, VfsErrorKind> {
        match self.mounts.find(at.tree_path()) {
            Place::Mounted(mount, root, names) => {
                let top = Self::mount_root(at, mount, root)?;
                self.walk(meter, at, top, &names, walk).await.map(Resource::Mounted)
            }
            Place::Virtual(node, listing) => {
                let standing = Standing::top(at.view()).along(at.tree_path());
                if !standing.shows(true) {
                    return Err(VfsErrorKind::NotFound);
                }
                Ok(Resource::Virtual(Arc::clone(node), Arc::clone(listing), standing))
            }
            Place::Nothing => Err(VfsErrorKind::NotFound),
        }
    }

    /// Where a walk in `mount` begins. Every step may end at what is hidden, where the walk ends as it would if nothing were there.
    pub(super) fn mount_root(at: &At, mount: &Arc<Mount>, root: &Arc<Node>) -> Result<Located, VfsErrorKind> {
        let standing = Standing::top(at.view()).along(&mount.path);
        if !standing.shows(true) {
            return Err(VfsErrorKind::NotFound);
        }
        Ok(Located { mount: Arc::clone(mount), node: NodeRef::Own(Arc::clone(root)), parent: None, standing })
    }

    /// Goes on from `top`, the root of a mount, by `names`.
    pub(super) async fn walk(
        &self,
        meter: &Meter,
        at: &At,
        top: Located,
        names: &[&str],
        walk: Walk,
    ) -> Result<Located, VfsErrorKind> {
        let Located { mount, mut node, mut parent, mut standing } = top;
        let home_depth = at.view().home_depth();
        let missing = |depth| if depth <= home_depth { no_home() } else { VfsErrorKind::NotFound };
        for (depth, name) in (mount.path.segments().count() + 1..).zip(names) {
            if !node.is_folder() {
                return Err(missing(depth));
            }
            let listing = match walk {
                Walk::Load => self.children(meter, &mount, node.id, parent).await?,
                Walk::CacheOnly => {
                    let key = FolderKey { drive: mount.drive_key, folder: node.id };
                    self.memory.listings.get(key).await.ok_or(VfsErrorKind::NotFound)?
                }
            };
            let index = position(&listing, name).ok_or_else(|| missing(depth))?;
            let found = &listing.nodes()[index];
            standing = standing.step(&found.name);
            if !standing.shows(found.is_folder()) {
                return Err(missing(depth));
            }
            parent = Some(node.id);
            node = NodeRef::Listed(listing, index);
        }
        Ok(Located { mount, node, parent, standing })
    }

    /// The children of a folder, from the cache or from 115.
    ///
    /// `parent` is the folder in whose listing it was found.
    /// If 115 says that the folder is gone, that listing is out of date and is forgotten.
    pub(super) async fn children(
        &self,
        meter: &Meter,
        mount: &Mount,
        folder: FileId,
        parent: Option<FileId>,
    ) -> Result<Arc<Listing>, VfsErrorKind> {
        let key = FolderKey { drive: mount.drive_key, folder };
        let load = || {
            let (drive, meter) = (Arc::clone(&mount.drive), meter.clone());
            async move { drive.list(&meter, folder).await.map(Arc::new) }
        };
        let error: DriveError = match self.memory.listings.get_or_load(key, load).await {
            Ok(listing) => return Ok(listing),
            Err(error) => error,
        };
        match (error.kind, parent) {
            (DriveErrorKind::NotFound, Some(parent)) => {
                self.forget_listing(mount, parent).await;
                Err(VfsErrorKind::NotFound)
            }
            // The mount itself was promised by the configuration. A client must not conclude that its content was deleted.
            (DriveErrorKind::NotFound, None) => Err(VfsErrorKind::Drive(DriveError::new(
                DriveErrorKind::Unavailable,
                format!(
                    "115 has no folder with the id {folder}, which the mount {} shows; correct root_id in its configuration",
                    mount.path
                ),
            ))),
            _ => Err(VfsErrorKind::Drive(error)),
        }
    }

    /// Forgets a listing that shows what is no longer there.
    pub(super) async fn forget_listing(&self, mount: &Mount, folder: FileId) {
        self.memory.listings.invalidate(FolderKey { drive: mount.drive_key, folder }).await;
    }
}

/// A home was promised by the configuration. A client must not conclude that its content was deleted.
fn no_home() -> VfsErrorKind {
    let reason = "the folder that is the home of this user is not there; correct home in the configuration, or make it at 115";
    VfsErrorKind::Drive(DriveError::new(DriveErrorKind::Unavailable, reason))
}

/// Finds `name` as it is or as Windows has to spell it, and then in another Unicode normal form (Finder sends NFD).
///
/// The name as it was asked for goes first in both spellings, so that whatever a listing shows leads to the entry it stands for,
/// even next to one that differs in the normal form alone.
pub(super) fn position(listing: &Listing, name: &str) -> Option<usize> {
    let spelled = |name: &str| listing.position(name).or_else(|| listing.position_windows(name));
    spelled(name).or_else(|| {
        if name.is_ascii() {
            return None;
        }
        let composed: String = name.nfc().collect();
        let decomposed: String = name.nfd().collect();
        spelled(&composed).or_else(|| spelled(&decomposed)).or_else(|| mixed(listing, &composed))
    })
}

/// Finds an entry whose own name is part composed and part decomposed, which no form of another name is equal to.
///
/// Goes through all names, but leaves each at the first character that differs.
/// Of several, the first by name is taken, whatever order 115 lists them in.
fn mixed(listing: &Listing, composed: &str) -> Option<usize> {
    let node =
        listing.by_name().find(|node| !node.name.is_ascii() && node.name.nfc().eq(composed.chars()))?;
    listing.position(&node.name)
}
