//! Tests of several users: nothing of one is had with the cookie of another.

use serde_json::json;

use super::client::{get_with, open, seal, start};
use crate::{Content, Fault, FaultRule, ROOT, ShareSpec, Sim, SimUser, Tree};

async fn ask(sim: &Sim, user: &SimUser, target: &str) -> serde_json::Value {
    get_with(sim, target, &[("Cookie", &user.cookie())]).await.json()
}

/// Asks with the cookie of `user` for the link of a pick code; whether one came.
async fn has_link(sim: &Sim, user: &SimUser, code: &str) -> bool {
    let data = seal(sim, &format!("{{\"pickcode\":\"{code}\"}}"));
    let form = url::form_urlencoded::Serializer::new(String::new()).append_pair("data", &data).finish();
    let cookie = user.cookie();
    let headers = [("Cookie", cookie.as_str()), ("Content-Type", "application/x-www-form-urlencoded")];
    let target = "/proapi.115.com/app/chrome/downurl?t=1";
    let answer = super::client::exchange(sim, "POST", target, &headers, &form).await.unwrap().json();
    match answer["data"].as_str() {
        Some(sealed) => {
            let user = format!("u={}&", user.id());
            open(sim, sealed).to_string().contains(&user)
        }
        None => false,
    }
}

#[tokio::test]
async fn what_one_user_has_the_other_cannot_reach() {
    let sim = start(Tree::Empty).await;
    let (first, second) = (sim.user("main"), sim.add_user("second", &Tree::Empty));
    assert_ne!((first.id(), first.userkey()), (second.id(), second.userkey()));
    let mut made = Vec::new();
    for (user, name) in [(&first, "one"), (&second, "two")] {
        let (folder, code) = user.tree(|tree| {
            let folder = tree.add_folder(ROOT, name);
            let file = tree.add_file(folder, "x.bin", Content::Rule { seed: 1, size: 100 });
            (folder, tree.node(file).unwrap().pick_code())
        });
        made.push((user, name, folder, code));
    }
    for (user, name, folder, code) in &made {
        let listed = ask(&sim, user, "/webapi.115.com/files?cid=0").await;
        assert_eq!((&listed["data"][0]["n"], &listed["count"]), (&json!(name), &json!(1)));
        assert_eq!(listed["uid"], user.id().to_string());
        assert_eq!(ask(&sim, user, "/webapi.115.com/files/getid?path=/one").await["id"] == 0, *name == "two");
        assert!(has_link(&sim, user, code).await);
        for (other, ..) in made.iter().filter(|(other, ..)| other.id() != user.id()) {
            // An unknown folder is answered by the root, as ever.
            let target = format!("/webapi.115.com/files?cid={folder}");
            assert_eq!(ask(&sim, other, &target).await["cid"], "0");
            assert!(!has_link(&sim, other, code).await);
        }
    }
    assert_eq!((first.calls("downurl"), second.calls("files")), (2, 2));
}

#[tokio::test]
async fn what_becomes_of_one_user_is_no_matter_of_the_other() {
    let sim = start(Tree::Empty).await;
    let (first, second) = (sim.user("main"), sim.add_user("second", &Tree::DemoSmall));
    let state = async |user| ask(&sim, user, "/webapi.115.com/files/index_info").await["state"].clone();
    second.expire_cookie();
    assert_eq!((state(&first).await, state(&second).await), (json!(true), json!(false)));
    let renewed = second.renew_cookie();
    assert_eq!((renewed, state(&second).await), (second.cookie(), json!(true)));
    second.set_space(Some(1 << 30));
    let space = async |user| {
        let info = ask(&sim, user, "/webapi.115.com/files/index_info").await;
        info["data"]["space_info"]["all_total"]["size"].clone()
    };
    assert_eq!((space(&first).await, space(&second).await), (json!(15_u64 << 40), json!(1 << 30)));
    let block = Fault::Waf405For(std::time::Duration::from_secs(600));
    sim.fault(FaultRule::nth("index_info", 1, block));
    let status = async |user: &SimUser| {
        let cookie = user.cookie();
        get_with(&sim, "/webapi.115.com/files/index_info", &[("Cookie", &cookie)]).await.status
    };
    // The call that raises the block is struck by it only from the next one on.
    status(&first).await;
    assert_eq!((status(&first).await, status(&second).await), (405, 200));
}

#[tokio::test]
async fn a_share_belongs_to_the_user_who_shares() {
    let sim = start(Tree::Empty).await;
    let (first, second) = (sim.user("main"), sim.add_user("second", &Tree::Empty));
    sim.add_share(&ShareSpec::new("sw3abc12xyz", "a1b2", Tree::DemoSmall).by("second"));
    let target = "/webapi.115.com/share/snap?share_code=sw3abc12xyz";
    let own = ask(&sim, &second, target).await;
    assert_eq!(own["data"]["list"][0]["uid"], second.id());
    assert_eq!(ask(&sim, &first, target).await["errno"], 4_100_012, "others need the receive code");
}

#[tokio::test]
async fn scripts_name_the_user_they_mean() {
    let sim = start(Tree::Empty).await;
    let control = async |method: &str, target: &str, body: &str| {
        super::client::exchange(&sim, method, target, &[], body).await.unwrap()
    };
    let added = control("POST", "/__sim/users", r#"{"name": "second", "tree": "demo-small"}"#).await.json();
    let second = sim.user("second");
    assert_eq!((&added["id"], &added["cookie"]), (&json!(second.id()), &json!(second.cookie())));
    assert_eq!(control("POST", "/__sim/users", r#"{"name": "second", "tree": "demo"}"#).await.status, 409);
    assert_eq!(control("GET", "/__sim/cookie?user=nobody", "").await.status, 404);
    let before = second.cookie();
    let renewed = control("POST", "/__sim/cookie?user=second", r#"{"action": "renew"}"#).await.json();
    assert!(renewed["cookie"] == second.cookie() && second.cookie() != before);
    let paths = control("GET", "/__sim/tree?format=paths&user=second", "").await;
    assert!(paths.text().contains("/hello.txt"), "{}", paths.text());
    assert!(!control("GET", "/__sim/tree?format=paths", "").await.text().contains("hello"));
    let content = control("GET", "/__sim/content?user=second&path=/hello.txt", "").await;
    assert_eq!(content.text(), "hello from the simulated drive\n");
    ask(&sim, &second, "/webapi.115.com/files?cid=0").await;
    assert_eq!(control("GET", "/__sim/ledger/counts?user=second", "").await.json(), json!({"files": 1}));
    assert_eq!(control("GET", "/__sim/ledger/counts?user=main", "").await.json(), json!({}));
    let all = control("GET", "/__sim/users", "").await.json();
    assert_eq!((&all["users"][0]["name"], &all["users"][1]["name"]), (&json!("main"), &json!("second")));
}
