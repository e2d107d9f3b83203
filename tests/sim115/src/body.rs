//! Response bodies: bytes made as they are sent, with every way a transfer can go wrong.
//!
//! A body makes its bytes only when the connection can take more, so a slow or stopped client costs nothing. Dropping
//! the body, at its end or when the peer is gone, is what counts a download as closed.

use std::future::Future as _;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use tokio::time::{Instant, Sleep, sleep, sleep_until};

use crate::cdn::OpenBody;
use crate::content::Content;
use crate::num::long;

/// Bytes made at a time.
const CHUNK_BYTES: u64 = 128 << 10;

/// How long a connection that is to break waits first, so that the bytes before the break reach the peer.
const FLUSH_TIME: Duration = Duration::from_millis(20);

/// How a transfer goes wrong.
#[derive(Debug, Default, Clone)]
pub(crate) struct Shaping {
    /// Nothing is sent before this has passed.
    pub(crate) start_delay: Option<Duration>,
    /// The connection breaks after this many bytes.
    pub(crate) cut_after: Option<u64>,
    /// The length the header claims differs from the truth.
    pub(crate) wrong_length: Option<u64>,
    /// Bytes per second.
    pub(crate) rate: Option<u64>,
}

/// A body in the making.
pub(crate) struct SimBody {
    content: Content,
    next: u64,
    end: u64,
    shaping: Shaping,
    /// What the body waits for now: its start, its pace, or the moment of its break.
    pause: Option<Pin<Box<Sleep>>>,
    /// When a throttled body may go on.
    due: Option<Instant>,
    breaking: bool,
    sent: Option<Arc<AtomicU64>>,
    /// Held for as long as the body counts as open.
    open: Option<OpenBody>,
}

impl SimBody {
    /// A body of these bytes.
    pub(crate) fn bytes(bytes: Bytes) -> Self {
        let end = long(bytes.len());
        Self::range(Content::Bytes(bytes), 0, end)
    }

    /// A body of the bytes `next..end` of a content.
    pub(crate) fn range(content: Content, next: u64, end: u64) -> Self {
        Self {
            content,
            next,
            end,
            shaping: Shaping::default(),
            pause: None,
            due: None,
            breaking: false,
            sent: None,
            open: None,
        }
    }

    /// The same body, counted in `sent` and held open until it is dropped.
    pub(crate) fn counted(mut self, sent: Arc<AtomicU64>, open: Option<OpenBody>) -> Self {
        self.sent = Some(sent);
        self.open = open;
        self
    }

    /// The same body, going wrong in a way.
    pub(crate) fn shaped(mut self, shaping: Shaping) -> Self {
        self.pause = shaping.start_delay.map(|delay| Box::pin(sleep(delay)));
        if let Some(cut) = shaping.cut_after {
            self.end = self.end.min(self.next + cut);
        }
        self.shaping = shaping;
        self
    }

    /// The number of bytes still to come.
    pub(crate) fn remaining(&self) -> u64 {
        self.end - self.next
    }

    fn chunk(&mut self) -> Bytes {
        // A throttled body sends at least ten times a second.
        let step = self.shaping.rate.map_or(CHUNK_BYTES, |rate| (rate / 10).clamp(1, CHUNK_BYTES));
        let upto = self.end.min(self.next + step);
        let chunk = self.content.read(self.next..upto);
        self.next = upto;
        if let Some(rate) = self.shaping.rate {
            // Reckoned from when the last pause was to end, so that late timers do not add up.
            let due = self.due.unwrap_or_else(Instant::now) + Duration::from_micros(step * 1_000_000 / rate);
            self.pause = Some(Box::pin(sleep_until(due)));
            self.due = Some(due);
        }
        if let Some(sent) = &self.sent {
            sent.fetch_add(long(chunk.len()), Ordering::Relaxed);
        }
        chunk
    }
}

impl Body for SimBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if let Some(pause) = &mut self.pause {
            ready!(pause.as_mut().poll(context));
            self.pause = None;
        }
        if self.next < self.end {
            let chunk = self.chunk();
            if self.is_end_stream() {
                // The last bytes are made: a client that has read them may open another body at once.
                self.open = None;
            }
            return Poll::Ready(Some(Ok(Frame::data(chunk))));
        }
        if self.shaping.cut_after.is_none() {
            return Poll::Ready(None);
        }
        if self.breaking {
            return Poll::Ready(Some(Err(io::ErrorKind::ConnectionReset.into())));
        }
        self.breaking = true;
        self.pause = Some(Box::pin(sleep(FLUSH_TIME)));
        self.poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.next == self.end && self.shaping.cut_after.is_none() && self.shaping.wrong_length.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        if self.shaping.cut_after.is_some() || self.shaping.wrong_length.is_some() {
            SizeHint::default()
        } else {
            SizeHint::with_exact(self.remaining())
        }
    }
}
