//! The spellings of success and failure around every answer, brought to one form.

use serde::Deserialize;

use super::error::{ErrorKind, meaning};
use super::wire::Scalar;

/// Everything of an answer but its payload.
///
/// **Shape**: `{"state":true|false|0|1, "errno"|"errNo"|"errcode"|"errCode"|"code"|"msg_code": …, "error"|"msg"|"error_msg"|"message": …}`
/// **Source**: protocol notes, reading part, §0.2.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct EnvelopeWire<'a> {
    #[serde(borrow)]
    state: Scalar<'a>,
    #[serde(borrow)]
    errno: Scalar<'a>,
    #[serde(borrow, rename = "errNo")]
    err_no: Scalar<'a>,
    #[serde(borrow)]
    errcode: Scalar<'a>,
    #[serde(borrow, rename = "errCode")]
    err_code: Scalar<'a>,
    #[serde(borrow)]
    code: Scalar<'a>,
    #[serde(borrow)]
    msg_code: Scalar<'a>,
    #[serde(borrow)]
    error: Scalar<'a>,
    #[serde(borrow)]
    msg: Scalar<'a>,
    #[serde(borrow)]
    error_msg: Scalar<'a>,
    #[serde(borrow)]
    message: Scalar<'a>,
    /// Of a listing that was refused because of its order.
    #[serde(borrow)]
    order: Scalar<'a>,
    #[serde(borrow)]
    is_asc: Scalar<'a>,
}

/// A failure as 115 stated it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) kind: ErrorKind,
    pub(super) code: i64,
    pub(super) message: String,
    pub(super) wanted_order: Option<(String, bool)>,
}

/// Whether 115 says that the call went well.
///
/// **Errors**: the stated failure; `Corrupt` if the body is not JSON of an object.
pub(super) fn check(body: &[u8]) -> Result<(), Failure> {
    let corrupt = || Failure {
        kind: ErrorKind::Corrupt,
        code: 0,
        message: "115 sent something that is not JSON".to_owned(),
        wanted_order: None,
    };
    let wire: EnvelopeWire<'_> = serde_json::from_slice(body).map_err(|_| corrupt())?;
    if wire.state.is_true() {
        return Ok(());
    }
    let codes = [wire.errno, wire.err_no, wire.errcode, wire.err_code, wire.code, wire.msg_code];
    let code = codes.iter().filter_map(Scalar::as_i64).find(|&code| code != 0).unwrap_or(0);
    if wire.state.is_none() && code == 0 {
        return Err(corrupt());
    }
    let messages = [wire.error, wire.msg, wire.error_msg, wire.message];
    let message = messages.iter().find_map(Scalar::as_text).unwrap_or_default().to_owned();
    // The listing host of `natsort` sends no code, only these words.
    let kind = match code {
        0 if message.contains("登录") => ErrorKind::SignedOut,
        _ => meaning(code, &message),
    };
    let wanted_order = wire.order.as_text().map(|order| (order.to_owned(), wire.is_asc.is_true()));
    Err(Failure { kind, code, message, wanted_order })
}

/// Whether a body is a page for people, which 115's API never sends: its firewall does.
pub(super) fn is_html(content_type: Option<&str>, body: &[u8]) -> bool {
    let start = body.iter().position(|b| !b.is_ascii_whitespace()).unwrap_or(body.len());
    body[start..].first() == Some(&b'<') || content_type.is_some_and(|kind| kind.starts_with("text/html"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_failure(body: &str, kind: ErrorKind, code: i64) {
        let failure = check(body.as_bytes()).unwrap_err();
        assert_eq!((failure.kind, failure.code), (kind, code), "{body}");
    }

    #[test]
    fn success_has_several_spellings() {
        for body in [r#"{"state":true}"#, r#"{"state":1,"errno":0}"#, r#"{"state":"1","data":[]}"#] {
            assert_eq!(check(body.as_bytes()), Ok(()));
        }
    }

    #[test]
    fn expired_cookies_are_known_on_every_host() {
        check_failure(
            r#"{"state":false,"error":"请重新登录","errno":99,"request":"\/android\/2.0","data":[]}"#,
            ErrorKind::SignedOut,
            99,
        );
        check_failure(
            r#"{"state":false,"error":"登录超时，请重新登录。","errNo":990001,"request":"/files"}"#,
            ErrorKind::SignedOut,
            990_001,
        );
        check_failure(r#"{"state":false,"error":"请先登录"}"#, ErrorKind::SignedOut, 0);
    }

    #[test]
    fn the_first_code_that_is_not_zero_counts_in_any_type() {
        check_failure(r#"{"state":false,"errno":"","errNo":"990002"}"#, ErrorKind::BadRequest, 990_002);
        check_failure(
            r#"{"state":0,"errno":0,"code":"770004"}"#,
            ErrorKind::Throttled { after: Some(std::time::Duration::from_secs(60)) },
            770_004,
        );
    }

    #[test]
    fn nonsense_is_corrupt_and_never_a_success() {
        for body in ["", "[]", "{}", "{\"state\":true", "null", "\"x\"", "{\"count\":3}"] {
            check_failure(body, ErrorKind::Corrupt, 0);
        }
    }

    #[test]
    fn pages_are_told_from_json() {
        assert!(is_html(None, b"\n <!doctypehtml>"));
        assert!(is_html(Some("text/html; charset=utf-8"), b""));
        assert!(!is_html(Some("application/json"), b"{}"));
        assert!(!is_html(None, b""));
    }
}
