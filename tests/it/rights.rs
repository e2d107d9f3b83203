//! Who sees what: users, paths, spellings and methods as one matrix.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use dav115::config::{Access, Anonymous, Config, Mode};
use dav115::model::{DownloadPolicy, Secret};
use http::StatusCode;
use sim115::{Content, ROOT, Tree};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::harness::{Answer, Gateway, PASSWORD, USER, path_of, simulator, user};
use crate::multistatus::resources;

const TOKEN: &str = "a token";
const GUEST: Option<(&str, &str)> = Some(("guest", PASSWORD));
const KID: Option<(&str, &str)> = Some(("kid", PASSWORD));
/// A hidden name at 115, part composed and part decomposed.
const MIXED: &str = "caf\u{e9}: e\u{301}t\u{e9}?";
/// A hidden name at 115, all of it composed.
const COMPOSED: &str = "na\u{ef}ve: x?";

fn rules(rules: &[(&str, Mode)]) -> Vec<Access> {
    rules.iter().map(|&(path, mode)| Access { path: path.to_owned(), mode }).collect()
}

fn configure(config: &mut Config) {
    let mut guest = user("guest");
    guest.access = Some(rules(&[
        ("/", Mode::Read),
        ("/caf\u{e9}: \u{e9}t\u{e9}?", Mode::Hide),
        // In another normal form than at 115, and as Windows is shown it.
        ("/nai\u{308}ve： x？", Mode::Hide),
        ("/vault", Mode::Hide),
        ("/vault/open/inner", Mode::Write),
        ("/pub/secret.txt", Mode::Hide),
    ]));
    let mut kid = user("kid");
    "/kids".clone_into(&mut kid.home);
    let mut lost = user("lost");
    "/kids/nowhere".clone_into(&mut lost.home);
    config.users.extend([guest, kid, lost]);
}

async fn gateway(change: impl FnOnce(&mut Config)) -> Gateway {
    let sim = simulator(Tree::Empty).await;
    sim.tree(|tree| {
        let text = |text: &str| Content::Bytes(text.to_owned().into());
        let public = tree.add_folder(ROOT, "pub");
        tree.add_file(public, "open.txt", text("open"));
        tree.add_file(public, "secret.txt", text("secret"));
        let kids = tree.add_folder(ROOT, "kids");
        tree.add_file(kids, "toy.txt", text("toy"));
        for name in [MIXED, COMPOSED] {
            let folder = tree.add_folder(ROOT, name);
            tree.add_file(folder, "menu.txt", text("menu"));
        }
        let vault = tree.add_folder(ROOT, "vault");
        tree.add_file(vault, "gold.txt", text("gold"));
        let open = tree.add_folder(vault, "open");
        tree.add_file(open, "silver.txt", text("silver"));
        let inner = tree.add_folder(open, "inner");
        tree.add_file(inner, "shown.txt", text("shown"));
    });
    Gateway::over(sim, |config| {
        configure(config);
        change(config);
    })
    .await
}

/// All that a client can compare: status, headers and body, without what differs between any two requests.
fn told(answer: &Answer, path: &str) -> (StatusCode, Vec<(String, String)>, String) {
    let headers = answer.headers.iter().filter(|(name, _)| !matches!(name.as_str(), "date" | "x-request-id"));
    let headers = headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()));
    let body = String::from_utf8_lossy(&answer.body).replace(path, "PATH");
    (answer.status, headers.collect(), body)
}

/// Hidden paths in every spelling, each with one of the same length where nothing is, and the decoded form of both.
fn hidden_and_absent() -> Vec<[String; 4]> {
    let mut pairs = Vec::new();
    let mut pair = |hidden: String, absent: String, shown: [&str; 2]| {
        pairs.push([hidden, absent, shown[0].to_owned(), shown[1].to_owned()]);
    };
    for (hidden, absent) in [
        ("/vault/gold.txt", "/vault/xold.txt"),
        ("/vault/gold.txt/x", "/vault/xold.txt/x"),
        ("/vault/open/silver.txt", "/vault/open/xilver.txt"),
        ("/pub/secret.txt", "/pub/xecret.txt"),
    ] {
        pair(hidden.to_owned(), absent.to_owned(), [hidden, absent]);
        let doubled = |path: &str| path.replace('/', "//");
        pair(doubled(hidden), doubled(absent), [hidden, absent]);
        let escaped = |path: &str| path_of(&path.split('/').skip(1).collect::<Vec<_>>());
        pair(escaped(hidden), escaped(absent), [hidden, absent]);
    }
    for name in [
        MIXED,
        "caf\u{e9}: \u{e9}t\u{e9}?",
        "cafe\u{301}: e\u{301}te\u{301}?",
        "caf\u{e9}： e\u{301}t\u{e9}？",
        COMPOSED,
        "nai\u{308}ve: x?",
        "nai\u{308}ve： x？",
        "na\u{ef}ve： x？",
    ] {
        let other = name.replacen(['c', 'n'], "q", 1);
        for below in [&[][..], &["menu.txt"], &["none"]] {
            let path = |name: &str| path_of(&[&[name], below].concat());
            let shown = |name: &str| format!("/{}", [&[name], below].concat().join("/"));
            pair(path(name), path(&other), [&shown(name), &shown(&other)]);
        }
    }
    pairs
}

