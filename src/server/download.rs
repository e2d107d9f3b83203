//! GET and HEAD: look up, preconditions, plan, answer.
//!
//! Knows the order of these steps; each of them is its own file's matter.
//! Called by `router`.

use std::borrow::Cow;
use std::time::{Duration, SystemTime};

use axum::body::Body;
use axum::response::{IntoResponse as _, Response};
use headers::{ETag, HeaderMapExt as _, LastModified};
use http::uri::Authority;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};

use super::conditional::{self, Validators, Verdict};
use super::proxy::Streamed;
use super::range::{self, Wanted};
use super::request_log::Plan;
use super::status::{Failure, Source};
use super::{State, client, index};
use crate::dav;
use crate::model::{Meter, Node};
use crate::vfs::{At, ReadIntent, ReadPlan, Resource, VPath};

/// Answers a GET or HEAD of `at`.
///
/// **Cost**: none with everything in the cache; HEAD never asks for a link.
pub(super) async fn answer(
    state: &State,
    meter: &Meter,
    at: &At,
    method: &Method,
    request: &HeaderMap,
) -> Result<Response, Failure> {
    let is_head = method == Method::HEAD;
    let vfs = &state.parts.vfs;
    let found = if is_head { vfs.probe(meter, at).await? } else { vfs.stat(meter, at).await? };
    if found.is_folder() {
        return if is_head { Ok(index::head()) } else { index::page(state, meter, at, found).await };
    }
    let node = &*found;
    let ours = validators(node)?;
    match conditional::check(request, &ours) {
        Verdict::NotModified => return Ok(empty(StatusCode::NOT_MODIFIED, file_headers(node, &ours))),
        Verdict::Failed => {
            let text =
                format!("{} has changed, or is not what the request expects; look at it again", at.path());
            return Err(Failure::new(StatusCode::PRECONDITION_FAILED, Source::Client, text));
        }
        Verdict::Proceed => {}
    }
    if is_head || node.size == 0 {
        let mut response = empty(StatusCode::OK, file_headers(node, &ours));
        response.headers_mut().insert(header::CONTENT_LENGTH, node.size.into());
        return Ok(response);
    }
    let wanted = if conditional::range_applies(request, &ours) {
        range::wanted(request, node.size)
    } else {
        Wanted::Whole
    };
    if wanted == Wanted::Unsatisfiable {
        return Ok(unsatisfiable(at.path(), node.size));
    }
    content(state, meter, at, request, (&found, &ours), wanted).await
}

/// Hands out the content of a file with its validators.
async fn content(
    state: &State,
    meter: &Meter,
    at: &At,
    request: &HeaderMap,
    (file, ours): (&Resource, &Validators),
    wanted: Wanted,
) -> Result<Response, Failure> {
    let intent = ReadIntent {
        agent: client::binding(request),
        follows_redirect: client::traits(request).follows_redirect,
    };
    let vfs = &state.parts.vfs;
    let (plan, mut response) = match vfs.read_plan(meter, at, file.clone(), &intent).await? {
        ReadPlan::Redirect(link) => ("redirect", redirect(at.path(), link.url.expose())?),
        ReadPlan::ProxyUrl => ("proxy_url", redirect_to_proxy(state, at)?),
        ReadPlan::Proxy(source) => {
            let headers = file_headers(file, ours);
            let streamed = Streamed { vfs, meter, len: file.size, headers };
            ("proxy", streamed.respond(source, wanted).await?)
        }
    };
    response.extensions_mut().insert(Plan(plan));
    Ok(response)
}

fn validators(node: &Node) -> Result<Validators, Failure> {
    let etag: ETag = dav::etag(node).parse().map_err(|_| {
        let text = "the gateway has made an entity tag that cannot be one; this is a bug, please report it";
        Failure::new(StatusCode::INTERNAL_SERVER_ERROR, Source::Us, text)
    })?;
    Ok(Validators { etag, modified: presentable(node.modified) })
}

/// A time that a header can hold: HTTP knows none before 1970 and none after 9999.
pub(super) fn presentable(time: SystemTime) -> SystemTime {
    const LAST: Duration = Duration::from_secs(253_402_300_799);
    SystemTime::UNIX_EPOCH + time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().min(LAST)
}

/// What every answer about a file says of it.
fn file_headers(node: &Node, ours: &Validators) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.typed_insert(ours.etag.clone());
    headers.typed_insert(LastModified::from(ours.modified));
    headers.typed_insert(headers::AcceptRanges::bytes());
    let media_type = dav::content_type(&node.name);
    let media_type = HeaderValue::from_str(media_type.as_ref());
    let unknown = HeaderValue::from_static("application/octet-stream");
    headers.insert(header::CONTENT_TYPE, media_type.unwrap_or(unknown));
    if is_active(&headers) {
        // Whoever shared the folder must not run a script with the password of whoever looks at it.
        headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("sandbox"));
    }
    // A text file is not a script of this site because a browser thinks so.
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers
}

/// Whether a browser would run what the file holds.
fn is_active(headers: &HeaderMap) -> bool {
    let media_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    let essence = media_type.split(';').next().unwrap_or("").trim_end();
    essence.ends_with("html") || essence.ends_with("xml")
}

