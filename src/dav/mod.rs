//! WebDAV: what the methods mean. The only importer of `dav_server`.
//!
//! Knows the tree (`vfs`), HTTP's vocabulary and WebDAV's XML.
//! Does not know axum, User-Agents by that name, or 115; does not answer `GET` and `HEAD`.
//! Called by `server`, after authentication and with the body already read.
//!
//! `OPTIONS` and `PROPFIND` are answered here, by [`Dav::handle`].
//! [`DavFs`] shows the same tree to `dav_server`, which is to run the writing methods behind [`guard`];
//! until then its own PROPFIND over that adapter serves as the oracle of a property test.

mod ctx;
mod document;
mod entity;
mod error;
mod file;
mod fs;
pub mod guard;
mod meta;
mod propfind;
mod props;
mod space;
#[cfg(test)]
mod tests;
mod xml;

use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{ALLOW as ALLOW_HEADER, CONTENT_LENGTH, HeaderName, HeaderValue};
use http::{HeaderMap, Method, Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Empty};

pub use ctx::RequestCtx;
pub use entity::{content_type, etag};
pub use error::Error;
pub use fs::DavFs;

use crate::model::{ClientTraits, Meter};
use crate::vfs::{At, Vfs};

/// Longest request body that is read as XML, in bytes. The caller answers 413 to a longer one.
pub const MAX_XML_BODY: usize = 64 * 1024;

/// The methods that do something.
pub const ALLOW: &str = "OPTIONS, GET, HEAD, PROPFIND";

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
    options: Options,
}

impl Dav {
    /// Over `vfs`.
    pub fn new(vfs: Arc<Vfs>, options: Options) -> Self {
        Self { vfs, options }
    }

    /// Answers everything but `GET` and `HEAD`.
    ///
    /// **Errors**: `Vfs` if the tree failed, before any part of an answer has been made;
    /// `Refused` with 405 for a method that would write, 403 for one that would write to a share, 501 for one WebDAV does not have, 400 and others for a bad request.
    /// **Cost**: none for OPTIONS; for PROPFIND as [`Vfs::probe`] with depth 0, and as [`Vfs::list`] with depth 1;
    /// one more if quota is asked for and not in the cache.
    pub async fn handle(&self, request: Request<'_>) -> Result<Response<Body>, Error> {
        match request.method.as_str() {
            "OPTIONS" => Ok(options()),
            "PROPFIND" => propfind::answer(&self.vfs, &self.options, &request).await,
            _ if guard::may_run(request.method) && self.vfs.is_shared(request.at) => Err(Error::refused(
                StatusCode::FORBIDDEN,
                format!("{} lies in a share of 115, which only its sharer can change", request.at.path()),
            )),
            "GET" | "HEAD" | "POST" | "TRACE" | "PUT" | "MKCOL" | "DELETE" | "MOVE" | "COPY" | "LOCK"
            | "UNLOCK" | "PROPPATCH" | "PATCH" => Err(Error::refused(
                StatusCode::METHOD_NOT_ALLOWED,
                format!("this gateway is read-only and does not take {} here", request.method),
            )),
            _ => Err(Error::refused(
                StatusCode::NOT_IMPLEMENTED,
                "this gateway does not know the method of the request",
            )),
        }
    }
}

/// The same for every path, whether something is there or not:
/// clients probe the root and above before they know where they are, and it must not cost a call.
///
/// Class 1 only: a client that reads "2" expects LOCK to work, and one that reads "1" mounts read-only, which is the truth.
fn options() -> Response<Body> {
    let mut response = Response::new(Empty::new().boxed_unsync());
    let headers = response.headers_mut();
    headers.insert(HeaderName::from_static("dav"), HeaderValue::from_static("1"));
    // Without it Windows looks for FrontPage extensions instead of speaking WebDAV.
    headers.insert(HeaderName::from_static("ms-author-via"), HeaderValue::from_static("DAV"));
    headers.insert(ALLOW_HEADER, HeaderValue::from_static(ALLOW));
    headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
    response
}
