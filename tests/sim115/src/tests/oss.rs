//! Tests of the object store: who may do what, whole objects, and the call back.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest as _, Md5};
use serde_json::{Value, json};

use super::client::{Answer, exchange, start};
use super::upload_client::{BUCKET, Uploader, callback};
use crate::{Content, ROOT, Sim, Tree};

fn content() -> Content {
    Content::Rule { seed: 5, size: 300_000 }
}

#[track_caller]
fn refused(answer: &Answer, status: u16, code: &str) {
    assert_eq!(answer.status, status, "{}", answer.text());
    assert!(answer.text().contains(&format!("<Code>{code}</Code>")), "{}", answer.text());
}

#[tokio::test]
async fn only_good_signatures_are_taken() {
    let sim = start(Tree::Empty).await;
    let mut uploader = Uploader::new(&sim).await;
    let unsigned = exchange(&sim, "PUT", &format!("{BUCKET}/6a3d"), &[], "x").await.unwrap();
    refused(&unsigned, 403, "AccessDenied");
    let foreign = [("Authorization", "OSS STS.none:AAAA")];
    let foreign = exchange(&sim, "PUT", &format!("{BUCKET}/6a3d"), &foreign, "x").await.unwrap();
    refused(&foreign, 403, "InvalidAccessKeyId");
    // Signed for one object and one body type, sent for another.
    let good = uploader.oss("PUT", ("6a3d", ""), &[], "x").await.unwrap();
    assert_eq!(good.status, 200);
    let mixed = uploader.oss("PUT", ("6a3d", ""), &[("X-Oss-Late", "1")], "x").await.unwrap();
    refused(&mixed, 403, "SignatureDoesNotMatch");
    let other_token = uploader.oss("PUT", ("6a3d", ""), &[("x-oss-security-token", "A")], "x").await.unwrap();
    refused(&other_token, 403, "InvalidSecurityToken");
    let elsewhere =
        exchange(&sim, "PUT", "/other.oss-cn-shenzhen.aliyuncs.com/6a3d", &[], "x").await.unwrap();
    refused(&elsewhere, 404, "NoSuchBucket");
    let bare = exchange(&sim, "PUT", "/oss-cn-shenzhen.aliyuncs.com/fhnfile/6a3d", &[], "x").await.unwrap();
    refused(&bare, 403, "SecondLevelDomainForbidden");
    let by_host = [("Host", &BUCKET[1..])];
    refused(&exchange(&sim, "PUT", "/6a3d", &by_host, "x").await.unwrap(), 403, "AccessDenied");
    refused(&uploader.oss("GET", ("6a3d", ""), &[], "").await.unwrap(), 405, "MethodNotAllowed");
    sim.advance(Duration::from_secs(3600));
    refused(&uploader.oss("PUT", ("6a3d", ""), &[], "x").await.unwrap(), 403, "SecurityTokenExpired");
    uploader.renew().await;
    assert_eq!(uploader.oss("PUT", ("6a3d", ""), &[], "x").await.unwrap().status, 200);
    sim.expire_upload_tokens();
    refused(&uploader.oss("PUT", ("6a3d", ""), &[], "x").await.unwrap(), 403, "SecurityTokenExpired");
    sim.behave(|behaviours| behaviours.upload.token_lifetime_secs = 10);
    uploader.renew().await;
    sim.advance(Duration::from_secs(10));
    refused(&uploader.oss("PUT", ("6a3d", ""), &[], "x").await.unwrap(), 403, "SecurityTokenExpired");
}

#[tokio::test]
async fn a_time_that_is_off_is_refused() {
    let sim = start(Tree::Empty).await;
    let uploader = Uploader::new(&sim).await;
    // The second date is the one that is signed; the first is what the store sees first.
    let old = [("date", "Fri, 24 Nov 2023 00:00:00 GMT")];
    refused(&uploader.oss("PUT", ("6a3d", ""), &old, "x").await.unwrap(), 403, "RequestTimeTooSkewed");
}

#[tokio::test]
async fn an_object_is_described_by_its_sums() {
    let sim = start(Tree::Empty).await;
    let uploader = Uploader::new(&sim).await;
    let digest = STANDARD.encode(Md5::digest("123456789"));
    let headers = [("content-md5", digest.as_str())];
    let put = uploader.oss("PUT", ("6a3d", ""), &headers, "123456789").await.unwrap();
    assert_eq!((put.status, put.header("etag")), (200, "\"25F9E794323B453885F5181F1B624D0B\""));
    // The check value of CRC-64/XZ.
    assert_eq!(put.header("x-oss-hash-crc64ecma"), 0x995d_c9bb_df19_39fa_u64.to_string());
    let wrong = uploader.oss("PUT", ("6a3d", ""), &headers, "12345678").await.unwrap();
    refused(&wrong, 400, "InvalidDigest");
    // Neither body is waited for.
    for query in ["", "partNumber=1&uploadId=1"] {
        let long =
            uploader.oss("PUT", ("6a3d", query), &[("Content-Length", "5368709121")], "").await.unwrap();
        refused(&long, 400, "EntityTooLarge");
        let chunked = [("Transfer-Encoding", "chunked")];
        let chunked = uploader.oss("PUT", ("6a3d", query), &chunked, "1\r\nx\r\n0\r\n\r\n").await.unwrap();
        refused(&chunked, 411, "MissingContentLength");
    }
}

