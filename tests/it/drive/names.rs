//! Folders, names, places and the recycle bin.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use dav115::drive::{Drive as _, DriveErrorKind};
use dav115::model::{CookieUse, FileId};
use sim115::{Fault, FaultRule, MkdirForm, Tree};

use super::{Cloud, client, kind, noise};
use crate::harness::simulator;

const ROOT: FileId = FileId::ROOT;

#[tokio::test]
async fn a_folder_is_made_wherever_115_says_its_id() {
    for form in [MkdirForm::Flat, MkdirForm::DataFileId, MkdirForm::DataCategoryId] {
        let cloud = Cloud::start().await;
        cloud.sim.behave(|behaviours| behaviours.writes.mkdir_form = form);
        let made = cloud.drive.create_folder(&cloud.meter, ROOT, "电影 & more").await.unwrap();
        assert!(made.is_folder() && &*made.name == "电影 & more");
        assert_eq!(cloud.node(ROOT, "电影 & more").await.id, made.id, "{form:?}");
    }
}

#[tokio::test]
async fn a_folder_that_is_there_a_bad_name_and_a_missing_parent_are_told_apart() {
    let cloud = Cloud::start().await;
    cloud.folder(ROOT, "a");
    let make = |parent, name| cloud.drive.create_folder(&cloud.meter, parent, name);
    assert_eq!(kind(make(ROOT, "a").await), DriveErrorKind::Exists);
    assert_eq!(kind(make(ROOT, "a\"b").await), DriveErrorKind::BadName);
    assert_eq!(kind(make(FileId(1), "b").await), DriveErrorKind::NotFound);
    assert_eq!(cloud.names(ROOT), ["a"]);
    let mut folder = ROOT;
    for _ in 0..25 {
        folder = cloud.folder(folder, "deeper");
    }
    let refused = make(folder, "too deep").await.unwrap_err();
    assert!(
        refused.kind == DriveErrorKind::Denied && refused.to_string().contains("25 folders"),
        "{refused}"
    );
}

#[tokio::test]
async fn a_folder_whose_answer_was_lost_is_found_and_not_made_twice() {
    let cloud = Cloud::start().await;
    cloud.sim.fault(FaultRule::nth("add", 1, Fault::Unanswered));
    let made = cloud.drive.create_folder(&cloud.meter, ROOT, "a").await.unwrap();
    assert_eq!(cloud.asked("add"), 2);
    assert_eq!(cloud.node(ROOT, "a").await.id, made.id);
    assert_eq!(cloud.names(ROOT), ["a"]);
}

#[tokio::test]
async fn a_name_is_changed_in_place_if_115_can_do_it() {
    let cloud = Cloud::start().await;
    cloud.file(ROOT, "a.txt", Bytes::from_static(b"1"));
    cloud.folder(ROOT, "v1.0");
    let file = cloud.node(ROOT, "a.txt").await;
    let folder = cloud.node(ROOT, "v1.0").await;
    let renamed = cloud.drive.rename(&cloud.meter, &file, ROOT, "b c.txt").await.unwrap();
    assert_eq!((renamed.id, &*renamed.name), (file.id, "b c.txt"));
    let renamed = cloud.drive.rename(&cloud.meter, &folder, ROOT, "v2").await.unwrap();
    assert_eq!((renamed.id, &*renamed.name), (folder.id, "v2"));
    cloud.assert_calls(&[("batch_rename", 2)]);
    // The name it has already.
    cloud.sim.behave(|behaviours| behaviours.writes.same_name_refused = true);
    cloud.drive.rename(&cloud.meter, &renamed, ROOT, "v2").await.unwrap();
    assert_eq!(cloud.names(ROOT), ["b c.txt", "v2"]);
}

#[tokio::test]
async fn a_file_gets_another_extension_by_being_made_anew() {
    let content = noise(3 << 20, 1);
    let cloud = Cloud::start().await;
    cloud.file(ROOT, "a.part", content.clone());
    cloud.file(ROOT, "b.txt", Bytes::from_static(b"small"));
    cloud.file(ROOT, "c.txt", Bytes::new());
    cloud.file(ROOT, "d.", Bytes::from_static(b"dot"));
    cloud.file(ROOT, "e.rc", Bytes::from_static(b"hidden"));
    for (old, new) in
        [("a.part", "a.mkv"), ("b.txt", "b"), ("c.txt", "c.md"), ("d.", "d d."), ("e.rc", ".rc")]
    {
        let node = cloud.node(ROOT, old).await;
        let made = cloud.drive.rename(&cloud.meter, &node, ROOT, new).await.unwrap();
        assert!(&*made.name == new && made.id != node.id && made.sha1 == node.sha1);
        assert_eq!(cloud.node(ROOT, new).await.id, made.id);
    }
    assert_eq!(cloud.names(ROOT), [".rc", "a.mkv", "b", "c.md", "d d."]);
    assert_eq!(cloud.content(cloud.node(ROOT, "a.mkv").await.id), content);
    assert_eq!(cloud.sim.tree(|tree| tree.bin().len()), 5);
}

