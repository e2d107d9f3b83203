//! What Windows Explorer and clients like it send to store, to make and to rename, step by step.

use http::StatusCode;

use super::{changed, content, paths, send, shown, truth};
use crate::harness::{Answer, Gateway};

const AGENT: (&str, &str) = ("user-agent", "Microsoft-WebDAV-MiniRedir/10.0.19045");
const TRANSLATE: (&str, &str) = ("translate", "f");
const LOCK: &str = r#"<?xml version="1.0" encoding="utf-8" ?><D:lockinfo xmlns:D="DAV:"><D:lockscope><D:exclusive/></D:lockscope><D:locktype><D:write/></D:locktype><D:owner><D:href>DESKTOP\user</D:href></D:owner></D:lockinfo>"#;
const TIMES: &str = r#"<?xml version="1.0" encoding="utf-8" ?><D:propertyupdate xmlns:D="DAV:" xmlns:Z="urn:schemas-microsoft-com:"><D:set><D:prop><Z:Win32CreationTime>Tue, 24 Nov 2026 06:50:02 GMT</Z:Win32CreationTime><Z:Win32LastAccessTime>Tue, 24 Nov 2026 06:50:02 GMT</Z:Win32LastAccessTime><Z:Win32LastModifiedTime>Tue, 24 Nov 2026 06:50:02 GMT</Z:Win32LastModifiedTime><Z:Win32FileAttributes>00000020</Z:Win32FileAttributes></D:prop></D:set></D:propertyupdate>"#;

/// Locks a path as clients do, and returns the token.
pub(super) async fn lock(gateway: &Gateway, path: &str) -> String {
    let answer =
        send(gateway, "LOCK", path, &[AGENT, ("timeout", "Second-3600"), ("depth", "0")], LOCK).await;
    assert!(matches!(answer.status.as_u16(), 200 | 201), "{}: {}", answer.status, answer.text());
    token(&answer)
}

fn token(answer: &Answer) -> String {
    let token = answer.header("lock-token").expect("a token").trim_matches(['<', '>']).to_owned();
    assert!(answer.text().contains(&token), "{}", answer.text());
    token
}

#[track_caller]
fn check(answer: &Answer, status: u16) {
    assert_eq!(answer.status.as_u16(), status, "{}", answer.text());
}

#[tokio::test]
async fn explorer_stores_a_file() {
    let gateway = super::gateway(|_| {}).await;
    let path = "/dir/%E6%96%B0%20file.txt";
    let options = send(&gateway, "OPTIONS", "/", &[AGENT, TRANSLATE], "").await;
    check(&options, 200);
    assert_eq!(options.header("ms-author-via"), Some("DAV"));
    assert!(options.header("dav").is_some_and(|classes| classes.contains('2')));
    check(&send(&gateway, "PROPFIND", path, &[AGENT, TRANSLATE, ("depth", "0")], "").await, 404);
    check(&send(&gateway, "PUT", path, &[AGENT, TRANSLATE], "").await, 201);
    let locked = send(&gateway, "LOCK", path, &[AGENT, TRANSLATE, ("timeout", "Second-3600")], LOCK).await;
    check(&locked, 200);
    let token = token(&locked);
    let under = format!("(<{token}>)");
    check(&send(&gateway, "PROPPATCH", path, &[AGENT, ("if", &under)], TIMES).await, 207);
    let head = send(&gateway, "HEAD", path, &[AGENT, TRANSLATE], "").await;
    assert_eq!((head.status, head.header("content-length")), (StatusCode::OK, Some("0")));
    gateway.assert_calls(&[]);
    // Without the token it is locked, also for the same user.
    check(&send(&gateway, "PUT", path, &[("user-agent", "rclone/v1.60.1")], "other").await, 423);
    let stored = send(&gateway, "PUT", path, &[AGENT, TRANSLATE, ("if", &under)], "content of it").await;
    check(&stored, 204);
    let patched = send(&gateway, "PROPPATCH", path, &[AGENT, ("if", &under)], TIMES).await;
    check(&patched, 207);
    assert!(patched.text().contains("200 OK") && !patched.text().contains("403"), "{}", patched.text());
    gateway.take_calls();
    // It leaves out the brackets at times.
    check(&send(&gateway, "UNLOCK", path, &[AGENT, ("lock-token", &format!("<{token}>"))], "").await, 204);
    let listed = send(&gateway, "PROPFIND", "/dir", &[AGENT, TRANSLATE, ("depth", "1")], "").await;
    check(&listed, 207);
    assert!(listed.text().contains("<D:getcontentlength>13<"), "{}", listed.text());
    gateway.assert_calls(&[]);
    assert_eq!(truth(&gateway), changed(&[], &["/dir/新 file.txt = content of it"]));
    assert_eq!(content(&gateway, path).await, "content of it");
}

