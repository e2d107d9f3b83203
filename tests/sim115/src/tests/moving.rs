//! Tests of moving.

use std::time::Duration;

use serde_json::{Value, json};

use super::client::{get, start};
use super::writing::{fill, names, succeeded, truth, write};
use crate::{Content, ROOT, Sim, Tree};

async fn moved(sim: &Sim, fid: u64, pid: u64, more: &[(&str, &str)]) -> Value {
    let (fid, pid) = (fid.to_string(), pid.to_string());
    let mut fields = vec![("fid[0]", fid.as_str()), ("pid", pid.as_str())];
    fields.extend_from_slice(more);
    write(sim, "files/move", &fields).await
}

async fn progress(sim: &Sim, token: &str) -> Value {
    get(sim, &format!("/webapi.115.com/files/move_progress?move_proid={token}")).await.json()
}

#[tokio::test]
async fn ids_are_taken_in_every_form_and_stay() {
    let sim = start(Tree::Empty).await;
    let (from, files) = fill(&sim, "from", &["a", "b", "c", "d", "e", "f"]);
    let (to, _) = fill(&sim, "to", &[]);
    let texts: Vec<String> = files.iter().map(u64::to_string).collect();
    let (pair, pid) = (format!("{},{}", texts[4], texts[5]), to.to_string());
    let codes = |sim: &Sim| {
        sim.tree(|tree| files.iter().map(|id| tree.node(*id).unwrap().pick_code()).collect::<Vec<_>>())
    };
    let (before, times) = (codes(&sim), sim.tree(|tree| tree.node(files[0]).unwrap().modified));
    sim.advance(Duration::from_secs(1000));
    for fields in [
        vec![("fid[0]", texts[0].as_str()), ("fid[1]", &texts[1])],
        vec![("fid[]", &texts[2])],
        vec![("fid", &texts[3])],
        vec![("fid", &pair)],
    ] {
        let fields = [fields, vec![("pid", pid.as_str())]].concat();
        let answer = write(&sim, "files/move", &fields).await;
        assert_eq!(answer, json!({"state": true, "error": "", "errno": ""}));
    }
    assert_eq!((truth(&sim, from), truth(&sim, to).len()), (vec![], 6));
    assert_eq!(codes(&sim), before);
    assert_eq!(sim.tree(|tree| tree.node(files[0]).unwrap().modified), times, "a move is no modification");
    assert_eq!(names(&sim, to).await, ["a", "b", "c", "d", "e", "f"]);
}

#[tokio::test]
async fn a_file_replaces_its_namesake_for_good() {
    let sim = start(Tree::Empty).await;
    let (_, new) = fill(&sim, "from", &["a.txt"]);
    let (to, old) = fill(&sim, "to", &["a.txt", "b.txt"]);
    succeeded(&moved(&sim, new[0], to, &[]).await);
    sim.tree(|tree| {
        assert!(tree.node(old[0]).is_none() && tree.node(old[1]).is_some() && tree.bin().is_empty());
        assert_eq!(tree.find(&["to", "a.txt"]), Some(new[0]));
    });
    assert_eq!(truth(&sim, to), ["a.txt", "b.txt"]);
    let gone = get(&sim, &format!("/webapi.115.com/files/get_info?file_id={}", old[0])).await.json();
    assert_eq!(gone["state"], false);
}

#[tokio::test]
async fn a_folder_of_the_same_name_stays_beside() {
    let sim = start(Tree::Empty).await;
    let (target, _) = fill(&sim, "target", &[]);
    for _ in 0..3 {
        let (folder, _) = fill(&sim, "v1.0", &[]);
        succeeded(&moved(&sim, folder, target, &[]).await);
    }
    assert_eq!(truth(&sim, target), ["v1.0", "v1.0(1)", "v1.0(2)"]);
}

#[tokio::test]
async fn a_policy_says_what_becomes_of_a_clash() {
    let sim = start(Tree::Empty).await;
    let (to, old) = fill(&sim, "to", &["a.txt"]);
    let (_, new) = fill(&sim, "from", &["a.txt"]);
    let policy = |id: u64, action: &str| json!({id.to_string(): {"action": action}}).to_string();
    let keep = policy(new[0], "keep_both");
    succeeded(&moved(&sim, new[0], to, &[("conflict_policy", &keep)]).await);
    assert_eq!(truth(&sim, to), ["a(1).txt", "a.txt"]);
    assert!(sim.tree(|tree| tree.node(old[0]).is_some()));
    // Merging: what clashes is kept twice, and the emptied folder is gone.
    let (inner, twin) = sim.tree(|tree| {
        let inner = tree.add_folder(to, "from");
        tree.add_file(inner, "same.txt", Content::Bytes("old".into()));
        let twin = tree.find(&["from"]).unwrap();
        tree.add_file(twin, "same.txt", Content::Bytes("new".into()));
        tree.add_file(twin, "other.txt", Content::Bytes("new".into()));
        (inner, twin)
    });
    succeeded(&moved(&sim, twin, to, &[("conflict_policy", &policy(twin, "merge"))]).await);
    assert_eq!(truth(&sim, inner), ["other.txt", "same(1).txt", "same.txt"]);
    assert!(sim.tree(|tree| tree.node(twin).is_none() && tree.bin().is_empty()));
    let (again, _) = fill(&sim, "from", &["only.txt"]);
    succeeded(&moved(&sim, again, to, &[("conflict_policy", &policy(again, "replace"))]).await);
    assert_eq!(truth(&sim, again), ["only.txt"]);
    assert!(sim.tree(|tree| tree.node(inner).is_none()));
    for bad in ["{", "[]", &policy(old[0], "destroy"), "{\"x\":{\"action\":\"merge\"}}"] {
        let refused = moved(&sim, old[0], ROOT, &[("conflict_policy", bad)]).await;
        assert_eq!(refused["errno"], 990_002, "{bad}");
    }
}

