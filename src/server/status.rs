//! From a failure to a status line: the only such table.
//!
//! Knows every sort of failure of the layers below; does not know which request it was.
//! Called by everything in `server` that can fail.

use std::any::Any;
use std::time::{Duration, SystemTime};

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};

use super::request_log::Reason;
use crate::dav;
use crate::vfs::{BadPath, DriveError, DriveErrorKind, VfsError, VfsErrorKind};

/// When to try again if nothing better is known.
const SOON: Duration = Duration::from_secs(10);
/// When to try again after a sign-out: it takes a person to end it.
const AFTER_SIGN_OUT: Duration = Duration::from_secs(60);

/// On whose side the cause is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// The request asks for something that cannot be.
    Client,
    /// The gateway or its configuration.
    Us,
    /// 115, its download servers or the account.
    Drive,
}

impl Source {
    /// The word in the log.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Us => "us",
            Self::Drive => "115",
        }
    }
}

/// An answer that tells of a failure.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) status: StatusCode,
    pub(super) source: Source,
    /// What happened, where, and what to do, for a person. Holds no secret.
    pub(super) text: String,
    retry_after: Option<Duration>,
    /// The precondition of WebDAV that was violated; makes the body XML.
    condition: Option<&'static str>,
}

impl Failure {
    pub(super) fn new(status: StatusCode, source: Source, text: impl Into<String>) -> Self {
        Self { status, source, text: text.into(), retry_after: None, condition: None }
    }

    /// States when it is worth trying again: in whole seconds, rounded up, at least one.
    pub(super) fn retry_after(self, pause: Duration) -> Self {
        let whole = pause.as_secs() + u64::from(pause.subsec_nanos() > 0);
        Self { retry_after: Some(Duration::from_secs(whole.max(1))), ..self }
    }
}

impl From<VfsError> for Failure {
    #[deny(clippy::wildcard_enum_match_arm)]
    fn from(error: VfsError) -> Self {
        let text = error.to_string();
        match &error.kind {
            // A walk that meets a file on its way ends nowhere, which to a client is the same.
            VfsErrorKind::NotFound | VfsErrorKind::NotAFolder => {
                Self::new(StatusCode::NOT_FOUND, Source::Client, text)
            }
            VfsErrorKind::IsAFolder | VfsErrorKind::Exists => {
                Self::new(StatusCode::METHOD_NOT_ALLOWED, Source::Client, text)
            }
            VfsErrorKind::Refused(_) => Self::new(StatusCode::FORBIDDEN, Source::Client, text),
            VfsErrorKind::NoParent => Self::new(StatusCode::CONFLICT, Source::Client, text),
            VfsErrorKind::SizeMismatch { .. } | VfsErrorKind::HashMismatch => {
                Self::new(StatusCode::BAD_REQUEST, Source::Client, text)
            }
            VfsErrorKind::NoRoom(_) => Self::new(StatusCode::INSUFFICIENT_STORAGE, Source::Us, text),
            VfsErrorKind::Drive(drive) => from_drive(drive, text, SystemTime::now()),
        }
    }
}

#[deny(clippy::wildcard_enum_match_arm)]
fn from_drive(error: &DriveError, text: String, now: SystemTime) -> Failure {
    let pause = |until: SystemTime| until.duration_since(now).unwrap_or_default();
    let later = |text: String| Failure::new(StatusCode::SERVICE_UNAVAILABLE, Source::Drive, text);
    match error.kind {
        DriveErrorKind::NotFound => Failure::new(StatusCode::NOT_FOUND, Source::Drive, text),
        DriveErrorKind::Gone => Failure::new(StatusCode::GONE, Source::Drive, text),
        DriveErrorKind::Denied | DriveErrorKind::ReadOnly | DriveErrorKind::BadName => {
            Failure::new(StatusCode::FORBIDDEN, Source::Drive, text)
        }
        DriveErrorKind::Exists => Failure::new(StatusCode::METHOD_NOT_ALLOWED, Source::Drive, text),
        DriveErrorKind::NoSpace => Failure::new(StatusCode::INSUFFICIENT_STORAGE, Source::Drive, text),
        DriveErrorKind::TooLarge => Failure::new(StatusCode::PAYLOAD_TOO_LARGE, Source::Drive, text),
        DriveErrorKind::Aborted => Failure::new(StatusCode::BAD_REQUEST, Source::Client, text),
        DriveErrorKind::Throttled { until } => later(text).retry_after(until.map_or(SOON, pause)),
        DriveErrorKind::Blocked { until } => later(text).retry_after(pause(until)),
        DriveErrorKind::SignedOut => later(text).retry_after(AFTER_SIGN_OUT),
        DriveErrorKind::Unavailable | DriveErrorKind::LinkRefused => later(text).retry_after(SOON),
        DriveErrorKind::Corrupt => {
            Failure::new(StatusCode::BAD_GATEWAY, Source::Drive, text).retry_after(SOON)
        }
    }
}

impl From<dav::Error> for Failure {
    #[deny(clippy::wildcard_enum_match_arm)]
    fn from(error: dav::Error) -> Self {
        match error {
            dav::Error::Vfs(error) => error.into(),
            dav::Error::Refused { status, reason, condition } => {
                Self { condition, ..Self::new(status, Source::Client, reason) }
            }
        }
    }
}

