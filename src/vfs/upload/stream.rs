//! A body that goes on to 115 while it comes in, since its hash was announced and only has to be checked.

use std::io;
use std::ops::Range;

use bytes::{Bytes, BytesMut};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use sha1::{Digest as _, Sha1 as Hasher};
use tokio::sync::mpsc::{Receiver, Sender, channel};

use super::spool::Spooled;
use crate::drive::UploadSource;
use crate::model::Sha1;

/// Chunks of a body that wait to be sent on. One has at most half a MiB.
const WAITING: usize = 4;

/// What has come of a body already, and the rest of it.
pub(super) struct Stream {
    /// The beginning, if some of it had to be looked at first.
    spooled: Option<Spooled>,
    rest: Receiver<Bytes>,
    held: BytesMut,
    at: u64,
    size: u64,
    hasher: Hasher,
    announced: Sha1,
    is_other: bool,
}

/// A stream of `size` bytes that must have the hash `announced`, and where its bytes go in.
pub(super) fn stream(spooled: Option<Spooled>, size: u64, announced: Sha1) -> (Sender<Bytes>, Stream) {
    let (sender, rest) = channel(WAITING);
    let stream = Stream {
        spooled,
        rest,
        held: BytesMut::new(),
        at: 0,
        size,
        hasher: Hasher::new(),
        announced,
        is_other: false,
    };
    (sender, stream)
}

impl Stream {
    /// Whether all of it has come and does not have the announced hash.
    pub(super) fn is_other_content(&self) -> bool {
        self.is_other
    }

    async fn next(&mut self, range: Range<u64>) -> io::Result<Bytes> {
        if range.start != self.at {
            return Err(io::Error::other("the parts of a stream can only be had in order"));
        }
        let begun = self.spooled.as_ref().map_or(0, Spooled::len);
        while self.at + (self.held.len() as u64) < range.end {
            let from = self.at + self.held.len() as u64;
            let more = match &mut self.spooled {
                Some(spooled) if from < begun => spooled.read(from..range.end.min(begun)).await?,
                _ => self.rest.recv().await.ok_or(io::ErrorKind::UnexpectedEof)?,
            };
            self.held.extend_from_slice(&more);
        }
        let length = usize::try_from(range.end - range.start).map_err(io::Error::other)?;
        let part = self.held.split_to(length).freeze();
        self.hasher.update(&part);
        self.at = range.end;
        if self.at == self.size && self.hasher.clone().finalize()[..] != self.announced.0 {
            self.is_other = true;
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "the content does not have the announced hash",
            ));
        }
        Ok(part)
    }
}

impl UploadSource for Stream {
    fn read(&mut self, range: Range<u64>) -> BoxFuture<'_, io::Result<Bytes>> {
        self.next(range).boxed()
    }
}
