//! The object storage that 115 has uploads sent to: requests, their signatures, and what its failures mean.
//!
//! Knows Aliyun's OSS as far as 115 uses it. Its requests pass neither pacer nor gate and are no calls to 115,
//! but the keys they are signed with come from one. `object` has the steps of an upload.
//!
//! **Source**: protocol notes, writing part, §2.6.

mod answer;
mod form;
mod object;
mod sign;

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, DATE, USER_AGENT};
use http::{Method, StatusCode};
use tokio::sync::Mutex;

pub use answer::{Finished, Part};
pub(super) use form::Multipart;

use self::sign::Signed;
use super::api::upload::{StorageKeys, StoragePlace};
use super::error::quoted;
use super::{Client, ErrorKind, Pan115Error};
use crate::crypto::digest::md5_base64;
use crate::model::{Meter, UploadSession};
use crate::transport::{Answer, Backoff, Step, TransportErrorKind};

const LABEL: &str = "object storage";
const BACKOFF: Backoff = Backoff { first: Duration::from_millis(500), max: Duration::from_secs(10) };
/// Attempts after the first. A part that is lost costs all that was read for it, so it is worth some patience.
const RETRIES: u32 = 4;

/// Keys are renewed this long before they end, so that they outlast a part.
const MARGIN: Duration = Duration::from_secs(5 * 60);

/// What a request may take besides the time for its body.
const PATIENCE: Duration = Duration::from_secs(60);
/// A slower way up is taken for a broken one, in bytes a second.
const SLOWEST: u64 = 16 << 10;

/// What is remembered of the object storage.
#[derive(Default)]
pub(super) struct Storage {
    keys: Mutex<Option<StorageKeys>>,
    place: Mutex<Option<StoragePlace>>,
}

/// A request about the object of a session.
struct Ask<'a> {
    method: Method,
    session: &'a UploadSession,
    query: Vec<(&'static str, Option<String>)>,
    /// Parameters that do not count for the signature.
    unsigned: String,
    headers: Vec<(&'static str, String)>,
    content_type: &'static str,
    body: Bytes,
}

impl<'a> Ask<'a> {
    fn new(method: Method, session: &'a UploadSession) -> Self {
        Self {
            method,
            session,
            query: Vec::new(),
            unsigned: String::new(),
            headers: Vec::new(),
            content_type: "",
            body: Bytes::new(),
        }
    }
}

/// A request that failed.
struct Fault {
    reason: Reason,
    error: Pan115Error,
}

/// What can be done about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reason {
    /// It did not get there.
    NotSent,
    /// It may have got there, and may have been done.
    Lost,
    /// The keys are not good (any more).
    Keys,
    /// The storage knows of no such multipart upload (any more).
    NoSuchUpload,
    /// It has everything, but could not tell 115.
    NotCalledBack,
    /// Everything else; again would be no better.
    Refused,
}

impl Fault {
    fn into_step<T>(self) -> Step<T, Pan115Error> {
        match self.reason {
            Reason::NotSent | Reason::Lost | Reason::Keys => Step::Again(self.error, None),
            Reason::NoSuchUpload | Reason::NotCalledBack | Reason::Refused => Step::Fail(self.error),
        }
    }

    fn of_115(error: Pan115Error) -> Self {
        Self { reason: Reason::Refused, error }
    }
}

impl Client {
    /// Signs and sends one request, and sorts what comes of it. An answer is one with status 200 or 204.
    async fn ask_storage(&self, meter: &Meter, ask: &Ask<'_>) -> Result<Answer, Fault> {
        let keys = self.keys(meter).await.map_err(Fault::of_115)?;
        let place = self.place(meter).await.map_err(Fault::of_115)?;
        let request = self.sign(ask, &keys, &place).map_err(Fault::of_115)?;
        let patience = PATIENCE + Duration::from_secs(ask.body.len() as u64 / SLOWEST);
        let answer = self.http.store(request, patience).await.map_err(|error| {
            let reason = match error.kind {
                TransportErrorKind::Invalid => Reason::Refused,
                TransportErrorKind::Connect => Reason::NotSent,
                TransportErrorKind::Timeout
                | TransportErrorKind::Interrupted
                | TransportErrorKind::TooLarge => Reason::Lost,
            };
            let message = format!("cannot reach 115's storage: {error} ({})", error.detail);
            Fault { reason, error: Pan115Error::new(LABEL, ErrorKind::Transport(error.kind), message) }
        })?;
        match sort(&answer) {
            Ok(()) => Ok(answer),
            Err(fault) => {
                if fault.reason == Reason::Keys {
                    self.storage.forget(&keys).await;
                }
                Err(fault)
            }
        }
    }

