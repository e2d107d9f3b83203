//! What Finder, gvfs, Cyberduck, WinSCP, RaiDrive and rclone send to store a file, step by step.

use futures_util::stream;
use http::StatusCode;

use super::{changed, content, put, send, shown, truth};
use crate::harness::{Answer, Gateway, PASSWORD, USER};

const FINDER: (&str, &str) = ("user-agent", "WebDAVFS/3.0.0 (03008000) Darwin/23.1.0 (arm64)");
const LOCK: &str = r#"<?xml version="1.0" encoding="utf-8"?><D:lockinfo xmlns:D="DAV:"><D:lockscope><D:exclusive/></D:lockscope><D:locktype><D:write/></D:locktype><D:owner><D:href>http://www.apple.com/webdav_fs/</D:href></D:owner></D:lockinfo>"#;
const QUOTA: &str = r#"<?xml version="1.0" encoding="utf-8"?><D:propfind xmlns:D="DAV:"><D:prop><D:quota-available-bytes/><D:quota-used-bytes/></D:prop></D:propfind>"#;

#[track_caller]
fn check(answer: &Answer, status: u16) {
    assert_eq!(answer.status.as_u16(), status, "{}", String::from_utf8_lossy(&answer.body));
}

/// A PUT of a body whose length is not stated, as Finder sends it.
pub(super) async fn put_chunked(
    gateway: &Gateway,
    path: &str,
    headers: &[(&str, &str)],
    chunks: Vec<&'static str>,
) -> StatusCode {
    let chunks = stream::iter(chunks.into_iter().map(Ok::<_, std::io::Error>));
    let mut request = gateway
        .client()
        .put(gateway.url(path))
        .basic_auth(USER, Some(PASSWORD))
        .body(reqwest::Body::wrap_stream(chunks));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.send().await.unwrap().status()
}

#[tokio::test]
async fn finder_stores_a_file() {
    let gateway = super::gateway(|_| {}).await;
    let shy = gateway.send_as(None, "OPTIONS", "/", &[("user-agent", "WebDAVLib/1.3")]).await;
    check(&shy, 401);
    assert!(shy.header("www-authenticate").is_some_and(|challenge| challenge.starts_with("Basic")));
    let options = send(&gateway, "OPTIONS", "/", &[FINDER], "").await;
    assert!(options.header("dav").is_some_and(|classes| classes.contains('2')), "else it mounts read-only");
    let quota = send(&gateway, "PROPFIND", "/", &[FINDER, ("depth", "0")], QUOTA).await;
    // This one hangs if it is told, so it is not, and that costs nothing.
    check(&quota, 207);
    assert!(quota.text().contains("404 Not Found"), "{}", quota.text());
    gateway.assert_calls(&[]);

    // It decomposes names.
    let (path, fork) = ("/dir/cafe%CC%81.txt", "/dir/._cafe%CC%81.txt");
    check(&send(&gateway, "PROPFIND", path, &[FINDER, ("depth", "0")], "").await, 404);
    check(&send(&gateway, "PUT", path, &[FINDER], "").await, 201);
    let locked =
        send(&gateway, "LOCK", path, &[FINDER, ("timeout", "Second-600"), ("depth", "0")], LOCK).await;
    check(&locked, 200);
    let token = locked.header("lock-token").unwrap().to_owned();
    let under = format!("({token})");
    check(&send(&gateway, "PUT", fork, &[FINDER], "").await, 201);
    let forked =
        put_chunked(&gateway, fork, &[FINDER, ("x-expected-entity-length", "4")], vec!["fo", "rk"]).await;
    assert_eq!(forked, StatusCode::NO_CONTENT);
    assert_eq!(content(&gateway, fork).await, "fork");
    gateway.assert_calls(&[]);
    let headers = [FINDER, ("if", under.as_str()), ("x-expected-entity-length", "11")];
    let stored = put_chunked(&gateway, path, &headers, vec!["eleven", " byte", ""]).await;
    assert_eq!(stored, StatusCode::NO_CONTENT);
    gateway.take_calls();
    check(&send(&gateway, "UNLOCK", path, &[FINDER, ("lock-token", &token)], "").await, 204);
    let listed = send(&gateway, "PROPFIND", "/dir", &[FINDER, ("depth", "1")], "").await;
    assert!(listed.text().contains("<D:getcontentlength>11<"), "{}", listed.text());
    gateway.assert_calls(&[]);
    let stands = truth(&gateway);
    assert_eq!(stands.len(), changed(&[], &[""]).len(), "no fork: {stands:?}");
    // Whoever composes the name finds the same file.
    assert_eq!(content(&gateway, "/dir/caf%C3%A9.txt").await, "eleven byte");
    assert_eq!(content(&gateway, path).await, "eleven byte");
}

#[tokio::test]
async fn a_chunked_body_that_is_not_as_long_as_expected_stores_nothing() {
    let gateway = super::gateway(|_| {}).await;
    for (length, chunks) in [("12", vec!["eleven", " byte"]), ("10", vec!["eleven", " byte"])] {
        let headers = [FINDER, ("x-expected-entity-length", length)];
        let stored = put_chunked(&gateway, "/dir/new.txt", &headers, chunks).await;
        assert_eq!(stored, StatusCode::BAD_REQUEST, "{length}");
    }
    assert_eq!(
        put_chunked(&gateway, "/dir/free.txt", &[FINDER], vec!["any", " length"]).await,
        StatusCode::CREATED
    );
    assert_eq!(truth(&gateway), changed(&[], &["/dir/free.txt = any length"]));
}