#[tokio::test]
async fn what_is_hidden_answers_like_what_is_absent_in_every_spelling_and_by_every_method() {
    let gateway = gateway(|_| {}).await;
    // All folders into the cache, so that the calls of two requests can be compared.
    for folder in ["/", "/pub", "/vault", "/vault/open"] {
        gateway.propfind(folder, "1").await;
    }
    for name in [MIXED, COMPOSED] {
        gateway.propfind(&path_of(&[name]), "1").await;
    }
    gateway.take_calls();
    for [hidden, absent, hidden_shown, absent_shown] in hidden_and_absent() {
        let elsewhere = gateway.url("/pub/new.txt");
        let onto_hidden = gateway.url(&hidden);
        for (method, headers) in [
            ("PROPFIND", &[("depth", "0")][..]),
            ("PROPFIND", &[("depth", "1")]),
            ("GET", &[]),
            ("GET", &[("range", "bytes=0-1")]),
            ("GET", &[("if-none-match", "*")]),
            ("HEAD", &[]),
            ("OPTIONS", &[]),
            ("PUT", &[]),
            ("DELETE", &[]),
            ("MKCOL", &[]),
            ("LOCK", &[]),
            ("PROPPATCH", &[]),
            ("COPY", &[("destination", elsewhere.as_str())]),
            ("MOVE", &[("destination", elsewhere.as_str())]),
            ("MOVE", &[("destination", onto_hidden.as_str())]),
        ] {
            let one = gateway.send_as(GUEST, method, &hidden, headers).await;
            gateway.assert_calls(&[]);
            let other = gateway.send_as(GUEST, method, &absent, headers).await;
            gateway.assert_calls(&[]);
            let context = format!("{method} {headers:?} {hidden}");
            assert_eq!(told(&one, &hidden_shown), told(&other, &absent_shown), "{context}");
            if matches!(method, "PROPFIND" | "GET" | "HEAD") {
                assert_eq!(one.status, StatusCode::NOT_FOUND, "{context}");
            }
        }
        let mut copied = Vec::new();
        for (path, shown) in [(&hidden, &hidden_shown), (&absent, &absent_shown)] {
            let destination = gateway.url(path);
            let headers = [("destination", destination.as_str())];
            let answer = gateway.send_as(GUEST, "COPY", "/pub/open.txt", &headers).await;
            assert!(matches!(answer.status.as_u16(), 403 | 409), "{destination}: {}", answer.status);
            copied.push(told(&answer, shown));
        }
        assert_eq!(copied[0], copied[1], "COPY to {hidden}");
        if !hidden.ends_with("/x") && !hidden.ends_with("none") {
            let whole = gateway.send_as(Some((USER, PASSWORD)), "PROPFIND", &hidden, &[("depth", "0")]).await;
            assert_eq!(whole.status, StatusCode::MULTI_STATUS, "{hidden} is there for others");
        }
    }
}

#[tokio::test]
async fn looking_for_what_is_hidden_costs_what_looking_for_nothing_costs() {
    for (method, calls) in [("GET", 2), ("PROPFIND", 2), ("HEAD", 2)] {
        for path in ["/vault/gold.txt", "/vault/xold.txt"] {
            let gateway = gateway(|_| {}).await;
            gateway.send_as(GUEST, method, path, &[]).await;
            assert_eq!(gateway.sim.api_calls(), calls, "{method} {path}");
        }
    }
}