/// Puts an object with callback texts that were changed.
async fn put_changed(
    uploader: &Uploader<'_>,
    begun: &Value,
    (from, to): (&str, &str),
    bytes: &[u8],
) -> Answer {
    let mut changed = begun.clone();
    for name in ["callback", "callback_var"] {
        let text = changed["callback"][name].as_str().unwrap().replace(from, to);
        changed["callback"][name] = json!(text);
    }
    let (callback, vars) = callback(&changed);
    let headers = [("x-oss-callback", callback.as_str()), ("x-oss-callback-var", &vars)];
    uploader.oss("PUT", (begun["object"].as_str().unwrap(), ""), &headers, bytes).await.unwrap()
}

async fn begin(sim: &Sim) -> (Uploader<'_>, Value) {
    let uploader = Uploader::new(sim).await;
    let begun = uploader.init("a.bin", &content()).await;
    (uploader, begun)
}

#[tokio::test]
async fn the_callback_has_to_be_the_one_issued_and_the_bytes_those_announced() {
    let sim = start(Tree::Empty).await;
    let (uploader, begun) = begin(&sim).await;
    let bytes = content().read(0..u64::MAX);
    for change in [("\\/", "/"), ("\"x:source\":\"4\"", "\"x:source\":\"5\""), ("&object=", "&key=")] {
        let answer = put_changed(&uploader, &begun, change, &bytes).await;
        assert_eq!((answer.status, &answer.json()["state"]), (200, &json!(false)), "{change:?}");
    }
    let shorter = put_changed(&uploader, &begun, ("", ""), &bytes[1..]).await.json();
    assert_eq!(
        (&shorter["state"], &shorter["code"], &shorter["data"]),
        (&json!(false), &json!(10_002), &json!([]))
    );
    let other = Content::Rule { seed: 6, size: 300_000 }.read(0..u64::MAX);
    assert_eq!(put_changed(&uploader, &begun, ("", ""), &other).await.json()["state"], false);
    refused(
        &put_changed(&uploader, &begun, ("uplb.115.com", "example.org"), &bytes).await,
        203,
        "CallbackFailed",
    );
    refused(&put_changed(&uploader, &begun, ("{", "["), &bytes).await, 400, "InvalidArgument");
    let elsewhere = {
        let (callback, vars) = callback(&begun);
        let headers = [("x-oss-callback", callback.as_str()), ("x-oss-callback-var", &vars)];
        uploader.oss("PUT", ("6a3d", ""), &headers, &bytes).await.unwrap()
    };
    assert_eq!(elsewhere.json()["state"], false, "another object");
    assert_eq!(sim.tree(|tree| tree.len()), 0);
    assert_eq!(uploader.put(&begun, &content()).await.json()["state"], true);
    assert_eq!(sim.tree(|tree| tree.len()), 1);
}

#[tokio::test]
async fn a_file_needs_its_folder_and_room_at_the_end() {
    let sim = start(Tree::Empty).await;
    let uploader = Uploader::new(&sim).await;
    let folder = sim.tree(|tree| tree.add_folder(ROOT, "folder"));
    let mut fields = uploader.fields("a.bin", &content());
    super::upload_client::set_field(&mut fields, "target", &format!("U_1_{folder}"));
    let begun = uploader.init_with(&uploader.signed(fields)).await;
    sim.behave(|behaviours| behaviours.space_bytes = 100);
    assert_eq!(uploader.put(&begun, &content()).await.json()["code"], 91_005);
    sim.behave(|behaviours| behaviours.space_bytes = 1 << 40);
    let done = uploader.put(&begun, &content()).await.json();
    assert_eq!(done["data"]["cid"], folder.to_string());
    let mut fields = uploader.fields("b.bin", &Content::Bytes("other".into()));
    super::upload_client::set_field(&mut fields, "target", &format!("U_1_{folder}"));
    let begun = uploader.init_with(&uploader.signed(fields)).await;
    sim.tree(|tree| assert!(tree.delete(folder)));
    assert_eq!(uploader.put(&begun, &Content::Bytes("other".into())).await.json()["code"], 10_014);
}
