//! A folder of an account that files of shares are copied into when there is no other way to have them.
//!
//! Knows what lies in that folder and what it has had copied there. Does not know why there is no other way.
//! Called by `share` alone; made by the composition root, one for all shares that are saved into the folder.

use std::collections::HashMap;
use std::time::{Duration, SystemTime};

use tokio::sync::Mutex;
use tokio::time::Instant;

use super::{CloudDrive, Drive as _, DriveError, DriveErrorKind};
use crate::model::{FileId, Link, LinkBinding, Meter, Node, Sha1, ShareLink};
use crate::pan115::Receipt;

/// How long nothing is copied after the account had no space or no such folder, and a file that 115 does not let be copied.
const CLOSED_FOR: Duration = Duration::from_secs(600);

/// How long a copy that 115 has confirmed may take to be listed before it counts as lost.
const AWAITED_FOR: Duration = Duration::from_secs(600);

/// What tells a copy: its content. A copy has another id, and 115 or its owner may have given it another name.
type Content = (Sha1, u64);

/// A folder of an account for copies.
pub struct SaveFolder {
    account: CloudDrive,
    folder: FileId,
    /// Held while a file is looked for or copied: 115 makes one copy at a time, and who comes second may want the same file.
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    /// The files in the folder when it was listed last; `None` if it must be listed before anything is copied.
    files: Option<HashMap<Content, Node>>,
    /// What has been copied and was not listed yet, and until when it is waited for.
    awaited: HashMap<Content, Instant>,
    /// Why a file is not copied, or nothing is, and until when: asking again would cost a call and change nothing.
    closed: HashMap<Option<Content>, (Instant, DriveError)>,
}

impl SaveFolder {
    /// The folder with the id `folder` of `account`. Makes no call.
    pub fn new(account: CloudDrive, folder: FileId) -> Self {
        Self { account, folder, known: Mutex::default() }
    }

    /// A link to the copy of `file` of `share`, which is made if there is none. It is bound to the gateway's own User-Agent.
    ///
    /// **Cost**: one call if the copy is known; a listing of the folder more at the first use after a start,
    /// and a call and another listing to make the copy.
    /// **Errors**: `Throttled` if the account has no space left, the folder does not exist, or the copy is not listed yet;
    /// `Denied` if 115 does not let it be copied.
    pub(super) async fn link(
        &self,
        meter: &Meter,
        share: &ShareLink,
        file: &Node,
    ) -> Result<Link, DriveError> {
        let Some(content) = content(file) else {
            let what = format!(
                "115 does not state the SHA-1 of this file of the share {}, without which its copy could not be told apart",
                share.code
            );
            return Err(DriveError::new(DriveErrorKind::Denied, what));
        };
        let binding = LinkBinding::to_agent(self.account.own_agent());
        let copy = self.copy(meter, share, file, content).await?;
        match self.account.link(meter, &copy, &binding).await {
            // Its owner has tidied up the folder since it was listed.
            Err(error) if error.kind == DriveErrorKind::NotFound => self.known.lock().await.files = None,
            outcome => return outcome,
        }
        let copy = self.copy(meter, share, file, content).await?;
        self.account.link(meter, &copy, &binding).await.map_err(|error| match error.kind {
            // The file of the share is still there, and 404 would say that it is not.
            DriveErrorKind::NotFound => {
                let what = format!("the copy in the folder {} cannot be downloaded: {error}", self.folder);
                DriveError::new(DriveErrorKind::Unavailable, what).caused_by(error)
            }
            _ => error,
        })
    }

