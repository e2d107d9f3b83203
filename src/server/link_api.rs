//! `POST /api/fs/link`: a download proxy asks where a file is.
//!
//! Knows AList's protocol; does not know how links come about.
//! Called by `router`.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use axum::response::{IntoResponse as _, Response};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use serde_json::{Map, Value, json};
use subtle::ConstantTimeEq as _;

use super::status::{Failure, Source};
use super::{State, auth, request_log, router};
use crate::model::{Link, Meter, Secret};
use crate::vfs::{VPath, View};

const PATH: &str = "/api/fs/link";

/// Answers the request if it is one of a download proxy, or lets it pass.
///
/// **Source**: AList's and OpenList's documentation of their download proxies and the proxies' published code.
/// They look at `code` in the body and expect the HTTP status 200 whatever it says.
/// **Cost**: one call if no fitting link is in the cache.
pub(super) async fn answer<F>(state: &State, request: Request, next: impl FnOnce(Request) -> F) -> Response
where
    F: Future<Output = Response>,
{
    if request.uri().path() != PATH || request.method() != Method::POST {
        return next(request).await;
    }
    let (head, body) = request.into_parts();
    let admitted = admit(state, &head);
    let outcome = match admitted {
        Ok(()) => Box::pin(link(state, &head, body)).await,
        Err(refusal) => {
            router::discard(&head.headers, body).await;
            Err(refusal)
        }
    };
    match outcome {
        Ok(link) => respond(&json!({ "code": 200, "message": "success", "data": describe(&link) })),
        // Told as HTTP tells it: to who is no download proxy, or behaves like none.
        Err(failure) if state.download_proxy.is_none() || failure.status == StatusCode::TOO_MANY_REQUESTS => {
            failure.into_response()
        }
        Err(failure) => {
            let code = failure.status.as_u16();
            let mut response = respond(&json!({ "code": code, "message": failure.text, "data": null }));
            let reason = request_log::Reason { source: failure.source, text: failure.text.into() };
            response.extensions_mut().insert(reason);
            response
        }
    }
}

/// Lets a request pass that shows the token.
///
/// The right one passes whatever was shown before: the proxy must not be kept out by those who share its address.
fn admit(state: &State, head: &Parts) -> Result<(), Failure> {
    let Some(proxy) = &state.download_proxy else {
        let text = "no download proxy is configured, so links are not told";
        return Err(Failure::new(StatusCode::NOT_FOUND, Source::Client, text));
    };
    if shows_token(&head.headers, &proxy.token) {
        return Ok(());
    }
    let peer = auth::peer(&head.extensions);
    if let Some(pause) = state.link_throttle.pause(peer) {
        return Err(auth::too_many_failures("token", pause));
    }
    state.link_throttle.count_failure(peer);
    let text = "the token is wrong; the download proxy must show the one of the gateway's configuration";
    Err(Failure::new(StatusCode::UNAUTHORIZED, Source::Client, text))
}

async fn link(state: &State, head: &Parts, body: Body) -> Result<Arc<Link>, Failure> {
    let body = router::read_body(body).await?;
    let path = serde_json::from_slice::<Value>(&body).ok();
    let path = path.as_ref().and_then(|body| body.get("path")?.as_str()).ok_or_else(|| {
        let text = "the body of the request must be JSON with a text called path";
        Failure::new(StatusCode::BAD_REQUEST, Source::Client, text)
    })?;
    // Whoever shows the token sees everything. What a user may see was looked at when the address was signed.
    let at = View::whole().at(VPath::parse(path)?);
    let meter = head.extensions.get::<Meter>().cloned().unwrap_or_default();
    Ok(state.parts.vfs.proxy_link(&meter, &at).await?)
}

/// Takes the same time for every wrong token of the right length.
fn shows_token(headers: &HeaderMap, token: &Secret) -> bool {
    let shown = headers.get(header::AUTHORIZATION).map_or(&b""[..], HeaderValue::as_bytes);
    !token.expose().is_empty() && bool::from(shown.ct_eq(token.expose().as_bytes()))
}

/// The link, and the headers it has to be fetched with. A key is left out if nothing need be sent.
fn describe(link: &Link) -> Value {
    let mut headers = Map::new();
    if !link.binding.agent().is_empty() {
        headers.insert("User-Agent".to_owned(), json!([link.binding.agent()]));
    }
    if let Some(cookie) = &link.cookie {
        headers.insert("Cookie".to_owned(), json!([cookie.expose()]));
    }
    json!({ "url": link.url.expose(), "header": headers })
}

fn respond(body: &Value) -> Response {
    let mut response = Response::new(Body::from(body.to_string()));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{HeaderDemand, LinkBinding, LinkTerms};

    #[test]
    fn a_proxy_is_told_the_headers_a_link_demands_and_no_others() {
        let link = |agent, cookie: Option<&str>| Link {
            url: Secret::new("https://cdn.example/a?f=3"),
            terms: LinkTerms { expires: None, max_open: None, demand: HeaderDemand::None },
            binding: LinkBinding::to_agent(agent),
            cookie: cookie.map(Secret::new),
        };
        assert_eq!(
            describe(&link("gateway/1", Some("k=v"))),
            json!({
                "url": "https://cdn.example/a?f=3",
                "header": { "User-Agent": ["gateway/1"], "Cookie": ["k=v"] },
            })
        );
        assert_eq!(describe(&link("", None))["header"], json!({}));
    }

    #[test]
    fn an_empty_token_admits_nobody() {
        let shown = HeaderMap::from_iter([(header::AUTHORIZATION, HeaderValue::from_static(""))]);
        assert!(!shows_token(&shown, &Secret::new("")));
        assert!(!shows_token(&HeaderMap::new(), &Secret::new("")));
        assert!(!shows_token(&HeaderMap::new(), &Secret::new("x")));
    }
}
