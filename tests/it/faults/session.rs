//! Cookies that die, and what brings the account back: another cookie, and never a restart.

use std::path::{Path, PathBuf};

use dav115::config::{Config, Credential};
use sim115::{Fault, FaultRule, Sim};
use tempfile::TempDir;

use super::Pause::Exactly;
use super::Way::{Head, Propfind, Proxy, Redirect};
use super::{account, assert_failed, assert_state};
use crate::harness::{Gateway, configuration};

const SIGNED_OUT: &str = "the account main is signed out";

/// Moves the cookie out of the configuration into a file.
fn into_file(path: &Path) -> impl FnOnce(&mut Config) {
    move |config| {
        let from_file = Credential::CookieFile(path.to_owned());
        match std::mem::replace(&mut config.accounts[0].credential, from_file) {
            Credential::Cookie(cookie) => std::fs::write(path, cookie.expose()).unwrap(),
            Credential::CookieFile(_) => panic!("it is there already"),
        }
    }
}

fn folder_and_file() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cookie.txt");
    (folder, path)
}

#[tokio::test]
async fn an_expired_cookie_costs_one_call_until_it_is_replaced() {
    let (_folder, path) = folder_and_file();
    for way in [Propfind, Head, Redirect, Proxy] {
        let gateway = super::gateway(into_file(&path)).await;
        gateway.sim.expire_cookie();
        for cost in [&[("files", 1)][..], &[], &[]] {
            assert_failed(&way.go(&gateway).await, 503, Exactly(60), SIGNED_OUT);
            gateway.assert_calls(cost);
        }
        assert_state(account(&gateway).await, "signed_out", "登录超时，请重新登录");
        std::fs::write(&path, gateway.sim.renew_cookie()).unwrap();
        way.assert_true(&gateway, &way.go(&gateway).await);
        gateway.assert_calls(&way.cost(true));
        assert_state(account(&gateway).await, "signed_in", "");
    }
}

/// Another login of the same app ends a session at once where links come from, and where listings come from a while later.
#[tokio::test]
async fn a_cookie_that_another_login_ended_is_not_used_for_listings_either() {
    let (_folder, path) = folder_and_file();
    let gateway = super::gateway(into_file(&path)).await;
    super::warm_up(&gateway).await;
    gateway.sim.kick_cookie();
    assert_failed(&Redirect.go(&gateway).await, 503, Exactly(60), SIGNED_OUT);
    gateway.assert_calls(&[("downurl", 1)]);
    assert_failed(&gateway.propfind("/folder", "1").await, 503, Exactly(60), SIGNED_OUT);
    // What is known already is still shown.
    Propfind.assert_true(&gateway, &Propfind.go(&gateway).await);
    Head.assert_true(&gateway, &Head.go(&gateway).await);
    gateway.assert_calls(&[]);
    std::fs::write(&path, gateway.sim.renew_cookie()).unwrap();
    assert_eq!(gateway.propfind("/folder", "1").await.status, 207);
    Redirect.assert_true(&gateway, &Redirect.go(&gateway).await);
    gateway.assert_calls(&[("files", 1), ("downurl", 1)]);
}

#[tokio::test]
async fn the_first_of_many_calls_under_way_tells_the_others() {
    let gateway = super::gateway(|_| {}).await;
    super::warm_up(&gateway).await;
    gateway.sim.behave(|behaviours| behaviours.latency_ms.insert("*".to_owned(), 100));
    gateway.sim.fault(FaultRule::every("*", Fault::LoggedOut));
    let (listing, link) = tokio::join!(gateway.propfind("/folder", "1"), Redirect.go(&gateway));
    assert_failed(&listing, 503, Exactly(60), SIGNED_OUT);
    assert_failed(&link, 503, Exactly(60), SIGNED_OUT);
    gateway.assert_calls(&[("files", 1), ("downurl", 1)]);
}

/// A gateway that finds `text` in its cookie file when it starts, or no file.
async fn start_with(sim: Sim, path: &Path, text: Option<&str>) -> Gateway {
    let mut config = configuration(&sim);
    into_file(path)(&mut config);
    match text {
        Some(text) => std::fs::write(path, text).unwrap(),
        None => std::fs::remove_file(path).unwrap(),
    }
    let gateway = Gateway::launch(sim, &config).await;
    gateway.wait_for_first_look().await;
    gateway
}

