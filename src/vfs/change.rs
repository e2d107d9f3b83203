//! Making folders, removing, moving and copying.
//!
//! Order of danger: nothing that exists is removed before its replacement stands,
//! and a step that fails undoes those before it, or says that it could not.

use std::sync::Arc;

use super::mounts::Mount;
use super::resolve::{Located, NodeRef, Walk};
use super::target::{Target, key};
use super::{At, Op, Resource, Vfs, VfsError, VfsErrorKind};
use crate::drive::{DriveError, DriveErrorKind};
use crate::model::{Change, FileId, Meter, Node};

/// What of a folder is copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// The folder alone.
    Zero,
    /// All that is in it as well.
    Infinity,
}

impl Vfs {
    /// Makes a folder at `at`.
    ///
    /// **Cost**: one call, and one for each folder above that is not in the cache.
    /// **Errors**: `Exists`; `NoParent`; `Refused`.
    pub async fn create_folder(&self, meter: &Meter, at: &At) -> Result<(), VfsError> {
        let outcome = async {
            let target = self.target(meter, at).await?;
            if target.existing.is_some() {
                return Err(VfsErrorKind::Exists);
            }
            self.create_at(meter, &target).await
        };
        outcome.await.map(drop).map_err(|kind| VfsError { op: Op::MakeFolder, path: at.path().clone(), kind })
    }

    pub(super) async fn create_at(&self, meter: &Meter, target: &Target) -> Result<Node, VfsErrorKind> {
        let made = target.mount.drive.create_folder(meter, target.folder.id, &target.stored).await;
        let node = match made {
            Ok(node) => Node { name: target.name.clone(), ..node },
            Err(error) => return Err(self.failed_in(&target.mount, target.folder.id, error).await),
        };
        // What has just been made is empty, and nobody has to ask 115 for that.
        self.memory.listings.put_empty(key(&target.mount, node.id)).await;
        self.memory.listings.note(target.key(), vec![Change::Put(node.clone())]);
        Ok(node)
    }

    /// Removes what is at `at`, with all that is in it.
    ///
    /// **Cost**: one call, however much is in it; one more if the mount does not keep it in the recycle bin.
    /// **Errors**: `Refused` for the top of a mount and for what the user may not change.
    pub async fn remove(&self, meter: &Meter, at: &At) -> Result<(), VfsError> {
        let outcome = async {
            let found = self.removable(meter, at).await?;
            let (_turn, found) = self.take_source_turn(meter, at, &found).await?;
            self.discard(meter, &found).await.map_err(VfsErrorKind::Drive)
        };
        outcome.await.map_err(|kind| VfsError { op: Op::Remove, path: at.path().clone(), kind })
    }

    async fn discard(&self, meter: &Meter, found: &Located) -> Result<(), DriveError> {
        let folder = found.parent.unwrap_or(FileId::ROOT);
        self.trash(meter, &found.mount, folder, &found.node).await
    }

