//! All pages of a folder of a share: complete, or an error.

use super::api::share::fault;
use super::listing::{MAX_RESTARTS, Pages, Turn};
use super::{Client, ErrorKind, Pan115Error};
use crate::model::{FileId, Meter, Node, ShareLink};

impl Client {
    /// All entries of `folder` of `share`, in 115's order.
    ///
    /// **Cost**: as [`Client::list`], without a login.
    /// **Errors**: `Gone` if the share is no more, `Denied` for a wrong receive code, `Throttled` while 115 is at work on it,
    /// `NotFound` if the folder does not exist; `Corrupt` if the entries do not add up. Never a part of them.
    /// **Source**: protocol notes, reading part, §5.2 and §5.3.
    pub async fn share_list(
        &self,
        meter: &Meter,
        share: &ShareLink,
        folder: FileId,
    ) -> Result<Vec<Node>, Pan115Error> {
        let mut reason = "";
        for _ in 0..=MAX_RESTARTS {
            match self.share_list_once(meter, share, folder).await {
                Ok(nodes) => return Ok(nodes),
                Err(Turn::Error(error)) => return Err(error),
                Err(Turn::Restart(why)) => reason = why,
                Err(Turn::Order(..)) => reason = "in another order than asked for",
            }
            tracing::debug!(share = %share.code, folder = folder.0, reason, "listing a folder anew");
        }
        let what = format!("cannot be listed: it was different every time: {reason}");
        Err(fault::error(share, ErrorKind::Corrupt, 0, &what))
    }

    async fn share_list_once(
        &self,
        meter: &Meter,
        share: &ShareLink,
        folder: FileId,
    ) -> Result<Vec<Node>, Turn> {
        let mut pages = Pages::default();
        loop {
            let offset = pages.next_offset();
            let page = self.share_page(meter, share, folder, offset).await?;
            if pages.add(page, offset)? {
                return Ok(pages.nodes);
            }
        }
    }
}
