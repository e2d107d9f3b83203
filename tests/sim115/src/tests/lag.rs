//! Tests of listings that lag behind writes.

use std::time::Duration;

use serde_json::{Value, json};

use super::client::{get, start};
use super::writing::{fill, list, names, succeeded, truth, write};
use crate::{ROOT, Sim, Tree};

/// One write of each kind in a folder of the files `keep`, `old.txt`, `out.txt` and `gone.txt`.
async fn write_everything(sim: &Sim) -> u64 {
    let (folder, files) = fill(sim, "folder", &["keep", "old.txt", "out.txt", "gone.txt"]);
    let (_, others) = fill(sim, "other", &["in.txt"]);
    let id = |id: u64| id.to_string();
    let (here, renamed) = (id(folder), format!("files_new_name[{}]", files[1]));
    for (path, fields) in [
        ("files/add", vec![("pid", here.clone()), ("cname", "made".to_owned())]),
        ("files/batch_rename", vec![(renamed.as_str(), "new.txt".to_owned())]),
        ("files/move", vec![("fid", id(files[2])), ("pid", id(ROOT))]),
        ("files/move", vec![("fid", id(others[0])), ("pid", here.clone())]),
        ("files/copy", vec![("fid", id(files[0])), ("pid", here.clone())]),
        ("rb/delete", vec![("fid", id(files[3]))]),
    ] {
        let fields: Vec<(&str, &str)> = fields.iter().map(|(key, value)| (*key, value.as_str())).collect();
        succeeded(&write(sim, path, &fields).await);
    }
    assert_eq!(truth(sim, folder), AFTER);
    folder
}

const BEFORE: [&str; 4] = ["gone.txt", "keep", "old.txt", "out.txt"];
const AFTER: [&str; 5] = ["in.txt", "keep", "keep", "made", "new.txt"];
/// The same in the order of a listing.
const SHOWN: [&str; 5] = ["made", "in.txt", "keep", "keep", "new.txt"];

fn counts(listing: &Value) -> (u64, u64) {
    (listing["count"].as_u64().unwrap(), crate::num::long(listing["data"].as_array().unwrap().len()))
}

#[tokio::test]
async fn listings_show_what_was_for_a_time() {
    let sim = start(Tree::Empty).await;
    sim.behave(|behaviours| behaviours.writes.listing_lag_ms = 60_000);
    let folder = write_everything(&sim).await;
    assert_eq!(names(&sim, folder).await, BEFORE);
    let natsort = get(&sim, &format!("/aps.115.com/natsort/files.php?cid={folder}")).await.json();
    assert_eq!(natsort["data"].as_array().unwrap().len(), BEFORE.len());
    let root = names(&sim, ROOT).await;
    assert!(!root.contains(&"out.txt".to_owned()), "the target lags too: {root:?}");
    let info = get(&sim, "/webapi.115.com/files/getid?path=/folder/made").await.json();
    assert_ne!(info["id"], 0, "only listings lag");
    assert_eq!(counts(&list(&sim, folder).await), (4, 4), "counts lag with the rows");
    sim.advance(Duration::from_secs(61));
    assert_eq!(names(&sim, folder).await, SHOWN);
    assert_eq!(counts(&list(&sim, folder).await), (5, 5));
}

#[tokio::test]
async fn listings_show_what_was_a_number_of_times() {
    let sim = start(Tree::Empty).await;
    sim.behave(|behaviours| behaviours.writes.listing_lag_listings = 2);
    let folder = write_everything(&sim).await;
    let page = async |offset: u32| {
        let target = format!("/webapi.115.com/files?cid={folder}&limit=2&offset={offset}");
        get(&sim, &target).await.json()["data"][0]["n"].clone()
    };
    for _ in 0..2 {
        assert_eq!(
            (page(0).await, page(2).await),
            (json!("gone.txt"), json!("old.txt")),
            "pages are no listings"
        );
    }
    assert_eq!(names(&sim, folder).await, SHOWN);
}

#[tokio::test]
async fn counts_can_be_stale_while_rows_are_not() {
    let sim = start(Tree::Empty).await;
    sim.behave(|behaviours| {
        behaviours.writes.count_lag_listings = 1;
        behaviours.writes.lag_says_cached = true;
    });
    let folder = write_everything(&sim).await;
    let listing = get(&sim, &format!("/webapi.115.com/files?cid={folder}&count_folders=1")).await.json();
    assert_eq!((counts(&listing), &listing["use_cache"]), ((4, 5), &json!(true)));
    assert_eq!((&listing["folder_count"], &listing["file_count"]), (&json!(0), &json!(4)));
    let listing = list(&sim, folder).await;
    assert_eq!((counts(&listing), listing.get("use_cache")), ((5, 5), None));
}

#[tokio::test]
async fn only_the_calls_named_lag() {
    let sim = start(Tree::Empty).await;
    sim.behave(|behaviours| {
        behaviours.writes.listing_lag_ms = 60_000;
        behaviours.writes.lag_after.insert("rb_delete".to_owned());
    });
    let folder = write_everything(&sim).await;
    assert_eq!(names(&sim, folder).await, ["made", "gone.txt", "in.txt", "keep", "keep", "new.txt"]);
}

#[tokio::test]
async fn of_several_writes_the_first_state_is_shown() {
    let sim = start(Tree::Empty).await;
    let (folder, files) = fill(&sim, "folder", &["a.txt"]);
    sim.behave(|behaviours| behaviours.writes.listing_lag_ms = 60_000);
    let key = format!("files_new_name[{}]", files[0]);
    succeeded(&write(&sim, "files/batch_rename", &[(&key, "b.txt")]).await);
    sim.advance(Duration::from_secs(40));
    succeeded(&write(&sim, "files/batch_rename", &[(&key, "c.txt")]).await);
    assert_eq!(names(&sim, folder).await, ["a.txt"]);
    sim.advance(Duration::from_secs(30));
    assert_eq!(names(&sim, folder).await, ["b.txt"], "the first lag is over");
    succeeded(&write(&sim, "rb/delete", &[("fid", &files[0].to_string())]).await);
    succeeded(&write(&sim, "rb/revert", &[("rid", &files[0].to_string())]).await);
    assert_eq!(names(&sim, folder).await, ["b.txt"]);
    sim.advance(Duration::from_secs(61));
    assert_eq!(names(&sim, folder).await, ["c.txt"]);
}

#[tokio::test]
async fn what_takes_time_lags_from_its_end() {
    let sim = start(Tree::DemoSmall).await;
    let music = sim.tree(|tree| tree.find(&["Music"]).unwrap());
    sim.behave(|behaviours| {
        behaviours.writes.folder_work_ms = 60_000;
        behaviours.writes.listing_lag_ms = 60_000;
    });
    succeeded(&write(&sim, "rb/delete", &[("fid", &music.to_string())]).await);
    let shows = async || names(&sim, ROOT).await.contains(&"Music".to_owned());
    sim.advance(Duration::from_secs(61));
    assert!(shows().await && sim.tree(|tree| tree.node(music).is_none()));
    sim.advance(Duration::from_secs(61));
    assert!(!shows().await);
}
