//! Uploads: announced, sent, gone on with.

use std::time::Duration;

use bytes::Bytes;
use dav115::drive::{Drive as _, DriveErrorKind};
use dav115::model::{FileId, PickCode, Proof, UploadSession, UploadStep};
use sim115::{Content, Fault, FaultRule, RangeFailure};

use super::{Cloud, Source, client, kind, noise, sha1, target};

const ROOT: FileId = FileId::ROOT;
const MIB: usize = 1 << 20;

#[tokio::test]
async fn a_content_that_115_knows_is_there_without_a_byte_of_it() {
    let cloud = Cloud::start().await;
    let content = noise(2 * MIB, 1);
    cloud.sim.know(&Content::Bytes(content.clone()));
    let target = target("测试 a&b.txt", &content);
    let UploadStep::Known(node) = cloud.begin(&target, &content).await.unwrap() else { panic!() };
    cloud.assert_calls(&[("uploadinfo", 1), ("initupload", 2)]);
    assert_eq!(cloud.node(ROOT, "测试 a&b.txt").await.id, node.id);
    assert_eq!((node.size, node.sha1), (target.size, Some(target.sha1)));
    // Whoever cannot prove it gets nothing.
    for failure in [RangeFailure::Status8, RangeFailure::Status6] {
        cloud.sim.behave(|behaviours| behaviours.upload.range_failure = failure);
        let UploadStep::Prove(challenge) =
            cloud.drive.begin_upload(&cloud.meter, &target, None).await.unwrap()
        else {
            panic!()
        };
        let wrong = Proof { key: challenge.key, sha1: sha1(b"wrong") };
        let outcome = cloud.drive.begin_upload(&cloud.meter, &target, Some(&wrong)).await;
        assert_eq!(kind(outcome), DriveErrorKind::Denied);
    }
}

#[tokio::test]
async fn several_questions_and_long_answers_are_understood() {
    let cloud = Cloud::start().await;
    let content = noise(2 * MIB, 2);
    cloud.sim.know(&Content::Bytes(content.clone()));
    cloud.sim.behave(|behaviours| {
        behaviours.upload.range_check_rounds = 3;
        behaviours.upload.answer_filler = 20_000;
        behaviours.type_jitter = true;
        behaviours.escaped_slashes = true;
    });
    let step = cloud.begin(&target("a", &content), &content).await.unwrap();
    assert!(matches!(step, UploadStep::Known(_)), "{step:?}");
}

#[tokio::test]
async fn a_small_file_is_sent_in_one_piece() {
    for (size, seed) in [(1, 1), (1000, 2), (MIB, 3), (10 * MIB, 4)] {
        let cloud = Cloud::start().await;
        let content = noise(size, seed);
        let target = target("a b+c.bin", &content);
        let mut session = cloud.session(&target, &content).await;
        cloud.drive.prepare_upload(&cloud.meter, &target, &mut session).await.unwrap();
        assert_eq!(session.multipart, None);
        let mut source = Source::new(&content);
        let node = cloud.send(&target, &session, &mut source).await.unwrap();
        assert_eq!(cloud.node(ROOT, "a b+c.bin").await.id, node.id, "{size}");
        assert_eq!(cloud.content(node.id), content);
        assert!(source.read.iter().eq([&(0..size as u64)]));
        assert_ne!(node.pick_code, PickCode::NONE);
    }
}

#[tokio::test]
async fn an_empty_file_is_made_in_either_way() {
    for takes_announcements in [true, false] {
        let cloud = Cloud::start().await;
        cloud.sim.behave(|behaviours| behaviours.upload.empty_files = takes_announcements);
        let nothing = Bytes::new();
        let target = target("empty.txt", &nothing);
        let node = match cloud.begin(&target, &nothing).await.unwrap() {
            UploadStep::Known(node) => *node,
            UploadStep::Send(session) => {
                cloud.send(&target, &session, &mut Source::new(&nothing)).await.unwrap()
            }
            UploadStep::Prove(_) => panic!("there is nothing to prove"),
        };
        assert_eq!(cloud.asked("sampleinitupload"), usize::from(!takes_announcements));
        assert_eq!(cloud.node(ROOT, "empty.txt").await.id, node.id);
    }
}

