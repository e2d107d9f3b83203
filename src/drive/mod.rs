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
use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;

pub use cloud::CloudDrive;
pub use error::{DriveError, DriveErrorKind};
pub use memory::MemoryDrive;
pub use save::SaveFolder;
pub use share::ShareDrive;
pub use shares::SharesDrive;

use crate::model::{
    FileId, Link, LinkBinding, Listing, Meter, Node, Proof, UploadSession, UploadStep, UploadTarget,
};

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

    /// Makes a folder. `name` is one of 115's, see [`crate::model::stored_name`].
    ///
    /// **Cost**: one call.
    /// **Errors**: `Exists` if a folder of that name is there; `BadName` if 115 does not take the name.
    async fn create_folder(&self, _: &Meter, _parent: FileId, _name: &str) -> Result<Node, DriveError> {
        Err(read_only())
    }

    /// Gives `node`, which is in `parent`, the name `name`, exactly: nothing is done by halves.
    ///
    /// 115 does not change the extension of a file, so such a file is made anew from what 115 has of it,
    /// and the old one goes to the recycle bin when the new one stands. It then has another id.
    ///
    /// **Cost**: one call; for a file with another extension two to four, and one request to the download server.
    /// **Errors**: `NotFound` if it is gone; `BadName` if 115 does not take the name.
    async fn rename(
        &self,
        _: &Meter,
        _node: &Node,
        _parent: FileId,
        _name: &str,
    ) -> Result<Node, DriveError> {
        Err(read_only())
    }

    /// Moves `node`, with all that is in it, from one folder to another. Its id and name stay.
    ///
    /// A namesake in `to` stays as well: the caller deals with it.
    /// **Cost**: one call; returns when the move is done.
    async fn relocate(&self, _: &Meter, _node: &Node, _from: FileId, _to: FileId) -> Result<(), DriveError> {
        Err(read_only())
    }

    /// Copies `node`, with all that is in it, into `to` under `name`; the copy is there under no other name at any time.
    ///
    /// **Cost**: for a file, one to four calls, and at most one request to the download server. For a folder, six or more.
    /// **Errors**: `NoSpace`; `BadName` if 115 does not take the name.
    async fn copy(&self, _: &Meter, _node: &Node, _to: FileId, _name: &str) -> Result<Node, DriveError> {
        Err(read_only())
    }

    /// Puts `nodes`, which are in `parent`, into the recycle bin, with all that is in them.
    ///
    /// **Cost**: one call, however much is in them. Returns when they are gone.
    async fn trash(&self, _: &Meter, _nodes: &[FileId], _parent: FileId) -> Result<(), DriveError> {
        Err(read_only())
    }

    /// Deletes from the recycle bin what [`Drive::trash`] has put there, and nothing else.
    ///
    /// **Cost**: one call.
    async fn purge(&self, _: &Meter, _nodes: &[FileId]) -> Result<(), DriveError> {
        Err(read_only())
    }

    /// The longest file that may be uploaded, in bytes.
    ///
    /// **Cost**: one call, the first time.
    async fn upload_limit(&self, _: &Meter) -> Result<u64, DriveError> {
        Err(read_only())
    }

    /// Announces a file, and again with the `proof` that was asked for.
    ///
    /// **Cost**: one call; the first time, up to one more.
    /// **Errors**: `NoSpace`, `TooLarge`, `BadName`, `Denied`.
    async fn begin_upload(
        &self,
        _: &Meter,
        _target: &UploadTarget,
        _proof: Option<&Proof>,
    ) -> Result<UploadStep, DriveError> {
        Err(read_only())
    }

    /// Makes `session` ready to be written down, so that it can be gone on with after a restart.
    ///
    /// **Cost**: no call to the API; for a file of more than one part, one request to the object storage.
    async fn prepare_upload(
        &self,
        _: &Meter,
        _target: &UploadTarget,
        _session: &mut UploadSession,
    ) -> Result<(), DriveError> {
        Err(read_only())
    }

    /// Sends what is not there yet, and makes a file of it.
    ///
    /// Parts are read from `source` in ascending order, each once; what is there already is not read.
    /// **Cost**: no call to the API but for the keys of the object storage, which last an hour; one request to it for each part, and one or two more.
    /// **Errors**: `Aborted` if the source failed: then nothing has become of the upload.
    async fn upload(
        &self,
        _: &Meter,
        _target: &UploadTarget,
        _session: &UploadSession,
        _source: &mut dyn UploadSource,
    ) -> Result<Node, DriveError> {
        Err(read_only())
    }

    /// Gives up an upload, so that its parts do not lie about.
    ///
    /// **Cost**: no call to the API; one request to the object storage, if parts may be there.
    async fn abort_upload(&self, _: &Meter, _session: &UploadSession) -> Result<(), DriveError> {
        Err(read_only())
    }

    /// The User-Agent the gateway itself uses for links it fetches.
    fn own_agent(&self) -> &str;

    /// Whether this is someone's share: it cannot be written to, has no space of its own,
    /// and its links are bound to [`Drive::own_agent`] whatever binding was asked for.
    fn is_share(&self) -> bool {
        false
    }
}

fn read_only() -> DriveError {
    DriveError::new(DriveErrorKind::ReadOnly, "this is a share of 115, which only its sharer can change")
}

/// Where the bytes of an upload come from.
pub trait UploadSource: Send {
    /// All bytes of `range`.
    ///
    /// Ranges are asked for in ascending order, and each byte at most once.
    /// If the content turns out not to have the announced hash, at the latest the last range fails.
    fn read(&mut self, range: Range<u64>) -> BoxFuture<'_, std::io::Result<Bytes>>;
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
