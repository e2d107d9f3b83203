//! `uplb 4.0/initupload.php`: begins an upload, or takes a known content over
//! (protocol notes, writing part, §2.3).

use http::StatusCode;
use rand::RngExt as _;
use serde_json::{Value, json};
use sha1::{Digest as _, Sha1};

use super::super::refusal::logged_out;
use super::super::{Turn, jitter};
use super::form::Form;
use crate::content::Content;
use crate::faults::Fault;
use crate::m115::random_hex;
use crate::num::{hex, mix};
use crate::oss::BUCKET;
use crate::reply::{Reply, json_reply, reply};
use crate::tree::SimNode;
use crate::upload::{Check, Drive, RangeFailure, Session, folder_of, known, place, reserve};
use crate::waf::Limits;

/// The message of code 402.
pub(super) const INVALID: &str = "userid/filesize/target/pickcode/ invalid";

/// A refusal.
pub(super) fn status_4(code: i64, message: &str) -> Value {
    status(4, code, message)
}

fn status(status: u8, code: i64, message: &str) -> Value {
    json!({
        "request": "upload", "status": status, "statuscode": code, "statusmsg": message, "pickcode": "", "target": "",
        "version": "3.0",
    })
}

/// "token invalid", whose code no source tells.
fn token_invalid() -> Value {
    status_4(401, "token invalid")
}

fn sig_invalid() -> Value {
    status_4(400, "sig invalid")
}

/// Answers the call, under its cipher where its key could be read.
pub(in super::super) fn answer(turn: &Turn<'_>) -> Reply {
    let Turn { shared, call, behaviours, faults, number, .. } = *turn;
    let agreed = shared.upload_key.open_token(call.param("k_ec"));
    let opened = agreed.as_ref().and_then(|agreed| agreed.open_request(&call.body));
    let text = opened.and_then(|opened| String::from_utf8(opened).ok());
    let (Some(agreed), Some(text)) = (agreed, text) else {
        // Without a key there is none to answer under, and under a wrong one nobody could read the answer.
        return json_reply(StatusCode::OK, &status_4(402, INVALID));
    };
    if faults.contains(&Fault::LoggedOut) {
        return json_reply(StatusCode::OK, &logged_out(call));
    }
    let form = Form::read(&text);
    let mut value = scripted(faults).unwrap_or_else(|| judge(turn, &form, agreed.time));
    shared.ledger.annotate(number, format!("{}&status={}", form.shown(), value["status"]));
    if behaviours.upload.plain_failures && value["status"] == 4 {
        return json_reply(StatusCode::OK, &value);
    }
    if behaviours.upload.answer_filler > 0 {
        value["fileinfo"] = json!("x".repeat(behaviours.upload.answer_filler));
    }
    if behaviours.type_jitter {
        jitter::jitter(&mut value, mix(0x0117_1417, number));
    }
    let mut text = value.to_string();
    if behaviours.escaped_slashes {
        text = text.replace('/', "\\/");
    }
    let mut sealed = agreed.seal_response(text.as_bytes(), rand::random());
    if faults.contains(&Fault::Garbage) {
        sealed.truncate(sealed.len() / 2);
    }
    reply(StatusCode::OK, "application/octet-stream", sealed)
}

/// The answer a fault demands.
fn scripted(faults: &[Fault]) -> Option<Value> {
    faults.iter().find_map(|fault| match fault {
        Fault::Json { errno, message } => Some(status_4(*errno, message)),
        Fault::Init { status: number, code, message } => Some(status(*number, *code, message)),
        _ => None,
    })
}

/// Judges a form from the outside to the inside. `sealed` is the time that came with the key.
fn judge(turn: &Turn<'_>, form: &Form, sealed: u32) -> Value {
    let Turn { shared, call, behaviours, .. } = *turn;
    let switches = &behaviours.upload;
    let now = shared.clock.unix();
    let gate = ("initupload".to_owned(), form.field("userid").to_owned());
    let limits = Limits {
        calls: switches.init_calls,
        window_secs: switches.init_window_secs,
        block_secs: switches.init_block_secs,
    };
    if shared.uploads.gate.blocks(gate, now, limits) {
        return token_invalid();
    }
    if switches.version_gate && !form.is_recent(&call.user_agent(), &switches.minimum_version) {
        return status_4(403, "请升级到最新版本");
    }
    // Whose cookie comes with it is not looked at.
    let drive = form.field("userid").parse().ok().and_then(|user| Drive::of(shared, user));
    let (Some(drive), Some(folder), true) = (drive, folder_of(form.field("target")), form.is_sound()) else {
        return status_4(402, INVALID);
    };
    let key = drive.userkey();
    if !form.is_signed(key) {
        return sig_invalid();
    }
    let near = |time| shared.clock.is_near(time, switches.time_tolerance_secs);
    if !form.has_token() || !form.is_well_formed(switches, key, sealed, near) {
        return token_invalid();
    }
    if form.size > switches.size_limit || (form.size == 0 && !switches.empty_files) {
        return status_4(402, INVALID);
    }
    let found = known(shared, form.size, form.field("fileid"));
    let asks = found.is_some() || switches.range_check_unknown;
    if form.size >= switches.range_check_at_least.max(1)
        && asks
        && let Err(answer) = proven(turn, form, drive.user(), found.as_ref())
    {
        return answer;
    }
    begin(turn, form, (&drive, folder), found.filter(|_| switches.rapid))
}

