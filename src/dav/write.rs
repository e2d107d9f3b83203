//! The methods that change something: `dav_server` runs them, over our tree and our locks.
//!
//! It knows `If` and the order of checks; what it does badly is kept from it by [`guard`] and by what [`RequestCtx`] tells the adapter.
//! Called by [`Dav::change`](super::Dav::change).

use std::sync::Arc;

use bytes::Bytes;
use dav_server::DavHandler;
use http::header::{CONTENT_LENGTH, HeaderName, HeaderValue};
use http::{HeaderMap, Method, Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt as _, Empty, Full};

use super::body::{Incoming, UntilEnough};
use super::ctx::Task;
use super::guard::{self, DestinationPolicy};
use super::locks::ViewedLocks;
use super::proppatch::{Patch, STAND_IN};
use super::{Body, Dav, DavFs, Error, MAX_XML_BODY, Properties, RequestCtx};
use crate::model::{ClientTraits, Meter, Sha1};
use crate::vfs::{At, Depth, UploadIntent, VPath};

const DESTINATION: HeaderName = HeaderName::from_static("destination");
/// What Finder knows of the length of a body that it sends in chunks.
const EXPECTED_LENGTH: HeaderName = HeaderName::from_static("x-expected-entity-length");
/// What rclone, ownCloud's and Nextcloud's clients know of the content of a body.
const CHECKSUM: HeaderName = HeaderName::from_static("oc-checksum");

/// A request that changes something, taken apart.
pub struct WriteRequest<'a> {
    /// Its method.
    pub method: &'a Method,
    /// Its path without the prefix, with what its user may see.
    pub at: &'a At,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Incoming,
    /// What is known of the client.
    pub traits: ClientTraits,
    /// Counts the calls to 115.
    pub meter: &'a Meter,
    /// Who sent it; empty for whoever needs no name.
    pub user: &'a str,
    /// Hosts, with port if there is one, that mean this gateway.
    pub hosts: &'a [&'a str],
}

/// Runs `request`.
pub(super) async fn answer(dav: &Dav, request: WriteRequest<'_>) -> Result<Response<Body>, Error> {
    let Dav { vfs, locks, properties, options } = dav;
    let WriteRequest { method, at, mut headers, body, traits, meter, user, hosts } = request;
    guard::clean_headers(method, &mut headers)?;
    let destination = match method.as_str() {
        "MOVE" | "COPY" => Some(DestinationPolicy { prefix: &options.prefix, hosts }.read(&headers)?),
        _ => None,
    };
    let mut task = task(method, at, destination.as_ref(), &mut headers)?;
    if let Some(destination) = &destination {
        // As one path of ours, whatever host and spelling it came with.
        let uri = format!("{}{}", options.prefix, destination.to_uri());
        headers.insert(DESTINATION, header_value(&uri)?);
    }
    // Before anything is asked of 115 for it.
    for changed in
        [(method.as_str() != "COPY").then(|| at.clone()), destination.map(|path| at.view().at(path))]
    {
        changed.map_or(Ok(()), |changed| vfs.check_mount_of(&changed))?;
    }
    let mut patch = None;
    let body = if *method == Method::PUT {
        Sent::Content(body)
    } else {
        let body = xml_body(body).await?;
        if matches!(method.as_str(), "LOCK" | "PROPPATCH") {
            // The others are not read as XML; that of MKCOL is refused as what nobody understands.
            guard::check_xml(&body)?;
        }
        if method.as_str() == "PROPPATCH" {
            let read = Arc::new(Patch::parse(Arc::clone(properties), &body)?);
            task = Task::Patch(Arc::clone(&read));
            patch = Some(read);
            Sent::Xml(Bytes::from_static(STAND_IN.as_bytes()))
        } else {
            Sent::Xml(body)
        }
    };
    if method.as_str() == "LOCK" && !vfs.may_lock(at) {
        let reason = format!("{} cannot be changed here, so it cannot be locked either", at.path());
        return Err(Error::refused(StatusCode::FORBIDDEN, reason));
    }
    let done = Done::of(&task, at);
    let ctx = RequestCtx::new(at.path().clone(), at.view().clone(), traits, meter.clone()).with_task(task);
    let handler = DavHandler::builder()
        .filesystem(Box::new(DavFs::new(Arc::clone(vfs), Arc::clone(properties))))
        .locksystem(Box::new(ViewedLocks { locks: Arc::clone(locks), view: at.view().clone() }))
        .strip_prefix(plain(&options.prefix))
        .build_handler();
    let incoming = {
        let mut incoming = Request::new(());
        *incoming.method_mut() = method.clone();
        *incoming.uri_mut() = uri(&options.prefix, at.path())?;
        *incoming.headers_mut() = headers;
        incoming
    };
    let user = user.to_owned();
    let response = match body {
        Sent::Content(body) => {
            let body = UntilEnough { body, ctx: ctx.clone() };
            handler.handle_guarded(incoming.map(|()| body), user, ctx.clone()).await
        }
        Sent::Xml(body) => {
            handler.handle_guarded(incoming.map(|()| Full::new(body)), user, ctx.clone()).await
        }
    };
    if let Some(error) = ctx.take_error() {
        return Err(error.into());
    }
    let status = response.status();
    if status.is_success() && status != StatusCode::MULTI_STATUS {
        done.follow(properties, method, status).await;
    }
    if let Some(patch) = patch.filter(|_| status.is_success()) {
        return patch.respond(&options.prefix, at.path());
    }
    if method.as_str() == "UNLOCK" && status.is_success() {
        // The client is done with the file it made when it locked the name.
        vfs.settle(meter, at).await?;
    }
    if *method == Method::PUT && response.status().is_server_error() {
        // Everything else that fails has left its error in the context.
        return Err(Error::bad_request(
            "the body of the request broke off; nothing was stored, send it again",
        ));
    }
    finish(response).await
}

