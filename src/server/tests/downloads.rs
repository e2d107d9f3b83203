//! GET and HEAD over the wire.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::AsyncReadExt as _;
use tokio::sync::Notify;

use super::super::{DownloadProxy, Options};
use super::gateway::{ABC, Gateway, Script, ScriptedDrive, memory_drive};
use crate::drive::DriveErrorKind;
use crate::model::{DownloadPolicy, Secret};

async fn streaming() -> Gateway {
    Gateway::start(Options::default()).await
}

#[tokio::test]
async fn a_whole_file_comes_with_all_it_says_of_itself() {
    let gateway = streaming().await;
    let answer = gateway.ask("GET /abc.txt HTTP/1.1").await;
    assert_eq!((answer.status, &*answer.body), (200, ABC));
    for (name, value) in [
        ("content-length", "26"),
        ("accept-ranges", "bytes"),
        ("last-modified", "Tue, 14 Nov 2023 22:13:21 GMT"),
        ("x-content-type-options", "nosniff"),
    ] {
        assert_eq!(answer.header(name), Some(value), "{name}");
    }
    assert!(answer.header("etag").unwrap().starts_with('"'));
    assert!(answer.header("content-type").unwrap().starts_with("text/plain"));
    assert!(answer.header("x-request-id").is_some());
    let answer = gateway.ask("GET /dir/%E7%94%B5%E5%BD%B1%20%231.mkv HTTP/1.1").await;
    assert_eq!(answer.text(), "film");
}

#[tokio::test]
async fn ranges_come_as_asked() {
    let gateway = streaming().await;
    for (range, status, content_range, body) in [
        ("bytes=0-0", 206, Some("bytes 0-0/26"), "a"),
        ("bytes=23-", 206, Some("bytes 23-25/26"), "xyz"),
        ("bytes=-2", 206, Some("bytes 24-25/26"), "yz"),
        ("bytes=24-99", 206, Some("bytes 24-25/26"), "yz"),
        ("bytes=0-18446744073709551615", 206, Some("bytes 0-25/26"), "abcdefghijklmnopqrstuvwxyz"),
        ("bytes=oops", 200, None, "abcdefghijklmnopqrstuvwxyz"),
        ("bytes=0-,0-", 200, None, "abcdefghijklmnopqrstuvwxyz"),
        ("bytes=99-", 416, Some("bytes */26"), "/abc.txt has 26 bytes; ask for some of these\n"),
    ] {
        let answer = gateway.ask(&format!("GET /abc.txt HTTP/1.1\nRange: {range}")).await;
        assert_eq!(
            (answer.status, answer.header("content-range"), answer.text()),
            (status, content_range, body),
            "{range}"
        );
    }
}

#[tokio::test]
async fn several_ranges_come_in_parts() {
    let gateway = streaming().await;
    let answer = gateway.ask("GET /abc.txt HTTP/1.1\nRange: bytes=0-1,-1").await;
    assert_eq!(answer.status, 206);
    assert!(answer.is_complete && answer.header("content-range").is_none());
    let boundary =
        answer.header("content-type").unwrap().strip_prefix("multipart/byteranges; boundary=").unwrap();
    let parts: Vec<&str> = answer.text().split(&format!("--{boundary}")).collect();
    assert_eq!(parts.len(), 4);
    assert!(parts[1].starts_with("\r\nContent-Type: text/plain"));
    assert!(parts[1].ends_with("Content-Range: bytes 0-1/26\r\n\r\nab\r\n"), "{:?}", parts[1]);
    assert!(parts[2].ends_with("Content-Range: bytes 25-25/26\r\n\r\nz\r\n"), "{:?}", parts[2]);
    assert_eq!(parts[3], "--\r\n");
}

#[tokio::test]
async fn preconditions_are_answered_before_anything_is_opened() {
    let gateway = streaming().await;
    let etag = gateway.ask("HEAD /abc.txt HTTP/1.1").await.header("etag").unwrap().to_owned();
    for (header, status) in [
        (format!("If-None-Match: {etag}"), 304),
        (format!("If-None-Match: W/{etag}"), 304),
        ("If-Modified-Since: Tue, 14 Nov 2023 22:13:21 GMT".to_owned(), 304),
        ("If-Match: \"other\"".to_owned(), 412),
        (format!("If-Match: {etag}"), 200),
        (format!("If-Range: {etag}\nRange: bytes=0-1"), 206),
        ("If-Range: \"other\"\nRange: bytes=0-1".to_owned(), 200),
        ("If-Range: \"other\"\nRange: bytes=99-".to_owned(), 200),
    ] {
        let answer = gateway.ask(&format!("GET /abc.txt HTTP/1.1\n{header}")).await;
        assert_eq!(answer.status, status, "{header}");
        if status == 304 {
            assert_eq!((answer.header("etag"), answer.header("content-length")), (Some(&*etag), None));
        }
    }
}

