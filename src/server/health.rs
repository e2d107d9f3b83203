//! Whether the gateway lives, and whether it can serve.
//!
//! Knows how accounts are doing from whoever handed in the report; asks 115 nothing.
//! Called by `router`.

use std::sync::Arc;
use std::time::SystemTime;

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use http::{HeaderValue, Method, StatusCode, header};
use serde_json::{Value, json};

use super::State;
use crate::model::{AccountHealth, Health, SessionState, ShareHealth, ShareState};

/// Tells how every account and share is doing.
pub type HealthReport = Arc<dyn Fn() -> Health + Send + Sync>;

/// Answers `/healthz` and `/readyz`, or lets the request pass.
///
/// The paths are exact and stay at the top whatever the prefix is; other methods than GET and HEAD are none of this.
pub(super) async fn answer<F>(state: &State, request: Request, next: impl FnOnce(Request) -> F) -> Response
where
    F: Future<Output = Response>,
{
    let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
    match request.uri().path() {
        "/healthz" if is_read => respond(StatusCode::OK, "text/plain", "ok\n".to_owned()),
        "/readyz" if is_read => readiness(&(state.parts.health)()),
        _ => next(request).await,
    }
}

fn readiness(health: &Health) -> Response {
    let accounts = &health.accounts;
    let is_ready = accounts.iter().all(|account| account.session == SessionState::SignedIn);
    let report = json!({
        "ready": is_ready,
        "accounts": accounts.iter().map(describe).collect::<Vec<_>>(),
        "shares": health.shares.iter().map(describe_share).collect::<Vec<_>>(),
    });
    let status = if is_ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    respond(status, "application/json", format!("{report}\n"))
}

fn describe(account: &AccountHealth) -> Value {
    let (state, reason, until) = match &account.session {
        SessionState::Unknown => ("unknown", None, None),
        SessionState::SignedIn => ("signed_in", None, None),
        SessionState::Throttled { until, reason } => ("throttled", Some(reason), Some(*until)),
        SessionState::Blocked { until, reason } => ("blocked", Some(reason), Some(*until)),
        SessionState::SignedOut { reason } => ("signed_out", Some(reason), None),
        SessionState::Unreachable { reason } => ("unreachable", Some(reason), None),
    };
    let last_error = account
        .last_error
        .as_ref()
        .map(|(time, reason)| json!({ "unix_time": unix_time(*time), "reason": reason }));
    json!({
        "name": account.name,
        "state": state,
        "reason": reason,
        "until_unix_time": until.map(unix_time),
        "last_error": last_error,
    })
}

fn describe_share(share: &ShareHealth) -> Value {
    let (state, reason) = match &share.state {
        ShareState::Unknown => ("not_asked", None),
        ShareState::Usable => ("usable", None),
        ShareState::Failed { reason } => ("failed", Some(reason)),
    };
    json!({ "share_code": share.code, "state": state, "reason": reason })
}

fn unix_time(time: SystemTime) -> u64 {
    time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs()
}

fn respond(status: StatusCode, media_type: &'static str, body: String) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    async fn check(sessions: Vec<SessionState>, status: u16) -> Value {
        let accounts: Vec<AccountHealth> = sessions
            .into_iter()
            .map(|session| AccountHealth {
                name: "main".to_owned(),
                session,
                last_error: Some((SystemTime::UNIX_EPOCH + Duration::from_secs(7), "broke".to_owned())),
            })
            .collect();
        let failed = ShareState::Failed { reason: "it has expired".to_owned() };
        let shares = vec![ShareHealth { code: "sw3".to_owned(), state: failed }];
        let response = readiness(&Health { accounts, shares });
        assert_eq!(response.status(), status);
        let body = axum::body::to_bytes(response.into_body(), 10_000).await.unwrap();
        serde_json::from_slice(&body).unwrap()
    }

    #[tokio::test]
    async fn ready_means_that_every_account_is_signed_in() {
        let report = check(vec![SessionState::SignedIn, SessionState::SignedIn], 200).await;
        assert_eq!(report["ready"], true);
        // A dead share is a matter of its own folder alone.
        assert_eq!(report["shares"][0]["state"], "failed");
        assert_eq!(report["shares"][0]["reason"], "it has expired");
        assert_eq!(report["accounts"][0]["state"], "signed_in");
        assert_eq!(report["accounts"][0]["last_error"]["unix_time"], 7);

        let until = SystemTime::UNIX_EPOCH + Duration::from_secs(1234);
        let throttled = SessionState::Throttled { until, reason: "405".to_owned() };
        let report = check(vec![SessionState::SignedIn, throttled], 503).await;
        assert_eq!(report["ready"], false);
        assert_eq!(report["accounts"][1]["state"], "throttled");
        assert_eq!(report["accounts"][1]["until_unix_time"], 1234);
        assert_eq!(report["accounts"][1]["reason"], "405");

        check(vec![SessionState::Unknown], 503).await;
        check(vec![], 200).await;
    }
}
