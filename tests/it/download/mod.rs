//! Content through the whole stack: every byte as it is at 115, or an error that a client cannot overlook.

mod clients;
mod limits;
mod redirects;
mod streams;

use std::ops::Range;

use dav115::config::Config;
use dav115::model::DownloadPolicy::Proxy;
use futures_util::StreamExt as _;
use http::{Method, StatusCode};
use sim115::{Content, ROOT, Tree};

use crate::harness::{Answer, Gateway, simulator};

const FILM: &str = "/film.mkv";
const FILM_BYTES: u64 = 6_000_007;

/// A gateway that streams, over one file; it has been listed, and links are known to be unbound.
async fn gateway(change: impl FnOnce(&mut Config)) -> (Gateway, Content) {
    let sim = simulator(Tree::Empty).await;
    let content = Content::Rule { seed: 115, size: FILM_BYTES };
    sim.tree(|tree| tree.add_file(ROOT, "film.mkv", content.clone()));
    let gateway = Gateway::over(sim, |config| {
        config.mounts[0].download = Proxy;
        change(config);
    })
    .await;
    assert_eq!(gateway.get(FILM, &[("range", "bytes=0-0")]).await.status, StatusCode::PARTIAL_CONTENT);
    gateway.assert_calls(&[("files", 1), ("downurl", 1), ("download server", 2)]);
    (gateway, content)
}

async fn part(gateway: &Gateway, range: &Range<u64>) -> Answer {
    gateway.get(FILM, &[("range", &format!("bytes={}-{}", range.start, range.end - 1))]).await
}

/// The bytes that come before the body ends or breaks, and whether it broke.
async fn read_all(response: reqwest::Response) -> (Vec<u8>, bool) {
    let mut stream = response.bytes_stream();
    let mut bytes = Vec::new();
    while let Some(chunk) = stream.next().await {
        match chunk {
            Ok(chunk) => bytes.extend_from_slice(&chunk),
            Err(_) => return (bytes, true),
        }
    }
    (bytes, false)
}

#[tokio::test]
async fn every_part_is_what_it_is_at_115() {
    let (gateway, content) = gateway(|_| {}).await;
    let size = FILM_BYTES;
    for (asked, expected) in [
        ("bytes=0-0", 0..1),
        ("bytes=0-999", 0..1000),
        ("bytes=4095-4096", 4095..4097),
        ("bytes=1000000-1999999", 1_000_000..2_000_000),
        ("bytes=5999999-", 5_999_999..size),
        ("bytes=0-", 0..size),
        ("bytes=-1", size - 1..size),
        ("bytes=-5000", size - 5000..size),
        ("bytes=-99999999", 0..size),
        ("bytes=6000000-99999999", 6_000_000..size),
    ] {
        let answer = gateway.get(FILM, &[("range", asked)]).await;
        assert_eq!(answer.status, StatusCode::PARTIAL_CONTENT, "{asked}");
        let stated = format!("bytes {}-{}/{size}", expected.start, expected.end - 1);
        assert_eq!(answer.header("content-range"), Some(&*stated), "{asked}");
        let length = (expected.end - expected.start).to_string();
        assert_eq!(answer.header("content-length"), Some(&*length), "{asked}");
        assert!(answer.body == content.read(expected), "{asked}");
    }
    for ignored in ["bytes=5-2", "items=0-1", "bytes=x", "bytes=0-10,5-20"] {
        let answer = gateway.get(FILM, &[("range", ignored)]).await;
        assert_eq!((answer.status, answer.header("content-range")), (StatusCode::OK, None), "{ignored}");
        assert!(answer.body == content.read(0..size), "{ignored}");
    }
    let answer = gateway.get(FILM, &[("range", "bytes=6000007-")]).await;
    assert_eq!(answer.status, StatusCode::RANGE_NOT_SATISFIABLE);
    assert_eq!(answer.header("content-range"), Some("bytes */6000007"));
    assert_eq!(gateway.sim.open_bodies(), 0);
}

#[tokio::test]
async fn a_whole_file_and_its_head_say_the_same() {
    let (gateway, content) = gateway(|_| {}).await;
    let (whole, head) = (gateway.get(FILM, &[]).await, gateway.head(FILM).await);
    assert_eq!((whole.status, head.status), (StatusCode::OK, StatusCode::OK));
    assert!(whole.body == content.read(0..FILM_BYTES) && head.body.is_empty());
    for name in ["content-length", "content-type", "etag", "last-modified", "accept-ranges"] {
        assert!(whole.header(name).is_some(), "{name}");
        assert_eq!(whole.header(name), head.header(name), "{name}");
    }
    assert_eq!(whole.header("etag"), Some(&*format!("\"{}\"", content.sha1_hex())));
    assert_eq!(whole.header("content-length"), Some("6000007"));
}

#[tokio::test]
async fn several_ranges_come_as_parts_that_say_where_they_belong() {
    let (gateway, content) = gateway(|_| {}).await;
    let answer = gateway.get(FILM, &[("range", "bytes=10-19, 5000000-5000999,-7")]).await;
    assert_eq!(answer.status, StatusCode::PARTIAL_CONTENT);
    assert_eq!(answer.header("content-length"), Some(&*answer.body.len().to_string()));
    let boundary = answer.header("content-type").unwrap().strip_prefix("multipart/byteranges; boundary=");
    let (mut rest, boundary) = (&answer.body[..], boundary.unwrap());
    for part in [10..20, 5_000_000..5_001_000, FILM_BYTES - 7..FILM_BYTES] {
        let head = format!(
            "--{boundary}\r\nContent-Type: video/x-matroska\r\nContent-Range: bytes {}-{}/{FILM_BYTES}\r\n\r\n",
            part.start,
            part.end - 1
        );
        rest = rest.strip_prefix(head.as_bytes()).unwrap_or_else(|| panic!("no {head}"));
        rest = rest.strip_prefix(&content.read(part)[..]).unwrap();
        rest = rest.strip_prefix(b"\r\n").unwrap();
    }
    assert_eq!(rest, format!("--{boundary}--\r\n").as_bytes());
    gateway.assert_calls(&[("download server", 3)]);
}

#[tokio::test]
async fn a_part_of_another_version_is_not_handed_out() {
    let (gateway, content) = gateway(|_| {}).await;
    let head = gateway.head(FILM).await;
    let (tag, date) = (head.header("etag").unwrap(), head.header("last-modified").unwrap());
    for (condition, status) in [
        (tag, StatusCode::PARTIAL_CONTENT),
        (date, StatusCode::PARTIAL_CONTENT),
        ("\"another\"", StatusCode::OK),
        ("Tue, 14 Nov 2000 22:13:20 GMT", StatusCode::OK),
    ] {
        let answer = gateway.get(FILM, &[("range", "bytes=9-18"), ("if-range", condition)]).await;
        assert_eq!(answer.status, status, "{condition}");
        let expected = if status == StatusCode::OK { 0..FILM_BYTES } else { 9..19 };
        assert!(answer.body == content.read(expected), "{condition}");
    }
}

#[tokio::test]
async fn a_head_opens_nothing() {
    let (gateway, _) = gateway(|_| {}).await;
    for headers in [&[][..], &[("range", "bytes=0-10")]] {
        let answer = gateway.send(Method::HEAD, FILM, headers, "").await;
        assert_eq!((answer.status, answer.header("content-length")), (StatusCode::OK, Some("6000007")));
    }
    gateway.assert_calls(&[]);
}