/// Whether the client has shown that it has the bytes; else what it is answered with.
fn proven(turn: &Turn<'_>, form: &Form, user: u64, found: Option<&Content>) -> Result<(), Value> {
    let switches = &turn.behaviours.upload;
    let (key, hash) = (form.field("sign_key"), form.field("sign_val"));
    let now = turn.shared.clock.unix();
    if key.is_empty() {
        return Err(ask(turn, form, user, 0));
    }
    let check = turn.shared.uploads.asked(key);
    let fits = |check: &Check| {
        (check.user, check.size, check.sha1.as_str()) == (user, form.size, form.field("fileid"))
    };
    let Some(check) = check.filter(fits) else { return Err(status(8, 702, "")) };
    if now > check.asked + switches.range_check_secs {
        return Err(sig_invalid());
    }
    let right = match found {
        Some(content) => hash == hex(&Sha1::digest(content.read(check.first..check.last + 1))).to_uppercase(),
        // What is not known cannot be compared.
        None => hash.len() == 40 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()),
    };
    match (right, switches.range_failure) {
        (true, _) if check.round + 1 < switches.range_check_rounds => {
            Err(ask(turn, form, user, check.round + 1))
        }
        (true, _) => Ok(()),
        (false, RangeFailure::Status8) => Err(status(8, 702, "")),
        (false, RangeFailure::Status6) => Err(status(6, 700, "")),
        (false, RangeFailure::Again) => Err(ask(turn, form, user, check.round)),
    }
}

/// Asks for the hash of a range.
fn ask(turn: &Turn<'_>, form: &Form, user: u64, round: u32) -> Value {
    let switches = &turn.behaviours.upload;
    let length = switches.range_check_bytes.clamp(1, form.size);
    let first = match switches.range_check_at {
        Some(at) => at.saturating_add(u64::from(round) * length).min(form.size - length),
        None => rand::rng().random_range(0..=form.size - length),
    };
    let last = first + length - 1;
    let sha1 = form.field("fileid").to_owned();
    let asked = turn.shared.clock.unix();
    let key = turn.shared.uploads.ask(Check { user, size: form.size, sha1, first, last, round, asked });
    let mut answer = status(7, 701, "");
    answer["sign_key"] = json!(key);
    answer["sign_check"] = json!(format!("{first}-{last}"));
    answer["fileid"] = json!(0);
    answer
}

/// Takes a known content over, or begins the upload of one that is not.
fn begin(turn: &Turn<'_>, form: &Form, (drive, folder): (&Drive, u64), found: Option<Content>) -> Value {
    let Turn { shared, behaviours, .. } = *turn;
    if !drive.has_room(form.size, behaviours) {
        return status_4(91_005, "您的空间不足，上传失败");
    }
    let (user, mut tree) = (drive.user(), drive.tree());
    if !tree.node(folder).is_some_and(SimNode::is_folder) {
        return status_4(10_014, "云端目录不存在，请恢复后重新上传");
    }
    let (name, target) = (form.field("filename"), form.field("target"));
    let (node, pick_code) = reserve(&mut tree);
    if let Some(content) = found {
        place(shared, &mut tree, (node, folder), name, content, &behaviours.upload);
        let mut answer = status(2, 0, "");
        answer["pickcode"] = json!(pick_code);
        answer["target"] = json!(target);
        answer["fileid"] = json!(0);
        answer["fileinfo"] = json!("");
        return answer;
    }
    drop(tree);
    let pick_code = if behaviours.upload.final_pick_code { pick_code } else { random_hex(12) };
    let session = Session {
        user,
        name: name.to_owned(),
        target: target.to_owned(),
        object: random_hex(20),
        expected: Some((form.size, form.field("fileid").to_owned())),
        callback: CALLBACK.to_owned(),
        callback_var: callback_var(&pick_code, user, target),
        node,
        answer: None,
    };
    let answer = begun(&pick_code, &session);
    shared.uploads.begin(&pick_code, session);
    answer
}

/// The answer for an upload whose bytes are to come.
pub(super) fn begun(pick_code: &str, session: &Session) -> Value {
    let mut answer = status(1, 0, "");
    let more = json!({
        "pickcode": pick_code, "target": session.target, "sign_key": "", "sign_check": "", "fileid": 0,
        "fileinfo": "", "bucket": BUCKET, "object": session.object,
        "callback": {"callback": session.callback, "callback_var": session.callback_var},
    });
    if let (Some(answer), Value::Object(more)) = (answer.as_object_mut(), more) {
        answer.extend(more);
    }
    answer
}

/// What the object store is to call back with, as it is written there, with its slashes escaped.
const CALLBACK: &str = concat!(
    r#"{"callbackUrl":"http:\/\/uplb.115.com\/3.0\/completeupload.php","callbackBody":"#,
    r#""bucket=${bucket}&object=${object}&size=${size}&sha1=${sha1}&pick_code=${x:pick_code}"#,
    r#"&user_id=${x:user_id}&behavior_type=${x:behavior_type}&source=${x:source}&target=${x:target}"#,
    r#"&task_uid=${x:task_uid}"}"#,
);

fn callback_var(pick_code: &str, user: u64, target: &str) -> String {
    // Written by hand, in an order and a spacing a client cannot hit by writing it anew.
    format!(
        "{{\"x:pick_code\":\"{pick_code}\",\"x:user_id\":\"{user}\",\"x:behavior_type\":\"0\",\"x:source\":\"4\",\
         \"x:target\":\"{target}\",\"x:task_uid\":\"{user}\"}}"
    )
}
