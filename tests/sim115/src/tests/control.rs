//! Tests of the control API.

use serde_json::{Value, json};

use super::client::{Answer, exchange, get, get_with, link, start};
use crate::{Sim, Tree};

async fn control(sim: &Sim, method: &str, path: &str, body: &Value) -> Answer {
    let text = if body.is_null() { String::new() } else { body.to_string() };
    exchange(sim, method, &format!("/__sim/{path}"), &[], &text).await.unwrap()
}

async fn ask(sim: &Sim, method: &str, path: &str, body: Value) -> Value {
    let answer = control(sim, method, path, &body).await;
    assert_eq!(answer.status, 200, "{method} {path}: {}", answer.text());
    answer.json()
}

#[tokio::test]
async fn the_tree_is_edited_and_shown() {
    let sim = start(Tree::Empty).await;
    let folder = ask(&sim, "POST", "tree", json!({"op": "add_folder", "parent": "/", "name": "a"})).await;
    assert_eq!((&folder["kind"], &folder["parent"]), (&json!("folder"), &json!("0")));
    ask(&sim, "POST", "tree", json!({"op": "add_file", "parent": "/a", "name": "b/c", "text": "hello"}))
        .await;
    let ruled = json!({"op": "add_file", "parent": 0, "name": "r", "size": 5000, "seed": 7});
    let ruled = ask(&sim, "POST", "tree", ruled).await;
    let encoded = json!({"op": "add_file", "parent": "/", "name": "e", "base64": "AAEC"});
    assert_eq!(ask(&sim, "POST", "tree", encoded).await["size"], 3);
    ask(&sim, "POST", "tree", json!({"op": "rename", "node": "/e", "name": "f"})).await;
    ask(&sim, "POST", "tree", json!({"op": "move", "node": "/f", "parent": "/a"})).await;
    ask(&sim, "POST", "tree", json!({"op": "violate", "node": "/a/f", "violating": true})).await;
    ask(&sim, "POST", "tree", json!({"op": "pin", "node": "/a/f", "pinned": true})).await;
    let paths = get_with(&sim, "/__sim/tree?format=paths", &[]).await.text();
    let lines: Vec<Vec<&str>> = paths.lines().map(|line| line.split('\t').collect()).collect();
    let found: Vec<(&str, &str, &str)> = lines.iter().map(|line| (line[0], line[1], line[5])).collect();
    let expected =
        [("folder", "0", "/a"), ("file", "5000", "/r"), ("file", "5", "/a/b\\/c"), ("file", "3", "/a/f")];
    assert_eq!(found, expected);
    assert_eq!(lines[2][2], "AAF4C61DDCC5E8A2DABEDE0F3B482CD9AEA9434D");
    let tree = ask(&sim, "GET", "tree?format=json", Value::Null).await;
    assert_eq!(tree["nodes"][2]["path"], json!(["a", "b/c"]));
    let id = ruled["id"].as_str().unwrap();
    let bytes = get_with(&sim, &format!("/__sim/content?id={id}"), &[]).await;
    assert_eq!(bytes.body, crate::Content::Rule { seed: 7, size: 5000 }.read(0..5000));
    ask(&sim, "POST", "tree", json!({"op": "set_content", "node": "/r", "text": "new"})).await;
    assert_eq!(get_with(&sim, "/__sim/content?path=/r", &[]).await.text(), "new");
    ask(&sim, "POST", "tree", json!({"op": "delete", "node": "/a"})).await;
    assert_eq!(sim.tree(|tree| tree.len()), 1);
    for (bad, status) in [
        (json!({"op": "delete", "node": "/nowhere"}), 404),
        (json!({"op": "delete", "node": "/"}), 409),
        (json!({"op": "add_file", "parent": "/r", "name": "x"}), 409),
        (json!({"op": "destroy"}), 400),
    ] {
        assert_eq!(control(&sim, "POST", "tree", &bad).await.status, status, "{bad}");
    }
}

