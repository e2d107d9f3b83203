//! The endpoints of webapi, aps and proapi: login check, answer, and the disturbances laid over the answer.

mod download;
mod item;
mod jitter;
mod listing;
mod lookup;
mod refusal;
mod space;

use std::sync::atomic::Ordering;

use http::header::SET_COOKIE;
use http::{HeaderValue, Method, StatusCode};
use serde_json::{Value, json};

use crate::account::Login;
use crate::behaviours::Behaviours;
use crate::call::{Call, Host};
use crate::faults::Fault;
use crate::num::mix;
use crate::reply::{Reply, json_text};
use crate::state::Shared;

/// What a call asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Endpoint {
    Files,
    Natsort,
    Getid,
    GetPathId,
    GetInfo,
    Category,
    IndexInfo,
    Order,
    Downurl,
    Download,
    Cdn,
    Unknown,
}

impl Endpoint {
    /// The endpoint of a call.
    pub(crate) fn of(call: &Call) -> Self {
        let posted = call.method == Method::POST;
        match (call.host, call.path.trim_end_matches('/')) {
            (Host::Cdn, _) => Self::Cdn,
            (Host::Webapi, "/files") => Self::Files,
            (Host::Webapi, "/files/getid") => Self::Getid,
            (Host::Webapi, "/files/get_path_id") => Self::GetPathId,
            (Host::Webapi, "/files/get_info") => Self::GetInfo,
            (Host::Webapi, "/category/get") => Self::Category,
            (Host::Webapi, "/files/index_info") => Self::IndexInfo,
            (Host::Webapi, "/files/order") if posted => Self::Order,
            (Host::Webapi, "/files/download") if !posted => Self::Download,
            (Host::Aps, "/natsort/files.php") => Self::Natsort,
            (Host::Proapi, "/app/chrome/downurl") if posted => Self::Downurl,
            _ => Self::Unknown,
        }
    }

    /// The name the ledger, faults and latencies know it by.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Files => "files",
            Self::Natsort => "natsort",
            Self::Getid => "getid",
            Self::GetPathId => "get_path_id",
            Self::GetInfo => "get_info",
            Self::Category => "category",
            Self::IndexInfo => "index_info",
            Self::Order => "order",
            Self::Downurl => "downurl",
            Self::Download => "download",
            Self::Cdn => "cdn",
            Self::Unknown => "unknown",
        }
    }
}

/// An answer before it is written.
#[derive(Debug)]
pub(crate) struct Answer {
    value: Value,
    set_cookie: Option<String>,
}

impl From<Value> for Answer {
    fn from(value: Value) -> Self {
        Self { value, set_cookie: None }
    }
}

/// Answers a call to one of the API hosts.
pub(crate) fn answer(
    shared: &Shared,
    call: &Call,
    endpoint: Endpoint,
    behaviours: &Behaviours,
    faults: &[Fault],
    number: u64,
) -> Reply {
    let lingering = if call.host == Host::Proapi { 0 } else { behaviours.kicked_grace_secs };
    let login = shared.account.judge(&call.cookies(), shared.clock.unix(), lingering);
    let mut answer = match (scripted(call, faults), login) {
        (Some(refusal), _) => refusal.into(),
        (None, _) if endpoint == Endpoint::Unknown => {
            refusal::refuse(call, 980_006, "404 no such API").into()
        }
        (None, Login::In) => of_endpoint(shared, call, endpoint, behaviours, faults, number),
        (None, Login::WithoutCid) if matches!(endpoint, Endpoint::Files | Endpoint::Natsort) => {
            listing::empty(call).into()
        }
        (None, Login::WithoutCid | Login::Out) => refusal::logged_out(call).into(),
    };
    disturb(shared, &mut answer.value, behaviours, faults);
    write(&answer, behaviours, faults)
}

fn of_endpoint(
    shared: &Shared,
    call: &Call,
    endpoint: Endpoint,
    behaviours: &Behaviours,
    faults: &[Fault],
    number: u64,
) -> Answer {
    match endpoint {
        Endpoint::Files | Endpoint::Natsort => listing::list(shared, call, endpoint, behaviours).into(),
        Endpoint::Getid => lookup::getid(shared, call).into(),
        Endpoint::GetPathId => lookup::get_path_id(shared, call).into(),
        Endpoint::GetInfo => lookup::get_info(shared, call).into(),
        Endpoint::Category => lookup::category(shared, call).into(),
        Endpoint::IndexInfo => space::index_info(shared).into(),
        Endpoint::Order => listing::set_order(shared, call, behaviours).into(),
        Endpoint::Downurl => download::downurl(shared, call, behaviours, faults, number),
        Endpoint::Download => download::download(shared, call, behaviours, faults),
        Endpoint::Cdn | Endpoint::Unknown => json!({}).into(),
    }
}

/// The refusal a fault demands, in the wording of the host.
fn scripted(call: &Call, faults: &[Fault]) -> Option<Value> {
    faults.iter().find_map(|fault| match fault {
        Fault::LoggedOut => Some(refusal::logged_out(call)),
        Fault::Json { errno, message } => Some(refusal::refuse(call, *errno, message)),
        Fault::TransientViolation => Some(refusal::refuse(call, 50_038, "")),
        _ => None,
    })
}

/// Wrong types and jitter.
fn disturb(shared: &Shared, value: &mut Value, behaviours: &Behaviours, faults: &[Fault]) {
    let turn = shared.answers.fetch_add(1, Ordering::Relaxed);
    let refused = value.get("state") == Some(&Value::Bool(false));
    if behaviours.wrong_type_on_error && refused {
        let wrong = [json!([]), json!({}), json!(""), Value::Null, json!(false)];
        let choice = usize::try_from(turn % 5).unwrap_or_default();
        value["data"] = wrong[choice].clone();
    }
    if faults.contains(&Fault::WrongType) {
        jitter::wrong_type(value);
    }
    if behaviours.type_jitter {
        jitter::jitter(value, mix(0x0717_7e12, turn));
    }
}

fn write(answer: &Answer, behaviours: &Behaviours, faults: &[Fault]) -> Reply {
    let mut text = answer.value.to_string();
    if behaviours.escaped_slashes {
        // In JSON a slash occurs nowhere but within texts.
        text = text.replace('/', "\\/");
    }
    if faults.contains(&Fault::Garbage) {
        let half = text.char_indices().map(|(at, _)| at).find(|at| *at >= text.len() / 2);
        text.truncate(half.unwrap_or_default());
    }
    let mut reply = json_text(StatusCode::OK, text);
    let cookie = answer.set_cookie.as_deref().map(HeaderValue::from_str);
    if let Some(Ok(cookie)) = cookie {
        reply.headers_mut().insert(SET_COOKIE, cookie);
    }
    reply
}
