//! Signing in by QR code (protocol notes, reading part, §1.2, §1.3 and §2).

mod image;

use std::time::Duration;

use serde_json::{Value, json};

use super::refusal::of_passport;
use super::{Answer, Turn};
use crate::behaviours::{Behaviours, QuietStatus};
use crate::call::Call;
use crate::login::{Qr, Stage};
use crate::num::mix;
use crate::reply::Reply;
use crate::state::Shared;

/// "The QR code has expired": the code is known, the words are not.
const EXPIRED: (i64, &str) = (40_199_002, "二维码已失效，请重新获取");
/// "Failed to get": of a QR code that is unknown or not confirmed.
const NOT_READY: (i64, &str) = (50_199_004, "获取失败");
/// An application whose logins are closed. No source tells the number.
const TAKEN_DOWN: (i64, &str) = (40_101_099, "登录失败，系统已下架");

/// How often a held call looks at the simulated clock, which may jump.
const CLOCK_LOOK: Duration = Duration::from_millis(50);

/// The application codes of the `UID`, by the name in the path (§1.2).
const CODES: [(&str, &str); 25] = [
    ("web", "A1"),
    ("desktop", "A1"),
    ("ios", "D1"),
    ("bios", "D2"),
    ("115ios", "D3"),
    ("android", "F1"),
    ("bandroid", "F2"),
    ("115android", "F3"),
    ("ipad", "H1"),
    ("bipad", "H2"),
    ("115ipad", "H3"),
    ("tv", "I1"),
    ("apple_tv", "I2"),
    ("qandroid", "M1"),
    ("qios", "N1"),
    ("qipad", "O1"),
    ("os_windows", "P1"),
    ("windows", "P1"),
    ("os_mac", "P2"),
    ("mac", "P2"),
    ("os_linux", "P3"),
    ("linux", "P3"),
    ("wechatmini", "R1"),
    ("alipaymini", "R2"),
    ("harmony", "S1"),
];

/// The User-Agents that make another application of `ios` (§2.4).
const KINDS_OF_IOS: [(&str, &str); 4] =
    [("UPhone/", "ios"), ("OfficePhone/", "qios"), ("UPad/", "ipad"), ("OfficePad/", "qipad")];

/// The application in the path of a call: what follows `/1.0/`.
fn app(call: &Call) -> &str {
    call.path.split("/1.0/").nth(1).unwrap_or_default()
}

/// `token`: a new QR code.
pub(super) fn token(shared: &Shared, call: &Call) -> Value {
    let qr = shared.logins.create(app(call), shared.clock.unix());
    json!({
        "state": 1, "code": 0, "message": "",
        "data": {"uid": qr.uid, "time": qr.time, "sign": qr.sign, "qrcode": qr.content()},
    })
}

/// `qrcode`: the picture of a QR code.
pub(super) fn picture(shared: &Shared, call: &Call) -> Option<Reply> {
    image::png(&shared.logins.find(call.param("uid"))?.content())
}

/// Holds a status call until something changes or its time is over.
pub(crate) async fn hold(shared: &Shared, call: &Call, behaviours: &Behaviours) {
    let uid = call.param("uid");
    let news = async {
        while tokio::time::timeout(CLOCK_LOOK, shared.logins.news(uid)).await.is_err() {
            shared.logins.age(shared.clock.unix(), behaviours.login_qr_lifetime_secs);
        }
    };
    // Nothing new within the time is an answer as well.
    let _ = tokio::time::timeout(Duration::from_millis(behaviours.login_hold_ms), news).await;
}

