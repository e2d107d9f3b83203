//! Signing in by QR code: the code, what becomes of it, and the cookie it is redeemed for.
//!
//! These calls belong to no account. A QR code is as good as the login it leads to, so its parts are secrets.

use std::time::SystemTime;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;

use crate::model::{LoginApp, Meter, Secret};
use crate::pan115::call::Call;
use crate::pan115::cookie::{Cookie, CookieError};
use crate::pan115::wire::Scalar;
use crate::pan115::{Client, ErrorKind, Host, Pan115Error};
use crate::transport::TransportErrorKind;

const TOKEN_LABEL: &str = "login_token";
const STATUS_LABEL: &str = "login_status";
const REDEEM_LABEL: &str = "login_redeem";

/// How the text of a QR code begins; its uid follows.
const CONTENT_PREFIX: &str = "https://115.com/scan/dg-";

/// The code of a refusal to redeem a QR code, known from ones that were not confirmed.
const NOT_CONFIRMED: i64 = 50_199_004;

/// By which 115 tells its app for iOS from others that sign in at the same place.
const IOS_AGENT: &str = "UPhone/1.0.0";

/// A QR code to sign in by.
#[derive(Clone, Debug)]
pub struct QrCode {
    uid: Secret,
    time: u64,
    sign: Secret,
    content: Secret,
}

impl QrCode {
    /// The text to draw.
    pub fn content(&self) -> &Secret {
        &self.content
    }

    /// What it is redeemed by, once it is confirmed.
    pub fn uid(&self) -> &Secret {
        &self.uid
    }
}

/// What has become of a QR code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QrState {
    /// Nobody has scanned it.
    Waiting,
    /// It was scanned, and is to be confirmed on the phone.
    Scanned,
    /// It was confirmed, and can be redeemed.
    Confirmed,
    /// Its time is over.
    Expired,
    /// The sign-in was cancelled on the phone.
    Cancelled,
}

/// A new login.
#[derive(Clone, Debug)]
pub struct Login {
    /// Its cookie.
    pub cookie: Cookie,
    /// What the user is called, if 115 says so. Free of control characters.
    pub user_name: Option<String>,
}

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
    Other(serde::de::IgnoredAny),
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

impl Client {
    /// Asks for a new QR code to sign in as `app`.
    ///
    /// **Shape**: `data.{uid,time,sign,qrcode}`; `qrcode` may be missing.
    /// **Cost**: one call, without a login.
    /// **Source**: protocol notes, reading part, §2.1. A code of another app's endpoint was refused when redeemed,
    /// except that the mini programs use those of `web`.
    pub async fn login_token(&self, meter: &Meter, app: LoginApp) -> Result<QrCode, Pan115Error> {
        let asked_of = if app.is_mini_program() { LoginApp::Web } else { app };
        let call = Call {
            label: TOKEN_LABEL,
            host: Host::QrCode,
            path: format!("/api/1.0/{}/1.0/token/", asked_of.name()),
            form: None,
            agent: self.user_agent(),
        };
        let reply = self.call(meter, &call).await?;
        read_token(&reply.body).ok_or_else(|| corrupt(TOKEN_LABEL, "115 sent no QR code"))
    }

    /// What has become of `code`; `None` if there is no news. 115 answers when something changes, or after half a minute or so.
    ///
    /// An answer that takes too long is no news. The client should have the patience to wait for a minute.
    ///
    /// **Shape**: `data.status`: 0, 1, 2, -1, -2, or nothing.
    /// **Cost**: one call, without a login.
    /// **Errors**: what 115 says if it refuses, except that the code is no longer good: that is [`QrState::Expired`].
    /// **Source**: protocol notes, reading part, §2.3.
    pub async fn login_status(&self, meter: &Meter, code: &QrCode) -> Result<Option<QrState>, Pan115Error> {
        let escape = |text| utf8_percent_encode(text, NON_ALPHANUMERIC);
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let (uid, sign) = (escape(code.uid.expose()), escape(code.sign.expose()));
        let call = Call {
            label: STATUS_LABEL,
            host: Host::QrCode,
            // The last makes every call another one, lest something on the way remember the answer.
            path: format!("/get/status/?uid={uid}&time={}&sign={sign}&_={}", code.time, now.as_secs()),
            form: None,
            agent: self.user_agent(),
        };
        match self.call(meter, &call).await {
            Ok(reply) => read_status(&reply.body),
            Err(error) => match (error.kind, error.code) {
                // A refusal without a code means nothing else here.
                (ErrorKind::Gone, _) | (ErrorKind::Unknown | ErrorKind::SignedOut, 0) => {
                    Ok(Some(QrState::Expired))
                }
                (ErrorKind::Transport(TransportErrorKind::Timeout), _) => Ok(None),
                _ => Err(error),
            },
        }
    }