#[tokio::test]
async fn shares_are_added_changed_and_shown() {
    let sim = start(Tree::Empty).await;
    let added = json!({"code": "sw3abc12xyz", "receive_code": "a1b2", "tree": "demo-small", "state": 4});
    assert_eq!(ask(&sim, "POST", "shares", added).await["state"], 4);
    let snap = "/webapi.115.com/share/snap?share_code=sw3abc12xyz&receive_code=a1b2";
    assert_eq!(get_with(&sim, snap, &[]).await.json()["data"]["share_state"], 4);
    let changed =
        json!({"code": "sw3abc12xyz", "state": 1, "title": "films", "skip_login": true, "refusal": 0});
    let changed = ask(&sim, "POST", "shares", changed).await;
    assert_eq!((&changed["receive_code"], &changed["skip_login"]), (&json!("a1b2"), &json!(true)));
    let file = json!({"op": "add_file", "parent": "/", "name": "new.txt", "text": "new"});
    ask(&sim, "POST", "tree?share=sw3abc12xyz", file).await;
    let listed = get_with(&sim, snap, &[]).await.json();
    assert_eq!(
        (&listed["data"]["count"], &listed["data"]["shareinfo"]["share_title"]),
        (&json!(9), &json!("films"))
    );
    let bytes = get_with(&sim, "/__sim/content?share=sw3abc12xyz&path=/new.txt", &[]).await;
    assert_eq!(bytes.text(), "new");
    let paths = get_with(&sim, "/__sim/tree?share=sw3abc12xyz&format=paths", &[]).await.text();
    assert!(paths.lines().any(|line| line.ends_with("\t/new.txt")) && sim.tree(|tree| tree.is_empty()));
    ask(&sim, "POST", "shares", json!({"code": "sw3abc12xyz", "refusal": 4_100_033})).await;
    assert_eq!(get_with(&sim, snap, &[]).await.json()["errno"], 4_100_033);
    assert_eq!(ask(&sim, "GET", "shares", Value::Null).await["shares"][0]["code"], "sw3abc12xyz");
    for (bad, status) in [
        (json!({"code": "nowhere", "state": 1}), 404),
        (json!({"code": "sw3abc12xyz", "state": 10}), 400),
        (json!({"code": "NO", "tree": "demo"}), 400),
        (json!({"code": "sw1", "tree": "deml"}), 400),
        (json!({"code": "sw1", "owner": 1}), 400),
    ] {
        assert_eq!(control(&sim, "POST", "shares", &bad).await.status, status, "{bad}");
    }
    assert_eq!(get_with(&sim, "/__sim/tree?share=sw1", &[]).await.status, 404);
}

#[tokio::test]
async fn switches_faults_clock_and_cookie_obey() {
    let sim = start(Tree::Demo).await;
    let changed = ask(&sim, "PATCH", "behaviours", json!({"type_jitter": true, "count_lie": 5})).await;
    assert_eq!((&changed["type_jitter"], &changed["count_lie"]), (&json!(true), &json!(5)));
    assert_eq!(control(&sim, "PATCH", "behaviours", &json!({"no_such": 1})).await.status, 400);
    assert!(sim.behave(|behaviours| behaviours.type_jitter));
    ask(&sim, "DELETE", "behaviours", Value::Null).await;
    assert_eq!(ask(&sim, "GET", "behaviours", Value::Null).await["count_lie"], 0);
    let rule = json!({"endpoint": "files", "nth": 2, "fault": "waf405"});
    ask(&sim, "POST", "faults", rule).await;
    ask(&sim, "POST", "faults", json!([{"endpoint": "natsort", "nth": 0, "fault": {"status": 500}}])).await;
    assert_eq!(ask(&sim, "GET", "faults", Value::Null).await.as_array().unwrap().len(), 2);
    let files = "/webapi.115.com/files?cid=0";
    assert_eq!((get(&sim, files).await.status, get(&sim, files).await.status), (200, 405));
    ask(&sim, "DELETE", "faults", Value::Null).await;
    let before = ask(&sim, "GET", "clock", Value::Null).await["unix"].as_u64().unwrap();
    let after = ask(&sim, "POST", "clock", json!({"advance_secs": 5000})).await["unix"].as_u64().unwrap();
    assert!(after >= before + 5000);
    assert_eq!(ask(&sim, "GET", "cookie", Value::Null).await["cookie"], sim.cookie());
    ask(&sim, "POST", "cookie", json!({"action": "expire"})).await;
    assert_eq!(get(&sim, files).await.json()["state"], false);
    ask(&sim, "POST", "cookie", json!({"action": "renew"})).await;
    assert_eq!(get(&sim, files).await.json()["state"], true);
    ask(&sim, "POST", "cookie", json!({"action": "kick"})).await;
    let key = ask(&sim, "GET", "key", Value::Null).await;
    assert_eq!((&key["modulus"], &key["exponent"]), (&json!(sim.modulus_hex()), &json!(65537)));
    ask(&sim, "POST", "firewall/clear", Value::Null).await;
    assert_eq!(control(&sim, "GET", "nonsense", &Value::Null).await.status, 404);
    assert!(!ask(&sim, "GET", "", Value::Null).await["routes"].as_array().unwrap().is_empty());
}

#[tokio::test]
async fn the_ledger_is_read_and_cleared_and_never_counts_itself() {
    let sim = start(Tree::Demo).await;
    let id = sim.tree(|tree| tree.find(&["hello.txt"]).unwrap());
    let url = link(&sim, id, Some("agent")).await;
    get_with(&sim, &url, &[("User-Agent", "agent"), ("Range", "bytes=0-3")]).await;
    assert_eq!(ask(&sim, "GET", "ledger/counts", Value::Null).await, json!({"cdn": 1, "downurl": 1}));
    let entries = ask(&sim, "GET", "ledger", Value::Null).await;
    let fetched = &entries["entries"][1];
    assert_eq!((&fetched["range"], &fetched["status"]), (&json!("bytes=0-3"), &json!(206)));
    assert_eq!((&fetched["endpoint"], &fetched["user_agent"]), (&json!("cdn"), &json!("agent")));
    assert_eq!(ask(&sim, "GET", "open", Value::Null).await["open"], 0);
    ask(&sim, "DELETE", "ledger", Value::Null).await;
    assert_eq!(ask(&sim, "GET", "ledger/counts", Value::Null).await, json!({}));
    assert_eq!(sim.api_calls(), 0);
}