    async fn keys(&self, meter: &Meter) -> Result<StorageKeys, Pan115Error> {
        let mut known = self.storage.keys.lock().await;
        let good = known.as_ref().filter(|keys| keys.expires > SystemTime::now() + MARGIN);
        if let Some(keys) = good {
            return Ok(keys.clone());
        }
        let keys = self.new_storage_keys(meter).await?;
        *known = Some(keys.clone());
        Ok(keys)
    }

    async fn place(&self, meter: &Meter) -> Result<StoragePlace, Pan115Error> {
        let mut known = self.storage.place.lock().await;
        if let Some(place) = &*known {
            return Ok(place.clone());
        }
        let place = self.storage_place(meter).await?;
        *known = Some(place.clone());
        Ok(place)
    }

    fn sign(
        &self,
        ask: &Ask<'_>,
        keys: &StorageKeys,
        place: &StoragePlace,
    ) -> Result<http::Request<Bytes>, Pan115Error> {
        let UploadSession { bucket, object, .. } = ask.session;
        if !is_plain(bucket, "-") || !is_plain(object, "-_./") {
            let message = "115 named a place in its storage that is none";
            return Err(Pan115Error::new(LABEL, ErrorKind::Corrupt, message));
        }
        let date = httpdate::fmt_http_date(SystemTime::now());
        let md5 = if ask.body.is_empty() { String::new() } else { md5_base64(&ask.body) };
        let mut headers = ask.headers.clone();
        headers.push(("x-oss-security-token", keys.token.expose().to_owned()));
        let signed = Signed {
            method: ask.method.as_str(),
            md5: &md5,
            content_type: ask.content_type,
            date: &date,
            headers: &headers,
            bucket,
            object,
            query: &ask.query,
        };
        let signature = signed.signature(keys.secret.expose());
        let url = self.endpoints.url_at(&format!("{bucket}.{}", place.0), &path(ask));
        let mut request = http::Request::builder()
            .method(ask.method.clone())
            .uri(url)
            .header(USER_AGENT, self.user_agent())
            .header(DATE, &date)
            .header(CONTENT_LENGTH, ask.body.len())
            .header(AUTHORIZATION, format!("OSS {}:{signature}", keys.id.expose()));
        if !md5.is_empty() {
            request = request.header("content-md5", &md5);
        }
        if !ask.content_type.is_empty() {
            request = request.header(CONTENT_TYPE, ask.content_type);
        }
        for (name, value) in headers {
            request = request.header(name, value);
        }
        request.body(ask.body.clone()).map_err(|_| {
            let message = "a request to 115's storage cannot be built of what 115 gave for it";
            Pan115Error::new(LABEL, ErrorKind::Corrupt, message)
        })
    }
}

impl Storage {
    /// Keys that were refused are not used again, unless they have been renewed meanwhile.
    async fn forget(&self, refused: &StorageKeys) {
        let mut keys = self.keys.lock().await;
        if keys.as_ref().is_some_and(|keys| keys.id == refused.id && keys.token == refused.token) {
            *keys = None;
        }
    }
}

fn is_plain(name: &str, more: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || more.contains(c))
}

/// Path and query. What stands in them needs no escaping.
fn path(ask: &Ask<'_>) -> String {
    let mut query: Vec<String> = ask
        .query
        .iter()
        .map(|(name, value)| {
            value.as_ref().map_or_else(|| (*name).to_owned(), |value| format!("{name}={value}"))
        })
        .collect();
    query.extend((!ask.unsigned.is_empty()).then(|| ask.unsigned.clone()));
    let mark = if query.is_empty() { "" } else { "?" };
    format!("/{}{mark}{}", ask.session.object, query.join("&"))
}

