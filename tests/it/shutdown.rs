//! The sign to stop: what runs may end, nothing new begins, and the end comes.

use std::time::Duration;

use dav115::model::DownloadPolicy::Proxy;
use http::{Method, StatusCode};
use sim115::{Content, ROOT, Tree};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::harness::{Gateway, eventually, simulator};

const FILM_BYTES: u64 = 3_000_000;

async fn streaming(grace: Duration) -> (Gateway, Content) {
    let sim = simulator(Tree::Empty).await;
    let content = Content::Rule { seed: 3, size: FILM_BYTES };
    sim.tree(|tree| tree.add_file(ROOT, "film.mkv", content.clone()));
    let gateway = Gateway::over(sim, |config| {
        config.mounts[0].download = Proxy;
        config.server.shutdown_grace = grace;
    })
    .await;
    (gateway, content)
}

async fn refuses_connections(gateway: &Gateway) {
    let address = gateway.address;
    eventually("connections are refused", || async { TcpStream::connect(address).await.is_err() }).await;
}

#[tokio::test]
async fn a_running_download_may_end_and_nothing_new_begins() {
    let (mut gateway, content) = streaming(Duration::from_secs(60)).await;
    gateway.sim.behave(|behaviours| behaviours.cdn_bytes_per_sec = 3_000_000);
    let mut response = gateway.open(Method::GET, "/film.mkv", &[], "").await;
    let mut body = response.chunk().await.unwrap().unwrap().to_vec();
    gateway.sign_to_stop();
    refuses_connections(&gateway).await;
    assert!(gateway.sim.open_bodies() == 1);
    while let Some(chunk) = response.chunk().await.unwrap() {
        body.extend_from_slice(&chunk);
    }
    assert!(body == content.read(0..FILM_BYTES));
    gateway.wait_for_end().await;
}

#[tokio::test]
async fn a_listing_under_way_is_answered() {
    let (mut gateway, _) = streaming(Duration::from_secs(60)).await;
    gateway.sim.behave(|behaviours| behaviours.latency_ms.insert("files".to_owned(), 500));
    let mut client = TcpStream::connect(gateway.address).await.unwrap();
    let request =
        "PROPFIND / HTTP/1.1\r\nHost: x\r\nDepth: 1\r\nAuthorization: Basic dGVzdGVyOnNlY3JldA==\r\n\r\n";
    client.write_all(request.as_bytes()).await.unwrap();
    eventually("115 is asked", || async { gateway.sim.calls("files") == 1 }).await;
    gateway.sign_to_stop();
    refuses_connections(&gateway).await;
    let mut answer = String::new();
    client.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 207 ") && answer.ends_with("</D:multistatus>"), "{answer}");
    gateway.wait_for_end().await;
}

#[tokio::test]
async fn an_empty_file_that_waits_to_be_filled_is_made_before_the_end() {
    let mut gateway = Gateway::start(Tree::Empty, Proxy).await;
    let put = Method::PUT;
    assert_eq!(gateway.send(put, "/empty.txt", &[], "").await.status, StatusCode::CREATED);
    assert_eq!(gateway.sim.calls("initupload"), 0);
    gateway.stop().await;
    assert!(gateway.sim.tree(|tree| tree.find(&["empty.txt"]).is_some()));
}

#[tokio::test]
async fn a_download_that_does_not_end_in_time_is_cut() {
    let (mut gateway, content) = streaming(Duration::from_millis(200)).await;
    gateway.sim.behave(|behaviours| behaviours.cdn_bytes_per_sec = 100_000);
    let mut response = gateway.open(Method::GET, "/film.mkv", &[], "").await;
    let mut body = response.chunk().await.unwrap().unwrap().to_vec();
    tokio::time::timeout(Duration::from_secs(20), gateway.stop()).await.unwrap();
    let broke = loop {
        match response.chunk().await {
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            Ok(None) => break false,
            Err(_) => break true,
        }
    };
    let came = u64::try_from(body.len()).unwrap();
    assert!(broke && came < FILM_BYTES && body == content.read(0..came));
    eventually("the body at 115 is closed", || async { gateway.sim.open_bodies() == 0 }).await;
}

#[tokio::test]
async fn connections_without_a_request_do_not_hold_up_the_end() {
    let (mut gateway, _) = streaming(Duration::from_secs(600)).await;
    let mut silent = TcpStream::connect(gateway.address).await.unwrap();
    let mut used = TcpStream::connect(gateway.address).await.unwrap();
    used.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let mut answer = [0; 12];
    used.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 200");
    assert_eq!(gateway.get("/healthz", &[]).await.status, StatusCode::OK);
    tokio::time::timeout(Duration::from_secs(20), gateway.stop()).await.unwrap();
    assert_eq!(silent.read(&mut answer).await.unwrap(), 0);
}
