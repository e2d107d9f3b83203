//! Tests of new folders.

use serde_json::json;

use super::client::{exchange, get, start};
use super::writing::{names, succeeded, write};
use crate::{Fault, FaultRule, MkdirForm, ROOT, Tree};

#[tokio::test]
async fn a_folder_is_made_and_told_in_a_flat_answer() {
    let sim = start(Tree::Empty).await;
    let made = write(&sim, "files/add", &[("pid", "0"), ("cname", "media")]).await;
    let id = sim.tree(|tree| tree.find(&["media"]).unwrap());
    let text = id.to_string();
    let expected = json!({
        "state": true, "error": "", "errno": "", "aid": 1, "cid": text, "cname": "media", "file_id": text,
        "file_name": "media",
    });
    assert_eq!(made, expected);
    assert_eq!(names(&sim, ROOT).await, ["media"]);
    let (now, created) = (sim.now(), sim.tree(|tree| tree.node(id).unwrap().created));
    let now = now.duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    assert!(created <= now && created + 60 > now, "the time is that of the simulated clock");
    let info = get(&sim, &format!("/webapi.115.com/files/get_info?file_id={id}")).await.json();
    assert!(info["data"][0]["pc"].as_str().unwrap().starts_with('f'));
    succeeded(&write(&sim, "files/add", &[("pid", &text), ("cname", "films")]).await);
    assert!(sim.tree(|tree| tree.find(&["media", "films"])).is_some());
    let entry = &sim.ledger()[0];
    assert_eq!((entry.endpoint.as_str(), entry.query.as_str()), ("add", "pid=0&cname=media"));
    let logged_out = exchange(&sim, "POST", "/webapi.115.com/files/add", &[], "").await.unwrap();
    assert_eq!(logged_out.json()["errNo"], 990_001);
}

#[tokio::test]
async fn a_folder_is_refused_with_the_code_of_what_is_wrong() {
    let sim = start(Tree::DemoSmall).await;
    let hello = sim.tree(|tree| tree.find(&["hello.txt"]).unwrap()).to_string();
    let count = sim.tree(|tree| tree.len());
    for (pid, name, code) in [
        ("0", "Music", 20_004),
        ("0", "", 20_001),
        ("0", &"长".repeat(256), 20_002),
        ("0", "a<b", 20_003),
        ("0", "a>b", 20_003),
        ("0", "a\"b", 20_003),
        ("77", "new", 20_009),
        ("x", "new", 20_009),
        (&hello, "new", 20_009),
    ] {
        let refused = write(&sim, "files/add", &[("pid", pid), ("cname", name)]).await;
        assert_eq!((&refused["state"], &refused["errno"]), (&json!(false), &json!(code)), "{refused}");
        assert!(refused.get("file_id").is_none() && refused.get("cid").is_none(), "{refused}");
    }
    let taken = write(&sim, "files/add", &[("cname", "Music")]).await;
    assert_eq!(taken["error"], "该目录名称已存在。");
    assert_eq!(sim.tree(|tree| tree.len()), count);
    // A file of that name is no hindrance, and 255 characters are no bytes.
    for name in ["hello.txt", &"长".repeat(255)] {
        succeeded(&write(&sim, "files/add", &[("cname", name)]).await);
    }
}

#[tokio::test]
async fn twenty_five_levels_are_enough() {
    let sim = start(Tree::Empty).await;
    let deepest = sim.tree(|tree| (0..24).fold(ROOT, |at, level| tree.add_folder(at, &level.to_string())));
    let last = write(&sim, "files/add", &[("pid", &deepest.to_string()), ("cname", "25")]).await;
    let last = last["cid"].as_str().unwrap().to_owned();
    assert_eq!(write(&sim, "files/add", &[("pid", &last), ("cname", "26")]).await["errno"], 20_022);
    let path = format!("/webapi.115.com/files/get_path_id?path=26&parent_id={last}&is_create=1");
    assert_eq!(get(&sim, &path).await.json()["errno"], 20_022);
}

