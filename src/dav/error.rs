//! Errors of this module, and the tree's errors in `dav_server`'s words.
//!
//! Does not decide HTTP statuses for the tree's errors: `server` does.
#![deny(clippy::wildcard_enum_match_arm)]

use dav_server::fs::FsError;
use http::StatusCode;

use crate::vfs::{DriveErrorKind, VfsError, VfsErrorKind};

/// Why a request was not answered.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// The tree failed.
    #[error(transparent)]
    Vfs(#[from] VfsError),
    /// The request itself is at fault.
    #[error("{reason}")]
    Refused {
        /// The status to answer with.
        status: StatusCode,
        /// What is wrong with the request, for a person.
        reason: String,
        /// The name of a precondition of RFC 4918 that was not met, for a `DAV:error` body.
        condition: Option<&'static str>,
    },
}

impl Error {
    pub(super) fn refused(status: StatusCode, reason: impl Into<String>) -> Self {
        Self::Refused { status, reason: reason.into(), condition: None }
    }

    pub(super) fn bad_request(reason: impl Into<String>) -> Self {
        Self::refused(StatusCode::BAD_REQUEST, reason)
    }
}

/// The nearest word `dav_server` has for `error`.
///
/// Lossy: it has none for "throttled", "signed out" or "later".
/// So [`super::RequestCtx`] keeps the error itself, see [`says_it_all`].
pub(super) fn to_fs_error(error: &VfsError) -> FsError {
    match &error.kind {
        // 409 in all methods that make something.
        VfsErrorKind::NotFound | VfsErrorKind::NoParent => FsError::NotFound,
        VfsErrorKind::NotAFolder | VfsErrorKind::IsAFolder | VfsErrorKind::Refused(_) => FsError::Forbidden,
        VfsErrorKind::Exists => FsError::Exists,
        VfsErrorKind::SizeMismatch { .. } | VfsErrorKind::HashMismatch => FsError::GeneralFailure,
        VfsErrorKind::NoRoom(_) => FsError::InsufficientStorage,
        VfsErrorKind::Drive(error) => match error.kind {
            DriveErrorKind::NotFound => FsError::NotFound,
            DriveErrorKind::Denied | DriveErrorKind::ReadOnly | DriveErrorKind::BadName => FsError::Forbidden,
            DriveErrorKind::Exists => FsError::Exists,
            DriveErrorKind::NoSpace => FsError::InsufficientStorage,
            DriveErrorKind::TooLarge => FsError::TooLarge,
            DriveErrorKind::Aborted => FsError::GeneralFailure,
            // 502: should the slot ever be overlooked, this is the least wrong of what there is, and clients retry it.
            DriveErrorKind::LinkRefused
            | DriveErrorKind::Gone
            | DriveErrorKind::Throttled { .. }
            | DriveErrorKind::Blocked { .. }
            | DriveErrorKind::SignedOut
            | DriveErrorKind::Unavailable
            | DriveErrorKind::Corrupt => FsError::IsRemote,
        },
    }
}

/// Whether `dav_server` loses nothing by hearing only its own word for `error`.
///
/// "Not found" is an ordinary answer there: a PUT of a new file begins with it and still succeeds.
/// And what it makes of the others depends on what it was about to do, which it knows best.
pub(super) fn says_it_all(error: &VfsError) -> bool {
    match &error.kind {
        VfsErrorKind::NotFound | VfsErrorKind::NoParent | VfsErrorKind::Exists => true,
        VfsErrorKind::Drive(error) => error.kind == DriveErrorKind::NotFound,
        VfsErrorKind::NotAFolder
        | VfsErrorKind::IsAFolder
        | VfsErrorKind::Refused(_)
        | VfsErrorKind::SizeMismatch { .. }
        | VfsErrorKind::HashMismatch
        | VfsErrorKind::NoRoom(_) => false,
    }
}
