//! Refusals, in the wording of each host (protocol notes, reading part, §0.2 and §1.7).

use serde_json::{Value, json};

use crate::call::{Call, Host};

/// The refusal of a call that is not logged in.
pub(super) fn logged_out(call: &Call) -> Value {
    match call.host {
        Host::Aps => json!({"state": false, "error": "请先登录"}),
        Host::Proapi => json!({
            "state": false,
            "error": "请重新登录",
            "errno": 99,
            "request": call.request_text(),
            "data": [],
        }),
        Host::Qrcodeapi | Host::Passportapi => of_passport(40_101_032, "请重新登录"),
        Host::Webapi | Host::Uplb | Host::Oss | Host::Cdn | Host::Other => json!({
            "state": false,
            "error": "登录超时，请重新登录。",
            "errNo": 990_001,
            "request": call.request_text(),
        }),
    }
}

/// Any other refusal: listings name the code `errNo`, the client-application API adds `msg`, all others say `errno`.
pub(super) fn refuse(call: &Call, code: i64, message: &str) -> Value {
    match (call.host, call.path.as_str()) {
        (Host::Qrcodeapi | Host::Passportapi, _) => of_passport(code, message),
        (Host::Aps, _) | (Host::Webapi, "/files") => json!({"state": false, "error": message, "errNo": code}),
        // The calls about shares name the message as the web API does, on every host.
        (Host::Proapi, path) if path.contains("/share/") => {
            json!({"state": false, "error": message, "errno": code, "data": []})
        }
        (Host::Proapi, _) => json!({"state": false, "msg": message, "errno": code, "data": []}),
        _ => json!({"state": false, "error": message, "errno": code, "data": []}),
    }
}

/// A refusal of the hosts that sign in: `state` is a number there (§0.2 and §1.3; that all fields come is inferred).
pub(super) fn of_passport(code: i64, message: &str) -> Value {
    json!({"state": 0, "code": code, "errno": code, "message": message, "error": message, "data": {}})
}
