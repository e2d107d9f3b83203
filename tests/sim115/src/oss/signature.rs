//! The store's signatures of version 1 (protocol notes, writing part, §2.6.1).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac as _};
use http::HeaderMap;
use http::header::{AUTHORIZATION, CONTENT_TYPE, DATE, HeaderName};
use sha1::Sha1;

use super::error::Refusal;
use crate::call::{Call, decoded};
use crate::state::Shared;

/// The bucket, and the host it is a name of.
pub(crate) const BUCKET: &str = "fhnfile";
pub(crate) const ENDPOINT: &str = "oss-cn-shenzhen.aliyuncs.com";

/// How far a client's clock may be off, in seconds.
const SKEW_SECS: u64 = 15 * 60;

/// The parameters of a query that are signed, beside all that begin with `response-`.
const SIGNED: [&str; 12] = [
    "append",
    "callback",
    "callback-var",
    "partNumber",
    "position",
    "security-token",
    "sequential",
    "uploadId",
    "uploads",
    "withHashContext",
    "x-oss-enable-sha1",
    "x-oss-hash-ctx",
];

/// Whether a call is signed with credentials that are good.
pub(super) fn authorize(shared: &Shared, call: &Call, object: &str) -> Result<(), Refusal> {
    let refused = |code, message: &str| Err(Refusal::new(403, code, message));
    let Some((id, signature)) =
        call.header(AUTHORIZATION).strip_prefix("OSS ").and_then(|signed| signed.split_once(':'))
    else {
        return refused("AccessDenied", "The request is not signed.");
    };
    let Some(grant) = shared.uploads.tokens.find(id) else {
        return refused(
            "InvalidAccessKeyId",
            "The OSS Access Key Id you provided does not exist in our records.",
        );
    };
    match call.header(HeaderName::from_static("x-oss-security-token")) {
        "" => return refused("InvalidAccessKeyId", "The access key needs its security token."),
        token if token != grant.token => {
            return refused("InvalidSecurityToken", "The security token you provided is invalid.");
        }
        _ => {}
    }
    if shared.clock.unix() >= grant.expires {
        return refused("SecurityTokenExpired", "The security token you provided has expired.");
    }
    let dated = httpdate::parse_http_date(call.header(DATE)).ok();
    let dated = dated.and_then(|date| date.duration_since(std::time::UNIX_EPOCH).ok());
    if !dated.is_some_and(|date| shared.clock.is_near(date.as_secs(), SKEW_SECS)) {
        return refused(
            "RequestTimeTooSkewed",
            "The difference between the request time and the server's is too large.",
        );
    }
    let text = string_to_sign(call.method.as_str(), &call.headers, object, &call.query);
    if signature != hmac_base64(&grant.secret, &text) {
        let message = format!("The request signature we calculated does not match. We signed: {text}");
        return refused("SignatureDoesNotMatch", &message);
    }
    Ok(())
}

/// What is signed of a request.
fn string_to_sign(method: &str, headers: &HeaderMap, object: &str, query: &str) -> String {
    let header =
        |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let md5 = header(HeaderName::from_static("content-md5"));
    let mut text = format!("{method}\n{md5}\n{}\n{}\n", header(CONTENT_TYPE), header(DATE));
    let mut own: Vec<(&str, &str)> = headers
        .iter()
        .filter(|(name, _)| name.as_str().starts_with("x-oss-"))
        .map(|(name, value)| (name.as_str(), value.to_str().unwrap_or_default().trim()))
        .collect();
    own.sort_unstable();
    for (name, value) in own {
        text.extend([name, ":", value, "\n"]);
    }
    text.extend(["/", BUCKET, "/", object]);
    let mut signed: Vec<(String, Option<String>)> = query
        .split('&')
        .map(|pair| match pair.split_once('=') {
            Some((name, value)) => (decoded(name), Some(decoded(value))),
            None => (decoded(pair), None),
        })
        .filter(|(name, _)| SIGNED.contains(&name.as_str()) || name.starts_with("response-"))
        .collect();
    signed.sort_unstable();
    for (at, (name, value)) in signed.iter().enumerate() {
        text.push(if at == 0 { '?' } else { '&' });
        text.push_str(name);
        if let Some(value) = value.as_ref().filter(|value| !value.is_empty()) {
            text.extend(["=", value]);
        }
    }
    text
}

/// HMAC-SHA1 in base64.
pub(crate) fn hmac_base64(secret: &str, text: &str) -> String {
    // Keys of any length are taken.
    Hmac::<Sha1>::new_from_slice(secret.as_bytes()).map_or_else(
        |_| String::new(),
        |mut mac| {
            mac.update(text.as_bytes());
            STANDARD.encode(mac.finalize().into_bytes())
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signature(method: &str, more: &[(&'static str, &'static str)], query: &str) -> String {
        let mut headers = HeaderMap::new();
        let fixed = [("date", "Fri, 24 Nov 2023 00:00:00 GMT"), ("x-oss-security-token", "TOKEN")];
        for (name, value) in fixed.iter().chain(more) {
            headers.insert(*name, value.parse().unwrap());
        }
        hmac_base64("secretkey", &string_to_sign(method, &headers, "OBJ", query))
    }

    #[test]
    fn known_signatures_come_out() {
        let callback = [("x-oss-callback", "Y2I="), ("x-oss-callback-var", "Y3Y=")];
        let completing = [callback[0], callback[1], ("content-type", "text/xml")];
        assert_eq!(signature("PUT", &callback, ""), "gwaGGrK90oNnxQG6n6YZJBJkCrk=");
        assert_eq!(signature("POST", &[], "sequential=1&uploads=1"), "3gRVNBhdJtU7gz+98q27eab3HQQ=");
        assert_eq!(signature("POST", &[], "uploads&sequential"), "ybrgjJknKSeX9JU+CIqEsm+U8LQ=");
        assert_eq!(signature("PUT", &[], "partNumber=1&uploadId=UP1"), "DJpe8qrL2lpAkg3nx/epZnir8to=");
        assert_eq!(signature("PUT", &[], "uploadId=UP1&partNumber=1"), "DJpe8qrL2lpAkg3nx/epZnir8to=");
        assert_eq!(signature("POST", &completing, "uploadId=UP1"), "YLMkl2/VzG9CQOLG+JTh1rbu2s4=");
        assert_eq!(
            signature("GET", &[], "uploadId=UP1&part-number-marker=0"),
            "D63E+/elOIJDZ0a7jcv2BtNlazk="
        );
    }
}
