//! From a request target to a path of the tree.
//!
//! Knows the prefix and the rules for paths; does not know what is at them.
//! Called by `router` and, before anybody is let in without a password, by `auth`.

use std::fmt::Write as _;
use std::time::SystemTime;

use axum::body::Body;
use axum::extract::Request;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderValue, StatusCode, Uri, header};

use super::status::{Failure, Source};
use super::{State, router};
use crate::vfs::{BadPath, VPath};

/// The path in front of all others.
#[derive(Clone, Debug)]
pub(super) struct Prefix(VPath);

/// Where a path lies.
#[derive(Debug, PartialEq, Eq)]
enum Place {
    /// At or below the prefix, which is taken off.
    Inside(VPath),
    /// On the way to the prefix; this is the next name on it.
    Above(String),
    /// Elsewhere.
    Outside,
}

impl Prefix {
    pub(super) fn new(text: &str) -> Result<Self, BadPath> {
        VPath::parse(if text.is_empty() { "/" } else { text }).map(Self)
    }

    /// What stands in front of an absolute path in an `href`.
    pub(super) fn to_uri(&self) -> String {
        if self.0.is_root() { String::new() } else { self.0.to_uri().to_string() }
    }

    /// Compares name by name, so that `/davX` is not inside `/dav`.
    fn place(&self, path: &VPath) -> Result<Place, BadPath> {
        if self.0.is_root() {
            return Ok(Place::Inside(path.clone()));
        }
        let mut names = path.segments();
        for expected in self.0.segments() {
            match names.next() {
                Some(name) if name == expected => {}
                Some(_) => return Ok(Place::Outside),
                None => return Ok(Place::Above(expected.to_owned())),
            }
        }
        let rest: Vec<&str> = names.collect();
        VPath::parse(&format!("/{}", rest.join("/"))).map(Place::Inside)
    }
}

/// Hands the request on with its path, or answers it.
pub(super) async fn find<F>(
    state: &State,
    request: Request,
    next: impl FnOnce(VPath, Request) -> F,
) -> Response
where
    F: Future<Output = Response>,
{
    let response = match locate(state, &request) {
        Ok(Located::At(path)) => return next(path, request).await,
        Ok(Located::Answered(response)) => response,
        Err(failure) => failure.into_response(),
    };
    let (head, body) = request.into_parts();
    router::discard(&head.headers, body).await;
    response
}

enum Located {
    At(VPath),
    Answered(Response),
}

fn locate(state: &State, request: &Request) -> Result<Located, Failure> {
    let Some(path) = path_of(request.uri())? else { return Ok(Located::At(VPath::root())) };
    match state.prefix.place(&path)? {
        Place::Inside(path) => Ok(Located::At(path)),
        Place::Above(child) => above(state, request, &path, &child),
        Place::Outside => Err(Failure::new(
            StatusCode::NOT_FOUND,
            Source::Client,
            format!("there is nothing at {path}; all files are below {}/", state.prefix.0),
        )),
    }
}

/// The path of a request target that lies at or below the prefix, without it.
pub(super) fn path_inside(state: &State, target: &Uri) -> Option<VPath> {
    match state.prefix.place(&path_of(target).ok()??).ok()? {
        Place::Inside(path) => Some(path),
        Place::Above(_) | Place::Outside => None,
    }
}

/// The path of a request target, whether it comes with a host or not; none for `*`. The query plays no part.
fn path_of(target: &Uri) -> Result<Option<VPath>, BadPath> {
    match target.path() {
        "*" => Ok(None),
        path => VPath::from_uri(path).map(Some),
    }
}

/// Answers for a folder on the way to the prefix.
///
/// Windows asks the top of the server first, however deep the folder is that it was told, and gives up if nothing is there.
fn above(state: &State, request: &Request, path: &VPath, child: &str) -> Result<Located, Failure> {
    match request.method().as_str() {
        // The answer is the same for every path.
        "OPTIONS" => Ok(Located::At(VPath::root())),
        "PROPFIND" => {
            let only_itself = request.headers().get("depth").is_some_and(|depth| depth.as_bytes() == b"0");
            let child = if only_itself { None } else { Some(path.join(child)?) };
            Ok(Located::Answered(folders(std::iter::once(path).chain(&child), state.started)))
        }
        // For the person who typed the bare name of the host into a browser.
        "GET" | "HEAD" => redirect_to_prefix(&state.prefix).map(Located::Answered),
        _ => Err(Failure::new(
            StatusCode::METHOD_NOT_ALLOWED,
            Source::Client,
            format!("cannot {} {path}: all files are below {}/", request.method(), state.prefix.0),
        )),
    }
}

fn folders<'a>(paths: impl Iterator<Item = &'a VPath>, modified: SystemTime) -> Response {
    let date = httpdate::fmt_http_date(modified);
    let mut xml =
        String::from("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<D:multistatus xmlns:D=\"DAV:\">");
    for path in paths {
        let href = if path.is_root() { "/".to_owned() } else { format!("{}/", path.to_uri()) };
        let _ = write!(
            xml,
            "<D:response><D:href>{href}</D:href><D:propstat><D:prop>\
             <D:resourcetype><D:collection/></D:resourcetype><D:getlastmodified>{date}</D:getlastmodified>\
             </D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat></D:response>"
        );
    }
    xml.push_str("</D:multistatus>");
    let mut response = Response::new(Body::from(xml));
    *response.status_mut() = StatusCode::MULTI_STATUS;
    let media_type = HeaderValue::from_static("application/xml; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, media_type);
    response
}

fn redirect_to_prefix(prefix: &Prefix) -> Result<Response, Failure> {
    let location = HeaderValue::from_str(&format!("{}/", prefix.to_uri())).map_err(|_| {
        let text = "the prefix cannot be used in a header; change it in the configuration";
        Failure::new(StatusCode::INTERNAL_SERVER_ERROR, Source::Us, text)
    })?;
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::FOUND;
    response.headers_mut().insert(header::LOCATION, location);
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(prefix: &str, path: &str, expected: Place) {
        let prefix = Prefix::new(prefix).unwrap();
        assert_eq!(prefix.place(&VPath::parse(path).unwrap()), Ok(expected));
    }

    fn inside(path: &str) -> Place {
        Place::Inside(VPath::parse(path).unwrap())
    }

    #[test]
    fn a_prefix_is_taken_off_at_its_boundary() {
        check("", "/a/b", inside("/a/b"));
        check("/", "/", inside("/"));
        check("/dav", "/dav", inside("/"));
        check("/dav/", "/dav/a/b", inside("/a/b"));
        check("/dav", "/davXYZ", Place::Outside);
        check("/dav", "/other", Place::Outside);
        check("/dav", "/", Place::Above("dav".to_owned()));
        check("/x/dav", "/x", Place::Above("dav".to_owned()));
        check("/x/dav", "/x/dav/y", inside("/y"));
    }

    #[track_caller]
    fn check_target(target: &str, expected: Result<Option<&str>, BadPath>) {
        let path = path_of(&target.parse().unwrap());
        assert_eq!(path.as_ref().map(|path| path.as_ref().map(VPath::as_str)), expected.as_ref().map(|p| *p));
    }

    #[test]
    fn every_form_of_target_is_understood() {
        check_target("/a%20b/?x=/../", Ok(Some("/a b")));
        check_target("http://somewhere.example:81/a", Ok(Some("/a")));
        check_target("http://somewhere.example", Ok(Some("/")));
        check_target("*", Ok(None));
        check_target("/a/%2e%2e/b", Err(BadPath::DotSegment));
    }
}
