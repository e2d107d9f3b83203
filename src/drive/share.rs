//! A share as a drive: listed without a login, downloaded in the cheapest way that works, and if none does, from a copy.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use parking_lot::Mutex;
use tokio::time::Instant;

use super::cloud::open;
use super::save::SaveFolder;
use super::{Body, Drive, DriveError, DriveErrorKind, Quota};
use crate::model::{FileId, Link, LinkBinding, Listing, Meter, Node, ShareHealth, ShareLink, ShareState};
use crate::pan115::{Client, ErrorKind, Pan115Error, ShareInfo, ShareWay};

/// How long a way that 115 has closed is not tried again.
const CLOSED_FOR: Duration = Duration::from_secs(600);

/// The same for a reason nobody has described, which may pass.
const UNEXPLAINED_FOR: Duration = Duration::from_secs(60);

/// Someone's share.
pub struct ShareDrive {
    share: ShareLink,
    visitor: Arc<Client>,
    account: Option<Arc<Client>>,
    save: Option<Arc<SaveFolder>>,
    ways: Mutex<Ways>,
    state: Mutex<ShareState>,
}

/// What is remembered of the ways to a link.
#[derive(Default)]
struct Ways {
    /// The one that led to a link last.
    works: Option<ShareWay>,
    /// Those that 115 has closed to every file of the share, until when, and what it said.
    closed: Vec<(ShareWay, Instant, Pan115Error)>,
}

impl ShareDrive {
    /// The drive of `share`. `visitor` makes the calls that need no login; with `account`, all ways to a link are open.
    /// Where none of them leads to one, the file is copied into `save`, if that is given, and had from there.
    pub fn new(
        share: ShareLink,
        visitor: Arc<Client>,
        account: Option<Arc<Client>>,
        save: Option<Arc<SaveFolder>>,
    ) -> Self {
        let state = Mutex::new(ShareState::Unknown);
        Self { share, visitor, account, save, ways: Mutex::default(), state }
    }

    /// What is known of the share, without a call.
    pub fn health(&self) -> ShareHealth {
        ShareHealth { code: self.share.code.clone(), state: self.state.lock().clone() }
    }

    /// The share code.
    pub fn code(&self) -> &str {
        &self.share.code
    }

    /// Whether the share can be used, and what it is called.
    ///
    /// **Cost**: one call.
    pub async fn info(&self, meter: &Meter) -> Result<ShareInfo, DriveError> {
        Ok(self.noted(self.visitor.share_info(meter, &self.share).await)?)
    }

    /// Whether 115 lists `folder` of the share, for a check of the configuration.
    ///
    /// **Cost**: as a listing.
    pub async fn look_at(&self, meter: &Meter, folder: FileId) -> Result<(), DriveError> {
        self.list(meter, folder).await.map(drop)
    }

    /// Keeps what an outcome tells of the share, and logs it if that is news.
    fn noted<T>(&self, outcome: Result<T, Pan115Error>) -> Result<T, Pan115Error> {
        let next = match &outcome {
            Ok(_) => ShareState::Usable,
            // The folder is gone, not the share.
            Err(error) if error.kind == ErrorKind::NotFound => return outcome,
            Err(error) => ShareState::Failed { reason: error.message.clone() },
        };
        let mut state = self.state.lock();
        // What is said while calls are kept away holds a time, which differs with every call; that is no news.
        let is_kept_away = matches!(
            &outcome,
            Err(error) if matches!(error.kind, ErrorKind::Blocked { .. } | ErrorKind::Throttled { .. })
        );
        let had_failed = matches!(&*state, ShareState::Failed { .. });
        match (&*state, &next) {
            (ShareState::Failed { .. }, ShareState::Usable) => {
                tracing::info!(share = %self.share.code, "the share can be used again");
            }
            (before, ShareState::Failed { reason }) if *before != next && !(is_kept_away && had_failed) => {
                tracing::warn!(share = %self.share.code, "{reason}");
            }
            _ => {}
        }
        *state = next;
        outcome
    }

    /// The ways to try for a file of `size` bytes, and what 115 said of the first one that is closed.
    fn open_ways(&self, size: u64) -> (Vec<ShareWay>, Option<Pan115Error>) {
        let mut ways = self.ways.lock();
        let now = Instant::now();
        ways.closed.retain(|(_, until, _)| *until > now);
        let mut open: Vec<_> = ShareWay::ALL
            .into_iter()
            .filter(|way| self.account.is_some() || !way.needs_login())
            .filter(|way| way.takes(size) && !ways.closed.iter().any(|(closed, ..)| closed == way))
            .collect();
        open.sort_by_key(|way| Some(*way) != ways.works);
        (open, ways.closed.first().map(|(.., error)| error.clone()))
    }

