//! Storing a file: from the first byte that a client sends to the node that is there afterwards.
//!
//! Three ways. If the client announces the hash of its content (`OC-Checksum`), 115 is asked before the body is read;
//! what it knows needs no bytes, or only those of the range it wants proof of.
//! What it does not know goes on to it while it comes in.
//! If nothing is announced, the body is spooled, since 115 wants the hash before the first byte.

mod commit;
mod held;
mod sessions;
mod spool;
mod stream;

use std::ops::Range;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use tokio::sync::mpsc::Sender;
use tokio::task::JoinHandle;

pub(super) use sessions::Sessions;
pub(super) use spool::Spool;
use spool::Spooled;

use super::target::Target;
use super::{At, NodeRef, Op, Vfs, VfsError, VfsErrorKind, access};
use crate::drive::{DriveError, DriveErrorKind};
use crate::model::{Challenge, Junk, Meter, Node, Proof, Sha1, UploadStep, UploadTarget};

/// What a client says of a body before it sends it.
#[derive(Clone, Copy, Debug, Default)]
pub struct UploadIntent {
    /// Its length in bytes.
    pub size: Option<u64>,
    /// The hash of all of it.
    pub sha1: Option<Sha1>,
}

/// A file that is being stored. Dropped before [`Upload::commit`] has returned, it leaves nothing.
pub struct Upload {
    vfs: Arc<Vfs>,
    meter: Meter,
    at: At,
    target: Arc<Target>,
    intent: UploadIntent,
    received: u64,
    stage: Stage,
    /// Held if there is an empty file that this one is to fill.
    _filling: Option<Arc<()>>,
}

enum Stage {
    /// It is stored already: the rest of the body is not needed.
    Stored(Node),
    /// 115 wants proof, and the bytes for it have not all come.
    Proving(Proving),
    /// It goes on to 115 as it comes in.
    Streaming(Option<Sender<Bytes>>, JoinHandle<Result<Node, VfsErrorKind>>),
    /// It is kept until its hash is known.
    Spooling(Spooled),
    /// It never goes to 115.
    Junk(BytesMut),
    /// An error has ended it.
    Failed,
}

/// A file that 115 has asked about.
struct Proving {
    challenge: Challenge,
    spooled: Spooled,
    /// Questions about it so far.
    asked: u32,
}

impl Vfs {
    /// Makes ready to store a file at `at`.
    ///
    /// **Cost**: none, but for folders above that are not in the cache and, once for an account, its size limit.
    /// If the hash is announced, that of announcing it to 115.
    /// **Errors**: `NoParent`; `IsAFolder`; `Refused`; `TooLarge` and `NoRoom` before any of the body has been read.
    pub async fn begin_upload(
        self: &Arc<Self>,
        meter: &Meter,
        at: &At,
        intent: UploadIntent,
    ) -> Result<Upload, VfsError> {
        let outcome = async {
            let target = self.target(meter, at).await?;
            if target.existing.as_ref().is_some_and(|node| node.is_folder()) {
                return Err(VfsErrorKind::IsAFolder);
            }
            let target = Arc::new(target);
            let filling = target.existing.as_ref().and_then(|node| self.memory.locals.fill(node.id));
            let stage = self.first_stage(meter, &target, intent).await?;
            Ok(Upload {
                vfs: Arc::clone(self),
                meter: meter.clone(),
                at: at.clone(),
                target,
                intent,
                received: 0,
                stage,
                _filling: filling,
            })
        };
        outcome.await.map_err(|kind| VfsError { op: Op::Write, path: at.path().clone(), kind })
    }

    async fn first_stage(
        self: &Arc<Self>,
        meter: &Meter,
        target: &Arc<Target>,
        intent: UploadIntent,
    ) -> Result<Stage, VfsErrorKind> {
        if access::is_junk_name(&target.name) && self.is_here_alone(target) {
            match target.mount.junk {
                Junk::Keep => {}
                Junk::Swallow => return Ok(Stage::Junk(BytesMut::new())),
                Junk::Refuse => {
                    let reason = "files of this name are refused by the configuration (junk = \"refuse\")";
                    return Err(VfsErrorKind::Refused(reason.into()));
                }
            }
        }
        if let Some(size) = intent.size.filter(|&size| size > 0) {
            let limit = target.mount.drive.upload_limit(meter).await.map_err(VfsErrorKind::Drive)?;
            if size > limit {
                return Err(VfsErrorKind::Drive(DriveError::new(
                    DriveErrorKind::TooLarge,
                    format!("115 takes no files of more than {} MiB from this account", limit >> 20),
                )));
            }
        }
        match (intent.size, intent.sha1) {
            (Some(size), Some(sha1)) if size > 0 => self.announce(meter, target, size, sha1, None).await,
            _ => Ok(Stage::Spooling(self.memory.spool.open(intent.size).await?)),
        }
    }

