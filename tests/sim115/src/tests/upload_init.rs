//! Tests of `initupload.php`: its cipher, its conditions, and its refusals.

use std::time::Duration;

use serde_json::{Value, json};

use super::client::{exchange, start};
use super::upload_client::{Padding, Uploader, open, prove, set_field, unix};
use crate::{Content, Fault, FaultRule, ROOT, RangeFailure, Sim, Tree, UploadBehaviours};

fn small() -> Content {
    Content::Bytes("some text".into())
}

fn large() -> Content {
    Content::Rule { seed: 5, size: 2 << 20 }
}

fn said(answer: &Value) -> (i64, i64, &str) {
    let number = |name: &str| answer[name].as_i64().unwrap_or_else(|| panic!("{answer}"));
    (number("status"), number("statuscode"), answer["statusmsg"].as_str().unwrap())
}

const TOKEN_INVALID: (i64, i64, &str) = (4, 401, "token invalid");

fn switch(sim: &Sim, change: impl FnOnce(&mut UploadBehaviours)) {
    sim.behave(|behaviours| {
        behaviours.upload = UploadBehaviours::default();
        change(&mut behaviours.upload);
    });
}

#[tokio::test]
async fn both_keys_and_all_paddings_are_taken() {
    let sim = start(Tree::Empty).await;
    let mut uploader = Uploader::new(&sim).await;
    for fixed_key in [false, true] {
        for padding in [Padding::Zeros, Padding::Unaligned, Padding::Pkcs7] {
            (uploader.fixed_key, uploader.padding) = (fixed_key, padding);
            // Forms of all lengths modulo sixteen.
            for length in 1..=16 {
                let answer = uploader.init(&"n".repeat(length), &small()).await;
                assert_eq!(said(&answer), (1, 0, ""));
                assert_eq!(answer["object"].as_str().unwrap().len(), 40);
            }
        }
    }
}

#[tokio::test]
async fn each_condition_of_the_form_is_enforced_until_let_go() {
    let sim = start(Tree::Empty).await;
    let uploader = Uploader::new(&sim).await;
    let mut late = uploader.fields("a", &small());
    set_field(&mut late, "t", &(unix() - 700).to_string());
    let mut millis = uploader.fields("a", &small());
    set_field(&mut millis, "t", &(unix() * 1000).to_string());
    let mut keyless = uploader.fields("a", &small());
    keyless.retain(|(name, _)| name != "userkey");
    let mut zero = uploader.fields("a", &small());
    zero.push(("appid".into(), "0".into()));
    let mut unsorted = uploader.signed(uploader.fields("a", &small()));
    unsorted.reverse();
    for (fields, lax) in [
        (uploader.signed(late), (|it| it.time_tolerance_secs = 1000) as fn(&mut UploadBehaviours)),
        (uploader.signed(millis), |it| it.time_in_seconds = false),
        (uploader.signed(keyless), |it| it.userkey_required = false),
        (uploader.signed(zero), |it| it.no_empty_values = false),
        (unsorted, |it| it.sorted_form = false),
    ] {
        switch(&sim, |_| ());
        assert_eq!(said(&uploader.init_with(&fields).await), TOKEN_INVALID, "{fields:?}");
        switch(&sim, lax);
        assert_eq!(said(&uploader.init_with(&fields).await), (1, 0, ""), "{fields:?}");
    }
    switch(&sim, |_| ());
    let mut damaged = uploader.signed(uploader.fields("a", &small()));
    set_field(&mut damaged, "token", "0");
    damaged.sort();
    assert_eq!(said(&uploader.init_with(&damaged).await), TOKEN_INVALID);
}

