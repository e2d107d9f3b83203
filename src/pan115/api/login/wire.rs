//! What 115 answers when somebody signs in, and what it means.

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::{CONTENT_PREFIX, Login, QrCode, QrState, REDEEM_LABEL, STATUS_LABEL};
use crate::model::Secret;
use crate::pan115::cookie::{Cookie, CookieError};
use crate::pan115::wire::Scalar;
use crate::pan115::{ErrorKind, Pan115Error};

#[derive(Deserialize)]
struct TokenWire<'a> {
    #[serde(borrow)]
    data: TokenDataWire<'a>,
}

#[derive(Deserialize)]
struct TokenDataWire<'a> {
    #[serde(borrow)]
    uid: Scalar<'a>,
    #[serde(borrow)]
    time: Scalar<'a>,
    #[serde(borrow)]
    sign: Scalar<'a>,
    #[serde(borrow, default)]
    qrcode: Scalar<'a>,
}

/// `data` may be missing, or a list instead of an object, when there is nothing to say.
#[derive(Deserialize)]
struct StatusWire<'a> {
    #[serde(borrow, default)]
    data: StatusDataWire<'a>,
}

#[derive(Default, Deserialize)]
#[serde(untagged)]
enum StatusDataWire<'a> {
    Known {
        #[serde(borrow)]
        status: Scalar<'a>,
    },
    Other(IgnoredAny),
    #[default]
    Missing,
}

#[derive(Deserialize)]
struct RedeemWire<'a> {
    #[serde(borrow)]
    data: RedeemDataWire<'a>,
}

#[derive(Deserialize)]
struct RedeemDataWire<'a> {
    #[serde(borrow)]
    cookie: CookieWire<'a>,
    #[serde(borrow, default)]
    user_name: Scalar<'a>,
}

#[derive(Deserialize)]
struct CookieWire<'a> {
    #[serde(borrow, default, rename = "UID")]
    uid: Scalar<'a>,
    #[serde(borrow, default, rename = "CID")]
    cid: Scalar<'a>,
    #[serde(borrow, default, rename = "SEID")]
    seid: Scalar<'a>,
    #[serde(borrow, default, rename = "KID")]
    kid: Scalar<'a>,
}

pub(super) fn corrupt(endpoint: &'static str, message: &str) -> Pan115Error {
    let message = message.to_owned();
    Pan115Error { endpoint, kind: ErrorKind::Corrupt, code: 0, message, wanted_order: None }
}

pub(super) fn read_token(body: &[u8]) -> Option<QrCode> {
    let data = serde_json::from_slice::<TokenWire<'_>>(body).ok()?.data;
    let uid = data.uid.as_text()?;
    let content = data.qrcode.as_text().map_or_else(|| format!("{CONTENT_PREFIX}{uid}"), ToOwned::to_owned);
    Some(QrCode {
        uid: Secret::new(uid),
        time: data.time.as_u64()?,
        sign: Secret::new(data.sign.as_text()?),
        content: Secret::new(content),
    })
}

pub(super) fn read_status(body: &[u8]) -> Result<Option<QrState>, Pan115Error> {
    let wire = serde_json::from_slice::<StatusWire<'_>>(body);
    let data = wire.map_err(|_| corrupt(STATUS_LABEL, "115's word of the QR code makes no sense"))?.data;
    let StatusDataWire::Known { status } = data else { return Ok(None) };
    Ok(Some(match status.as_i64() {
        Some(0) => QrState::Waiting,
        Some(1) => QrState::Scanned,
        Some(2) => QrState::Confirmed,
        Some(-1) => QrState::Expired,
        Some(-2) => QrState::Cancelled,
        None => return Ok(None),
        Some(other) => {
            let message =
                format!("115 says that the QR code is in the state {other}, which nobody has described");
            return Err(corrupt(STATUS_LABEL, &message));
        }
    }))
}

