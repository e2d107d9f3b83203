//! Tests of whole uploads: what is told before, what becomes of the file, and how it is seen after.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::client::{exchange, get, get_with, post, start};
use super::upload_client::{BUCKET, Uploader, downloaded, uplb};
use crate::{Content, ROOT, Tree};

fn text(words: &'static str) -> Content {
    Content::Bytes(words.into())
}

fn id_of(answer: &Value) -> u64 {
    answer["data"]["file_id"].as_str().unwrap_or_else(|| panic!("{answer}")).parse().unwrap()
}

#[tokio::test]
async fn limits_and_places_are_told() {
    let sim = start(Tree::Empty).await;
    for target in ["/proapi.115.com/app/uploadinfo", "/webapi.115.com/files/uploadinfo"] {
        let info = get(&sim, target).await.json();
        assert_eq!(
            (&info["user_id"], &info["size_limit"]),
            (&json!(123_456_789), &json!(123_480_309_760_u64))
        );
        assert_eq!((info["userkey"].as_str().unwrap().len(), &info["upload_allowed"]), (40, &json!(true)));
        assert_eq!(get_with(&sim, target, &[]).await.json()["state"], false, "{target}");
    }
    assert_eq!(post(&sim, "/proapi.115.com/app/uploadinfo", None, &[]).await.json()["state"], true);
    let place = || async { get_with(&sim, "/uplb.115.com/3.0/getuploadinfo.php", &[]).await.json() };
    let gettoken = "https://uplb.115.com/3.0/gettoken.php";
    let url = json!({"endpoint": "http://oss-cn-shenzhen.aliyuncs.com", "gettokenurl": gettoken});
    assert_eq!(place().await, url);
    sim.behave(|behaviours| {
        behaviours.upload.bare_endpoint = true;
        behaviours.upload.allowed = false;
        behaviours.upload.size_limit = 5;
    });
    let bare =
        json!({"endpoint": "oss-cn-shenzhen.aliyuncs.com", "gettokenurl": gettoken, "bucket": "fhnfile"});
    assert_eq!(place().await, bare);
    let info = get(&sim, "/proapi.115.com/app/uploadinfo").await.json();
    assert_eq!((&info["upload_allowed"], &info["size_limit"]), (&json!(false), &json!(5)));
    let token = get_with(&sim, "/uplb.115.com/3.0/gettoken.php", &[]).await.json();
    assert_eq!(token["StatusCode"], "200");
    assert!(token["Expiration"].as_str().unwrap().ends_with('Z'));
    let posted = uplb(&sim, "gettoken.php", &[("userid", "123456789"), ("target", "U_1_0")]).await;
    assert_ne!(posted["AccessKeyId"], token["AccessKeyId"]);
    assert_eq!((sim.calls("uploadinfo"), sim.calls("getuploadinfo"), sim.calls("gettoken")), (6, 2, 2));
}

#[tokio::test]
async fn an_uploaded_file_is_there() {
    let sim = start(Tree::DemoSmall).await;
    let uploader = Uploader::new(&sim).await;
    // One that lies in memory, and one that does not.
    for size in [200_000, 3_000_000] {
        let content = Content::Rule { seed: 77, size };
        sim.clear_ledger();
        let answer = uploader.upload("测试 a&b.mkv", &content).await;
        let id = id_of(&answer);
        let code = sim.tree(|tree| tree.node(id).unwrap().pick_code());
        assert_eq!(
            answer,
            json!({"state": true, "message": "", "code": 0, "data": {
                "pick_code": code, "file_size": size, "file_id": id.to_string(), "thumb_url": "",
                "sha1": content.sha1_hex(), "aid": 1, "file_name": "测试 a&b.mkv", "cid": "0", "is_video": 1,
            }})
        );
        assert!(downloaded(&sim, id).await == content.read(0..size));
        let listing = get(&sim, "/webapi.115.com/files?cid=0").await.text();
        assert!(listing.contains(&content.sha1_hex()));
        let (ledger, stages) = (sim.ledger(), if size < 1 << 20 { 1 } else { 2 });
        assert_eq!((sim.calls("initupload"), sim.calls("oss_put")), (stages, 1));
        let put = ledger.iter().find(|entry| entry.endpoint == "oss_put").unwrap();
        assert_eq!((put.received, put.part, put.host.as_str()), (size, 0, &BUCKET[1..]));
        let init = ledger.iter().rfind(|entry| entry.endpoint == "initupload").unwrap();
        assert!(
            init.query.contains("filename=测试 a&b.mkv") && init.query.ends_with("status=1"),
            "{}",
            init.query
        );
        assert!(!init.query.contains(&uploader.userkey));
    }
}

