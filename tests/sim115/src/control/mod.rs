//! The control API under `/__sim/`: everything a test can do with the handle, for scripts with nothing but curl.
//!
//! Bodies and answers are JSON unless said otherwise. The control API is no part of the simulated service: it is never
//! counted, delayed, blocked or faulted.

mod bin;
mod login;
mod shares;
mod tree;
mod uploads;
mod users;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::behaviours::Behaviours;
use crate::faults::FaultRule;
use crate::m115::KeyPair;
use crate::reply::{Reply, json_reply};
use crate::state::Shared;
use crate::user::User;

/// The largest body taken.
const BODY_LIMIT: usize = 64 << 20;

/// What the index lists.
const ROUTES: &[&str] = &[
    "GET /__sim/ledger",
    "GET /__sim/ledger/counts (also ?user=NAME)",
    "DELETE /__sim/ledger",
    "GET /__sim/behaviours",
    "PATCH /__sim/behaviours {\"type_jitter\": true}",
    "DELETE /__sim/behaviours",
    "GET /__sim/faults",
    "POST /__sim/faults {\"endpoint\": \"files\", \"nth\": 3, \"fault\": \"waf405\"} (or an array of such)",
    "DELETE /__sim/faults",
    "GET /__sim/clock",
    "POST /__sim/clock {\"advance_secs\": 60}",
    "GET /__sim/users",
    "POST /__sim/users {\"name\": \"second\", \"tree\": \"demo-small\"} (adds)",
    "GET /__sim/cookie (also ?user=NAME)",
    "POST /__sim/cookie {\"action\": \"expire\" | \"kick\" | \"renew\"} (also ?user=NAME)",
    "GET /__sim/key",
    "GET /__sim/open",
    "GET /__sim/content?seed=7&size=1000 (the bytes of a content made by rule)",
    "GET /__sim/known",
    "POST /__sim/known {\"size\": 1000, \"seed\": 7} (or text, or base64; with size also sha1)",
    "GET /__sim/uploads",
    "POST /__sim/uploads {\"action\": \"expire_tokens\"}",
    "GET /__sim/tree?format=paths | json (also &user=NAME or &share=CODE)",
    "POST /__sim/tree {\"op\": \"add_file\", \"parent\": \"/a\", \"name\": \"b\", \"size\": 1000} (also ?user= or ?share=)",
    "GET /__sim/bin?format=paths | json (also &user=NAME or &share=CODE)",
    "GET /__sim/work (also ?user=NAME)",
    "POST /__sim/work {\"action\": \"finish\"} (also ?user=NAME)",
    "GET /__sim/content?path=/a/b (the bytes; also ?id=, &user=, &share=)",
    "GET /__sim/shares",
    "POST /__sim/shares {\"code\": \"sw3abc12xyz\", \"receive_code\": \"a1b2\", \"tree\": \"demo-small\"} (adds)",
    "POST /__sim/shares {\"code\": \"sw3abc12xyz\", \"state\": 7} (changes)",
    "GET /__sim/login",
    "POST /__sim/login {\"action\": \"scan\" | \"confirm\" | \"cancel\" | \"expire\"} (the newest; also \"uid\")",
    "POST /__sim/firewall/clear",
];

/// Why a control call failed.
type Failure = (StatusCode, String);

/// Answers a control call; `path` is what follows `/__sim`.
pub(crate) async fn answer(shared: &Arc<Shared>, path: &str, request: Request<Incoming>) -> Reply {
    let (head, body) = request.into_parts();
    let query = head.uri.query().unwrap_or_default().to_owned();
    let body = match Limited::new(body, BODY_LIMIT).collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) => return failure(StatusCode::PAYLOAD_TOO_LARGE, &error.to_string()),
    };
    match route(shared, &head.method, path.trim_matches('/'), &query, &body) {
        Ok(reply) => reply,
        Err((status, message)) => failure(status, &message),
    }
}

fn failure(status: StatusCode, message: &str) -> Reply {
    json_reply(status, &json!({"error": message}))
}

