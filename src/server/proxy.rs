//! Content streamed through the gateway.
//!
//! Knows how parts of a file become a body; does not know whether they should.
//! Called by `download`.

use std::future::ready;
use std::ops::Range;
use std::sync::Arc;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures_util::stream::{self, Stream, StreamExt as _, TryStreamExt as _};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};

use super::multipart::Frame;
use super::range::{Wanted, content_range};
use super::status::Failure;
use crate::model::Meter;
use crate::vfs::{Source, Vfs, VfsError};

/// A file about to be streamed.
pub(super) struct Streamed<'a> {
    pub(super) vfs: &'a Arc<Vfs>,
    pub(super) meter: &'a Meter,
    /// Length of the file.
    pub(super) len: u64,
    /// What every answer about this file says, `Content-Type` among it.
    pub(super) headers: HeaderMap,
}

impl Streamed<'_> {
    /// Answers once the download server has agreed to send; until then a failure is still a status.
    ///
    /// Afterwards a failure ends the body with an error, and hyper closes the connection before the stated length:
    /// the client cannot take what came for the whole.
    pub(super) async fn respond(self, source: Source, wanted: Wanted) -> Result<Response, Failure> {
        match wanted {
            Wanted::Part(part) => {
                let range = content_range(&part, self.len);
                let content = self.vfs.open(self.meter, source, part.clone()).await?;
                let mut response =
                    answer(StatusCode::PARTIAL_CONTENT, self.headers, part.end - part.start, content.stream);
                set(&mut response, header::CONTENT_RANGE, &range);
                Ok(response)
            }
            Wanted::Parts(parts) => self.respond_with_parts(source, &parts).await,
            Wanted::Whole | Wanted::Unsatisfiable => {
                let content = self.vfs.open(self.meter, source, 0..self.len).await?;
                Ok(answer(StatusCode::OK, self.headers, self.len, content.stream))
            }
        }
    }

    async fn respond_with_parts(self, source: Source, parts: &[Range<u64>]) -> Result<Response, Failure> {
        let media_type = self.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let frame = Frame::new(parts, self.len, media_type.unwrap_or("application/octet-stream"));
        let Some((first, rest)) = parts.split_first() else {
            return Ok(answer(StatusCode::OK, self.headers, 0, stream::empty::<Result<_, VfsError>>()));
        };
        let first = self.vfs.open(self.meter, source, first.clone()).await?;
        // Later parts come from the very file that the first came from, whatever the path leads to by then.
        let (vfs, meter, source) = (Arc::clone(self.vfs), self.meter.clone(), first.source.clone());
        let rest = stream::iter(rest.to_vec()).then(move |part| {
            let (vfs, meter, source) = (Arc::clone(&vfs), meter.clone(), source.clone());
            async move { vfs.open(&meter, source, part).await }
        });
        let contents = stream::once(ready(Ok(first))).chain(rest);
        let body = stream::iter(frame.heads)
            .zip(contents)
            // One after the other: the next part is opened when the one before has been sent.
            .map(|(head, content)| content.map(|content| once(head).chain(content.stream)))
            .try_flatten()
            .chain(once(frame.tail));
        let mut response = answer(StatusCode::PARTIAL_CONTENT, self.headers, frame.len, body);
        set(&mut response, header::CONTENT_TYPE, &frame.content_type);
        Ok(response)
    }
}

fn once(text: String) -> impl Stream<Item = Result<Bytes, VfsError>> {
    stream::once(ready(Ok(Bytes::from(text))))
}

fn answer(
    status: StatusCode,
    headers: HeaderMap,
    len: u64,
    body: impl Stream<Item = Result<Bytes, VfsError>> + Send + 'static,
) -> Response {
    let mut response = Response::new(Body::from_stream(body));
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response.headers_mut().insert(header::CONTENT_LENGTH, len.into());
    response
}

/// Puts a header in place of any of its name; a text that cannot be in one is none of those made here.
fn set(response: &mut Response, name: HeaderName, text: &str) {
    if let Ok(value) = HeaderValue::from_str(text) {
        response.headers_mut().insert(name, value);
    }
}
