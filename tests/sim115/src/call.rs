//! An incoming request, resolved to the 115 host and endpoint it is meant for.
//!
//! The simulator is reached in two ways: by path prefix (`/webapi.115.com/files?…`) or by the `Host` header
//! (`/files?…` with `Host: webapi.115.com`).

use std::net::IpAddr;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, COOKIE, HOST, HeaderName, USER_AGENT};
use http::{HeaderMap, Method, Request};
use http_body_util::{BodyExt as _, Collected, Limited};
use hyper::body::Incoming;
use percent_encoding::percent_decode_str;

/// The largest request body taken; real ones stay far below.
const BODY_LIMIT: usize = 1 << 20;

/// The endings of the host names the simulator answers for.
const KNOWN_HOSTS: [&str; 5] = ["115.com", "115cdn.com", "115vod.com", "115cdn.net", "aliyuncs.com"];

/// The service a call is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Host {
    /// The web API, under any of its names.
    Webapi,
    /// The name-sorted listing.
    Aps,
    /// The API of the client applications.
    Proapi,
    /// Where uploads begin.
    Uplb,
    /// The object store uploads go to.
    Oss,
    /// QR codes: `qrcodeapi`.
    Qrcodeapi,
    /// Signing in: `passportapi`.
    Passportapi,
    /// The download network.
    Cdn,
    /// A name of the service that is not simulated.
    Other,
}

/// A resolved request.
#[derive(Debug)]
pub(crate) struct Call {
    /// The address the call came from.
    pub(crate) peer: IpAddr,
    pub(crate) host: Host,
    pub(crate) host_name: String,
    pub(crate) method: Method,
    /// The path below the host, still percent-encoded, with its leading slash.
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) headers: HeaderMap,
    /// The body; empty for the object store, whose bodies are read as they come.
    pub(crate) body: Bytes,
    /// The parameters of the query and of a form body, decoded.
    params: Vec<(String, String)>,
}

impl Call {
    /// Reads a request, but for the body of one to the object store; `None` when it is for no host of the service.
    pub(crate) async fn read(request: Request<Incoming>, peer: IpAddr) -> Option<(Self, Option<Incoming>)> {
        let (head, body) = request.into_parts();
        let (host_name, path) = locate(head.uri.path(), head.uri.host(), &head.headers)?;
        let (host, path) = classify(&host_name, &path);
        let query = head.uri.query().unwrap_or_default().to_owned();
        let mut params = form(query.as_bytes());
        let mut stream = None;
        let body = if host == Host::Oss {
            stream = Some(body);
            Bytes::new()
        } else {
            Limited::new(body, BODY_LIMIT).collect().await.map_or_else(|_| Bytes::new(), Collected::to_bytes)
        };
        params.extend(body_params(&head.headers, &body));
        let (method, headers) = (head.method, head.headers);
        Some((Self { peer, host, host_name, method, path, query, headers, body, params }, stream))
    }

    /// The first value of a parameter; empty without one.
    pub(crate) fn param(&self, name: &str) -> &str {
        self.params.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value.as_str())
    }

    /// A parameter as a number, or `default` when it is missing or no number.
    pub(crate) fn number(&self, name: &str, default: u64) -> u64 {
        self.param(name).trim().parse().unwrap_or(default)
    }

    /// Whether a parameter is there at all.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.params.iter().any(|(key, _)| key == name)
    }

    /// The values of a list in every form clients write one: `name=1,2`, `name[]=1`, `name[0]=1`; no empty ones.
    pub(crate) fn list(&self, name: &str) -> Vec<&str> {
        let is_of_list = |key: &str| key == name || element(key, name).is_some();
        let values = self.params.iter().filter(|(key, _)| is_of_list(key)).map(|(_, value)| value.as_str());
        values.flat_map(|value| value.split(',')).filter(|value| !value.trim().is_empty()).collect()
    }

    /// The keys and values of a map, written `name[key]=value`.
    pub(crate) fn keyed(&self, name: &str) -> Vec<(String, String)> {
        let pair = |(key, value): &(String, String)| {
            element(key, name).map(|inner| (inner.to_owned(), value.clone()))
        };
        self.params.iter().filter_map(pair).collect()
    }

    /// Query and form as the ledger shows them, without the security key.
    pub(crate) fn shown_params(&self) -> String {
        let shown = |(key, value): &(String, String)| {
            if key == "password" { format!("{key}=***") } else { format!("{key}={value}") }
        };
        self.params.iter().map(shown).collect::<Vec<_>>().join("&")
    }

    /// A header as text; empty without one.
    pub(crate) fn header(&self, name: HeaderName) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The User-Agent; a missing one is the same as an empty one.
    pub(crate) fn user_agent(&self) -> String {
        self.headers
            .get(USER_AGENT)
            .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
            .unwrap_or_default()
    }

    /// All cookies, as one header.
    pub(crate) fn cookies(&self) -> String {
        let values = self.headers.get_all(COOKIE).iter();
        values.filter_map(|value| value.to_str().ok()).collect::<Vec<_>>().join("; ")
    }

    /// Path and query as the service repeats them in some refusals.
    pub(crate) fn request_text(&self) -> String {
        if self.query.is_empty() { self.path.clone() } else { format!("{}?{}", self.path, self.query) }
    }
}

/// What is within the brackets of `name[…]`.
fn element<'key>(key: &'key str, name: &str) -> Option<&'key str> {
    key.strip_prefix(name)?.strip_prefix('[')?.strip_suffix(']')
}

