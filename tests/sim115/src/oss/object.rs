//! Objects put whole (protocol notes, writing part, §2.6.2).

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, ETAG, HeaderName, HeaderValue};
use http::{HeaderMap, StatusCode};

use super::callback::{self, Finished};
use super::error::Refusal;
use super::receive::{Intake, Sums};
use super::{Answered, Visit};
use crate::call::Call;
use crate::reply::reply;
use crate::service::Hangup;
use crate::stored::{Blob, Stored};

/// The largest object or part of one call.
pub(super) const LARGEST: u64 = 5 << 30;

/// The length a call announces, which the store insists on. A body that does not fit is not read.
pub(super) fn announced(call: &Call) -> Result<u64, Refusal> {
    let length = call.header(CONTENT_LENGTH).parse().map_err(|_| {
        Refusal::new(411, "MissingContentLength", "You must provide the Content-Length HTTP header.")
    })?;
    if length > LARGEST {
        return Err(Refusal::new(
            400,
            "EntityTooLarge",
            "Your proposed upload exceeds the maximum allowed size.",
        ));
    }
    Ok(length)
}

/// Compares the bytes with the `Content-MD5` of the call, if it has one.
pub(super) fn verified(call: &Call, sums: &Sums) -> Result<(), Refusal> {
    let claimed = call.header(HeaderName::from_static("content-md5"));
    if claimed.is_empty() || claimed == STANDARD.encode(sums.md5) {
        return Ok(());
    }
    let message = "The Content-MD5 you specified did not match what we received.";
    Err(Refusal::new(400, "InvalidDigest", message))
}

/// The headers that tell what was stored.
pub(super) fn describe(headers: &mut HeaderMap, sums: &Sums) {
    if let Ok(tag) = HeaderValue::from_str(&format!("\"{}\"", sums.tag())) {
        headers.insert(ETAG, tag);
    }
    headers.insert(HeaderName::from_static("x-oss-hash-crc64ecma"), HeaderValue::from(sums.crc64));
}

/// The content of places of a blob; its hash is computed where that holds up nobody.
pub(super) async fn stored(blob: Arc<Blob>, places: Vec<std::ops::Range<u64>>) -> Result<Stored, Hangup> {
    tokio::task::spawn_blocking(move || Stored::new(blob, &places)).await.map_err(|_| Hangup)
}

/// `PUT` of a whole object.
pub(super) async fn put(visit: &Visit<'_>, intake: Intake<'_>) -> Result<Answered, Hangup> {
    if let Err(refusal) = announced(visit.call) {
        return Ok(Err(refusal));
    }
    let blob = Blob::new();
    let sums = intake.store(&blob, 0).await?;
    if let Err(refusal) = verified(visit.call, &sums) {
        return Ok(Err(refusal));
    }
    let whole = 0..sums.size;
    let content = stored(blob, vec![whole]).await?;
    let answered = match callback::asked(visit) {
        None => Ok(reply(StatusCode::OK, "application/xml", Bytes::new())),
        Some(texts) => {
            let finished = Finished {
                object: &visit.object,
                content: &content,
                sha1_known: true,
                etag: sums.tag(),
                media_type: visit.call.header(CONTENT_TYPE),
            };
            callback::perform(visit, texts, &finished)
        }
    };
    Ok(answered.map(|mut reply| {
        describe(reply.headers_mut(), &sums);
        reply
    }))
}