/// `get/status`: what has become of a QR code.
pub(super) fn status(turn: &Turn<'_>) -> Value {
    let Turn { shared, call, behaviours, .. } = *turn;
    shared.logins.age(shared.clock.unix(), behaviours.login_qr_lifetime_secs);
    let fits = |qr: Qr| qr.sign == call.param("sign") && qr.time.to_string() == call.param("time");
    if !shared.logins.find(call.param("uid")).is_some_and(fits) {
        return of_passport(EXPIRED.0, EXPIRED.1);
    }
    let (number, message) = match shared.logins.tell(call.param("uid")) {
        None => match behaviours.login_quiet_status {
            QuietStatus::Empty => return success(&json!({})),
            QuietStatus::List => return success(&json!([])),
            QuietStatus::Waiting => (0, "等待扫码"),
        },
        Some(Stage::Waiting) => (0, "等待扫码"),
        Some(Stage::Scanned) => (1, "扫码成功，等待确认"),
        Some(Stage::Confirmed) => (2, "确认登录成功"),
        Some(Stage::Cancelled) => (-2, "已取消登录"),
        Some(Stage::Expired | Stage::Spent) if behaviours.login_expiry_refused => {
            return of_passport(EXPIRED.0, EXPIRED.1);
        }
        Some(Stage::Expired | Stage::Spent) => (-1, "二维码已过期"),
    };
    success(&json!({"msg": message, "status": number, "version": "2.0"}))
}

fn success(data: &Value) -> Value {
    json!({"state": 1, "code": 0, "message": "", "data": data})
}

/// `login/qrcode`: the cookie, for a QR code that was confirmed. Signs out the other logins of the same application.
pub(super) fn redeem(turn: &Turn<'_>) -> Answer {
    let Turn { shared, call, behaviours, .. } = *turn;
    let refuse = |(code, message): (i64, &str)| of_passport(code, message).into();
    let app = kind_of_ios(call);
    let code = CODES.iter().find(|(name, _)| *name == app).map(|(_, code)| *code);
    let Some(code) = code.filter(|_| !behaviours.login_dead_apps.contains(app)) else {
        return refuse(TAKEN_DOWN);
    };
    let Some(qr) = shared.logins.find(call.param("account")) else { return refuse(NOT_READY) };
    match qr.stage {
        Stage::Confirmed => {}
        Stage::Expired | Stage::Spent => return refuse(EXPIRED),
        Stage::Waiting | Stage::Scanned | Stage::Cancelled => return refuse(NOT_READY),
    }
    if behaviours.login_mixing_refused && qr.app != app && !app.ends_with("mini") {
        return refuse(TAKEN_DOWN);
    }
    let user = behaviours.login_user_id;
    let known = shared.users.all().into_iter().find(|known| known.id == user);
    // Whoever else it is sees the drive of the first one.
    let account = &known.as_ref().unwrap_or_else(|| shared.users.first()).account;
    let cookie = account.sign_in_anew(user, code, shared.clock.unix());
    shared.logins.spend(&qr.uid, &cookie);
    let part = |name: &str| crate::account::cookie_value(&cookie, name).unwrap_or_default().to_owned();
    let mut cookies = json!({"UID": part("UID"), "CID": part("CID"), "SEID": part("SEID")});
    // It came in later; older answers lack it.
    if mix(user, qr.time) & 1 == 1 || behaviours.login_kid {
        cookies["KID"] = json!(part("KID"));
    }
    json!({
        "state": 1, "code": 0, "message": "", "errno": 0, "error": "",
        "data": {
            "alert": "", "bind_mobile": 1, "country": "CN", "email": "",
            "face": {"face_l": "https://115.com/face", "face_m": "https://115.com/face", "face_s": "https://115.com/face"},
            "from": "qrcode", "is_chang_passwd": 0, "is_first_login": 0, "is_trusted": null, "is_vip": 1, "mark": 1,
            "mobile": "138****0000", "user_id": user, "user_name": "someone", "cookie": cookies,
        },
    })
    .into()
}

/// The application a redeeming call is for.
fn kind_of_ios(call: &Call) -> &str {
    match app(call) {
        "ios" => {
            let agent = call.user_agent();
            let kind = KINDS_OF_IOS.iter().find(|(begins, _)| agent.starts_with(begins));
            kind.map_or("ios", |(_, app)| app)
        }
        app => app,
    }
}
