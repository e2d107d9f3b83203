//! The calls about shares: which share is meant, whether it may be used, and in which words it is refused
//! (protocol notes, reading part, §5).

mod downlist;
mod downurl;
mod item;
mod receive;
mod snap;

use http::header::REFERER;
use serde_json::{Value, json};

use super::refusal::refuse;
use super::{Answer, Endpoint, Turn};
use crate::account::Login;
use crate::behaviours::{Behaviours, RefusedData};
use crate::call::Call;
use crate::m115::ClientKey;
use crate::share::{NORMAL, Share, Shares, is_code};

const CLOSED: i64 = 4_100_000;
const WRONG_CODE: i64 = 4_100_008;
const INVALID: i64 = 4_100_009;
const CANCELLED: i64 = 4_100_010;
const CODE_REQUIRED: i64 = 4_100_012;
const EXPIRED: i64 = 4_100_018;
const UNKNOWN: i64 = 4_100_026;
const TOO_MANY: i64 = 4_100_030;
const VIOLATING: i64 = 4_100_033;
const RECEIVED: i64 = 4_200_045;
const MALFORMED: i64 = 990_002;
const VERSION: i64 = 50_029;

/// What in a User-Agent tells one of 115's own clients (§4.10).
const OWN_AGENTS: [&str; 4] = ["115Browser/", "115disk/", "115Desktop/", "UDown/"];

/// What a call says about the share it is for.
#[derive(Debug)]
struct Named {
    share_code: String,
    receive_code: String,
    file_id: String,
    /// What the answer is to be sealed with, if the request was.
    key: Option<ClientKey>,
}

impl Named {
    /// Reads a call; `None` when it is to be encrypted and is not.
    fn read(turn: &Turn<'_>) -> Option<Self> {
        let call = turn.call;
        if !turn.endpoint.is_sealed() {
            return Some(Self::of(|name| call.param(name).to_owned(), None));
        }
        let (key, request) = turn.shared.key.open_request(call.param("data"))?;
        let request: Value = serde_json::from_slice(&request).ok()?;
        Some(Self::of(|name| request[name].as_str().unwrap_or_default().to_owned(), Some(key)))
    }

    fn of(text: impl Fn(&str) -> String, key: Option<ClientKey>) -> Self {
        Self {
            share_code: text("share_code"),
            receive_code: text("receive_code"),
            file_id: text("file_id"),
            key,
        }
    }

    /// Whether the call comes from the share's page, by its `Referer`.
    fn is_referred(&self, call: &Call) -> bool {
        let Ok(page) = url::Url::parse(call.header(REFERER)) else { return false };
        let password = page.query_pairs().find(|(key, _)| key == "password").map(|(_, value)| value);
        matches!(page.host_str(), Some("115.com" | "115cdn.com"))
            && page.path() == format!("/s/{}", self.share_code)
            && password.unwrap_or_default() == self.receive_code.as_str()
    }

    /// The share meant, if the call may look into it; else the code it is refused with.
    fn opened<'shares>(
        &self,
        shares: &'shares mut Shares,
        turn: &Turn<'_>,
    ) -> Result<&'shares mut Share, i64> {
        if !is_code(&self.share_code) {
            return Err(MALFORMED);
        }
        let Some(share) = shares.find(&self.share_code) else { return Err(UNKNOWN) };
        if let Some(code) = share.refusal {
            return Err(code);
        }
        let own = is_own(share, turn);
        match self.receive_code.as_str() {
            _ if share.receive_code.is_empty() || self.receive_code == share.receive_code => Ok(share),
            "" if own => Ok(share),
            "" => Err(CODE_REQUIRED),
            _ => Err(WRONG_CODE),
        }
    }

    /// The same, if it is also in the state to be used.
    fn usable<'shares>(
        &self,
        shares: &'shares mut Shares,
        turn: &Turn<'_>,
    ) -> Result<&'shares mut Share, i64> {
        let share = self.opened(shares, turn)?;
        match share.state_at(turn.shared.clock.unix()) {
            NORMAL => Ok(share),
            state => Err(code_of_state(state)),
        }
    }
}

/// Answers a call about a share.
pub(super) fn answer(turn: &Turn<'_>) -> Answer {
    let Some(named) = Named::read(turn) else { return refused(turn.call, MALFORMED).into() };
    if turn.endpoint.is_sealed() {
        let Named { share_code, receive_code, file_id, .. } = &named;
        let words = format!("share_code={share_code}&receive_code={receive_code}&file_id={file_id}");
        turn.shared.ledger.annotate(turn.number, words);
    }
    if turn.behaviours.share_gated.contains(turn.endpoint.label()) {
        let agent = turn.call.user_agent();
        if !OWN_AGENTS.iter().any(|own| agent.contains(own)) {
            return refused(turn.call, VERSION).into();
        }
    }
    if turn.behaviours.share_referred.contains(turn.endpoint.label()) && !named.is_referred(turn.call) {
        return refused(turn.call, MALFORMED).into();
    }
    match turn.endpoint {
        Endpoint::ShareSnap | Endpoint::ShareSnapApp => snap::snap(turn, &named).into(),
        Endpoint::ShareDownlist | Endpoint::ShareDownlistApp => downlist::downlist(turn, &named).into(),
        Endpoint::ShareIsSkipLogin => downurl::is_skip_login(turn, &named).into(),
        Endpoint::ShareReceive => receive::receive(turn, &named).into(),
        _ => downurl::downurl(turn, &named),
    }
}

/// Whether the call comes from the user who shares.
fn is_own(share: &Share, turn: &Turn<'_>) -> bool {
    share.owner == turn.user.id && turn.login() == Login::In
}

/// The code a share is refused with because of its state.
fn code_of_state(state: u8) -> i64 {
    match state {
        2 | 3 | 6 | 11 => VIOLATING,
        4 => CANCELLED,
        5 => UNKNOWN,
        7 => EXPIRED,
        8 | 9 => CLOSED,
        _ => INVALID,
    }
}

/// A refusal with the message that belongs to its code.
fn refused(call: &Call, code: i64) -> Value {
    let message = match code {
        CLOSED => "分享已关闭",
        WRONG_CODE => "访问码错误",
        INVALID | CANCELLED => "分享已取消",
        CODE_REQUIRED => "请输入访问码",
        EXPIRED => "链接已过期",
        UNKNOWN => "该文件分享链接不存在或已被删除",
        TOO_MANY => "接收文件过多",
        VIOLATING => "涉嫌违规，链接已失效",
        RECEIVED => "您已经接收过该文件",
        MALFORMED => "参数错误。",
        VERSION => "当前版本过低，请升级到最新版本下载。",
        _ => "",
    };
    refuse(call, code, message)
}

/// Gives `data` of a refusal the shape the switch asks for.
pub(super) fn shape_refusal(value: &mut Value, behaviours: &Behaviours) {
    match behaviours.share_refused_data {
        RefusedData::List => {}
        RefusedData::Object => value["data"] = json!({}),
        RefusedData::Absent => {
            if let Value::Object(fields) = value {
                fields.remove("data");
            }
        }
    }
}