#[tokio::test]
async fn finder_removes_a_file_with_its_fork() {
    let gateway = super::gateway(|_| {}).await;
    check(&send(&gateway, "PUT", "/dir/._c.txt", &[FINDER], "fork").await, 201);
    check(&send(&gateway, "DELETE", "/dir/._c.txt", &[FINDER], "").await, 204);
    check(&send(&gateway, "DELETE", "/dir/c.txt", &[FINDER], "").await, 204);
    gateway.assert_calls(&[("rb_delete", 1)]);
    assert_eq!(truth(&gateway), changed(&["/dir/c.txt"], &[]));
}

#[tokio::test]
async fn what_was_kept_as_junk_is_stored_under_a_name_that_is_none() {
    for method in ["MOVE", "COPY"] {
        let gateway = super::gateway(|_| {}).await;
        check(&put(&gateway, "/dir/._c.txt", "content").await, 201);
        gateway.assert_calls(&[]);
        check(&super::transfer(&gateway, method, "/dir/._c.txt", "/dir/real.txt").await, 201);
        assert_eq!(truth(&gateway), changed(&[], &["/dir/real.txt = content"]), "{method}");
        // And takes the place of what is there.
        check(&put(&gateway, "/dir/._x.txt", "other").await, 201);
        check(&super::transfer(&gateway, method, "/dir/._x.txt", "/a.txt").await, 204);
        assert_eq!(truth(&gateway)[0], "/a.txt = other", "{method}");
        assert_eq!(content(&gateway, "/a.txt").await, "other", "{method}");
    }
}

#[tokio::test]
async fn an_empty_file_that_is_copied_is_stored_like_any_other() {
    let mut gateway = super::gateway(|_| {}).await;
    check(&put(&gateway, "/dir/empty.txt", "").await, 201);
    check(&super::transfer(&gateway, "COPY", "/dir/empty.txt", "/dir/copy.txt").await, 201);
    check(&super::transfer(&gateway, "COPY", "/dir/empty.txt", "/b.txt").await, 204);
    assert_eq!(content(&gateway, "/b.txt").await, "");
    assert_eq!(shown(&gateway).await.len(), 10);
    gateway.stop().await;
    let expected = changed(&["/b.txt"], &["/b.txt = ", "/dir/copy.txt = ", "/dir/empty.txt = "]);
    assert_eq!(truth(&gateway), expected);
}

#[tokio::test]
async fn clients_without_locks_store_a_file() {
    const ALLPROP: &str =
        r#"<?xml version="1.0" encoding="utf-8"?><propfind xmlns="DAV:"><allprop/></propfind>"#;
    let gateway = super::gateway(|_| {}).await;
    // gvfs looks for the name without a slash behind folders, and stores nothing but the file.
    let gvfs = [("user-agent", "gvfs/1.50.3"), ("apply-to-redirect-ref", "T")];
    check(&send(&gateway, "PROPFIND", "/dir", &[gvfs[0], gvfs[1], ("depth", "0")], ALLPROP).await, 207);
    check(&send(&gateway, "PROPFIND", "/dir/g.txt", &[gvfs[0], gvfs[1], ("depth", "0")], ALLPROP).await, 404);
    check(&send(&gateway, "PUT", "/dir/g.txt", &gvfs, "by gvfs").await, 201);
    // Cyberduck sets properties of its own afterwards.
    let duck = ("user-agent", "Cyberduck/9.1.0 (Mac OS X/14.5) (aarch64)");
    check(
        &send(&gateway, "PUT", "/dir/d.txt", &[duck, ("expect", "100-continue")], "by Cyberduck").await,
        201,
    );
    let patch = r#"<?xml version="1.0" encoding="utf-8"?><D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><S:lastmodified xmlns:S="SAR:">2026-11-24T06:50:02Z</S:lastmodified></D:prop></D:set></D:propertyupdate>"#;
    let patched = send(&gateway, "PROPPATCH", "/dir/d.txt", &[duck], patch).await;
    check(&patched, 207);
    assert!(patched.text().contains("200 OK"), "{}", patched.text());
    let kept = send(&gateway, "PROPFIND", "/dir/d.txt", &[duck, ("depth", "0")], ALLPROP).await;
    assert!(kept.text().contains(">2026-11-24T06:50:02Z<"), "{}", kept.text());
    // WinSCP asks for all properties in a body, and escapes what it need not.
    let winscp = ("user-agent", "WinSCP/6.3.3 neon/0.32.5");
    check(&send(&gateway, "PROPFIND", "/dir/", &[winscp, ("depth", "1")], ALLPROP).await, 207);
    check(&send(&gateway, "PUT", "/dir/%77.txt", &[winscp], "by WinSCP").await, 201);
    // RaiDrive makes an empty file first, and looks whether it is there.
    let rai = ("user-agent", "RaiDrive/2024.9.27");
    check(&send(&gateway, "PUT", "/dir/r.txt", &[rai], "").await, 201);
    check(&send(&gateway, "PROPFIND", "/dir/r.txt", &[rai, ("depth", "0")], "").await, 207);
    check(&send(&gateway, "PUT", "/dir/r.txt", &[rai], "by RaiDrive").await, 204);
    // rclone removes what it has failed to store, which may not be there.
    check(&send(&gateway, "DELETE", "/dir/failed.txt", &[], "").await, 404);
    let new = [
        "/dir/d.txt = by Cyberduck",
        "/dir/g.txt = by gvfs",
        "/dir/r.txt = by RaiDrive",
        "/dir/w.txt = by WinSCP",
    ];
    assert_eq!(truth(&gateway), changed(&[], &new));
}
