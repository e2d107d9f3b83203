//! Content from 115's download servers: no pacer, but a permit for every open body.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::ops::Range;
use std::sync::{Arc, Weak};
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::{BoxStream, unfold};
use http::header::{CONTENT_LENGTH, CONTENT_RANGE, ETAG, HeaderName, LAST_MODIFIED};
use http::{HeaderMap, StatusCode};
use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::error::quoted;
use super::{Client, ErrorKind, Pan115Error};
use crate::model::Link;
use crate::transport::{Backoff, OpenAnswer, Request, Step, retry};

const LABEL: &str = "download server";
const BACKOFF: Backoff = Backoff { first: Duration::from_millis(300), max: Duration::from_secs(3) };
/// More would keep a player waiting longer than it waits.
const RETRIES: u32 = 2;
/// An error body is read up to here, to quote its message.
const MAX_REASON_BYTES: usize = 4096;

/// A body that the download server has agreed to send.
pub struct Fetched {
    /// Length of the whole file.
    pub total: u64,
    /// `ETag`, else `Last-Modified`.
    pub validator: Option<Arc<str>>,
    /// Exactly the asked bytes, or an error.
    pub stream: BoxStream<'static, Result<Bytes, Pan115Error>>,
}

/// How many bodies are open on each link. A link's own limit (`c`) is usually 2.
#[derive(Default)]
pub(super) struct LinkSlots {
    slots: Mutex<HashMap<u64, Weak<Semaphore>>>,
    hasher: RandomState,
}

impl LinkSlots {
    fn of(&self, link: &Link) -> Option<Arc<Semaphore>> {
        let max = usize::try_from(link.terms.max_open?).unwrap_or(usize::MAX).min(Semaphore::MAX_PERMITS);
        let mut slots = self.slots.lock();
        slots.retain(|_, slot| slot.strong_count() > 0);
        let key = self.hasher.hash_one(link.url.expose());
        if let Some(slot) = slots.get(&key).and_then(Weak::upgrade) {
            return Some(slot);
        }
        let slot = Arc::new(Semaphore::new(max));
        slots.insert(key, Arc::downgrade(&slot));
        Some(slot)
    }
}

/// Held until the body is dropped, so that a download counts until its last byte.
struct Permits {
    _account: OwnedSemaphorePermit,
    _link: Option<OwnedSemaphorePermit>,
}

impl Client {
    /// Opens the bytes `range` of the file behind `link`.
    ///
    /// **Cost**: no API call.
    /// **Errors**: `LinkRefused` for 401, 403, 404 and 410; `Throttled` if too many bodies are open;
    /// `Corrupt` if the server ignores the range or sends another one.
    /// **Source**: protocol notes, reading part, §4.4.
    pub async fn fetch(&self, link: &Link, range: Range<u64>) -> Result<Fetched, Pan115Error> {
        let permits = self.permits(link).await?;
        let answer = retry(RETRIES, BACKOFF, |_| self.open(link, &range)).await?;
        let total = check_headers(answer.status, &answer.headers, &range)?;
        let validator =
            header(&answer.headers, &ETAG).or_else(|| header(&answer.headers, &LAST_MODIFIED)).map(Arc::from);
        let body = Exact { body: answer.body, left: range.end - range.start, _permits: permits };
        Ok(Fetched { total, validator, stream: unfold(Some(body), Exact::next).boxed() })
    }

    async fn permits(&self, link: &Link) -> Result<Permits, Pan115Error> {
        let wait = self.options.open_wait;
        let taken = timeout(wait, async {
            let link = match self.link_slots.of(link) {
                Some(slots) => Some(slots.acquire_owned().await.ok()?),
                None => None,
            };
            Some(Permits { _account: Arc::clone(&self.bodies).acquire_owned().await.ok()?, _link: link })
        });
        taken.await.ok().flatten().ok_or_else(|| {
            fail(
                ErrorKind::Throttled { after: Some(Duration::from_secs(2)) },
                format!(
                    "115 lets only few downloads run at once, and none of those of {} ended within {}s",
                    self.caller(),
                    wait.as_secs()
                ),
            )
        })
    }

    async fn open(&self, link: &Link, range: &Range<u64>) -> Step<OpenAnswer, Pan115Error> {
        let request = Request {
            url: link.url.expose(),
            form: None,
            encoded: None,
            agent: link.binding.agent(),
            cookie: link.cookie.as_ref().map(crate::model::Secret::expose),
            range: Some(format!("bytes={}-{}", range.start, range.end - 1)),
            headers: &[],
        };
        let answer = match self.http.open(&request).await {
            Ok(answer) => answer,
            Err(error) => {
                let message = format!("cannot reach 115's download server: {error} ({})", error.detail);
                return Step::Again(fail(ErrorKind::Transport(error.kind), message), None);
            }
        };
        let status = answer.status.as_u16();
        match status {
            200 | 206 => Step::Done(answer),
            429 => Step::Fail(fail(
                ErrorKind::Throttled { after: Some(Duration::from_secs(5)) },
                "115's download server asks for fewer requests".to_owned(),
            )),
            500.. => Step::Again(
                fail(ErrorKind::Server, format!("115's download server failed with status {status}")),
                None,
            ),
            416 => Step::Fail(fail(
                ErrorKind::Corrupt,
                "the file at 115's download server is shorter than its listing says".to_owned(),
            )),
            _ => {
                let said = reason(answer).await;
                let message = format!("115's download server refused the link with status {status}, {said}");
                Step::Fail(fail(ErrorKind::LinkRefused, message))
            }
        }
    }
}

