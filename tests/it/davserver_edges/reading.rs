//! GET and HEAD: content that ends early, redirects, ranges.

use http::StatusCode;

use super::fake::{Fake, Trouble, ask};
use super::{D1_DOWNLOAD, D2};

/// A file of ten bytes.
const FILE: &str = "/012345678";

#[tokio::test]
async fn content_that_ends_early_is_filled_up_with_zeros() {
    let fake = Fake::new(&[FILE]).with(Trouble { content_ends: Some(4), ..Trouble::default() });
    let answer = ask(&fake.handler(), "GET /012345678", &[], "").await;
    assert_eq!(answer.status, StatusCode::OK, "{D1_DOWNLOAD}");
    assert_eq!(answer.header("content-length"), Some("10"), "{D1_DOWNLOAD}");
    assert_eq!(answer.body, "/012\0\0\0\0\0\0", "{D1_DOWNLOAD}");
}

#[tokio::test]
async fn redirects_come_before_preconditions_and_for_head_as_well() {
    let fake = Fake::new(&[FILE]).with(Trouble { elsewhere: true, ..Trouble::default() });
    let handler = fake.config().redirect(true).build_handler();
    let headers = [("if-none-match", "\"tag\""), ("if-match", "\"other\""), ("range", "bytes=90-")];
    for method in ["GET", "HEAD"] {
        for header in headers {
            let answer = ask(&handler, &format!("{method} {FILE}"), &[header], "").await;
            assert_eq!(answer.status, StatusCode::FOUND, "{method} with {header:?}: {D1_DOWNLOAD}");
            assert_eq!(answer.header("location"), Some("http://elsewhere.example/x"), "{D1_DOWNLOAD}");
            assert_eq!(answer.header("cache-control"), None, "{D1_DOWNLOAD}");
            assert_eq!(
                fake.take_log().last().map(String::as_str),
                Some("redirect_url /012345678"),
                "{D1_DOWNLOAD}"
            );
        }
    }
}

#[tokio::test]
async fn the_file_is_looked_up_and_then_opened() {
    let fake = Fake::new(&[FILE]);
    ask(&fake.handler(), "GET /012345678", &[], "").await;
    assert_eq!(fake.take_log(), ["metadata /012345678", "open r /012345678"], "{D1_DOWNLOAD}");
}

#[tokio::test]
async fn as_many_ranges_are_sent_as_are_asked_for() {
    let handler = Fake::new(&[FILE]).handler();
    let range = format!("bytes={}", vec!["0-"; 500].join(","));
    let answer = ask(&handler, "GET /012345678", &[("range", &range)], "").await;
    assert_eq!(answer.status, StatusCode::PARTIAL_CONTENT, "{D2}");
    assert_eq!(answer.body.matches(FILE).count(), 500, "{D2}");
}

#[tokio::test]
async fn folders_are_not_to_be_had() {
    let handler = Fake::new(&["/a/"]).handler();
    assert_eq!(ask(&handler, "GET /a", &[], "").await.status, StatusCode::FOUND, "{D1_DOWNLOAD}");
    for request in ["GET /a/", "HEAD /a/"] {
        let status = ask(&handler, request, &[], "").await.status;
        assert_eq!(status, StatusCode::METHOD_NOT_ALLOWED, "{request}: {D1_DOWNLOAD}");
    }
}
