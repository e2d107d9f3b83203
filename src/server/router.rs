//! The stack every request passes, from the outside in.
//!
//! Knows the order of the layers and why; what each does is its own file's matter.
//! Called by `serve`.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use futures_util::FutureExt as _;
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use http_body::Body as _;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};

use super::request_log::User;
use super::status::{Failure, Source};
use super::{State, auth, client, download, health, link_api, request_log, status, target};
use crate::dav;
use crate::model::{ClientTraits, Meter};
use crate::vfs::At;

/// What a reverse proxy says the client called the gateway.
const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

/// How long a client that still sends may take to read the answer.
const LINGER: Duration = Duration::from_secs(2);

/// How long a client may take to send a body of at most [`dav::MAX_XML_BODY`].
const BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// Answers a request.
///
/// Each step gets the rest as a function it may call. Plain functions instead of `tower`'s layers,
/// which clone and box everything below them for every request: that took a quarter of the time of a redirect.
pub(super) async fn answer(state: &State, request: Request) -> Response {
    // One line and one number per request. Outermost, so that it also tells of panics and of clients that gave up.
    request_log::one_line(request, |request| {
        // A panic costs its request a 500, not the connection of whoever shares it, and is still logged above.
        caught(
            // Before authentication, since a container's health check has no password.
            health::answer(state, request, |request| {
                // Before authentication too, since a download proxy shows its token instead of a password.
                link_api::answer(state, request, |request| {
                    // From here on the client may come in, with a view of the tree. Nothing below sees the password.
                    auth::require(state, request, |view, request| {
                        // From here on the path is one of the tree's.
                        target::find(state, request, move |path, request| {
                            // Boxed, because every step around it would be as large and be moved about.
                            Box::pin(dispatch(state, view.at(path), request))
                        })
                    })
                })
            }),
        )
    })
    .await
}

async fn caught(answer: impl Future<Output = Response>) -> Response {
    // What a request shares with others is behind locks that a panic leaves whole.
    AssertUnwindSafe(answer).catch_unwind().await.unwrap_or_else(status::after_panic)
}

async fn dispatch(state: &State, at: At, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let meter = head.extensions.get::<Meter>().cloned().unwrap_or_default();
    let answer = match head.method {
        Method::GET | Method::HEAD => download::answer(state, &meter, &at, &head.method, &head.headers).await,
        _ => webdav(state, &meter, &at, head, body).await,
    };
    answer.unwrap_or_else(Failure::into_response)
}

async fn webdav(state: &State, meter: &Meter, at: &At, head: Parts, body: Body) -> Result<Response, Failure> {
    let traits = client::traits(&head.headers);
    if dav::guard::may_run(&head.method) {
        return change(state, meter, at, traits, head, body).await;
    }
    let body = if head.method.as_str() == "PROPFIND" {
        read_body(body).await?
    } else {
        // No other method that is answered has a body.
        discard(&head.headers, body).await;
        Bytes::new()
    };
    let request = dav::Request { method: &head.method, at, headers: &head.headers, body, traits, meter };
    let response = state.parts.dav.handle(request).await?;
    Ok(response.map(Body::new))
}

async fn change(
    state: &State,
    meter: &Meter,
    at: &At,
    traits: ClientTraits,
    head: Parts,
    body: Body,
) -> Result<Response, Failure> {
    let named = |name: &HeaderName| head.headers.get(name).and_then(|value| value.to_str().ok());
    // A client that says so itself deceives nobody else: the header only decides what means this gateway.
    let hosts: Vec<String> =
        [header::HOST, X_FORWARDED_HOST].iter().filter_map(named).map(ToOwned::to_owned).collect();
    let hosts: Vec<&str> = hosts.iter().map(String::as_str).collect();
    let user = head.extensions.get::<User>().map(|User(name)| Arc::clone(name)).unwrap_or_default();
    let body = dav::Incoming::new(body.map_err(std::io::Error::other).boxed_unsync());
    let rest = body.clone();
    let is_http_1 = head.version <= http::Version::HTTP_11;
    let waits_for_leave = head.headers.contains_key(header::EXPECT);
    let request = dav::WriteRequest {
        method: &head.method,
        at,
        headers: head.headers,
        body,
        traits,
        meter,
        user: &user,
        hosts: &hosts,
    };
    let outcome = state.parts.dav.change(request).await;
    // A client that waits for leave to send and is refused has nothing on its way.
    let is_over = rest.is_end_stream() || (waits_for_leave && outcome.is_err());
    let is_left = !is_over && leave(state, rest).await;
    let mut response = match outcome {
        Ok(response) => response.map(Body::new),
        Err(error) => Failure::from(error).into_response(),
    };
    if is_left && is_http_1 {
        // Or a client whose body has vanished in buffers would make its next request over a connection that is about to end.
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    Ok(response)
}

/// Deals with the rest of a body that nobody wants.
///
/// A short one is read to nowhere, for the sake of the connection. A long one is left, but not at once:
/// a connection that is closed while its client still sends is reset, and the answer may be lost with it.
/// Whoever has read the answer stops sending. Returns whether it is left, and the connection with it.
async fn leave(state: &State, mut rest: dav::Incoming) -> bool {
    if rest.size_hint().upper().is_some_and(|left| left <= dav::MAX_XML_BODY as u64) {
        let read = async { while let Some(Ok(_)) = rest.frame().await {} };
        if tokio::time::timeout(BODY_TIMEOUT, read).await.is_ok() {
            return false;
        }
    }
    state.parts.tracker.spawn(async move {
        let _ = tokio::time::timeout(LINGER, std::future::pending::<()>()).await;
        drop(rest);
    });
    true
}

pub(super) async fn read_body(body: Body) -> Result<Bytes, Failure> {
    let read = Limited::new(body, dav::MAX_XML_BODY).collect();
    let Ok(read) = tokio::time::timeout(BODY_TIMEOUT, read).await else {
        let text = "the body of the request did not come in time; send it again";
        return Err(Failure::new(StatusCode::REQUEST_TIMEOUT, Source::Client, text));
    };
    match read {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => {
            let text =
                format!("the body of the request is longer than {} bytes; ask for less", dav::MAX_XML_BODY);
            Err(Failure::new(StatusCode::PAYLOAD_TOO_LARGE, Source::Client, text))
        }
        Err(_) => {
            let text = "the body of the request broke off; send it again";
            Err(Failure::new(StatusCode::BAD_REQUEST, Source::Client, text))
        }
    }
}

/// Reads a short body to nowhere, so that the connection survives an early answer.
///
/// With the body unread it would have to be closed, and clients take a closed connection for more than the refusal it is.
pub(super) async fn discard(headers: &HeaderMap, body: Body) {
    // A client that waits for leave to send must not get it.
    if headers.contains_key(header::EXPECT) {
        return;
    }
    let mut body = Limited::new(body, dav::MAX_XML_BODY);
    let read = async { while let Some(Ok(_)) = body.frame().await {} };
    let _ = tokio::time::timeout(BODY_TIMEOUT, read).await;
}