fn route(shared: &Shared, method: &Method, path: &str, query: &str, body: &Bytes) -> Result<Reply, Failure> {
    let value = match (method.as_str(), path) {
        ("GET", "") => json!({"routes": ROUTES}),
        ("GET", "ledger") => json!({"entries": shared.ledger.entries()}),
        ("GET", "ledger/counts") => match param(query, "user") {
            None => json!(shared.ledger.counts()),
            name => users::counts(shared, user(shared, name.as_deref())?.id),
        },
        ("DELETE", "ledger") => {
            shared.ledger.clear();
            json!({})
        }
        ("GET", "behaviours") => json!(shared.behaviours()),
        ("PATCH" | "POST", "behaviours") => patch_behaviours(shared, body)?,
        ("DELETE", "behaviours") => {
            *shared.behaviours.lock() = Behaviours::default();
            json!(shared.behaviours())
        }
        ("GET", "faults") => json!(shared.faults.rules()),
        ("POST", "faults") => {
            for rule in rules(body)? {
                shared.faults.add(rule);
            }
            json!(shared.faults.rules())
        }
        ("DELETE", "faults") => {
            shared.faults.clear();
            json!([])
        }
        ("GET", "clock") => json!({"unix": shared.clock.unix()}),
        ("POST", "clock") => {
            let push: ClockPush = parsed(body)?;
            shared.clock.advance(Duration::from_secs(push.advance_secs));
            json!({"unix": shared.clock.unix()})
        }
        ("GET", "key") => json!({
            "modulus": shared.key.modulus_hex(), "exponent": KeyPair::exponent(),
            "ec_public_key": shared.upload_key.public_hex(),
        }),
        ("GET", "users") => users::list(shared),
        ("POST", "users") => users::add(shared, body)?,
        ("GET", "cookie") => {
            json!({"cookie": user(shared, param(query, "user").as_deref())?.account.cookie()})
        }
        ("POST", "cookie") => {
            let user = user(shared, param(query, "user").as_deref())?;
            cookie_action(&user, shared.clock.unix(), body)?
        }
        ("GET", "open") => json!({"open": shared.links.open_bodies()}),
        ("GET", "tree") => return tree::show(shared, query),
        ("POST", "tree") => tree::edit(shared, query, body)?,
        ("GET", "bin") => return bin::show(shared, query),
        ("GET", "work") => bin::work(&*user(shared, param(query, "user").as_deref())?),
        ("POST", "work") => bin::work_action(&*user(shared, param(query, "user").as_deref())?, body)?,
        ("GET", "content") => return tree::content_of(shared, query),
        ("GET", "shares") => shares::list(shared),
        ("POST", "shares") => shares::put(shared, body)?,
        ("GET", "known") => uploads::known(shared),
        ("POST", "known") => uploads::know(shared, body)?,
        ("GET", "uploads") => uploads::show(shared),
        ("POST", "uploads") => uploads::act(shared, body)?,
        ("GET", "login") => login::list(shared),
        ("POST", "login") => login::act(shared, body)?,
        ("POST", "firewall/clear") => {
            shared.firewall.clear();
            json!({})
        }
        _ => return Err((StatusCode::NOT_FOUND, format!("no such control call; known: {ROUTES:?}"))),
    };
    Ok(json_reply(StatusCode::OK, &value))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ClockPush {
    advance_secs: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case", tag = "action")]
enum CookieAction {
    Expire,
    Kick,
    Renew,
}

/// The user of a name, or the first one.
fn user(shared: &Shared, name: Option<&str>) -> Result<Arc<User>, Failure> {
    let Some(name) = name else { return Ok(Arc::clone(shared.users.first())) };
    shared.users.named(name).ok_or_else(|| (StatusCode::NOT_FOUND, format!("no such user: {name}")))
}

/// A parameter of the query.
fn param(query: &str, name: &str) -> Option<String> {
    url::form_urlencoded::parse(query.as_bytes())
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.into_owned())
}

fn parsed<'body, T: Deserialize<'body>>(body: &'body Bytes) -> Result<T, Failure> {
    serde_json::from_slice(body).map_err(|error| (StatusCode::BAD_REQUEST, error.to_string()))
}

/// One rule or an array of them.
fn rules(body: &Bytes) -> Result<Vec<FaultRule>, Failure> {
    if body.trim_ascii_start().starts_with(b"[") { parsed(body) } else { Ok(vec![parsed(body)?]) }
}

/// Changes the switches named in the body and leaves the others, also among `writes` and those of uploads.
fn patch_behaviours(shared: &Shared, body: &Bytes) -> Result<Value, Failure> {
    let changes: serde_json::Map<String, Value> = parsed(body)?;
    let bad = |error: serde_json::Error| (StatusCode::BAD_REQUEST, error.to_string());
    let mut behaviours = shared.behaviours.lock();
    let mut all = serde_json::to_value(&*behaviours).map_err(bad)?;
    for (name, value) in changes {
        match (name.as_str(), value) {
            ("writes" | "upload", Value::Object(changes)) => {
                for (inner, value) in changes {
                    all[&name][&inner] = value;
                }
            }
            (name, value) => all[name] = value,
        }
    }
    *behaviours = serde_json::from_value(all.clone()).map_err(bad)?;
    Ok(all)
}

fn cookie_action(user: &User, now: u64, body: &Bytes) -> Result<Value, Failure> {
    match parsed(body)? {
        CookieAction::Expire => user.account.expire(),
        CookieAction::Kick => user.account.kick(now),
        CookieAction::Renew => {
            user.account.renew(now);
        }
    }
    Ok(json!({"cookie": user.account.cookie()}))
}