    /// Signs in as `app` by the QR code of `uid`, which was confirmed on the phone. This ends the login of that app that the user had before.
    ///
    /// Not repeated once it may have arrived: a code can be redeemed once, and each login ends the one before.
    ///
    /// **Shape**: `data.cookie.{UID,CID,SEID,KID}`, `data.user_name`.
    /// **Cost**: one call, without a login.
    /// **Errors**: `Gone` if the code is no longer good; `Transport` and `Server` leave open whether it was redeemed.
    /// **Source**: protocol notes, reading part, §1.3 (closed apps), §2.4.
    pub async fn login_redeem(
        &self,
        meter: &Meter,
        uid: &Secret,
        app: LoginApp,
    ) -> Result<Login, Pan115Error> {
        let form = [("account", uid.expose().to_owned()), ("app", app.name().to_owned())];
        let call = Call {
            label: REDEEM_LABEL,
            host: Host::Passport,
            path: format!("/app/1.0/{}/1.0/login/qrcode/", app.name()),
            form: Some(&form),
            agent: if app == LoginApp::Ios { IOS_AGENT } else { self.user_agent() },
        };
        let outcome = self.call_with_effect(meter, &call).await;
        outcome.and_then(|reply| read_login(&reply.body)).map_err(|error| explain(app, error))
    }
}

/// The uid in what a person gave: the uid itself, or the whole text of a QR code.
pub fn qr_uid(given: &str) -> Option<Secret> {
    let given = given.trim();
    let uid = given.strip_prefix(CONTENT_PREFIX).unwrap_or(given);
    let is_uid = !uid.is_empty() && uid.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    is_uid.then(|| Secret::new(uid))
}

fn corrupt(endpoint: &'static str, message: &str) -> Pan115Error {
    let message = message.to_owned();
    Pan115Error { endpoint, kind: ErrorKind::Corrupt, code: 0, message, wanted_order: None }
}

/// `error` of a redeeming call, with what it means and what to do.
fn explain(app: LoginApp, error: Pan115Error) -> Pan115Error {
    let said = &error.message;
    let message = if said.contains("下架") {
        format!("115 has closed the logins of the app {}; sign in as another app ({said})", app.name())
    } else if error.code == NOT_CONFIRMED {
        format!("the QR code must be scanned and confirmed on the phone before it can be used ({said})")
    } else {
        match error.kind {
            ErrorKind::Gone => format!("the QR code is no longer good, or was used before ({said})"),
            ErrorKind::Transport(TransportErrorKind::Connect) => said.clone(),
            // What was asked for may have been done all the same.
            ErrorKind::Transport(_) | ErrorKind::Server | ErrorKind::Corrupt => {
                format!("{said}; 115 may have signed in all the same, so begin again with a new QR code")
            }
            _ => said.clone(),
        }
    };
    Pan115Error { message, ..error }
}

fn read_token(body: &[u8]) -> Option<QrCode> {
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

fn read_status(body: &[u8]) -> Result<Option<QrState>, Pan115Error> {
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

fn read_login(body: &[u8]) -> Result<Login, Pan115Error> {
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

    #[test]
    fn a_uid_may_be_given_within_the_text_of_its_code() {
        for given in ["ab12", " ab12\n", "https://115.com/scan/dg-ab12"] {
            assert_eq!(qr_uid(given).unwrap().expose(), "ab12");
        }
        for given in ["", "https://115.com/scan/dg-", "a b", "https://example.org/ab"] {
            assert!(qr_uid(given).is_none(), "{given}");
        }
    }
}
