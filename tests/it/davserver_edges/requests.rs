//! Paths, prefixes, destinations, errors, and locks.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use dav_server::fakels::FakeLs;
use dav_server::fs::FsError;
use dav_server::memls::MemLs;
use futures_util::FutureExt as _;
use http::StatusCode;

use super::fake::{Fake, Trouble, ask};
use super::{D1_ERRORS, D2, D3};

#[tokio::test]
async fn the_host_of_a_destination_is_ignored() {
    let fake = Fake::new(&["/x"]);
    let elsewhere = [("host", "here.example"), ("destination", "http://elsewhere.example/y")];
    let answer = ask(&fake.handler(), "MOVE /x", &elsewhere, "").await;
    assert_eq!(answer.status, StatusCode::CREATED, "{D2}");
    assert_eq!(fake.take_changes(), ["rename /x /y"], "{D2}");
}

#[tokio::test]
async fn a_prefix_matches_in_the_middle_of_a_name() {
    let fake = Fake::new(&["/a"]);
    let handler = fake.config().strip_prefix("/dav").build_handler();
    ask(&handler, "GET /dav12x/y", &[], "").await;
    assert_eq!(fake.take_log(), ["metadata 12x/y"], "{D2}");
    let outside = ask(&handler, "GET /other/a", &[], "").await;
    assert_eq!(outside.status, StatusCode::BAD_GATEWAY, "{D2}");
    assert!(fake.take_log().is_empty(), "{D2}");
}

#[tokio::test]
async fn a_destination_that_is_the_prefix_panics() {
    let fake = Fake::new(&["/x"]);
    let handler = fake.config().strip_prefix("/dav").build_handler();
    let request = ask(&handler, "MOVE /dav/x", &[("destination", "/dav/")], "");
    assert!(AssertUnwindSafe(request).catch_unwind().await.is_err(), "{D2}");
}

#[tokio::test]
async fn names_that_no_drive_takes_are_let_through() {
    let fake = Fake::new(&[]);
    for (name, kept) in [("a%0Ab", "a\nb"), ("a%5Cb", "a\\b"), ("a%zz", "a%zz"), ("%3A%2A%3F", ":*?")] {
        ask(&fake.handler(), &format!("GET /{name}"), &[], "").await;
        assert_eq!(fake.take_log(), [format!("metadata /{kept}")], "{D2}");
    }
    for (name, status) in [
        ("%00", StatusCode::BAD_REQUEST),
        ("a%2Fb", StatusCode::BAD_REQUEST),
        ("%2e%2e/x", StatusCode::FORBIDDEN),
    ] {
        assert_eq!(
            ask(&fake.handler(), &format!("GET /{name}"), &[], "").await.status,
            status,
            "{name}: {D2}"
        );
        assert!(fake.take_log().is_empty(), "{D2}");
    }
}

#[tokio::test]
async fn other_bodies_than_uploads_end_at_64_kib() {
    let handler = Fake::new(&["/x"]).handler();
    for (length, status) in [(65_536, StatusCode::BAD_REQUEST), (65_537, StatusCode::PAYLOAD_TOO_LARGE)] {
        let answer = ask(&handler, "PROPFIND /x", &[("depth", "0")], " ".repeat(length)).await;
        assert_eq!(answer.status, status, "{length}: {D2}");
    }
}