#[tokio::test]
async fn a_target_is_not_looked_at_unless_told() {
    let sim = start(Tree::DemoSmall).await;
    let (music, hello, deep) = sim.tree(|tree| {
        let find = |path: &[&str]| tree.find(path).unwrap();
        (find(&["Music"]), find(&["hello.txt"]), find(&["deep", "level 1"]))
    });
    sim.behave(|behaviours| behaviours.writes.move_checks_target = true);
    assert_eq!(moved(&sim, hello, 77, &[]).await["errno"], 800_001);
    sim.behave(|behaviours| behaviours.writes.move_checks_target = false);
    succeeded(&moved(&sim, hello, 77, &[]).await);
    assert!(!names(&sim, ROOT).await.contains(&"hello.txt".to_owned()));
    let info = get(&sim, &format!("/webapi.115.com/files/get_info?file_id={hello}")).await.json();
    assert_eq!(info["data"][0]["cid"], "77");
    assert_eq!(sim.tree(|tree| tree.dangling().iter().map(|node| node.id).collect::<Vec<_>>()), [hello]);
    let shown = get(&sim, "/__sim/tree").await.json();
    assert_eq!(shown["dangling"][0]["id"], hello.to_string());
    succeeded(&moved(&sim, hello, ROOT, &[]).await);
    assert!(sim.tree(|tree| tree.dangling().is_empty() && tree.find(&["hello.txt"]).is_some()));
    let top = sim.tree(|tree| tree.find(&["deep"]).unwrap());
    assert_eq!(moved(&sim, top, deep, &[]).await["errno"], 800_006);
    assert_eq!(moved(&sim, music, music, &[]).await["errno"], 800_006);
    assert_eq!(moved(&sim, 78, music, &[]).await["errno"], 20_018);
    assert_eq!(moved(&sim, 0, music, &[]).await["errno"], 990_002);
    assert_eq!(write(&sim, "files/move", &[("pid", "0")]).await["errno"], 990_002);
}

#[tokio::test]
async fn a_move_to_where_it_is_and_one_of_too_many() {
    let sim = start(Tree::DemoSmall).await;
    let (music, documents) =
        sim.tree(|tree| (tree.find(&["Music"]).unwrap(), tree.find(&["Documents"]).unwrap()));
    succeeded(&moved(&sim, music, ROOT, &[]).await);
    sim.behave(|behaviours| behaviours.writes.move_to_parent_refused = true);
    let refused = moved(&sim, music, ROOT, &[]).await;
    assert_eq!((&refused["state"], refused.get("errno")), (&json!(false), None));
    let limit = |nodes| sim.behave(|behaviours| behaviours.writes.node_limit = nodes);
    limit(4);
    assert_eq!(moved(&sim, music, documents, &[]).await["errno"], 990_023);
    limit(5);
    succeeded(&moved(&sim, music, documents, &[]).await);
}

#[tokio::test]
async fn a_folder_moves_when_its_time_has_come() {
    let sim = start(Tree::DemoSmall).await;
    sim.behave(|behaviours| behaviours.writes.folder_work_ms = 60_000);
    let (music, documents, hello) = sim.tree(|tree| {
        let find = |path: &[&str]| tree.find(path).unwrap();
        (find(&["Music"]), find(&["Documents"]), find(&["hello.txt"]))
    });
    succeeded(&moved(&sim, music, documents, &[("move_proid", "mine")]).await);
    assert!(sim.tree(|tree| tree.find(&["Documents", "Music"])).is_none());
    let early = progress(&sim, "mine").await;
    assert!(early["state"] == true && early["progress"].as_u64().unwrap() < 50, "{early}");
    assert_eq!(moved(&sim, hello, documents, &[]).await["errno"], 990_019, "even of a file");
    sim.advance(Duration::from_secs(30));
    assert!((50..100).contains(&progress(&sim, "mine").await["progress"].as_u64().unwrap()));
    assert!(names(&sim, ROOT).await.contains(&"Music".to_owned()));
    sim.advance(Duration::from_secs(31));
    assert_eq!(progress(&sim, "mine").await, json!({"state": true, "progress": 100}));
    assert!(!names(&sim, ROOT).await.contains(&"Music".to_owned()));
    assert!(names(&sim, documents).await.contains(&"Music".to_owned()));
    succeeded(&moved(&sim, hello, documents, &[("move_proid", "next")]).await);
    assert_eq!(progress(&sim, "next").await["progress"], 100, "files take no time");
    assert_eq!(progress(&sim, "nobody's").await["state"], false);
    assert_eq!(progress(&sim, "").await["state"], false);
    assert_eq!((sim.calls("move"), sim.calls("move_progress")), (3, 6));
}
