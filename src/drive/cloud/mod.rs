//! A 115 account as a drive: the client's words turned into the tree's.
//!
//! `change` has what is done to folders, `copy` what makes one file of another, `upload` what comes from outside.

mod change;
mod copy;
mod upload;

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use futures_util::future::BoxFuture;
use futures_util::{FutureExt as _, StreamExt as _};
use parking_lot::Mutex;
use tokio::time::Instant;

use super::{Body, Drive, DriveError, DriveErrorKind, Quota, UploadSource};
use crate::model::{
    CookieUse, FileId, Link, LinkBinding, Listing, Meter, Node, Proof, ShareLink, UploadSession, UploadStep,
    UploadTarget,
};
use crate::pan115::{Client, ErrorKind, Pan115Error, Receipt};

/// An account's own files, got at with one cookie or with several.
pub struct CloudDrive {
    /// The account's own client. Bodies are fetched by it, whoever got the link.
    main: Arc<Client>,
    /// Those that look at folders and space.
    listing: Vec<Arc<Client>>,
    /// Those that get links.
    download: Vec<Arc<Client>>,
    /// Those that change things, in the order to try them in: one account's changes go through one client while it works.
    writing: Vec<Arc<Client>>,
    /// Folders out of which something has gone to the recycle bin, and when: 115 may not be done with that yet.
    leaving: Mutex<Vec<(FileId, Instant)>>,
    /// Folders that 115 may still be moving.
    arriving: Mutex<Vec<(FileId, Instant)>>,
    /// Whose turn it is.
    turn: AtomicUsize,
}

impl CloudDrive {
    /// The drive of `main`'s account, with `clients` (`main` among them) that have cookies of the same account.
    ///
    /// Calls are spread over the clients; what one cannot do because it is blocked, throttled or signed out, the next one does.
    pub fn new(main: Arc<Client>, clients: &[(Arc<Client>, CookieUse)]) -> Self {
        let without = |other: CookieUse| {
            let users = clients.iter().filter(|(_, purpose)| *purpose != other);
            users.map(|(client, _)| Arc::clone(client)).collect()
        };
        let (listing, download) = (without(CookieUse::Download), without(CookieUse::Listing));
        // The account's own client first, unless it is for links alone.
        let mut writing: Vec<_> = Vec::clone(&listing);
        writing.sort_by_key(|client| !Arc::ptr_eq(client, &main));
        Self {
            main,
            listing,
            download,
            writing,
            leaving: Mutex::default(),
            arriving: Mutex::default(),
            turn: AtomicUsize::new(0),
        }
    }

    /// The account's name in the configuration.
    pub(super) fn name(&self) -> &str {
        self.main.name()
    }

    /// Copies `file` of `share` into `folder`.
    ///
    /// **Cost**: one call, which is not repeated.
    /// **Errors**: as [`Client::share_receive`].
    pub(super) async fn receive(
        &self,
        meter: &Meter,
        share: &ShareLink,
        file: &Node,
        folder: FileId,
    ) -> Result<Receipt, DriveError> {
        self.ask(&self.download, |client| client.share_receive(meter, share, file, folder).boxed()).await
    }

    /// Makes a call by one of `clients`, in turn, and by the next one if that is kept from it.
    async fn ask<'a, T>(
        &'a self,
        clients: &'a [Arc<Client>],
        call: impl Fn(&'a Client) -> BoxFuture<'a, Result<T, Pan115Error>>,
    ) -> Result<T, DriveError> {
        self.ask_from(self.turn.fetch_add(1, Ordering::Relaxed), clients, call).await
    }

    /// Makes a call by the client number `first` of `clients`, and by the next one if it is kept from it.
    async fn ask_from<'a, T>(
        &'a self,
        first: usize,
        clients: &'a [Arc<Client>],
        call: impl Fn(&'a Client) -> BoxFuture<'a, Result<T, Pan115Error>>,
    ) -> Result<T, DriveError> {
        let mut failure = None;
        for client in (0..clients.len()).map(|n| &clients[(first + n) % clients.len()]) {
            if let Err(foreign) = self.check_user(client).await {
                failure.get_or_insert(foreign);
                continue;
            }
            match call(client).await {
                Err(error) if is_of_cookie(&error) => {
                    failure.get_or_insert(error.into());
                }
                outcome => return Ok(outcome?),
            }
        }
        Err(failure.unwrap_or_else(|| {
            DriveError::new(DriveErrorKind::Unavailable, "no cookie of the account is meant for this")
        }))
    }

    /// Keeps away from a cookie of somebody else: with it, this drive's folders would be empty or not there.
    async fn check_user(&self, client: &Arc<Client>) -> Result<(), DriveError> {
        if Arc::ptr_eq(client, &self.main) || !client.is_of_another_user_than(&self.main).await {
            return Ok(());
        }
        let reason = format!(
            "the cookie of {0} is of another 115 user than that of {1}; \
             sign in as the same user by `dav115 login --account {0}`",
            client.name(),
            self.main.name()
        );
        tracing::warn!("{reason}");
        Err(DriveError::new(DriveErrorKind::SignedOut, reason))
    }
}

/// Whether another cookie may do what this one could not.
fn is_of_cookie(error: &Pan115Error) -> bool {
    matches!(error.kind, ErrorKind::Blocked { .. } | ErrorKind::Throttled { .. } | ErrorKind::SignedOut)
}

