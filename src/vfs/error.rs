//! Errors of the tree: what was tried, on which path, and why it failed.

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
        };
        write!(f, "cannot {op} {}: ", self.path)?;
        match &self.kind {
            VfsErrorKind::NotFound => f.write_str("there is nothing at this path"),
            VfsErrorKind::NotAFolder => f.write_str("a file is in the way where a folder is needed"),
            VfsErrorKind::IsAFolder => f.write_str("this is a folder, not a file"),
            VfsErrorKind::Drive(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for VfsError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.kind {
            VfsErrorKind::Drive(error) => Some(error),
            VfsErrorKind::NotFound | VfsErrorKind::NotAFolder | VfsErrorKind::IsAFolder => None,
        }
    }
}
