//! A 115 account as a drive: the client's words turned into the tree's.

use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use futures_util::StreamExt as _;

use super::{Body, Drive, DriveError, DriveErrorKind, Quota};
use crate::model::{FileId, Link, LinkBinding, Listing, Meter, Node};
use crate::pan115::{Client, ErrorKind, Pan115Error};

/// An account's own files.
pub struct CloudDrive {
    client: Arc<Client>,
}

impl CloudDrive {
    /// The drive of `client`'s account.
    pub fn new(client: Arc<Client>) -> Self {
        Self { client }
    }
}

#[async_trait]
impl Drive for CloudDrive {
    async fn list(&self, meter: &Meter, folder: FileId) -> Result<Listing, DriveError> {
        Ok(Listing::new(self.client.list(meter, folder).await?))
    }

    async fn link(&self, meter: &Meter, file: &Node, binding: &LinkBinding) -> Result<Link, DriveError> {
        Ok(self.client.download_link(meter, &file.pick_code, binding).await?)
    }

    async fn open(&self, link: &Link, range: Range<u64>) -> Result<Body, DriveError> {
        open(&self.client, link, range).await
    }

    async fn quota(&self, meter: &Meter) -> Result<Quota, DriveError> {
        let space = self.client.space(meter).await?;
        Ok(Quota { used: space.used, available: space.left })
    }

    fn own_agent(&self) -> &str {
        self.client.user_agent()
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
