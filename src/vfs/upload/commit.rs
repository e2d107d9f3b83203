//! What happens to a body that has come: it goes up, and takes the place of what was there.

use std::ops::Range;
use std::sync::Arc;

use sha1::{Digest as _, Sha1 as Hasher};

use super::spool::Spooled;
use super::stream::Stream;
use super::{check_range, not_known};
use crate::drive::{DriveError, DriveErrorKind, UploadSource};
use crate::model::{Meter, Node, Proof, Sha1, UploadSession, UploadStep, UploadTarget};
use crate::vfs::target::Target;
use crate::vfs::{Vfs, VfsErrorKind};

/// How often 115 may ask for proof of one file.
pub(super) const MAX_PROOFS: u32 = 5;
/// Bytes that are read at once to be hashed.
const CHUNK: u64 = 1 << 20;

impl Vfs {
    /// Stores a spooled body at `target`.
    pub(super) async fn send_spooled(
        self: Arc<Self>,
        meter: Meter,
        target: Arc<Target>,
        announced: Option<Sha1>,
        mut spooled: Spooled,
    ) -> Result<Node, VfsErrorKind> {
        let sha1 = spooled.finish().await?;
        if announced.is_some_and(|announced| announced != sha1) {
            return Err(VfsErrorKind::HashMismatch);
        }
        if let Some(same) = target.same_content(spooled.len(), sha1) {
            return Ok(same.clone());
        }
        let (_turn, target) = self.take_turn(&meter, &target).await?;
        self.store_spooled(&meter, &target, spooled).await
    }

    /// Stores a spooled body at `target`, whose turn the caller has.
    pub(super) async fn store_spooled(
        &self,
        meter: &Meter,
        target: &Target,
        mut spooled: Spooled,
    ) -> Result<Node, VfsErrorKind> {
        let file = target.announced(spooled.len(), spooled.finish().await?);
        let node = self.put_up(meter, target, &file, &mut spooled).await?;
        self.stands(meter, target, node.clone()).await?;
        Ok(node)
    }

    /// Makes a file of `target` at 115 from `source`: by its hash if 115 has the content, else by its bytes.
    ///
    /// What was there before is still there beside it.
    pub(in crate::vfs) async fn put_up(
        &self,
        meter: &Meter,
        target: &Target,
        file: &UploadTarget,
        source: &mut dyn UploadSource,
    ) -> Result<Node, VfsErrorKind> {
        let node = match self.offer(meter, target, file, source).await? {
            Offer::Known(node) => node,
            Offer::Wanted(_) if target.mount.hash_only => return Err(not_known(target)),
            Offer::Wanted(session) => {
                self.send(meter, target, file, session, source).await.map_err(VfsErrorKind::Drive)?
            }
        };
        Ok(Node { name: target.name.clone(), sha1: Some(file.sha1), size: file.size, ..node })
    }

    /// Tells 115 of a file, and proves that it is here as often as 115 asks.
    async fn offer(
        &self,
        meter: &Meter,
        target: &Target,
        file: &UploadTarget,
        source: &mut dyn UploadSource,
    ) -> Result<Offer, VfsErrorKind> {
        let drive = &target.mount.drive;
        if let Some(session) = self.memory.sessions.begun(&target.mount.path, file) {
            return Ok(Offer::Wanted(session));
        }
        let mut proof = None;
        for _ in 0..MAX_PROOFS {
            let step = drive.begin_upload(meter, file, proof.as_ref()).await.map_err(VfsErrorKind::Drive)?;
            match step {
                UploadStep::Known(node) => return Ok(Offer::Known(*node)),
                UploadStep::Send(session) => return Ok(Offer::Wanted(*session)),
                UploadStep::Prove(challenge) => {
                    check_range(&challenge.range, file.size)?;
                    let sha1 = hash_of(source, challenge.range).await?;
                    proof = Some(Proof { key: challenge.key, sha1 });
                }
            }
        }
        Err(not_believed())
    }

    /// Sends a body. What has arrived when it fails need not be sent again the next time.
    async fn send(
        &self,
        meter: &Meter,
        target: &Target,
        file: &UploadTarget,
        mut session: UploadSession,
        source: &mut dyn UploadSource,
    ) -> Result<Node, DriveError> {
        let (drive, mount) = (&target.mount.drive, &target.mount.path);
        drive.prepare_upload(meter, file, &mut session).await?;
        self.memory.sessions.keep(mount, file, &session).await;
        let outcome = drive.upload(meter, file, &session, source).await;
        // A session that did not lead anywhere because 115 no longer knows it must not be tried for ever.
        if outcome.as_ref().map_or_else(is_final, |_| true) {
            self.memory.sessions.forget(mount, file).await;
        }
        outcome
    }

    /// Stores a body that is still coming in.
    pub(super) fn send_stream(
        self: &Arc<Self>,
        meter: Meter,
        target: Arc<Target>,
        file: UploadTarget,
        mut session: UploadSession,
        mut stream: Stream,
    ) -> impl Future<Output = Result<Node, VfsErrorKind>> + Send + 'static {
        let vfs = Arc::clone(self);
        async move {
            let drive = &target.mount.drive;
            let sent = async {
                drive.prepare_upload(&meter, &file, &mut session).await?;
                drive.upload(&meter, &file, &session, &mut stream).await
            };
            let node = match sent.await {
                Ok(node) => {
                    Node { name: target.name.clone(), sha1: Some(file.sha1), size: file.size, ..node }
                }
                Err(error) => {
                    // The client would have to send all of it again anyway.
                    if let Err(left) = drive.abort_upload(&meter, &session).await {
                        tracing::debug!("parts of an upload that failed stay at 115 for a while: {left}");
                    }
                    return Err(if stream.is_other_content() {
                        VfsErrorKind::HashMismatch
                    } else {
                        VfsErrorKind::Drive(error)
                    });
                }
            };
            let (_turn, target) = vfs.take_turn(&meter, &target).await?;
            vfs.stands(&meter, &target, node.clone()).await?;
            Ok(node)
        }
    }
}

pub(super) fn not_believed() -> VfsErrorKind {
    let reason = "115 asks for the hash of one part of the file after another and does not take it";
    VfsErrorKind::Drive(DriveError::new(DriveErrorKind::Unavailable, reason))
}

/// The hash of some of the content of `source`.
pub(super) async fn hash_of(source: &mut dyn UploadSource, range: Range<u64>) -> Result<Sha1, VfsErrorKind> {
    let mut hasher = Hasher::new();
    let mut at = range.start;
    while at < range.end {
        let next = range.end.min(at + CHUNK);
        let bytes = source.read(at..next).await.map_err(|error| {
            let reason = format!("the content of the upload cannot be read again: {error}");
            VfsErrorKind::Drive(DriveError::new(DriveErrorKind::Aborted, reason))
        })?;
        hasher.update(&bytes);
        at = next;
    }
    Ok(Sha1(hasher.finalize().into()))
}

enum Offer {
    Known(Node),
    Wanted(UploadSession),
}

/// Whether trying the same session again cannot help.
fn is_final(error: &DriveError) -> bool {
    use DriveErrorKind as Kind;
    matches!(error.kind, Kind::NotFound | Kind::Denied | Kind::Corrupt | Kind::BadName | Kind::TooLarge)
}
