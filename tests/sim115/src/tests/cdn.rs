//! Tests of the download network.

use std::time::Duration;

use serde_json::json;
use tokio::io::AsyncReadExt as _;

use super::client::{exchange, get_with, link, send, start};
use crate::{Fault, FaultRule, Sim, Tree, content};

const GIB: u64 = 1 << 30;

/// A simulator with one file, and the free link to it.
async fn with_file(size: u64) -> (Sim, u64, String) {
    let sim = start(Tree::Empty).await;
    let id = sim.tree(|tree| tree.add_file_sized(crate::ROOT, "a film & more.mkv", size));
    let url = link(&sim, id, None).await;
    (sim, id, url)
}

async fn ranged(sim: &Sim, url: &str, range: &str) -> super::client::Answer {
    get_with(sim, url, &[("Range", range)]).await
}

#[tokio::test]
async fn ranges_of_a_giant_are_served_byte_for_byte() {
    let (sim, id, url) = with_file(5 * GIB).await;
    let bytes = sim.tree(|tree| content(tree.node(id).unwrap()));
    let last = 5 * GIB - 1;
    for (range, start, end) in [
        ("bytes=0-0".to_owned(), 0, 1),
        ("bytes=1000000-1299999".to_owned(), 1_000_000, 1_300_000),
        (format!("bytes={}-", 4 * GIB), 4 * GIB, 4 * GIB + 1000),
        ("bytes=-100".to_owned(), 5 * GIB - 100, 5 * GIB),
        (format!("bytes={last}-{}", last + 100), last, 5 * GIB),
    ] {
        let mut stream = send(&sim, "GET", &url, &[("Range", &range)], "").await;
        let mut raw = vec![0; 512 << 10];
        let mut filled = 0;
        // The open range is read only as far as it is compared.
        while filled < 2000 + usize::try_from(end - start).unwrap() {
            let got = stream.read(&mut raw[filled..]).await.unwrap();
            filled += got;
            if got == 0 {
                break;
            }
        }
        let split = raw.windows(4).position(|window| window == b"\r\n\r\n").unwrap();
        let head = String::from_utf8_lossy(&raw[..split]).to_lowercase();
        assert!(head.starts_with("http/1.1 206"), "{head}");
        assert!(head.contains(&format!("content-range: bytes {start}-")), "{range}: {head}");
        assert!(head.contains(&format!("/{}", 5 * GIB)) && head.contains("accept-ranges: bytes"));
        let expected = bytes.read(start..end);
        assert!(raw[split + 4..].starts_with(&expected), "{range}");
    }
    let beyond = ranged(&sim, &url, &format!("bytes={}-", 5 * GIB)).await;
    assert_eq!(
        (beyond.status, beyond.header("content-range")),
        (416, format!("bytes */{}", 5 * GIB).as_str())
    );
}

#[tokio::test]
async fn heads_tags_and_conditions_agree() {
    let (sim, id, url) = with_file(1000).await;
    let whole = get_with(&sim, &url, &[]).await;
    assert_eq!((whole.status, whole.body.len()), (200, 1000));
    let sha1 = sim.tree(|tree| tree.node(id).unwrap().sha1().to_owned());
    assert_eq!(whole.header("etag"), format!("\"{}\"", &sha1[..32]));
    let head = exchange(&sim, "HEAD", &url, &[], "").await.unwrap();
    assert_eq!((head.status, head.header("content-length"), head.body.len()), (200, "1000", 0));
    assert_eq!(head.header("last-modified"), whole.header("last-modified"));
    let etag = whole.header("etag").to_owned();
    let part = get_with(&sim, &url, &[("Range", "bytes=5-9"), ("If-Range", &etag)]).await;
    assert_eq!((part.status, part.header("content-range")), (206, "bytes 5-9/1000"));
    let stale = get_with(&sim, &url, &[("Range", "bytes=5-9"), ("If-Range", "\"other\"")]).await;
    assert_eq!((stale.status, stale.body.len()), (200, 1000));
    assert_eq!(get_with(&sim, &url, &[("If-Match", "\"other\"")]).await.status, 412);
    assert_eq!(exchange(&sim, "PUT", &url, &[], "").await.unwrap().status, 405);
    let (empty_sim, _, empty) = with_file(0).await;
    assert_eq!(get_with(&empty_sim, &empty, &[]).await.header("content-length"), "0");
    assert_eq!(ranged(&empty_sim, &empty, "bytes=0-").await.status, 416);
}

