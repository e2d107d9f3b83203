//! Tests of what takes a whole part of a share at once: the list of all its files, and receiving.

use serde_json::json;

use super::client::{exchange, get, get_with, link, post, start};
use crate::{Fault, FaultRule, ShareSpec, Sim, Tree};

const CODE: &str = "sw3abc12xyz";
const NAMED: &str = "share_code=sw3abc12xyz&receive_code=a1b2";
const RECEIVE: &str = "/webapi.115.com/share/receive";

async fn with_share() -> Sim {
    let sim = start(Tree::Empty).await;
    sim.add_share(&ShareSpec::new(CODE, "a1b2", Tree::DemoSmall));
    sim
}

fn found(sim: &Sim, path: &[&str]) -> u64 {
    sim.share(CODE, |share| share.tree.find(path).unwrap())
}

#[tokio::test]
async fn all_files_below_a_folder_come_in_one_list() {
    let sim = with_share().await;
    let series = found(&sim, &["剧集"]);
    let ask = async |cid: u64| {
        get_with(&sim, &format!("/webapi.115.com/share/downlist?{NAMED}&cid={cid}"), &[]).await.json()
    };
    let list = ask(series).await["data"]["list"].take();
    let first = &list[0];
    assert_eq!(
        (list.as_array().unwrap().len(), &first["pt"], &first["fn"]),
        (8, &json!("三体/Season 01"), &json!("三体 S01E01.mp4"))
    );
    let (id, sha1) = first["fid"].as_str().unwrap().split_once('_').unwrap();
    assert_eq!((id.len(), sha1.len(), &first["si"]), (19, 40, &json!(512 * 1024 + 101)));
    assert_eq!(ask(0).await["errno"], 990_002);
    sim.behave(|behaviours| behaviours.share_files_limit = 7);
    let many = ask(series).await;
    assert_eq!((&many["errno"], &many["error"]), (&json!(4_100_030), &json!("接收文件过多")));
    let app = format!("/proapi.115.com/app/share/downlist?{NAMED}&cid={series}");
    assert_eq!(get_with(&sim, &app, &[]).await.json()["errno"], 99);
    assert_eq!(get(&sim, &app).await.json()["errno"], 4_100_030);
}

#[tokio::test]
async fn what_is_received_is_a_copy_of_its_own() {
    let sim = with_share().await;
    let (series, hello, empty) =
        (found(&sim, &["剧集"]), found(&sim, &["hello.txt"]), found(&sim, &["空文件夹"]));
    let target = sim.tree(|tree| tree.add_folder(crate::ROOT, "saved"));
    let receive = async |ids: &str, cid: &str| {
        let mut fields = vec![("share_code", CODE), ("receive_code", "a1b2"), ("file_id", ids)];
        fields.extend((!cid.is_empty()).then_some(("cid", cid)));
        post(&sim, RECEIVE, None, &fields).await.json()
    };
    let ids = format!("{series},{hello}");
    let done = json!({"state": true, "error": "", "errno": 0, "data": []});
    assert_eq!(receive(&ids, &target.to_string()).await, done);
    let copy = sim.tree(|tree| tree.find(&["saved", "hello.txt"]).unwrap());
    assert_ne!(copy, hello);
    assert_eq!(sim.tree(|tree| tree.totals(target).files), 9);
    let url = link(&sim, copy, None).await;
    assert_eq!(get_with(&sim, &url, &[]).await.text(), "hello from the simulated drive\n");
    assert_eq!(receive(&hello.to_string(), "").await["errno"], 4_200_045);
    sim.tree(|tree| assert!(tree.delete(copy)));
    assert_eq!(receive(&hello.to_string(), "").await["state"], true, "the copy is gone");
    assert!(sim.tree(|tree| tree.find(&["最近接收", "hello.txt"])).is_some());
    assert_eq!(receive(&empty.to_string(), "").await["errno"], 51_011);
    assert_eq!(receive("5", "").await["errno"], 990_002);
    let music = found(&sim, &["Music"]).to_string();
    assert_eq!(receive(&music, "77").await["errno"], 20_018);
    sim.behave(|behaviours| behaviours.share_files_limit = 2);
    assert_eq!(receive(&music, "").await["errno"], 4_100_030);
    sim.behave(|behaviours| (behaviours.share_files_limit, behaviours.space_bytes) = (100, 5_000_000));
    assert_eq!(receive(&music, "").await["errno"], 91_005);
    let query = sim.ledger().last().unwrap().query.clone();
    assert_eq!(query, format!("share_code={CODE}&receive_code=a1b2&file_id={music}"));
    let headers = [("Content-Type", "application/x-www-form-urlencoded")];
    let form = format!("{NAMED}&file_id={hello}");
    let refused = exchange(&sim, "POST", RECEIVE, &headers, &form).await.unwrap().json();
    assert_eq!(refused["errNo"], 990_001);
}

#[tokio::test]
async fn the_applications_receive_too_and_a_struck_call_shows_what_it_was_for() {
    let sim = with_share().await;
    let hello = found(&sim, &["hello.txt"]).to_string();
    let fields = [("share_code", CODE), ("receive_code", "a1b2"), ("file_id", hello.as_str()), ("cid", "0")];
    sim.fault(FaultRule::nth("share_receive", 1, Fault::Running990009));
    let target = "/proapi.115.com/android/2.0/share/receive";
    assert_eq!(post(&sim, target, None, &fields).await.json()["errno"], 990_009);
    assert_eq!(post(&sim, target, None, &fields).await.json()["state"], true);
    assert!(sim.tree(|tree| tree.find(&["hello.txt"])).is_some());
    let shown = format!("share_code={CODE}&receive_code=a1b2&file_id={hello}");
    assert!(sim.ledger().iter().all(|entry| entry.endpoint == "share_receive" && entry.query == shown));
}
