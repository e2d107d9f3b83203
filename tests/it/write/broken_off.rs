//! Uploads that the client breaks off, or describes wrongly: nothing is stored, and what was there stays.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{changed, paths, put, send, shown, truth};
use crate::harness::{Gateway, PASSWORD, USER, eventually};

const FIRST: &str = "da39a3ee5e6b4b0d3255bfef95601890afd80709";

/// Sends the beginning of a request and goes away, once the gateway is reading.
async fn begin(gateway: &Gateway, path: &str, headers: &str, body: &[u8]) {
    let mut stream = TcpStream::connect(gateway.address).await.unwrap();
    let secret = STANDARD.encode(format!("{USER}:{PASSWORD}"));
    let head = format!("PUT {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Basic {secret}\r\n{headers}\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(body).await.unwrap();
    stream.shutdown().await.unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    let answer = String::from_utf8_lossy(&answer).into_owned();
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 400 "), "{answer}");
}

#[tokio::test]
async fn a_body_that_breaks_off_stores_nothing() {
    let gateway = super::gateway(|_| {}).await;
    for path in ["/dir/new.txt", "/a.txt", "/dir/._junk"] {
        for (headers, body) in [
            ("Content-Length: 20\r\n".to_owned(), &b"half of it"[..]),
            ("Content-Length: 20\r\n".to_owned(), b""),
            ("Transfer-Encoding: chunked\r\n".to_owned(), b"5\r\nhello\r\n"),
            (format!("Content-Length: 20\r\nOC-Checksum: SHA1:{FIRST}\r\n"), b"half of it"),
        ] {
            begin(&gateway, path, &headers, body).await;
        }
    }
    assert_eq!(truth(&gateway), changed(&[], &[]));
    eventually("the gateway shows what is there", async || shown(&gateway).await == paths(&truth(&gateway)))
        .await;
    assert!(super::bin(&gateway).is_empty());
}

#[tokio::test]
async fn a_body_of_another_hash_stores_nothing() {
    let gateway = super::gateway(|_| {}).await;
    let announced = |sha1: &str| format!("SHA1:{sha1}");
    for path in ["/dir/new.txt", "/a.txt"] {
        let answer = send(&gateway, "PUT", path, &[("oc-checksum", &announced(FIRST))], "not empty").await;
        assert_eq!(answer.status, 400, "{}", answer.text());
    }
    assert_eq!(truth(&gateway), changed(&[], &[]));
    assert_eq!(shown(&gateway).await, paths(&truth(&gateway)));
    // The right one is taken.
    let right = announced("aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d");
    assert_eq!(send(&gateway, "PUT", "/a.txt", &[("oc-checksum", &right)], "hello").await.status, 204);
    assert_eq!(truth(&gateway)[0], "/a.txt = hello");
}

#[tokio::test]
async fn what_is_stored_under_conditions_is_stored_only_if_they_hold() {
    let gateway = super::gateway(|_| {}).await;
    let tag = gateway.head("/a.txt").await.header("etag").unwrap().to_owned();
    for (path, header, value, status) in [
        ("/a.txt", "if-none-match", "*", 412),
        ("/dir/new.txt", "if-match", "*", 412),
        ("/a.txt", "if-match", "\"another\"", 412),
        ("/a.txt", "if-match", tag.as_str(), 204),
        ("/a.txt", "if-match", tag.as_str(), 412),
        ("/dir/new.txt", "if-none-match", "*", 201),
    ] {
        let answer = send(&gateway, "PUT", path, &[(header, value)], "under condition").await;
        assert_eq!(answer.status, status, "{path} {header} {value}: {}", answer.text());
    }
    let expected = changed(&["/a.txt"], &["/a.txt = under condition", "/dir/new.txt = under condition"]);
    assert_eq!(truth(&gateway), expected);
}

#[tokio::test]
async fn storing_the_same_again_leaves_the_file_as_it_is() {
    let gateway = super::gateway(|_| {}).await;
    let before = gateway.sim.tree(|tree| tree.find(&["a.txt"]));
    assert_eq!(put(&gateway, "/a.txt", "first").await.status, 204);
    assert_eq!(gateway.sim.tree(|tree| tree.find(&["a.txt"])), before);
    assert!(super::bin(&gateway).is_empty());
}
