//! Tests of uploads in parts.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sha1::digest::generic_array::GenericArray;

use super::client::{Answer, start};
use super::upload_client::{Uploader, callback, downloaded};
use crate::num::index;
use crate::{Content, Sim, Tree};

const PART: u64 = 100 << 10;

fn content() -> Content {
    Content::Rule { seed: 9, size: 2 * PART + 1000 }
}

fn part_of(number: u64) -> Vec<u8> {
    content().read((number - 1) * PART..number * PART).to_vec()
}

#[track_caller]
fn refused(answer: &Answer, status: u16, code: &str) {
    assert_eq!(answer.status, status, "{}", answer.text());
    assert!(answer.text().contains(&format!("<Code>{code}</Code>")), "{}", answer.text());
}

struct Begun<'sim> {
    uploader: Uploader<'sim>,
    answer: Value,
    object: String,
    id: String,
}

impl<'sim> Begun<'sim> {
    async fn new(sim: &'sim Sim, query: &str) -> Self {
        let uploader = Uploader::new(sim).await;
        let answer = uploader.init("a.bin", &content()).await;
        let object = answer["object"].as_str().unwrap().to_owned();
        let id = uploader.initiate(&object, query).await;
        Self { uploader, answer, object, id }
    }

    async fn part(&self, number: u64, bytes: &[u8]) -> Answer {
        self.uploader.part(&self.object, &self.id, number, bytes).await
    }

    /// Puts all parts in this order and returns their tags in the order of their numbers.
    async fn parts(&self, order: &[u64]) -> Vec<(u64, String)> {
        let mut tags = Vec::new();
        for number in order {
            let answer = self.part(*number, &part_of(*number)).await;
            assert_eq!(answer.status, 200, "{}", answer.text());
            tags.push((*number, answer.header("etag").to_owned()));
        }
        tags.sort();
        tags
    }

    async fn complete(&self, tags: &[(u64, String)]) -> Answer {
        let tags: Vec<(u64, &str)> = tags.iter().map(|(number, tag)| (*number, tag.as_str())).collect();
        self.uploader.complete(&self.answer, &self.id, &tags).await.unwrap()
    }

    async fn about(&self, method: &str, more: &str) -> Answer {
        let query = format!("uploadId={}{more}", self.id);
        self.uploader.oss(method, (&self.object, &query), &[], "").await.unwrap()
    }
}

#[tokio::test]
async fn parts_in_order_become_a_file() {
    for query in ["uploads&sequential", "sequential=1&uploads=1", "uploads&sequential&x-oss-enable-sha1"] {
        let sim = start(Tree::Empty).await;
        let begun = Begun::new(&sim, query).await;
        assert_eq!(sim.unfinished_uploads(), 1);
        let tags = begun.parts(&[1, 2, 3]).await;
        let done = begun.complete(&tags).await;
        let answer = done.json();
        assert_eq!((done.status, &answer["state"]), (200, &json!(true)), "{answer}");
        assert_eq!(answer["data"]["sha1"], content().sha1_hex());
        let id = answer["data"]["file_id"].as_str().unwrap().parse().unwrap();
        assert!(downloaded(&sim, id).await == content().read(0..u64::MAX));
        assert_eq!(sim.unfinished_uploads(), 0);
        let ledger = sim.ledger();
        let parts = ledger.iter().filter(|entry| entry.endpoint == "oss_part");
        let parts: Vec<(u64, u64)> = parts.map(|entry| (entry.part, entry.received)).collect();
        assert_eq!(parts, [(1, PART), (2, PART), (3, 1000)]);
        assert_eq!((sim.calls("oss_initiate"), sim.calls("oss_complete")), (1, 1));
        // uploadinfo, gettoken, initupload, downurl.
        assert_eq!(sim.api_calls(), 4, "the object store is counted by itself");
        refused(&begun.complete(&tags).await, 404, "NoSuchUpload");
        refused(&begun.part(3, b"x").await, 404, "NoSuchUpload");
        refused(&begun.about("GET", "").await, 404, "NoSuchUpload");
        assert_eq!(sim.tree(|tree| tree.len()), 1);
    }
}

