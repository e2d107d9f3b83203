//! A body that ends when enough of it has come.
//!
//! `dav_server` reads a body to its end. What 115 has already need not be read at all.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::Frame;
use http_body_util::combinators::UnsyncBoxBody;

use super::RequestCtx;

/// The body of a request that stores something.
pub type Incoming = UnsyncBoxBody<Bytes, io::Error>;

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
