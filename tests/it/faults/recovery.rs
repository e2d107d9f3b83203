//! How the gateway comes back by itself: after a block, and after 115 could not be reached.

use std::net::SocketAddr;
use std::time::Duration;

use dav115::model::DownloadPolicy;
use futures_util::future::join_all;
use sim115::{Fault, FaultRule, Tree};
use tokio::net::{TcpListener, TcpStream};

use super::Pause::{Exactly, From};
use super::Way::{Head, Propfind, Proxy, Redirect};
use super::{account, assert_failed, assert_state};
use crate::harness::{Answer, Gateway, background, configuration, eventually, propfind};

/// Long enough for what must happen within it on a slow machine.
const PAUSE: Duration = Duration::from_secs(2);
const SPACE: &str = r#"<propfind xmlns="DAV:"><prop><quota-used-bytes/></prop></propfind>"#;
const KEPT_AWAY: &str = "115 is throttling the account main until";

/// A gateway with many folders to list, which keeps away from 115 for a short while only.
async fn grid() -> Gateway {
    let gateway = Gateway::with(Tree::Grid { folders: 20, files: 1 }, |config| {
        config.mounts[0].download = DownloadPolicy::Redirect;
        config.limits.block_pause = PAUSE;
    })
    .await;
    gateway.propfind("/", "1").await;
    gateway.take_calls();
    gateway
}

async fn list(gateway: &Gateway, folders: std::ops::Range<usize>) -> Vec<Answer> {
    join_all(folders.map(async |folder| gateway.propfind(&format!("/folder-{folder:04}"), "1").await)).await
}

async fn wait_for_the_pause_to_end(gateway: &Gateway) {
    tokio::time::sleep(PAUSE + Duration::from_millis(50)).await;
    // So that the call that goes to see is still under way when the others come.
    gateway.sim.behave(|behaviours| behaviours.latency_ms.insert("files".to_owned(), 300));
}

#[tokio::test]
async fn after_a_block_one_call_goes_to_see_and_then_all_may_follow() {
    let gateway = grid().await;
    gateway.sim.fault(FaultRule::nth("files", 1, Fault::Waf405));
    assert_failed(&gateway.propfind("/folder-0000", "1").await, 503, From(2), KEPT_AWAY);
    assert_state(account(&gateway).await, "blocked", "115's firewall blocks the account main");
    gateway.assert_calls(&[("files", 1)]);

    wait_for_the_pause_to_end(&gateway).await;
    let answers = list(&gateway, 0..10).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 207).count(), 1);
    for answer in answers.iter().filter(|answer| answer.status != 207) {
        assert_failed(answer, 503, From(2), KEPT_AWAY);
    }
    gateway.assert_calls(&[("files", 1)]);
    assert_state(account(&gateway).await, "signed_in", "");
    assert!(list(&gateway, 10..20).await.iter().all(|answer| answer.status == 207));
    gateway.assert_calls(&[("files", 10)]);
}

#[tokio::test]
async fn calls_that_set_out_together_may_all_meet_the_page_and_no_others_do() {
    let gateway = grid().await;
    gateway.sim.fault(FaultRule::every("files", Fault::Waf405));
    assert!(list(&gateway, 0..10).await.iter().all(|answer| answer.status == 503));
    let calls = gateway.take_calls();
    assert!(calls.len() == 1 && (1..=10).contains(&calls["files"]), "{calls:?}");
    assert!(list(&gateway, 10..20).await.iter().all(|answer| answer.status == 503));
    gateway.assert_calls(&[]);
    gateway.sim.clear_faults();
    wait_for_the_pause_to_end(&gateway).await;
    assert_eq!(gateway.propfind("/folder-0000", "1").await.status, 207);
    gateway.assert_calls(&[("files", 1)]);
}

#[tokio::test]
async fn a_second_page_of_the_firewall_shuts_the_gate_again() {
    let gateway = grid().await;
    gateway.sim.fault(FaultRule::nth("files", 1, Fault::Waf405));
    gateway.propfind("/folder-0000", "1").await;
    gateway.take_calls();
    wait_for_the_pause_to_end(&gateway).await;
    gateway.sim.fault(FaultRule::nth("files", 1, Fault::Waf405));
    assert!(list(&gateway, 0..10).await.iter().all(|answer| answer.status == 503));
    gateway.assert_calls(&[("files", 1)]);
    assert!(list(&gateway, 0..10).await.iter().all(|answer| answer.retry_after().is_some()));
    gateway.assert_calls(&[]);

    wait_for_the_pause_to_end(&gateway).await;
    gateway.sim.fault(FaultRule::nth("files", 1, Fault::LoggedOut));
    let answer = gateway.propfind("/folder-0000", "1").await;
    assert_failed(&answer, 503, Exactly(60), "signed out");
    assert_state(account(&gateway).await, "signed_out", "");
}

#[tokio::test]
async fn a_block_of_one_host_is_forgotten_when_it_is_over_though_nobody_calls_there() {
    let gateway = super::gateway(|config| config.limits.block_pause = PAUSE).await;
    super::warm_up(&gateway).await;
    gateway.sim.fault(FaultRule::nth("downurl", 1, Fault::Waf405));
    assert_failed(&Redirect.go(&gateway).await, 503, From(2), KEPT_AWAY);
    assert_state(account(&gateway).await, "blocked", "firewall");
    gateway.take_calls();
    tokio::time::sleep(PAUSE).await;
    assert_state(account(&gateway).await, "signed_in", "");
    gateway.assert_calls(&[]);
}

