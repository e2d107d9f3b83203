//! Tests of the calls that give download links.

use serde_json::json;

use super::client::{downurl, get, get_with, link, open, post, seal, start};
use crate::{EmptyAgent, Fault, FaultRule, Sim, Tree};

const DOWNURL: &str = "/proapi.115.com/app/chrome/downurl?t=1";

fn hello(sim: &Sim) -> u64 {
    sim.tree(|tree| tree.find(&["hello.txt"]).unwrap())
}

#[tokio::test]
async fn a_link_comes_encrypted_and_leads_to_the_bytes() {
    let sim = start(Tree::Demo).await;
    let id = hello(&sim);
    let answer = downurl(&sim, id, Some("player")).await;
    assert_eq!(answer.header("set-cookie"), "");
    let outer = answer.json();
    assert_eq!((&outer["state"], &outer["errno"]), (&json!(true), &json!(0)));
    let inner = open(&sim, outer["data"].as_str().unwrap());
    let entry = &inner[id.to_string()];
    assert_eq!((&entry["file_name"], &entry["file_size"]), (&json!("hello.txt"), &json!("31")));
    let url = entry["url"]["url"].as_str().unwrap();
    assert!(url.starts_with(&format!("{}/cdnfhnfile.115cdn.net/", sim.base_url())), "{url}");
    for part in ["/hello.txt?t=", "&c=2&f=1&k=", "&uc=10&v=1", "&d=vip-123456789-"] {
        assert!(url.contains(part), "{part} in {url}");
    }
    let fetched = get_with(&sim, url, &[("User-Agent", "player")]).await;
    assert_eq!((fetched.status, fetched.text().as_str()), (200, "hello from the simulated drive\n"));
    let code = sim.tree(|tree| tree.node(id).unwrap().pick_code());
    assert_eq!(sim.ledger()[0].query, format!("pickcode={code}"));
    assert_eq!(sim.ledger()[0].user_agent, "player");
}

#[tokio::test]
async fn several_codes_and_folders_are_answered_in_one_map() {
    let sim = start(Tree::Demo).await;
    let id = hello(&sim);
    let (folder, codes) = sim.tree(|tree| {
        let folder = tree.find(&["Music"]).unwrap();
        (folder, [id, folder].map(|id| tree.node(id).unwrap().pick_code()).join(","))
    });
    let data = seal(&sim, &format!("{{\"pickcode\":\"{codes},zzz\",\"user_id\":123456789}}"));
    let inner =
        open(&sim, post(&sim, DOWNURL, None, &[("data", &data)]).await.json()["data"].as_str().unwrap());
    assert!(inner[id.to_string()]["url"]["url"].is_string());
    assert_eq!(inner[folder.to_string()]["url"], false);
    assert_eq!(inner.as_object().unwrap().len(), 2);
}

#[tokio::test]
async fn types_jitter_inside_the_cipher_too() {
    let sim = start(Tree::Demo).await;
    sim.behave(|behaviours| behaviours.type_jitter = true);
    let id = hello(&sim);
    let mut sizes = Vec::new();
    for _ in 0..20 {
        let answer = downurl(&sim, id, None).await.json();
        sizes.push(open(&sim, answer["data"].as_str().unwrap())[id.to_string()]["file_size"].clone());
    }
    assert!(sizes.contains(&json!("31")) && sizes.contains(&json!(31)), "{sizes:?}");
}

#[tokio::test]
async fn each_reason_for_no_link_has_its_code() {
    let sim = start(Tree::Nasty).await;
    let (gone, refused) = sim.tree(|tree| {
        (tree.find(&["sizes", "4096.bin"]).unwrap(), tree.find(&["marked", "violating.mp4"]).unwrap())
    });
    let (gone_code, refused_code) =
        sim.tree(|tree| (tree.node(gone).unwrap().pick_code(), tree.node(refused).unwrap().pick_code()));
    sim.tree(|tree| assert!(tree.delete(gone)));
    let ask = async |code: &str| {
        let data = seal(&sim, &format!("{{\"pickcode\":\"{code}\"}}"));
        let answer = post(&sim, DOWNURL, None, &[("data", &data)]).await.json();
        assert_eq!((&answer["state"], &answer["data"]), (&json!(false), &json!([])), "{answer}");
        answer["errno"].as_i64().unwrap()
    };
    assert_eq!(ask("").await, 50_001);
    assert_eq!(ask("nonsense").await, 50_003);
    assert_eq!(ask(&refused_code).await, 50_038);
    for code in [70_005, 231_011, 50_015] {
        sim.behave(|behaviours| behaviours.deleted_code = code);
        assert_eq!(ask(&gone_code).await, code);
    }
    let garbled = post(&sim, DOWNURL, None, &[("data", "AAAA")]).await.json();
    assert_eq!((&garbled["state"], &garbled["errno"]), (&json!(false), &json!(990_002)));
}