#[tokio::test]
async fn every_refusal_has_its_code() {
    let sim = start(Tree::Empty).await;
    let mut uploader = Uploader::new(&sim).await;
    let wrong = |name: &'static str, value: &'static str| {
        let mut fields = uploader.fields("a", &small());
        set_field(&mut fields, name, value);
        uploader.signed(fields)
    };
    for (name, value) in [
        ("userid", "5"),
        ("fileid", "abc"),
        ("fileid", "4536fc09ec125d8873f729a7b38810acc98b519c"),
        ("filesize", "many"),
        ("target", "S_1_0"),
        ("filename", ""),
    ] {
        let answer = uploader.init_with(&wrong(name, value)).await;
        assert_eq!(said(&answer), (4, 402, "userid/filesize/target/pickcode/ invalid"), "{name}");
    }
    assert_eq!(said(&uploader.init_with(&wrong("target", "U_1_77")).await).1, 10_014);
    let mut unsigned = uploader.signed(uploader.fields("a", &small()));
    set_field(&mut unsigned, "sig", "0");
    unsigned.sort();
    assert_eq!(said(&uploader.init_with(&unsigned).await), (4, 400, "sig invalid"));
    assert_eq!(said(&uploader.init_with(&wrong("appversion", "35.9.9")).await), (4, 403, "请升级到最新版本"));
    switch(&sim, |it| it.size_limit = 5);
    assert_eq!(said(&uploader.init("a", &small()).await).1, 402);
    switch(&sim, |_| ());
    sim.behave(|behaviours| behaviours.space_bytes = 5);
    assert_eq!(said(&uploader.init("a", &small()).await).1, 91_005);
    sim.behave(|behaviours| behaviours.space_bytes = 50);
    uploader.agent = "curl/8";
    assert_eq!(said(&uploader.init("a", &small()).await).1, 403);
    switch(&sim, |it| it.version_gate = false);
    assert_eq!(said(&uploader.init("a", &small()).await).0, 1);
    // Without a key, the answer is plain.
    for query in ["", "?k_ec=AAAA"] {
        let target = format!("/uplb.115.com/4.0/initupload.php{query}");
        let answer = exchange(&sim, "POST", &target, &[], "0123456789abcdef").await.unwrap();
        assert_eq!(said(&answer.json()).1, 402);
    }
}

#[tokio::test]
async fn empty_files_can_be_refused() {
    let sim = start(Tree::Empty).await;
    let uploader = Uploader::new(&sim).await;
    let empty = Content::Bytes("".into());
    assert_eq!(uploader.upload("empty", &empty).await["data"]["file_size"], 0);
    switch(&sim, |it| it.empty_files = false);
    assert_eq!(said(&uploader.init("empty", &empty).await).1, 402);
}

#[tokio::test]
async fn a_range_is_to_be_proven() {
    let sim = start(Tree::Empty).await;
    let uploader = Uploader::new(&sim).await;
    sim.tree(|tree| tree.add_file(ROOT, "there", large()));
    let first = uploader.init_with(&uploader.signed(uploader.fields("a", &large()))).await;
    assert_eq!(said(&first), (7, 701, ""));
    let (from, to) = first["sign_check"].as_str().unwrap().split_once('-').unwrap();
    assert_eq!(to.parse::<u64>().unwrap() - from.parse::<u64>().unwrap() + 1, 128);
    let second = |asked: &Value, content: &Content| {
        let mut fields = uploader.fields("a", &large());
        prove(&mut fields, asked, content);
        uploader.signed(fields)
    };
    let right = second(&first, &large());
    let wrong = second(&first, &Content::Rule { seed: 6, size: 2 << 20 });
    assert_eq!(said(&uploader.init_with(&wrong).await), (8, 702, ""));
    switch(&sim, |it| it.range_failure = RangeFailure::Status6);
    assert_eq!(said(&uploader.init_with(&wrong).await), (6, 700, ""));
    switch(&sim, |it| it.range_failure = RangeFailure::Again);
    assert_eq!(said(&uploader.init_with(&wrong).await), (7, 701, ""));
    switch(&sim, |it| it.range_check_rounds = 3);
    let again = uploader.init_with(&right).await;
    assert_eq!(said(&again).0, 7);
    let third = uploader.init_with(&second(&again, &large())).await;
    assert_eq!(said(&third).0, 7);
    assert_eq!(said(&uploader.init_with(&second(&third, &large())).await).0, 2);
    switch(&sim, |_| ());
    sim.advance(Duration::from_secs(301));
    assert_eq!(said(&uploader.init_with(&right).await), (4, 400, "sig invalid"));
    let mut unknown = uploader.fields("a", &large());
    prove(&mut unknown, &json!({"sign_key": "FF", "sign_check": "0-9"}), &large());
    assert_eq!(said(&uploader.init_with(&uploader.signed(unknown)).await).0, 8);
}