impl From<BadPath> for Failure {
    #[deny(clippy::wildcard_enum_match_arm)]
    fn from(error: BadPath) -> Self {
        let status = match error {
            BadPath::TooLong => StatusCode::URI_TOO_LONG,
            BadPath::NotAbsolute
            | BadPath::BadEscape
            | BadPath::NotUtf8
            | BadPath::DotSegment
            | BadPath::ForbiddenCharacter => StatusCode::BAD_REQUEST,
        };
        Self::new(status, Source::Client, format!("the request cannot be answered: {error}"))
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let (media_type, body) = match self.condition {
            Some(condition) => ("application/xml; charset=utf-8", condition_body(condition)),
            None => ("text/plain; charset=utf-8", format!("{}\n", self.text)),
        };
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        // What fails now may work in a moment.
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(pause) = self.retry_after {
            headers.insert(header::RETRY_AFTER, pause.as_secs().into());
        }
        if self.status == StatusCode::METHOD_NOT_ALLOWED {
            headers.insert(header::ALLOW, HeaderValue::from_static(dav::ALLOW));
        }
        response.extensions_mut().insert(Reason { source: self.source, text: self.text.into() });
        response
    }
}

fn condition_body(condition: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<D:error xmlns:D=\"DAV:\"><D:{condition}/></D:error>\n"
    )
}

/// The answer after a panic. What it said goes to the log alone.
#[expect(clippy::needless_pass_by_value, reason = "the signature is given by the layer that calls it")]
pub(super) fn after_panic(panic: Box<dyn Any + Send>) -> Response {
    let said = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("nothing");
    tracing::error!(said, "a request panicked; this is a bug of the gateway, please report it");
    let text = "the gateway has met a bug of its own; its log tells more";
    Failure::new(StatusCode::INTERNAL_SERVER_ERROR, Source::Us, text).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vfs::{Op, VPath};

    #[track_caller]
    fn check(kind: DriveErrorKind, status: u16, retry_after: Option<&str>) {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1000);
        let failure = from_drive(&DriveError::new(kind, "reason"), "text".to_owned(), now);
        let response = failure.into_response();
        assert_eq!(response.status(), status, "{kind:?}");
        let stated = response.headers().get("retry-after").map(|value| value.to_str().unwrap());
        assert_eq!(stated, retry_after, "{kind:?}");
        assert_eq!(response.headers()["cache-control"], "no-store");
    }

    #[test]
    fn every_failure_of_a_drive_has_its_status_and_pause() {
        let at = |ms| SystemTime::UNIX_EPOCH + Duration::from_millis(ms);
        check(DriveErrorKind::NotFound, 404, None);
        check(DriveErrorKind::Gone, 410, None);
        check(DriveErrorKind::Denied, 403, None);
        check(DriveErrorKind::ReadOnly, 403, None);
        check(DriveErrorKind::BadName, 403, None);
        check(DriveErrorKind::Exists, 405, None);
        check(DriveErrorKind::NoSpace, 507, None);
        check(DriveErrorKind::TooLarge, 413, None);
        check(DriveErrorKind::Aborted, 400, None);
        check(DriveErrorKind::LinkRefused, 503, Some("10"));
        check(DriveErrorKind::Throttled { until: None }, 503, Some("10"));
        check(DriveErrorKind::Throttled { until: Some(at(1_007_200)) }, 503, Some("8"));
        check(DriveErrorKind::Blocked { until: at(1_600_000) }, 503, Some("600"));
        check(DriveErrorKind::Blocked { until: at(0) }, 503, Some("1"));
        check(DriveErrorKind::SignedOut, 503, Some("60"));
        check(DriveErrorKind::Unavailable, 503, Some("10"));
        check(DriveErrorKind::Corrupt, 502, Some("10"));
    }

    #[test]
    fn failures_of_the_tree_have_their_status() {
        for (kind, status) in [
            (VfsErrorKind::NotFound, 404),
            (VfsErrorKind::NotAFolder, 404),
            (VfsErrorKind::IsAFolder, 405),
            (VfsErrorKind::Exists, 405),
            (VfsErrorKind::Refused("no".into()), 403),
            (VfsErrorKind::NoParent, 409),
            (VfsErrorKind::HashMismatch, 400),
            (VfsErrorKind::SizeMismatch { declared: 2, got: 1 }, 400),
            (VfsErrorKind::NoRoom("full".into()), 507),
        ] {
            let failure = Failure::from(VfsError { op: Op::Stat, path: VPath::root(), kind });
            assert_eq!(failure.status, status);
            assert!(failure.text.contains("cannot look up /: "), "{}", failure.text);
        }
    }

    #[tokio::test]
    async fn a_violated_condition_is_told_in_xml_and_a_refused_method_with_the_allowed_ones() {
        let refused = |status, condition| {
            Failure::from(dav::Error::Refused { status, reason: "why".to_owned(), condition }).into_response()
        };
        let response = refused(StatusCode::FORBIDDEN, Some("propfind-finite-depth"));
        assert_eq!(response.headers()["content-type"], "application/xml; charset=utf-8");
        let body = axum::body::to_bytes(response.into_body(), 1000).await.unwrap();
        assert!(
            str::from_utf8(&body)
                .unwrap()
                .contains("<D:error xmlns:D=\"DAV:\"><D:propfind-finite-depth/></D:error>")
        );
        let response = refused(StatusCode::METHOD_NOT_ALLOWED, None);
        assert_eq!(response.headers()["allow"], dav::ALLOW);
        assert_eq!(response.headers()["content-type"], "text/plain; charset=utf-8");
    }
}
