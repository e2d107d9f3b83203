//! Signing in by QR code, as `dav115 login` does it, against every way it can end.

use std::time::Duration;

use dav115::app::{SignIn, probe};
use dav115::config::Config;
use dav115::model::{LoginApp, Secret};
use dav115::pan115::{ErrorKind, Pan115Error, QrCode, QrState};
use dav115::transport::TransportErrorKind;
use sim115::{Fault, FaultRule, LoginAction, Options, QuietStatus, Sim, Tree};
use tokio::net::TcpListener;

use crate::harness::{configuration, simulator};

const APP: LoginApp = LoginApp::AlipayMini;

/// A simulator that does not hold calls for long, the configuration that leads to it, and what signs in.
async fn sign_in() -> (Sim, Config, SignIn) {
    let sim = simulator(Tree::Empty).await;
    sim.behave(|behaviours| behaviours.login_hold_ms = 20);
    let config = configuration(&sim);
    let sign_in = SignIn::new(&config).unwrap();
    (sim, config, sign_in)
}

/// A QR code that the phone has confirmed.
async fn confirmed(sim: &Sim, sign_in: &SignIn) -> QrCode {
    let code = sign_in.code(APP).await.unwrap();
    assert!(sim.act_on_login(LoginAction::Confirm));
    code
}

async fn refusal(sign_in: &SignIn, uid: &Secret, app: LoginApp) -> Pan115Error {
    sign_in.redeem(uid, app).await.unwrap_err()
}

#[tokio::test]
async fn a_code_leads_to_a_cookie_that_115_takes() {
    let (sim, config, sign_in) = sign_in().await;
    sim.behave(|behaviours| {
        behaviours.type_jitter = true;
        // Each app must ask for its own kind of code.
        behaviours.login_mixing_refused = true;
    });
    for app in LoginApp::ALL {
        let code = sign_in.code(app).await.unwrap();
        assert_eq!(Some(code.content().expose()), sim.login_qr().as_deref());
        assert!(sim.act_on_login(LoginAction::Confirm));
        let login = sign_in.redeem(code.uid(), app).await.unwrap();
        assert_eq!((login.cookie.app(), login.cookie.user()), (app.slot(), "123456789"));
        assert_eq!(login.user_name.as_deref(), Some("someone"));
        let space = probe(&config, "main", &login.cookie).await.unwrap();
        assert_eq!((space.used, space.left), (0, 15 << 40));
        assert!(!format!("{login:?}").contains("SEID="), "{login:?}");
    }
    let foreign =
        sim.ledger().into_iter().filter(|entry| entry.endpoint.starts_with("login") && !entry.uid.is_empty());
    assert_eq!(foreign.count(), 0, "no cookie goes to the hosts that sign in");
}

#[tokio::test]
async fn a_code_tells_what_becomes_of_it() {
    let (sim, _, sign_in) = sign_in().await;
    sim.behave(|behaviours| behaviours.type_jitter = true);
    let code = sign_in.code(APP).await.unwrap();
    assert_eq!(sign_in.state(&code).await.unwrap(), None);
    assert!(sim.act_on_login(LoginAction::Scan));
    assert_eq!(sign_in.state(&code).await.unwrap(), Some(QrState::Scanned));
    assert!(sim.act_on_login(LoginAction::Confirm));
    assert_eq!(sign_in.state(&code).await.unwrap(), Some(QrState::Confirmed));
}

#[tokio::test]
async fn a_code_that_ends_says_how() {
    let (sim, _, sign_in) = sign_in().await;
    for refused in [false, true] {
        sim.behave(|behaviours| behaviours.login_expiry_refused = refused);
        let code = sign_in.code(APP).await.unwrap();
        assert!(sim.act_on_login(LoginAction::Expire));
        assert_eq!(sign_in.state(&code).await.unwrap(), Some(QrState::Expired), "{refused}");
    }
    let code = sign_in.code(APP).await.unwrap();
    assert!(sim.act_on_login(LoginAction::Scan) && sim.act_on_login(LoginAction::Cancel));
    assert_eq!(sign_in.state(&code).await.unwrap(), Some(QrState::Cancelled));
    // Without a word that anybody has described, but still a refusal.
    sim.fault(FaultRule::every("login_status", Fault::Json { errno: 0, message: "请重新登录".to_owned() }));
    assert_eq!(sign_in.state(&code).await.unwrap(), Some(QrState::Expired));
}