#[async_trait]
impl Drive for CloudDrive {
    async fn list(&self, meter: &Meter, folder: FileId) -> Result<Listing, DriveError> {
        let nodes = self.ask(&self.listing, |client| client.list(meter, folder).boxed()).await?;
        Ok(Listing::new(nodes))
    }

    async fn link(&self, meter: &Meter, file: &Node, binding: &LinkBinding) -> Result<Link, DriveError> {
        let code = &file.pick_code;
        self.ask(&self.download, |client| client.download_link(meter, code, binding).boxed()).await
    }

    async fn open(&self, link: &Link, range: Range<u64>) -> Result<Body, DriveError> {
        open(&self.main, link, range).await
    }

    async fn quota(&self, meter: &Meter) -> Result<Quota, DriveError> {
        let space = self.ask(&self.listing, |client| client.space(meter).boxed()).await?;
        Ok(Quota { used: space.used, available: space.left })
    }

    async fn create_folder(&self, meter: &Meter, parent: FileId, name: &str) -> Result<Node, DriveError> {
        self.make_folder(meter, parent, name).await
    }

    async fn rename(
        &self,
        meter: &Meter,
        node: &Node,
        parent: FileId,
        name: &str,
    ) -> Result<Node, DriveError> {
        self.give_name(meter, node, parent, name).await
    }

    async fn relocate(&self, meter: &Meter, node: &Node, _: FileId, to: FileId) -> Result<(), DriveError> {
        self.change(|client| client.relocate(meter, node.id, to).boxed()).await?;
        if node.is_folder() {
            self.note_arriving(node.id);
        }
        Ok(())
    }

    async fn copy(&self, meter: &Meter, node: &Node, to: FileId, name: &str) -> Result<Node, DriveError> {
        self.copy_as(meter, node, to, name).await
    }

    async fn trash(&self, meter: &Meter, nodes: &[FileId], parent: FileId) -> Result<(), DriveError> {
        if nodes.is_empty() {
            return Ok(());
        }
        self.change(|client| client.trash(meter, nodes, parent).boxed()).await?;
        self.note_leaving(parent);
        Ok(())
    }

    async fn purge(&self, meter: &Meter, nodes: &[FileId]) -> Result<(), DriveError> {
        self.change(|client| client.purge(meter, nodes).boxed()).await
    }

    async fn upload_limit(&self, meter: &Meter) -> Result<u64, DriveError> {
        self.ask_from(0, &self.writing, |client| client.upload_limit(meter).boxed()).await
    }

    async fn begin_upload(
        &self,
        meter: &Meter,
        target: &UploadTarget,
        proof: Option<&Proof>,
    ) -> Result<UploadStep, DriveError> {
        self.announce(meter, target, proof).await
    }

    async fn prepare_upload(
        &self,
        meter: &Meter,
        target: &UploadTarget,
        session: &mut UploadSession,
    ) -> Result<(), DriveError> {
        self.prepare(meter, target, session).await
    }

    async fn upload(
        &self,
        meter: &Meter,
        target: &UploadTarget,
        session: &UploadSession,
        source: &mut dyn UploadSource,
    ) -> Result<Node, DriveError> {
        self.send(meter, target, session, source).await
    }

    async fn abort_upload(&self, meter: &Meter, session: &UploadSession) -> Result<(), DriveError> {
        self.give_up(meter, session).await
    }

    fn own_agent(&self) -> &str {
        self.main.user_agent()
    }
}

/// Opens the content behind `link` by `client`.
pub(super) async fn open(client: &Client, link: &Link, range: Range<u64>) -> Result<Body, DriveError> {
    let fetched = client.fetch(link, range).await?;
    Ok(Body {
        total: fetched.total,
        validator: fetched.validator,
        stream: fetched.stream.map(|chunk| chunk.map_err(DriveError::from)).boxed(),
    })
}

impl From<Pan115Error> for DriveError {
    fn from(error: Pan115Error) -> Self {
        let kind = match error.kind {
            ErrorKind::NotFound => DriveErrorKind::NotFound,
            ErrorKind::Gone => DriveErrorKind::Gone,
            ErrorKind::Denied => DriveErrorKind::Denied,
            ErrorKind::Exists => DriveErrorKind::Exists,
            ErrorKind::BadName => DriveErrorKind::BadName,
            ErrorKind::NoSpace => DriveErrorKind::NoSpace,
            ErrorKind::TooLarge => DriveErrorKind::TooLarge,
            ErrorKind::LinkRefused => DriveErrorKind::LinkRefused,
            ErrorKind::Throttled { after } => {
                DriveErrorKind::Throttled { until: after.map(|after| std::time::SystemTime::now() + after) }
            }
            ErrorKind::Blocked { until: Some(until) } => DriveErrorKind::Blocked { until },
            ErrorKind::Blocked { until: None } | ErrorKind::Busy => DriveErrorKind::Throttled { until: None },
            ErrorKind::SignedOut => DriveErrorKind::SignedOut,
            // The last three are a fault of the gateway, or something new at 115:
            // not the client's, and no reason to believe that files are gone.
            ErrorKind::Transport(_)
            | ErrorKind::Server
            | ErrorKind::NoLink
            | ErrorKind::BadRequest
            | ErrorKind::OtherOrder
            | ErrorKind::Unknown => DriveErrorKind::Unavailable,
            ErrorKind::Corrupt => DriveErrorKind::Corrupt,
        };
        Self::new(kind, error.message.as_str()).caused_by(error)
    }
}
