//! Sockets: limits, keep-alive, panics, drain.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::Notify;

use super::super::Options;
use super::gateway::{Gateway, Script, ScriptedDrive};
use crate::model::DownloadPolicy;

#[tokio::test]
async fn a_head_of_a_mebibyte_is_refused_and_the_server_lives() {
    let gateway = Gateway::start(Options::default()).await;
    let mut client = gateway.connect().await;
    let head = format!("GET / HTTP/1.1\r\nX-Long: {}\r\n\r\n", "a".repeat(1 << 20));
    // The server may have stopped listening before all of it is out.
    let _ = client.0.get_mut().write_all(head.as_bytes()).await;
    assert_eq!(client.receive_head().await.status, 431);
    assert_eq!(gateway.ask("GET /healthz HTTP/1.1").await.status, 200);
}

#[tokio::test]
async fn too_many_headers_are_refused() {
    let gateway = Gateway::start(Options::default()).await;
    let headers: String = ["\nX-Header: y"; 200].concat();
    let mut client = gateway.connect().await;
    client.send(&format!("GET / HTTP/1.1{headers}")).await;
    assert_eq!(client.receive_head().await.status, 431);
}

#[tokio::test]
async fn a_path_is_as_long_as_it_may_be_and_no_longer() {
    let gateway = Gateway::start(Options::default()).await;
    let answer = gateway.ask(&format!("GET /{} HTTP/1.1", "a".repeat(8191))).await;
    assert_eq!(answer.status, 404);
    let answer = gateway.ask(&format!("GET /{} HTTP/1.1", "a".repeat(8192))).await;
    assert_eq!((answer.status, answer.is_complete), (414, true));
    let answer = gateway.ask(&format!("GET /{} HTTP/1.1", "%E7%94%B5".repeat(2000))).await;
    assert_eq!(answer.status, 404);
}

#[tokio::test]
async fn twenty_thousand_ranges_are_ignored() {
    let gateway = Gateway::start(Options::default()).await;
    let ranges = vec!["0-"; 20_000].join(",");
    let answer = gateway.ask(&format!("GET /abc.txt HTTP/1.1\nRange: bytes={ranges}")).await;
    assert_eq!((answer.status, answer.body.len()), (200, 26));
}

#[tokio::test]
async fn a_panic_is_a_500_and_the_connection_goes_on() {
    let gateway =
        Gateway::over(ScriptedDrive::new(Script::Panics), DownloadPolicy::Proxy, Options::default()).await;
    let mut client = gateway.connect().await;
    let answer = client.ask("GET /file.bin HTTP/1.1").await;
    assert_eq!(answer.status, 500);
    assert!(!answer.text().contains("secret"));
    assert_eq!(client.ask("HEAD /file.bin HTTP/1.1").await.status, 200);
}

#[tokio::test]
async fn many_requests_share_a_connection_whatever_their_answer() {
    let gateway = Gateway::start(Options::default()).await;
    let mut client = gateway.connect().await;
    for (head, body, status) in [
        ("GET /abc.txt HTTP/1.1", "", 200),
        ("GET /nothing HTTP/1.1", "", 404),
        ("HEAD /nothing HTTP/1.1", "", 404),
        ("PROPFIND / HTTP/1.1\nDepth: 1", "<propfind xmlns=\"DAV:\"><allprop/></propfind>", 207),
        ("PUT /new.txt HTTP/1.1", "content", 201),
        ("PUT /no/such/folder.txt HTTP/1.1", "content", 409),
        ("MKCOL /dir HTTP/1.1", "", 405),
        ("GET /a/../b HTTP/1.1", "", 400),
        ("OPTIONS * HTTP/1.1", "", 200),
        ("HEAD / HTTP/1.1", "", 200),
        ("GET /healthz HTTP/1.1", "", 200),
    ] {
        let answer = match body {
            "" => client.ask(head).await,
            body => client.ask_with_body(head, body).await,
        };
        assert_eq!(answer.status, status, "{head}");
    }
}

#[tokio::test]
async fn a_client_that_waits_for_leave_to_send_in_vain_is_refused_at_once() {
    let gateway = Gateway::start(Options::default()).await;
    let mut client = gateway.connect().await;
    let answer =
        client.ask("PUT /no/new.bin HTTP/1.1\nExpect: 100-continue\nContent-Length: 1073741824").await;
    assert_eq!(answer.status, 409);
}

