//! What writing over WebDAV costs in calls to 115, with everything listed.
//!
//! The labels are those of `changes`; `oss_put` is a request to the object storage, which is no call.

use std::collections::BTreeMap;

use http::Method;
use sim115::{ROOT, Tree};

use crate::harness::{Answer, Gateway, simulator};

const LOCK: &str = r#"<D:lockinfo xmlns:D="DAV:"><D:lockscope><D:exclusive/></D:lockscope><D:locktype><D:write/></D:locktype></D:lockinfo>"#;

async fn gateway() -> Gateway {
    let sim = simulator(Tree::Empty).await;
    sim.tree(|tree| {
        let text = |text: &str| sim115::Content::Bytes(text.to_owned().into());
        tree.add_file(ROOT, "a.txt", text("first"));
        let dir = tree.add_folder(ROOT, "dir");
        tree.add_file(dir, "b.txt", text("second"));
        let large = tree.add_folder(ROOT, "large");
        for number in 0..3000 {
            tree.add_file_sized(large, &number.to_string(), 10);
        }
    });
    let gateway = Gateway::over(sim, |_| {}).await;
    gateway.propfind("/", "1").await;
    gateway.propfind("/dir", "1").await;
    gateway.take_calls();
    gateway
}

async fn send(gateway: &Gateway, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    let answer = gateway.send(Method::from_bytes(method.as_bytes()).unwrap(), path, headers, body).await;
    assert!(answer.status.is_success(), "{method} {path}: {} {}", answer.status, answer.text());
    answer
}

async fn relocate(gateway: &Gateway, from: &str, to: &str) {
    send(gateway, "MOVE", from, &[("destination", &gateway.url(to))], "").await;
}

/// What it has cost, and that the folders concerned can be listed for nothing.
async fn assert_cost(gateway: &Gateway, expected: &[(&str, usize)]) {
    let expected: BTreeMap<String, usize> =
        expected.iter().map(|(label, count)| ((*label).to_owned(), *count)).collect();
    assert_eq!(gateway.take_calls(), expected);
    for path in ["/", "/dir"] {
        assert_eq!(gateway.propfind(path, "1").await.status, 207);
    }
    gateway.assert_calls(&[]);
}

#[tokio::test]
async fn an_upload_costs_two_requests_and_the_first_one_three_calls_more() {
    let gateway = gateway().await;
    send(&gateway, "PUT", "/dir/new.txt", &[], "content").await;
    let first = [("uploadinfo", 1), ("initupload", 1), ("gettoken", 1), ("getuploadinfo", 1), ("oss_put", 1)];
    assert_cost(&gateway, &first).await;
    send(&gateway, "PUT", "/dir/more.txt", &[], "more").await;
    assert_cost(&gateway, &[("initupload", 1), ("oss_put", 1)]).await;
    send(&gateway, "PUT", "/dir/more.txt", &[], "other").await;
    assert_cost(&gateway, &[("initupload", 1), ("oss_put", 1), ("rb_delete", 1)]).await;
    // What 115 has is not sent, and what is there already not even announced.
    send(&gateway, "PUT", "/dir/known.txt", &[], "first").await;
    assert_cost(&gateway, &[("initupload", 1)]).await;
    send(&gateway, "PUT", "/dir/known.txt", &[], "first").await;
    assert_cost(&gateway, &[]).await;
}

#[tokio::test]
async fn a_change_of_names_costs_one_call_for_each_thing_changed() {
    let gateway = gateway().await;
    relocate(&gateway, "/a.txt", "/z.txt").await;
    assert_cost(&gateway, &[("batch_rename", 1)]).await;
    relocate(&gateway, "/z.txt", "/dir/z.txt").await;
    assert_cost(&gateway, &[("move", 1)]).await;
    relocate(&gateway, "/dir/z.txt", "/y.txt").await;
    assert_cost(&gateway, &[("batch_rename", 1), ("move", 1)]).await;
    relocate(&gateway, "/y.txt", "/dir/y.txt").await;
    assert_cost(&gateway, &[("move", 1)]).await;
    relocate(&gateway, "/dir/y.txt", "/dir/b.txt").await;
    assert_cost(&gateway, &[("batch_rename", 1), ("rb_delete", 1)]).await;
    send(&gateway, "DELETE", "/dir/b.txt", &[], "").await;
    assert_cost(&gateway, &[("rb_delete", 1)]).await;
    send(&gateway, "DELETE", "/large", &[], "").await;
    assert_cost(&gateway, &[("rb_delete", 1)]).await;
}

#[tokio::test]
async fn a_new_folder_costs_one_call_and_its_listing_none() {
    let gateway = gateway().await;
    send(&gateway, "MKCOL", "/dir/new", &[], "").await;
    assert_eq!(gateway.propfind("/dir/new", "1").await.status, 207);
    assert_cost(&gateway, &[("add", 1)]).await;
}

#[tokio::test]
async fn empty_files_junk_and_locks_cost_nothing() {
    let gateway = gateway().await;
    for (path, body) in
        [("/dir/._x", "fork"), ("/dir/.DS_Store", "x"), ("/Thumbs.db", "y"), ("/dir/empty.txt", "")]
    {
        send(&gateway, "PUT", path, &[], body).await;
    }
    send(&gateway, "DELETE", "/dir/._x", &[], "").await;
    let locked = send(&gateway, "LOCK", "/dir/b.txt", &[], LOCK).await;
    let token = locked.header("lock-token").unwrap().to_owned();
    send(&gateway, "LOCK", "/dir/b.txt", &[("if", &format!("({token})"))], "").await;
    send(&gateway, "UNLOCK", "/dir/b.txt", &[("lock-token", &token)], "").await;
    assert_cost(&gateway, &[]).await;
    let locked = send(&gateway, "LOCK", "/dir/new.txt", &[], LOCK).await;
    assert_cost(&gateway, &[]).await;
    let token = locked.header("lock-token").unwrap().to_owned();
    send(&gateway, "UNLOCK", "/dir/new.txt", &[("lock-token", &token)], "").await;
    let made = gateway.take_calls();
    assert_eq!(made.get("initupload"), Some(&1), "it stays empty, so it is made: {made:?}");
    assert!(gateway.propfind("/dir", "1").await.text().contains("new.txt"));
    gateway.assert_calls(&[]);
}