/// The body of a request.
enum Sent {
    Content(Incoming),
    Xml(Bytes),
}

/// What a request that has succeeded means for the dead properties of its paths, which are told by their keys.
struct Done {
    at: String,
    destination: Option<String>,
    deep: bool,
}

impl Done {
    fn of(task: &Task, at: &At) -> Self {
        let (destination, deep) = match task {
            Task::Whole { destination, depth, .. } => (destination.as_ref(), *depth == Depth::Infinity),
            _ => (None, true),
        };
        let destination = destination.map(|path| at.view().at(path.clone()).key());
        Self { at: at.key(), destination, deep }
    }

    /// Lets the properties go where their paths have gone.
    async fn follow(&self, properties: &Arc<Properties>, method: &Method, status: StatusCode) {
        match (method.as_str(), &self.destination) {
            ("DELETE", _) => properties.forget(&self.at).await,
            ("MOVE", Some(to)) => properties.rename(&self.at, to).await,
            ("COPY", Some(to)) => properties.copy(&self.at, to, self.deep).await,
            // What was of this name before, and has been removed by another way than this gateway.
            ("PUT" | "MKCOL" | "LOCK", _) if status == StatusCode::CREATED => {
                properties.forget(&self.at).await;
            }
            _ => {}
        }
    }
}

/// The prefix as `dav_server` compares it.
fn plain(prefix: &str) -> String {
    match VPath::from_uri(prefix) {
        Ok(path) if !path.is_root() => path.as_str().to_owned(),
        _ => String::new(),
    }
}

/// What the adapter has to know, taken from the headers, of which `dav_server` sees no more what it would misunderstand.
fn task(
    method: &Method,
    at: &At,
    destination: Option<&VPath>,
    headers: &mut HeaderMap,
) -> Result<Task, Error> {
    Ok(match method.as_str() {
        "PUT" => Task::Put(intent(headers)?),
        "LOCK" => Task::Lock,
        "DELETE" | "MOVE" | "COPY" => {
            let depth = match headers.get("depth").map(HeaderValue::as_bytes) {
                Some(b"0") if *method == "COPY" => Depth::Zero,
                _ => Depth::Infinity,
            };
            Task::Whole { source: at.path().clone(), destination: destination.cloned(), depth }
        }
        _ => Task::Plain,
    })
}