#[tokio::test]
async fn a_start_with_a_dead_cookie_waits_for_a_better_one() {
    let (_folder, path) = folder_and_file();
    let sim = super::sim().await;
    sim.expire_cookie();
    let dead = sim.cookie();
    let gateway = start_with(sim, &path, Some(&dead)).await;
    gateway.assert_calls(&[("index_info", 1)]);
    assert_state(account(&gateway).await, "signed_out", "登录超时，请重新登录");
    for way in [Propfind, Head, Redirect, Proxy] {
        assert_failed(&way.go(&gateway).await, 503, Exactly(60), SIGNED_OUT);
    }
    assert_eq!(gateway.get("/healthz", &[]).await.status, 200);
    gateway.assert_calls(&[]);
    std::fs::write(&path, gateway.sim.renew_cookie()).unwrap();
    Proxy.assert_true(&gateway, &Proxy.go(&gateway).await);
    gateway.assert_calls(&Proxy.cost(true));
    assert_state(account(&gateway).await, "signed_in", "");
}

#[tokio::test]
async fn a_start_without_a_usable_cookie_says_what_is_missing_and_asks_nothing() {
    for (text, says) in [
        (None, "cannot read the cookie file"),
        (Some(""), "the cookie has no UID"),
        // 115 answers such a cookie with folders that are empty.
        (Some("UID=1_R2_1; SEID=s; KID=k"), "the cookie has no CID"),
        (Some("UID=1; CID=c; SEID=s"), "does not look like 123456789_R2_1764000000"),
    ] {
        let (_folder, path) = folder_and_file();
        let gateway = start_with(super::sim().await, &path, text).await;
        assert_state(account(&gateway).await, "signed_out", says);
        for way in [Propfind, Head, Redirect, Proxy] {
            assert_failed(&way.go(&gateway).await, 503, Exactly(60), says);
        }
        gateway.assert_calls(&[]);
        std::fs::write(&path, gateway.sim.cookie()).unwrap();
        Propfind.assert_true(&gateway, &Propfind.go(&gateway).await);
        assert_state(account(&gateway).await, "signed_in", "");
    }
}

#[tokio::test]
async fn a_cookie_file_that_goes_away_changes_nothing() {
    let (_folder, path) = folder_and_file();
    let gateway = super::gateway(into_file(&path)).await;
    std::fs::remove_file(&path).unwrap();
    Propfind.assert_true(&gateway, &Propfind.go(&gateway).await);
    // And one that cannot be a cookie is told of, not sent.
    std::fs::write(&path, "nonsense").unwrap();
    assert_failed(&gateway.propfind("/folder", "1").await, 503, Exactly(60), "the cookie has no UID");
    std::fs::write(&path, gateway.sim.cookie()).unwrap();
    assert_eq!(gateway.propfind("/folder", "1").await.status, 207);
    gateway.assert_calls(&[("files", 2)]);
}

#[tokio::test]
async fn a_cookie_file_that_cannot_be_read_for_a_while_needs_no_other_cookie() {
    let (_folder, path) = folder_and_file();
    let gateway = super::gateway(into_file(&path)).await;
    std::fs::write(&path, b"\xff\xfe in no encoding of ours").unwrap();
    assert_failed(&Propfind.go(&gateway).await, 503, Exactly(60), "cannot read the cookie file");
    assert_state(account(&gateway).await, "signed_out", "cannot read the cookie file");
    std::fs::write(&path, gateway.sim.cookie()).unwrap();
    Propfind.assert_true(&gateway, &Propfind.go(&gateway).await);
    assert_state(account(&gateway).await, "signed_in", "");
    gateway.assert_calls(&[("files", 1)]);
}

#[tokio::test]
async fn a_blocked_address_is_left_alone_on_every_host_until_midnight_in_china() {
    let gateway = super::gateway(|_| {}).await;
    super::warm_up(&gateway).await;
    let blocked = Fault::Json { errno: 40_101_004, message: "IP登录异常".to_owned() };
    gateway.sim.fault(FaultRule::nth("downurl", 1, blocked));
    for _ in 0..2 {
        let answer = Redirect.go(&gateway).await;
        assert_eq!(answer.status, 503);
        assert!(
            answer.text().contains("before midnight in China, and says “IP登录异常”"),
            "{}",
            answer.text()
        );
        assert!((1..=24 * 3600 + 1).contains(&answer.retry_after().unwrap()));
    }
    assert_eq!(gateway.propfind("/folder", "1").await.status, 503);
    gateway.assert_calls(&[("downurl", 1)]);
    assert_state(account(&gateway).await, "blocked", "before midnight in China");
}
