//! The calls that begin uploads (protocol notes, writing part, §2.1 to §2.5).

mod form;
mod init;
mod sample;

use serde_json::{Value, json};

pub(super) use init::answer as init;

use super::Turn;
use super::refusal;
use crate::call::{Call, Host};
use crate::clock::utc_seconds;
use crate::oss::{BUCKET, ENDPOINT};
use crate::upload::{Drive, Session};

/// Which of them a call is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UploadCall {
    Info,
    Endpoint,
    Token,
    Init,
    Resume,
    Sample,
}

impl UploadCall {
    /// The call of a path; `None` when it begins no upload.
    pub(super) fn of(host: Host, path: &str, posted: bool) -> Option<Self> {
        Some(match (host, path) {
            (Host::Proapi, "/app/uploadinfo") => Self::Info,
            (Host::Webapi, "/files/uploadinfo") if !posted => Self::Info,
            (Host::Uplb, "/3.0/getuploadinfo.php") => Self::Endpoint,
            (Host::Uplb, "/3.0/gettoken.php") => Self::Token,
            (Host::Uplb, "/4.0/initupload.php") if posted => Self::Init,
            (Host::Uplb, "/3.0/resumeupload.php") if posted => Self::Resume,
            (Host::Uplb, "/3.0/sampleinitupload.php") if posted => Self::Sample,
            _ => return None,
        })
    }

    /// The name the ledger, faults and latencies know it by.
    pub(super) fn label(self) -> &'static str {
        match self {
            Self::Info => "uploadinfo",
            Self::Endpoint => "getuploadinfo",
            Self::Token => "gettoken",
            Self::Init => "initupload",
            Self::Resume => "resumeupload",
            Self::Sample => "sampleinitupload",
        }
    }

    /// Whether it needs a cookie; on `uplb` the form tells who it is.
    pub(super) fn needs_login(self) -> bool {
        self == Self::Info
    }
}

/// Answers all of them but `initupload`.
pub(super) fn answer(turn: &Turn<'_>, asked: UploadCall) -> Value {
    if matches!(asked, UploadCall::Resume | UploadCall::Sample) {
        let named = ["pickcode", "filename", "filesize", "target"].map(|name| (name, turn.call.param(name)));
        let named = named.into_iter().filter(|(_, value)| !value.is_empty());
        let shown: Vec<String> = named.map(|(name, value)| format!("{name}={value}")).collect();
        turn.shared.ledger.annotate(turn.number, shown.join("&"));
    }
    match asked {
        UploadCall::Info => info(turn),
        UploadCall::Endpoint => endpoint(turn),
        UploadCall::Token => token(turn),
        UploadCall::Resume => resume(turn),
        UploadCall::Sample => sample::init(turn),
        // It is encrypted, and answered by `init`.
        UploadCall::Init => json!({}),
    }
}

/// A refusal in the shape of the call.
pub(super) fn refuse(call: &Call, asked: UploadCall, code: i64, message: &str) -> Value {
    match asked {
        UploadCall::Token => {
            json!({"StatusCode": code.to_string(), "ErrorCode": message, "ErrorMessage": message})
        }
        UploadCall::Init | UploadCall::Resume => init::status_4(code, message),
        UploadCall::Info | UploadCall::Endpoint | UploadCall::Sample => refusal::refuse(call, code, message),
    }
}

/// `uploadinfo`: who uploads, and within which limits.
fn info(turn: &Turn<'_>) -> Value {
    let switches = &turn.behaviours.upload;
    let Some(drive) = Drive::of_call(turn.shared, "", turn.call) else {
        return refusal::logged_out(turn.call);
    };
    json!({
        "state": true, "error": "", "errno": 0, "user_id": drive.user(), "userkey": drive.userkey(), "app_id": 0,
        "app_version": 0, "app_ver": "36.2.28", "isp_type": 0, "max_dir_level": 20, "max_dir_level_yun": 20,
        "max_file_num": 50, "max_file_num_yun": 500, "size_limit": switches.size_limit,
        "size_limit_yun": switches.size_limit, "type_limit": ["jpg", "png"], "upload_allowed": switches.allowed,
        "upload_allowed_msg": "",
    })
}

/// `getuploadinfo.php`: where the object store is.
fn endpoint(turn: &Turn<'_>) -> Value {
    let gettoken = "https://uplb.115.com/3.0/gettoken.php";
    if turn.behaviours.upload.bare_endpoint {
        json!({"endpoint": ENDPOINT, "gettokenurl": gettoken, "bucket": BUCKET})
    } else {
        json!({"endpoint": format!("http://{ENDPOINT}"), "gettokenurl": gettoken})
    }
}

/// `gettoken.php`: credentials for the object store.
fn token(turn: &Turn<'_>) -> Value {
    let expires = turn.shared.clock.unix() + turn.behaviours.upload.token_lifetime_secs;
    let grant = turn.shared.uploads.tokens.issue("STS.NU", expires);
    json!({
        "StatusCode": "200", "AccessKeyId": grant.id, "AccessKeySecret": grant.secret, "SecurityToken": grant.token,
        "Expiration": utc_seconds(expires),
    })
}

/// `resumeupload.php`: the callback of an upload that was begun, once more.
fn resume(turn: &Turn<'_>) -> Value {
    let call = turn.call;
    let pick_code = call.param("pickcode");
    let session = turn.shared.uploads.session(pick_code);
    let drive = Drive::of_call(turn.shared, call.param("userid"), call);
    let own = |session: &Session| drive.is_some_and(|drive| drive.user() == session.user);
    let fits = session.filter(|session| session.target == call.param("target")).filter(own);
    let Some(session) = fits else { return init::status_4(402, init::INVALID) };
    let mut answer = init::begun(pick_code, &session);
    // These two mean the check of `initupload` only.
    if let Some(fields) = answer.as_object_mut() {
        fields.remove("sign_key");
        fields.remove("sign_check");
    }
    answer
}
