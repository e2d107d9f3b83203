//! Tests of deleting and of the recycle bin.

use std::time::Duration;

use serde_json::{Value, json};

use super::client::{get, start};
use super::writing::{fill, list, names, succeeded, truth, write};
use crate::{Behaviours, ROOT, Sim, Tree};

async fn delete(sim: &Sim, id: u64) -> Value {
    write(sim, "rb/delete", &[("fid[0]", &id.to_string()), ("pid", "0"), ("ignore_warn", "1")]).await
}

async fn bin(sim: &Sim, query: &str) -> Value {
    get(sim, &format!("/webapi.115.com/rb?aid=7&cid=0&format=json{query}")).await.json()
}

async fn revert(sim: &Sim, id: u64) -> Value {
    write(sim, "rb/revert", &[("rid[0]", &id.to_string())]).await
}

fn bin_names(sim: &Sim) -> Vec<String> {
    sim.tree(|tree| tree.bin().iter().map(|entry| entry.top().name.clone()).collect())
}

#[tokio::test]
async fn what_is_deleted_lies_in_the_bin_and_comes_back() {
    let sim = start(Tree::DemoSmall).await;
    let find = |path: &[&str]| sim.tree(|tree| tree.find(path).unwrap());
    let (show, episode, hello) = (
        find(&["剧集", "三体"]),
        find(&["剧集", "三体", "Season 01", "三体 S01E01.mp4"]),
        find(&["hello.txt"]),
    );
    let (count, bytes) = sim.tree(|tree| (tree.len(), tree.total_bytes()));
    for id in [hello, show] {
        assert_eq!(delete(&sim, id).await, json!({"state": true, "error": "", "errno": ""}));
    }
    let info = get(&sim, &format!("/webapi.115.com/files/get_info?file_id={episode}")).await.json();
    assert_eq!(info["state"], false, "what was below is gone too");
    assert!(!names(&sim, ROOT).await.contains(&"hello.txt".to_owned()));
    let listing = bin(&sim, "").await;
    let top = ["count", "offset", "page_size", "order", "is_asc", "rb_pass"].map(|key| listing[key].clone());
    assert_eq!(top, [json!("2"), json!(0), json!(32), json!("dtime"), json!(0), json!(0)]);
    let (folder, file) = (&listing["data"][0], &listing["data"][1]);
    let deleted = sim.tree(|tree| tree.bin()[0].deleted).to_string();
    let expected = json!({
        "id": hello.to_string(), "file_name": "hello.txt", "type": "1", "file_size": "31", "dtime": deleted,
        "status": "0", "cid": 0, "parent_name": "根目录", "iv": 0, "vdi": 0, "ico": "txt", "u": "", "play_long": 0,
    });
    assert_eq!(file, &expected);
    let series = find(&["剧集"]).to_string();
    assert_eq!(
        (&folder["type"], &folder["cid"], &folder["ico"]),
        (&json!("2"), &json!(series), &json!("folder"))
    );
    for (id, code) in [(hello, 231_011), (episode, 231_011), (77, 20_018), (0, 990_002)] {
        assert_eq!(delete(&sim, id).await["errno"], code, "{id}");
    }
    for id in [show, hello] {
        succeeded(&revert(&sim, id).await);
    }
    assert_eq!(find(&["剧集", "三体", "Season 01", "三体 S01E01.mp4"]), episode);
    assert_eq!(sim.tree(|tree| (tree.len(), tree.total_bytes())), (count, bytes));
    assert!(sim.tree(|tree| !tree.was_deleted(hello) && !tree.was_deleted(episode)));
    assert_eq!(bin(&sim, "").await["data"], json!([]));
    for (rid, code) in [(hello, 20_018), (77, 20_018), (0, 990_002)] {
        assert_eq!(revert(&sim, rid).await["errno"], code);
    }
    assert_eq!(write(&sim, "rb/revert", &[]).await["errno"], 990_002, "no id is not all ids");
}

