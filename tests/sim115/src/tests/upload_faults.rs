//! Tests of what goes wrong with an upload on its way.

use std::time::Duration;

use serde_json::json;

use super::client::{get_with, start};
use super::upload_client::{Uploader, uplb};
use crate::{Content, Fault, FaultRule, Sim, Tree};

const PART: u64 = 100 << 10;

fn content() -> Content {
    Content::Rule { seed: 9, size: 2 * PART }
}

fn strike(sim: &Sim, endpoint: &str, fault: Fault) {
    sim.clear_faults();
    sim.fault(FaultRule::nth(endpoint, 1, fault));
}

#[tokio::test]
async fn parts_fail_and_can_be_put_again() {
    let sim = start(Tree::Empty).await;
    let uploader = Uploader::new(&sim).await;
    let begun = uploader.init("a.bin", &content()).await;
    let object = begun["object"].as_str().unwrap();
    let id = uploader.initiate(object, "uploads&sequential").await;
    let bytes = content().read(0..PART);
    let query = format!("partNumber=1&uploadId={id}");
    let part = || uploader.oss("PUT", (object, &query), &[], &bytes);
    strike(&sim, "oss_part", Fault::CutUpload(30_000));
    assert!(part().await.is_none());
    strike(&sim, "oss_part", Fault::Status(503));
    let answer = part().await.unwrap();
    assert!(answer.status == 503 && answer.text().contains("<Code>InternalError</Code>"));
    strike(&sim, "oss_part", Fault::Oss { status: 403, code: "SecurityTokenExpired".into() });
    let answer = part().await.unwrap();
    assert!(answer.status == 403 && answer.text().contains("<Code>SecurityTokenExpired</Code>"));
    let stored =
        || async { uploader.oss("GET", (object, &format!("uploadId={id}")), &[], "").await.unwrap().text() };
    assert!(!stored().await.contains("<Part>"), "nothing of these is kept");
    strike(&sim, "oss_part", Fault::Unanswered);
    assert!(part().await.is_none());
    assert!(stored().await.contains("<Size>102400</Size>"), "this one is");
    let received: Vec<(u64, u16)> = sim
        .ledger()
        .iter()
        .filter(|entry| entry.endpoint == "oss_part")
        .map(|entry| (entry.received, entry.status))
        .collect();
    assert_eq!(received, [(30_000, 0), (PART, 503), (PART, 403), (PART, 0)]);
    assert_eq!(sim.bytes_received(), 30_000 + 3 * PART);
    // The second of the parts by its number, not by its turn.
    sim.clear_faults();
    sim.fault(FaultRule { offset_at_least: Some(2), ..FaultRule::nth("oss_part", 1, Fault::Status(500)) });
    assert_eq!(part().await.unwrap().status, 200);
    assert_eq!(uploader.part(object, &id, 2, b"x").await.status, 500);
}

#[tokio::test]
async fn a_client_that_goes_away_leaves_no_part() {
    let sim = start(Tree::Empty).await;
    let uploader = Uploader::new(&sim).await;
    let id = uploader.initiate("6a3d", "uploads&sequential").await;
    // A signed request whose connection ends within the body.
    sim.behave(|behaviours| behaviours.upload.oss_bytes_per_sec = 100_000);
    let bytes = vec![1; 300_000];
    let query = format!("partNumber=1&uploadId={id}");
    let put = uploader.oss("PUT", ("6a3d", &query), &[], &bytes);
    assert!(tokio::time::timeout(Duration::from_millis(300), put).await.is_err());
    sim.behave(|behaviours| behaviours.upload.oss_bytes_per_sec = 0);
    let listed = uploader.oss("GET", ("6a3d", &format!("uploadId={id}")), &[], "").await.unwrap();
    assert!(!listed.text().contains("<Part>"));
    let entry = sim.ledger().into_iter().find(|entry| entry.endpoint == "oss_part").unwrap();
    assert!(entry.received < 300_000 && entry.status == 0, "{entry:?}");
}