    /// Puts a child of `folder` into the recycle bin, or drops it if it is here alone.
    pub(super) async fn trash(
        &self,
        meter: &Meter,
        mount: &Mount,
        folder: FileId,
        node: &Node,
    ) -> Result<(), DriveError> {
        if self.drop_local(key(mount, folder), node.id) {
            return Ok(());
        }
        match mount.drive.trash(meter, &[node.id], folder).await {
            Ok(()) => {}
            // Then it is as it should be.
            Err(error) if error.kind == DriveErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        self.memory.listings.note(key(mount, folder), vec![Change::Gone(node.id)]);
        if !mount.trash
            && let Err(error) = mount.drive.purge(meter, &[node.id]).await
        {
            // It is removed, and that is what was asked for.
            tracing::warn!("{} was removed but stays in the recycle bin of 115: {error}", node.name);
        }
        Ok(())
    }

    /// Gives what is at `from` the name and place of `to`, whose node, if there is one, goes to the recycle bin.
    ///
    /// **Cost**: one call for another name, one for another place, one or two if something is replaced,
    /// and one for each folder above that is not in the cache. To another account as [`Vfs::copy`].
    pub async fn relocate(self: &Arc<Self>, meter: &Meter, from: &At, to: &At) -> Result<(), VfsError> {
        let outcome = async {
            let source = self.removable(meter, from).await?;
            let target = self.target(meter, to).await?;
            self.check_not_inside(meter, from, to, &source).await?;
            let (_turns, source, mut target) = self.take_both_turns(meter, from, &source, &target).await?;
            let same_drive = source.mount.drive_key == target.mount.drive_key;
            if same_drive && target.existing.as_ref().is_some_and(|node| node.id == source.node.id) {
                // The same node under another spelling of its name.
                target.existing = None;
            }
            target.check_all()?;
            if self.memory.locals.contains(source.node.id) {
                return self.relocate_local(meter, &source, target).await;
            }
            if !same_drive {
                self.transfer(meter, from, &source, &target).await?;
                return self.discard(meter, &source).await.map_err(VfsErrorKind::Drive);
            }
            self.relocate_in_drive(meter, &source, &target).await
        };
        outcome.await.map_err(|kind| VfsError { op: Op::Move, path: from.path().clone(), kind })
    }

    async fn relocate_in_drive(
        &self,
        meter: &Meter,
        source: &Located,
        target: &Target,
    ) -> Result<(), VfsErrorKind> {
        let drive = &source.mount.drive;
        let old = &*source.node;
        let from = source.parent.unwrap_or(FileId::ROOT);
        let into = target.folder.id;
        let mut node = old.clone();
        let takes_name = old.name != target.name || is_told_apart(old);
        if takes_name {
            let renamed = drive.rename(meter, old, from, &target.stored).await;
            node = match renamed {
                Ok(node) => Node { name: target.name.clone(), ..node },
                Err(error) => return Err(self.failed_in(&source.mount, from, error).await),
            };
            let changes = vec![Change::Gone(old.id), Change::Put(node.clone())];
            self.memory.listings.note(key(&source.mount, from), changes);
        }
        let mut moved = false;
        let rest = async {
            if from != into {
                drive.relocate(meter, &node, from, into).await?;
                moved = true;
                if target.existing.is_some() {
                    // Beside its namesake 115 may have given it another name.
                    node = drive.rename(meter, &node, into, &target.stored).await?;
                    node.name = target.name.clone();
                }
            }
            self.replace(meter, target, &node).await
        };
        if let Err(error) = rest.await {
            return Err(match self.undo(meter, source, &node, moved.then_some(into), takes_name).await {
                Ok(()) => VfsErrorKind::Drive(error),
                Err(_) => half_done(&error),
            });
        }
        if from != into {
            self.memory.listings.note(key(&source.mount, from), vec![Change::Gone(node.id)]);
            self.memory.listings.note(target.key(), vec![Change::Put(node)]);
        }
        Ok(())
    }

    /// Puts back what [`Vfs::relocate_in_drive`] has done to `node` so far.
    async fn undo(
        &self,
        meter: &Meter,
        source: &Located,
        node: &Node,
        moved_to: Option<FileId>,
        renamed: bool,
    ) -> Result<(), DriveError> {
        let (drive, from) = (&source.mount.drive, source.parent.unwrap_or(FileId::ROOT));
        let mut back = node.clone();
        if let Some(place) = moved_to {
            drive.relocate(meter, &back, place, from).await?;
        }
        if renamed || moved_to.is_some() {
            let stored = crate::model::stored_name(&source.node.name).unwrap_or_default();
            back = drive.rename(meter, &back, from, &stored).await?;
        }
        back.name = source.node.name.clone();
        let changes = vec![Change::Gone(node.id), Change::Put(back)];
        self.memory.listings.note(key(&source.mount, from), changes);
        Ok(())
    }

    /// Copies what is at `from` to `to`, whose node, if there is one, goes to the recycle bin.
    ///
    /// **Cost**: as [`crate::drive::Drive::copy`]; between accounts as much as an upload for each file and one call for each folder.
    pub async fn copy(
        self: &Arc<Self>,
        meter: &Meter,
        from: &At,
        to: &At,
        depth: Depth,
    ) -> Result<(), VfsError> {
        let outcome = async {
            let source = match self.resolve(meter, from, Walk::Load).await? {
                Resource::Mounted(found) if found.parent.is_some() || depth == Depth::Zero => found,
                _ => {
                    return Err(VfsErrorKind::Refused(
                        "a whole mount cannot be copied; copy what is in it".into(),
                    ));
                }
            };
            let target = self.target(meter, to).await?;
            if !source.standing.is_readable_throughout() {
                return Err(VfsErrorKind::Refused("there is something in it that you may not read".into()));
            }
            if source.node.is_folder() && depth == Depth::Infinity {
                self.settle_account(meter, &source.mount).await?;
            }
            let (_turn, target) = self.take_turn(meter, &target).await?;
            target.check_all()?;
            if source.node.is_folder() && depth == Depth::Zero {
                return match target.existing {
                    Some(_) => self.make_staged(meter, &target, None).await,
                    None => self.create_at(meter, &target).await.map(drop),
                };
            }
            self.check_not_inside(meter, from, to, &source).await?;
            if let Some(content) = self.memory.locals.content(source.node.id) {
                return self.copy_local(meter, content, target).await;
            }
            if source.mount.drive_key == target.mount.drive_key {
                let copied =
                    source.mount.drive.copy(meter, &source.node, target.folder.id, &target.stored).await;
                let node = match copied {
                    Ok(node) => Node { name: target.name.clone(), ..node },
                    Err(error) => return Err(self.failed_in(&target.mount, target.folder.id, error).await),
                };
                self.stands(meter, &target, node).await
            } else {
                self.transfer(meter, from, &source, &target).await
            }
        };
        outcome.await.map_err(|kind| VfsError { op: Op::Copy, path: from.path().clone(), kind })
    }

    /// `node` has been made at `target`: what was there before may go now.
    ///
    /// If it cannot, `node` goes instead, so that all is as before.
    pub(super) async fn stands(
        &self,
        meter: &Meter,
        target: &Target,
        node: Node,
    ) -> Result<(), VfsErrorKind> {
        let Err(error) = self.replace(meter, target, &node).await else {
            self.memory.listings.note(target.key(), vec![Change::Put(node)]);
            return Ok(());
        };
        let undone = target.mount.drive.trash(meter, &[node.id], target.folder.id).await;
        if undone.is_err() {
            self.memory.listings.note(target.key(), vec![Change::Put(node)]);
            return Err(half_done(&error));
        }
        Err(VfsErrorKind::Drive(error))
    }

    /// Removes what was at `target` before `node`.
    async fn replace(&self, meter: &Meter, target: &Target, node: &Node) -> Result<(), DriveError> {
        match &target.existing {
            // A listing of just now may show the new one already.
            Some(old) if old.id != node.id => self.trash(meter, &target.mount, target.folder.id, old).await,
            _ => Ok(()),
        }
    }

    /// Makes sure that a folder is not put into itself, by whatever path that is meant.
    async fn check_not_inside(
        &self,
        meter: &Meter,
        from: &At,
        to: &At,
        source: &Located,
    ) -> Result<(), VfsErrorKind> {
        if !source.node.is_folder() {
            return Ok(());
        }
        let inside = || VfsErrorKind::Refused("a folder cannot be put into itself".into());
        if to.key().starts_with(&(from.key() + "/")) {
            return Err(inside());
        }
        let mut above = to.clone();
        while let Some(folder) = above.parent() {
            if let Ok(Resource::Mounted(found)) = self.resolve(meter, &folder, Walk::CacheOnly).await
                && found.mount.drive_key == source.mount.drive_key
                && found.node.id == source.node.id
            {
                return Err(inside());
            }
            above = folder;
        }
        Ok(())
    }

    /// A failure of something that was done in `folder`, whose listing may be the reason.
    pub(super) async fn failed_in(&self, mount: &Mount, folder: FileId, error: DriveError) -> VfsErrorKind {
        match error.kind {
            DriveErrorKind::Exists => {
                self.forget_listing(mount, folder).await;
                VfsErrorKind::Exists
            }
            DriveErrorKind::NotFound => {
                self.forget_listing(mount, folder).await;
                VfsErrorKind::Drive(DriveError::new(
                    DriveErrorKind::Unavailable,
                    "115 no longer has what was to be changed, or its folder; look again and repeat it",
                ))
            }
            // Another name than was asked for may be there now.
            DriveErrorKind::BadName => {
                self.forget_listing(mount, folder).await;
                VfsErrorKind::Drive(error)
            }
            _ => VfsErrorKind::Drive(error),
        }
    }
}

/// Whether the name of `node` is not the one it has at 115, but says which of several namesakes it is.
fn is_told_apart(node: &Node) -> bool {
    node.name.contains(&format!(" [{}]", node.id))
}

fn half_done(error: &DriveError) -> VfsErrorKind {
    let reason = format!(
        "{error}; and what had been done before that could not be undone, so both the old and the new version may be there: look at the folder"
    );
    tracing::error!("{reason}");
    VfsErrorKind::Drive(DriveError::new(error.kind, reason))
}

/// For references that need not outlive a listing.
impl From<Node> for NodeRef {
    fn from(node: Node) -> Self {
        Self::Own(Arc::new(node))
    }
}
