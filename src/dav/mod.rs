//! WebDAV: what the methods mean. The only importer of `dav_server`.
//!
//! Knows the tree (`vfs`), HTTP's vocabulary and WebDAV's XML.
//! Does not know axum, User-Agents by that name, or 115; does not answer `GET` and `HEAD`.
//! Called by `server`, after authentication and with the body already read.
//!
//! `OPTIONS` and `PROPFIND` are answered here, by [`Dav::handle`].
//! [`DavFs`] shows the same tree to `dav_server`, which runs the writing methods behind [`guard`], see [`Dav::change`].
//! Its own PROPFIND over that adapter serves as the oracle of a property test.

mod body;
mod ctx;
mod document;
mod entity;
mod error;
mod file;
mod fs;
pub mod guard;
mod locks;
mod meta;
mod properties;
mod propfind;
mod proppatch;
mod props;
mod recorder;
mod space;
#[cfg(test)]
mod tests;
mod write;
mod xml;

use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{ALLOW as ALLOW_HEADER, CONTENT_LENGTH, HeaderName, HeaderValue};
use http::{HeaderMap, Method, Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Empty};

pub use body::Incoming;
pub use ctx::{RequestCtx, Task};
pub use entity::{content_type, etag};
pub use error::Error;
pub use fs::DavFs;
pub use locks::Locks;
pub use properties::Properties;
pub use proppatch::Patch;
pub use write::WriteRequest;

use crate::model::{ClientTraits, Meter};
use crate::vfs::{At, Vfs};

/// Longest request body that is read as XML, in bytes. The caller answers 413 to a longer one.
pub const MAX_XML_BODY: usize = 64 * 1024;

/// The methods that do something.
pub const ALLOW: &str =
    "OPTIONS, GET, HEAD, PROPFIND, PUT, MKCOL, DELETE, MOVE, COPY, LOCK, UNLOCK, PROPPATCH";
/// The methods that do something where nothing can be changed.
pub const ALLOW_READ: &str = "OPTIONS, GET, HEAD, PROPFIND";

/// The body of an answer. It cannot fail: everything that can fail has happened before it exists.
pub type Body = UnsyncBoxBody<Bytes, Infallible>;

/// What the configuration decides.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where the tree hangs in the URL space, put before every href as it is:
    /// empty, or percent-encoded such as `/my%20files`, without trailing slash.
    pub prefix: String,
    /// Whether quota properties are reported to clients that ask for them.
    pub report_quota: bool,
}

/// One request, taken apart.
#[derive(Clone, Debug)]
pub struct Request<'a> {
    /// Its method.
    pub method: &'a Method,
    /// Its path without the prefix, with what its user may see. Whether it had a trailing slash makes no difference.
    pub at: &'a At,
    /// Its headers.
    pub headers: &'a HeaderMap,
    /// Its complete body, at most [`MAX_XML_BODY`] long.
    pub body: Bytes,
    /// What is known of the client.
    pub traits: ClientTraits,
    /// Counts the calls to 115.
    pub meter: &'a Meter,
}

/// Answers WebDAV requests out of a tree.
pub struct Dav {
    vfs: Arc<Vfs>,
    locks: Arc<Locks>,
    properties: Arc<Properties>,
    options: Options,
}

impl Dav {
    /// Over `vfs`, with `locks` and dead `properties`, which outlive a change of the configuration.
    pub fn new(vfs: Arc<Vfs>, locks: Arc<Locks>, properties: Arc<Properties>, options: Options) -> Self {
        Self { vfs, locks, properties, options }
    }

    /// Answers everything that changes nothing, but for `GET` and `HEAD`.
    ///
    /// **Errors**: `Vfs` if the tree failed, before any part of an answer has been made;
    /// `Refused` with 501 for a method WebDAV does not have, 400 and others for a bad request.
    /// **Cost**: none for OPTIONS; for PROPFIND as [`Vfs::probe`] with depth 0, and as [`Vfs::list`] with depth 1;
    /// one more if quota is asked for and not in the cache.
    pub async fn handle(&self, request: Request<'_>) -> Result<Response<Body>, Error> {
        match request.method.as_str() {
            "OPTIONS" => Ok(options(self.vfs.may_change(request.at))),
            "PROPFIND" => propfind::answer(self, &request).await,
            "GET" | "HEAD" | "POST" | "TRACE" | "PATCH" => Err(Error::refused(
                StatusCode::METHOD_NOT_ALLOWED,
                format!("this gateway does not take {} here", request.method),
            )),
            _ => Err(Error::refused(
                StatusCode::NOT_IMPLEMENTED,
                "this gateway does not know the method of the request",
            )),
        }
    }

    /// Runs a method that changes something: one of those that [`guard::may_run`].
    ///
    /// **Errors**: as [`Dav::handle`]; nothing has been done then, or the error says what.
    /// **Cost**: that of the methods of [`Vfs`] that change something; none for locks.
    pub async fn change(&self, request: WriteRequest<'_>) -> Result<Response<Body>, Error> {
        write::answer(self, request).await
    }
}

/// The same for all paths of a mount, whether something is there or not:
/// clients probe the root and above before they know where they are, and it must not cost a call.
///
/// A client that reads "2" expects LOCK to work; one that reads "1" alone mounts read-only, which is the truth then.
fn options(may_change: bool) -> Response<Body> {
    let mut response = Response::new(Empty::new().boxed_unsync());
    let headers = response.headers_mut();
    let (class, methods) = if may_change { ("1, 2", ALLOW) } else { ("1", ALLOW_READ) };
    headers.insert(HeaderName::from_static("dav"), HeaderValue::from_static(class));
    // Without it Windows looks for FrontPage extensions instead of speaking WebDAV.
    headers.insert(HeaderName::from_static("ms-author-via"), HeaderValue::from_static("DAV"));
    headers.insert(ALLOW_HEADER, HeaderValue::from_static(methods));
    headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
    response
}
