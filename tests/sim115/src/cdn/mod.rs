//! The download network: hands out the bytes behind a minted link, under the link's terms
//! (protocol notes, reading part, §4.4).

mod link;
mod range;

use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use http::header::{
    ACCEPT_RANGES, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, IF_MATCH, IF_RANGE, LAST_MODIFIED,
    RANGE,
};
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode};

pub(crate) use link::{Links, Minted, OpenBody, Terms, mint};

use crate::behaviours::Behaviours;
use crate::body::SimBody;
use crate::call::Call;
use crate::content::Content;
use crate::faults::Fault;
use crate::reply::{Reply, cdn_refusal};
use crate::state::Shared;
use range::Asked;

/// Answers a request to the CDN.
pub(crate) async fn answer(
    shared: &Arc<Shared>,
    call: &Call,
    behaviours: &Behaviours,
    faults: &[Fault],
) -> Reply {
    if call.method != Method::GET && call.method != Method::HEAD {
        return cdn_refusal(StatusCode::METHOD_NOT_ALLOWED, "method not allowed");
    }
    let link = match shared.links.check(call, shared.clock.unix()) {
        Ok(link) => link,
        Err((status, message)) => return cdn_refusal(status, message),
    };
    let (mut content, mut sha1, mut modified) = (link.content.clone(), link.sha1.clone(), link.modified);
    if faults.contains(&Fault::ChangedContent) {
        content = Content::Rule { seed: content.size() ^ 0xc4a_95ed, size: content.size() + 1 };
        sha1 = content.sha1_hex();
        modified += 60;
    }
    let etag = format!("\"{}\"", &sha1[..32]);
    let dated = httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(modified));
    if call.headers.contains_key(IF_MATCH) && !matches(call.header(IF_MATCH), &etag) {
        return cdn_refusal(StatusCode::PRECONDITION_FAILED, "precondition failed");
    }
    let size = content.size();
    let asked = asked(call, size, &etag, &dated, faults);
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    let (status, start, end) = match asked {
        Asked::Whole => (StatusCode::OK, 0, size),
        Asked::Part(start, end) => {
            let shift = u64::from(faults.contains(&Fault::WrongContentRange));
            put(&mut headers, CONTENT_RANGE, &format!("bytes {}-{}/{size}", start + shift, end - 1 + shift));
            (StatusCode::PARTIAL_CONTENT, start, end)
        }
        Asked::Beyond => {
            let mut refusal = cdn_refusal(StatusCode::RANGE_NOT_SATISFIABLE, "range not satisfiable");
            put(refusal.headers_mut(), CONTENT_RANGE, &format!("bytes */{size}"));
            return refusal;
        }
    };
    put(&mut headers, ETAG, &etag);
    put(&mut headers, LAST_MODIFIED, &dated);
    let body = if call.method == Method::HEAD {
        headers.insert(CONTENT_LENGTH, HeaderValue::from(end - start));
        SimBody::range(content, 0, 0)
    } else {
        let grace = Duration::from_millis(behaviours.open_grace_ms);
        let Some(open) = Links::open(&shared.links, &link, behaviours.user_connections, grace).await else {
            return cdn_refusal(StatusCode::FORBIDDEN, "too many connections");
        };
        SimBody::range(content, start, end).counted(Arc::clone(&shared.sent), Some(open))
    };
    let mut reply = Response::new(body);
    *reply.status_mut() = status;
    *reply.headers_mut() = headers;
    reply
}

/// What part is to be sent, under `If-Range` and the faults that disregard ranges.
fn asked(call: &Call, size: u64, etag: &str, dated: &str, faults: &[Fault]) -> Asked {
    let condition = call.header(IF_RANGE);
    if faults.contains(&Fault::IgnoreRange)
        || !(condition.is_empty() || condition == etag || condition == dated)
    {
        return Asked::Whole;
    }
    range::parse(call.header(RANGE), size)
}

/// Whether an `If-Match` header names the tag.
fn matches(header: &str, etag: &str) -> bool {
    header.split(',').any(|tag| tag.trim() == "*" || tag.trim() == etag)
}

fn put(headers: &mut HeaderMap, name: http::HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}