#[tokio::test]
async fn each_user_is_shown_their_part_and_can_read_it() {
    let gateway = gateway(|_| {}).await;
    let whole = Some((USER, PASSWORD));
    for (user, path, expected) in [
        (whole, "/", &["", MIXED, COMPOSED, "kids", "pub", "vault"][..]),
        (whole, "/vault", &["gold.txt", "open", "vault"]),
        (GUEST, "/", &["", "kids", "pub", "vault"]),
        (GUEST, "/pub", &["open.txt", "pub"]),
        (GUEST, "/vault", &["open", "vault"]),
        (GUEST, "/vault/open", &["inner", "open"]),
        (GUEST, "/vault/open/inner", &["inner", "shown.txt"]),
        (KID, "/", &["", "toy.txt"]),
    ] {
        let answer = gateway.send_as(user, "PROPFIND", path, &[("depth", "1")]).await;
        let mut names: Vec<_> =
            resources(answer.text()).iter().map(crate::multistatus::Resource::name).collect();
        names.sort();
        let mut expected = expected.to_vec();
        expected.sort_unstable();
        assert_eq!(names, expected, "{user:?} {path}");
        let page = gateway.send_as(user, "GET", path, &[]).await;
        assert_eq!(page.status, StatusCode::OK, "{user:?} {path}");
        for name in ["gold.txt", "secret.txt", "silver.txt", "menu.txt", "toy.txt", "open.txt", "shown.txt"] {
            assert_eq!(page.text().contains(name), expected.contains(&name), "{user:?} {path} {name}");
        }
    }
    for (user, path, expected) in [
        (whole, "/vault/gold.txt", Some("gold")),
        (GUEST, "/vault/open/inner/shown.txt", Some("shown")),
        (GUEST, "/pub/open.txt", Some("open")),
        (GUEST, "/kids/toy.txt", Some("toy")),
        (KID, "/toy.txt", Some("toy")),
        (KID, "/kids/toy.txt", None),
        (KID, "/pub/open.txt", None),
    ] {
        let answer = gateway.send_as(user, "GET", path, &[]).await;
        let content = (answer.status == StatusCode::OK).then(|| answer.text());
        assert_eq!(content, expected, "{user:?} {path}");
    }
}

#[tokio::test]
async fn addresses_of_a_user_with_a_home_begin_there_and_a_missing_home_is_no_absence() {
    let gateway = gateway(|_| {}).await;
    let listing = gateway.send_as(KID, "PROPFIND", "/", &[("depth", "1")]).await;
    let hrefs: Vec<_> = resources(listing.text()).into_iter().map(|resource| resource.href).collect();
    assert_eq!(hrefs, ["/", "/toy.txt"]);
    let page = gateway.send_as(KID, "GET", "/", &[]).await;
    assert!(page.text().contains("href=\"/toy.txt\"") && !page.text().contains("kids"), "{}", page.text());
    let absent = gateway.send_as(KID, "GET", "/none", &[]).await;
    assert!(absent.status == StatusCode::NOT_FOUND && !absent.text().contains("kids"), "{}", absent.text());
    for path in ["/", "/anything"] {
        let lost = gateway.send_as(Some(("lost", PASSWORD)), "PROPFIND", path, &[("depth", "1")]).await;
        assert_eq!(lost.status, StatusCode::SERVICE_UNAVAILABLE, "{path}");
        assert!(lost.text().contains("home"), "{}", lost.text());
    }
}

