//! A file on its way up: what 115 has to be told of it, and what it answers.

use std::fmt;
use std::ops::Range;

use super::{FileId, Node, Sha1};

/// The file that is to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadTarget {
    /// The folder it goes into.
    pub parent: FileId,
    /// Its name at 115: see [`super::stored_name`].
    pub name: Box<str>,
    /// Its length in bytes.
    pub size: u64,
    /// The hash of all of it.
    pub sha1: Sha1,
}

/// What 115 wants before it believes that someone has a file whose hash it was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge {
    /// Names the question; goes back with the answer.
    pub key: Box<str>,
    /// The bytes whose hash is wanted, half-open and never empty.
    pub range: Range<u64>,
}

/// The answer to a [`Challenge`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// The key of the question.
    pub key: Box<str>,
    /// The hash of the asked bytes.
    pub sha1: Sha1,
}

/// What 115 says to an announced upload.
#[derive(Debug)]
pub enum UploadStep {
    /// It knows the content: the file is there, and no byte needs to travel.
    Known(Box<Node>),
    /// It may know the content, and wants proof.
    Prove(Challenge),
    /// It does not know the content and takes it by this session.
    Send(Box<UploadSession>),
}

/// Where the bytes of one upload go. It outlives a restart of the gateway: see [`UploadSession::multipart`].
#[derive(Clone, PartialEq, Eq)]
pub struct UploadSession {
    /// The bucket of the object storage.
    pub bucket: String,
    /// The object's name in it.
    pub object: String,
    /// What the object storage tells 115 when it has everything, exactly as 115 gave it.
    pub callback: String,
    /// The variables of that, exactly as 115 gave them.
    pub callback_var: String,
    /// The pick code the file will have.
    pub pick_code: String,
    /// The id of the multipart upload, once it has begun.
    pub multipart: Option<String>,
    /// Bytes of each part but the last. An upload goes on with the size it began with.
    pub part_size: u64,
}

/// Without the callback: whoever has it can end the upload in the user's name.
impl fmt::Debug for UploadSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UploadSession")
            .field("bucket", &self.bucket)
            .field("object", &self.object)
            .field("pick_code", &self.pick_code)
            .field("multipart", &self.multipart)
            .field("part_size", &self.part_size)
            .finish_non_exhaustive()
    }
}