#[tokio::test]
async fn a_tampered_or_old_link_is_refused() {
    let (sim, _, url) = with_file(10).await;
    assert_eq!(get_with(&sim, &url, &[]).await.status, 200);
    for (from, to) in
        [("&c=2", "&c=0"), ("&f=&", "&f=1&"), ("?t=", "?t=9"), ("&k=", "&k=0"), ("film", "fiLm")]
    {
        let forged = url.replace(from, to);
        assert_ne!(forged, url);
        assert_eq!(get_with(&sim, &forged, &[]).await.status, 403, "{forged}");
    }
    sim.advance(Duration::from_secs(3599));
    assert_eq!(get_with(&sim, &url, &[]).await.status, 200);
    sim.advance(Duration::from_secs(2));
    let late = get_with(&sim, &url, &[]).await;
    assert_eq!((late.status, &late.json()["status"]), (403, &json!(403)));
}

#[tokio::test]
async fn a_third_connection_is_refused_until_one_closes() {
    let (sim, id, url) = with_file(GIB).await;
    let first = send(&sim, "GET", &url, &[], "").await;
    let second = send(&sim, "GET", &url, &[], "").await;
    while sim.open_bodies() < 2 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let third = ranged(&sim, &url, "bytes=0-9").await;
    assert_eq!((third.status, &third.json()["message"]), (403, &json!("too many connections")));
    drop(first);
    while sim.open_bodies() > 1 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(ranged(&sim, &url, "bytes=0-9").await.status, 206);
    assert_eq!(sim.open_bodies(), 1);
    sim.behave(|behaviours| behaviours.user_connections = 1);
    let other = link(&sim, id, None).await;
    assert_eq!(ranged(&sim, &other, "bytes=0-9").await.status, 403, "the account has too many open");
    drop(second);
    sim.behave(|behaviours| behaviours.open_grace_ms = 60_000);
    assert_eq!(ranged(&sim, &other, "bytes=0-9").await.status, 206);
    assert_eq!(sim.open_bodies(), 0);
    assert!(sim.bytes_sent() >= 20);
}

#[tokio::test]
async fn transfers_go_wrong_as_told() {
    let (sim, _, url) = with_file(1_000_000).await;
    let strike = |fault| {
        sim.clear_faults();
        sim.fault(FaultRule::every("cdn", fault));
    };
    strike(Fault::CutAfter(300_001));
    let cut = get_with(&sim, &url, &[]).await;
    assert_eq!((cut.body.len(), cut.header("content-length")), (300_001, "1000000"));
    strike(Fault::ContentLengthLonger(5));
    let longer = get_with(&sim, &url, &[]).await;
    assert_eq!((longer.body.len(), longer.header("content-length")), (1_000_000, "1000005"));
    strike(Fault::ContentLengthShorter(5));
    let shorter = get_with(&sim, &url, &[]).await;
    assert_eq!((shorter.body.len(), shorter.header("content-length")), (999_995, "999995"));
    strike(Fault::SlowStart(Duration::from_millis(30)));
    assert!(get_with(&sim, &url, &[]).await.whole());
    strike(Fault::IgnoreRange);
    assert_eq!(ranged(&sim, &url, "bytes=1-2").await.status, 200);
    strike(Fault::WrongContentRange);
    let wrong = ranged(&sim, &url, "bytes=1-2").await;
    assert_eq!(
        (wrong.status, wrong.header("content-range"), wrong.body.len()),
        (206, "bytes 2-3/1000000", 2)
    );
    strike(Fault::Html(200));
    assert!(get_with(&sim, &url, &[]).await.header("content-type").starts_with("text/html"));
    for status in [403, 404, 410, 429, 500, 503] {
        strike(Fault::Status(status));
        let refused = get_with(&sim, &url, &[]).await;
        assert_eq!((refused.status, &refused.json()["status"]), (status, &json!(status)));
    }
    strike(Fault::NoCookieValue);
    assert_eq!(get_with(&sim, &url, &[]).await.json()["message"], "no cookie value");
    strike(Fault::Reset);
    assert!(exchange(&sim, "GET", &url, &[], "").await.is_none());
    sim.clear_faults();
    let before = get_with(&sim, &url, &[]).await;
    strike(Fault::ChangedContent);
    let after = get_with(&sim, &url, &[]).await;
    assert_ne!(before.header("etag"), after.header("etag"));
    assert_eq!(after.body.len(), 1_000_001);
    assert_eq!(sim.open_bodies(), 0);
}
