//! Another configuration while the gateway runs: it holds from the next request on, and nobody is cut off.

use dav115::config::{Account, Config, Credential};
use dav115::model::DownloadPolicy::{Proxy, Redirect};
use dav115::model::{FileId, Secret};
use http::{Method, StatusCode};
use sim115::{Content, Fault, FaultRule, ROOT, Tree};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::harness::{Gateway, configuration, simulator};

const FILM_BYTES: u64 = 3_000_000;

/// A gateway over a folder with a film and a folder with a note, and its configuration.
async fn gateway() -> (Gateway, Config, Content, FileId) {
    let sim = simulator(Tree::Empty).await;
    let content = Content::Rule { seed: 3, size: FILM_BYTES };
    let notes = sim.tree(|tree| {
        tree.add_file(ROOT, "film.mkv", content.clone());
        let notes = tree.add_folder(ROOT, "notes");
        tree.add_file(notes, "note.txt", Content::Bytes(b"note".to_vec().into()));
        notes
    });
    let mut config = configuration(&sim);
    "/all".clone_into(&mut config.mounts[0].path);
    config.mounts[0].download = Proxy;
    let gateway = Gateway::launch(sim, &config).await;
    gateway.wait_for_first_look().await;
    gateway.sim.clear_ledger();
    (gateway, config, content, FileId(notes))
}

#[tokio::test]
async fn a_mount_comes_and_a_download_under_way_goes_on() {
    let (gateway, mut config, content, notes) = gateway().await;
    gateway.sim.behave(|behaviours| behaviours.cdn_bytes_per_sec = 3_000_000);
    let mut response = gateway.open(Method::GET, "/all/film.mkv", &[], "").await;
    let mut body = response.chunk().await.unwrap().unwrap().to_vec();

    config.mounts.push(config.mounts[0].clone());
    "/notes".clone_into(&mut config.mounts[1].path);
    config.mounts[1].root = notes;
    config.mounts[0].download = Redirect;
    assert!(gateway.app.reload(&config).unwrap().is_empty());
    assert!(gateway.propfind("/", "1").await.text().contains("/notes/"));
    assert_eq!(gateway.get("/notes/note.txt", &[]).await.body, b"note");
    assert_eq!(gateway.get("/all/film.mkv", &[]).await.status, StatusCode::FOUND);

    while let Some(chunk) = response.chunk().await.unwrap() {
        body.extend_from_slice(&chunk);
    }
    assert!(body == content.read(0..FILM_BYTES));
}

#[tokio::test]
async fn an_open_connection_is_kept_and_answered_by_what_holds_now() {
    let (gateway, mut config, ..) = gateway().await;
    let mut client = TcpStream::connect(gateway.address).await.unwrap();
    let mut ask = async || {
        let request =
            "OPTIONS /dav/ HTTP/1.1\r\nHost: x\r\nAuthorization: Basic dGVzdGVyOnNlY3JldA==\r\n\r\n";
        client.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\n") {
            answer.push(client.read_u8().await.unwrap());
        }
        String::from_utf8(answer).unwrap()
    };
    assert!(ask().await.contains("200 OK"));
    "another".clone_into(&mut config.users[0].name);
    gateway.app.reload(&config).unwrap();
    assert!(ask().await.starts_with("HTTP/1.1 401"));
}

#[tokio::test]
async fn what_was_listed_is_remembered_unless_the_account_is_another() {
    let (gateway, mut config, ..) = gateway().await;
    assert_eq!(gateway.propfind("/all", "1").await.status, StatusCode::MULTI_STATUS);
    gateway.assert_calls(&[("files", 1)]);
    "/moved".clone_into(&mut config.mounts[0].path);
    gateway.app.reload(&config).unwrap();
    assert_eq!(gateway.propfind("/moved", "1").await.status, StatusCode::MULTI_STATUS);
    gateway.assert_calls(&[]);

    let cookie = Secret::new(gateway.sim.cookie().replace("SEID=", "KID=1; SEID="));
    config.accounts[0] = Account { credential: Credential::Cookie(cookie), ..config.accounts[0].clone() };
    gateway.app.reload(&config).unwrap();
    gateway.wait_for_first_look().await;
    gateway.sim.clear_ledger();
    assert_eq!(gateway.propfind("/moved", "1").await.status, StatusCode::MULTI_STATUS);
    gateway.assert_calls(&[("files", 1)]);
}

#[tokio::test]
async fn an_account_that_115_signed_out_is_asked_once_more() {
    let (gateway, config, ..) = gateway().await;
    let captcha = Fault::Json { errno: 911, message: "请验证账号".to_owned() };
    gateway.sim.fault(FaultRule::nth("files", 1, captcha));
    for _ in 0..2 {
        assert_eq!(gateway.propfind("/all", "1").await.status, StatusCode::SERVICE_UNAVAILABLE);
    }
    gateway.assert_calls(&[("files", 1)]);
    // Its owner has solved the captcha.
    gateway.app.reload(&config).unwrap();
    assert_eq!(gateway.propfind("/all", "1").await.status, StatusCode::MULTI_STATUS);
}

#[tokio::test]
async fn what_cannot_be_is_refused_and_changes_nothing() {
    let (gateway, config, ..) = gateway().await;
    let mut bad = config.clone();
    "/elsewhere".clone_into(&mut bad.mounts[0].path);
    bad.accounts[0].credential = Credential::Cookie(Secret::new("no cookie"));
    let error = gateway.app.reload(&bad).unwrap_err();
    assert!(format!("{error:#}").contains("the cookie of the account \"main\""), "{error:#}");
    assert_eq!(gateway.propfind("/all", "1").await.status, StatusCode::MULTI_STATUS);
}

#[tokio::test]
async fn what_only_a_new_start_can_change_is_told() {
    let (gateway, config, ..) = gateway().await;
    let mut other = config.clone();
    other.server.listen = "0.0.0.0:1".parse().unwrap();
    other.server.max_connections = 7;
    "debug".clone_into(&mut other.log.level);
    // The address in use is a loopback one, so having no users stays allowed.
    other.users.clear();
    let kept = gateway.app.reload(&other).unwrap();
    assert_eq!(kept, ["server.listen", "server.max_connections", "log"]);
    let without_password = gateway.follow(&gateway.url("/all/"), "curl/8", &[]).await;
    assert_eq!(without_password.status, StatusCode::OK);
}