fn empty(status: StatusCode, headers: HeaderMap) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

fn unsatisfiable(path: &VPath, len: u64) -> Response {
    let text = format!("{path} has {len} bytes; ask for some of these");
    let mut response = Failure::new(StatusCode::RANGE_NOT_SATISFIABLE, Source::Client, text).into_response();
    if let Ok(range) = HeaderValue::from_str(&range::unsatisfied(len)) {
        response.headers_mut().insert(header::CONTENT_RANGE, range);
    }
    response
}

/// The proxy asks for the link as nobody's guest, so it is told the path in the whole tree.
fn redirect_to_proxy(state: &State, at: &At) -> Result<Response, Failure> {
    let configured = state.download_proxy.as_ref();
    let address = configured.and_then(|proxy| proxy.address(at.tree_path(), SystemTime::now())).ok_or_else(|| {
        let text =
            "this mount sends clients to a download proxy, but none is configured; set its address and token";
        Failure::new(StatusCode::INTERNAL_SERVER_ERROR, Source::Us, text)
    })?;
    redirect(at.path(), address.expose())
}

fn redirect(path: &VPath, url: &str) -> Result<Response, Failure> {
    let location = location(url).ok_or_else(|| {
        let text = format!(
            "cannot read {path}: its link is no web address, so it is not handed on; try again later"
        );
        Failure::new(StatusCode::BAD_GATEWAY, Source::Drive, text)
    })?;
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::FOUND;
    let headers = response.headers_mut();
    headers.insert(header::LOCATION, location);
    headers.insert(header::CONTENT_LENGTH, 0.into());
    // The link ends soon, and may be bound to this client.
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    Ok(response)
}

/// `url` as a header, if it is an absolute web address. What may not stand in one is escaped; escapes are kept.
fn location(url: &str) -> Option<HeaderValue> {
    let escaped = escape(url);
    let rest = escaped.strip_prefix("https://").or_else(|| escaped.strip_prefix("http://"))?;
    let authority: Authority = rest.split(['/', '?', '#']).next()?.parse().ok()?;
    if authority.host().is_empty() {
        return None;
    }
    let mut value = HeaderValue::from_str(&escaped).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// Escapes what RFC 3986 does not allow: some players take a `Location` at its word.
fn escape(url: &str) -> Cow<'_, str> {
    use std::fmt::Write as _;

    // Nearly every link passes here.
    if url.bytes().all(is_allowed) {
        return Cow::Borrowed(url);
    }
    let mut escaped = String::with_capacity(url.len() + 16);
    for byte in url.bytes() {
        if is_allowed(byte) {
            escaped.push(char::from(byte));
        } else {
            let _ = write!(escaped, "%{byte:02X}");
        }
    }
    Cow::Owned(escaped)
}

fn is_allowed(byte: u8) -> bool {
    matches!(byte,
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b':' | b'/' | b'?' | b'#' | b'['
        | b']' | b'@' | b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+' | b',' | b';' | b'=' | b'%')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(url: &str, expected: Option<&str>) {
        let location = location(url);
        assert_eq!(location.as_ref().map(|value| value.to_str().unwrap()), expected, "{url:?}");
        assert!(location.is_none_or(|value| value.is_sensitive()));
    }

    #[test]
    fn a_location_is_an_escaped_web_address_or_none() {
        check("https://cdn.example/a%20b?t=1&k=x", Some("https://cdn.example/a%20b?t=1&k=x"));
        check("https://cdn.example/电 影|\"?f=", Some("https://cdn.example/%E7%94%B5%20%E5%BD%B1%7C%22?f="));
        check("https://cdn.example/a\r\nX-Evil: 1", Some("https://cdn.example/a%0D%0AX-Evil:%201"));
        check("http://[::1]:8080/a", Some("http://[::1]:8080/a"));
        check("ftp://cdn.example/a", None);
        check("javascript:alert(1)", None);
        check("//cdn.example/a", None);
        check("https:///a", None);
        check("/a", None);
        check("", None);
    }

    #[test]
    fn what_a_browser_would_run_is_boxed_in() {
        for (name, expected) in [
            ("a.html", true),
            ("a.svg", true),
            ("a.xhtml", true),
            ("a.xml", true),
            ("a.docx", false),
            ("a.mkv", false),
        ] {
            let node = Node::virtual_folder(name, SystemTime::UNIX_EPOCH);
            let headers = file_headers(&node, &validators(&node).unwrap());
            assert_eq!(headers.contains_key(header::CONTENT_SECURITY_POLICY), expected, "{name}");
        }
    }

    #[test]
    fn times_that_http_does_not_know_are_moved_to_its_ends() {
        let before = SystemTime::UNIX_EPOCH - Duration::from_secs(1);
        assert_eq!(presentable(before), SystemTime::UNIX_EPOCH);
        let far = SystemTime::UNIX_EPOCH + Duration::from_secs(1 << 40);
        assert_eq!(httpdate::fmt_http_date(presentable(far)), "Fri, 31 Dec 9999 23:59:59 GMT");
    }
}
