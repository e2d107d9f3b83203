//! What the tree needs from a cloud, in the tree's words.
//!
//! `Drive` is the crate's one important trait.
//! Above it nobody knows 115; below it nobody knows paths.

mod cloud;
mod error;
mod memory;
mod save;
mod share;
mod shares;

use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::BoxStream;

pub use cloud::CloudDrive;
pub use error::{DriveError, DriveErrorKind};
pub use memory::MemoryDrive;
pub use save::SaveFolder;
pub use share::ShareDrive;
pub use shares::SharesDrive;

use crate::model::{FileId, Link, LinkBinding, Listing, Meter, Node};

/// A tree of files somewhere, addressed by id.
///
/// Every method may wait for the pace of the account.
/// An error is final for this request: what may be retried has been retried.
#[async_trait]
pub trait Drive: Send + Sync + 'static {
    /// All children of a folder, or an error; never a part of them.
    ///
    /// **Cost**: one call per page.
    /// **Errors**: `NotFound` if the folder is gone.
    async fn list(&self, meter: &Meter, folder: FileId) -> Result<Listing, DriveError>;

    /// A link to a file's content, asked for with the User-Agent of `binding`.
    ///
    /// **Cost**: one call.
    /// **Errors**: `Denied` for censored content, `NotFound` if the file is gone.
    async fn link(&self, meter: &Meter, file: &Node, binding: &LinkBinding) -> Result<Link, DriveError>;

    /// Opens the content behind `link`, from and up to the byte offsets of `range`.
    ///
    /// **Cost**: no call to the API; one request to the download server.
    /// **Errors**: `LinkRefused` if the link has expired or its terms were not met.
    async fn open(&self, link: &Link, range: Range<u64>) -> Result<Body, DriveError>;

    /// Space used and left, in bytes.
    ///
    /// **Cost**: one call.
    async fn quota(&self, meter: &Meter) -> Result<Quota, DriveError>;

    /// The User-Agent the gateway itself uses for links it fetches.
    fn own_agent(&self) -> &str;

    /// Whether this is someone's share: it cannot be written to, has no space of its own,
    /// and its links are bound to [`Drive::own_agent`] whatever binding was asked for.
    fn is_share(&self) -> bool {
        false
    }
}

/// An open body.
pub struct Body {
    /// Total length of the file, as the download server states it.
    pub total: u64,
    /// Identifies the content, if the download server states something that does.
    pub validator: Option<Arc<str>>,
    /// The bytes of the asked range. Dropping it closes the connection at once.
    /// It ends only when all of them have come; a loss on the way is an error.
    pub stream: BoxStream<'static, Result<Bytes, DriveError>>,
}

/// Space of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// Bytes in use.
    pub used: u64,
    /// Bytes left.
    pub available: u64,
}
