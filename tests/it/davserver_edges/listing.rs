//! PROPFIND: what it makes of failures, of a missing `Depth`, and of properties that are not there.

use http::StatusCode;

use super::D1_PROPFIND;
use super::fake::{Answer, Fake, Trouble, ask};

const TREE: &[&str] = &["/a/", "/a/1", "/a/2", "/a/3", "/a/b/", "/a/b/4"];

async fn propfind(fake: &Fake, headers: &[(&str, &str)], properties: &str) -> Answer {
    let body = match properties {
        "" => String::new(),
        _ => format!(r#"<D:propfind xmlns:D="DAV:"><D:prop>{properties}</D:prop></D:propfind>"#),
    };
    ask(&fake.handler(), "PROPFIND /a/", headers, body).await
}

#[tokio::test]
async fn a_failed_listing_looks_like_an_empty_folder() {
    let fake = Fake::new(TREE).with(Trouble { listing: true, ..Trouble::default() });
    let answer = propfind(&fake, &[("depth", "1")], "").await;
    assert_eq!(answer.status, StatusCode::MULTI_STATUS, "{D1_PROPFIND}");
    assert_eq!(answer.hrefs(), ["/a/"], "{D1_PROPFIND}");
    assert_eq!(fake.take_log(), ["metadata /a/", "read_dir /a/"], "{D1_PROPFIND}");
}

#[tokio::test]
async fn a_failure_in_the_middle_of_a_listing_leaves_an_entry_out() {
    let fake = Fake::new(TREE).with(Trouble { entry: true, ..Trouble::default() });
    let answer = propfind(&fake, &[("depth", "1")], "").await;
    assert_eq!(answer.status, StatusCode::MULTI_STATUS, "{D1_PROPFIND}");
    assert_eq!(answer.hrefs(), ["/a/", "/a/1", "/a/3", "/a/b/"], "{D1_PROPFIND}");
    assert!(answer.body.trim_end().ends_with("</D:multistatus>"), "{D1_PROPFIND}\n{}", answer.body);
}

#[tokio::test]
async fn without_depth_the_folder_itself_is_left_out() {
    let fake = Fake::new(TREE);
    let children = ["/a/1", "/a/2", "/a/3", "/a/b/"];
    for headers in [&[][..], &[("depth", "many")]] {
        assert_eq!(propfind(&fake, headers, "").await.hrefs(), children, "{D1_PROPFIND}");
    }
    let with_depth = propfind(&fake, &[("depth", "1")], "").await;
    assert_eq!(with_depth.hrefs(), [&["/a/"][..], &children].concat(), "{D1_PROPFIND}");
}

#[tokio::test]
async fn infinite_depth_is_refused_with_501_unless_the_client_says_it_tests() {
    let fake = Fake::new(TREE);
    let refused = propfind(&fake, &[("depth", "infinity")], "").await;
    assert_eq!(refused.status, StatusCode::NOT_IMPLEMENTED, "{D1_PROPFIND}");
    assert!(refused.body.contains("propfind-finite-depth"), "{D1_PROPFIND}");
    let walked = propfind(&fake, &[("depth", "infinity"), ("x-litmus", "1")], "").await;
    assert_eq!(walked.status, StatusCode::MULTI_STATUS, "{}", super::D2);
    assert_eq!(walked.hrefs(), ["/a/", "/a/1", "/a/2", "/a/3", "/a/b/", "/a/b/4"], "{}", super::D2);
}

#[tokio::test]
async fn a_tag_is_quoted_in_the_header_and_bare_in_the_property() {
    let fake = Fake::new(TREE);
    let answer = propfind(&fake, &[("depth", "0")], "<D:getetag/>").await;
    assert!(answer.body.contains("<D:getetag>tag</D:getetag>"), "{D1_PROPFIND}\n{}", answer.body);
    let head = ask(&fake.handler(), "HEAD /a/1", &[], "").await;
    assert_eq!(head.header("etag"), Some("\"tag\""), "{D1_PROPFIND}");
    let conditional = ask(&fake.handler(), "GET /a/1", &[("if-none-match", "tag")], "").await;
    assert_eq!(conditional.status, StatusCode::OK, "{D1_PROPFIND}");
    let quoted = ask(&fake.handler(), "GET /a/1", &[("if-none-match", "\"tag\"")], "").await;
    assert_eq!(quoted.status, StatusCode::NOT_MODIFIED, "{D1_PROPFIND}");
}

#[tokio::test]
async fn properties_that_are_not_there_are_not_mentioned() {
    let fake = Fake::new(TREE);
    let answer = propfind(&fake, &[("depth", "0")], r#"<D:getetag/><x xmlns="urn:x"/>"#).await;
    assert_eq!(answer.body.matches("<D:propstat>").count(), 1, "{D1_PROPFIND}\n{}", answer.body);
    assert!(!answer.body.contains("404"), "{D1_PROPFIND}\n{}", answer.body);
    let answer = propfind(&fake, &[("depth", "0")], r#"<x xmlns="urn:x"/>"#).await;
    assert_eq!(answer.status, StatusCode::MULTI_STATUS, "{D1_PROPFIND}");
    assert_eq!(answer.hrefs(), ["/a/"], "{D1_PROPFIND}");
    assert!(!answer.body.contains("propstat"), "{D1_PROPFIND}\n{}", answer.body);
}

#[tokio::test]
async fn nothing_but_a_wish_names_a_file() {
    let answer = propfind(&Fake::new(TREE), &[("depth", "1")], "").await;
    assert!(!answer.body.contains("displayname"), "{D1_PROPFIND}\n{}", answer.body);
}

#[tokio::test]
async fn a_property_asked_for_twice_is_answered_twice() {
    let answer = propfind(&Fake::new(TREE), &[("depth", "0")], &"<D:getetag/>".repeat(50)).await;
    assert_eq!(answer.body.matches("<D:getetag>").count(), 50, "{}", super::D2);
}