    /// Tells 115 of a file before all of it has come.
    async fn announce(
        self: &Arc<Self>,
        meter: &Meter,
        target: &Arc<Target>,
        size: u64,
        sha1: Sha1,
        proven: Option<(Proof, Spooled, u32)>,
    ) -> Result<Stage, VfsErrorKind> {
        if let Some(same) = target.same_content(size, sha1) {
            return Ok(Stage::Stored(same.clone()));
        }
        let announced = target.announced(size, sha1);
        let asked = proven.as_ref().map_or(0, |(.., asked)| *asked);
        let (proof, spooled) = proven.map(|(proof, spooled, _)| (proof, spooled)).unzip();
        let drive = &target.mount.drive;
        let step =
            drive.begin_upload(meter, &announced, proof.as_ref()).await.map_err(VfsErrorKind::Drive)?;
        match step {
            UploadStep::Known(node) => {
                let node = Node { name: target.name.clone(), sha1: Some(sha1), ..*node };
                let (_turn, target) = self.take_turn(meter, target).await?;
                self.stands(meter, &target, node.clone()).await?;
                Ok(Stage::Stored(node))
            }
            UploadStep::Prove(_) if asked == commit::MAX_PROOFS => Err(commit::not_believed()),
            UploadStep::Prove(challenge) => {
                let spooled = match spooled {
                    Some(spooled) => spooled,
                    None => self.memory.spool.open(Some(challenge.range.end.min(size))).await?,
                };
                check_range(&challenge.range, size)?;
                Ok(Stage::Proving(Proving { challenge, spooled, asked: asked + 1 }))
            }
            UploadStep::Send(_) if target.mount.hash_only => Err(not_known(target)),
            UploadStep::Send(session) => {
                let (sender, stream) = stream::stream(spooled, size, sha1);
                let task = self.send_stream(meter.clone(), Arc::clone(target), announced, *session, stream);
                Ok(Stage::Streaming(Some(sender), self.memory.tracker.spawn(task)))
            }
        }
    }
}

/// Makes sure that 115 asks for bytes that the file has.
fn check_range(range: &Range<u64>, size: u64) -> Result<(), VfsErrorKind> {
    if range.start < range.end && range.end <= size {
        return Ok(());
    }
    let reason = "115 asks for the hash of bytes that the file does not have";
    Err(VfsErrorKind::Drive(DriveError::new(DriveErrorKind::Corrupt, reason)))
}

fn not_known(target: &Target) -> VfsErrorKind {
    VfsErrorKind::NoRoom(
        format!(
            "115 does not have this content yet, and the mount {} takes only what needs no bytes (upload_hash_only)",
            target.mount.path
        )
        .into(),
    )
}

impl Target {
    /// The file for 115.
    fn announced(&self, size: u64, sha1: Sha1) -> UploadTarget {
        UploadTarget { parent: self.folder.id, name: self.stored.clone(), size, sha1 }
    }

    /// What is there, if it has this content already: then there is nothing to do.
    fn same_content(&self, size: u64, sha1: Sha1) -> Option<&Node> {
        self.existing.as_deref().filter(|node| {
            node.size == size && node.sha1 == Some(sha1) && node.name == self.name && !node.censored
        })
    }
}

impl Upload {
    /// Takes the next bytes of the body.
    ///
    /// **Errors**: whatever ends the upload. Nothing is stored then.
    pub async fn write(&mut self, bytes: Bytes) -> Result<(), VfsError> {
        self.received += bytes.len() as u64;
        if let Some(declared) = self.intent.size
            && self.received > declared
        {
            self.stage = Stage::Failed;
            return Err(self.fail(VfsErrorKind::SizeMismatch { declared, got: self.received }));
        }
        let outcome = self.take(bytes).await;
        if outcome.is_err() {
            self.stage = Stage::Failed;
        }
        outcome.map_err(|kind| self.fail(kind))
    }

