//! Where something is to be made, changed or removed: a name in a folder, and whether that may be done.
//!
//! The first half of every write. The second is in `change` and `upload`.

use std::sync::Arc;

use tokio::sync::OwnedMutexGuard;

use super::mounts::{Mount, Place};
use super::resolve::{Located, NodeRef, Walk, position};
use super::{At, Op, Resource, Standing, Vfs, VfsError, VfsErrorKind};
use crate::cache::FolderKey;
use crate::model::{FileId, Listing, Meter, stored_name};

/// 115 takes no longer names, in characters.
///
/// Source: protocol notes, writing part, §1.1.
const MAX_NAME: usize = 255;

/// A name in a folder of a mount that may be written to.
#[derive(Clone)]
pub(super) struct Target {
    pub(super) mount: Arc<Mount>,
    /// The folder.
    pub(super) folder: NodeRef,
    /// The name as the client has it.
    pub(super) name: Box<str>,
    /// The name as 115 is to have it.
    pub(super) stored: Box<str>,
    /// What is there under that name.
    pub(super) existing: Option<NodeRef>,
    /// The listing that says so; none for a target whose node is known otherwise.
    pub(super) seen: Option<Arc<Listing>>,
    /// What the user may do with it.
    pub(super) standing: Standing,
}

impl Target {
    pub(super) fn key(&self) -> FolderKey {
        key(&self.mount, self.folder.id)
    }

    /// Makes sure that the user may change all that is at the target.
    pub(super) fn check_all(&self) -> Result<(), VfsErrorKind> {
        if self.existing.as_ref().is_some_and(|node| node.is_folder())
            && !self.standing.is_writable_throughout()
        {
            return Err(refused_below());
        }
        Ok(())
    }
}

/// The key of a folder of `mount`.
pub(super) fn key(mount: &Mount, folder: FileId) -> FolderKey {
    FolderKey { drive: mount.drive_key, folder }
}

/// The folder and the name of what is not the top of a mount.
fn place(located: &Located) -> (FolderKey, &str) {
    (key(&located.mount, located.parent.unwrap_or(FileId::ROOT)), &located.node.name)
}

impl Vfs {
    /// The target at `at`.
    ///
    /// **Cost**: one call for each folder above it that is not in the cache.
    pub(super) async fn target(&self, meter: &Meter, at: &At) -> Result<Target, VfsErrorKind> {
        let (mount, root, names) = match self.mounts.find(at.tree_path()) {
            Place::Mounted(mount, root, names) => (mount, root, names),
            Place::Virtual(..) | Place::Nothing => return Err(own_folder()),
        };
        let Some((&name, above)) = names.split_last() else { return Err(own_folder()) };
        if at.path().is_root() {
            return Err(VfsErrorKind::Refused("this is the top of what you may see".into()));
        }
        // A mount that is hidden is answered as if there were none.
        let top = Self::mount_root(at, mount, root).map_err(|_| own_folder())?;
        check_mount(mount)?;
        let folder = self.walk(meter, at, top, above, Walk::Load).await.map_err(no_parent)?;
        if !folder.node.is_folder() {
            return Err(VfsErrorKind::NoParent);
        }
        let listing = self.children(meter, &folder.mount, folder.node.id, folder.parent).await;
        let listing = listing.map_err(no_parent)?;
        let index = if at.is_lenient() { position(&listing, name) } else { listing.position(name) };
        let existing = index.map(|index| NodeRef::Listed(Arc::clone(&listing), index));
        let standing = folder.standing.step(existing.as_ref().map_or(name, |node| &node.name));
        check_standing(&standing)?;
        Ok(Target {
            stored: stored(existing.as_ref().map_or(name, |node| &node.name))?,
            mount: folder.mount,
            folder: folder.node,
            // What is there under another spelling keeps its own.
            name: existing.as_ref().map_or(name, |node| &node.name).into(),
            seen: Some(listing),
            existing,
            standing,
        })
    }

    /// Waits for the turn of `target`, and looks again what is there then: who had the turn before may have put it there.
    ///
    /// **Cost**: none, unless the folder is no longer in the cache.
    pub(super) async fn take_turn(
        &self,
        meter: &Meter,
        target: &Target,
    ) -> Result<(OwnedMutexGuard<()>, Target), VfsErrorKind> {
        let turn = self.memory.turns.of(target.key(), &target.name).await;
        Ok((turn, self.look_again(meter, target).await?))
    }

    async fn look_again(&self, meter: &Meter, target: &Target) -> Result<Target, VfsErrorKind> {
        let Some(seen) = &target.seen else { return Ok(target.clone()) };
        let listing = self.children(meter, &target.mount, target.folder.id, None).await.map_err(no_parent)?;
        if Arc::ptr_eq(&listing, seen) {
            return Ok(target.clone());
        }
        let existing = listing.position(&target.name).map(|index| NodeRef::Listed(listing, index));
        Ok(Target { existing, ..target.clone() })
    }

    /// Waits for the turn of `source`, which is at `at` and is to go, and looks again whether it is there still.
    ///
    /// **Cost**: as [`Vfs::take_turn`].
    pub(super) async fn take_source_turn(
        &self,
        meter: &Meter,
        at: &At,
        source: &Located,
    ) -> Result<(OwnedMutexGuard<()>, Located), VfsErrorKind> {
        let (folder, name) = place(source);
        let turn = self.memory.turns.of(folder, name).await;
        Ok((turn, self.removable(meter, at).await?))
    }

