//! Tests of the listings.

use serde_json::Value;

use super::client::{get, post, start};
use crate::{OrderMemory, Sim, Tree};

const ORDERED: &str =
    "aid=1&o=user_ptime&asc=1&custom_order=1&fc_mix=0&show_dir=1&cur=1&count_folders=1&format=json";

async fn files(sim: &Sim, query: &str) -> Value {
    get(sim, &format!("/webapi.115.com/files?{query}")).await.json()
}

async fn natsort(sim: &Sim, query: &str) -> Value {
    get(sim, &format!("/aps.115.com/natsort/files.php?{query}")).await.json()
}

fn names(answer: &Value) -> Vec<&str> {
    answer["data"].as_array().unwrap().iter().map(|item| item["n"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_folder_is_listed_in_the_web_shape() {
    let sim = start(Tree::Demo).await;
    let (films, film) = sim.tree(|tree| {
        let films = tree.find(&["电影", "流浪地球 (2019)"]).unwrap();
        (films, tree.find(&["电影", "流浪地球 (2019)", "流浪地球 (2019).mkv"]).unwrap())
    });
    let root = files(&sim, &format!("cid=0&{ORDERED}")).await;
    assert_eq!((&root["state"], &root["count"], &root["cid"]), (&true.into(), &8.into(), &"0".into()));
    assert_eq!((&root["folder_count"], &root["file_count"]), (&7.into(), &1.into()));
    assert!(root["data"][0].get("fid").is_none() && root["data"][0]["pc"].as_str().unwrap().starts_with('f'));
    assert_eq!(*names(&root).last().unwrap(), "hello.txt", "folders come first");
    let inner = files(&sim, &format!("cid={films}&{ORDERED}")).await;
    let item = &inner["data"][2];
    assert_eq!((&item["fid"], &item["cid"]), (&film.to_string().into(), &films.to_string().into()));
    assert_eq!((&item["s"], &item["ico"]), (&(4_u64 << 30).into(), &"mkv".into()));
    assert_eq!(item["t"].as_str().unwrap().len(), "2024-06-20 15:32".len());
    let path: Vec<&str> =
        inner["path"].as_array().unwrap().iter().map(|part| part["name"].as_str().unwrap()).collect();
    assert_eq!(path, ["根目录", "电影", "流浪地球 (2019)"]);
    assert_eq!(inner["path"][0]["cid"], 0);
    assert_eq!(sim.calls("files"), 2);
}

#[tokio::test]
async fn an_unknown_folder_lists_the_root() {
    let sim = start(Tree::Demo).await;
    for query in ["cid=42", "cid=abc", "cid="] {
        let answer = files(&sim, query).await;
        assert_eq!((&answer["cid"], &answer["count"]), (&"0".into(), &8.into()), "{query}");
    }
    sim.behave(|behaviours| behaviours.unknown_cid_lists_root = false);
    assert_eq!(files(&sim, "cid=42").await["state"], false);
}

#[tokio::test]
async fn pages_are_clamped_and_meet_without_gap() {
    let sim = start(Tree::Flat(2500)).await;
    let folder = sim.tree(|tree| tree.find(&["flat"]).unwrap());
    let mut seen = Vec::new();
    for offset in [0, 1150, 2300] {
        let page = files(&sim, &format!("cid={folder}&{ORDERED}&limit=5000&offset={offset}")).await;
        assert_eq!(
            (&page["limit"], &page["count"], &page["offset"]),
            (&1150.into(), &2500.into(), &offset.into())
        );
        seen.extend(names(&page).iter().map(|name| (*name).to_owned()));
    }
    let expected: Vec<String> = (0..2500).map(|number| format!("file-{number:05}.bin")).collect();
    assert_eq!(seen, expected);
    let beyond = files(&sim, &format!("cid={folder}&{ORDERED}&limit=10&offset=9000")).await;
    assert_eq!((names(&beyond).len(), &beyond["count"]), (0, &2500.into()));
}

#[tokio::test]
async fn the_name_sorted_listing_wraps() {
    let sim = start(Tree::Flat(2500)).await;
    let folder = sim.tree(|tree| tree.find(&["flat"]).unwrap());
    let page = natsort(&sim, &format!("cid={folder}&limit=5000&offset=1000")).await;
    assert_eq!((names(&page).len(), names(&page)[0]), (200, "file-01000.bin"));
    assert_eq!((&page["limit"], &page["order"]), (&1200.into(), &"file_name".into()));
    let wrapped = natsort(&sim, &format!("cid={folder}&limit=1200&offset=1200")).await;
    assert_eq!(
        (&wrapped["offset"], &wrapped["fc_mix"], names(&wrapped)[0]),
        (&0.into(), &1.into(), "file-00000.bin")
    );
}

#[tokio::test]
async fn the_remembered_order_comes_through_in_all_its_ways() {
    let sim = start(Tree::Flat(5)).await;
    let folder = sim.tree(|tree| tree.find(&["flat"]).unwrap());
    let set = [("file_id", folder.to_string()), ("user_order", "file_size".into()), ("user_asc", "0".into())];
    let set: Vec<(&str, &str)> = set.iter().map(|(name, value)| (*name, value.as_str())).collect();
    assert_eq!(post(&sim, "/webapi.115.com/files/order", None, &set).await.json()["state"], true);
    let plain = format!("cid={folder}&o=file_name&asc=1");
    let custom = format!("{plain}&custom_order=1");
    let told = |answer: &Value| (answer["order"].clone(), answer["is_asc"].clone(), answer["errNo"].clone());
    let remembered = ("file_size".into(), 0.into(), 0.into());
    let asked = ("file_name".into(), 1.into(), 0.into());
    let refused = ("file_size".into(), 0.into(), 20_130_827.into());
    for (memory, without, with) in [
        (OrderMemory::Silent, &remembered, &asked),
        (OrderMemory::Refuse, &refused, &asked),
        (OrderMemory::AlwaysSilent, &remembered, &remembered),
        (OrderMemory::AlwaysRefuse, &refused, &refused),
    ] {
        sim.behave(|behaviours| behaviours.order_memory = memory);
        assert_eq!(told(&files(&sim, &plain).await), *without, "{memory:?}");
        assert_eq!(told(&files(&sim, &custom).await), *with, "{memory:?}");
        let agreed = files(&sim, &format!("cid={folder}&o=file_size&asc=0")).await;
        assert_eq!((told(&agreed), names(&agreed)[0]), (remembered.clone(), "file-00004.bin"), "{memory:?}");
    }
}

#[tokio::test]
async fn counts_lie_pages_fall_short_and_files_come_and_go() {
    let sim = start(Tree::Flat(20)).await;
    let folder = sim.tree(|tree| tree.find(&["flat"]).unwrap());
    let page = |offset: u64| format!("cid={folder}&{ORDERED}&limit=10&offset={offset}");
    sim.behave(|behaviours| behaviours.count_lie = 7);
    assert_eq!(files(&sim, &page(0)).await["count"], 27);
    sim.behave(|behaviours| behaviours.count_lie = -100);
    assert_eq!(files(&sim, &page(0)).await["count"], 0);
    sim.behave(|behaviours| (behaviours.count_lie, behaviours.short_page_items) = (0, 3));
    let short = files(&sim, &page(0)).await;
    assert_eq!((names(&short).len(), &short["count"]), (7, &20.into()));
    assert_eq!(names(&files(&sim, &page(10)).await).len(), 10, "the last page is whole");
    sim.behave(|behaviours| (behaviours.short_page_items, behaviours.files_appearing) = (0, 1));
    assert_eq!(files(&sim, &page(0)).await["count"], 20);
    let after = files(&sim, &page(10)).await;
    assert_eq!(after["count"], 21);
    assert_eq!(*names(&files(&sim, &page(20)).await).last().unwrap(), "appeared-1.txt");
    sim.behave(|behaviours| behaviours.files_vanishing = 1);
    files(&sim, &page(0)).await;
    assert_eq!(names(&files(&sim, &page(0)).await)[0], "file-00001.bin");
}

#[tokio::test]
async fn filters_list_files_at_any_depth() {
    let sim = start(Tree::DemoSmall).await;
    let all = files(&sim, "cid=0&cur=0&show_dir=0&type=99&limit=1150").await;
    let files_there = sim.tree(|tree| tree.walk().iter().filter(|(_, node)| !node.is_folder()).count());
    assert_eq!(all["count"], files_there);
    let videos = files(&sim, "cid=0&type=4&limit=100").await;
    let episodes = names(&videos).iter().filter(|name| name.starts_with("三体 S01E")).count();
    assert_eq!((episodes, &videos["count"]), (8, &8.into()));
    let pictures = files(&sim, "cid=0&suffix=png&limit=100").await;
    assert_eq!(pictures["count"], 4);
    let folders = files(&sim, "cid=0&nf=1&limit=100").await;
    assert_eq!(folders["count"], 7);
    let small = files(&sim, "cid=0&cur=0&show_dir=0&max_size=20&limit=100").await;
    assert_eq!(small["count"], 2);
}

#[tokio::test]
async fn a_listing_counts_as_opening_unless_told_not_to() {
    let sim = start(Tree::Flat(3)).await;
    let folder = sim.tree(|tree| tree.find(&["flat"]).unwrap());
    let opened = || sim.tree(|tree| tree.node(folder).unwrap().opened);
    files(&sim, &format!("cid={folder}&record_open_time=0")).await;
    assert_eq!(opened(), 0);
    files(&sim, &format!("cid={folder}")).await;
    assert!(opened() > 0);
}

#[tokio::test]
async fn types_jitter_and_names_do_not() {
    let sim = start(Tree::Nasty).await;
    sim.behave(|behaviours| behaviours.type_jitter = true);
    let folder = sim.tree(|tree| tree.find(&["files"]).unwrap());
    let (mut kinds, mut root_ids) = (Vec::new(), Vec::new());
    for _ in 0..20 {
        let answer = files(&sim, &format!("cid={folder}&limit=1150&{ORDERED}")).await;
        kinds.extend(answer["data"].as_array().unwrap().iter().map(|item| item["s"].is_string()));
        root_ids.push(answer["path"][1]["cid"].is_string());
        assert!(answer["data"].as_array().unwrap().iter().all(|item| item["n"].is_string()));
    }
    assert!(kinds.contains(&true) && kinds.contains(&false));
    assert!(root_ids.contains(&true) && root_ids.contains(&false));
}