#[tokio::test]
async fn a_long_file_is_sent_in_parts_and_gone_on_with_after_a_loss() {
    let cloud = Cloud::start().await;
    let content = noise(25 * MIB + 7, 5);
    let target = target("film.mkv", &content);
    let mut session = cloud.session(&target, &content).await;
    cloud.drive.prepare_upload(&cloud.meter, &target, &mut session).await.unwrap();
    let prepared = session.clone();
    cloud.drive.prepare_upload(&cloud.meter, &target, &mut session).await.unwrap();
    assert!(session == prepared && session.multipart.is_some());
    let part = session.part_size;

    let mut source = Source { breaks_at: 2 * part, ..Source::new(&content) };
    assert_eq!(kind(cloud.send(&target, &session, &mut source).await), DriveErrorKind::Aborted);
    assert_eq!(cloud.names(ROOT), [""; 0]);

    // As after a restart: only what is missing is read.
    let mut source = Source::new(&content);
    let node = cloud.send(&target, &session, &mut source).await.unwrap();
    assert!(source.read.iter().eq([&(2 * part..target.size)]), "{:?}", source.read);
    assert_eq!(cloud.asked("oss_part"), 3);
    assert_eq!(cloud.content(node.id), content);
    assert_eq!(cloud.sim.unfinished_uploads(), 0);

    // And once more: it is there already.
    let mut source = Source::new(&content);
    let again = cloud.send(&target, &session, &mut source).await.unwrap();
    assert_eq!((again.id, source.read.len()), (node.id, 0));
    assert_eq!(cloud.names(ROOT), ["film.mkv"]);
}

#[tokio::test]
async fn what_breaks_on_the_way_up_is_sent_again() {
    let content = noise(21 * MIB, 6);
    for fault in [
        FaultRule::nth("oss_part", 2, Fault::CutUpload(4096)),
        FaultRule::nth("oss_part", 2, Fault::Unanswered),
        FaultRule::nth("oss_part", 3, Fault::Reset),
        FaultRule::nth("oss_part", 1, Fault::Status(503)),
        FaultRule::nth("oss_initiate", 1, Fault::Reset),
        FaultRule::nth("oss_complete", 1, Fault::Unanswered),
        FaultRule::nth("oss_complete", 1, Fault::Reset),
        FaultRule::nth("oss_part", 2, Fault::Oss { status: 403, code: "SecurityTokenExpired".to_owned() }),
    ] {
        let shown = format!("{fault:?}");
        let cloud = Cloud::start().await;
        let target = target("film.mkv", &content);
        let session = cloud.session(&target, &content).await;
        cloud.sim.fault(fault);
        let mut source = Source::new(&content);
        let node = cloud.send(&target, &session, &mut source).await.expect(&shown);
        assert_eq!(cloud.content(node.id), content, "{shown}");
        assert_eq!(source.read.len(), 3, "{shown}");
        assert_eq!(cloud.names(ROOT), ["film.mkv"], "{shown}");
        assert_eq!(node.id, cloud.node(ROOT, "film.mkv").await.id, "{shown}");
    }
}

#[tokio::test]
async fn a_file_sent_in_one_piece_is_not_made_twice() {
    let content = noise(1000, 7);
    for fault in [
        FaultRule::nth("oss_put", 1, Fault::Unanswered),
        FaultRule::nth("oss_put", 1, Fault::Reset),
        FaultRule::nth("oss_put", 1, Fault::CutUpload(100)),
    ] {
        let shown = format!("{fault:?}");
        let cloud = Cloud::start().await;
        let target = target("a.txt", &content);
        let session = cloud.session(&target, &content).await;
        cloud.sim.fault(fault);
        cloud.send(&target, &session, &mut Source::new(&content)).await.expect(&shown);
        assert_eq!(cloud.names(ROOT), ["a.txt"], "{shown}");
    }
}

#[tokio::test]
async fn what_115_does_not_take_in_the_end_is_a_failure() {
    let content = noise(1000, 8);
    let cloud = Cloud::start().await;
    let announced = target("a.txt", &content);
    let session = cloud.session(&announced, &content).await;
    // Other bytes than were announced.
    let outcome = cloud.send(&announced, &session, &mut Source::new(&noise(1000, 9))).await;
    assert!(outcome.is_err());
    // The storage has it, and cannot tell 115.
    cloud.sim.fault(FaultRule::every("oss_put", Fault::CallbackFailed));
    let outcome = cloud.send(&announced, &session, &mut Source::new(&content)).await;
    assert_eq!(kind(outcome), DriveErrorKind::Unavailable);
    assert_eq!(cloud.names(ROOT), [""; 0]);
}

#[tokio::test]
async fn keys_are_kept_for_their_life_and_renewed() {
    let cloud = Cloud::start().await;
    for (seed, tokens) in [(1, 1), (2, 1), (3, 2), (4, 3)] {
        match seed {
            3 => cloud.sim.expire_upload_tokens(),
            // The clock of the gateway does not move with that of the simulator, so the keys are refused.
            4 => cloud.sim.advance(Duration::from_secs(4000)),
            _ => {}
        }
        let content = noise(1000, 20 + seed);
        let target = target(&format!("{seed}.txt"), &content);
        if seed == 4 {
            cloud.sim.behave(|behaviours| behaviours.upload.time_tolerance_secs = 10_000);
        }
        let session = cloud.session(&target, &content).await;
        cloud.send(&target, &session, &mut Source::new(&content)).await.unwrap();
        assert_eq!(cloud.asked("gettoken"), tokens, "{seed}");
    }
    assert_eq!((cloud.asked("uploadinfo"), cloud.asked("getuploadinfo")), (1, 1));
}