#[tokio::test]
async fn the_pick_code_told_at_the_beginning_is_that_of_the_file_unless_switched_off() {
    let sim = start(Tree::Empty).await;
    let uploader = Uploader::new(&sim).await;
    let begun = uploader.init("a.txt", &text("first")).await;
    let done = uploader.put(&begun, &text("first")).await.json();
    assert_eq!(begun["pickcode"], done["data"]["pick_code"]);
    sim.behave(|behaviours| behaviours.upload.final_pick_code = false);
    let begun = uploader.init("a.txt", &text("second")).await;
    let done = uploader.put(&begun, &text("second")).await.json();
    assert_ne!(begun["pickcode"], done["data"]["pick_code"]);
    assert_eq!(done["state"], true);
}

#[tokio::test]
async fn equal_names_stand_side_by_side_and_one_upload_makes_one_file() {
    let sim = start(Tree::Empty).await;
    let uploader = Uploader::new(&sim).await;
    let begun = uploader.init("a.txt", &text("one")).await;
    let once = uploader.put(&begun, &text("one")).await;
    let twice = uploader.put(&begun, &text("one")).await;
    assert_eq!(once.json(), twice.json());
    sim.behave(|behaviours| behaviours.type_jitter = true);
    let mut kinds = Vec::new();
    for _ in 0..20 {
        kinds.push(uploader.put(&begun, &text("one")).await.json()["data"]["file_size"].is_string());
    }
    assert!(kinds.contains(&true) && kinds.contains(&false), "its numbers are told in both ways");
    sim.behave(|behaviours| behaviours.type_jitter = false);
    uploader.upload("a.txt", &text("two")).await;
    let names = sim.tree(|tree| tree.children(ROOT).iter().map(|node| node.name.clone()).collect::<Vec<_>>());
    assert_eq!(names, ["a.txt", "a.txt"]);
}

#[tokio::test]
async fn new_files_are_missing_from_listings_for_a_while() {
    let sim = start(Tree::Empty).await;
    let uploader = Uploader::new(&sim).await;
    sim.tree(|tree| tree.add_file(ROOT, "old.txt", text("old")));
    let count = || async { get(&sim, "/webapi.115.com/files?cid=0").await.json()["count"].clone() };
    sim.behave(|behaviours| behaviours.upload.listing_lag_listings = 2);
    let answer = uploader.upload("a.txt", &text("one")).await;
    let code = answer["data"]["pick_code"].as_str().unwrap();
    let info = get(&sim, &format!("/webapi.115.com/files/get_info?pick_code={code}")).await.json();
    assert_eq!(info["state"], true, "the pick code leads to it at once");
    assert_eq!([count().await, count().await, count().await], [1, 1, 2]);
    sim.behave(|behaviours| {
        behaviours.upload.listing_lag_listings = 0;
        behaviours.upload.listing_lag_secs = 100;
    });
    uploader.upload("b.txt", &text("two")).await;
    assert_eq!(count().await, 2);
    sim.advance(std::time::Duration::from_secs(100));
    assert_eq!(count().await, 3);
}

#[tokio::test]
async fn a_begun_upload_is_described_again() {
    let sim = start(Tree::Empty).await;
    let uploader = Uploader::new(&sim).await;
    let begun = uploader.init("a.txt", &text("one")).await;
    let code = begun["pickcode"].as_str().unwrap();
    let zeros = "0".repeat(40);
    let mut fields = [
        ("pickcode", code),
        ("userid", "123456789"),
        ("target", "U_1_0"),
        ("fileid", zeros.as_str()),
        ("filesize", "1"),
    ];
    let again = uplb(&sim, "resumeupload.php", &fields).await;
    for name in ["object", "bucket", "callback", "pickcode", "target"] {
        assert_eq!(again[name], begun[name], "{name}");
    }
    assert_eq!(uploader.put(&again, &text("one")).await.json()["state"], true);
    fields[0].1 = "unknown";
    assert_eq!(uplb(&sim, "resumeupload.php", &fields).await["statuscode"], 402);
    assert_eq!(sim.calls("resumeupload"), 2);
    let last = sim.ledger().into_iter().rfind(|entry| entry.endpoint == "resumeupload").unwrap();
    assert!(last.query.starts_with("pickcode=unknown&"), "{}", last.query);
}

