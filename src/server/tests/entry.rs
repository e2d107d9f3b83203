//! What a request passes before it reaches the files: passwords, prefix, paths, health, links, the log.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use parking_lot::Mutex;
use tracing_subscriber::fmt::MakeWriter;

use super::super::{DownloadProxy, Options, User, hash_password};
use super::gateway::{Gateway, memory_drive};
use crate::model::{DownloadPolicy, Secret};
use crate::vfs::View;

fn basic(name: &str, password: &str) -> String {
    let shown = base64::engine::general_purpose::STANDARD.encode(format!("{name}:{password}"));
    format!("Authorization: Basic {shown}")
}

fn with_anna(options: Options) -> Options {
    let password_hash = Secret::new(hash_password("geheim").unwrap());
    Options { users: vec![User { name: "anna".to_owned(), password_hash, view: View::whole() }], ..options }
}

fn with_proxy(options: Options) -> Options {
    let download_proxy = Some(DownloadProxy {
        url: "https://proxy.example".to_owned(),
        token: Secret::new("proxy-token"),
        link_life: Duration::ZERO,
    });
    Options { download_proxy, ..options }
}

#[tokio::test]
async fn a_password_is_asked_for_on_a_connection_that_stays_open() {
    let gateway = Gateway::start(with_anna(Options::default())).await;
    let mut client = gateway.connect().await;
    for (head, body) in [
        ("OPTIONS / HTTP/1.1", ""),
        ("PROPFIND / HTTP/1.1\nDepth: 0", "<propfind xmlns=\"DAV:\"><allprop/></propfind>"),
        ("GET /abc.txt HTTP/1.1", ""),
        ("HEAD /abc.txt HTTP/1.1", ""),
        ("GET /nothing HTTP/1.1", ""),
        ("GET /a/../b HTTP/1.1", ""),
        ("GET /abc.txt HTTP/1.1\nAuthorization: Basic wrong", ""),
    ] {
        let answer = match body {
            "" => client.ask(head).await,
            body => client.ask_with_body(head, body).await,
        };
        assert_eq!(answer.status, 401, "{head}");
        assert_eq!(answer.header("www-authenticate"), Some("Basic realm=\"dav115\", charset=\"UTF-8\""));
        assert!(answer.header("content-length").is_some() && answer.header("connection").is_none());
    }
    let answer = client.ask(&format!("GET /abc.txt HTTP/1.1\n{}", basic("anna", "geheim"))).await;
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn bad_logins_are_throttled_and_missing_files_are_not() {
    let gateway = Gateway::start(with_anna(Options::default())).await;
    let mut client = gateway.connect().await;
    let good = basic("anna", "geheim");
    for _ in 0..30 {
        assert_eq!(client.ask("GET /abc.txt HTTP/1.1").await.status, 401);
        assert_eq!(client.ask(&format!("GET /nothing HTTP/1.1\n{good}")).await.status, 404);
    }
    for attempt in 0..5 {
        let bad = basic("anna", &attempt.to_string());
        assert_eq!(client.ask(&format!("GET / HTTP/1.1\n{bad}")).await.status, 401);
    }
    let answer = client.ask(&format!("GET / HTTP/1.1\n{}", basic("anna", "again"))).await;
    assert_eq!(answer.status, 429);
    let pause: u64 = answer.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=300).contains(&pause));
    assert_eq!(client.ask("GET /healthz HTTP/1.1").await.status, 200);
}

#[tokio::test]
async fn without_users_everyone_may_come_in() {
    let gateway = Gateway::start(Options::default()).await;
    assert_eq!(gateway.ask("GET /abc.txt HTTP/1.1").await.status, 200);
}

#[tokio::test]
async fn health_needs_no_password_and_hides_nothing_but_its_two_paths() {
    let options = with_anna(Options { prefix: "/dav".to_owned(), ..Options::default() });
    let gateway = Gateway::start(options).await;
    let answer = gateway.ask("GET /healthz HTTP/1.1").await;
    assert_eq!((answer.status, answer.text()), (200, "ok\n"));
    let answer = gateway.ask("GET /readyz HTTP/1.1").await;
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")));
    assert!(answer.text().contains("\"signed_in\""));
    for head in ["GET /healthz/ HTTP/1.1", "GET /dav/healthz HTTP/1.1", "PROPFIND /healthz HTTP/1.1"] {
        assert_eq!(gateway.ask(head).await.status, 401, "{head}");
    }
}

