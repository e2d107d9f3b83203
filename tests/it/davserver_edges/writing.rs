//! PUT, DELETE, COPY and MOVE: in which order, and how often, the file system is asked.

use http::StatusCode;

use super::fake::{Fake, ask};
use super::{D1_COLLECTIONS, D1_UPLOAD};

/// A folder of eight nodes, itself included.
const TREE: &[&str] = &["/a/", "/a/1", "/a/2", "/a/b/", "/a/b/3", "/a/b/4", "/a/c/", "/a/c/5"];

#[tokio::test]
async fn an_upload_is_flushed_before_its_length_is_checked() {
    for (body, flushed) in [("0123", 4), ("0123456789abc", 0)] {
        let fake = Fake::new(&[]);
        let answer = ask(&fake.handler(), "PUT /x", &[("content-length", "10")], body).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{D1_UPLOAD}");
        let expected = ["open w Some(10) /x".to_owned(), format!("flush {flushed} bytes")];
        assert_eq!(fake.take_changes(), expected, "{D1_UPLOAD}");
    }
}

#[tokio::test]
async fn finder_says_the_length_in_a_header_of_its_own() {
    let fake = Fake::new(&[]);
    ask(&fake.handler(), "PUT /x", &[("x-expected-entity-length", "3")], "abc").await;
    assert_eq!(fake.take_changes(), ["open w Some(3) /x", "flush 3 bytes"], "{D1_UPLOAD}");
}

#[tokio::test]
async fn an_upload_may_end_in_a_slash() {
    let fake = Fake::new(&[]);
    let answer = ask(&fake.handler(), "PUT /x/", &[("content-length", "3")], "abc").await;
    assert_eq!(answer.status, StatusCode::CREATED, "{D1_UPLOAD}");
    assert_eq!(fake.take_changes(), ["open w Some(3) /x/", "flush 3 bytes"], "{D1_UPLOAD}");
}

#[tokio::test]
async fn a_part_of_an_upload_is_written_over_a_file_that_is_not_truncated() {
    let fake = Fake::new(&["/x"]);
    let range = [("content-range", "bytes 0-2/9"), ("content-length", "3")];
    let answer = ask(&fake.handler(), "PUT /x", &range, "abc").await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT, "{}", super::D2);
    assert_eq!(fake.take_changes(), ["open w Some(3) /x", "flush 3 bytes"], "{}", super::D2);
}

#[tokio::test]
async fn a_folder_is_deleted_node_by_node() {
    let fake = Fake::new(TREE);
    let answer = ask(&fake.handler(), "DELETE /a/", &[], "").await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT, "{D1_COLLECTIONS}");
    let expected = [
        "metadata /a/",
        "read_dir /a/",
        "remove_file /a/1",
        "remove_file /a/2",
        "read_dir /a/b/",
        "remove_file /a/b/3",
        "remove_file /a/b/4",
        "remove_dir /a/b/",
        "read_dir /a/c/",
        "remove_file /a/c/5",
        "remove_dir /a/c/",
        "remove_dir /a/",
    ];
    assert_eq!(fake.take_log(), expected, "{D1_COLLECTIONS}");
}

#[tokio::test]
async fn a_folder_is_deleted_at_once_at_depth_zero() {
    let fake = Fake::new(TREE);
    let answer = ask(&fake.handler(), "DELETE /a/", &[("depth", "0")], "").await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT, "{D1_COLLECTIONS}");
    assert_eq!(fake.take_log(), ["metadata /a/", "remove_dir /a/"], "{D1_COLLECTIONS}");
}

#[tokio::test]
async fn a_folder_is_copied_node_by_node() {
    let fake = Fake::new(TREE);
    let answer = ask(&fake.handler(), "COPY /a/", &[("destination", "/z/")], "").await;
    assert_eq!(answer.status, StatusCode::CREATED, "{D1_COLLECTIONS}");
    let expected = [
        "create_dir /z/",
        "copy /a/1 /z/1",
        "copy /a/2 /z/2",
        "create_dir /z/b/",
        "copy /a/b/3 /z/b/3",
        "copy /a/b/4 /z/b/4",
        "create_dir /z/c/",
        "copy /a/c/5 /z/c/5",
    ];
    assert_eq!(fake.take_changes(), expected, "{D1_COLLECTIONS}");
}

#[tokio::test]
async fn a_folder_is_copied_without_content_at_depth_zero() {
    let fake = Fake::new(TREE);
    let answer = ask(&fake.handler(), "COPY /a/", &[("destination", "/z/"), ("depth", "0")], "").await;
    assert_eq!(answer.status, StatusCode::CREATED, "{D1_COLLECTIONS}");
    assert_eq!(fake.take_changes(), ["create_dir /z/"], "{D1_COLLECTIONS}");
    let refused = ask(&fake.handler(), "MOVE /a/", &[("destination", "/z/"), ("depth", "0")], "").await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{D1_COLLECTIONS}");
}

#[tokio::test]
async fn what_a_move_replaces_is_removed_first() {
    let fake = Fake::new(&["/x", "/y"]);
    let answer = ask(&fake.handler(), "MOVE /x", &[("destination", "/y")], "").await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT, "{D1_COLLECTIONS}");
    let expected = ["metadata /x", "metadata ", "metadata /y", "remove_file /y", "rename /x /y"];
    assert_eq!(fake.take_log(), expected, "{D1_COLLECTIONS}");
}

#[tokio::test]
async fn a_folder_that_a_move_replaces_is_removed_node_by_node() {
    let fake = Fake::new(&["/x/", "/y/", "/y/1", "/y/b/"]);
    ask(&fake.handler(), "MOVE /x/", &[("destination", "/y/")], "").await;
    let expected = ["remove_file /y/1", "remove_dir /y/b/", "remove_dir /y/", "rename /x/ /y/"];
    assert_eq!(fake.take_changes(), expected, "{D1_COLLECTIONS}");
}

#[tokio::test]
async fn what_a_copy_replaces_is_removed_first_as_well() {
    let fake = Fake::new(&["/x", "/y"]);
    ask(&fake.handler(), "COPY /x", &[("destination", "/y")], "").await;
    assert_eq!(fake.take_changes(), ["remove_file /y", "copy /x /y"], "{D1_COLLECTIONS}");
}

#[tokio::test]
async fn a_folder_is_moved_into_itself_without_a_question() {
    let fake = Fake::new(TREE);
    let answer = ask(&fake.handler(), "MOVE /a/", &[("destination", "/a/b/z/")], "").await;
    assert_eq!(answer.status, StatusCode::CREATED, "{D1_COLLECTIONS}");
    assert_eq!(fake.take_changes(), ["rename /a/ /a/b/z/"], "{D1_COLLECTIONS}");
}
