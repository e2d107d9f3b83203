//! Tests of taking a known content over without its bytes.

use serde_json::json;

use super::client::{get, get_with, link, start};
use super::upload_client::{Uploader, downloaded};
use crate::{Content, ROOT, ShareSpec, Tree};

#[tokio::test]
async fn known_contents_are_taken_over() {
    let sim = start(Tree::DemoSmall).await;
    let uploader = Uploader::new(&sim).await;
    let text = |words: &'static str| Content::Bytes(words.into());
    sim.tree(|tree| {
        tree.add_file(ROOT, "there", text("in the tree"));
        let gone = tree.add_file(ROOT, "gone", text("deleted"));
        assert!(tree.delete(gone));
    });
    sim.add_share(&ShareSpec::new("sw3", "", Tree::Empty));
    sim.share("sw3", |share| share.tree.add_file(ROOT, "shared", text("in a share")));
    sim.know(&text("somewhere"));
    for words in ["in the tree", "deleted", "in a share", "somewhere"] {
        let answer = uploader.init("copy.txt", &text(words)).await;
        assert_eq!(
            (&answer["status"], &answer["fileid"], &answer["target"]),
            (&json!(2), &json!(0), &json!("U_1_0"))
        );
        let code = answer["pickcode"].as_str().unwrap();
        let info = get(&sim, &format!("/webapi.115.com/files/get_info?pick_code={code}")).await.json();
        assert_eq!(info["state"], true, "{info}");
        let id = sim.tree(|tree| {
            let children = tree.children(ROOT);
            children.iter().find(|node| node.pick_code() == code).unwrap().id
        });
        assert_eq!(downloaded(&sim, id).await, words.as_bytes());
    }
    assert_eq!(uploader.init("copy.txt", &text("nowhere")).await["status"], 1);
    sim.behave(|behaviours| behaviours.upload.rapid = false);
    assert_eq!(uploader.init("copy.txt", &text("in the tree")).await["status"], 1);
    assert_eq!(sim.calls("oss_put"), 0);
}

#[tokio::test]
async fn a_large_content_is_known_by_its_rule() {
    let sim = start(Tree::Empty).await;
    let uploader = Uploader::new(&sim).await;
    let content = Content::Rule { seed: 4, size: 65 << 20 };
    let sha1 = sim.know(&content);
    assert_ne!(sha1, content.sha1_hex(), "the true hash, not the stand-in");
    let answer = uploader.init("film.mkv", &content).await;
    assert_eq!((&answer["status"], sim.calls("initupload")), (&json!(2), 2));
    let id = sim.tree(|tree| {
        let node = tree.children(ROOT)[0];
        assert_eq!((node.sha1(), node.size()), (sha1.as_str(), 65 << 20));
        node.id
    });
    let link = link(&sim, id, Some("test")).await;
    let headers = [("User-Agent", "test"), ("Range", "bytes=68000000-68000099")];
    assert!(get_with(&sim, &link, &headers).await.body == content.read(68_000_000..68_000_100));
}

#[tokio::test]
async fn the_hash_and_size_of_a_listing_are_enough() {
    // Of a film whose hash in the listing is a stand-in, the range is of its very bytes.
    let sim = start(Tree::Empty).await;
    let uploader = Uploader::new(&sim).await;
    let film = Content::Rule { seed: 8, size: 1 << 30 };
    sim.tree(|tree| tree.add_file(ROOT, "film.mkv", film.clone()));
    let listed = Content::Hashed { seed: 8, size: 1 << 30, sha1: film.sha1_hex().into() };
    assert_eq!(uploader.init("again.mkv", &listed).await["status"], 2);
}

#[tokio::test]
async fn an_uploaded_content_is_known_from_then_on() {
    let sim = start(Tree::Empty).await;
    let uploader = Uploader::new(&sim).await;
    let content = Content::Rule { seed: 3, size: 2 << 20 };
    assert_eq!(uploader.upload("a", &content).await["state"], true);
    assert_eq!(uploader.init("b", &content).await["status"], 2);
    let ids: Vec<u64> = sim.tree(|tree| tree.children(ROOT).iter().map(|node| node.id).collect());
    for id in ids {
        assert!(downloaded(&sim, id).await == content.read(0..u64::MAX));
    }
}