    fn client(&self, way: ShareWay) -> &Arc<Client> {
        self.account.as_ref().filter(|_| way.needs_login()).unwrap_or(&self.visitor)
    }

    /// Takes note that `way` led to no link; `false` if no other can do better.
    fn note_failure(&self, way: ShareWay, error: &Pan115Error) -> bool {
        let is_of_the_file = error.code == 50_038;
        let is_closed = match error.kind {
            ErrorKind::Denied if is_of_the_file => return false,
            // Too large for this way, or this one file has no link there.
            ErrorKind::Denied if error.code == 50_028 => false,
            ErrorKind::NoLink | ErrorKind::Corrupt => false,
            // The session of an account remembers that by itself.
            ErrorKind::SignedOut => !way.needs_login(),
            // The share itself is refused, in every way.
            ErrorKind::Denied if matches!(error.code, 4_100_000..=4_199_999) => return false,
            ErrorKind::Denied | ErrorKind::BadRequest | ErrorKind::Unknown => true,
            _ => return false,
        };
        if is_closed {
            tracing::info!(share = %self.share.code, ?way, "115 has closed a way to download: {error}");
            let how_long = if error.kind == ErrorKind::Unknown { UNEXPLAINED_FOR } else { CLOSED_FOR };
            let mut ways = self.ways.lock();
            ways.closed.push((way, Instant::now() + how_long, error.clone()));
            ways.closed.sort_by_key(|(way, ..)| ShareWay::ALL.iter().position(|other| other == way));
        }
        true
    }

    /// Why no way leads to a file of `size` bytes.
    fn without_link(&self, error: Option<Pan115Error>, size: u64) -> DriveError {
        let code = &self.share.code;
        let Some(error) = error else {
            let what = format!("no way to download leads to this file of the share {code} at present");
            return DriveError::new(DriveErrorKind::Unavailable, what);
        };
        match (error.kind, &self.account) {
            (ErrorKind::Unknown, _) if self.open_ways(size).0.is_empty() => {
                // Until the first of them opens none is tried, so nobody need come back before.
                let next = self.ways.lock().closed.iter().map(|(_, until, _)| *until).min();
                let after = next.map(|until| until.saturating_duration_since(Instant::now()));
                Pan115Error { kind: ErrorKind::Throttled { after }, ..error }.into()
            }
            (ErrorKind::SignedOut, None) => {
                let reason = format!(
                    "115 hands out the files of the share {code} to accounts only, since its sharer does not allow \
                     downloads without a login ({}); name an account in the [[mounts]] entry",
                    error.message
                );
                DriveError::new(DriveErrorKind::Denied, reason).caused_by(error)
            }
            _ => error.into(),
        }
    }
}

#[async_trait]
impl Drive for ShareDrive {
    async fn list(&self, meter: &Meter, folder: FileId) -> Result<Listing, DriveError> {
        let nodes = self.noted(self.visitor.share_list(meter, &self.share, folder).await)?;
        Ok(Listing::new(nodes))
    }

    /// **Cost**: one call; once in a while one for each way that is closed; that of a link to a copy if all are.
    async fn link(&self, meter: &Meter, file: &Node, _: &LinkBinding) -> Result<Link, DriveError> {
        let (ways, closed) = self.open_ways(file.size);
        let mut first = closed;
        for way in ways {
            let error = match self.client(way).share_link(meter, way, &self.share, file).await {
                Ok(link) => {
                    self.ways.lock().works = Some(way);
                    return Ok(link);
                }
                Err(error) => error,
            };
            if error.kind == ErrorKind::Gone {
                return self.noted(Err(error)).map_err(DriveError::from);
            }
            if !self.note_failure(way, &error) {
                return Err(error.into());
            }
            // Of an account that is signed out its owner must hear; else what the best way said counts.
            if first.is_none() || (error.kind == ErrorKind::SignedOut && way.needs_login()) {
                first = Some(error);
            }
        }
        let failure = self.without_link(first, file.size);
        let Some(save) = &self.save else { return Err(failure) };
        tracing::debug!(share = %self.share.code, "no way leads to a link, so the file is to be saved: {failure}");
        save.link(meter, &self.share, file).await
    }

    async fn open(&self, link: &Link, range: Range<u64>) -> Result<Body, DriveError> {
        open(self.account.as_ref().unwrap_or(&self.visitor), link, range).await
    }

    /// A share has no space of its own.
    async fn quota(&self, _: &Meter) -> Result<Quota, DriveError> {
        Err(DriveError::new(DriveErrorKind::Denied, "a share has no space of its own"))
    }

    fn own_agent(&self) -> &str {
        self.visitor.user_agent()
    }

    fn is_share(&self) -> bool {
        true
    }
}