#[tokio::test]
async fn silence_is_no_news_in_every_form() {
    let (sim, _, sign_in) = sign_in().await;
    let code = sign_in.code(APP).await.unwrap();
    for form in [QuietStatus::Empty, QuietStatus::List, QuietStatus::Waiting] {
        sim.behave(|behaviours| behaviours.login_quiet_status = form);
        let state = sign_in.state(&code).await.unwrap();
        assert!(matches!(state, None | Some(QrState::Waiting)), "{form:?}: {state:?}");
    }
}

#[tokio::test]
async fn a_call_that_is_held_outlasts_the_time_that_others_may_take() {
    let sim = simulator(Tree::Empty).await;
    sim.behave(|behaviours| behaviours.login_hold_ms = 1500);
    let mut config = configuration(&sim);
    config.limits.attempt_timeout = Duration::from_millis(300);
    config.limits.read_timeout = Duration::from_millis(300);
    config.limits.deadline = Duration::from_millis(600);
    let sign_in = SignIn::new(&config).unwrap();
    let code = sign_in.code(APP).await.unwrap();
    assert_eq!(sign_in.state(&code).await.unwrap(), None);
    assert_eq!(sim.calls("login_status"), 1);
}

#[tokio::test]
async fn a_connection_that_breaks_while_a_call_is_held_costs_another_call_and_no_news() {
    let (sim, _, sign_in) = sign_in().await;
    let code = sign_in.code(APP).await.unwrap();
    sim.fault(FaultRule::nth("login_status", 1, Fault::Delay(Duration::from_millis(200))));
    sim.fault(FaultRule::nth("login_status", 1, Fault::Reset));
    assert!(sim.act_on_login(LoginAction::Scan));
    assert_eq!(sign_in.state(&code).await.unwrap(), Some(QrState::Scanned));
    assert_eq!(sim.calls("login_status"), 2);
}

#[tokio::test]
async fn a_firewall_page_is_told_as_such() {
    let (sim, _, sign_in) = sign_in().await;
    let code = sign_in.code(APP).await.unwrap();
    sim.fault(FaultRule::nth("login_status", 1, Fault::Waf405));
    let error = sign_in.state(&code).await.unwrap_err();
    assert!(matches!(error.kind, ErrorKind::Blocked { .. }) && error.message.contains("firewall"), "{error}");
    assert!(error.message.contains("this network address"), "{error}");
}

#[tokio::test]
async fn a_refused_code_says_why_and_shows_nothing_of_the_code() {
    let (sim, _, sign_in) = sign_in().await;
    let code = sign_in.code(APP).await.unwrap();
    let waiting = refusal(&sign_in, code.uid(), APP).await;
    assert!(waiting.message.contains("must be scanned and confirmed"), "{waiting}");
    assert!(sim.act_on_login(LoginAction::Confirm));
    sim.behave(|behaviours| behaviours.login_dead_apps.insert("tv".to_owned()));
    let dead = refusal(&sign_in, code.uid(), LoginApp::Tv).await;
    for word in ["closed the logins of the app tv", "another app", "系统已下架"] {
        assert!(dead.message.contains(word), "{dead}");
    }
    sign_in.redeem(code.uid(), APP).await.unwrap();
    let spent = refusal(&sign_in, code.uid(), APP).await;
    assert!(spent.kind == ErrorKind::Gone && spent.message.contains("used before"), "{spent}");
    for error in [waiting, dead, spent] {
        assert!(!format!("{error:?}").contains(code.uid().expose()), "{error:?}");
    }
}