    async fn take(&mut self, bytes: Bytes) -> Result<(), VfsErrorKind> {
        match &mut self.stage {
            Stage::Stored(_) | Stage::Failed => Ok(()),
            Stage::Spooling(spooled) => spooled.append(&bytes).await,
            Stage::Junk(held) => {
                held.extend_from_slice(&bytes);
                Ok(())
            }
            Stage::Streaming(sender, _) => match sender {
                Some(into) if into.send(bytes).await.is_ok() => Ok(()),
                // The other end has failed, and says why.
                _ => self.finish_stream().await.map(drop),
            },
            Stage::Proving(proving) => {
                proving.spooled.append(&bytes).await?;
                if proving.spooled.len() < proving.challenge.range.end {
                    return Ok(());
                }
                self.prove().await
            }
        }
    }

    /// Answers 115's question, as all bytes for it have come.
    async fn prove(&mut self) -> Result<(), VfsErrorKind> {
        let Stage::Proving(proving) = std::mem::replace(&mut self.stage, Stage::Failed) else {
            return Ok(());
        };
        let Proving { challenge, mut spooled, asked } = proving;
        let (Some(size), Some(sha1)) = (self.intent.size, self.intent.sha1) else { return Ok(()) };
        spooled.write_out().await?;
        let proof = Proof { key: challenge.key, sha1: commit::hash_of(&mut spooled, challenge.range).await? };
        self.stage =
            self.vfs.announce(&self.meter, &self.target, size, sha1, Some((proof, spooled, asked))).await?;
        // The next question may be about bytes that are here already.
        match &self.stage {
            Stage::Proving(next) if next.spooled.len() >= next.challenge.range.end => {
                Box::pin(self.prove()).await
            }
            _ => Ok(()),
        }
    }

    async fn finish_stream(&mut self) -> Result<Node, VfsErrorKind> {
        let Stage::Streaming(sender, task) = std::mem::replace(&mut self.stage, Stage::Failed) else {
            return Err(ended());
        };
        drop(sender);
        task.await.unwrap_or_else(|_| Err(ended()))
    }

    /// Whether the file is stored whatever of the body is still to come.
    pub fn is_stored(&self) -> bool {
        matches!(self.stage, Stage::Stored(_))
    }

    /// Stores what has come.
    ///
    /// Once it has begun it goes on to its end, also if the client no longer waits.
    /// **Cost**: for content that 115 has, one or two calls; else the keys of the object storage, once an hour, besides.
    /// One more if something is replaced.
    /// **Errors**: `SizeMismatch` and `HashMismatch`; what was there before is there still then.
    pub async fn commit(&mut self) -> Result<NodeRef, VfsError> {
        let outcome = self.store().await;
        outcome.map(NodeRef::from).map_err(|kind| self.fail(kind))
    }

    async fn store(&mut self) -> Result<Node, VfsErrorKind> {
        if let Stage::Stored(node) = &self.stage {
            return Ok(node.clone());
        }
        if let Some(declared) = self.intent.size
            && self.received != declared
        {
            self.stage = Stage::Failed;
            return Err(VfsErrorKind::SizeMismatch { declared, got: self.received });
        }
        if let Stage::Streaming(..) = self.stage {
            return self.finish_stream().await;
        }
        match std::mem::replace(&mut self.stage, Stage::Failed) {
            Stage::Junk(held) => self.vfs.store_local(&self.target, held.freeze()),
            Stage::Spooling(spooled) if spooled.len() == 0 && self.vfs.is_here_alone(&self.target) => {
                Ok(self.vfs.store_empty(&self.target))
            }
            Stage::Spooling(spooled) => {
                let task = Arc::clone(&self.vfs).send_spooled(
                    self.meter.clone(),
                    Arc::clone(&self.target),
                    self.intent.sha1,
                    spooled,
                );
                self.vfs.memory.tracker.spawn(task).await.unwrap_or_else(|_| Err(ended()))
            }
            _ => Err(ended()),
        }
    }

    fn fail(&self, kind: VfsErrorKind) -> VfsError {
        VfsError { op: Op::Write, path: self.at.path().clone(), kind }
    }
}

fn ended() -> VfsErrorKind {
    VfsErrorKind::Drive(DriveError::new(DriveErrorKind::Aborted, "the upload has ended before its time"))
}