#[tokio::test]
async fn an_upload_that_the_storage_has_forgotten_begins_anew() {
    let cloud = Cloud::start().await;
    let content = noise(11 * MIB, 10);
    let target = target("a.bin", &content);
    let session = cloud.session(&target, &content).await;
    let lost = UploadSession { multipart: Some("0004B9894A22E5B1888A1E29F8236E2D".to_owned()), ..session };
    let mut source = Source::new(&content);
    cloud.send(&target, &lost, &mut source).await.unwrap();
    assert_eq!(source.read.len(), 2);
    assert_eq!(cloud.names(ROOT), ["a.bin"]);
}

#[tokio::test]
async fn an_upload_is_given_up_with_its_parts() {
    let cloud = Cloud::start().await;
    let content = noise(11 * MIB, 11);
    let target = target("a.bin", &content);
    let mut session = cloud.session(&target, &content).await;
    cloud.drive.abort_upload(&cloud.meter, &session).await.unwrap();
    cloud.drive.prepare_upload(&cloud.meter, &target, &mut session).await.unwrap();
    assert_eq!(cloud.sim.unfinished_uploads(), 1);
    for _ in 0..2 {
        cloud.drive.abort_upload(&cloud.meter, &session).await.unwrap();
        assert_eq!(cloud.sim.unfinished_uploads(), 0);
    }
}

#[tokio::test]
async fn refusals_of_an_announcement_say_what_is_the_matter() {
    let cloud = Cloud::start().await;
    let content = noise(1000, 12);
    let target = target("a.bin", &content);
    let init = |code, message: &str| Fault::Init { status: 4, code, message: message.to_owned() };
    for (fault, expected) in [
        (init(91_005, "空间不足"), DriveErrorKind::NoSpace),
        (init(10_014, "云端目录不存在"), DriveErrorKind::NotFound),
        (init(403, "请升级到最新版本"), DriveErrorKind::Denied),
        (init(402, "userid/filesize/target/pickcode/ invalid"), DriveErrorKind::Unavailable),
    ] {
        for plain in [true, false] {
            cloud.sim.behave(|behaviours| behaviours.upload.plain_failures = plain);
            cloud.sim.fault(FaultRule::nth("initupload", 1, fault.clone()));
            let outcome = cloud.drive.begin_upload(&cloud.meter, &target, None).await;
            assert_eq!(kind(outcome), expected, "{fault:?}");
        }
    }
    assert_eq!(cloud.drive.upload_limit(&cloud.meter).await.unwrap(), 115 << 30);
    let too_long = dav115::model::UploadTarget { size: (115 << 30) + 1, ..target.clone() };
    let before = cloud.asked("initupload");
    let outcome = cloud.drive.begin_upload(&cloud.meter, &too_long, None).await;
    assert_eq!((kind(outcome), cloud.asked("initupload")), (DriveErrorKind::TooLarge, before));
    // After too many of them 115 is left alone for a while.
    cloud.sim.fault(FaultRule::nth("initupload", 1, init(401, "token invalid")));
    let outcome = cloud.drive.begin_upload(&cloud.meter, &target, None).await;
    assert!(matches!(kind(outcome), DriveErrorKind::Throttled { .. }));
    let before = cloud.asked("initupload");
    let outcome = cloud.drive.begin_upload(&cloud.meter, &target, None).await;
    assert!(matches!(kind(outcome), DriveErrorKind::Blocked { .. }));
    assert_eq!(cloud.asked("initupload"), before);
}

#[tokio::test]
async fn another_version_is_told_alike_everywhere() {
    let sim = crate::harness::simulator(sim115::Tree::Empty).await;
    sim.behave(|behaviours| "40.0".clone_into(&mut behaviours.upload.minimum_version));
    let content = noise(1000, 14);
    let target = target("a.bin", &content);
    let (cookie, deadline) = (sim.cookie(), Duration::from_secs(20));
    let old = client(&sim, &cookie, deadline);
    let new = client(&sim, &cookie, deadline).with_version("40.0.1");
    let cloud = Cloud::of(sim, std::sync::Arc::new(old), &[]);
    let error = cloud.drive.begin_upload(&cloud.meter, &target, None).await.unwrap_err();
    assert!(error.kind == DriveErrorKind::Denied && error.reason.contains("client_version"), "{error}");
    let cloud = Cloud::of(cloud.sim, std::sync::Arc::new(new), &[]);
    cloud.session(&target, &content).await;
}

#[tokio::test]
async fn a_pick_code_that_tells_no_id_is_looked_up() {
    let cloud = Cloud::start().await;
    cloud.sim.behave(|behaviours| behaviours.upload.final_pick_code = false);
    let content = noise(1000, 13);
    let target = target("a.bin", &content);
    let session = cloud.session(&target, &content).await;
    let node = cloud.send(&target, &session, &mut Source::new(&content)).await.unwrap();
    assert_eq!(cloud.node(ROOT, "a.bin").await.id, node.id);
}
