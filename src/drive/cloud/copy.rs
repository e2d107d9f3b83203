//! One file made of another without its bytes, and copies by 115 itself where that does not work.

use futures_util::{FutureExt as _, StreamExt as _};
use sha1::{Digest as _, Sha1};

use super::CloudDrive;
use super::change::with_rest;
use crate::drive::{Drive as _, DriveError, DriveErrorKind};
use crate::model::{
    Challenge, FileId, LinkBinding, Meter, Node, Proof, UploadStep, UploadTarget, visible_name,
};

/// Questions about one content that are answered. More than one has been seen.
const MAX_QUESTIONS: u32 = 4;

/// How often a copy that 115 is still at work on is waited for, each time for as long as a call may take.
const WAITS: u32 = 10;

impl CloudDrive {
    /// Makes a file as `target` says of the content that `node` has. `None` if 115 wants the bytes for that.
    ///
    /// **Cost**: one call; two more and a request to the download server if 115 wants proof.
    pub(super) async fn take_over(
        &self,
        meter: &Meter,
        node: &Node,
        target: &UploadTarget,
    ) -> Result<Option<Node>, DriveError> {
        let mut proof = None;
        for _ in 0..=MAX_QUESTIONS {
            match self.announce(meter, target, proof.as_ref()).await {
                Ok(UploadStep::Known(made)) => return Ok(Some(*made)),
                Ok(UploadStep::Send(_)) => return Ok(None),
                Ok(UploadStep::Prove(challenge)) => match self.prove(meter, node, &challenge).await {
                    Ok(answer) => proof = Some(answer),
                    Err(error) if error.kind == DriveErrorKind::Denied => return Ok(None),
                    Err(error) => return Err(error),
                },
                // One that is too long to be uploaded (any more) is there all the same.
                Err(error) if matches!(error.kind, DriveErrorKind::Denied | DriveErrorKind::TooLarge) => {
                    tracing::debug!("115 takes over no content it has: {error}");
                    return Ok(None);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }

    /// Answers a question about the content of `node`.
    async fn prove(&self, meter: &Meter, node: &Node, challenge: &Challenge) -> Result<Proof, DriveError> {
        let link = self.link(meter, node, &LinkBinding::to_agent(self.own_agent())).await?;
        let mut stream = self.open(&link, challenge.range.clone()).await?.stream;
        let mut hasher = Sha1::new();
        while let Some(chunk) = stream.next().await {
            hasher.update(&chunk?);
        }
        Ok(Proof { key: challenge.key.clone(), sha1: crate::model::Sha1(hasher.finalize().into()) })
    }

    pub(super) async fn copy_as(
        &self,
        meter: &Meter,
        node: &Node,
        to: FileId,
        name: &str,
    ) -> Result<Node, DriveError> {
        if !node.is_folder() {
            match self.target(meter, node, to, name).await {
                Ok(target) => {
                    if let Some(copy) = self.take_over(meter, node, &target).await? {
                        return Ok(copy);
                    }
                }
                // Without a hash there is nothing to announce.
                Err(error) if error.kind == DriveErrorKind::Denied => {}
                Err(error) => return Err(error),
            }
        }
        self.copy_aside(meter, node, to, name).await
    }

    /// Has 115 make the copy in a folder of its own, since it neither tells its id nor gives it another name.
    async fn copy_aside(
        &self,
        meter: &Meter,
        node: &Node,
        to: FileId,
        name: &str,
    ) -> Result<Node, DriveError> {
        let aside = format!(".dav115-{:016x}", rand::random::<u64>());
        let folder = self.make_folder(meter, to, &aside).await?;
        let outcome = self.copy_through(meter, node, folder.id, to, name).await;
        match (outcome, self.trash(meter, &[folder.id], to).await) {
            (Err(error), Err(left)) => {
                Err(with_rest(&error, &format!("the folder {aside} is left, remove it: {left}")))
            }
            (Ok(copy), Err(left)) => {
                tracing::warn!("a copy was made, but the folder {aside} is left, remove it: {left}");
                Ok(copy)
            }
            (outcome, Ok(())) => outcome,
        }
    }

    async fn copy_through(
        &self,
        meter: &Meter,
        node: &Node,
        aside: FileId,
        to: FileId,
        name: &str,
    ) -> Result<Node, DriveError> {
        match self.change(|client| client.copy(meter, node.id, aside).boxed()).await {
            Ok(()) => {}
            // It may have been done all the same, and then it will be seen.
            Err(error) if matches!(error.kind, DriveErrorKind::Unavailable | DriveErrorKind::Corrupt) => {
                tracing::debug!("whether 115 copies is not known: {error}");
            }
            Err(error) => return Err(error),
        }
        let copy = self.ask_from(0, &self.writing, |client| client.copy_in(meter, aside).boxed()).await?;
        let mut copy = if *copy.name == *visible_name(name) {
            copy
        } else {
            self.give_name(meter, &copy, aside, name).await?
        };
        let mut waits = 0;
        loop {
            match self.relocate(meter, &copy, aside, to).await {
                Ok(()) => break,
                // 115 is still copying.
                Err(error) if error.kind == (DriveErrorKind::Throttled { until: None }) && waits < WAITS => {
                    waits += 1;
                }
                Err(error) => return Err(error),
            }
        }
        // Beside a namesake 115 gives it another name.
        let there =
            self.ask_from(0, &self.writing, |client| client.arrived(meter, copy.id, to).boxed()).await?;
        if there.node.name != copy.name {
            copy = self.give_name(meter, &there.node, to, name).await?;
        }
        Ok(copy)
    }
}