#[tokio::test]
async fn a_file_is_not_renamed_by_halves() {
    let cloud = Cloud::start().await;
    cloud.file(ROOT, "a.txt", Bytes::from_static(b"small"));
    let node = cloud.node(ROOT, "a.txt").await;
    // The old one does not go: then the new one goes again.
    cloud.sim.fault(FaultRule::nth("rb_delete", 1, Fault::Refusal(990_002)));
    assert_eq!(
        kind(cloud.drive.rename(&cloud.meter, &node, ROOT, "a.md").await),
        DriveErrorKind::Unavailable
    );
    assert_eq!(cloud.names(ROOT), ["a.txt"]);
    assert_eq!(cloud.node(ROOT, "a.txt").await.id, node.id);
    // It went, but nobody heard of it: then the new one stays.
    for _ in 0..4 {
        cloud.sim.fault(FaultRule { times: Some(1), ..FaultRule::nth("rb_delete", 1, Fault::Unanswered) });
    }
    let made = cloud.drive.rename(&cloud.meter, &node, ROOT, "a.md").await.unwrap();
    assert_eq!(cloud.names(ROOT), ["a.md"]);
    assert_eq!(cloud.node(ROOT, "a.md").await.id, made.id);
    // 115 wants the bytes: nothing has changed.
    cloud.sim.behave(|behaviours| behaviours.upload.rapid = false);
    assert_eq!(kind(cloud.drive.rename(&cloud.meter, &made, ROOT, "a.bin").await), DriveErrorKind::BadName);
    assert_eq!(cloud.names(ROOT), ["a.md"]);
}

#[tokio::test]
async fn what_is_gone_cannot_be_renamed_although_115_says_that_it_was() {
    let cloud = Cloud::start().await;
    cloud.file(ROOT, "a.txt", Bytes::from_static(b"1"));
    let node = cloud.node(ROOT, "a.txt").await;
    cloud.sim.tree(|tree| tree.delete(node.id.0));
    assert_eq!(kind(cloud.drive.rename(&cloud.meter, &node, ROOT, "b.txt").await), DriveErrorKind::NotFound);
}

#[tokio::test]
async fn a_move_destroys_no_namesake() {
    let cloud = Cloud::start().await;
    let to = cloud.folder(ROOT, "to");
    cloud.file(ROOT, "a.txt", Bytes::from_static(b"new"));
    cloud.file(to, "a.txt", Bytes::from_static(b"old"));
    let node = cloud.node(ROOT, "a.txt").await;
    let old = cloud.node(to, "a.txt").await;
    cloud.drive.relocate(&cloud.meter, &node, ROOT, to).await.unwrap();
    cloud.assert_calls(&[("move", 1)]);
    assert_eq!(cloud.content(old.id), &b"old"[..]);
    assert_eq!(cloud.content(node.id), &b"new"[..]);
    assert_eq!(cloud.names(to), ["a(1).txt", "a.txt"]);
}

#[tokio::test]
async fn a_move_that_was_done_and_is_refused_when_repeated_is_done() {
    let cloud = Cloud::start().await;
    let to = cloud.folder(ROOT, "to");
    cloud.folder(ROOT, "a");
    let node = cloud.node(ROOT, "a").await;
    cloud.sim.behave(|behaviours| behaviours.writes.move_to_parent_refused = true);
    cloud.sim.fault(FaultRule::nth("move", 1, Fault::Unanswered));
    cloud.drive.relocate(&cloud.meter, &node, ROOT, to).await.unwrap();
    assert_eq!(cloud.names(to), ["a"]);
    // Into itself it does not go.
    let inside = cloud.folder(node.id, "inside");
    assert_eq!(kind(cloud.drive.relocate(&cloud.meter, &node, to, inside).await), DriveErrorKind::Denied);
}

#[tokio::test]
async fn a_change_waits_for_the_one_before_it() {
    let cloud = Cloud::start().await;
    let to = cloud.folder(ROOT, "to");
    let a = cloud.folder(ROOT, "a");
    cloud.folder(ROOT, "b");
    let b = cloud.node(ROOT, "b").await;
    cloud.sim.behave(|behaviours| behaviours.writes.folder_work_ms = 1500);
    cloud.drive.trash(&cloud.meter, &[a], ROOT).await.unwrap();
    cloud.drive.relocate(&cloud.meter, &b, ROOT, to).await.unwrap();
    assert!(cloud.asked("move") > 1);
    cloud.sim.finish_work();
    assert_eq!(cloud.names(ROOT), ["to"]);
    assert_eq!(cloud.names(to), ["b"]);
}