#[tokio::test]
async fn the_order_is_enforced_and_the_last_part_can_be_put_again() {
    let sim = start(Tree::Empty).await;
    let begun = Begun::new(&sim, "uploads&sequential").await;
    refused(&begun.part(2, &part_of(2)).await, 400, "PartNotSequential");
    assert_eq!(begun.part(1, b"something else").await.status, 200);
    let first = begun.part(1, &part_of(1)).await;
    refused(&begun.part(3, &part_of(3)).await, 400, "PartNotSequential");
    let second = begun.part(2, &part_of(2)).await;
    refused(&begun.part(1, &part_of(1)).await, 400, "PartNotSequential");
    let third = begun.part(3, &part_of(3)).await;
    let tag = |answer: &Answer| answer.header("etag").to_owned();
    let done = begun.complete(&[(1, tag(&first)), (2, tag(&second)), (3, tag(&third))]).await;
    assert_eq!(done.json()["state"], true);
}

#[tokio::test]
async fn parts_in_no_order_make_no_file() {
    let sim = start(Tree::Empty).await;
    let begun = Begun::new(&sim, "uploads&x-oss-enable-sha1").await;
    let tags = begun.parts(&[3, 1, 2]).await;
    let answer = begun.complete(&tags).await.json();
    assert_eq!((&answer["state"], &answer["code"]), (&json!(false), &json!(10_002)));
    assert_eq!((sim.tree(|tree| tree.len()), sim.unfinished_uploads()), (0, 0));
}

#[tokio::test]
async fn a_completion_has_to_list_what_is_there() {
    let sim = start(Tree::Empty).await;
    let begun = Begun::new(&sim, "uploads&sequential").await;
    let tags = begun.parts(&[1, 2, 3]).await;
    let with = |change: fn(&mut Vec<(u64, String)>)| {
        let mut tags = tags.clone();
        change(&mut tags);
        tags
    };
    refused(&begun.complete(&with(|tags| tags[1].1 = "\"00\"".into())).await, 400, "InvalidPart");
    refused(&begun.complete(&with(|tags| tags[2].0 = 4)).await, 400, "InvalidPart");
    refused(&begun.complete(&with(|tags| tags.swap(0, 1))).await, 400, "InvalidPartOrder");
    refused(&begun.complete(&[]).await, 400, "MalformedXML");
    refused(&begun.part(0, b"x").await, 400, "InvalidArgument");
    refused(&begun.part(10_001, b"x").await, 400, "InvalidArgument");
    let shorter = begun.complete(&with(|tags| tags.truncate(2))).await.json();
    assert_eq!(shorter["state"], false, "a part was left out");
    let begun = Begun::new(&sim, "uploads&sequential").await;
    let mut tags = Vec::new();
    for (number, bytes) in [(1, vec![1; index(PART) - 1]), (2, vec![2; 10])] {
        tags.push((number, begun.part(number, &bytes).await.header("etag").to_owned()));
    }
    refused(&begun.complete(&tags).await, 400, "EntityTooSmall");
    sim.behave(|behaviours| behaviours.upload.oss_minimum_part = 1);
    assert_eq!(begun.complete(&tags).await.status, 200);
    sim.behave(|behaviours| behaviours.upload.oss_maximum_parts = 1);
    let begun = Begun::new(&sim, "uploads&sequential").await;
    refused(&begun.part(2, b"x").await, 400, "InvalidArgument");
}

