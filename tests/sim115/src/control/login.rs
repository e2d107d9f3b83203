//! The part of the control API that shows QR codes to sign in by, and plays the phone.

use bytes::Bytes;
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Failure, parsed};
use crate::login::LoginAction;
use crate::state::Shared;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Act {
    action: LoginAction,
    uid: Option<String>,
}

/// All QR codes, oldest first.
pub(super) fn list(shared: &Shared) -> Value {
    let all = shared.logins.list();
    let described = all.iter().map(|qr| {
        json!({
            "uid": qr.uid, "qrcode": qr.content(), "app": qr.app, "stage": qr.stage, "cookie": qr.cookie,
        })
    });
    json!({"qrcodes": described.collect::<Vec<_>>()})
}

/// Does something to one of them.
pub(super) fn act(shared: &Shared, body: &Bytes) -> Result<Value, Failure> {
    let act: Act = parsed(body)?;
    if shared.logins.act(act.uid.as_deref(), act.action) {
        return Ok(list(shared));
    }
    Err((StatusCode::CONFLICT, "there is no such QR code, or it is past that".to_owned()))
}
