//! What can go wrong at a drive, sorted by what the tree can do about it.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

/// The sort of failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DriveErrorKind {
    /// It is not there (any more).
    NotFound,
    /// A share that was promised is no more, for good. Its files were not deleted one by one.
    Gone,
    /// 115 refuses, and asking again will not help: censored content, for one.
    Denied,
    /// It cannot be changed at all.
    ReadOnly,
    /// Something of that name is there already.
    Exists,
    /// 115 does not take the name, or would change it.
    BadName,
    /// The account has no space left.
    NoSpace,
    /// The file is longer than the account may upload.
    TooLarge,
    /// The source of an upload failed, or was not what it was announced to be.
    Aborted,
    /// The link has expired or was refused by the download server; a new one may work.
    LinkRefused,
    /// Too many requests or open bodies; later it will work.
    Throttled {
        /// When to try again, if known.
        until: Option<SystemTime>,
    },
    /// 115's firewall blocks the account, or the gateway keeps away because of that.
    Blocked {
        /// When the next try will be made.
        until: SystemTime,
    },
    /// The account is signed out; only its owner can change that.
    SignedOut,
    /// 115 cannot be reached, or takes too long.
    Unavailable,
    /// 115 answered something that makes no sense, so it is not used.
    Corrupt,
}

/// A failure with its reason. Cheap to clone, since requests that share a call share its failure.
#[derive(Clone, Debug)]
pub struct DriveError {
    /// What sort it is.
    pub kind: DriveErrorKind,
    /// What happened, where, and what to do, for a person. Holds no secret.
    pub reason: Arc<str>,
    source: Option<Arc<dyn Error + Send + Sync>>,
}

impl DriveError {
    /// An error of `kind` for `reason`.
    pub fn new(kind: DriveErrorKind, reason: impl Into<Arc<str>>) -> Self {
        Self { kind, reason: reason.into(), source: None }
    }

    /// Keeps the cause.
    #[must_use]
    pub fn caused_by(mut self, source: impl Error + Send + Sync + 'static) -> Self {
        self.source = Some(Arc::new(source));
        self
    }
}

impl fmt::Display for DriveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

impl Error for DriveError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_ref().map(|source| &**source as &(dyn Error + 'static))
    }
}