pub(super) fn read_login(body: &[u8]) -> Result<Login, Pan115Error> {
    let wire = serde_json::from_slice::<RedeemWire<'_>>(body);
    let data = wire.map_err(|_| corrupt(REDEEM_LABEL, "115 signed in but sent no cookie"))?.data;
    let parts = [
        ("UID", &data.cookie.uid),
        ("CID", &data.cookie.cid),
        ("SEID", &data.cookie.seid),
        ("KID", &data.cookie.kid),
    ];
    let pairs = parts.iter().filter_map(|(name, value)| Some(format!("{name}={}", value.as_text()?)));
    let cookie = Cookie::parse(&pairs.collect::<Vec<_>>().join("; ")).map_err(|error| {
        let what = match error {
            CookieError::Missing(name) => format!("115 signed in, but the cookie it sent has no {name}"),
            CookieError::BadUid | CookieError::BadCharacter(_) => {
                "115 signed in, but the cookie it sent has not the form of one".to_owned()
            }
        };
        corrupt(REDEEM_LABEL, &what)
    })?;
    let name =
        data.user_name.as_text().map(|name| name.chars().filter(|c| !c.is_control()).take(60).collect());
    Ok(Login { cookie, user_name: name })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_of_a_code_may_have_other_types_and_its_text_may_be_missing() {
        let body = r#"{"state":1,"data":{"uid":"ab12","time":"1764000000","sign":"ff","qrcode":"https:\/\/115.com\/scan\/dg-x"}}"#;
        let code = read_token(body.as_bytes()).unwrap();
        assert_eq!((code.content().expose(), code.time), ("https://115.com/scan/dg-x", 1_764_000_000));
        let body = r#"{"state":1,"data":{"uid":"ab12","time":1764000000,"sign":"ff"}}"#;
        assert_eq!(read_token(body.as_bytes()).unwrap().content().expose(), "https://115.com/scan/dg-ab12");
        assert!(read_token(br#"{"state":1,"data":[]}"#).is_none());
        assert!(!format!("{code:?}").contains("ab12") && !format!("{code:?}").contains("ff"), "{code:?}");
    }

    #[test]
    fn every_status_is_understood_and_silence_is_no_news() {
        let read = |data: &str| read_status(format!(r#"{{"state":1,"data":{data}}}"#).as_bytes());
        for (data, state) in [
            (r#"{"status":0}"#, QrState::Waiting),
            (r#"{"msg":"x","status":"1","version":"2.0"}"#, QrState::Scanned),
            (r#"{"status":2}"#, QrState::Confirmed),
            (r#"{"status":-1}"#, QrState::Expired),
            (r#"{"status":"-2"}"#, QrState::Cancelled),
        ] {
            assert_eq!(read(data).unwrap(), Some(state), "{data}");
        }
        for data in ["{}", "[]", "null", "\"\"", "{\"status\":null}", "{\"msg\":\"\"}"] {
            assert_eq!(read(data).unwrap(), None, "{data}");
        }
        assert_eq!(read_status(br#"{"state":1}"#).unwrap(), None);
        assert!(read(r#"{"status":7}"#).unwrap_err().message.contains("state 7"));
    }

    #[test]
    fn a_login_has_a_whole_cookie_and_no_error_shows_a_part_of_it() {
        let body = r#"{"state":1,"data":{"user_name":"a\u001b[31mb","cookie":{"UID":"1_R2_3","CID":"c","SEID":"secret"}}}"#;
        let login = read_login(body.as_bytes()).unwrap();
        assert_eq!(login.cookie.header().expose(), "UID=1_R2_3; CID=c; SEID=secret");
        assert_eq!(login.user_name.as_deref(), Some("a[31mb"));
        let body = r#"{"state":1,"data":{"cookie":{"UID":"1_R2_3","SEID":"secret"}}}"#;
        let error = read_login(body.as_bytes()).unwrap_err().message;
        assert!(error.contains("no CID") && !error.contains("secret"), "{error}");
        assert!(read_login(br#"{"state":1,"data":{}}"#).unwrap_err().message.contains("no cookie"));
    }
}