    /// Waits for the turns of both ends of a move, and looks again what is at both.
    ///
    /// **Cost**: as [`Vfs::take_turn`].
    pub(super) async fn take_both_turns(
        &self,
        meter: &Meter,
        at: &At,
        source: &Located,
        target: &Target,
    ) -> Result<(Vec<OwnedMutexGuard<()>>, Located, Target), VfsErrorKind> {
        let turns = self.memory.turns.of_both([place(source), (target.key(), &target.name)]).await;
        let source = self.removable(meter, at).await?;
        Ok((turns, source, self.look_again(meter, target).await?))
    }

    /// Makes sure that `at` lies in no mount that cannot be changed at all. One that the view hides is passed over.
    ///
    /// **Cost**: none.
    pub fn check_mount_of(&self, at: &At) -> Result<(), VfsError> {
        let Place::Mounted(mount, root, _) = self.mounts.find(at.tree_path()) else { return Ok(()) };
        let is_shown = Self::mount_root(at, mount, root).is_ok();
        let outcome = if is_shown { check_mount(mount) } else { Ok(()) };
        outcome.map_err(|kind| VfsError { op: Op::Write, path: at.path().clone(), kind })
    }

    /// What is at `at`, to be changed itself, whatever is in it.
    ///
    /// **Cost**: as [`Vfs::stat`].
    /// **Errors**: `Refused` for folders of the gateway's own and for what the user may not change.
    pub async fn changeable(&self, meter: &Meter, at: &At) -> Result<NodeRef, VfsError> {
        let outcome = match self.resolve(meter, at, Walk::Load).await {
            Ok(Resource::Mounted(found)) => {
                check_mount(&found.mount).and_then(|()| check_standing(&found.standing)).map(|()| found.node)
            }
            Ok(Resource::Virtual(..)) => Err(own_folder()),
            Err(kind) => Err(kind),
        };
        outcome.map_err(|kind| VfsError { op: Op::SetProperties, path: at.path().clone(), kind })
    }

    /// Whether there is something to lock at `at`: whether it is of a mount in which the user may change something there or below.
    /// Goes by the text alone.
    ///
    /// **Cost**: none.
    pub fn may_lock(&self, at: &At) -> bool {
        matches!(self.mounts.find(at.tree_path()), Place::Mounted(..)) && self.may_change(at)
    }

    /// What is at `at`, to be removed or moved away, with all that is in it.
    ///
    /// **Cost**: one call for each folder above it that is not in the cache.
    pub(super) async fn removable(&self, meter: &Meter, at: &At) -> Result<Located, VfsErrorKind> {
        match self.mounts.find(at.tree_path()) {
            Place::Mounted(mount, root, names) if !names.is_empty() => {
                Self::mount_root(at, mount, root)?;
                check_mount(mount)?;
            }
            Place::Mounted(..) | Place::Virtual(..) => return Err(own_folder()),
            Place::Nothing => return Err(VfsErrorKind::NotFound),
        }
        if at.path().is_root() {
            return Err(VfsErrorKind::Refused("this is the top of what you may see".into()));
        }
        let Resource::Mounted(found) = self.resolve(meter, at, Walk::Load).await? else {
            return Err(own_folder());
        };
        check_standing(&found.standing)?;
        if found.node.is_folder() && !found.standing.is_writable_throughout() {
            return Err(refused_below());
        }
        Ok(found)
    }
}

/// Makes sure that anything in `mount` can be changed at all, for which no call is needed.
fn check_mount(mount: &Mount) -> Result<(), VfsErrorKind> {
    if mount.drive.is_share() {
        let reason = "it lies in a share of 115, which only its sharer can change";
        return Err(VfsErrorKind::Refused(reason.into()));
    }
    if mount.read_only {
        let reason = format!("the mount {} is read-only; that is set in the configuration", mount.path);
        return Err(VfsErrorKind::Refused(reason.into()));
    }
    Ok(())
}

fn check_standing(standing: &Standing) -> Result<(), VfsErrorKind> {
    if standing.is_writable() {
        return Ok(());
    }
    Err(VfsErrorKind::Refused("you may not change anything here".into()))
}

/// The name at 115 for what a client calls `name`.
fn stored(name: &str) -> Result<Box<str>, VfsErrorKind> {
    let refused = |reason: String| Err(VfsErrorKind::Refused(reason.into()));
    let Some(stored) = stored_name(name) else {
        return refused(
            "the character ‛ (U+201B) stands for others in names here; leave it out of the name".to_owned(),
        );
    };
    let length = stored.chars().count();
    if length > MAX_NAME {
        return refused(format!(
            "its name has {length} characters, and 115 takes no more than {MAX_NAME}; shorten it"
        ));
    }
    Ok(stored.into())
}

/// Whatever is not there on the way to a new name is its parent.
fn no_parent(kind: VfsErrorKind) -> VfsErrorKind {
    match kind {
        VfsErrorKind::NotFound | VfsErrorKind::NotAFolder => VfsErrorKind::NoParent,
        other => other,
    }
}

fn own_folder() -> VfsErrorKind {
    let reason = "this folder is made by the configuration of the gateway and cannot be changed; go into one of its mounts";
    VfsErrorKind::Refused(reason.into())
}

fn refused_below() -> VfsErrorKind {
    VfsErrorKind::Refused("there is something in it that you may not change".into())
}