#[tokio::test]
async fn a_download_proxy_is_sent_the_path_of_the_tree_and_sees_all_of_it() {
    let gateway = gateway(|config| {
        config.mounts[0].download = DownloadPolicy::ProxyUrl;
        config.download.proxy_url = Some("http://proxy.example".to_owned());
        config.download.proxy_token = Some(Secret::new(TOKEN));
    })
    .await;
    let agent = [("user-agent", crate::harness::AGENT)];
    let location = |answer: &Answer| answer.header("location").map(ToOwned::to_owned);
    let of_kid = http_get(&gateway, "kid", "/toy.txt", &agent).await;
    let of_all = http_get(&gateway, USER, "/kids/toy.txt", &agent).await;
    assert!(location(&of_kid).unwrap().starts_with("http://proxy.example/kids/toy.txt?sign="));
    assert_eq!(location(&of_kid), location(&of_all));
    let hidden = http_get(&gateway, "guest", "/vault/gold.txt", &agent).await;
    assert_eq!((hidden.status, location(&hidden)), (StatusCode::NOT_FOUND, None));
    let mut stream = TcpStream::connect(gateway.address).await.unwrap();
    let body = r#"{"path":"/vault/gold.txt"}"#;
    let head = "POST /api/fs/link HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: ";
    let request = format!("{head}{TOKEN}\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut asked = String::new();
    stream.read_to_string(&mut asked).await.unwrap();
    assert!(asked.contains("\"code\":200"), "{asked}");
}

async fn http_get(gateway: &Gateway, name: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
    gateway.send_as(Some((name, PASSWORD)), "GET", path, headers).await
}

#[tokio::test]
async fn without_a_password_only_named_paths_can_be_read() {
    let gateway = gateway(|config| {
        let access = rules(&[("/pub", Mode::Read), ("/pub/secret.txt", Mode::Hide), ("/kids", Mode::Hide)]);
        config.anonymous = Some(Anonymous { access });
    })
    .await;
    let wrong = Some((USER, "wrong"));
    for (user, method, path, status) in [
        (None, "GET", "/pub/open.txt", 200),
        (None, "GET", "//pub//open.txt", 200),
        (None, "HEAD", "/pub/open.txt", 200),
        (None, "PROPFIND", "/pub", 207),
        (None, "OPTIONS", "/pub", 200),
        (None, "GET", "/pub/secret.txt", 404),
        (None, "GET", "/pub/none.txt", 404),
        (None, "PUT", "/pub/open.txt", 403),
        (None, "PROPFIND", "/", 401),
        (None, "OPTIONS", "/", 401),
        (None, "GET", "/kids/toy.txt", 401),
        (None, "GET", "/pubs", 401),
        (wrong, "GET", "/pub/open.txt", 401),
        (Some((USER, PASSWORD)), "GET", "/pub/secret.txt", 200),
    ] {
        let answer = gateway.send_as(user, method, path, &[]).await;
        assert_eq!(answer.status, status, "{user:?} {method} {path}");
        assert_eq!(answer.header("www-authenticate").is_some(), status == 401, "{method} {path}");
    }
    let bearer = gateway.send_as(None, "GET", "/pub/open.txt", &[("authorization", "Bearer x")]).await;
    assert_eq!(bearer.status, StatusCode::UNAUTHORIZED);
    let listing = gateway.send_as(None, "PROPFIND", "/pub", &[("depth", "1")]).await;
    let names: Vec<_> = resources(listing.text()).iter().map(crate::multistatus::Resource::name).collect();
    assert_eq!(names, ["pub", "open.txt"]);
}

#[tokio::test]
async fn guesses_are_counted_by_the_address_behind_a_trusted_proxy() {
    let gateway = gateway(|config| {
        config.server.trusted_proxies = vec!["127.0.0.1/32".parse().unwrap()];
    })
    .await;
    let guess = async |password: &str, from: &str| {
        gateway.send_as(Some((USER, password)), "GET", "/", &[("x-forwarded-for", from)]).await
    };
    let mut last = None;
    for attempt in 0..40 {
        // What the client made up stands to the left of what the proxy added.
        let from = format!("203.0.113.{attempt}, 198.51.100.1");
        last = Some(guess(&attempt.to_string(), &from).await);
    }
    let last = last.unwrap();
    assert_eq!(last.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(last.retry_after().is_some_and(|seconds| (1..=300).contains(&seconds)));
    assert_eq!(guess("another", "198.51.100.2").await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(guess(PASSWORD, "198.51.100.3").await.status, StatusCode::OK);
}

/// The status and body for a target that clients would tidy up before they send it.
async fn raw(gateway: &Gateway, method: &str, target: &str) -> (String, String) {
    let mut stream = TcpStream::connect(gateway.address).await.unwrap();
    let secret = STANDARD.encode(format!("guest:{PASSWORD}"));
    let head = format!(
        "{method} {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nDepth: 1\r\nAuthorization: Basic {secret}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.lines().next().unwrap().to_owned(), body.to_owned())
}

#[tokio::test]
async fn dots_and_slashes_lead_to_nothing_hidden() {
    let gateway = gateway(|_| {}).await;
    for (form, status) in [
        ("/pub/../vault/NAME", "400"),
        ("/pub/%2e%2e/vault/NAME", "400"),
        ("/./vault/NAME", "404"),
        ("/vault/%2E/NAME", "400"),
        ("/vault%2fNAME", "400"),
        ("/vault\\NAME", "400"),
        ("//vault///NAME", "404"),
        ("/vault/NAME/", "404"),
        ("/vault/NAME?x=/pub/open.txt", "404"),
        ("http://x/vault/NAME", "404"),
    ] {
        for method in ["GET", "HEAD", "PROPFIND", "MOVE"] {
            let hidden = raw(&gateway, method, &form.replace("NAME", "gold.txt")).await;
            let absent = raw(&gateway, method, &form.replace("NAME", "xold.txt")).await;
            assert_eq!(hidden.0, absent.0, "{method} {form}");
            assert_eq!(hidden.1.replace("gold", "xold"), absent.1, "{method} {form}");
            assert!(method == "MOVE" || hidden.0.contains(status), "{method} {form} {}", hidden.0);
        }
    }
}