#[tokio::test]
async fn every_error_has_one_status_and_says_no_more() {
    let statuses = [
        (FsError::NotFound, StatusCode::NOT_FOUND),
        (FsError::Exists, StatusCode::METHOD_NOT_ALLOWED),
        (FsError::Forbidden, StatusCode::FORBIDDEN),
        (FsError::GeneralFailure, StatusCode::INTERNAL_SERVER_ERROR),
        (FsError::NotImplemented, StatusCode::NOT_IMPLEMENTED),
        (FsError::IsRemote, StatusCode::BAD_GATEWAY),
        (FsError::InsufficientStorage, StatusCode::INSUFFICIENT_STORAGE),
        (FsError::TooLarge, StatusCode::PAYLOAD_TOO_LARGE),
        (FsError::PathTooLong, StatusCode::URI_TOO_LONG),
        (FsError::LoopDetected, StatusCode::LOOP_DETECTED),
    ];
    for (error, status) in statuses {
        let fake = Fake::new(&["/x"]).with(Trouble { look: Some(error), ..Trouble::default() });
        let answer = ask(&fake.handler(), "DELETE /x", &[], "").await;
        assert_eq!(answer.status, status, "{error}: {D1_ERRORS}");
        assert_eq!((answer.header("retry-after"), answer.body.as_str()), (None, ""), "{error}: {D1_ERRORS}");
    }
}

#[tokio::test]
async fn attributes_of_windows_are_taken_and_those_of_others_refused() {
    let handler = Fake::new(&["/x"]).handler();
    let set = |property: &str| {
        let set = format!("<D:set><D:prop>{property}</D:prop></D:set>");
        format!(r#"<D:propertyupdate xmlns:D="DAV:">{set}</D:propertyupdate>"#)
    };
    let windows =
        set(r#"<Z:Win32FileAttributes xmlns:Z="urn:schemas-microsoft-com:">20</Z:Win32FileAttributes>"#);
    let taken = ask(&handler, "PROPPATCH /x", &[], windows).await;
    assert_eq!(taken.status, StatusCode::MULTI_STATUS, "{D1_ERRORS}");
    assert!(taken.body.contains("200 OK"), "{D1_ERRORS}\n{}", taken.body);
    let foreign = ask(&handler, "PROPPATCH /x", &[], set(r#"<x xmlns="urn:x">1</x>"#)).await;
    assert_eq!(foreign.status, StatusCode::NOT_IMPLEMENTED, "{D1_ERRORS}");
}

const LOCK: &str = r#"<D:lockinfo xmlns:D="DAV:"><D:lockscope><D:exclusive/></D:lockscope><D:locktype><D:write/></D:locktype></D:lockinfo>"#;

#[tokio::test]
async fn a_lock_in_memory_never_expires() {
    let fake = Fake::new(&["/x"]);
    let handler = fake.locked_by(MemLs::new());
    let locked = ask(&handler, "LOCK /x", &[("timeout", "Second-1")], LOCK).await;
    assert_eq!(locked.status, StatusCode::OK, "{D3}\n{}", locked.body);
    assert!(locked.body.contains("Second-1<"), "{D3}\n{}", locked.body);
    // A lock system reads the wall clock, which no test can turn.
    tokio::time::sleep(Duration::from_millis(1100)).await;
    assert_eq!(ask(&handler, "DELETE /x", &[], "").await.status, StatusCode::LOCKED, "{D3}");
}

#[tokio::test]
async fn a_pretended_lock_locks_nothing() {
    let handler = Fake::new(&["/x"]).locked_by(FakeLs::new());
    assert_eq!(
        ask(&handler, "LOCK /x", &[("timeout", "Second-60")], LOCK).await.status,
        StatusCode::OK,
        "{D3}"
    );
    assert_eq!(ask(&handler, "DELETE /x", &[], "").await.status, StatusCode::NO_CONTENT, "{D3}");
}

#[tokio::test]
async fn locking_a_name_that_is_free_creates_a_file_without_a_flush() {
    let fake = Fake::new(&[]);
    let answer = ask(&fake.locked_by(MemLs::new()), "LOCK /x", &[("timeout", "Second-60")], LOCK).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{D3}");
    assert_eq!(fake.take_changes(), ["open w None /x"], "{D3}");
}

#[tokio::test]
async fn methods_are_offered_without_regard_to_what_works() {
    let options = ask(&Fake::new(&["/x"]).handler(), "OPTIONS /x", &[], "").await;
    assert_eq!(options.header("dav"), Some("1,2,3,sabredav-partialupdate"), "{}", super::D1_PROPFIND);
}