#[tokio::test]
async fn a_call_with_one_bad_id_deletes_nothing() {
    let sim = start(Tree::Empty).await;
    let (folder, files) = fill(&sim, "f", &["a", "b", "c"]);
    let both = format!("{},77", files[0]);
    assert_eq!(write(&sim, "rb/delete", &[("fid", &both)]).await["errno"], 20_018);
    assert_eq!(truth(&sim, folder).len(), 3);
    let list = format!("{},{}", files[0], files[1]);
    succeeded(&write(&sim, "rb/delete", &[("fid", &list), ("fid[2]", &files[2].to_string())]).await);
    assert_eq!((truth(&sim, folder).len(), bin_names(&sim).len()), (0, 3));
    let page = bin(&sim, "&limit=1&offset=1&o=dtime&asc=1").await;
    assert_eq!((&page["count"], &page["data"][0]["file_name"]), (&json!("3"), &json!("b")));
    assert_eq!((page["data"].as_array().unwrap().len(), &page["is_asc"]), (1, &json!(1)));
    sim.behave(|behaviours| behaviours.writes.delete_asks = true);
    let id = folder.to_string();
    for fields in [vec![("fid", id.as_str())], vec![("fid", &id), ("ignore_warn", "0")]] {
        assert_eq!(write(&sim, "rb/delete", &fields).await["errno"], 800_007);
    }
    succeeded(&delete(&sim, folder).await);
}

#[tokio::test]
async fn a_folder_is_deleted_and_reverted_when_its_time_has_come() {
    let sim = start(Tree::DemoSmall).await;
    sim.behave(|behaviours| behaviours.writes.folder_work_ms = 60_000);
    let find = |path: &[&str]| sim.tree(|tree| tree.find(path));
    let (music, hello) = (find(&["Music"]).unwrap(), find(&["hello.txt"]).unwrap());
    succeeded(&delete(&sim, music).await);
    assert!(names(&sim, ROOT).await.contains(&"Music".to_owned()), "it is still there");
    let unfinished = "删除[Music]操作尚未执行完成，请稍后再试！";
    for refused in [
        delete(&sim, hello).await,
        revert(&sim, hello).await,
        write(&sim, "rb/clean", &[]).await,
        write(&sim, "rb/secret_del", &[]).await,
        write(&sim, "files/copy", &[("fid", &hello.to_string())]).await,
    ] {
        assert_eq!((&refused["errno"], &refused["error"]), (&json!(990_009), &json!(unfinished)));
    }
    let work = get(&sim, "/__sim/work").await.json();
    assert_eq!((&work["running"]["kind"], &work["running"]["name"]), (&json!("delete"), &json!("Music")));
    sim.advance(Duration::from_secs(61));
    assert_eq!(get(&sim, "/__sim/work").await.json()["running"], Value::Null);
    assert!(!names(&sim, ROOT).await.contains(&"Music".to_owned()));
    succeeded(&revert(&sim, music).await);
    assert_eq!(bin(&sim, "").await["data"][0]["status"], "-1");
    let refused = delete(&sim, hello).await;
    assert_eq!(refused["error"], "还原[Music]操作尚未执行完成，请稍后再试！");
    sim.finish_work();
    assert!(find(&["Music"]).is_some() && bin_names(&sim).is_empty());
    succeeded(&delete(&sim, hello).await);
    assert_eq!(bin_names(&sim), ["hello.txt"], "files take no time");
}

#[tokio::test]
async fn a_deleted_folder_can_be_listed_for_a_while() {
    let sim = start(Tree::DemoSmall).await;
    let find = |path: &[&str]| sim.tree(|tree| tree.find(path).unwrap());
    let (series, season) = (find(&["剧集"]), find(&["剧集", "三体", "Season 01"]));
    sim.behave(|behaviours| behaviours.writes.deleted_folder_lists_ms = 60_000);
    succeeded(&delete(&sim, series).await);
    let listing = list(&sim, season).await;
    assert_eq!((&listing["cid"], &listing["count"]), (&json!(season.to_string()), &json!(8)));
    let path: Vec<&str> =
        listing["path"].as_array().unwrap().iter().map(|part| part["name"].as_str().unwrap()).collect();
    assert_eq!(path, ["根目录", "剧集", "三体", "Season 01"]);
    assert!(!names(&sim, ROOT).await.contains(&"剧集".to_owned()));
    sim.advance(Duration::from_secs(61));
    assert_eq!(list(&sim, season).await["cid"], "0", "the root instead");
}

#[tokio::test]
async fn reverting_needs_space_and_a_place() {
    let sim = start(Tree::Empty).await;
    let (folder, files) = fill(&sim, "f", &["a.txt"]);
    succeeded(&delete(&sim, files[0]).await);
    succeeded(&delete(&sim, folder).await);
    sim.behave(|behaviours| behaviours.space_bytes = 3);
    assert_eq!(revert(&sim, files[0]).await["errno"], 300_001);
    sim.behave(|behaviours| behaviours.space_bytes = Behaviours::default().space_bytes);
    succeeded(&revert(&sim, files[0]).await);
    assert_eq!(truth(&sim, ROOT), ["a.txt"], "its folder is gone");
}

