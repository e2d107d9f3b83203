//! Copying from one account or share to another: by hash where the other side has the content, else through the gateway.

use std::io;
use std::ops::Range;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures_util::future::{BoxFuture, FutureExt as _};
use futures_util::stream::{BoxStream, StreamExt as _};
use rand::RngExt as _;

use super::resolve::{Located, NodeRef};
use super::target::{Target, key};
use super::{At, Source, Vfs, VfsError, VfsErrorKind};
use crate::drive::{DriveError, DriveErrorKind, UploadSource};
use crate::model::{Change, Meter, Node, UploadTarget};

impl Vfs {
    /// Copies `source`, which is at `at`, to `target`. What is there is left for the caller to remove, and `target` shows the copy.
    ///
    /// It is whole or not there: what was copied of a folder before a failure is removed again.
    pub(super) async fn transfer(
        self: &Arc<Self>,
        meter: &Meter,
        at: &At,
        source: &Located,
        target: &Target,
    ) -> Result<(), VfsErrorKind> {
        if !source.node.is_folder() {
            let node = self.transfer_file(meter, at, source, target).await?;
            return self.stands(meter, target, node).await;
        }
        self.make_staged(meter, target, Some((at, source))).await
    }

    /// Makes a folder of `target`, which shows it then, with a copy of what is in another, if one is given.
    ///
    /// Under another name until it is whole, since two folders of one name cannot be made.
    pub(super) async fn make_staged(
        self: &Arc<Self>,
        meter: &Meter,
        target: &Target,
        original: Option<(&At, &Located)>,
    ) -> Result<(), VfsErrorKind> {
        let staged = format!(".dav115-{:016x}", rand::rng().random::<u64>());
        let staging = Target {
            name: staged.as_str().into(),
            stored: staged.into(),
            existing: None,
            seen: None,
            ..target.clone()
        };
        let made = self.create_at(meter, &staging).await?;
        let outcome = async {
            if let Some((at, source)) = original {
                self.transfer_children(meter, at, source, &staging, &made).await?;
            }
            let renamed = target.mount.drive.rename(meter, &made, target.folder.id, &target.stored).await;
            renamed.map_err(VfsErrorKind::Drive)
        };
        match outcome.await {
            Ok(node) => {
                self.memory.listings.note(target.key(), vec![Change::Gone(made.id)]);
                self.stands(meter, target, Node { name: target.name.clone(), ..node }).await
            }
            Err(error) => {
                if let Err(left) = self.trash(meter, &target.mount, target.folder.id, &made).await {
                    tracing::warn!("the folder {} is left of a copy that failed: {left}", staging.name);
                }
                Err(error)
            }
        }
    }

    fn transfer_children<'a>(
        self: &'a Arc<Self>,
        meter: &'a Meter,
        at: &'a At,
        source: &'a Located,
        above: &'a Target,
        folder: &'a Node,
    ) -> BoxFuture<'a, Result<(), VfsErrorKind>> {
        async move {
            let listing = self.children(meter, &source.mount, source.node.id, source.parent).await?;
            for index in 0..listing.nodes().len() {
                let node = NodeRef::Listed(Arc::clone(&listing), index);
                let child_at = at.join(&node.name).map_err(|_| VfsErrorKind::NotFound)?;
                let stored = crate::model::stored_name(&node.name).unwrap_or_default();
                let target = Target {
                    folder: NodeRef::from(folder.clone()),
                    name: node.name.clone(),
                    stored: stored.into(),
                    existing: None,
                    seen: None,
                    ..above.clone()
                };
                let child = Located {
                    mount: Arc::clone(&source.mount),
                    standing: source.standing.step(&node.name),
                    parent: Some(source.node.id),
                    node,
                };
                if child.node.is_folder() {
                    let made = self.create_at(meter, &target).await?;
                    self.transfer_children(meter, &child_at, &child, &target, &made).await?;
                } else if let Some(content) = self.memory.locals.content(child.node.id) {
                    self.copy_local(meter, content, target).await?;
                } else {
                    let node = self.transfer_file(meter, &child_at, &child, &target).await?;
                    self.memory.listings.note(key(&target.mount, folder.id), vec![Change::Put(node)]);
                }
            }
            Ok(())
        }
        .boxed()
    }

    async fn transfer_file(
        self: &Arc<Self>,
        meter: &Meter,
        at: &At,
        source: &Located,
        target: &Target,
    ) -> Result<Node, VfsErrorKind> {
        let node = &source.node;
        let Some(sha1) = node.sha1 else {
            let reason =
                "115 states no hash of this file, which is needed to copy it; download and upload it instead";
            return Err(VfsErrorKind::Drive(DriveError::new(DriveErrorKind::Denied, reason)));
        };
        let file =
            UploadTarget { parent: target.folder.id, name: target.stored.clone(), size: node.size, sha1 };
        let mut body = Passing {
            vfs: Arc::clone(self),
            meter: meter.clone(),
            source: source.clone(),
            at: at.clone(),
            stream: None,
            held: BytesMut::new(),
            offset: 0,
            failed: None,
        };
        let outcome = self.put_up(meter, target, &file, &mut body).await;
        // What failed at the source says more than that the source failed.
        outcome.map_err(|error| body.failed.unwrap_or(error))
    }
}

type Chunks = BoxStream<'static, Result<Bytes, VfsError>>;

/// The content of a file, on its way through the gateway.
struct Passing {
    vfs: Arc<Vfs>,
    meter: Meter,
    source: Located,
    at: At,
    /// From `offset` on, after what is held.
    stream: Option<Chunks>,
    held: BytesMut,
    offset: u64,
    failed: Option<VfsErrorKind>,
}

impl Passing {
    async fn next(&mut self, range: Range<u64>) -> Result<Bytes, VfsErrorKind> {
        let mut stream = if let Some(stream) = self.stream.take().filter(|_| self.offset == range.start) {
            stream
        } else {
            self.held.clear();
            let source = Source::new(self.source.clone(), self.at.clone());
            let rest = range.start..self.source.node.size;
            self.vfs.open(&self.meter, source, rest).await.map_err(|error| error.kind)?.stream
        };
        let length = usize::try_from(range.end - range.start).unwrap_or(usize::MAX);
        while self.held.len() < length {
            // It ends only with all of its bytes, or with an error.
            let Some(chunk) = stream.next().await else { break };
            self.held.extend_from_slice(&chunk.map_err(|error| error.kind)?);
        }
        self.offset = range.end;
        self.stream = Some(stream);
        Ok(self.held.split_to(length.min(self.held.len())).freeze())
    }
}

impl UploadSource for Passing {
    fn read(&mut self, range: Range<u64>) -> BoxFuture<'_, io::Result<Bytes>> {
        async move {
            self.next(range).await.map_err(|error| {
                self.failed = Some(error);
                io::Error::other("the file that is copied cannot be read")
            })
        }
        .boxed()
    }
}