#[tokio::test]
async fn a_client_whose_body_is_left_unread_is_told_that_the_connection_ends() {
    let gateway = Gateway::start(Options::default()).await;
    let mut client = gateway.connect().await;
    let answer = client.ask("PUT /no/new.bin HTTP/1.1\nContent-Length: 1073741824").await;
    assert_eq!((answer.status, answer.header("connection")), (409, Some("close")));
    let mut client = gateway.connect().await;
    let answer = client.ask_with_body("PUT /no/new.bin HTTP/1.1", "short enough to be read").await;
    assert_eq!((answer.status, answer.header("connection")), (409, None));
}

#[tokio::test]
async fn a_body_that_ends_before_its_length_is_no_failure_of_the_server() {
    let gateway = Gateway::start(Options::default()).await;
    let mut client = gateway.connect().await;
    client.send("PUT /new.bin HTTP/1.1\nContent-Length: 1000").await;
    client.0.get_mut().write_all(b"much less").await.unwrap();
    client.0.get_mut().shutdown().await.unwrap();
    assert_eq!(client.receive(false).await.status, 400);
    assert_eq!(gateway.ask("HEAD /new.bin HTTP/1.1").await.status, 404);
}

#[tokio::test]
async fn a_body_too_long_for_a_question_is_refused() {
    let gateway = Gateway::start(Options::default()).await;
    let mut client = gateway.connect().await;
    client.send("PROPFIND / HTTP/1.1\nContent-Length: 65537").await;
    client.0.get_mut().write_all(&vec![b' '; 65_537]).await.unwrap();
    assert_eq!(client.receive(false).await.status, 413);
}

#[tokio::test]
async fn a_head_that_does_not_come_is_not_waited_for() {
    let options = Options { header_timeout: Duration::from_millis(50), ..Options::default() };
    let gateway = Gateway::start(options).await;
    let mut client = gateway.connect().await;
    client.0.get_mut().write_all(b"GET / HT").await.unwrap();
    assert!(client.is_closed().await);
}

#[tokio::test]
async fn connections_beyond_the_limit_wait_for_their_turn() {
    let gateway = Gateway::start(Options { max_connections: 1, ..Options::default() }).await;
    let mut first = gateway.connect().await;
    assert_eq!(first.ask("GET /healthz HTTP/1.1").await.status, 200);
    let mut second = gateway.connect().await;
    second.send("GET /healthz HTTP/1.1").await;
    assert_eq!(first.ask("GET /healthz HTTP/1.1").await.status, 200);
    drop(first);
    assert_eq!(second.receive(false).await.status, 200);
}

#[tokio::test]
async fn a_request_in_progress_ends_before_the_server_does() {
    let go_on = Arc::new(Notify::new());
    let drive = ScriptedDrive::new(Script::Waits(Arc::clone(&go_on)));
    let options = Options { grace: Duration::from_secs(600), ..Options::default() };
    let mut gateway = Gateway::over(drive, DownloadPolicy::Proxy, options).await;
    let mut idle = gateway.connect().await;
    assert_eq!(idle.ask("GET /healthz HTTP/1.1").await.status, 200);
    let mut client = gateway.connect().await;
    client.send("GET /file.bin HTTP/1.1").await;
    assert_eq!(client.receive_head().await.status, 200);
    gateway.stop.cancel();
    assert!(idle.is_closed().await);
    assert!(!gateway.stopped.is_finished());
    assert!(TcpStream::connect(gateway.address).await.is_err());
    go_on.notify_one();
    let mut received = 0;
    let mut buffer = vec![0; 1 << 20];
    while received < ScriptedDrive::SIZE {
        let read = client.0.read(&mut buffer).await.unwrap();
        assert_ne!(read, 0, "cut off after {received} bytes");
        received += read as u64;
    }
    (&mut gateway.stopped).await.unwrap();
}

#[tokio::test]
async fn a_request_that_does_not_end_is_cut_off_after_the_grace_period() {
    let drive = ScriptedDrive::new(Script::Waits(Arc::default()));
    let options = Options { grace: Duration::from_millis(50), ..Options::default() };
    let mut gateway = Gateway::over(drive, DownloadPolicy::Proxy, options).await;
    let mut client = gateway.connect().await;
    client.send("GET /file.bin HTTP/1.1").await;
    assert_eq!(client.receive_head().await.status, 200);
    gateway.stop.cancel();
    (&mut gateway.stopped).await.unwrap();
    let mut few = [0; 3];
    client.0.read_exact(&mut few).await.unwrap();
    assert!(client.is_closed().await);
}
