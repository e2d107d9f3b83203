//! Tests of the look-ups and of the space.

use serde_json::json;

use super::client::{get, start};
use crate::Tree;

#[tokio::test]
async fn paths_lead_to_folders_only() {
    let sim = start(Tree::DemoSmall).await;
    let (show, season) = sim.tree(|tree| {
        (tree.find(&["剧集", "三体"]).unwrap(), tree.find(&["剧集", "三体", "Season 01"]).unwrap())
    });
    let path = "%E5%89%A7%E9%9B%86/%E4%B8%89%E4%BD%93";
    let found = get(&sim, &format!("/webapi.115.com/files/getid?path=/{path}")).await.json();
    assert_eq!(
        found,
        json!({"state": true, "errno": 0, "error": "", "id": show.to_string(), "is_private": "0"})
    );
    for missing in ["/hello.txt", "/nowhere", "/", ""] {
        let answer = get(&sim, &format!("/webapi.115.com/files/getid?path={missing}")).await.json();
        assert_eq!((&answer["id"], &answer["state"]), (&json!(0), &json!(true)), "{missing}");
    }
    let below =
        get(&sim, &format!("/webapi.115.com/files/get_path_id?path=Season+01&parent_id={show}")).await.json();
    assert_eq!(below["id"], season.to_string());
    assert_eq!((sim.calls("getid"), sim.calls("get_path_id")), (5, 1));
}

#[tokio::test]
async fn one_node_is_described() {
    let sim = start(Tree::DemoSmall).await;
    let (file, code, show) = sim.tree(|tree| {
        let file = tree.find(&["hello.txt"]).unwrap();
        (file, tree.node(file).unwrap().pick_code(), tree.find(&["剧集", "三体"]).unwrap())
    });
    for query in [format!("file_id={file}"), format!("pick_code={code}")] {
        let info = get(&sim, &format!("/webapi.115.com/files/get_info?{query}")).await.json();
        assert_eq!(
            (&info["data"][0]["n"], &info["data"][0]["fid"]),
            (&json!("hello.txt"), &json!(file.to_string()))
        );
    }
    for query in ["file_id=0", "file_id=5", "pick_code=x"] {
        assert_eq!(
            get(&sim, &format!("/webapi.115.com/files/get_info?{query}")).await.json()["state"],
            false
        );
    }
    let category = get(&sim, &format!("/webapi.115.com/category/get?cid={show}")).await.json();
    assert_eq!((&category["count"], &category["folder_count"]), (&json!("8"), &json!("1")));
    assert_eq!((&category["size"], &category["file_category"]), (&json!("4MB"), &json!("0")));
    assert_eq!(category["paths"][0], json!({"file_id": 0, "file_name": "根目录"}));
    assert!(category.get("state").is_none());
    assert_eq!(get(&sim, "/webapi.115.com/category/get?cid=7").await.json(), json!([]));
}

#[tokio::test]
async fn the_space_is_told_and_its_sizes_may_be_floats() {
    let sim = start(Tree::Demo).await;
    let info = get(&sim, "/webapi.115.com/files/index_info?count_space_nums=0").await.json();
    let space = &info["data"]["space_info"];
    let used = sim.tree(|tree| tree.total_bytes());
    assert_eq!(
        (&space["all_use"]["size"], &space["all_total"]["size_format"]),
        (&json!(used), &json!("15TB"))
    );
    sim.behave(|behaviours| behaviours.type_jitter = true);
    let mut kinds = Vec::new();
    for _ in 0..40 {
        let info = get(&sim, "/webapi.115.com/files/index_info").await.json();
        kinds.push(info["data"]["space_info"]["all_remain"]["size"].clone());
    }
    assert!(kinds.iter().any(serde_json::Value::is_f64) && kinds.iter().any(serde_json::Value::is_string));
}

#[tokio::test]
async fn other_ways_to_the_same_call_and_calls_that_are_none() {
    let sim = start(Tree::DemoSmall).await;
    let cookie = sim.cookie();
    let by_host = [("Host", "webapi.115.com"), ("Cookie", cookie.as_str())];
    let answer = super::client::get_with(&sim, "/files?cid=0", &by_host).await.json();
    assert_eq!(answer["count"], 8);
    assert_eq!(get(&sim, "/115cdn.com/webapi/files?cid=0").await.json()["count"], 8);
    assert_eq!(get(&sim, "/webapi.115.com/files/unheard").await.json()["errno"], 980_006);
    assert_eq!(get(&sim, "/files?cid=0").await.status, 421);
    assert_eq!((sim.calls("files"), sim.calls("unknown"), sim.api_calls()), (2, 1, 3));
}