#[tokio::test]
async fn a_prefix_has_a_boundary_and_folders_above_it() {
    let gateway = Gateway::start(Options { prefix: "/x/dav".to_owned(), ..Options::default() }).await;
    for (head, status) in [
        ("GET /x/dav/abc.txt HTTP/1.1", 200),
        ("GET http://other.example/x/dav/abc.txt?y=z HTTP/1.1", 200),
        ("GET /x/dav HTTP/1.1", 200),
        ("GET /x/dav/ HTTP/1.1", 200),
        ("GET /x/davXYZ/abc.txt HTTP/1.1", 404),
        ("PROPFIND /x/davXYZ HTTP/1.1", 404),
        ("GET /abc.txt HTTP/1.1", 404),
        ("OPTIONS / HTTP/1.1", 200),
        ("OPTIONS /x HTTP/1.1", 200),
        ("OPTIONS * HTTP/1.1", 200),
        ("PROPFIND / HTTP/1.1\nDepth: 0", 207),
        ("DELETE /x HTTP/1.1", 405),
        ("GET / HTTP/1.1", 302),
    ] {
        assert_eq!(gateway.ask(head).await.status, status, "{head}");
    }
    let answer = gateway.ask("PROPFIND /x HTTP/1.1\nDepth: 1").await;
    assert!(
        answer.text().contains("<D:href>/x/</D:href>") && answer.text().contains("<D:href>/x/dav/</D:href>")
    );
    let answer = gateway.ask("PROPFIND / HTTP/1.1\nDepth: 0").await;
    assert!(answer.text().contains("<D:href>/</D:href>") && !answer.text().contains("<D:href>/x/</D:href>"));
    assert_eq!(gateway.ask("GET / HTTP/1.1").await.header("location"), Some("/x/dav/"));
    let answer = gateway.ask("GET /x/dav/dir HTTP/1.1").await;
    assert!(answer.text().contains("href=\"/x/dav/dir/%E7%94%B5%E5%BD%B1%20%231.mkv\""));
    assert!(answer.header("content-security-policy").unwrap().starts_with("default-src 'none'"));
}

#[tokio::test]
async fn tricky_paths_are_refused_with_the_reason() {
    let gateway = Gateway::start(Options::default()).await;
    for (path, reason) in [
        ("/a/../abc.txt", "a segment . or .."),
        ("/a/%2e%2E/abc.txt", "a segment . or .."),
        ("/abc.txt%00", "a control character"),
        ("/a%5Cb", "a backslash"),
        ("/a%2Fb", "an escaped slash"),
        ("/a%zz", "a % that is not followed"),
        ("/%ff%fe", "not UTF-8"),
    ] {
        for method in ["GET", "PROPFIND", "PUT"] {
            let answer = gateway.ask(&format!("{method} {path} HTTP/1.1")).await;
            assert_eq!(answer.status, 400, "{method} {path}");
            assert!(answer.text().contains(reason), "{path}: {}", answer.text());
        }
    }
    let answer = gateway.ask("GET /nothing%20here HTTP/1.1").await;
    assert_eq!(answer.status, 404);
    assert_eq!(answer.text(), "cannot look up /nothing here: there is nothing at this path\n");
    assert_eq!(answer.header("content-type"), Some("text/plain; charset=utf-8"));
}

#[tokio::test]
async fn methods_that_are_not_taken_are_refused_with_the_allowed_ones() {
    let gateway = Gateway::start(Options::default()).await;
    for method in ["PATCH", "POST", "TRACE"] {
        let answer = gateway.ask(&format!("{method} /abc.txt HTTP/1.1")).await;
        assert_eq!((answer.status, answer.header("allow")), (405, Some(crate::dav::ALLOW)), "{method}");
    }
}