#[tokio::test]
async fn nothing_comes_back_below_itself() {
    let sim = start(Tree::Empty).await;
    let (outer, _) = fill(&sim, "outer", &[]);
    let inner = sim.tree(|tree| tree.add_folder(outer, "inner"));
    succeeded(&delete(&sim, inner).await);
    let (outer_id, inner_id) = (outer.to_string(), inner.to_string());
    succeeded(&write(&sim, "files/move", &[("fid", &outer_id), ("pid", &inner_id)]).await);
    succeeded(&revert(&sim, inner).await);
    assert_eq!(truth(&sim, ROOT), ["inner"]);
    assert_eq!(truth(&sim, inner), ["outer"], "what dangled below it is found again");
    // The same while a move is under way.
    let (other, _) = fill(&sim, "other", &[]);
    let other_id = other.to_string();
    sim.behave(|behaviours| behaviours.writes.folder_work_ms = 60_000);
    succeeded(&write(&sim, "files/move", &[("fid", &outer_id), ("pid", &other_id)]).await);
    sim.tree(|tree| assert!(tree.relocate(other, outer)));
    sim.finish_work();
    assert_eq!(
        (truth(&sim, inner), truth(&sim, outer)),
        (vec!["outer".to_owned()], vec!["other".to_owned()])
    );
}

#[tokio::test]
async fn purging_without_ids_empties_the_bin() {
    let sim = start(Tree::Empty).await;
    let (_, files) = fill(&sim, "f", &["a", "b", "c", "d", "e"]);
    for id in &files {
        succeeded(&delete(&sim, *id).await);
    }
    let id = |place: usize| files[place].to_string();
    succeeded(&write(&sim, "rb/clean", &[("rid[0]", &id(0))]).await);
    succeeded(&write(&sim, "rb/secret_del", &[("tid", &format!("{},{}", id(1), id(2)))]).await);
    assert_eq!(bin_names(&sim), ["d", "e"]);
    assert_eq!(revert(&sim, files[0]).await["errno"], 20_018, "it is gone for good");
    assert_eq!(delete(&sim, files[0]).await["errno"], 231_011);
    sim.behave(|behaviours| behaviours.writes.bin_key = "123456".to_owned());
    assert_eq!(bin(&sim, "").await["rb_pass"], 1);
    for (path, password) in [("rb/clean", ""), ("rb/clean", "000000"), ("rb/secret_del", "000000")] {
        let refused = write(&sim, path, &[("password", password), ("tid", &id(3)), ("rid[0]", &id(3))]).await;
        assert_eq!(
            (&refused["errno"], &refused["error"]),
            (&json!(320_001), &json!("很抱歉,安全密钥不正确"))
        );
    }
    assert!(sim.ledger().last().unwrap().query.contains("password=***"));
    succeeded(&write(&sim, "rb/clean", &[("password", "123456"), ("rid[0]", &id(3))]).await);
    assert_eq!(bin_names(&sim), ["e"]);
    succeeded(&write(&sim, "rb/secret_del", &[("password", "123456")]).await);
    assert!(bin_names(&sim).is_empty());
    let (_, more) = fill(&sim, "g", &["a", "b"]);
    for id in more {
        succeeded(&delete(&sim, id).await);
    }
    succeeded(&write(&sim, "rb/clean", &[("password", "123456")]).await);
    assert!(bin_names(&sim).is_empty());
    assert_eq!((sim.calls("rb_clean"), sim.calls("rb_secret_del"), sim.calls("rb_list")), (5, 3, 1));
}

#[tokio::test]
async fn a_wrong_key_can_empty_the_whole_bin() {
    let sim = start(Tree::Empty).await;
    let (_, files) = fill(&sim, "f", &["a", "b"]);
    for id in &files {
        succeeded(&delete(&sim, *id).await);
    }
    sim.behave(|behaviours| {
        behaviours.writes.bin_key = "123456".to_owned();
        behaviours.writes.wrong_key_empties_bin = true;
        behaviours.writes.folder_work_ms = 60_000;
    });
    let fields = [("tid", files[0].to_string()), ("password", "000000".to_owned())];
    let fields: Vec<(&str, &str)> = fields.iter().map(|(key, value)| (*key, value.as_str())).collect();
    succeeded(&write(&sim, "rb/secret_del", &fields).await);
    assert_eq!(bin_names(&sim).len(), 2);
    sim.advance(Duration::from_secs(61));
    assert!(bin_names(&sim).is_empty());
}