    /// The copy of a file, which is made if there is none.
    async fn copy(
        &self,
        meter: &Meter,
        share: &ShareLink,
        file: &Node,
        content: Content,
    ) -> Result<Node, DriveError> {
        let mut known = self.known.lock().await;
        let now = Instant::now();
        known.closed.retain(|_, (until, _)| *until > now);
        if let Some((_, error)) = known.closed.get(&None).or_else(|| known.closed.get(&Some(content))) {
            return Err(error.clone());
        }
        if let Some(copy) = self.find(meter, &mut known, content).await? {
            return Ok(copy);
        }
        let mut was_before = false;
        if known.awaited.get(&content).is_none_or(|until| *until <= now) {
            match self.account.receive(meter, share, file, self.folder).await {
                Ok(Receipt::Received) => {
                    tracing::info!(share = %share.code, folder = self.folder.0, "saved a file of the share");
                    known.awaited.insert(content, now + AWAITED_FOR);
                }
                Ok(Receipt::ReceivedBefore) => was_before = true,
                Ok(Receipt::NoSpace) => return Err(known.close(None, self.no_space(share))),
                Ok(Receipt::NoFolder) => return Err(known.close(None, self.no_folder())),
                Err(error) if error.kind == DriveErrorKind::Denied => {
                    return Err(known.close(Some(content), error));
                }
                Err(error) => {
                    // It may have been made all the same.
                    known.files = None;
                    return Err(error);
                }
            }
        }
        known.files = None;
        match self.find(meter, &mut known, content).await? {
            Some(copy) => Ok(copy),
            None if was_before => Err(known.close(Some(content), self.elsewhere(share))),
            None => Err(self.not_listed(share)),
        }
    }

    /// The copy, if the folder holds one. Lists the folder unless that has been done.
    async fn find(
        &self,
        meter: &Meter,
        known: &mut Known,
        content: Content,
    ) -> Result<Option<Node>, DriveError> {
        if known.files.is_none() {
            self.look(meter, known).await?;
        }
        let copy = known.files.as_ref().and_then(|files| files.get(&content)).cloned();
        if copy.is_some() {
            known.awaited.remove(&content);
        }
        Ok(copy)
    }

    async fn look(&self, meter: &Meter, known: &mut Known) -> Result<(), DriveError> {
        known.files = None;
        let listing = self.account.list(meter, self.folder).await.map_err(|error| match error.kind {
            DriveErrorKind::NotFound => known.close(None, self.no_folder()),
            _ => error,
        })?;
        let files = listing.nodes().iter().filter(|node| !node.censored);
        known.files = Some(files.filter_map(|node| Some((content(node)?, node.clone()))).collect());
        Ok(())
    }

    fn no_space(&self, share: &ShareLink) -> DriveError {
        let account = self.account.name();
        until_then(&format!(
            "the file of the share {} can only be had by saving it, and the account {account} has no space left for it; \
             free some",
            share.code
        ))
    }

    fn no_folder(&self) -> DriveError {
        let (account, folder) = (self.account.name(), self.folder);
        until_then(&format!(
            "the account {account} has no folder with the id {folder}, which save_to names (any more); correct save_to"
        ))
    }

    fn elsewhere(&self, share: &ShareLink) -> DriveError {
        let (account, folder) = (self.account.name(), self.folder);
        let what = format!(
            "115 says that the account {account} has received this file of the share {} before, but it is not in the folder \
             {folder}, which save_to names; move it there, or delete it for good",
            share.code
        );
        DriveError::new(DriveErrorKind::Denied, what)
    }

    fn not_listed(&self, share: &ShareLink) -> DriveError {
        let what = format!(
            "the file of the share {} has been saved to the folder {}, but 115 does not list it there yet",
            share.code, self.folder
        );
        DriveError::new(DriveErrorKind::Throttled { until: None }, what)
    }
}

impl Known {
    /// Lets one file not be copied for a while, or none at all.
    fn close(&mut self, what: Option<Content>, error: DriveError) -> DriveError {
        tracing::warn!(pause_s = CLOSED_FOR.as_secs(), "{error}");
        self.closed.insert(what, (Instant::now() + CLOSED_FOR, error.clone()));
        error
    }
}

/// What its owner can put right, which shows when 115 is asked again.
fn until_then(reason: &str) -> DriveError {
    let kind = DriveErrorKind::Throttled { until: Some(SystemTime::now() + CLOSED_FOR) };
    DriveError::new(kind, format!("{reason}; 115 is asked again in {} minutes", CLOSED_FOR.as_secs() / 60))
}

fn content(node: &Node) -> Option<Content> {
    Some((node.sha1?, node.size)).filter(|_| !node.is_folder())
}
