//! Tests of the links to files of a share, in each of the ways there are.

use serde_json::{Value, json};

use super::client::{Answer, exchange, get, get_with, open, post, seal, start};
use crate::{Fault, FaultRule, ShareSpec, Sim, Tree};

const CODE: &str = "sw3abc12xyz";
const BROWSER: &str = "Mozilla/5.0 115Browser/27.0.5.7";
const SEALED: &str = "/proapi.115.com/app/share/downurl?t=1";
const SEALED_OPEN: &str = "/proapi.115.com/app/share/skip_login_downurl?t=1";
const WINDOWS: &str = "/proapi.115.com/os_windows/2.0/share/downurl";
const WEB: &str = "/webapi.115.com/share/downurl";
const OPEN: &str = "/webapi.115.com/share/skip_login_downurl";
const HELLO: &str = "hello from the simulated drive\n";

/// A simulator with a share, and the id of a file in it.
async fn with_share() -> (Sim, u64) {
    let sim = start(Tree::Empty).await;
    sim.add_share(&ShareSpec::new(CODE, "a1b2", Tree::Nasty));
    let id = sim.share(CODE, |share| {
        share.tree.add_file(crate::ROOT, "hello.txt", crate::Content::Bytes(HELLO.into()))
    });
    (sim, id)
}

fn sealed(sim: &Sim, id: u64) -> String {
    let request = json!({"share_code": CODE, "receive_code": "a1b2", "file_id": id.to_string()});
    seal(sim, &request.to_string())
}

async fn ask_sealed(sim: &Sim, id: u64, agent: &str) -> Answer {
    post(sim, SEALED, Some(agent), &[("data", &sealed(sim, id))]).await
}

async fn ask_plain(sim: &Sim, host: &str, id: u64) -> Answer {
    get(sim, &format!("{host}?share_code={CODE}&receive_code=a1b2&file_id={id}&dl=1")).await
}

/// A form of somebody who is not logged in.
async fn stranger(sim: &Sim, target: &str, form: &str) -> Answer {
    let headers = [("Content-Type", "application/x-www-form-urlencoded"), ("User-Agent", "test")];
    exchange(sim, "POST", target, &headers, form).await.unwrap()
}

fn url(inner: &Value) -> &str {
    inner["url"]["url"].as_str().unwrap_or_else(|| panic!("{inner}"))
}

#[tokio::test]
async fn an_encrypted_link_is_for_a_client_of_the_service_only() {
    let (sim, id) = with_share().await;
    for agent in ["", "test", "Mozilla/5.0 (Windows NT 10.0)"] {
        let refused = ask_sealed(&sim, id, agent).await.json();
        let words = "当前版本过低，请升级到最新版本下载。";
        assert_eq!(refused, json!({"state": false, "error": words, "errno": 50_029, "data": []}), "{agent}");
    }
    let answer = ask_sealed(&sim, id, BROWSER).await.json();
    let inner = open(&sim, answer["data"].as_str().unwrap());
    assert_eq!(
        (&inner["fid"], &inner["fn"], &inner["fs"]),
        (&json!(id.to_string()), &json!("hello.txt"), &json!("31"))
    );
    assert!(url(&inner).contains("&f=1&"));
    assert_eq!(get_with(&sim, url(&inner), &[("User-Agent", BROWSER)]).await.text(), HELLO);
    assert_eq!(get_with(&sim, url(&inner), &[("User-Agent", "other")]).await.status, 403);
    let entry = sim.ledger().into_iter().rfind(|entry| entry.endpoint == "share_downurl").unwrap();
    assert_eq!(entry.query, format!("share_code={CODE}&receive_code=a1b2&file_id={id}"));
    sim.behave(|behaviours| behaviours.share_gated.clear());
    let free = ask_sealed(&sim, id, "").await.json();
    assert!(url(&open(&sim, free["data"].as_str().unwrap())).contains("&f=&"));
    sim.expire_cookie();
    let out = ask_sealed(&sim, id, BROWSER).await.json();
    assert_eq!((&out["errno"], &out["error"], &out["data"]), (&json!(99), &json!("请重新登录"), &json!([])));
    let garbled = post(&sim, SEALED, Some(BROWSER), &[("data", "AAAA")]).await.json();
    assert_eq!(garbled["errno"], 99);
}

#[tokio::test]
async fn plain_links_come_from_two_hosts() {
    let (sim, id) = with_share().await;
    let windows = ask_plain(&sim, WINDOWS, id).await.json();
    assert_eq!(get_with(&sim, url(&windows["data"]), &[("User-Agent", "test")]).await.text(), HELLO);
    sim.behave(|behaviours| behaviours.share_gated.insert("share_downurl_windows".to_owned()));
    assert_eq!(ask_plain(&sim, WINDOWS, id).await.json()["errno"], 50_029);
    let web = ask_plain(&sim, WEB, id).await;
    let cookie = web.header("set-cookie").split(';').next().unwrap().to_owned();
    let link = web.json()["data"].take();
    let headers = [("User-Agent", "test"), ("Cookie", cookie.as_str())];
    assert_eq!(get_with(&sim, url(&link), &headers).await.text(), HELLO);
    assert_eq!(get_with(&sim, url(&link), &headers[..1]).await.status, 403);
    let large = sim.share(CODE, |share| share.tree.add_file_sized(crate::ROOT, "big", (200 << 20) + 1));
    assert_eq!(ask_plain(&sim, WEB, large).await.json()["errno"], 50_028);
    sim.behave(|behaviours| behaviours.share_gated.clear());
    assert_eq!(ask_plain(&sim, WINDOWS, large).await.json()["data"]["fs"], "209715201");
    for host in [WINDOWS, WEB] {
        let out =
            get_with(&sim, &format!("{host}?share_code={CODE}&receive_code=a1b2&file_id={id}"), &[]).await;
        assert_eq!(out.json()["state"], false, "{host}");
    }
}