#[tokio::test]
async fn a_closed_app_is_known_by_its_words_even_without_a_number() {
    let (sim, _, sign_in) = sign_in().await;
    let code = confirmed(&sim, &sign_in).await;
    for errno in [0, 12_345, 40_101_032] {
        let fault = Fault::Json { errno, message: "登录失败，系统已下架".to_owned() };
        sim.fault(FaultRule::nth("login_redeem", 1, fault));
        let error = refusal(&sign_in, code.uid(), LoginApp::Web).await;
        assert!(error.message.contains("closed the logins of the app web"), "{errno}: {error}");
        sim.clear_faults();
    }
}

#[tokio::test]
async fn an_address_that_115_blocks_is_told_until_when() {
    let (sim, _, sign_in) = sign_in().await;
    let code = confirmed(&sim, &sign_in).await;
    let fault = Fault::Json { errno: 40_101_004, message: "IP登录异常".to_owned() };
    sim.fault(FaultRule::nth("login_redeem", 1, fault));
    let error = refusal(&sign_in, code.uid(), APP).await;
    assert!(error.message.contains("before midnight in China"), "{error}");
}

#[tokio::test]
async fn redeeming_is_not_repeated_once_it_may_have_arrived() {
    for fault in [Fault::Reset, Fault::Status(502), Fault::Garbage, Fault::EmptyBody] {
        let (sim, _, sign_in) = sign_in().await;
        let code = confirmed(&sim, &sign_in).await;
        sim.fault(FaultRule::nth("login_redeem", 1, fault.clone()));
        let error = refusal(&sign_in, code.uid(), APP).await;
        assert_eq!(sim.calls("login_redeem"), 1, "{fault:?}");
        assert!(error.message.contains("may have signed in all the same"), "{fault:?}: {error}");
    }
}

#[tokio::test]
async fn redeeming_is_repeated_while_no_connection_can_be_made() {
    let (_sim, mut config, _) = sign_in().await;
    // A port on which nobody listens yet.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    config.upstream.base_url = Some(format!("http://{address}"));
    config.limits.retries = 1;
    let uid = Secret::new("abcdef");
    let nowhere = SignIn::new(&config).unwrap();
    let error = refusal(&nowhere, &uid, APP).await;
    assert_eq!(error.kind, ErrorKind::Transport(TransportErrorKind::Connect), "{error}");
    assert!(
        error.message.contains("cannot reach") && !error.message.contains("may have signed in"),
        "{error}"
    );

    config.limits.retries = 10;
    let patient = SignIn::new(&config).unwrap();
    let late = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        Sim::serve(TcpListener::bind(address).await.unwrap(), Options::default()).await.unwrap()
    };
    let (error, late) = tokio::join!(refusal(&patient, &uid, APP), late);
    assert!(error.message.contains("must be scanned and confirmed"), "{error}");
    assert_eq!(late.calls("login_redeem"), 1);
}

#[tokio::test]
async fn a_new_login_ends_the_older_one_of_its_slot_alone() {
    let (sim, config, sign_in) = sign_in().await;
    let code = confirmed(&sim, &sign_in).await;
    let tv = sign_in.redeem(code.uid(), LoginApp::Tv).await.unwrap().cookie;
    let code = confirmed(&sim, &sign_in).await;
    let first = sign_in.redeem(code.uid(), APP).await.unwrap().cookie;
    sim.advance(Duration::from_secs(61));
    let code = confirmed(&sim, &sign_in).await;
    let second = sign_in.redeem(code.uid(), APP).await.unwrap().cookie;
    sim.advance(Duration::from_secs(61));
    for (cookie, is_good) in [(&tv, true), (&first, false), (&second, true)] {
        assert_eq!(probe(&config, "main", cookie).await.is_ok(), is_good, "{cookie:?}");
    }
}
