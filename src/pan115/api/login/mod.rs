//! Signing in by QR code: the code, what becomes of it, and the cookie it is redeemed for.
//!
//! These calls belong to no account. A QR code is as good as the login it leads to, so its parts are secrets.

mod wire;

use std::time::SystemTime;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use self::wire::{corrupt, read_login, read_status, read_token};
use crate::model::{LoginApp, Meter, Secret};
use crate::pan115::call::Call;
use crate::pan115::cookie::Cookie;
use crate::pan115::manner::{Lost, Manner};
use crate::pan115::{Client, ErrorKind, Host, Pan115Error};
use crate::transport::TransportErrorKind;

/// Redeeming a code uses it up, and a second answer would not be the first one.
const MANNER: Manner<'_> = Manner { lost: Lost::Final, ..Manner::QUESTION };

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
            headers: Vec::new(),
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
            headers: Vec::new(),
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
            headers: Vec::new(),
        };
        let outcome = self.call_in(meter, &call, &MANNER).await;
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

#[cfg(test)]
mod tests {
    use super::*;

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