#[tokio::test]
async fn explorer_makes_a_text_file_and_leaves_it_empty() {
    let gateway = super::gateway(|_| {}).await;
    let path = "/dir/New%20Text%20Document.txt";
    let locked = send(&gateway, "LOCK", path, &[AGENT, TRANSLATE, ("timeout", "Second-3600")], LOCK).await;
    check(&locked, 201);
    let token = token(&locked);
    let under = format!("(<{token}>)");
    check(&send(&gateway, "PUT", path, &[AGENT, TRANSLATE, ("if", &under)], "").await, 204);
    check(&send(&gateway, "PROPPATCH", path, &[AGENT, ("if", &under)], TIMES).await, 207);
    gateway.assert_calls(&[]);
    check(&send(&gateway, "UNLOCK", path, &[AGENT, ("lock-token", &format!("<{token}>"))], "").await, 204);
    assert_eq!(truth(&gateway), changed(&[], &["/dir/New Text Document.txt = "]));
    gateway.take_calls();
    // And gives it a name.
    let to = gateway.url("/dir/notes.txt");
    check(&send(&gateway, "MOVE", path, &[AGENT, ("destination", &to), ("overwrite", "F")], "").await, 201);
    gateway.assert_calls(&[("batch_rename", 1)]);
    assert_eq!(truth(&gateway), changed(&[], &["/dir/notes.txt = "]));
}

#[tokio::test]
async fn explorer_makes_renames_and_removes_a_folder() {
    let gateway = super::gateway(|_| {}).await;
    check(&send(&gateway, "PROPFIND", "/New%20folder", &[AGENT, ("depth", "0")], "").await, 404);
    check(&send(&gateway, "MKCOL", "/New%20folder", &[AGENT, TRANSLATE], "").await, 201);
    check(&send(&gateway, "PROPFIND", "/New%20folder", &[AGENT, ("depth", "1")], "").await, 207);
    let to = gateway.url("/Fotos");
    check(
        &send(&gateway, "MOVE", "/New%20folder", &[AGENT, ("destination", &to), ("overwrite", "F")], "")
            .await,
        201,
    );
    gateway.assert_calls(&[("add", 1), ("batch_rename", 1)]);
    assert_eq!(truth(&gateway), changed(&[], &["/Fotos/"]));
    check(&send(&gateway, "DELETE", "/Fotos", &[AGENT, TRANSLATE], "").await, 204);
    check(&send(&gateway, "PROPFIND", "/Fotos", &[AGENT, ("depth", "0")], "").await, 404);
    gateway.assert_calls(&[("rb_delete", 1)]);
    assert_eq!(truth(&gateway), changed(&[], &[]));
}

#[tokio::test]
async fn an_abandoned_lock_of_a_new_name_can_be_taken_back() {
    let gateway = super::gateway(|_| {}).await;
    let token = lock(&gateway, "/dir/new.txt").await;
    let under = format!("(<{token}>)");
    check(&send(&gateway, "DELETE", "/dir/new.txt", &[AGENT, ("if", &under)], "").await, 204);
    gateway.assert_calls(&[]);
    check(&send(&gateway, "PROPFIND", "/dir/new.txt", &[AGENT, ("depth", "0")], "").await, 404);
    // The lock went with it.
    check(&send(&gateway, "PUT", "/dir/new.txt", &[AGENT], "again").await, 201);
    assert_eq!(truth(&gateway), changed(&[], &["/dir/new.txt = again"]));
}

#[tokio::test]
async fn a_folder_goes_with_the_empty_files_that_wait_in_it() {
    let mut gateway = super::gateway(|_| {}).await;
    check(&send(&gateway, "PUT", "/dir/empty.txt", &[AGENT], "").await, 201);
    check(&send(&gateway, "PUT", "/dir/sub/empty.txt", &[AGENT], "").await, 201);
    check(&send(&gateway, "PUT", "/other/empty.txt", &[AGENT], "").await, 201);
    assert_eq!(shown(&gateway).await.len(), 11);
    check(&send(&gateway, "DELETE", "/dir", &[AGENT], "").await, 204);
    check(&send(&gateway, "DELETE", "/other/empty.txt", &[AGENT], "").await, 204);
    let expected = changed(&["/dir"], &[]);
    assert_eq!(shown(&gateway).await, paths(&expected));
    // What still waits is made when the gateway ends.
    gateway.stop().await;
    assert_eq!(truth(&gateway), expected);
}
