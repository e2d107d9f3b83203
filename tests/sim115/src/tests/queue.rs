//! Tests of the operations that go one at a time, and of the control API of the writes.

use serde_json::{Value, json};

use super::client::{exchange, get, get_with, start};
use super::writing::{fill, succeeded, write};
use crate::{Sim, Tree};

async fn control(sim: &Sim, method: &str, path: &str, body: &Value) -> Value {
    let answer = exchange(sim, method, &format!("/__sim/{path}"), &[], &body.to_string()).await.unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

#[tokio::test]
async fn which_calls_wait_and_what_they_are_told_is_a_switch() {
    let sim = start(Tree::DemoSmall).await;
    let id = |path: &[&str]| sim.tree(|tree| tree.find(path).unwrap()).to_string();
    let (music, hello, documents) = (id(&["Music"]), id(&["hello.txt"]), id(&["Documents"]));
    sim.behave(|behaviours| behaviours.writes.folder_work_ms = 60_000);
    succeeded(&write(&sim, "files/copy", &[("fid", &music), ("pid", &documents)]).await);
    let a_move = [("fid", hello.as_str()), ("pid", &documents)];
    assert_eq!(write(&sim, "files/move", &a_move).await["errno"], 990_005);
    succeeded(&write(&sim, "files/add", &[("cname", "new")]).await);
    succeeded(&write(&sim, "files/edit", &[("fid", &hello), ("file_name", "hi")]).await);
    sim.behave(|behaviours| behaviours.writes.busy_code = 990_009);
    assert_eq!(write(&sim, "files/move", &a_move).await["errno"], 990_009);
    sim.behave(|behaviours| {
        behaviours.writes.busy_code = 990_005;
        behaviours.writes.serialised.insert("add".to_owned());
    });
    assert_eq!(write(&sim, "files/add", &[("cname", "newer")]).await["errno"], 990_005);
    sim.behave(|behaviours| behaviours.writes.serialised.clear());
    succeeded(&write(&sim, "files/move", &a_move).await);
    assert!(sim.tree(|tree| tree.find(&["Documents", "hi.txt"])).is_some());
}

#[tokio::test]
async fn two_calls_at_once_are_one_too_many() {
    let sim = start(Tree::Empty).await;
    let (folder, files) = fill(&sim, "f", &["a", "b", "c"]);
    let ids: Vec<String> = files.iter().map(u64::to_string).collect();
    sim.behave(|behaviours| behaviours.latency_ms.insert("rb_delete".into(), 1000));
    let delete = async |id: &str| write(&sim, "rb/delete", &[("fid", id)]).await;
    let both = tokio::join!(delete(&ids[0]), delete(&ids[1]));
    let states = [&both.0, &both.1].map(|answer| answer["state"].as_bool().unwrap());
    assert!(states[0] != states[1], "{both:?}");
    let refused = if states[0] { both.1 } else { both.0 };
    assert_eq!(refused["errno"], 990_005);
    assert_eq!(sim.tree(|tree| tree.children(folder).len()), 2);
    let left = if states[0] { &ids[1] } else { &ids[0] };
    sim.behave(|behaviours| {
        behaviours.writes.concurrent_refused = false;
        behaviours.latency_ms.insert("rb_delete".into(), 50);
    });
    let both = tokio::join!(delete(left), delete(&ids[2]));
    assert_eq!((&both.0["state"], &both.1["state"]), (&json!(true), &json!(true)));
}

#[tokio::test]
async fn the_control_api_shows_and_changes_the_bin_and_the_work() {
    let sim = start(Tree::DemoSmall).await;
    let edit = async |body: Value| control(&sim, "POST", "tree", &body).await;
    edit(json!({"op": "discard", "node": "/Music"})).await;
    edit(json!({"op": "discard", "node": "/hello.txt"})).await;
    let bin = control(&sim, "GET", "bin", &Value::Null).await;
    let (first, second) = (&bin["entries"][0], &bin["entries"][1]);
    assert_eq!((&first["name"], &first["parent_name"]), (&json!("Music"), &json!("根目录")));
    assert_eq!((first["nodes"].as_array().unwrap().len(), &second["name"]), (5, &json!("hello.txt")));
    assert_eq!(first["nodes"][4]["path"].as_array().unwrap().len(), 3);
    assert_eq!(control(&sim, "GET", "tree", &Value::Null).await["bin"], bin["entries"]);
    let lines = get_with(&sim, "/__sim/bin?format=paths", &[]).await.text();
    assert!(lines.starts_with("folder\t0\t-\t") && lines.lines().count() == 6);
    assert!(lines.lines().last().unwrap().ends_with("\t/hello.txt"));
    edit(json!({"op": "restore", "node": "hello.txt"})).await;
    edit(json!({"op": "purge", "node": first["id"].as_str().unwrap().parse::<u64>().unwrap()})).await;
    assert_eq!(sim.tree(|tree| (tree.bin().len(), tree.find(&["hello.txt"]).is_some())), (0, true));
    let missing = json!({"op": "restore", "node": "hello.txt"}).to_string();
    assert_eq!(exchange(&sim, "POST", "/__sim/tree", &[], &missing).await.unwrap().status, 404);
    let switches = json!({"writes": {"folder_work_ms": 60_000}});
    control(&sim, "PATCH", "behaviours", &switches).await;
    let changed = control(&sim, "PATCH", "behaviours", &json!({"writes": {"bin_key": "1"}})).await;
    assert_eq!(
        (&changed["writes"]["folder_work_ms"], &changed["writes"]["bin_key"]),
        (&json!(60_000), &json!("1"))
    );
    let series = sim.tree(|tree| tree.find(&["剧集"]).unwrap());
    succeeded(&write(&sim, "rb/delete", &[("fid", &series.to_string())]).await);
    let work = get(&sim, "/__sim/work").await.json();
    assert_eq!(work["running"]["kind"], "delete");
    assert!(work["running"]["percent"].as_u64().unwrap() < 50, "{work}");
    let work = control(&sim, "POST", "work", &json!({"action": "finish"})).await;
    assert_eq!(work, json!({"running": null}));
    assert!(sim.tree(|tree| tree.node(series).is_none()));
}