fn fail(kind: ErrorKind, message: String) -> Pan115Error {
    Pan115Error { endpoint: LABEL, kind, code: 0, message, wanted_order: None }
}

/// `{"status":403,"message":"no cookie value","request_id":"…"}`
async fn reason(mut answer: OpenAnswer) -> String {
    let mut body = Vec::new();
    while let Some(Ok(chunk)) = answer.body.next().await {
        body.extend_from_slice(&chunk);
        if body.len() > MAX_REASON_BYTES {
            break;
        }
    }
    let json: Option<serde_json::Value> = serde_json::from_slice(&body).ok();
    quoted(json.as_ref().and_then(|json| json.get("message")?.as_str()).unwrap_or_default())
}

fn header<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// Makes sure that the server sends what was asked, and returns the length of the whole file.
fn check_headers(status: StatusCode, headers: &HeaderMap, range: &Range<u64>) -> Result<u64, Pan115Error> {
    let wrong = |what: &str| Err(fail(ErrorKind::Corrupt, format!("115's download server {what}")));
    let length: Option<u64> = header(headers, &CONTENT_LENGTH).and_then(|length| length.parse().ok());
    if status == StatusCode::OK {
        return match length {
            Some(total) if range.start == 0 && range.end <= total => Ok(total),
            Some(_) => wrong("ignores which part of the file is asked for"),
            None => wrong("does not say how long the file is"),
        };
    }
    let stated = header(headers, &CONTENT_RANGE).and_then(parse_content_range);
    match stated {
        Some((part, total)) if part == *range && length.is_none_or(|l| l == range.end - range.start) => {
            Ok(total)
        }
        _ => wrong("sends another part of the file than was asked for"),
    }
}

/// `bytes 0-1048575/1073741824`, as a half-open range and the length of the whole.
fn parse_content_range(value: &str) -> Option<(Range<u64>, u64)> {
    let (part, total) = value.strip_prefix("bytes ")?.split_once('/')?;
    let (first, last) = part.trim().split_once('-')?;
    let range = first.parse().ok()?..last.parse::<u64>().ok()?.checked_add(1)?;
    Some((range, total.trim().parse().ok()?))
}

/// A body that must have exactly so many bytes.
struct Exact {
    body: BoxStream<'static, Result<Bytes, crate::transport::TransportError>>,
    left: u64,
    _permits: Permits,
}

impl Exact {
    async fn next(this: Option<Self>) -> Option<(Result<Bytes, Pan115Error>, Option<Self>)> {
        let mut this = this?;
        if this.left == 0 {
            return None;
        }
        let error = match this.body.next().await {
            Some(Ok(mut chunk)) => {
                let wanted = usize::try_from(this.left).unwrap_or(usize::MAX);
                chunk.truncate(wanted);
                this.left -= chunk.len() as u64;
                return Some((Ok(chunk), Some(this)));
            }
            Some(Err(error)) => fail(
                ErrorKind::Transport(error.kind),
                format!("the download broke off: {error} ({})", error.detail),
            ),
            None => fail(
                ErrorKind::Transport(crate::transport::TransportErrorKind::Interrupted),
                "115's download server ended the body too early".to_owned(),
            ),
        };
        Some((Err(error), None))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_ranges_become_half_open() {
        assert_eq!(parse_content_range("bytes 0-9/100"), Some((0..10, 100)));
        for wrong in
            ["bytes */100", "0-9/100", "bytes 0-/100", "bytes 0-18446744073709551615/1", "bytes 0-9/*"]
        {
            assert_eq!(parse_content_range(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_server_that_sends_something_else_is_not_believed() {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_LENGTH, "100".parse().unwrap());
        assert_eq!(check_headers(StatusCode::OK, &headers, &(0..100)).unwrap(), 100);
        assert!(check_headers(StatusCode::OK, &headers, &(5..100)).is_err());
        headers.insert(CONTENT_RANGE, "bytes 5-104/1000".parse().unwrap());
        assert_eq!(check_headers(StatusCode::PARTIAL_CONTENT, &headers, &(5..105)).unwrap(), 1000);
        assert!(check_headers(StatusCode::PARTIAL_CONTENT, &headers, &(6..106)).is_err());
    }
}
