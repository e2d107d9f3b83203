//! Files that are kept in the gateway instead of being sent, and what becomes of them.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use crate::cache::FolderKey;
use crate::drive::DriveErrorKind;
use crate::model::{FileId, Meter, Node};
use crate::vfs::mounts::Mount;
use crate::vfs::resolve::{Located, NodeRef};
use crate::vfs::target::{Target, key};
use crate::vfs::{At, Op, Vfs, VfsError, VfsErrorKind, access};

/// How long an empty file may wait to be filled. Clients fill theirs in a moment, or keep a lock on it.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often 115 has to say that the folder of an empty file is gone. A folder that is new may not be known everywhere yet.
const MAX_LOOKS: u32 = 3;

impl Vfs {
    /// Whether `target` is new, or replaces what is in the gateway alone.
    pub(super) fn is_here_alone(&self, target: &Target) -> bool {
        target.existing.as_ref().is_none_or(|node| self.memory.locals.contains(node.id))
    }

    /// Keeps `content` in memory as the file of `target`.
    pub(in crate::vfs) fn store_local(&self, target: &Target, content: Bytes) -> Result<Node, VfsErrorKind> {
        let Some(node) = self.memory.locals.add_junk(target, content) else {
            let reason =
                "the gateway keeps no more files of this kind; set junk = \"refuse\" to do without them";
            return Err(VfsErrorKind::NoRoom(reason.into()));
        };
        self.show_local(target, &node);
        Ok(node)
    }

    /// Makes an empty file, which costs no call until it is clear that it stays empty: see [`Vfs::settle`].
    pub(super) fn store_empty(&self, target: &Arc<Target>) -> Node {
        let node = self.memory.locals.add_empty(target);
        self.show_local(target, &node);
        node
    }

    /// Drops the child `id` of `folder` if it is here alone, and tells whether it was.
    pub(in crate::vfs) fn drop_local(&self, folder: FolderKey, id: FileId) -> bool {
        let was_here = self.memory.locals.remove(id);
        if was_here {
            self.memory.listings.drop_local(folder, id);
        }
        was_here
    }

    fn show_local(&self, target: &Target, node: &Node) {
        if let Some(old) = &target.existing {
            self.drop_local(target.key(), old.id);
        }
        self.memory.listings.add_local(target.key(), node.clone());
    }

    /// Makes a file of `target`, whose turn the caller has, with the content of one that is here alone.
    pub(in crate::vfs) async fn copy_local(
        self: &Arc<Self>,
        meter: &Meter,
        content: Bytes,
        target: Target,
    ) -> Result<(), VfsErrorKind> {
        let target = Arc::new(target);
        if access::is_junk_name(&target.name) && self.is_here_alone(&target) {
            self.store_local(&target, content)?;
        } else if content.is_empty() && self.is_here_alone(&target) {
            self.store_empty(&target);
        } else {
            // It gets a name that is worth storing, or takes the place of what is stored.
            let mut spooled = self.memory.spool.open(None).await?;
            spooled.append(&content).await?;
            self.store_spooled(meter, &target, spooled).await?;
        }
        Ok(())
    }

    /// Gives a file that is here alone the name and place of `target`.
    pub(in crate::vfs) async fn relocate_local(
        self: &Arc<Self>,
        meter: &Meter,
        source: &Located,
        target: Target,
    ) -> Result<(), VfsErrorKind> {
        let content = self.memory.locals.content(source.node.id).unwrap_or_default();
        self.copy_local(meter, content, target).await?;
        let folder = source.parent.unwrap_or(FileId::ROOT);
        self.drop_local(key(&source.mount, folder), source.node.id);
        Ok(())
    }

    /// Makes the empty file at `at` at 115, if it is one that waits to be filled: its client is done with it.
    ///
    /// **Cost**: that of an upload, if there is one; else none.
    pub async fn settle(self: &Arc<Self>, meter: &Meter, at: &At) -> Result<(), VfsError> {
        let Ok(found) = self.stat(meter, at).await else { return Ok(()) };
        let Some(target) = self.memory.locals.empty(found.id) else { return Ok(()) };
        let outcome = self.make_empty(meter, found.id, &target).await;
        outcome.map_err(|kind| VfsError { op: Op::Write, path: at.path().clone(), kind })
    }

    /// Makes all empty files at 115 that have waited too long to be filled, or all of them.
    ///
    /// One that cannot be made stays and is tried again later, unless its folder is gone.
    pub async fn settle_all(self: &Arc<Self>, meter: &Meter, at_once: bool) {
        let patience = if at_once { Duration::ZERO } else { PATIENCE };
        for (id, target) in self.memory.locals.empties(patience) {
            if let Err(error) = self.make_empty(meter, id, &target).await {
                tracing::warn!("the empty file {} is not at 115 yet: {error:?}", target.name);
            }
        }
    }

    /// Makes all empty files of the account of `mount` at 115, because 115 copies only what it has. The caller has no turn.
    pub(in crate::vfs) async fn settle_account(
        self: &Arc<Self>,
        meter: &Meter,
        mount: &Mount,
    ) -> Result<(), VfsErrorKind> {
        for (id, target) in self.memory.locals.empties(Duration::ZERO) {
            if target.mount.drive_key != mount.drive_key {
                continue;
            }
            match self.make_empty(meter, id, &target).await {
                // What is in a folder that is gone is in none that is copied.
                Err(kind) if !is_gone(&kind) => return Err(kind),
                _ => {}
            }
        }
        Ok(())
    }

    async fn make_empty(
        self: &Arc<Self>,
        meter: &Meter,
        id: FileId,
        target: &Target,
    ) -> Result<(), VfsErrorKind> {
        let target = Target { seen: None, ..target.clone() };
        let (_turn, target) = self.take_turn(meter, &target).await?;
        // Who had the turn before may have filled it.
        let Some(node) = self.memory.locals.node(id, &target) else { return Ok(()) };
        let target = Target { existing: Some(NodeRef::from(node)), ..target };
        let spooled = self.memory.spool.open(Some(0)).await?;
        let outcome = self.store_spooled(meter, &target, spooled).await;
        let Err(kind) = outcome else { return Ok(()) };
        let failures = self.memory.locals.put_off(id);
        if is_gone(&kind) && failures >= MAX_LOOKS {
            tracing::warn!("the empty file {} is dropped, because its folder is gone", target.name);
            self.drop_local(target.key(), id);
            return Ok(());
        }
        Err(kind)
    }
}

/// Whether a file cannot be made because its folder is no more.
fn is_gone(kind: &VfsErrorKind) -> bool {
    match kind {
        VfsErrorKind::NoParent => true,
        VfsErrorKind::Drive(error) => error.kind == DriveErrorKind::NotFound,
        _ => false,
    }
}
