//! The endpoints of webapi, aps and proapi: login check, answer, and the disturbances laid over the answer.

mod download;
mod endpoint;
mod item;
mod jitter;
mod listing;
mod lookup;
mod refusal;
mod share;
mod space;
mod upload;
mod write;

use std::sync::atomic::Ordering;

use http::header::SET_COOKIE;
use http::{HeaderValue, StatusCode};
use serde_json::{Value, json};

pub(crate) use endpoint::Endpoint;
pub(crate) use item::kind_number;
pub(crate) use jitter::jitter;
pub(crate) use write::{Place, Queue};

use crate::account::Login;
use crate::behaviours::Behaviours;
use crate::call::{Call, Host};
use crate::faults::Fault;
use crate::num::mix;
use crate::reply::{Reply, json_text};
use crate::state::Shared;
use upload::UploadCall;

/// One call with all its answer depends on.
pub(crate) struct Turn<'call> {
    pub(crate) shared: &'call Shared,
    pub(crate) call: &'call Call,
    pub(crate) endpoint: Endpoint,
    /// The switches as they were when the call came.
    pub(crate) behaviours: &'call Behaviours,
    /// The faults that strike it.
    pub(crate) faults: &'call [Fault],
    /// Its number in the ledger.
    pub(crate) number: u64,
    /// Its place among the writes that go one at a time; nothing if it is none of them.
    pub(crate) place: Option<&'call Place>,
}

impl Turn<'_> {
    /// Whether the call is logged in.
    fn login(&self) -> Login {
        let lingering = if self.call.host == Host::Proapi { 0 } else { self.behaviours.kicked_grace_secs };
        self.shared.account.judge(&self.call.cookies(), self.shared.clock.unix(), lingering)
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
pub(crate) fn answer(turn: &Turn<'_>) -> Reply {
    let (call, endpoint) = (turn.call, turn.endpoint);
    if endpoint == Endpoint::Upload(UploadCall::Init) {
        return upload::init(turn);
    }
    let login = if endpoint.needs_login() { turn.login() } else { Login::In };
    let mut answer = match (scripted(turn), login) {
        (Some(refusal), _) => refusal.into(),
        (None, _) if endpoint == Endpoint::Unknown => {
            refusal::refuse(call, 980_006, "404 no such API").into()
        }
        (None, Login::In) => of_endpoint(turn),
        (None, Login::WithoutCid) if matches!(endpoint, Endpoint::Files | Endpoint::Natsort) => {
            listing::empty(call).into()
        }
        (None, Login::WithoutCid | Login::Out) => refusal::logged_out(call).into(),
    };
    disturb(turn, &mut answer.value);
    write(&answer, turn.behaviours, turn.faults)
}

fn of_endpoint(turn: &Turn<'_>) -> Answer {
    let Turn { shared, call, behaviours, .. } = *turn;
    shared.tree.lock().settle();
    match turn.endpoint {
        Endpoint::Files | Endpoint::Natsort => listing::list(shared, call, turn.endpoint, behaviours).into(),
        Endpoint::Getid => lookup::getid(shared, call).into(),
        Endpoint::GetPathId => lookup::get_path_id(shared, call).into(),
        Endpoint::GetInfo => lookup::get_info(shared, call).into(),
        Endpoint::Category => lookup::category(shared, call).into(),
        Endpoint::IndexInfo => space::index_info(shared, behaviours).into(),
        Endpoint::Order => listing::set_order(shared, call, behaviours).into(),
        Endpoint::Downurl => download::downurl(turn),
        Endpoint::Download => download::download(turn),
        Endpoint::Upload(asked) => upload::answer(turn, asked).into(),
        Endpoint::Oss(_) | Endpoint::Cdn | Endpoint::Unknown => json!({}).into(),
        Endpoint::ShareSnap
        | Endpoint::ShareSnapApp
        | Endpoint::ShareDownurl
        | Endpoint::ShareDownurlWindows
        | Endpoint::ShareDownurlWeb
        | Endpoint::ShareSkipLoginDownurl
        | Endpoint::ShareSkipLoginDownurlApp
        | Endpoint::ShareIsSkipLogin
        | Endpoint::ShareDownlist
        | Endpoint::ShareDownlistApp
        | Endpoint::ShareReceive => share::answer(turn),
        Endpoint::Add
        | Endpoint::MakePath
        | Endpoint::BatchRename
        | Endpoint::Edit
        | Endpoint::Move
        | Endpoint::MoveProgress
        | Endpoint::Copy
        | Endpoint::RbDelete
        | Endpoint::RbList
        | Endpoint::RbRevert
        | Endpoint::RbClean
        | Endpoint::RbSecretDel => write::answer(turn).into(),
    }
}

/// The refusal a fault demands, in the wording of the host.
fn scripted(turn: &Turn<'_>) -> Option<Value> {
    let call = turn.call;
    turn.faults.iter().find_map(|fault| match fault {
        Fault::LoggedOut => Some(refusal::logged_out(call)),
        Fault::Json { errno, message } => Some(match turn.endpoint {
            Endpoint::Upload(asked) => upload::refuse(call, asked, *errno, message),
            _ => refusal::refuse(call, *errno, message),
        }),
        Fault::Refusal(code) => Some(refusal::refuse(call, *code, write::text(*code))),
        Fault::TransientViolation => Some(refusal::refuse(call, 50_038, "")),
        _ => None,
    })
}

/// Wrong types and jitter.
fn disturb(turn: &Turn<'_>, value: &mut Value) {
    let Turn { behaviours, faults, .. } = *turn;
    let count = turn.shared.answers.fetch_add(1, Ordering::Relaxed);
    let refused = value.get("state") == Some(&Value::Bool(false));
    if refused && turn.endpoint.is_of_shares() {
        share::shape_refusal(value, behaviours);
    }
    if behaviours.wrong_type_on_error && refused {
        let wrong = [json!([]), json!({}), json!(""), Value::Null, json!(false)];
        let choice = usize::try_from(count % 5).unwrap_or_default();
        value["data"] = wrong[choice].clone();
    }
    if faults.contains(&Fault::WrongType) {
        jitter::wrong_type(value);
    }
    if behaviours.type_jitter {
        jitter::jitter(value, mix(0x0717_7e12, count));
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