#[tokio::test]
async fn a_folder_can_be_made_where_one_of_its_name_is_being_deleted() {
    let cloud = Cloud::start().await;
    let a = cloud.folder(ROOT, "a");
    cloud.folder(ROOT, "b");
    cloud.sim.behave(|behaviours| behaviours.writes.folder_work_ms = 1500);
    cloud.drive.trash(&cloud.meter, &[a], ROOT).await.unwrap();
    let made = cloud.drive.create_folder(&cloud.meter, ROOT, "a").await.unwrap();
    assert!(made.id != a && cloud.asked("add") > 1);
    assert_eq!(cloud.node(ROOT, "a").await.id, made.id);
}

#[tokio::test]
async fn a_change_that_waits_too_long_is_refused_and_names_the_reason() {
    let sim = simulator(Tree::Empty).await;
    let main = Arc::new(client(&sim, &sim.cookie(), Duration::from_secs(1)));
    let cloud = Cloud::of(sim, main, &[]);
    let (a, b) = (cloud.folder(ROOT, "a"), cloud.folder(ROOT, "b"));
    cloud.sim.behave(|behaviours| behaviours.writes.folder_work_ms = 3_600_000);
    cloud.drive.trash(&cloud.meter, &[a], ROOT).await.unwrap();
    let error = cloud.drive.trash(&cloud.meter, &[b], ROOT).await.unwrap_err();
    assert_eq!(error.kind, DriveErrorKind::Throttled { until: None });
    assert!(error.reason.contains("busy"), "{error}");
}

#[tokio::test]
async fn many_things_go_to_the_recycle_bin_by_one_call_and_from_there_alone() {
    let cloud = Cloud::start().await;
    let ids: Vec<FileId> = ["a", "b", "c"].map(|name| cloud.folder(ROOT, name)).into();
    cloud.file(ids[0], "x.txt", Bytes::from_static(b"1"));
    cloud.drive.trash(&cloud.meter, &ids[..2], ROOT).await.unwrap();
    cloud.drive.trash(&cloud.meter, &[], ROOT).await.unwrap();
    cloud.assert_calls(&[("rb_delete", 1)]);
    assert_eq!(cloud.names(ROOT), ["c"]);
    assert_eq!(kind(cloud.drive.trash(&cloud.meter, &ids[..1], ROOT).await), DriveErrorKind::NotFound);
    cloud.take_calls();

    cloud.drive.purge(&cloud.meter, &[]).await.unwrap();
    cloud.assert_calls(&[]);
    cloud.drive.purge(&cloud.meter, &ids[..1]).await.unwrap();
    assert_eq!(cloud.sim.tree(|tree| tree.bin().len()), 1);
    // With a key on the bin, nothing is risked.
    cloud.sim.behave(|behaviours| behaviours.writes.bin_key = "123456".to_owned());
    let error = cloud.drive.purge(&cloud.meter, &ids[1..2]).await.unwrap_err();
    assert!(error.kind == DriveErrorKind::Denied && error.reason.contains("security key"), "{error}");
    assert_eq!(cloud.asked("rb_clean"), 1);
    assert_eq!(cloud.sim.tree(|tree| tree.bin().len()), 1);
}

#[tokio::test]
async fn another_cookie_takes_over_what_the_first_one_cannot_do() {
    let sim = simulator(Tree::Empty).await;
    let main = Arc::new(client(&sim, &sim.cookie(), Duration::from_secs(20)));
    let second = Arc::new(client(&sim, &sim.sign_in("A1"), Duration::from_secs(20)));
    let links = Arc::new(client(&sim, &sim.sign_in("F3"), Duration::from_secs(20)));
    let others = [(links, CookieUse::Download), (second, CookieUse::Listing)];
    let cloud = Cloud::of(sim, main, &others);
    for name in ["a", "b", "c"] {
        cloud.drive.create_folder(&cloud.meter, ROOT, name).await.unwrap();
    }
    let cookies = |cloud: &Cloud| {
        let mut cookies: Vec<String> = cloud.sim.ledger().into_iter().map(|entry| entry.uid).collect();
        cookies.dedup();
        cookies
    };
    assert_eq!(cookies(&cloud).len(), 1, "one account's changes go through one client while it works");
    cloud.sim.clear_ledger();
    cloud.sim.fault(FaultRule::nth("add", 1, Fault::Waf405));
    cloud.drive.create_folder(&cloud.meter, ROOT, "d").await.unwrap();
    assert!(cookies(&cloud).len() == 2 && cookies(&cloud)[1].contains("_A1_"));
    assert_eq!(cloud.names(ROOT), ["a", "b", "c", "d"]);
}
