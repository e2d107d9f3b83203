//! Tests of the listings of shares, of their errors, and of the blocks of an address.

use std::time::Duration;

use serde_json::{Value, json};

use super::client::{get, get_with, start};
use crate::{BadShare, Fault, FaultRule, RefusedData, ShareSpec, ShareStateForm, Sim, Tree};

const CODE: &str = "sw3abc12xyz";
const NAMED: &str = "share_code=sw3abc12xyz&receive_code=a1b2";

async fn with_share(tree: Tree) -> Sim {
    let sim = start(Tree::Empty).await;
    sim.add_share(&ShareSpec::new(CODE, "a1b2", tree));
    sim
}

/// A listing by somebody who is not logged in.
async fn snap(sim: &Sim, query: &str) -> Value {
    get_with(sim, &format!("/webapi.115.com/share/snap?{query}"), &[]).await.json()
}

fn found(sim: &Sim, path: &[&str]) -> u64 {
    sim.share(CODE, |share| share.tree.find(path).unwrap())
}

fn names(answer: &Value) -> Vec<&str> {
    answer["data"]["list"].as_array().unwrap().iter().map(|item| item["n"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_share_is_listed_without_a_cookie() {
    let sim = with_share(Tree::DemoSmall).await;
    let root = snap(&sim, &format!("{NAMED}&cid=0&offset=0&limit=1000&asc=1&format=json")).await;
    assert_eq!(
        (&root["state"], &root["errno"], &root["data"]["count"]),
        (&json!(true), &json!(0), &json!(8))
    );
    assert_eq!(
        (&root["data"]["share_state"], &root["data"]["shareinfo"]["share_state"]),
        (&json!(1), &json!(1))
    );
    let (folder, file) = (&root["data"]["list"][0], &root["data"]["list"][7]);
    assert!(folder.get("fid").is_none() && folder.get("pc").is_none() && file.get("pc").is_none());
    assert_eq!(
        (&folder["fc"], &folder["pid"], &file["fc"], &file["cid"]),
        (&json!(0), &json!("0"), &json!(1), &json!(0))
    );
    assert!(folder["cid"].is_string() && file["fid"].is_string() && file["t"].as_str().unwrap().len() == 10);
    assert_eq!(
        (&file["n"], &file["s"], &file["sha"].as_str().unwrap().len()),
        (&json!("hello.txt"), &json!(31), &40)
    );
    let season = found(&sim, &["剧集", "三体", "Season 01"]);
    let inner = snap(&sim, &format!("{NAMED}&cid={season}")).await;
    assert_eq!((names(&inner).len(), &inner["data"]["list"][0]["cid"]), (8, &json!(season.to_string())));
    for mirror in ["web.api.115.com", "115cdn.com/webapi", "115vod.com/webapi"] {
        let answer = get_with(&sim, &format!("/{mirror}/share/snap?{NAMED}&cid={season}"), &[]).await.json();
        assert_eq!(answer["data"]["list"], inner["data"]["list"], "{mirror}");
    }
    assert_eq!(root["data"]["shareinfo"]["share_title"], "电影");
    assert_eq!((sim.calls("share_snap"), sim.api_calls()), (5, 5));
    let entry = &sim.ledger()[0];
    assert!(entry.query.contains(CODE) && entry.uid.is_empty(), "{entry:?}");
}

#[tokio::test]
async fn pages_and_orders_are_those_asked_for() {
    let sim = with_share(Tree::Flat(2500)).await;
    let folder = found(&sim, &["flat"]);
    let page = |more: &str| format!("{NAMED}&cid={folder}&{more}");
    let mut seen = Vec::new();
    for offset in [0, 1000, 2000] {
        let answer = snap(&sim, &page(&format!("o=file_name&asc=1&limit=1000&offset={offset}"))).await;
        assert_eq!(answer["data"]["count"], 2500);
        seen.extend(names(&answer).iter().map(|name| (*name).to_owned()));
    }
    assert_eq!(seen, (0..2500).map(|number| format!("file-{number:05}.bin")).collect::<Vec<_>>());
    assert_eq!(names(&snap(&sim, &page("")).await).len(), 32);
    assert!(names(&snap(&sim, &page("offset=2500")).await).is_empty());
    assert_eq!(names(&snap(&sim, &page("o=file_name&asc=0&limit=1")).await), ["file-02499.bin"]);
    assert_eq!(names(&snap(&sim, &page("o=file_size&asc=1&limit=1")).await), ["file-00000.bin"]);
    sim.behave(|behaviours| {
        (behaviours.share_snap_limit, behaviours.short_page_items, behaviours.count_lie) = (100, 3, 7);
    });
    let short = snap(&sim, &page("limit=1000")).await;
    assert_eq!((names(&short).len(), &short["data"]["count"]), (97, &json!(2507)));
}

#[tokio::test]
async fn the_listing_of_the_applications_needs_a_login_and_ends_early() {
    let sim = with_share(Tree::Flat(1200)).await;
    let folder = found(&sim, &["flat"]);
    let page = |offset: u32| {
        format!("/proapi.115.com/android/2.0/share/snap?{NAMED}&cid={folder}&limit=1150&offset={offset}")
    };
    let refused = get_with(&sim, &page(0), &[]).await.json();
    assert_eq!((&refused["errno"], &refused["data"]), (&json!(99), &json!([])));
    let first = get(&sim, &page(0)).await.json();
    assert_eq!((names(&first).len(), &first["data"]["count"]), (1000, &json!(1200)));
    assert!(names(&get(&sim, &page(1000)).await.json()).is_empty());
    assert_eq!(sim.calls("share_snap_app"), 3);
}

#[tokio::test]
async fn a_share_that_cannot_be_used_shows_in_its_state() {
    let sim = with_share(Tree::DemoSmall).await;
    let codes = [
        (0, 4_100_009),
        (2, 4_100_033),
        (3, 4_100_033),
        (4, 4_100_010),
        (5, 4_100_026),
        (6, 4_100_033),
        (7, 4_100_018),
        (8, 4_100_000),
        (9, 4_100_000),
        (11, 4_100_033),
    ];
    for (state, code) in codes {
        sim.share(CODE, |share| share.state = state);
        sim.behave(|behaviours| behaviours.share_bad_state = BadShare::Empty);
        let empty = snap(&sim, NAMED).await;
        assert_eq!(
            (&empty["state"], &empty["data"]["count"], names(&empty).len()),
            (&json!(true), &json!(0), 0)
        );
        assert_eq!(
            (&empty["data"]["share_state"], &empty["data"]["shareinfo"]["share_state"]),
            (&json!(state), &json!(state))
        );
        sim.behave(|behaviours| behaviours.share_bad_state = BadShare::Refused);
        let refused = snap(&sim, NAMED).await;
        assert_eq!((&refused["state"], &refused["errno"]), (&json!(false), &json!(code)), "{state}");
    }
    sim.behave(|behaviours| behaviours.share_bad_state = BadShare::Empty);
    let soon = sim.now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs() + 600;
    sim.share(CODE, |share| (share.state, share.expires) = (1, i64::try_from(soon).unwrap()));
    let good = snap(&sim, NAMED).await["data"].take();
    assert_eq!((&good["count"], &good["shareinfo"]["expire_time"]), (&json!(8), &json!(soon)));
    sim.advance(Duration::from_secs(601));
    let expired = snap(&sim, NAMED).await["data"].take();
    assert_eq!((&expired["count"], &expired["share_state"]), (&json!(0), &json!(7)));
}

#[tokio::test]
async fn the_state_comes_in_every_form() {
    let sim = with_share(Tree::DemoSmall).await;
    for (form, outer, inner) in [
        (ShareStateForm::Number, json!(1), json!(1)),
        (ShareStateForm::Text, json!("1"), json!("1")),
        (ShareStateForm::InfoOnly, json!(null), json!(1)),
        (ShareStateForm::Absent, json!(null), json!(null)),
    ] {
        sim.behave(|behaviours| behaviours.share_state_form = form);
        let data = snap(&sim, NAMED).await["data"].take();
        assert_eq!((&data["share_state"], &data["shareinfo"]["share_state"]), (&outer, &inner), "{form:?}");
        assert_eq!(data.get("share_state").is_some(), !outer.is_null(), "{form:?}");
    }
    sim.behave(|behaviours| {
        (behaviours.share_state_form, behaviours.type_jitter) = (ShareStateForm::Number, true);
    });
    let mut seen = Vec::new();
    for _ in 0..40 {
        let data = snap(&sim, NAMED).await["data"].take();
        seen.push((
            data["share_state"].is_string(),
            data["list"][7]["s"].is_string(),
            data["shareinfo"]["file_size"].is_number(),
        ));
        assert!(data["shareinfo"]["receive_code"].is_string());
    }
    for both in [false, true] {
        assert!(seen.iter().any(|kinds| kinds.0 == both), "share_state");
        assert!(seen.iter().any(|kinds| kinds.1 == both), "size");
        assert!(seen.iter().any(|kinds| kinds.2 == both), "size of the share");
    }
}

#[tokio::test]
async fn every_error_has_its_code_and_its_words() {
    let sim = with_share(Tree::DemoSmall).await;
    for (query, code, words) in [
        ("share_code=sw3abc12xyz&receive_code=zzzz", 4_100_008, "访问码错误"),
        ("share_code=sw3abc12xyz", 4_100_012, "请输入访问码"),
        ("share_code=sw9999&receive_code=a1b2", 4_100_026, "该文件分享链接不存在或已被删除"),
        ("share_code=SW3/abc&receive_code=a1b2", 990_002, "参数错误。"),
        ("receive_code=a1b2", 990_002, "参数错误。"),
    ] {
        let answer = snap(&sim, query).await;
        assert_eq!(answer, json!({"state": false, "error": words, "errno": code, "data": []}), "{query}");
    }
    for code in [4_100_000, 4_100_009, 4_100_010, 4_100_018, 4_100_033] {
        sim.share(CODE, |share| share.refusal = Some(code));
        let answer = snap(&sim, NAMED).await;
        assert_eq!((&answer["errno"], answer["error"].as_str().unwrap().is_empty()), (&json!(code), false));
    }
    for (shape, data) in [(RefusedData::Object, Some(json!({}))), (RefusedData::Absent, None)] {
        sim.behave(|behaviours| behaviours.share_refused_data = shape);
        assert_eq!(snap(&sim, NAMED).await.get("data"), data.as_ref(), "{shape:?}");
    }
    sim.share(CODE, |share| share.refusal = None);
    let unknown = format!("{NAMED}&cid=42");
    assert_eq!(snap(&sim, &unknown).await["state"], false);
    sim.behave(|behaviours| behaviours.share_unknown_cid_lists_root = true);
    assert_eq!(snap(&sim, &unknown).await["data"]["count"], 8);
}

#[tokio::test]
async fn the_owner_needs_no_code_and_no_audit() {
    let sim = with_share(Tree::DemoSmall).await;
    let owner = sim.user("main").id();
    sim.share(CODE, |share| (share.owner, share.state) = (owner, 0));
    let own = format!("/webapi.115.com/share/snap?share_code={CODE}");
    assert_eq!(get(&sim, &own).await.json()["data"]["count"], 8);
    assert_eq!(get_with(&sim, &own, &[]).await.json()["errno"], 4_100_012);
    assert_eq!(snap(&sim, NAMED).await["data"]["count"], 0);
}

#[tokio::test]
async fn too_many_calls_of_an_address_block_all_its_share_calls() {
    let sim = with_share(Tree::DemoSmall).await;
    sim.behave(|behaviours| (behaviours.share_waf_calls, behaviours.waf_blocks_cookieless) = (3, true));
    let target = format!("/webapi.115.com/share/snap?{NAMED}");
    let mut statuses = Vec::new();
    for _ in 0..4 {
        statuses.push(get_with(&sim, &target, &[]).await.status);
    }
    assert_eq!(statuses, [200, 200, 200, 405]);
    assert_eq!(get(&sim, &target).await.status, 405, "a cookie does not help");
    let windows = format!("/proapi.115.com/os_windows/2.0/share/downurl?{NAMED}&file_id=1");
    assert_eq!(get(&sim, &windows).await.status, 405, "another host neither");
    assert_eq!(get(&sim, "/webapi.115.com/files?cid=0").await.status, 200, "the own drive goes on");
    assert_eq!(from_elsewhere(&sim, &target).await, "HTTP/1.1 200 OK");
    sim.advance(Duration::from_secs(20 * 60 + 1));
    assert_eq!(get_with(&sim, &target, &[]).await.status, 200);
    sim.behave(|behaviours| behaviours.share_waf_calls = 0);
    sim.fault(FaultRule::nth("share_snap", 1, Fault::Waf405For(Duration::from_secs(600))));
    assert_eq!(get_with(&sim, &target, &[]).await.status, 405);
    assert_eq!((get_with(&sim, &target, &[]).await.status, get(&sim, &windows).await.status), (405, 405));
}

/// The status line of a call from another address of this machine.
async fn from_elsewhere(sim: &Sim, target: &str) -> String {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.2:0".parse().unwrap()).unwrap();
    let mut stream = socket.connect(sim.address()).await.unwrap();
    let request = format!("GET {target} HTTP/1.1\r\nConnection: close\r\nHost: 127.0.0.1\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    text.lines().next().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn the_page_of_the_share_can_be_demanded_as_referer() {
    let sim = with_share(Tree::DemoSmall).await;
    sim.behave(|behaviours| behaviours.share_referred.insert("share_snap".to_owned()));
    let target = format!("/webapi.115.com/share/snap?{NAMED}");
    for (referer, state) in [
        ("https://115cdn.com/s/sw3abc12xyz?password=a1b2&", true),
        ("https://115.com/s/sw3abc12xyz?password=a1b2", true),
        ("https://115cdn.com/s/sw3abc12xyz?password=0000&", false),
        ("https://115cdn.com/s/sw4def34uvw?password=a1b2&", false),
        ("https://example.com/s/sw3abc12xyz?password=a1b2&", false),
        ("", false),
    ] {
        let answer = get_with(&sim, &target, &[("Referer", referer)]).await.json();
        assert_eq!(answer["state"], state, "{referer}");
        assert_eq!(sim.ledger().last().unwrap().referer, referer);
    }
}