#[tokio::test]
async fn a_download_proxy_gets_links_for_its_token() {
    let gateway =
        Gateway::over(memory_drive(), DownloadPolicy::ProxyUrl, with_anna(with_proxy(Options::default())))
            .await;
    let mut client = gateway.connect().await;
    let good = "POST /api/fs/link HTTP/1.1\nAuthorization: proxy-token";
    let bad = "POST /api/fs/link HTTP/1.1\nAuthorization: proxy-tokem";
    for (head, body, code, message) in [
        (good, "{\"path\":\"/abc.txt\"}", 200, "success"),
        (good, "{\"path\":\"/dir/电影 #1.mkv\",\"password\":\"\"}", 200, "success"),
        (good, "{\"path\":\"/nothing\"}", 404, "cannot read /nothing"),
        (good, "{\"path\":\"/dir\"}", 405, "this is a folder"),
        (good, "{\"path\":\"/../x\"}", 400, "a segment . or .."),
        (good, "{\"path\":7}", 400, "must be JSON"),
        (good, "nonsense", 400, "must be JSON"),
        (bad, "{\"path\":\"/abc.txt\"}", 401, "the token is wrong"),
        ("POST /api/fs/link HTTP/1.1", "{\"path\":\"/abc.txt\"}", 401, "the token is wrong"),
    ] {
        let answer = client.ask_with_body(head, body).await;
        assert_eq!(answer.status, 200, "{body}");
        let json: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!(json["code"], code, "{body}");
        assert!(json["message"].as_str().unwrap().contains(message), "{json}");
        assert_eq!(json["data"].is_null(), code != 200);
    }
    let answer = client.ask_with_body(good, "{\"path\":\"/abc.txt\"}").await;
    assert_eq!(
        serde_json::from_slice::<serde_json::Value>(&answer.body).unwrap(),
        serde_json::json!({
            "code": 200,
            "message": "success",
            "data": { "url": "http://memory.invalid/1", "header": {} },
        })
    );
    for _ in 0..10 {
        client.ask_with_body(bad, "{}").await;
    }
    let refused = client.ask_with_body(bad, "{}").await;
    assert_eq!(refused.status, 429);
    assert!(refused.text().contains("wrong tokens") && !refused.text().contains("password"));
    let answer = client.ask_with_body(good, "{\"path\":\"/abc.txt\"}").await;
    assert!(answer.status == 200 && answer.text().contains("\"code\":200"), "{}", answer.text());
}

#[tokio::test]
async fn without_a_download_proxy_links_are_not_told() {
    let gateway = Gateway::start(Options::default()).await;
    let mut client = gateway.connect().await;
    let answer = client.ask_with_body("POST /api/fs/link HTTP/1.1\nAuthorization: ", "{}").await;
    assert_eq!(answer.status, 404);
}

#[derive(Clone, Default)]
struct Captured(Arc<Mutex<Vec<u8>>>);

impl io::Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Captured {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn the_log_tells_what_happened_and_no_secret() {
    let captured = Captured::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(captured.clone())
        .with_ansi(false)
        .finish();
    // With a single subscriber in the process, tracing lets whichever test comes first by a line decide whether it is
    // written at all, and the others have no subscriber.
    let _second = tracing::Dispatch::new(tracing_subscriber::registry());
    let _guard = tracing::subscriber::set_default(subscriber);
    let gateway =
        Gateway::over(memory_drive(), DownloadPolicy::Redirect, with_anna(with_proxy(Options::default())))
            .await;
    let mut client = gateway.connect().await;
    let good = basic("anna", "geheim");
    client.ask(&format!("GET /abc.txt?token=in-the-query HTTP/1.1\nUser-Agent: curl/8\n{good}")).await;
    client.ask(&format!("GET /abc.txt HTTP/1.1\nUser-Agent: davfs2/1\n{good}")).await;
    client.ask(&format!("GET /a%0Ab HTTP/1.1\n{}", basic("anna", "guessed"))).await;
    client.ask(&format!("GET /a%1B[31m HTTP/1.1\n{good}")).await;
    let head = "POST /api/fs/link HTTP/1.1\nAuthorization: proxy-token";
    client.ask_with_body(head, "{\"path\":\"/abc.txt\"}").await;
    client.ask_with_body("POST /api/fs/link HTTP/1.1\nAuthorization: wrong-token", "{}").await;
    drop(client);
    let log = String::from_utf8(captured.0.lock().clone()).unwrap();
    for secret in [
        "geheim",
        "guessed",
        "proxy-token",
        "wrong-token",
        "memory.invalid",
        "argon2id",
        "in-the-query",
        "Basic ",
    ] {
        assert!(!log.contains(secret), "{secret} is in the log:\n{log}");
    }
    assert!(!log.contains(&good["Authorization: Basic ".len()..]), "{log}");
    assert!(!log.contains(['\u{1b}', '\u{7f}']), "{log}");
    for told in [
        "user=\"anna\"",
        "plan=\"redirect\"",
        "plan=\"proxy\"",
        "path=\"/abc.txt\"",
        "status=302",
        "calls=2",
        "status=401",
        "source=\"client\"",
        "bytes=26",
        "status=400",
    ] {
        assert!(log.contains(told), "{told} is not in the log:\n{log}");
    }
    let lines = log.lines().filter(|line| line.contains("elapsed_ms")).count();
    assert_eq!(lines, 6, "{log}");
}
