//! Sending requests and keeping pace: parts that know nothing of 115.
//!
//! The only importer of reqwest. `pan115::call` puts the parts in order.

mod backoff;
mod gate;
mod pacer;
mod retry;

use std::net::IpAddr;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;
use http::header::{ACCEPT_ENCODING, CONTENT_TYPE, COOKIE, RANGE, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri};

pub use backoff::Backoff;
pub use gate::{Cause, Gate, Pass, Refused};
pub use pacer::Pacer;
pub use retry::{Step, retry};

/// No answer of the API is larger; a page of 1150 entries has about 1 MiB.
const MAX_ANSWER_BYTES: usize = 32 << 20;

const FORM: &str = "application/x-www-form-urlencoded";

/// How long to wait for what.
#[derive(Clone, Debug)]
pub struct Timeouts {
    /// For a connection.
    pub connect: Duration,
    /// For a whole API answer.
    pub attempt: Duration,
    /// For the next bytes of a body.
    pub read: Duration,
}

/// Which way requests go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    /// Through the proxies that the environment names.
    System,
    /// Straight, as to the gateway itself.
    Direct,
}

impl Route {
    /// The way to `url`: what runs on this machine is not behind a proxy, and no proxy elsewhere could reach it.
    pub fn to(url: &str) -> Self {
        let Ok(uri) = url.parse::<Uri>() else { return Self::System };
        let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
        let is_here = host.eq_ignore_ascii_case("localhost")
            || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
        if is_here { Self::Direct } else { Self::System }
    }
}

/// The three HTTP clients: one for the API, one for content, one for uploads.
///
/// They differ because a body may take hours and must come as it is, while an API answer must come soon and may be compressed.
/// No answer comes while a body is still on its way up, so for uploads there is no time by which the first bytes have to be here.
/// None follows redirects or makes up a `Referer`: signed links must not travel.
#[derive(Clone, Debug)]
pub struct Http {
    api: reqwest::Client,
    content: reqwest::Client,
    storage: reqwest::Client,
}

/// What to send.
pub struct Request<'a> {
    /// The whole URL.
    pub url: &'a str,
    /// Form fields; present means POST.
    pub form: Option<&'a [(&'static str, String)]>,
    /// In place of `form`, one that is encoded already; present means POST.
    pub encoded: Option<Bytes>,
    /// The `User-Agent`; empty is sent as an empty header.
    pub agent: &'a str,
    /// The `Cookie` header.
    pub cookie: Option<&'a str>,
    /// The `Range` header.
    pub range: Option<String>,
    /// Any further ones. What of them is secret must be marked as sensitive.
    pub headers: &'a [(HeaderName, HeaderValue)],
}

/// A complete answer.
pub struct Answer {
    /// HTTP status.
    pub status: StatusCode,
    /// HTTP headers.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
}

/// An answer whose body is still to come. Dropping the body closes the connection.
pub struct OpenAnswer {
    /// HTTP status.
    pub status: StatusCode,
    /// HTTP headers.
    pub headers: HeaderMap,
    /// The body as it arrives.
    pub body: BoxStream<'static, Result<Bytes, TransportError>>,
}

/// Why no answer came. Never holds a URL, because URLs may be signed.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{kind}")]
pub struct TransportError {
    /// What sort it is.
    pub kind: TransportErrorKind,
    /// What the HTTP library said.
    pub detail: String,
}

/// The sort of failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TransportErrorKind {
    /// The request could not be built.
    #[error("the request could not be built")]
    Invalid,
    /// No connection.
    #[error("no connection could be made")]
    Connect,
    /// It took too long.
    #[error("the answer took too long")]
    Timeout,
    /// The connection broke.
    #[error("the connection broke")]
    Interrupted,
    /// The answer is larger than any answer should be.
    #[error("the answer is larger than {} MiB", MAX_ANSWER_BYTES >> 20)]
    TooLarge,
}

impl TransportError {
    fn new(kind: TransportErrorKind, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into() }
    }
}

impl From<reqwest::Error> for TransportError {
    fn from(error: reqwest::Error) -> Self {
        let kind = if error.is_builder() {
            TransportErrorKind::Invalid
        } else if error.is_connect() {
            TransportErrorKind::Connect
        } else if error.is_timeout() {
            TransportErrorKind::Timeout
        } else {
            TransportErrorKind::Interrupted
        };
        let error = error.without_url();
        let mut detail = error.to_string();
        let mut source = std::error::Error::source(&error);
        while let Some(cause) = source {
            detail.push_str(": ");
            detail.push_str(&cause.to_string());
            source = cause.source();
        }
        Self { kind, detail }
    }
}

