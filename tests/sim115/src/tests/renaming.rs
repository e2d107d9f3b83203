//! Tests of renaming.

use serde_json::json;

use super::client::start;
use super::writing::{fill, names, succeeded, write};
use crate::{Sim, Tree};

const RENAME: &str = "files/batch_rename";

/// Renames one node and returns the name it got.
async fn renamed(sim: &Sim, id: u64, name: &str) -> String {
    let answer = write(sim, RENAME, &[(&format!("files_new_name[{id}]"), name)]).await;
    succeeded(&answer);
    let given = answer["data"][id.to_string()].as_str().unwrap().to_owned();
    assert_eq!(sim.tree(|tree| tree.node(id).unwrap().name.clone()), given);
    given
}

#[tokio::test]
async fn a_file_keeps_its_extension() {
    let sim = start(Tree::Empty).await;
    let (folder, files) = fill(&sim, "films", &["a.mkv", "bare"]);
    for (asked, given) in [
        ("b.mkv", "b.mkv"),
        ("v1.0", "v1.mkv"),
        ("plain", "plain.mkv"),
        ("c.mp4", "c.mkv"),
        ("d.tar.gz", "d.tar.mkv"),
        (".mkv.mkv", ".mkv.mkv"),
    ] {
        assert_eq!(renamed(&sim, files[0], asked).await, given, "{asked}");
    }
    assert_eq!(renamed(&sim, files[1], "still.txt").await, "still");
    assert_eq!(renamed(&sim, folder, "films v1.0").await, "films v1.0", "a folder has no extension");
    let bad = write(&sim, RENAME, &[(&format!("files_new_name[{}]", files[0]), ".mkv")]).await;
    assert_eq!((&bad["errno"], &bad["error"]), (&json!(20_020), &json!("后缀名不正确，请重新输入")));
}

#[tokio::test]
async fn many_are_renamed_at_once_and_names_may_repeat() {
    let sim = start(Tree::Empty).await;
    let (folder, files) = fill(&sim, "films", &["a.mkv", "b.mkv"]);
    let fields = files.iter().map(|id| (format!("files_new_name[{id}]"), "same.mkv")).collect::<Vec<_>>();
    let fields: Vec<(&str, &str)> = fields.iter().map(|(key, name)| (key.as_str(), *name)).collect();
    let answer = write(&sim, RENAME, &fields).await;
    let (one, two) = (files[0].to_string(), files[1].to_string());
    let data = json!({one.clone(): "same.mkv", two: "same.mkv"});
    assert_eq!(answer, json!({"state": true, "error": "", "errno": 0, "data": data}));
    assert_eq!(names(&sim, folder).await, ["same.mkv", "same.mkv"]);
    let single = write(&sim, RENAME, &[("fid", &one), ("file_name", "other.mkv")]).await;
    assert_eq!(single["data"], json!({one: "other.mkv"}));
}

#[tokio::test]
async fn an_unknown_id_is_no_failure_but_a_bad_name_is() {
    let sim = start(Tree::Empty).await;
    let (_, files) = fill(&sim, "films", &["a.mkv"]);
    let answer = write(&sim, RENAME, &[("files_new_name[77]", "b.mkv")]).await;
    assert_eq!((&answer["state"], &answer["data"]), (&json!(true), &json!([])));
    let key = format!("files_new_name[{}]", files[0]);
    for (name, code) in [("", 20_001), ("a<b.mkv", 20_003), (&"a".repeat(256), 20_002)] {
        assert_eq!(write(&sim, RENAME, &[(&key, name)]).await["errno"], code, "{name}");
    }
    let mixed = write(&sim, RENAME, &[(&key, "good.mkv"), ("files_new_name[77]", "b>d")]).await;
    assert_eq!(mixed["errno"], 20_003);
    assert_eq!(sim.tree(|tree| tree.node(files[0]).unwrap().name.clone()), "a.mkv", "all or nothing");
}

#[tokio::test]
async fn suffixes_and_idle_renames_can_be_refused() {
    let sim = start(Tree::Empty).await;
    let (_, files) = fill(&sim, "films", &["a.mkv"]);
    let key = format!("files_new_name[{}]", files[0]);
    let before = sim.tree(|tree| tree.node(files[0]).unwrap().modified);
    succeeded(&write(&sim, RENAME, &[(&key, "a.mkv")]).await);
    assert_eq!(sim.tree(|tree| tree.node(files[0]).unwrap().modified), before);
    sim.behave(|behaviours| behaviours.writes.same_name_refused = true);
    for name in ["a.mkv", "a"] {
        let idle = write(&sim, RENAME, &[(&key, name)]).await;
        assert_eq!(idle, json!({"state": false, "error": "更新的数据为空"}), "{name}");
    }
    for code in [20_020, 20_021] {
        sim.behave(|behaviours| behaviours.writes.suffix_code = code);
        assert_eq!(write(&sim, RENAME, &[(&key, "b.mp4")]).await["errno"], code);
        assert_eq!(write(&sim, RENAME, &[(&key, "b")]).await["errno"], code);
    }
    assert_eq!(renamed(&sim, files[0], "b.mkv").await, "b.mkv");
}

#[tokio::test]
async fn one_is_edited() {
    let sim = start(Tree::Empty).await;
    let (folder, files) = fill(&sim, "films", &["a.mkv"]);
    let id = files[0].to_string();
    let answer = write(&sim, "files/edit", &[("fid", &id), ("file_name", "b.avi")]).await;
    assert_eq!(answer, json!({"state": true, "error": "", "errno": 0, "data": {"file_name": "b.mkv"}}));
    let modified = || sim.tree(|tree| tree.node(folder).unwrap().modified);
    sim.advance(std::time::Duration::from_secs(1000));
    let before = modified();
    let folder_id = folder.to_string();
    succeeded(&write(&sim, "files/edit", &[("fid", &folder_id), ("file_label", "1")]).await);
    assert_eq!(modified(), before);
    succeeded(&write(&sim, "files/edit", &[("fid", &folder_id), ("file_desc", "my films")]).await);
    assert!(modified() >= before + 900, "a description is a modification");
    let long = "x".repeat(65_536);
    assert_eq!(write(&sim, "files/edit", &[("fid", &id), ("file_desc", &long)]).await["errno"], 990_002);
    for (fid, code) in [("77", 20_018), ("0", 990_002), ("", 990_002)] {
        let refused = write(&sim, "files/edit", &[("fid", fid), ("file_name", "x")]).await;
        assert_eq!(refused["errno"], code, "{fid}");
    }
    assert_eq!(write(&sim, "files/edit", &[("fid", &id), ("file_name", "a<b")]).await["errno"], 20_003);
    assert_eq!((sim.calls("edit"), sim.calls("batch_rename")), (8, 0));
}