#[tokio::test]
async fn parts_are_listed_in_pages() {
    let sim = start(Tree::Empty).await;
    let begun = Begun::new(&sim, "uploads&sequential").await;
    let tags = begun.parts(&[1, 2, 3]).await;
    let page = begun.about("GET", "&max-parts=2").await.text();
    let holds = |text: &str, what: &str| assert!(text.contains(what), "{what} in {text}");
    for what in [
        "<IsTruncated>true</IsTruncated>",
        "<PartNumberMarker>0</PartNumberMarker>",
        "<NextPartNumberMarker>2</NextPartNumberMarker>",
        "<PartNumber>1</PartNumber>",
        "<Size>102400</Size>",
        &format!("<UploadId>{}</UploadId>", begun.id),
        &format!("<ETag>{}</ETag>", tags[1].1),
    ] {
        holds(&page, what);
    }
    assert!(!page.contains("<PartNumber>3</PartNumber>"));
    let rest = begun.about("GET", "&part-number-marker=2").await.text();
    holds(&rest, "<IsTruncated>false</IsTruncated>");
    holds(&rest, "<PartNumber>3</PartNumber>");
    assert!(!rest.contains("<PartNumber>2</PartNumber>"));
    assert_eq!(begun.about("DELETE", "").await.status, 204);
    assert_eq!(sim.unfinished_uploads(), 0);
    refused(&begun.about("DELETE", "").await, 404, "NoSuchUpload");
    refused(&begun.complete(&tags).await, 404, "NoSuchUpload");
    assert_eq!((sim.calls("oss_list_parts"), sim.calls("oss_abort")), (2, 2));
}

/// The state of SHA-1 after the first bytes of the content, as a client announces it.
fn context(bytes: u64) -> String {
    let mut state = [0x6745_2301_u32, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476, 0xc3d2_e1f0];
    for block in content().read(0..bytes).chunks_exact(64) {
        sha1::compress(&mut state, &[*GenericArray::from_slice(block)]);
    }
    let mut context =
        json!({"hash_type": "sha1", "Nl": (bytes * 8).to_string(), "Nh": "0", "data": "", "num": "0"});
    for (place, word) in state.iter().enumerate() {
        context[format!("h{place}")] = json!(word.to_string());
    }
    STANDARD.encode(context.to_string())
}

#[tokio::test]
async fn announced_hashes_allow_any_order() {
    let sim = start(Tree::Empty).await;
    let begun = Begun::new(&sim, "uploads&x-oss-enable-sha1&withHashContext").await;
    let put = |number: u64, context: Option<String>| {
        let query = format!("partNumber={number}&uploadId={}", begun.id);
        let begun = &begun;
        async move {
            let context = context.unwrap_or_default();
            let header = [("x-oss-hash-ctx", context.as_str())];
            let more: &[(&str, &str)] = if context.is_empty() { &[] } else { &header };
            begun.uploader.oss("PUT", (&begun.object, &query), more, part_of(number)).await.unwrap()
        }
    };
    refused(&put(2, None).await, 400, "InvalidArgument");
    refused(&put(2, Some("AAAA".into())).await, 400, "InvalidArgument");
    let tag = |answer: Answer| answer.header("etag").to_owned();
    let third = tag(put(3, Some(context(2 * PART))).await);
    let first = tag(put(1, None).await);
    let second = tag(put(2, Some(context(PART + 64))).await);
    let tags = [(1, first), (2, second), (3, third)];
    refused(&begun.complete(&tags).await, 400, "InvalidArgument");
    assert_eq!(sim.unfinished_uploads(), 1, "it can still be mended");
    put(2, Some(context(PART))).await;
    let answer = begun.complete(&tags).await.json();
    assert_eq!((&answer["state"], &answer["data"]["sha1"]), (&json!(true), &json!(content().sha1_hex())));
}

#[tokio::test]
async fn without_a_callback_there_is_an_object_but_no_file() {
    let sim = start(Tree::Empty).await;
    let begun = Begun::new(&sim, "uploads&sequential").await;
    let tags = begun.parts(&[1, 2, 3]).await;
    let tags: Vec<(u64, &str)> = tags.iter().map(|(number, tag)| (*number, tag.as_str())).collect();
    let body = super::upload_client::completion(&tags);
    let query = format!("uploadId={}", begun.id);
    let done = begun.uploader.oss("POST", (&begun.object, &query), &[], &body).await.unwrap();
    assert!(done.text().contains("<CompleteMultipartUploadResult>") && done.text().contains("-3\""));
    assert_eq!(sim.tree(|tree| tree.len()), 0);
    assert!(!callback(&begun.answer).0.is_empty());
}
