//! Errors of the tree: what was tried, on which path, and why it failed.

use std::borrow::Cow;
use std::fmt;

use super::VPath;
use crate::drive::DriveError;

/// What was being done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// Finding out what a path is.
    Stat,
    /// Listing a folder.
    List,
    /// Getting at a file's content.
    Read,
    /// Asking for the space of an account.
    Quota,
    /// Making a folder.
    MakeFolder,
    /// Storing a file.
    Write,
    /// Removing something.
    Remove,
    /// Giving something another name or place.
    Move,
    /// Copying something.
    Copy,
    /// Setting properties of something.
    SetProperties,
}

/// Why it failed.
#[derive(Clone, Debug)]
pub enum VfsErrorKind {
    /// Nothing is at that path.
    NotFound,
    /// A file stands where a folder is needed.
    NotAFolder,
    /// A folder stands where a file is needed.
    IsAFolder,
    /// It may not be changed: by this user, at this place, or at all. Says why.
    Refused(Cow<'static, str>),
    /// Something is at that path already.
    Exists,
    /// The folder it would be in is not there.
    NoParent,
    /// The body of an upload ended early or went on too long.
    SizeMismatch {
        /// Bytes that were announced.
        declared: u64,
        /// Bytes that came.
        got: u64,
    },
    /// The body of an upload is not what its announced hash says.
    HashMismatch,
    /// The gateway has no room for the body of an upload. Says why.
    NoRoom(Cow<'static, str>),
    /// The drive failed.
    Drive(DriveError),
}

/// An error with its operation and path.
#[derive(Clone, Debug)]
pub struct VfsError {
    /// What was being done.
    pub op: Op,
    /// On which path.
    pub path: VPath,
    /// Why it failed.
    pub kind: VfsErrorKind,
}

impl fmt::Display for VfsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let op = match self.op {
            Op::Stat => "look up",
            Op::List => "list",
            Op::Read => "read",
            Op::Quota => "get the space of",
            Op::MakeFolder => "make the folder",
            Op::Write => "store",
            Op::Remove => "remove",
            Op::Move => "move",
            Op::Copy => "copy",
            Op::SetProperties => "set properties of",
        };
        write!(f, "cannot {op} {}: ", self.path)?;
        match &self.kind {
            VfsErrorKind::NotFound => f.write_str("there is nothing at this path"),
            VfsErrorKind::NotAFolder => f.write_str("a file is in the way where a folder is needed"),
            VfsErrorKind::IsAFolder => f.write_str("this is a folder, not a file"),
            VfsErrorKind::Refused(reason) | VfsErrorKind::NoRoom(reason) => f.write_str(reason),
            VfsErrorKind::Exists => f.write_str("there is something at this path already"),
            VfsErrorKind::NoParent => f.write_str("the folder it would be in does not exist; make it first"),
            VfsErrorKind::SizeMismatch { declared, got } => {
                write!(
                    f,
                    "{declared} bytes were announced, but {got} came; nothing was stored, send it again"
                )
            }
            VfsErrorKind::HashMismatch => f.write_str(
                "the content is not what its announced hash says; nothing was stored, send it again",
            ),
            VfsErrorKind::Drive(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for VfsError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.kind {
            VfsErrorKind::Drive(error) => Some(error),
            _ => None,
        }
    }
}