#[tokio::test]
async fn the_range_is_asked_for_from_a_size_on() {
    let sim = start(Tree::Empty).await;
    let uploader = Uploader::new(&sim).await;
    let stage = |size: u64| {
        let fields = uploader.fields("a", &Content::Rule { seed: 1, size });
        let uploader = &uploader;
        async move { said(&uploader.init_with(&uploader.signed(fields)).await).0 }
    };
    assert_eq!((stage((1 << 20) - 1).await, stage(1 << 20).await), (1, 7));
    switch(&sim, |it| it.range_check_at_least = 10);
    assert_eq!((stage(9).await, stage(10).await), (1, 7));
    switch(&sim, |it| it.range_check_unknown = false);
    assert_eq!(stage(1 << 20).await, 1);
    switch(&sim, |it| (it.range_check_at_least, it.range_check_bytes) = (10, 1 << 20));
    let answer = uploader
        .init_with(&uploader.signed(uploader.fields("a", &Content::Rule { seed: 1, size: 20 })))
        .await;
    assert_eq!(answer["sign_check"], "0-19", "no longer than the file");
    for (at, expected) in [(0, "0-127"), (5, "5-132"), (1 << 62, "1048448-1048575")] {
        switch(&sim, |it| it.range_check_at = Some(at));
        let fields = uploader.fields("a", &Content::Rule { seed: 1, size: 1 << 20 });
        assert_eq!(uploader.init_with(&uploader.signed(fields)).await["sign_check"], expected);
    }
}

#[tokio::test]
async fn too_many_calls_look_like_a_wrong_token() {
    let sim = start(Tree::Empty).await;
    let uploader = Uploader::new(&sim).await;
    switch(&sim, |it| it.init_calls = 2);
    let mut seen = Vec::new();
    for _ in 0..4 {
        seen.push(said(&uploader.init("a", &small()).await).0);
    }
    assert_eq!(seen, [1, 1, 4, 4]);
    assert_eq!(said(&uploader.init("a", &small()).await), TOKEN_INVALID);
    sim.advance(Duration::from_secs(600));
    assert_eq!(said(&uploader.init("a", &small()).await).0, 1);
}

#[tokio::test]
async fn answers_take_all_their_forms() {
    let sim = start(Tree::Empty).await;
    let uploader = Uploader::new(&sim).await;
    switch(&sim, |it| it.answer_filler = 20_000);
    let long = uploader.init("a", &small()).await;
    assert_eq!((said(&long).0, long["fileinfo"].as_str().unwrap().len()), (1, 20_000));
    switch(&sim, |it| (it.plain_failures, it.size_limit) = (true, 5));
    let fields = uploader.signed(uploader.fields("a", &small()));
    let (answer, key) = uploader.send(&fields).await;
    let answer = answer.unwrap();
    assert!(open(&answer.body, key).is_none());
    assert_eq!(said(&answer.json()).1, 402);
    switch(&sim, |_| ());
    let strike = |fault| {
        sim.clear_faults();
        sim.fault(FaultRule::nth("initupload", 1, fault));
    };
    strike(Fault::Status(401));
    assert_eq!(uploader.send(&fields).await.0.unwrap().status, 401);
    assert_eq!(said(&uploader.init_with(&fields).await).0, 1, "once only");
    strike(Fault::Garbage);
    let (answer, key) = uploader.send(&fields).await;
    let answer = answer.unwrap();
    assert!(open(&answer.body, key).is_none() && serde_json::from_slice::<Value>(&answer.body).is_err());
    strike(Fault::Json { errno: 402, message: "x".into() });
    assert_eq!(said(&uploader.init_with(&fields).await), (4, 402, "x"));
    strike(Fault::Init { status: 6, code: 700, message: String::new() });
    assert_eq!(said(&uploader.init_with(&fields).await), (6, 700, ""));
    strike(Fault::LoggedOut);
    assert_eq!(uploader.init_with(&fields).await["errNo"], 990_001);
    strike(Fault::Reset);
    assert!(uploader.send(&fields).await.0.is_none());
    sim.behave(|behaviours| behaviours.type_jitter = true);
    let mut kinds = Vec::new();
    for _ in 0..20 {
        kinds.push(uploader.init("a", &small()).await["status"].is_string());
    }
    assert!(kinds.contains(&true) && kinds.contains(&false));
    assert_eq!(sim.tree(|tree| tree.len()), 0, "begun uploads leave nothing in the tree");
}
