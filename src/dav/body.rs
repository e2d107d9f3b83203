//! A body that ends when enough of it has come.
//!
//! `dav_server` reads a body to its end. What 115 has already need not be read at all.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use http_body_util::combinators::UnsyncBoxBody;
use parking_lot::Mutex;
use tokio::time::{Instant, Sleep, sleep};

use super::RequestCtx;

/// How long a body may be silent before it counts as broken off.
const SILENCE: Duration = Duration::from_secs(120);

/// The body of a request that changes something. Clones are the same body, so that whoever hands it on can deal with the rest.
#[derive(Clone)]
pub struct Incoming(Arc<Mutex<Inner>>);

struct Inner {
    body: UnsyncBoxBody<Bytes, io::Error>,
    silence: Pin<Box<Sleep>>,
}

impl Incoming {
    /// Of `body`.
    pub fn new(body: UnsyncBoxBody<Bytes, io::Error>) -> Self {
        Self(Arc::new(Mutex::new(Inner { body, silence: Box::pin(sleep(SILENCE)) })))
    }
}

impl http_body::Body for Incoming {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let Inner { body, silence } = &mut *self.0.lock();
        if let Poll::Ready(frame) = Pin::new(body).poll_frame(context) {
            silence.as_mut().reset(Instant::now() + SILENCE);
            return Poll::Ready(frame);
        }
        silence.as_mut().poll(context).map(|()| Some(Err(io::ErrorKind::TimedOut.into())))
    }

    fn is_end_stream(&self) -> bool {
        self.0.lock().body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.0.lock().body.size_hint()
    }
}

/// The body of a request of this context.
pub(super) struct UntilEnough {
    pub(super) body: Incoming,
    pub(super) ctx: RequestCtx,
}

impl http_body::Body for UntilEnough {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if self.ctx.has_enough() {
            return Poll::Ready(None);
        }
        Pin::new(&mut self.body).poll_frame(context)
    }
}