#[tokio::test]
async fn head_is_answered_from_the_listing() {
    let gateway =
        Gateway::over(ScriptedDrive::new(Script::Panics), DownloadPolicy::Redirect, Options::default()).await;
    let answer = gateway.ask("HEAD /file.bin HTTP/1.1\nUser-Agent: curl/8\nRange: bytes=0-1").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-length"), Some("1073741824"));
    assert_eq!(answer.header("accept-ranges"), Some("bytes"));
    assert_eq!(gateway.ask("HEAD /nothing HTTP/1.1").await.status, 404);
    let answer = gateway.ask("HEAD / HTTP/1.1").await;
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("text/html; charset=utf-8")));
    assert_eq!(answer.header("content-length"), None, "{answer:?}");
}

#[tokio::test]
async fn an_empty_file_is_served_without_115() {
    let gateway = Gateway::over(memory_drive(), DownloadPolicy::Redirect, Options::default()).await;
    for range in ["", "\nRange: bytes=0-"] {
        let answer = gateway.ask(&format!("GET /empty.txt HTTP/1.1\nUser-Agent: curl/8{range}")).await;
        assert_eq!((answer.status, answer.header("content-length")), (200, Some("0")));
    }
}

#[tokio::test]
async fn who_follows_is_redirected_and_who_does_not_is_streamed_to() {
    let gateway = Gateway::over(memory_drive(), DownloadPolicy::Redirect, Options::default()).await;
    let answer = gateway.ask("GET /abc.txt HTTP/1.1\nUser-Agent: Infuse-Direct/8.0.5\nRange: bytes=5-").await;
    assert_eq!(answer.status, 302);
    for (name, value) in [
        ("location", Some("http://memory.invalid/1")),
        ("cache-control", Some("no-store")),
        ("content-length", Some("0")),
        ("referrer-policy", Some("no-referrer")),
        ("transfer-encoding", None),
        ("etag", None),
    ] {
        assert_eq!(answer.header(name), value, "{name}");
    }
    for agent in ["davfs2/1.6.1 neon/0.32.5", ""] {
        let answer = gateway.ask(&format!("GET /abc.txt HTTP/1.1\nUser-Agent: {agent}")).await;
        assert_eq!((answer.status, &*answer.body), (200, ABC), "{agent}");
    }
}

#[tokio::test]
async fn a_download_proxy_is_sent_the_path_and_a_signature() {
    let download_proxy = Some(DownloadProxy {
        url: "https://proxy.example".to_owned(),
        token: Secret::new("token-for-tests"),
        link_life: Duration::ZERO,
    });
    let options = Options { prefix: "/dav".to_owned(), download_proxy, ..Options::default() };
    let gateway = Gateway::over(memory_drive(), DownloadPolicy::ProxyUrl, options).await;
    let answer = gateway.ask("GET /dav/abc.txt HTTP/1.1\nUser-Agent: curl/8").await;
    // printf '%s' '/abc.txt:0' | openssl dgst -sha256 -hmac token-for-tests -binary | base64 | tr '+/' '-_'
    let expected = "https://proxy.example/abc.txt?sign=itlWaxFePwt1sIq3_H7W_OEo4Aa8XnLoteqFFNh_toQ=:0";
    assert_eq!((answer.status, answer.header("location")), (302, Some(expected)));
}

#[tokio::test]
async fn a_break_in_the_middle_cuts_the_connection() {
    let gateway =
        Gateway::over(ScriptedDrive::new(Script::Breaks), DownloadPolicy::Proxy, Options::default()).await;
    let mut client = gateway.connect().await;
    let answer = client.ask("GET /file.bin HTTP/1.1").await;
    assert_eq!((answer.status, answer.text(), answer.is_complete), (200, "few", false));
    assert!(client.is_closed().await);
}

#[tokio::test]
async fn a_failure_before_the_first_byte_is_a_status() {
    let script = Script::Fails(DriveErrorKind::Throttled { until: None });
    let gateway = Gateway::over(ScriptedDrive::new(script), DownloadPolicy::Proxy, Options::default()).await;
    let answer = gateway.ask("GET /file.bin HTTP/1.1").await;
    assert_eq!((answer.status, answer.header("retry-after")), (503, Some("10")));
    assert_eq!(answer.text(), "cannot read /file.bin: it fails\n");
}

#[tokio::test]
async fn a_client_that_does_not_read_holds_the_download_back_and_one_that_leaves_ends_it() {
    let (count, dropped) = (Arc::new(AtomicU64::new(0)), Arc::new(Notify::new()));
    let script = Script::Floods(Arc::clone(&count), Arc::clone(&dropped));
    let gateway = Gateway::over(ScriptedDrive::new(script), DownloadPolicy::Proxy, Options::default()).await;
    let mut client = gateway.connect().await;
    client.send("GET /file.bin HTTP/1.1").await;
    assert_eq!(client.receive_head().await.status, 200);
    let mut some = vec![0; 1 << 20];
    client.0.read_exact(&mut some).await.unwrap();
    drop(client);
    dropped.notified().await;
    // What went further than the client read is in the buffers of the two sockets.
    assert!(count.load(Ordering::SeqCst) < 128, "{} MiB were fetched", count.load(Ordering::SeqCst));
}