#[tokio::test]
async fn an_empty_agent_is_met_in_four_ways() {
    let sim = start(Tree::Demo).await;
    let id = hello(&sim);
    for (policy, flag, cookie_set) in [
        (EmptyAgent::Granted, "&f=&k=", false),
        (EmptyAgent::Refused, "&f=1&k=", false),
        (EmptyAgent::RefusedWithCookie, "&f=3&k=", true),
        (EmptyAgent::CdnRejects, "&f=&k=", false),
    ] {
        sim.behave(|behaviours| behaviours.empty_agent = policy);
        for agent in [None, Some("")] {
            let answer = downurl(&sim, id, agent).await;
            assert_eq!(!answer.header("set-cookie").is_empty(), cookie_set, "{policy:?}");
            let url = link(&sim, id, agent).await;
            assert!(url.contains(flag), "{policy:?}: {url}");
            let other = get_with(&sim, &url, &[("User-Agent", "other")]).await;
            assert_eq!(other.status == 200, policy == EmptyAgent::Granted, "{policy:?}");
            let same = get_with(&sim, &url, &[]).await;
            let served = matches!(policy, EmptyAgent::Granted | EmptyAgent::Refused);
            assert_eq!(same.status == 200, served, "{policy:?}");
            if !served {
                assert_eq!((same.status, &same.json()["message"]), (403, &json!("no cookie value")));
            }
        }
    }
}

#[tokio::test]
async fn a_small_file_has_a_plain_link_with_a_cookie() {
    let sim = start(Tree::Nasty).await;
    let (refused, big) = sim.tree(|tree| {
        let big = tree.add_file_sized(crate::ROOT, "big", (200 << 20) + 1);
        let refused = tree.find(&["marked", "violating.mp4"]).unwrap();
        (tree.node(refused).unwrap().pick_code(), tree.node(big).unwrap().pick_code())
    });
    let ask = async |code: &str| get(&sim, &format!("/webapi.115.com/files/download?pickcode={code}")).await;
    let answer = ask(&refused).await;
    let value = answer.json();
    let url = value["file_url"].as_str().unwrap();
    assert!(url.contains("&f=3&"), "violating files are handed out here: {url}");
    let cookie = answer.header("set-cookie").split(';').next().unwrap();
    let (name, secret) = cookie.split_once('=').unwrap();
    assert_eq!((name.len(), secret.len()), (32, 32));
    let without = get_with(&sim, url, &[("User-Agent", "test")]).await;
    assert_eq!((without.status, &without.json()["message"]), (403, &json!("no cookie value")));
    let wrong = format!("{name}=00");
    assert_eq!(get_with(&sim, url, &[("User-Agent", "test"), ("Cookie", &wrong)]).await.status, 403);
    assert_eq!(get_with(&sim, url, &[("User-Agent", "test"), ("Cookie", cookie)]).await.status, 200);
    assert_eq!(get_with(&sim, url, &[("User-Agent", "other"), ("Cookie", cookie)]).await.status, 403);
    assert_eq!(ask(&big).await.json()["errno"], 50_028);
    assert_eq!(ask("").await.json()["errno"], 50_001);
    assert_eq!(ask("zz").await.json()["errno"], 50_003);
}

#[tokio::test]
async fn odd_answers_can_be_asked_for() {
    let sim = start(Tree::Demo).await;
    let id = hello(&sim);
    let strike = |fault| {
        sim.clear_faults();
        sim.fault(FaultRule::every("downurl", fault));
    };
    let entry = async || {
        let outer = downurl(&sim, id, None).await.json();
        open(&sim, outer["data"].as_str().unwrap())[id.to_string()].clone()
    };
    strike(Fault::UrlFalse);
    assert_eq!(entry().await["url"], false);
    strike(Fault::NegativeSize);
    assert_eq!((&entry().await["file_size"], &entry().await["url"]), (&json!("-1"), &json!(false)));
    strike(Fault::EmptyHost);
    assert_eq!(entry().await["url"]["url"], "https:///");
    strike(Fault::EmptyData);
    let empty = downurl(&sim, id, None).await.json();
    assert_eq!((&empty["state"], &empty["data"]), (&json!(true), &json!("")));
    strike(Fault::TransientViolation);
    let refused = downurl(&sim, id, None).await.json();
    assert_eq!((&refused["errno"], &refused["msg"]), (&json!(50_038), &json!("")));
    strike(Fault::WrongType);
    assert_eq!(downurl(&sim, id, None).await.json()["data"], json!([]));
}

#[tokio::test]
async fn every_nasty_name_has_a_link_that_works() {
    let sim = start(Tree::Nasty).await;
    let folder = sim.tree(|tree| tree.find(&["files"]).unwrap());
    let files: Vec<(u64, u64)> =
        sim.tree(|tree| tree.children(folder).iter().map(|node| (node.id, node.size())).collect());
    for (id, size) in files {
        let url = link(&sim, id, None).await;
        // What a URL library would make of it must still be the same link.
        let url = url::Url::parse(&url).unwrap().to_string();
        let fetched = get_with(&sim, &url, &[]).await;
        assert_eq!((fetched.status, fetched.body.len().to_string()), (200, size.to_string()), "{url}");
    }
}
