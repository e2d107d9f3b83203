//! Tests of the firewall and of the scripted faults of the API hosts.

use std::time::Duration;

use serde_json::json;

use super::client::{exchange, get, get_with, start};
use crate::{Fault, FaultRule, Sim, Tree, WafScope};

const FILES: &str = "/webapi.115.com/files?cid=0";
const APS: &str = "/aps.115.com/natsort/files.php?cid=0";

async fn statuses(sim: &Sim, target: &str, times: usize) -> Vec<u16> {
    let mut seen = Vec::new();
    for _ in 0..times {
        seen.push(get(sim, target).await.status);
    }
    seen
}

#[tokio::test]
async fn the_third_call_is_struck() {
    let sim = start(Tree::Demo).await;
    sim.fault(FaultRule {
        endpoint: "files".into(),
        nth: 3,
        times: None,
        offset_at_least: None,
        fault: Fault::Waf405,
    });
    assert_eq!(statuses(&sim, FILES, 4).await, [200, 200, 405, 200]);
    let ledger = sim.ledger();
    assert_eq!(ledger.iter().map(|entry| entry.status).collect::<Vec<_>>(), [200, 200, 405, 200]);
    assert_eq!(
        (ledger[2].faults.as_slice(), ledger[2].query.as_str()),
        (["Waf405".to_owned()].as_slice(), "cid=0")
    );
    assert!(sim.cookie().contains(&ledger[0].uid) && !ledger[0].uid.is_empty());
    sim.clear_ledger();
    assert_eq!((sim.calls("files"), sim.ledger().len()), (0, 0));
}

#[tokio::test]
async fn too_many_calls_are_blocked_per_cookie_and_host() {
    let sim = start(Tree::Demo).await;
    sim.behave(|behaviours| behaviours.waf_calls = 3);
    assert_eq!(statuses(&sim, FILES, 5).await, [200, 200, 200, 405, 405]);
    assert_eq!(statuses(&sim, APS, 1).await, [200], "another host goes on");
    assert_eq!(
        get_with(&sim, FILES, &[("Cookie", "UID=other")]).await.status,
        200,
        "and so does another cookie"
    );
    let page = get(&sim, FILES).await;
    assert!(
        page.header("content-type").starts_with("text/html") && page.text().contains("<title>405</title>")
    );
    sim.advance(Duration::from_secs(20 * 60 + 1));
    assert_eq!(statuses(&sim, FILES, 1).await, [200]);
    sim.behave(|behaviours| behaviours.waf_scope = WafScope::Cookie);
    assert_eq!(statuses(&sim, FILES, 2).await, [200, 200]);
    assert_eq!(statuses(&sim, APS, 2).await, [200, 405]);
    sim.behave(|behaviours| behaviours.waf_answer = Fault::Blocked418);
    assert_eq!(statuses(&sim, FILES, 1).await, [418]);
    sim.clear_firewall();
    assert_eq!(statuses(&sim, FILES, 1).await, [200]);
}

#[tokio::test]
async fn a_call_without_a_cookie_can_be_blocked() {
    let sim = start(Tree::Demo).await;
    sim.behave(|behaviours| behaviours.waf_blocks_cookieless = true);
    assert_eq!(get_with(&sim, FILES, &[]).await.status, 405);
    assert_eq!(statuses(&sim, FILES, 1).await, [200]);
}

#[tokio::test]
async fn a_block_set_by_a_fault_outlives_the_call() {
    let sim = start(Tree::Demo).await;
    sim.fault(FaultRule::nth("files", 1, Fault::Waf405For(Duration::from_secs(600))));
    assert_eq!(statuses(&sim, FILES, 2).await, [405, 405]);
    sim.advance(Duration::from_secs(601));
    assert_eq!(statuses(&sim, FILES, 1).await, [200]);
}

#[tokio::test]
async fn every_kind_of_block_has_its_shape() {
    let sim = start(Tree::Demo).await;
    let strike = |fault| {
        sim.clear_faults();
        sim.fault(FaultRule::every("files", fault));
    };
    strike(Fault::Blocked418);
    assert!(get(&sim, FILES).await.text().contains("访问拦截"));
    strike(Fault::Forbidden403);
    assert_eq!(get(&sim, FILES).await.status, 403);
    strike(Fault::TooMany429);
    let many = get(&sim, FILES).await;
    assert_eq!((many.status, many.header("x-ratelimit-reset")), (429, "60"));
    for (fault, key, code) in [
        (Fault::Busy590075, "errno", 590_075),
        (Fault::Limit770004, "code", 770_004),
        (Fault::Running990009, "errno", 990_009),
        (Fault::LoggedOut, "errNo", 990_001),
        (Fault::Json { errno: 5, message: "five".into() }, "errNo", 5),
    ] {
        strike(fault.clone());
        let answer = get(&sim, FILES).await;
        assert_eq!(
            (answer.status, &answer.json()["state"], &answer.json()[key]),
            (200, &json!(false), &json!(code))
        );
    }
    strike(Fault::Html(502));
    assert_eq!(get(&sim, FILES).await.status, 502);
    strike(Fault::Garbage);
    let garbage = get(&sim, FILES).await;
    assert!(garbage.whole() && serde_json::from_slice::<serde_json::Value>(&garbage.body).is_err());
    strike(Fault::EmptyBody);
    assert_eq!((get(&sim, FILES).await.status, get(&sim, FILES).await.body.len()), (200, 0));
    strike(Fault::WrongType);
    assert_eq!(get(&sim, FILES).await.json()["data"], json!({}));
    strike(Fault::CutAfter(10));
    assert_eq!(get(&sim, FILES).await.body.len(), 10);
    strike(Fault::Reset);
    assert!(exchange(&sim, "GET", FILES, &[], "").await.is_none());
    assert_eq!(sim.ledger().last().unwrap().status, 0);
}

#[tokio::test]
async fn data_of_a_refusal_changes_its_type() {
    let sim = start(Tree::Demo).await;
    sim.behave(|behaviours| behaviours.wrong_type_on_error = true);
    sim.expire_cookie();
    let mut seen = Vec::new();
    for _ in 0..5 {
        seen.push(get(&sim, FILES).await.json()["data"].clone());
    }
    for kind in [json!([]), json!({}), json!(""), json!(null), json!(false)] {
        assert!(seen.contains(&kind), "{kind} in {seen:?}");
    }
}

#[tokio::test]
async fn an_offset_chooses_the_page_to_strike() {
    let sim = start(Tree::Flat(30)).await;
    let mut rule = FaultRule::nth("files", 1, Fault::Status(500));
    rule.offset_at_least = Some(10);
    sim.fault(rule);
    let page = |offset: u32| format!("{FILES}&limit=10&offset={offset}");
    assert_eq!(get(&sim, &page(0)).await.status, 200);
    assert_eq!(get(&sim, &page(10)).await.status, 500);
    assert_eq!(get(&sim, &page(20)).await.status, 200);
}

#[tokio::test]
async fn latency_is_set_per_endpoint() {
    let sim = start(Tree::Demo).await;
    sim.behave(|behaviours| behaviours.latency_ms.insert("natsort".into(), 40));
    get(&sim, FILES).await;
    get(&sim, APS).await;
    let took: Vec<u64> = sim.ledger().iter().map(|entry| entry.took_ms).collect();
    assert!(took[1] >= 40, "{took:?}");
}