/// What the client says of the body it is about to send.
///
/// **Errors**: 400 for a length that is none.
fn intent(headers: &mut HeaderMap) -> Result<UploadIntent, Error> {
    let length = |name: &HeaderName| match headers.get(name) {
        None => Ok(None),
        Some(value) => {
            let length = value.to_str().ok().and_then(|text| text.trim().parse().ok());
            length.map(Some).ok_or_else(|| Error::bad_request(format!("the header {name} is no length")))
        }
    };
    let size: Option<u64> = length(&CONTENT_LENGTH)?.or(length(&EXPECTED_LENGTH)?);
    let sha1 = headers.get(CHECKSUM).and_then(|value| value.to_str().ok()).and_then(announced);
    // A body that ends early because it is not needed would count as broken off, and one that is short is found out below.
    for name in [CONTENT_LENGTH, EXPECTED_LENGTH] {
        headers.remove(name);
    }
    Ok(UploadIntent { size, sha1 })
}

/// `SHA1:da39a3ee5e6b4b0d3255bfef95601890afd80709`, perhaps among others.
fn announced(value: &str) -> Option<Sha1> {
    value.split([' ', ',']).find_map(|one| {
        let (kind, digits) = one.split_once(':')?;
        kind.eq_ignore_ascii_case("sha1").then(|| digits.parse().ok())?
    })
}

async fn xml_body(body: Incoming) -> Result<Bytes, Error> {
    let limited = http_body_util::Limited::new(body, MAX_XML_BODY);
    match limited.collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<http_body_util::LengthLimitError>() => Err(Error::refused(
            StatusCode::PAYLOAD_TOO_LARGE,
            format!("the body of the request is longer than {MAX_XML_BODY} bytes; ask for less"),
        )),
        Err(_) => Err(Error::bad_request("the body of the request broke off; send it again")),
    }
}

fn uri(prefix: &str, path: &VPath) -> Result<Uri, Error> {
    format!("{prefix}{}", path.to_uri())
        .parse()
        .map_err(|_| Error::bad_request("the path of the request cannot be written as an address"))
}

fn header_value(text: &str) -> Result<HeaderValue, Error> {
    HeaderValue::from_str(text).map_err(|_| Error::bad_request("the Destination header names no valid path"))
}

/// The answer as we send it: short, with its length, and with a connection that lives on.
async fn finish(response: Response<dav_server::body::Body>) -> Result<Response<Body>, Error> {
    let (mut head, body) = response.into_parts();
    let body = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    // It asks for the end of the connection where the body has not been read; who has read it decides that.
    head.headers.remove(http::header::CONNECTION);
    head.headers.remove(http::header::TRANSFER_ENCODING);
    if head.status == StatusCode::NO_CONTENT {
        head.headers.remove(CONTENT_LENGTH);
        return Ok(Response::from_parts(head, Empty::new().boxed_unsync()));
    }
    if head.status.is_client_error() || head.status.is_server_error() {
        return Err(refusal(head.status));
    }
    head.headers.insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
    Ok(Response::from_parts(head, Full::new(body).boxed_unsync()))
}

/// In words what `dav_server` says by a number alone.
fn refusal(status: StatusCode) -> Error {
    let reason = match status {
        StatusCode::NOT_FOUND => "there is nothing at this path",
        StatusCode::CONFLICT => "the folder it would be in does not exist, or the lock is not of this path",
        StatusCode::PRECONDITION_FAILED => {
            "it is not in the state that the request expects; look at it again"
        }
        StatusCode::LOCKED => "it, or something in it, is locked by another client; try again later",
        StatusCode::METHOD_NOT_ALLOWED => "there is something at this path already",
        StatusCode::FORBIDDEN => "the source and the destination are the same",
        StatusCode::UNSUPPORTED_MEDIA_TYPE => "a request of this method takes no body",
        _ => "the request cannot be carried out as it is",
    };
    Error::refused(status, reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_announced_hash_is_found_among_others() {
        let sha1: Sha1 = "da39a3ee5e6b4b0d3255bfef95601890afd80709".parse().unwrap();
        assert_eq!(announced("SHA1:DA39A3EE5E6B4B0D3255BFEF95601890AFD80709"), Some(sha1));
        assert_eq!(announced("MD5:00 sha1:da39a3ee5e6b4b0d3255bfef95601890afd80709"), Some(sha1));
        assert_eq!(announced("SHA1:da39"), None);
        assert_eq!(announced("ADLER32:1"), None);
    }
}