#[tokio::test]
async fn a_completion_can_be_done_and_not_said() {
    let sim = start(Tree::Empty).await;
    let uploader = Uploader::new(&sim).await;
    let begun = uploader.init("a.bin", &content()).await;
    let object = begun["object"].as_str().unwrap();
    let id = uploader.initiate(object, "uploads&sequential").await;
    let mut tags = Vec::new();
    for number in 1..=2 {
        let bytes = content().read((number - 1) * PART..number * PART);
        tags.push((number, uploader.part(object, &id, number, &bytes).await.header("etag").to_owned()));
    }
    let tags: Vec<(u64, &str)> = tags.iter().map(|(number, tag)| (*number, tag.as_str())).collect();
    strike(&sim, "oss_complete", Fault::Unanswered);
    assert!(uploader.complete(&begun, &id, &tags).await.is_none());
    assert_eq!(sim.tree(|tree| tree.len()), 1);
    assert_eq!(uploader.complete(&begun, &id, &tags).await.unwrap().status, 404);
    strike(&sim, "oss_put", Fault::AnswerLate(Duration::from_millis(50)));
    let late = uploader.upload("b.bin", &Content::Bytes("other".into())).await;
    assert_eq!((&late["state"], sim.tree(|tree| tree.len())), (&json!(true), 2));
    let took = sim.ledger().last().unwrap().took_ms;
    assert!(took >= 50, "{took}");
}

#[tokio::test]
async fn the_call_back_can_fail() {
    let sim = start(Tree::Empty).await;
    let uploader = Uploader::new(&sim).await;
    let begun = uploader.init("a.bin", &content()).await;
    strike(&sim, "oss_put", Fault::Json { errno: 10_002, message: "later".into() });
    let refused = uploader.put(&begun, &content()).await;
    let expected = json!({"state": false, "message": "later", "code": 10_002, "data": []});
    assert_eq!((refused.status, refused.json()), (200, expected));
    strike(&sim, "oss_put", Fault::CallbackFailed);
    let failed = uploader.put(&begun, &content()).await;
    assert!(failed.status == 203 && failed.text().contains("<Code>CallbackFailed</Code>"));
    strike(&sim, "oss_put", Fault::Html(502));
    assert_eq!(uploader.put(&begun, &content()).await.status, 502);
    assert_eq!(sim.tree(|tree| tree.len()), 0);
    assert_eq!(uploader.put(&begun, &content()).await.json()["state"], true);
}

#[tokio::test]
async fn the_other_calls_refuse_in_their_own_words() {
    let sim = start(Tree::Empty).await;
    let refuse = |label: &str| strike(&sim, label, Fault::Json { errno: 5, message: "five".into() });
    refuse("gettoken");
    let token = get_with(&sim, "/uplb.115.com/3.0/gettoken.php", &[]).await.json();
    assert_eq!(token, json!({"StatusCode": "5", "ErrorCode": "five", "ErrorMessage": "five"}));
    refuse("resumeupload");
    let resumed = uplb(&sim, "resumeupload.php", &[]).await;
    assert_eq!((&resumed["status"], &resumed["statuscode"]), (&json!(4), &json!(5)));
    refuse("sampleinitupload");
    assert_eq!(uplb(&sim, "sampleinitupload.php", &[]).await["errno"], 5);
    refuse("getuploadinfo");
    assert_eq!(get_with(&sim, "/uplb.115.com/3.0/getuploadinfo.php", &[]).await.json()["state"], false);
}

#[tokio::test]
async fn a_slow_store_takes_its_time() {
    let sim = start(Tree::Empty).await;
    let uploader = Uploader::new(&sim).await;
    sim.behave(|behaviours| {
        behaviours.upload.oss_bytes_per_sec = 100_000;
        behaviours.latency_ms.insert("oss_initiate".into(), 40);
    });
    uploader.initiate("6a3d", "uploads").await;
    assert_eq!(uploader.oss("PUT", ("6a3d", ""), &[], vec![1; 20_000]).await.unwrap().status, 200);
    let ledger = sim.ledger();
    let took = |label: &str| ledger.iter().find(|entry| entry.endpoint == label).unwrap().took_ms;
    assert!(took("oss_initiate") >= 40 && took("oss_put") >= 150, "{ledger:?}");
}