/// **Source**: protocol notes, writing part, §2.6.5.
fn sort(answer: &Answer) -> Result<(), Fault> {
    let status = answer.status.as_u16();
    let code = answer::text(&answer.body, "Code").unwrap_or_default();
    let said = quoted(&answer::text(&answer.body, "Message").unwrap_or_default());
    let fault =
        |reason, kind, message: String| Err(Fault { reason, error: Pan115Error::new(LABEL, kind, message) });
    match (answer.status, code.as_str()) {
        (StatusCode::OK | StatusCode::NO_CONTENT, _) => Ok(()),
        (StatusCode::NON_AUTHORITATIVE_INFORMATION, _) => fault(
            Reason::NotCalledBack,
            ErrorKind::Server,
            format!("115's storage has the file, but 115 did not take it: {said}"),
        ),
        (_, "NoSuchUpload") => fault(
            Reason::NoSuchUpload,
            ErrorKind::Server,
            "115's storage knows nothing (any more) of an upload that was begun".to_owned(),
        ),
        (_, "InvalidAccessKeyId" | "SecurityTokenExpired" | "InvalidSecurityToken") => fault(
            Reason::Keys,
            ErrorKind::Server,
            format!("115's storage does not take the keys that 115 gave for it: {said}"),
        ),
        (_, "RequestTimeTooSkewed") => fault(
            Reason::Refused,
            ErrorKind::BadRequest,
            "115's storage says that the clock of this machine is wrong; set it right".to_owned(),
        ),
        // The bytes were damaged on the way.
        (_, "InvalidDigest" | "BadDigest" | "RequestTimeout") => {
            fault(Reason::Lost, ErrorKind::Server, format!("115's storage did not get what was sent: {said}"))
        }
        (status, _) if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS => fault(
            Reason::Lost,
            ErrorKind::Server,
            format!("115's storage failed with status {}: {said}", status.as_u16()),
        ),
        _ => fault(
            Reason::Refused,
            ErrorKind::Unknown,
            format!("115's storage refuses with status {status} ({code}) and says {said}"),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(status: u16, code: &str) -> Option<Reason> {
        let body = format!("<Error><Code>{code}</Code><Message>m</Message></Error>").into();
        let status = StatusCode::from_u16(status).unwrap();
        sort(&Answer { status, headers: http::HeaderMap::new(), body }).err().map(|fault| fault.reason)
    }

    #[test]
    fn failures_are_sorted_by_what_can_be_done_about_them() {
        for (status, code, expected) in [
            (200, "", None),
            (204, "", None),
            (203, "CallbackFailed", Some(Reason::NotCalledBack)),
            (403, "SecurityTokenExpired", Some(Reason::Keys)),
            (403, "InvalidAccessKeyId", Some(Reason::Keys)),
            (403, "SignatureDoesNotMatch", Some(Reason::Refused)),
            (404, "NoSuchUpload", Some(Reason::NoSuchUpload)),
            (400, "EntityTooSmall", Some(Reason::Refused)),
            (400, "InvalidDigest", Some(Reason::Lost)),
            (503, "", Some(Reason::Lost)),
        ] {
            assert_eq!(reason(status, code), expected, "{status} {code}");
        }
    }

    #[test]
    fn the_path_holds_what_is_signed_and_what_is_not() {
        let session = UploadSession {
            bucket: "b".to_owned(),
            object: "0a/f".to_owned(),
            callback: String::new(),
            callback_var: String::new(),
            pick_code: String::new(),
            multipart: None,
            part_size: 1,
        };
        let mut ask = Ask::new(Method::GET, &session);
        assert_eq!(path(&ask), "/0a/f");
        ask.query = vec![("uploads", None), ("uploadId", Some("X".to_owned()))];
        ask.unsigned = "max-parts=1000".to_owned();
        assert_eq!(path(&ask), "/0a/f?uploads&uploadId=X&max-parts=1000");
        for (bucket, object) in [("a.evil.example", "o"), ("a/b", "o"), ("", "o"), ("b", "o?x"), ("b", "")] {
            assert!(!is_plain(bucket, "-") || !is_plain(object, "-_./"), "{bucket} {object}");
        }
    }
}
