//! What may reach `dav_server` at all.
//!
//! One request of 15 KB can abort the whole process in its recursive XML parser,
//! and it believes headers that lead to wrong writes. So everything passes here first, after authentication.
//! Knows HTTP headers and the limits of [`super::MAX_XML_BODY`]'s content. Does not know the tree.

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};

use super::Error;
use super::document::Document;
use crate::vfs::{BadPath, VPath};

/// Whether `method` may be run by `dav_server`.
///
/// Not `PATCH`, since a cloud drive cannot write into the middle of a file;
/// not `GET`, `HEAD`, `OPTIONS` and `PROPFIND`, which are answered elsewhere.
pub fn may_run(method: &Method) -> bool {
    matches!(method.as_str(), "PUT" | "MKCOL" | "DELETE" | "MOVE" | "COPY" | "LOCK" | "UNLOCK" | "PROPPATCH")
}

/// Refuses headers that `dav_server` would misunderstand and takes away those that switch its limits off.
///
/// **Errors**: 400 for a PUT with `Content-Range`, as RFC 9110, §14.5 says:
/// it would replace the whole file by a part of it; and for an `If` that is none.
pub fn clean_headers(method: &Method, headers: &mut HeaderMap) -> Result<(), Error> {
    if *method == Method::PUT && headers.contains_key(http::header::CONTENT_RANGE) {
        return Err(Error::bad_request("PUT with Content-Range is not supported; send the whole file"));
    }
    // It takes one that it cannot read for none at all, and writes over what the client meant to spare.
    if headers.get_all("if").iter().any(|value| !value.to_str().is_ok_and(is_condition)) {
        return Err(Error::bad_request("the If header cannot be read; see RFC 4918, section 10.4"));
    }
    // With it, any client may ask dav_server for the whole tree.
    headers.remove("x-litmus");
    Ok(())
}

/// Whether `text` is the value of an `If` header: lists of conditions, each list perhaps after the resource it is of.
///
/// **Source**: RFC 4918, section 10.4.2.
fn is_condition(text: &str) -> bool {
    let mut rest = text.trim();
    let mut has_list = false;
    while !rest.is_empty() {
        if let Some(tag) = rest.strip_prefix('<') {
            let Some((resource, after)) = tag.split_once('>') else { return false };
            rest = after.trim_start();
            if resource.is_empty() || !rest.starts_with('(') {
                return false;
            }
        }
        let Some((list, after)) = rest.strip_prefix('(').and_then(split_list) else { return false };
        if list == 0 {
            return false;
        }
        has_list = true;
        rest = after.trim_start();
    }
    has_list
}

/// How many conditions come before the `)`, and what comes after it.
fn split_list(text: &str) -> Option<(usize, &str)> {
    let (mut count, mut rest) = (0, text.trim_start());
    loop {
        if let Some(after) = rest.strip_prefix(')') {
            return Some((count, after));
        }
        if rest.get(..3).is_some_and(|word| word.eq_ignore_ascii_case("not")) {
            rest = rest[3..].trim_start();
        }
        let end = match rest.chars().next()? {
            '<' => '>',
            '[' => ']',
            _ => return None,
        };
        let (word, after) = rest[1..].split_once(end)?;
        if word.is_empty() {
            return None;
        }
        (count, rest) = (count + 1, after.trim_start());
    }
}

/// Checks that `body`, if it is not empty, is XML that a recursive parser survives.
///
/// **Errors**: 400 if it is not well-formed, holds a document type or exceeds the limits; 415 for other encodings than UTF-8.
pub fn check_xml(body: &Bytes) -> Result<(), Error> {
    if body.is_empty() {
        return Ok(());
    }
    let mut document = Document::open(body)?;
    while document.step()?.is_some() {}
    Ok(())
}

/// What a `Destination` header may name.
#[derive(Clone, Copy, Debug)]
pub struct DestinationPolicy<'a> {
    /// Where the tree hangs: empty, or `/dav` without trailing slash.
    pub prefix: &'a str,
    /// Hosts, with port if there is one, that mean this gateway: the `Host` of the request, and what a trusted proxy says it was.
    pub hosts: &'a [&'a str],
}

impl DestinationPolicy<'_> {
    /// The path a `Destination` header names.
    ///
    /// **Errors**: 400 if there is none, more than one, or it is no path; 502 if it leads to another host or out of the tree;
    /// 403 for the top of the tree, which nothing can be moved onto.
    pub fn read(&self, headers: &HeaderMap) -> Result<VPath, Error> {
        let mut values = headers.get_all("destination").iter();
        let value =
            values.next().ok_or_else(|| Error::bad_request("the request has no Destination header"))?;
        if values.next().is_some() {
            return Err(Error::bad_request("the request has more than one Destination header"));
        }
        let text = value
            .to_str()
            .map_err(|_| Error::bad_request("the Destination header holds unescaped characters"))?
            .trim();
        let uri_path = self.strip_host(text)?;
        let path = self.strip_prefix(uri_path)?;
        let path = VPath::from_uri(path).map_err(bad_destination)?;
        if path.is_root() {
            return Err(Error::refused(
                StatusCode::FORBIDDEN,
                "the Destination header names the top of the tree",
            ));
        }
        Ok(path)
    }

    fn strip_host<'t>(&self, text: &'t str) -> Result<&'t str, Error> {
        if text.contains(['?', '#']) {
            return Err(Error::bad_request("the Destination header holds a query or a fragment"));
        }
        if text.starts_with('/') && !text.starts_with("//") {
            return Ok(text);
        }
        let after_scheme = match text.split_once("://") {
            Some((scheme, rest))
                if ["http", "https"].iter().any(|known| scheme.eq_ignore_ascii_case(known)) =>
            {
                rest
            }
            _ => {
                return Err(Error::bad_request("the Destination header is no http URL and no absolute path"));
            }
        };
        let (host, path) = after_scheme.split_at(after_scheme.find('/').unwrap_or(after_scheme.len()));
        if !self.hosts.iter().any(|known| same_host(known, host)) {
            return Err(Error::refused(
                StatusCode::BAD_GATEWAY,
                "the Destination header leads to another server; copy the file through the client instead",
            ));
        }
        Ok(if path.is_empty() { "/" } else { path })
    }

    /// The prefix must end at the end of a segment: `/davenport` is not below `/dav`.
    fn strip_prefix<'t>(&self, path: &'t str) -> Result<&'t str, Error> {
        match path.strip_prefix(self.prefix) {
            Some("") => Ok("/"),
            Some(rest) if rest.starts_with('/') => Ok(rest),
            _ => Err(Error::refused(
                StatusCode::BAD_GATEWAY,
                format!("the Destination header leads out of {}/", self.prefix),
            )),
        }
    }
}

