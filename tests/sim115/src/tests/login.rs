//! Tests of signing in by QR code.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};

use super::client::{exchange, get_with, start};
use crate::{Fault, FaultRule, LoginAction, QuietStatus, Sim, Tree};

const TOKEN: &str = "/qrcodeapi.115.com/api/1.0/web/1.0/token/";

async fn token(sim: &Sim) -> Value {
    let answer = get_with(sim, TOKEN, &[]).await.json();
    assert_eq!((&answer["state"], &answer["code"]), (&json!(1), &json!(0)), "{answer}");
    answer["data"].clone()
}

fn status_path(token: &Value) -> String {
    let field = |name: &str| token[name].to_string().replace('"', "");
    format!(
        "/qrcodeapi.115.com/get/status/?uid={}&time={}&sign={}&_=1",
        field("uid"),
        field("time"),
        field("sign")
    )
}

async fn status(sim: &Sim, token: &Value) -> Value {
    get_with(sim, &status_path(token), &[]).await.json()
}

async fn redeem_at(sim: &Sim, path: &str, uid: &Value, agent: &str) -> Value {
    let form = format!("account={}", uid.as_str().unwrap());
    let headers = [("Content-Type", "application/x-www-form-urlencoded"), ("User-Agent", agent)];
    exchange(sim, "POST", path, &headers, &form).await.unwrap().json()
}

async fn redeem(sim: &Sim, app: &str, token: &Value) -> Value {
    let path = format!("/passportapi.115.com/app/1.0/{app}/1.0/login/qrcode/");
    redeem_at(sim, &path, &token["uid"], "test").await
}

fn cookie(answer: &Value) -> String {
    let parts = answer["data"]["cookie"].as_object().unwrap_or_else(|| panic!("{answer}"));
    parts
        .iter()
        .map(|(name, value)| format!("{name}={}", value.as_str().unwrap()))
        .collect::<Vec<_>>()
        .join("; ")
}

async fn takes(sim: &Sim, cookie: &str) -> bool {
    let path = "/webapi.115.com/files/index_info?count_space_nums=0";
    get_with(sim, path, &[("Cookie", cookie)]).await.json()["state"] == true
}

#[tokio::test]
async fn a_code_goes_through_its_stages_and_gives_a_cookie_that_works() {
    let sim = start(Tree::Empty).await;
    sim.behave(|behaviours| behaviours.login_hold_ms = 20);
    let token = token(&sim).await;
    let uid = token["uid"].as_str().unwrap();
    assert_eq!((uid.len(), token["sign"].as_str().unwrap().len()), (40, 32));
    assert_eq!(token["qrcode"], format!("https://115.com/scan/dg-{uid}"));
    assert_eq!(sim.login_qr().as_deref(), token["qrcode"].as_str());
    let quiet = json!({"state": 1, "code": 0, "message": "", "data": {}});
    assert_eq!(status(&sim, &token).await, quiet);
    assert_eq!(redeem(&sim, "alipaymini", &token).await["state"], 0);
    assert!(sim.act_on_login(LoginAction::Scan));
    assert_eq!(status(&sim, &token).await["data"]["status"], 1);
    assert_eq!(status(&sim, &token).await, quiet, "it was told already");
    assert!(sim.act_on_login(LoginAction::Confirm));
    assert_eq!(status(&sim, &token).await["data"]["status"], 2);
    let answer = redeem(&sim, "tv", &token).await;
    assert_eq!((&answer["state"], &answer["data"]["user_id"]), (&json!(1), &json!(123_456_789)));
    let cookie = cookie(&answer);
    assert!(cookie.contains("UID=123456789_I1_"), "{cookie}");
    assert!(takes(&sim, &cookie).await && takes(&sim, &sim.cookie()).await);
    let again = redeem(&sim, "tv", &token).await;
    assert_eq!(
        (&again["state"], &again["code"], &again["data"]),
        (&json!(0), &json!(40_199_002), &json!({}))
    );
    assert!(!sim.act_on_login(LoginAction::Scan));
}

#[tokio::test]
async fn a_status_call_is_held_until_something_happens() {
    let sim = start(Tree::Empty).await;
    let token = token(&sim).await;
    let (answer, ()) = tokio::join!(status(&sim, &token), async {
        while sim.calls("login_status") == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        assert!(sim.act_on_login(LoginAction::Scan));
    });
    assert_eq!(answer["data"]["status"], 1);
    assert!(sim.act_on_login(LoginAction::Cancel));
    assert_eq!(status(&sim, &token).await["data"]["status"], -2);
    assert_eq!(redeem(&sim, "web", &token).await["code"], 50_199_004);
}

#[tokio::test]
async fn a_code_expires_by_the_clock_even_while_it_is_asked_about() {
    let sim = start(Tree::Empty).await;
    let token = token(&sim).await;
    let (answer, ()) = tokio::join!(status(&sim, &token), async {
        sim.advance(Duration::from_secs(301));
    });
    assert_eq!((&answer["state"], &answer["data"]["status"]), (&json!(1), &json!(-1)));
    sim.behave(|behaviours| behaviours.login_expiry_refused = true);
    let refused = status(&sim, &token).await;
    assert_eq!((&refused["state"], &refused["code"]), (&json!(0), &json!(40_199_002)));
    let unknown = json!({"uid": "0", "time": 1, "sign": "0"});
    assert_eq!(status(&sim, &unknown).await["state"], 0);
}

#[tokio::test]
async fn nothing_new_is_said_in_three_ways() {
    let sim = start(Tree::Empty).await;
    let token = token(&sim).await;
    for (form, expected) in [
        (QuietStatus::Empty, json!({})),
        (QuietStatus::List, json!([])),
        (QuietStatus::Waiting, json!({"msg": "等待扫码", "status": 0, "version": "2.0"})),
    ] {
        sim.behave(|behaviours| {
            behaviours.login_hold_ms = 10;
            behaviours.login_quiet_status = form;
        });
        assert_eq!(status(&sim, &token).await["data"], expected);
    }
}

