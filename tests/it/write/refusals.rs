//! Who may write where: users, paths, spellings and methods as one matrix. What is refused changes nothing and costs nothing.

use dav115::config::{Access, Config, Mode, Mount};
use http::StatusCode;
use sim115::{Content, Sim};

use super::truth;
use crate::harness::{Answer, Gateway, PASSWORD, USER, user};

const GUEST: (&str, &str) = ("guest", PASSWORD);
const KID: (&str, &str) = ("kid", PASSWORD);

fn configure(config: &mut Config) {
    let mut guest = user("guest");
    let rules = [
        ("/", Mode::Read),
        ("/cloud/dir", Mode::Write),
        ("/cloud/dir/frozen", Mode::Read),
        ("/cloud/dir/box/frozen.txt", Mode::Read),
        ("/cloud/dir/veiled/hidden.txt", Mode::Hide),
    ];
    guest.access =
        Some(rules.map(|(path, mode)| Access { path: path.to_owned(), mode }).into_iter().collect());
    let mut kid = user("kid");
    "/cloud/other".clone_into(&mut kid.home);
    config.users.extend([guest, kid]);
    let fixed = Mount { read_only: true, ..Mount::of_account("/fixed", "main") };
    config.mounts = vec![Mount::of_account("/cloud", "main"), fixed];
}

async fn sim() -> Sim {
    let sim = super::sim().await;
    sim.tree(|tree| {
        let text = |text: &str| Content::Bytes(text.to_owned().into());
        let dir = tree.find(&["dir"]).unwrap();
        for (folder, file) in [("frozen", "f.txt"), ("box", "frozen.txt"), ("veiled", "hidden.txt")] {
            let folder = tree.add_folder(dir, folder);
            tree.add_file(folder, file, text(file));
        }
    });
    sim
}

async fn gateway() -> Gateway {
    let gateway = Gateway::over(sim().await, configure).await;
    for path in
        ["/cloud", "/cloud/dir", "/cloud/other", "/cloud/dir/sub", "/cloud/dir/box", "/cloud/dir/veiled"]
    {
        assert_eq!(gateway.propfind(path, "1").await.status, 207);
    }
    gateway.propfind("/cloud/dir/frozen", "1").await;
    gateway.take_calls();
    gateway
}

async fn as_user(gateway: &Gateway, user: (&str, &str), method: &str, path: &str, to: &str) -> Answer {
    let headers = [("destination", to), ("depth", "infinity"), ("user-agent", "rclone/v1.60.1")];
    let headers = if to.is_empty() { &headers[1..] } else { &headers[..] };
    gateway.send_as(Some(user), method, path, headers).await
}

#[tokio::test]
async fn what_a_user_may_not_change_is_refused_by_every_method() {
    let gateway = gateway().await;
    let before = truth(&gateway);
    let own = (USER, PASSWORD);
    let cases = [
        // Of somebody who may only read there.
        (GUEST, "/cloud/a.txt", 403),
        (GUEST, "/cloud/other/a.txt", 403),
        (GUEST, "/cloud/dir/frozen", 403),
        (GUEST, "/cloud/dir/frozen/f.txt", 403),
        (GUEST, "/cloud/dir/box/frozen.txt", 403),
        (GUEST, "/cloud/%64ir/%66rozen/f.txt", 403),
        // A read-only mount, the tops of mounts, and what the configuration makes.
        (own, "/fixed/a.txt", 403),
        (own, "/fixed/dir", 403),
        (own, "/fixed", 403),
        (own, "/cloud", 403),
        (own, "/", 403),
        // The top of a home.
        (KID, "/", 403),
    ];
    for (user, path, status) in cases {
        for method in ["PUT", "DELETE", "MOVE", "MKCOL", "LOCK"] {
            let to = if method == "MOVE" { gateway.url("/cloud/dir/taken") } else { String::new() };
            let answer = as_user(&gateway, user, method, path, &to).await;
            // Where something is, no folder can be made; and the method itself may not fit what is there.
            let also = matches!(method, "MKCOL" | "PUT" | "LOCK") && answer.status == 405;
            let is_top_moved = user == KID && method == "MOVE" && answer.status == 409;
            let is_lock = method == "LOCK" && answer.status.is_client_error();
            assert!(
                answer.status.as_u16() == status || also || is_top_moved || is_lock,
                "{method} {path} by {}: {} {}",
                user.0,
                answer.status,
                answer.text()
            );
        }
    }
    for (user, path) in
        [(GUEST, "/cloud/new"), (GUEST, "/cloud/dir/frozen/new"), (own, "/fixed/new"), (own, "/new")]
    {
        for method in ["PUT", "MKCOL"] {
            let answer = as_user(&gateway, user, method, path, "").await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{method} {path}: {}", answer.text());
        }
    }
    assert_eq!(truth(&gateway), before);
    assert_eq!(gateway.sim.ledger().iter().filter(|entry| entry.method == "POST").count(), 0);
}