/// Compares host and port; the default port may be left out on either side.
fn same_host(a: &str, b: &str) -> bool {
    fn bare(host: &str) -> &str {
        host.strip_suffix(":80").or_else(|| host.strip_suffix(":443")).unwrap_or(host)
    }
    bare(a).eq_ignore_ascii_case(bare(b))
}

fn bad_destination(error: BadPath) -> Error {
    Error::bad_request(format!("the Destination header names no valid path: {error}"))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[track_caller]
    fn check(prefix: &str, destination: &str, expected: Result<&str, u16>) {
        let policy = DestinationPolicy { prefix, hosts: &["nas.example:8080", "cloud.example"] };
        let mut headers = HeaderMap::new();
        headers.insert("destination", HeaderValue::from_bytes(destination.as_bytes()).unwrap());
        let outcome = policy.read(&headers);
        match (&outcome, expected) {
            (Ok(path), Ok(expected)) => assert_eq!(path.as_str(), expected),
            (Err(Error::Refused { status, .. }), Err(expected)) => assert_eq!(status.as_u16(), expected),
            _ => panic!("{destination}: {outcome:?}, not {expected:?}"),
        }
    }

    #[test]
    fn a_destination_is_a_path_below_the_prefix_on_this_host() {
        check("", "/a/b%20c/", Ok("/a/b c"));
        check("", "http://NAS.example:8080/a", Ok("/a"));
        check("/dav", "https://cloud.example/dav/a", Ok("/a"));
        check("/dav", "https://cloud.example:443/dav/a", Ok("/a"));
        check("/dav", "/dav/a", Ok("/a"));
    }

    #[test]
    fn destinations_elsewhere_are_refused() {
        check("", "http://elsewhere.example/a", Err(502));
        check("", "http://nas.example:8080@elsewhere.example/a", Err(502));
        check("", "http://nas.example:81/a", Err(502));
        check("/dav", "/davenport/a", Err(502));
        check("/dav", "/other", Err(502));
        check("/dav", "/dav", Err(403));
        check("/dav", "/dav/", Err(403));
        check("", "http://cloud.example", Err(403));
    }

    #[test]
    fn destinations_that_are_no_path_are_refused() {
        for bad in [
            "a",
            "",
            "//cloud.example/a",
            "ftp://cloud.example/a",
            "/a/../b",
            "/a%2Fb",
            "/a%00",
            "/a%zz",
            "/a?b",
            "/a#b",
            "/电影",
        ] {
            check("", bad, Err(400));
        }
        check("/dav", "/dav/../etc", Err(400));
        let policy = DestinationPolicy { prefix: "", hosts: &[] };
        assert!(policy.read(&HeaderMap::new()).is_err());
        let mut twice = HeaderMap::new();
        twice.append("destination", HeaderValue::from_static("/a"));
        twice.append("destination", HeaderValue::from_static("/b"));
        assert!(policy.read(&twice).is_err());
    }

    #[test]
    fn headers_that_mislead_dav_server_are_refused_or_taken_away() {
        let mut headers = HeaderMap::new();
        headers.insert("x-litmus", HeaderValue::from_static("props: 3"));
        assert!(clean_headers(&Method::PUT, &mut headers).is_ok());
        assert!(headers.is_empty());
        headers.insert("content-range", HeaderValue::from_static("bytes */1000"));
        assert!(clean_headers(&Method::PUT, &mut headers).is_err());
        assert!(clean_headers(&Method::DELETE, &mut headers).is_ok());
    }

    #[test]
    fn only_methods_that_write_reach_dav_server() {
        for (method, expected) in [
            ("PUT", true),
            ("MOVE", true),
            ("PATCH", false),
            ("PROPFIND", false),
            ("GET", false),
            ("REPORT", false),
        ] {
            assert_eq!(may_run(&method.parse().unwrap()), expected, "{method}");
        }
    }

    #[test]
    fn xml_that_would_overflow_a_recursive_parser_is_refused() {
        let deep = format!("{}{}", "<a>".repeat(2100), "</a>".repeat(2100));
        assert!(check_xml(&Bytes::from(deep)).is_err());
        assert!(check_xml(&Bytes::from_static(b"<a><b/></a>")).is_ok());
        assert!(check_xml(&Bytes::new()).is_ok());
    }
}