#[tokio::test]
async fn a_space_that_cannot_be_had_is_asked_for_rarely_and_the_last_known_one_told() {
    let known = "<D:quota-used-bytes>";
    let gateway = super::gateway(|config| config.quota.ttl = Duration::ZERO).await;
    super::warm_up(&gateway).await;
    let answer = gateway.send(propfind(), "/", &[("depth", "0")], SPACE).await;
    assert!(answer.text().contains(known), "{}", answer.text());
    gateway.assert_calls(&[("index_info", 1)]);
    gateway.sim.fault(FaultRule::every("index_info", Fault::Running990009));
    for _ in 0..5 {
        let answer = gateway.send(propfind(), "/", &[("depth", "1")], SPACE).await;
        assert!(answer.text().contains(known) && !answer.text().contains("503 "), "{}", answer.text());
    }
    gateway.assert_calls(&[("index_info", 2)]);
}

#[tokio::test]
async fn a_space_that_is_slow_to_come_holds_up_no_listing() {
    let gateway = super::gateway(|_| {}).await;
    super::warm_up(&gateway).await;
    gateway.sim.behave(|behaviours| behaviours.latency_ms.insert("index_info".to_owned(), 5000));
    let answer = gateway.send(propfind(), "/", &[("depth", "1")], SPACE).await;
    assert!(answer.status == 207 && answer.text().contains("503 Service Unavailable"), "{}", answer.text());
    eventually("the space has come", async || {
        let answer = gateway.send(propfind(), "/", &[("depth", "0")], SPACE).await;
        answer.text().contains("<D:quota-used-bytes>")
    })
    .await;
    gateway.assert_calls(&[("index_info", 1)]);
}

/// A port that leads to `upstream`, once someone listens on it.
async fn relay(listener: TcpListener, upstream: SocketAddr) {
    while let Ok((mut near, _)) = listener.accept().await {
        background(async move {
            let mut far = TcpStream::connect(upstream).await.unwrap();
            let _ = tokio::io::copy_bidirectional(&mut near, &mut far).await;
        });
    }
}

#[tokio::test]
async fn a_start_without_a_way_to_115_ends_well_as_soon_as_there_is_one() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap();
    drop(listener);
    let sim = super::sim().await;
    let mut config = configuration(&sim);
    config.upstream.base_url = Some(format!("http://{port}"));
    config.limits.retries = 0;
    let gateway = Gateway::launch(sim, &config).await;
    gateway.wait_for_first_look().await;
    assert_state(account(&gateway).await, "unreachable", "cannot reach webapi.115.com");
    for way in [Propfind, Head, Redirect, Proxy] {
        let says = "cannot reach webapi.115.com: no connection could be made";
        assert_failed(&way.go(&gateway).await, 503, Exactly(10), says);
    }
    assert_eq!(gateway.get("/healthz", &[]).await.status, 200);

    let served = background(relay(TcpListener::bind(port).await.unwrap(), gateway.sim.address()));
    Propfind.assert_true(&gateway, &Propfind.go(&gateway).await);
    Proxy.assert_true(&gateway, &Proxy.go(&gateway).await);
    gateway.assert_calls(&Proxy.cost(true));
    assert_state(account(&gateway).await, "signed_in", "");
    served.abort();
}

#[tokio::test]
async fn readiness_follows_every_state_there_and_back() {
    let gateway = super::gateway(|config| {
        config.limits.block_pause = PAUSE;
        config.limits.retries = 0;
        config.quota.ttl = Duration::ZERO;
    })
    .await;
    for (fault, state, says) in [
        (Fault::Reset, "unreachable", "cannot reach webapi.115.com"),
        (Fault::Waf405, "blocked", "firewall"),
        // The failure of one call says nothing of the account.
        (Fault::Running990009, "signed_in", ""),
        (Fault::TooMany429, "throttled", "115 throttles the account main"),
    ] {
        gateway.sim.fault(FaultRule::nth("files", 1, fault.clone()));
        assert_eq!(gateway.propfind("/folder", "1").await.status, 503, "{fault:?}");
        assert_state(account(&gateway).await, state, says);
        let ready = gateway.get("/readyz", &[]).await;
        assert!(ready.text().contains("last_error") && !ready.text().contains("<html"), "{}", ready.text());
        gateway.sim.clear_faults();
        if fault == Fault::TooMany429 {
            let answer = gateway.propfind("/folder", "1").await;
            assert_failed(&answer, 503, From(60), KEPT_AWAY);
            continue;
        }
        tokio::time::sleep(if matches!(state, "throttled" | "blocked") { PAUSE } else { Duration::ZERO })
            .await;
        // Any call that goes well will do, such as the one for the space of the account.
        let space = gateway.send(propfind(), "/", &[("depth", "0")], SPACE).await;
        assert!(space.text().contains("quota-used-bytes>"), "{}", space.text());
        assert_state(account(&gateway).await, "signed_in", "");
    }
}
