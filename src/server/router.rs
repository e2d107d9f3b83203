//! The stack every request passes, from the outside in.
//!
//! Knows the order of the layers and why; what each does is its own file's matter.
//! Called by `serve`.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State as Shared};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use axum::{Extension, Router};
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, Method, StatusCode, header};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use tower::ServiceBuilder;
use tower_http::catch_panic::CatchPanicLayer;

use super::status::{Failure, Source};
use super::{State, auth, client, download, health, link_api, request_log, status, target};
use crate::dav;
use crate::model::Meter;
use crate::vfs::VPath;

/// How long a client may take to send a body of at most [`dav::MAX_XML_BODY`].
const BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// The whole gateway as one service.
pub(super) fn gateway(state: &Arc<State>) -> Router {
    let shared = || Arc::clone(state);
    let stack = ServiceBuilder::new()
        // One line and one number per request. Outermost, so that it also tells of panics and of clients that gave up.
        .layer(from_fn(request_log::one_line))
        // A panic costs its request a 500, not the connection of whoever shares it, and is still logged above.
        .layer(CatchPanicLayer::custom(status::after_panic))
        // Before authentication, since a container's health check has no password.
        .layer(from_fn_with_state(shared(), health::answer))
        // Before authentication too, since a download proxy shows its token instead of a password.
        .layer(from_fn_with_state(shared(), link_api::answer))
        // From here on the client may come in. Nothing below sees the password.
        .layer(from_fn_with_state(shared(), auth::require))
        // From here on the path is one of the tree's.
        .layer(from_fn_with_state(shared(), target::find));
    Router::new().fallback(answer).with_state(shared()).layer(stack)
}

async fn answer(
    Shared(state): Shared<Arc<State>>,
    Extension(path): Extension<VPath>,
    Extension(meter): Extension<Meter>,
    request: Request,
) -> Response {
    let (head, body) = request.into_parts();
    let answer = match head.method {
        Method::GET | Method::HEAD => {
            download::answer(&state, &meter, &path, &head.method, &head.headers).await
        }
        _ => webdav(&state, &meter, &path, head, body).await,
    };
    answer.unwrap_or_else(Failure::into_response)
}

async fn webdav(
    state: &State,
    meter: &Meter,
    path: &VPath,
    head: Parts,
    body: Body,
) -> Result<Response, Failure> {
    let body = if head.method.as_str() == "PROPFIND" {
        read_body(body).await?
    } else {
        // No other method that is answered has a body.
        discard(&head.headers, body).await;
        Bytes::new()
    };
    let traits = client::traits(&head.headers);
    let request = dav::Request { method: &head.method, path, headers: &head.headers, body, traits, meter };
    let response = state.parts.dav.handle(request).await?;
    Ok(response.map(Body::new))
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