#[tokio::test]
async fn a_destination_leads_nowhere_that_the_user_may_not_write() {
    let gateway = gateway().await;
    let before = truth(&gateway);
    let url = |path: &str| gateway.url(path);
    let cases = [
        (url("/cloud/a.txt"), 403),
        (url("/cloud/new.txt"), 403),
        (url("/cloud/%6eew.txt"), 403),
        (url("/cloud/dir/frozen/c.txt"), 403),
        (url("/cloud/dir/%66rozen/c.txt"), 403),
        (url("/cloud/dir//frozen/c.txt"), 403),
        (url("/cloud/dir/frozen"), 403),
        (url("/cloud/dir/box"), 403),
        (url("/cloud/dir/box/frozen.txt"), 403),
        (url("/cloud/dir/veiled/hidden.txt"), 403),
        (url("/cloud/dir/veiled/%68idden.txt"), 403),
        (url("/cloud/dir/veiled"), 403),
        (url("/fixed/c.txt"), 403),
        (url("/cloud"), 403),
        (url("/new"), 403),
        (url("/"), 403),
        (url("/cloud/dir/../new.txt"), 400),
        (url("/cloud/dir/%2e%2e/new.txt"), 400),
        (url("/cloud/dir%2ffrozen/c.txt"), 400),
        (url("/cloud/dir\\frozen\\c.txt"), 400),
        (url("/cloud/dir/c2.txt?x"), 400),
        (url("/cloud/none/c.txt"), 409),
        ("http://other.example/cloud/dir/c2.txt".to_owned(), 502),
        ("//other.example/cloud/dir/c2.txt".to_owned(), 400),
        ("ftp://other.example/cloud/dir/c2.txt".to_owned(), 400),
        ("cloud/dir/c2.txt".to_owned(), 400),
        ("*".to_owned(), 400),
    ];
    for (to, status) in cases {
        for method in ["MOVE", "COPY"] {
            let answer = as_user(&gateway, GUEST, method, "/cloud/dir/c.txt", &to).await;
            assert_eq!(answer.status.as_u16(), status, "{method} to {to}: {}", answer.text());
        }
    }
    // Another's home is no part of the tree of somebody who has one.
    for (to, status) in [("/cloud/dir/a.txt", 409), ("/dir/a.txt", 409), ("/../dir/a.txt", 400)] {
        let answer = as_user(&gateway, KID, "MOVE", "/a.txt", &gateway.url(to)).await;
        assert_eq!(answer.status.as_u16(), status, "{to}: {}", answer.text());
    }
    assert_eq!(truth(&gateway), before);
}

#[tokio::test]
async fn a_folder_is_only_taken_whole() {
    let gateway = gateway().await;
    let before = truth(&gateway);
    for (method, path, to) in [
        ("DELETE", "/cloud/dir/box", ""),
        ("MOVE", "/cloud/dir/box", "/cloud/dir/box2"),
        ("DELETE", "/cloud/dir", ""),
        ("MOVE", "/cloud/dir", "/cloud/dir2"),
        ("COPY", "/cloud/dir/veiled", "/cloud/dir/veiled2"),
        ("COPY", "/cloud/dir", "/cloud/dir/sub/dir"),
        ("MOVE", "/cloud/dir/veiled", "/cloud/dir/veiled2"),
        ("DELETE", "/cloud/dir/veiled", ""),
        ("MOVE", "/cloud/dir/sub", "/cloud/dir/box"),
    ] {
        let to = if to.is_empty() { String::new() } else { gateway.url(to) };
        let answer = as_user(&gateway, GUEST, method, path, &to).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{method} {path}: {}", answer.text());
        assert!(!answer.text().contains("hidden"), "{}", answer.text());
    }
    assert_eq!(truth(&gateway), before);
    // What is in it and free can be taken, and what holds nothing else as a whole.
    for (method, path, to, status) in [
        ("COPY", "/cloud/dir/box", "/cloud/dir/box2", 201),
        ("MOVE", "/cloud/dir/sub", "/cloud/dir/box2/sub", 201),
        ("DELETE", "/cloud/dir/box2/sub", "", 204),
        ("MOVE", "/cloud/dir/c.txt", "/cloud/dir/veiled/c.txt", 201),
    ] {
        let to = if to.is_empty() { String::new() } else { gateway.url(to) };
        let answer = as_user(&gateway, GUEST, method, path, &to).await;
        assert_eq!(answer.status.as_u16(), status, "{method} {path}: {}", answer.text());
    }
}

#[tokio::test]
async fn with_a_prefix_a_destination_must_be_below_it() {
    let gateway =
        Gateway::over(super::sim().await, |config| "/dav".clone_into(&mut config.server.prefix)).await;
    let before = truth(&gateway);
    for (to, status) in [("/dir/x.txt", 502), ("/davenport/x.txt", 502), ("/dav", 403), ("/dav/", 403)] {
        let to = gateway.url(to);
        let answer = as_user(&gateway, (USER, PASSWORD), "MOVE", "/dav/a.txt", &to).await;
        assert_eq!(answer.status.as_u16(), status, "{to}: {}", answer.text());
    }
    assert_eq!(truth(&gateway), before);
    let to = gateway.url("/dav/dir/x.txt");
    assert_eq!(as_user(&gateway, (USER, PASSWORD), "MOVE", "/dav/a.txt", &to).await.status, 201);
}