impl Http {
    /// Builds both clients.
    ///
    /// **Errors**: `Invalid` if the system's certificate store cannot be used.
    #[expect(clippy::disallowed_methods, reason = "this is the one place that builds clients")]
    pub fn new(timeouts: &Timeouts, route: Route) -> Result<Self, TransportError> {
        // An error here means that it was installed before, which is just as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let bare = || {
            let builder = reqwest::Client::builder();
            let builder = if route == Route::Direct { builder.no_proxy() } else { builder };
            builder
                .redirect(reqwest::redirect::Policy::none())
                .referer(false)
                .connect_timeout(timeouts.connect)
                .tcp_nodelay(true)
                // Below the 60 s after which 115's storage closes idle connections.
                .pool_idle_timeout(Duration::from_secs(50))
        };
        let common = || bare().read_timeout(timeouts.read);
        Ok(Self {
            api: common().timeout(timeouts.attempt).build()?,
            // With HTTP/2 one slow reader would hold the window that all bodies of a host share.
            content: common().no_gzip().http1_only().build()?,
            storage: bare().no_gzip().http1_only().build()?,
        })
    }

    /// Sends an API call and reads its whole answer.
    pub async fn send(&self, request: &Request<'_>) -> Result<Answer, TransportError> {
        whole(build(&self.api, request)?.send().await?).await
    }

    /// Sends a request with a body of any size, and reads the whole answer, all within `patience`.
    pub async fn store(
        &self,
        request: http::Request<Bytes>,
        patience: Duration,
    ) -> Result<Answer, TransportError> {
        let mut request = reqwest::Request::try_from(request)?;
        *request.timeout_mut() = Some(patience);
        whole(self.storage.execute(request).await?).await
    }

    /// Asks for content and returns as soon as the headers are here.
    pub async fn open(&self, request: &Request<'_>) -> Result<OpenAnswer, TransportError> {
        let identity = HeaderValue::from_static("identity");
        let mut response = build(&self.content, request)?.header(ACCEPT_ENCODING, identity).send().await?;
        let (status, headers) = (response.status(), std::mem::take(response.headers_mut()));
        let body = response.bytes_stream().map(|chunk| chunk.map_err(TransportError::from)).boxed();
        Ok(OpenAnswer { status, headers, body })
    }
}

async fn whole(mut response: reqwest::Response) -> Result<Answer, TransportError> {
    let (status, headers) = (response.status(), std::mem::take(response.headers_mut()));
    let mut body = BytesMut::new();
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > MAX_ANSWER_BYTES {
            return Err(TransportError::new(TransportErrorKind::TooLarge, ""));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Answer { status, headers, body: body.freeze() })
}

fn build(client: &reqwest::Client, request: &Request<'_>) -> Result<reqwest::RequestBuilder, TransportError> {
    let invalid = |what: &str| TransportError::new(TransportErrorKind::Invalid, what);
    let mut builder = match (&request.encoded, request.form) {
        (Some(body), _) => client.post(request.url).header(CONTENT_TYPE, FORM).body(body.clone()),
        (None, Some(form)) => client.post(request.url).form(form),
        (None, None) => client.get(request.url),
    };
    let agent = HeaderValue::from_str(request.agent)
        .map_err(|_| invalid("the User-Agent holds characters a header cannot hold"))?;
    builder = builder.header(USER_AGENT, agent);
    if let Some(cookie) = request.cookie {
        let mut value = HeaderValue::from_str(cookie)
            .map_err(|_| invalid("the cookie holds characters a header cannot hold"))?;
        value.set_sensitive(true);
        builder = builder.header(COOKIE, value);
    }
    if let Some(range) = &request.range {
        builder = builder.header(RANGE, range);
    }
    for (name, value) in request.headers {
        builder = builder.header(name, value);
    }
    Ok(builder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_proxy_stands_between_the_gateway_and_its_own_machine() {
        for url in ["http://127.0.0.1:8115", "http://127.9.9.9/x", "http://[::1]:80/", "http://LocalHost:1"] {
            assert_eq!(Route::to(url), Route::Direct, "{url}");
        }
        for url in ["https://webapi.115.com", "http://192.0.2.1", "http://127.0.0.1.example", "", "nonsense"]
        {
            assert_eq!(Route::to(url), Route::System, "{url}");
        }
    }
}
