//! Tests of the cookie's states, in the wording of each host.

use std::time::Duration;

use serde_json::{Value, json};

use super::client::{get, get_with, post, start};
use crate::{Sim, Tree};

const WEBAPI: &str = "/webapi.115.com/files/index_info?count_space_nums=1";
const LISTING: &str = "/webapi.115.com/files?cid=0";
const APS: &str = "/aps.115.com/natsort/files.php?cid=0";
const PROAPI: &str = "/proapi.115.com/app/chrome/downurl?t=5";

async fn proapi(sim: &Sim) -> Value {
    post(sim, PROAPI, None, &[("data", "x")]).await.json()
}

fn webapi_refusal() -> Value {
    json!({
        "state": false, "error": "登录超时，请重新登录。", "errNo": 990_001,
        "request": "/files/index_info?count_space_nums=1",
    })
}

#[tokio::test]
async fn each_host_refuses_an_expired_cookie_in_its_own_words() {
    let sim = start(Tree::Demo).await;
    sim.expire_cookie();
    assert_eq!(get(&sim, WEBAPI).await.json(), webapi_refusal());
    assert_eq!(get(&sim, APS).await.json(), json!({"state": false, "error": "请先登录"}));
    let refused = json!({
        "state": false, "error": "请重新登录", "errno": 99, "request": "/app/chrome/downurl?t=5", "data": [],
    });
    assert_eq!(proapi(&sim).await, refused);
    assert!(
        get(&sim, WEBAPI).await.text().contains(r#""request":"\/files\/index_info"#),
        "slashes are escaped"
    );
    let cookie = sim.renew_cookie();
    assert_eq!(cookie, sim.cookie());
    assert_eq!(get(&sim, WEBAPI).await.json()["state"], true);
}

#[tokio::test]
async fn missing_parts_of_the_cookie_show_in_different_ways() {
    let sim = start(Tree::Demo).await;
    let cookie = sim.cookie();
    let without =
        |name: &str| cookie.split("; ").filter(|part| !part.starts_with(name)).collect::<Vec<_>>().join("; ");
    let with = async |target: &str, cookie: &str| get_with(&sim, target, &[("Cookie", cookie)]).await.json();
    assert_eq!(with(WEBAPI, "").await, webapi_refusal());
    assert_eq!(with(WEBAPI, "UID=1_A1_2; CID=aa; SEID=bb").await, webapi_refusal());
    assert_eq!(with(WEBAPI, &without("SEID")).await, webapi_refusal());
    assert_eq!(with(WEBAPI, &without("KID")).await["state"], true);
    for listing in [LISTING, APS] {
        let empty = with(listing, &without("CID")).await;
        assert_eq!((&empty["state"], &empty["count"], &empty["data"]), (&json!(true), &json!(0), &json!([])));
    }
    assert_eq!(with(WEBAPI, &without("CID")).await, webapi_refusal());
}

#[tokio::test]
async fn a_kicked_cookie_lives_a_minute_longer_on_webapi_and_aps() {
    let sim = start(Tree::Demo).await;
    sim.kick_cookie();
    assert_eq!(proapi(&sim).await["errno"], 99);
    assert_eq!(get(&sim, WEBAPI).await.json()["state"], true);
    assert_eq!(get(&sim, APS).await.json()["state"], true);
    sim.advance(Duration::from_secs(61));
    assert_eq!(get(&sim, WEBAPI).await.json(), webapi_refusal());
    assert_eq!(get(&sim, APS).await.json()["state"], false);
}