/// A form as browsers post it.
fn form(begun: &Value, file: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    let own = |name: &str| begun[name].as_str().unwrap().to_owned();
    for (name, value) in [
        ("name", "a.txt".to_owned()),
        ("key", own("object")),
        ("policy", own("policy")),
        ("OSSAccessKeyId", own("accessid")),
        ("success_action_status", "200".to_owned()),
        ("callback", own("callback")),
        ("signature", own("signature")),
    ] {
        let part = format!("--XX\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
        body.extend(part.into_bytes());
    }
    body.extend(b"--XX\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\n\r\n");
    body.extend(file);
    body.extend(b"\r\n--XX--\r\n");
    body
}

#[tokio::test]
async fn a_form_uploads_without_cipher_and_hash() {
    let sim = start(Tree::Empty).await;
    let kind = [("Content-Type", "multipart/form-data; boundary=XX")];
    let next = || uplb(&sim, "sampleinitupload.php", &[("filename", "a.txt"), ("target", "U_1_0")]);
    for file in [b"".as_slice(), b"--XX is no boundary\r\n", &vec![7; 100_000]] {
        let begun = next().await;
        assert_eq!(begun["host"], format!("https:/{BUCKET}"));
        let answer = exchange(&sim, "POST", &format!("{BUCKET}/"), &kind, form(&begun, file)).await.unwrap();
        let answer = answer.json();
        assert_eq!(
            (&answer["state"], &answer["data"]["file_size"]),
            (&json!(true), &json!(file.len().to_string()))
        );
        assert!(downloaded(&sim, id_of(&answer)).await == file);
        let again = exchange(&sim, "POST", &format!("{BUCKET}/"), &kind, form(&begun, file)).await.unwrap();
        assert_eq!(again.json(), answer, "a second post makes no second file");
    }
    assert_eq!((sim.tree(|tree| tree.len()), sim.calls("oss_form")), (3, 6));
    let mut begun = next().await;
    begun["policy"] = json!(STANDARD.encode("{}"));
    let refused = exchange(&sim, "POST", BUCKET, &kind, form(&begun, b"x")).await.unwrap();
    assert!(refused.status == 403 && refused.text().contains("SignatureDoesNotMatch"));
    let begun = next().await;
    let mut changed = begun.clone();
    changed["callback"] =
        json!(STANDARD.encode(r#"{"callbackUrl":"http://example.org/","callbackBody":""}"#));
    assert_eq!(exchange(&sim, "POST", BUCKET, &kind, form(&changed, b"x")).await.unwrap().status, 203);
    let (sent, own) = (form(&begun, b"x"), begun["object"].as_str().unwrap());
    let sent = String::from_utf8(sent).unwrap().replace(own, &"0".repeat(40)).into_bytes();
    let elsewhere = exchange(&sim, "POST", BUCKET, &kind, sent).await.unwrap();
    assert_eq!(elsewhere.json()["code"], 10_002, "another object");
    sim.advance(std::time::Duration::from_secs(3600));
    let refused = exchange(&sim, "POST", BUCKET, &kind, form(&begun, b"x")).await.unwrap();
    assert!(refused.status == 403 && refused.text().contains("Policy expired"));
    let gone = uplb(&sim, "sampleinitupload.php", &[("filename", "a.txt"), ("target", "U_1_5")]).await;
    assert_eq!((&gone["state"], &gone["errno"]), (&json!(false), &json!(10_014)));
    assert_eq!(sim.tree(|tree| tree.len()), 3);
}

#[tokio::test]
async fn scripts_know_contents_and_change_single_switches() {
    let sim = start(Tree::Empty).await;
    let act = |method: &'static str, target: &'static str, body: &'static str| {
        let sim = &sim;
        async move { exchange(sim, method, target, &[], body).await.unwrap() }
    };
    let known = act("POST", "/__sim/known", r#"{"size": 5000, "seed": 9}"#).await.json();
    let content = Content::Rule { seed: 9, size: 5000 };
    assert_eq!(known, json!({"size": 5000, "seed": 9, "sha1": content.sha1_hex()}));
    let given = r#"{"size": 9000000000, "seed": 1, "sha1": "00ff"}"#;
    assert_eq!(act("POST", "/__sim/known", given).await.json()["sha1"], "00FF");
    assert_eq!(act("POST", "/__sim/known", r#"{"text": "x"}"#).await.json()["size"], 1);
    let all = act("GET", "/__sim/known", "").await.json();
    assert_eq!(all["known"].as_array().unwrap().len(), 3);
    assert!(act("GET", "/__sim/content?seed=9&size=5000", "").await.body == content.read(0..5000));
    assert_eq!(act("GET", "/__sim/uploads", "").await.json(), json!({"unfinished": 0}));
    assert_eq!(act("GET", "/__sim/key", "").await.json()["ec_public_key"], sim.ec_public_key());
    act("PATCH", "/__sim/behaviours", r#"{"upload": {"rapid": false}}"#).await;
    let answer = act("PATCH", "/__sim/behaviours", r#"{"upload": {"range_check_bytes": 7}}"#).await.json();
    assert_eq!(
        (&answer["upload"]["rapid"], &answer["upload"]["range_check_bytes"]),
        (&json!(false), &json!(7))
    );
    assert_eq!(act("PATCH", "/__sim/behaviours", r#"{"upload": {"rapit": false}}"#).await.status, 400);
    sim.behave(|behaviours| assert!(!behaviours.upload.rapid && behaviours.upload.range_check_bytes == 7));
}