#[tokio::test]
async fn the_answer_takes_its_other_forms() {
    let sim = start(Tree::Empty).await;
    sim.behave(|behaviours| behaviours.writes.mkdir_form = MkdirForm::DataFileId);
    let made = write(&sim, "files/add", &[("cname", "a")]).await;
    assert!(made["data"]["file_id"].is_string() && made.get("cid").is_none());
    sim.behave(|behaviours| behaviours.writes.mkdir_form = MkdirForm::DataCategoryId);
    assert!(write(&sim, "files/add", &[("cname", "b")]).await["data"]["category_id"].is_string());
    sim.behave(|behaviours| {
        (behaviours.writes.mkdir_form, behaviours.type_jitter) = (MkdirForm::Flat, true);
    });
    let (mut texts, mut numbers) = (0, 0);
    for number in 0..32 {
        let made = write(&sim, "files/add", &[("cname", &format!("n{number}"))]).await;
        texts += usize::from(made["cid"].is_string());
        numbers += usize::from(made["cid"].is_number());
    }
    assert!(texts > 0 && numbers > 0 && texts + numbers == 32, "{texts} {numbers}");
}

#[tokio::test]
async fn a_path_is_made_with_what_it_lacks() {
    let sim = start(Tree::DemoSmall).await;
    let target = |path: &str| format!("/webapi.115.com/files/get_path_id?path={path}&is_create=1");
    let made = get(&sim, &target("/Music/a%3Cb%3E/c%22")).await.json();
    let id = sim.tree(|tree| tree.find(&["Music", "a_b_", "c_"]).unwrap());
    assert_eq!(made, json!({"state": true, "data": {"file_id": id.to_string(), "is_private": "0"}}));
    assert_eq!(get(&sim, &target("/Music/a_b_/c_")).await.json(), made, "what is there is not made again");
    let music = sim.tree(|tree| tree.find(&["Music"]).unwrap());
    let below = get(&sim, &format!("{}&parent_id={music}", target("x/y"))).await.json();
    let id = sim.tree(|tree| tree.find(&["Music", "x", "y"]).unwrap());
    assert_eq!(below["data"]["file_id"], id.to_string());
    assert_eq!(get(&sim, &format!("{}&parent_id=77", target("x"))).await.json()["errno"], 20_009);
    assert_eq!(get(&sim, &target(&"a".repeat(256))).await.json()["errno"], 20_002);
    assert_eq!((sim.calls("make_path"), sim.calls("get_path_id")), (5, 0));
    let found = get(&sim, "/webapi.115.com/files/get_path_id?path=nowhere").await.json();
    assert_eq!((&found["id"], sim.calls("get_path_id")), (&json!(0), 1));
    assert!(sim.tree(|tree| tree.find(&["nowhere"])).is_none());
}

#[tokio::test]
async fn every_code_can_be_scripted() {
    let sim = start(Tree::Empty).await;
    for code in [
        2_i64, 20_001, 20_002, 20_003, 20_004, 20_009, 20_018, 20_020, 20_021, 20_022, 91_002, 91_004,
        91_005, 231_011, 300_001, 320_001, 590_075, 800_001, 800_006, 800_007, 990_001, 990_002, 990_003,
        990_005, 990_009, 990_019, 990_023,
    ] {
        sim.fault(FaultRule::nth("add", 1, Fault::Refusal(code)));
        let refused = write(&sim, "files/add", &[("cname", "a")]).await;
        assert_eq!((&refused["state"], &refused["errno"]), (&json!(false), &json!(code)));
        assert_ne!(refused["error"], "", "{code}");
        sim.clear_faults();
    }
    assert!(sim.tree(|tree| tree.is_empty()));
    sim.fault(FaultRule::nth("add", 1, Fault::Waf405));
    let target = "/webapi.115.com/files/add";
    assert_eq!(super::client::post(&sim, target, None, &[("cname", "a")]).await.status, 405);
    assert!(sim.tree(|tree| tree.is_empty()));
}