#[tokio::test]
async fn a_sharer_can_let_strangers_download() {
    let (sim, id) = with_share().await;
    let form = format!("share_code={CODE}&receive_code=a1b2&file_id={id}");
    let check =
        async || stranger(&sim, "/webapi.115.com/share/is_skip_login", &form).await.json()["data"].take();
    let data =
        url::form_urlencoded::Serializer::new(String::new()).append_pair("data", &sealed(&sim, id)).finish();
    assert_eq!(check().await["is_skip_login"], 0);
    assert_eq!(stranger(&sim, OPEN, &form).await.json()["state"], false);
    assert_eq!(stranger(&sim, SEALED_OPEN, &data).await.json()["errno"], 99);
    sim.share(CODE, |share| share.skip_login = true);
    assert_eq!(check().await["is_skip_login"], 1);
    for target in [OPEN, "/115cdn.com/webapi/share/skip_login_downurl"] {
        let answer = stranger(&sim, target, &form).await.json();
        assert_eq!(get_with(&sim, url(&answer["data"]), &[("User-Agent", "test")]).await.text(), HELLO);
    }
    let answer = stranger(&sim, SEALED_OPEN, &data).await.json();
    let inner = open(&sim, answer["data"].as_str().unwrap());
    assert_eq!(get_with(&sim, url(&inner), &[("User-Agent", "test")]).await.text(), HELLO);
    let list =
        get_with(&sim, &format!("/webapi.115.com/share/snap?{form}"), &[]).await.json()["data"]["list"]
            .take();
    let hello = list.as_array().unwrap().iter().find(|item| item["n"] == "hello.txt").unwrap();
    assert_eq!((&hello["is_skip_login"], &list[0]["all_skip_login"]), (&json!(1), &json!(1)));
    assert_eq!((sim.calls("share_is_skip_login"), sim.calls("share_skip_login_downurl")), (2, 3));
    assert_eq!(sim.calls("share_skip_login_downurl_app"), 2);
}

#[tokio::test]
async fn each_reason_for_no_link_has_its_code() {
    let (sim, id) = with_share().await;
    let (violating, folder) = sim.share(CODE, |share| {
        (share.tree.find(&["marked", "violating.mp4"]).unwrap(), share.tree.find(&["marked"]).unwrap())
    });
    assert_eq!(ask_plain(&sim, WINDOWS, violating).await.json()["errno"], 50_038);
    assert_eq!(ask_plain(&sim, WINDOWS, folder).await.json()["data"]["url"], false);
    assert_eq!(ask_plain(&sim, WINDOWS, 5).await.json()["errno"], 50_003);
    sim.share(CODE, |share| share.state = 7);
    assert_eq!(ask_plain(&sim, WINDOWS, id).await.json()["errno"], 4_100_018);
    sim.share(CODE, |share| share.state = 1);
    sim.share(CODE, |share| assert!(share.tree.delete(id)));
    assert_eq!(ask_plain(&sim, WINDOWS, id).await.json()["errno"], 70_005);
}

#[tokio::test]
async fn every_way_can_be_told_to_fail() {
    let (sim, id) = with_share().await;
    sim.share(CODE, |share| share.skip_login = true);
    let form = format!("share_code={CODE}&receive_code=a1b2&file_id={id}");
    let fault = || Fault::Json { errno: 4_100_068, message: "no".to_owned() };
    for label in ["share_downurl", "share_downurl_windows", "share_downurl_web", "share_skip_login_downurl"] {
        sim.clear_faults();
        sim.fault(FaultRule::every(label, fault()));
        let answers = [
            ("share_downurl", ask_sealed(&sim, id, BROWSER).await.json()),
            ("share_downurl_windows", ask_plain(&sim, WINDOWS, id).await.json()),
            ("share_downurl_web", ask_plain(&sim, WEB, id).await.json()),
            ("share_skip_login_downurl", stranger(&sim, OPEN, &form).await.json()),
        ];
        for (way, answer) in answers {
            assert_eq!(answer["state"] == false, way == label, "{way}: {answer}");
            assert_eq!(answer["error"] == "no", way == label, "{way}: {answer}");
        }
    }
    let strike = |fault| {
        sim.clear_faults();
        sim.fault(FaultRule::every("share_downurl_windows", fault));
    };
    strike(Fault::UrlFalse);
    assert_eq!(ask_plain(&sim, WINDOWS, id).await.json()["data"]["url"], false);
    strike(Fault::EmptyHost);
    assert_eq!(url(&ask_plain(&sim, WINDOWS, id).await.json()["data"]), "https:///");
    strike(Fault::EmptyData);
    assert_eq!(ask_plain(&sim, WINDOWS, id).await.json()["data"], "");
    strike(Fault::NegativeSize);
    assert_eq!(ask_plain(&sim, WINDOWS, id).await.json()["data"]["fs"], "-1");
}