async fn confirmed(sim: &Sim) -> Value {
    let token = token(sim).await;
    assert!(sim.act_on_login(LoginAction::Confirm));
    token
}

#[tokio::test]
async fn a_login_ends_the_older_ones_of_its_application_and_user_alone() {
    let sim = start(Tree::Empty).await;
    let (main, tv) = (sim.cookie(), sim.sign_in("I1"));
    let token = confirmed(&sim).await;
    let new = cookie(&redeem(&sim, "alipaymini", &token).await);
    sim.advance(Duration::from_secs(61));
    assert!(takes(&sim, &new).await && takes(&sim, &tv).await && !takes(&sim, &main).await);
    sim.behave(|behaviours| behaviours.login_user_id = 987_654_321);
    let token = confirmed(&sim).await;
    let foreign = cookie(&redeem(&sim, "alipaymini", &token).await);
    sim.advance(Duration::from_secs(61));
    assert!(foreign.contains("UID=987654321_R2_") && takes(&sim, &foreign).await && takes(&sim, &new).await);
}

#[tokio::test]
async fn closed_applications_are_refused_and_the_code_stays_good() {
    let sim = start(Tree::Empty).await;
    let token = confirmed(&sim).await;
    for app in ["windows", "mac", "linux", "nonsense"] {
        let refused = redeem(&sim, app, &token).await;
        assert_eq!(
            (&refused["state"], &refused["message"]),
            (&json!(0), &json!("登录失败，系统已下架")),
            "{app}"
        );
        assert!(refused["code"] != 0 && refused["code"] == refused["errno"]);
    }
    sim.behave(|behaviours| {
        behaviours.login_dead_apps = BTreeSet::from(["os_linux".to_owned()]);
        behaviours.login_mixing_refused = true;
    });
    assert_eq!(redeem(&sim, "os_linux", &token).await["state"], 0);
    assert_eq!(redeem(&sim, "tv", &token).await["state"], 0, "the code is of web");
    assert!(cookie(&redeem(&sim, "wechatmini", &token).await).contains("_R1_"));
}

#[tokio::test]
async fn kinds_of_ios_are_told_by_their_agent_and_both_hosts_redeem() {
    let sim = start(Tree::Empty).await;
    let path = "/qrcodeapi.115.com/app/1.0/ios/1.0/login/qrcode";
    for (agent, code) in [("UPhone/1.0.0", "_D1_"), ("OfficePad/1.0.0", "_O1_"), ("other", "_D1_")] {
        let token = confirmed(&sim).await;
        assert!(cookie(&redeem_at(&sim, path, &token["uid"], agent).await).contains(code), "{agent}");
    }
}

#[tokio::test]
async fn the_picture_is_a_png_and_that_of_an_unknown_code_a_refusal() {
    let sim = start(Tree::Empty).await;
    let uid = token(&sim).await["uid"].as_str().unwrap().to_owned();
    let path = "/qrcodeapi.115.com/api/1.0/web/1.0/qrcode?uid=";
    let picture = get_with(&sim, &format!("{path}{uid}"), &[]).await;
    assert!(picture.header("content-type") == "image/png" && picture.body.starts_with(b"\x89PNG"));
    assert_eq!(get_with(&sim, &format!("{path}0"), &[]).await.json()["state"], 0);
}

#[tokio::test]
async fn faults_and_jitter_strike_these_calls_too() {
    let sim = start(Tree::Empty).await;
    let token = token(&sim).await;
    sim.fault(FaultRule::nth("login_status", 1, Fault::Reset));
    assert!(exchange(&sim, "GET", &status_path(&token), &[], "").await.is_none());
    sim.fault(FaultRule::nth("login_redeem", 1, Fault::Json { errno: 40_101_004, message: "IP".to_owned() }));
    let refused = redeem(&sim, "web", &token).await;
    assert_eq!((&refused["state"], &refused["errno"]), (&json!(0), &json!(40_101_004)));
    sim.behave(|behaviours| behaviours.type_jitter = true);
    let mut texts = BTreeSet::new();
    for _ in 0..32 {
        texts.insert(get_with(&sim, TOKEN, &[]).await.json()["data"]["time"].is_string());
    }
    assert_eq!(texts.len(), 2, "the time comes as a number and as a text");
}

#[tokio::test]
async fn the_control_api_plays_the_phone() {
    let sim = start(Tree::Empty).await;
    let act = async |body: &str| exchange(&sim, "POST", "/__sim/login", &[], body).await.unwrap();
    assert_eq!(act(r#"{"action": "scan"}"#).await.status, 409);
    let token = token(&sim).await;
    assert_eq!(act(r#"{"action": "scan"}"#).await.json()["qrcodes"][0]["stage"], "scanned");
    assert_eq!(act(r#"{"action": "confirm", "uid": "0"}"#).await.status, 409);
    let body = format!(r#"{{"action": "confirm", "uid": {}}}"#, token["uid"]);
    assert_eq!(act(&body).await.json()["qrcodes"][0]["stage"], "confirmed");
    let cookie = cookie(&redeem(&sim, "ios", &token).await);
    let shown = get_with(&sim, "/__sim/login", &[]).await.json()["qrcodes"][0].clone();
    assert_eq!(
        (&shown["stage"], shown["cookie"].as_str().unwrap().contains("_D1_")),
        (&json!("spent"), true)
    );
    assert!(takes(&sim, &cookie).await);
    assert_eq!(act(r#"{"action": "nonsense"}"#).await.status, 400);
}