/// The host a request is for and the path below it.
fn locate(path: &str, authority: Option<&str>, headers: &HeaderMap) -> Option<(String, String)> {
    let (first, rest) =
        path.strip_prefix('/').unwrap_or(path).split_once('/').unwrap_or((path.trim_matches('/'), ""));
    if is_known(first) {
        return Some((first.to_owned(), format!("/{rest}")));
    }
    let host = authority.or_else(|| headers.get(HOST).and_then(|value| value.to_str().ok()))?;
    let host = host.split(':').next().unwrap_or_default().to_ascii_lowercase();
    is_known(&host).then(|| (host, path.to_owned()))
}

fn is_known(host: &str) -> bool {
    KNOWN_HOSTS.iter().any(|known| {
        host.strip_suffix(known).is_some_and(|before| before.is_empty() || before.ends_with('.'))
    })
}

/// The service behind a host name, and the path on it; the web API also lives under the names of its mirrors
/// (protocol notes, reading part, §3.1, L1m).
fn classify(host: &str, path: &str) -> (Host, String) {
    match host {
        "webapi.115.com" | "web.api.115.com" => (Host::Webapi, path.to_owned()),
        "115cdn.com" | "115vod.com" => match path.strip_prefix("/webapi") {
            Some(below) => (Host::Webapi, below.to_owned()),
            None => (Host::Other, path.to_owned()),
        },
        "aps.115.com" => (Host::Aps, path.to_owned()),
        "proapi.115.com" => (Host::Proapi, path.to_owned()),
        "uplb.115.com" => (Host::Uplb, path.to_owned()),
        _ if host.ends_with("aliyuncs.com") => (Host::Oss, path.to_owned()),
        "qrcodeapi.115.com" | "hnqrcodeapi.115.com" => (Host::Qrcodeapi, path.to_owned()),
        "passportapi.115.com" | "hnpassportapi.115.com" => (Host::Passportapi, path.to_owned()),
        _ if host.ends_with("115cdn.net") => (Host::Cdn, path.to_owned()),
        _ => (Host::Other, path.to_owned()),
    }
}

fn form(text: &[u8]) -> Vec<(String, String)> {
    url::form_urlencoded::parse(text).into_owned().collect()
}

/// The parameters of a form body, urlencoded or multipart (§0.2 of the notes: both are taken).
fn body_params(headers: &HeaderMap, body: &[u8]) -> Vec<(String, String)> {
    let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if kind.starts_with("application/x-www-form-urlencoded") {
        return form(body);
    }
    let boundary = kind.starts_with("multipart/form-data").then(|| kind.split_once("boundary=")).flatten();
    let Some((_, boundary)) = boundary else { return Vec::new() };
    let separator = format!("--{}", boundary.split(';').next().unwrap_or_default().trim().trim_matches('"'));
    let text = String::from_utf8_lossy(body);
    text.split(separator.as_str())
        .filter_map(|part| {
            let (head, value) = part.split_once("\r\n\r\n")?;
            let name = head.split_once("name=\"")?.1.split('"').next()?;
            Some((name.to_owned(), value.strip_suffix("\r\n").unwrap_or(value).to_owned()))
        })
        .collect()
}

/// A percent-encoded text decoded, invalid UTF-8 replaced.
pub(crate) fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn located(path: &str, host: &str) -> Option<(Host, String)> {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, host.parse().unwrap());
        locate(path, None, &headers).map(|(name, path)| classify(&name, &path))
    }

    #[test]
    fn hosts_are_found_in_path_and_header() {
        let here = "127.0.0.1:9115";
        assert_eq!(located("/webapi.115.com/files", here), Some((Host::Webapi, "/files".to_owned())));
        assert_eq!(located("/files", "webapi.115.com:80"), Some((Host::Webapi, "/files".to_owned())));
        assert_eq!(located("/115cdn.com/webapi/files", here), Some((Host::Webapi, "/files".to_owned())));
        assert_eq!(
            located("/natsort/files.php", "aps.115.com"),
            Some((Host::Aps, "/natsort/files.php".to_owned()))
        );
        assert_eq!(located("/cdnfhnfile.115cdn.net/ab/x", here), Some((Host::Cdn, "/ab/x".to_owned())));
        let bucket = "/fhnfile.oss-cn-shenzhen.aliyuncs.com/6a3d";
        assert_eq!(located(bucket, here), Some((Host::Oss, "/6a3d".to_owned())));
        assert_eq!(located("/hnqrcodeapi.115.com", here), Some((Host::Qrcodeapi, "/".to_owned())));
        assert_eq!(located("/my.115.com", here), Some((Host::Other, "/".to_owned())));
        assert_eq!(located("/files", here), None);
        assert_eq!(located("/evil115.com/files", here), None);
    }

    #[test]
    fn form_bodies_of_both_kinds_are_read() {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, "application/x-www-form-urlencoded".parse().unwrap());
        assert_eq!(body_params(&headers, b"data=a%2Bb%3D"), [("data".to_owned(), "a+b=".to_owned())]);
        headers.insert(CONTENT_TYPE, "multipart/form-data; boundary=XX".parse().unwrap());
        let body = b"--XX\r\nContent-Disposition: form-data; name=\"data\"\r\n\r\na+b=\r\n--XX--\r\n";
        assert_eq!(body_params(&headers, body), [("data".to_owned(), "a+b=".to_owned())]);
    }
}
