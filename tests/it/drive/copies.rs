//! Copies: of files without their bytes, and by 115 itself.

use bytes::Bytes;
use dav115::drive::{Drive as _, DriveErrorKind};
use dav115::model::FileId;
use sim115::{Fault, FaultRule};

use super::{Cloud, kind, noise};

const ROOT: FileId = FileId::ROOT;

#[tokio::test]
async fn a_file_is_copied_under_any_name_without_its_bytes() {
    let cloud = Cloud::start().await;
    let to = cloud.folder(ROOT, "to");
    let content = noise(2 << 20, 2);
    cloud.file(ROOT, "a.txt", content.clone());
    let node = cloud.node(ROOT, "a.txt").await;
    let copy = cloud.drive.copy(&cloud.meter, &node, to, "b.md").await.unwrap();
    cloud.assert_calls(&[("uploadinfo", 1), ("initupload", 2), ("downurl", 1), ("download server", 1)]);
    assert_eq!(cloud.node(to, "b.md").await.id, copy.id);
    assert_eq!(cloud.content(copy.id), content);
    assert_eq!(cloud.names(ROOT), ["a.txt", "to"]);
}

#[tokio::test]
async fn a_file_whose_content_115_does_not_take_over_is_copied_by_115() {
    let cloud = Cloud::start().await;
    let to = cloud.folder(ROOT, "to");
    cloud.file(ROOT, "a.txt", Bytes::from_static(b"small"));
    // It is longer than may be uploaded, or not taken over for whatever reason.
    cloud.sim.behave(|behaviours| behaviours.upload.size_limit = 4);
    let node = cloud.node(ROOT, "a.txt").await;
    let copy = cloud.drive.copy(&cloud.meter, &node, to, "a.txt").await.unwrap();
    assert_eq!(cloud.names(to), ["a.txt"]);
    cloud.drive.trash(&cloud.meter, &[copy.id], to).await.unwrap();
    cloud.sim.behave(|behaviours| {
        behaviours.upload.size_limit = 1 << 40;
        behaviours.upload.rapid = false;
    });
    let copy = cloud.drive.copy(&cloud.meter, &node, to, "b.txt").await.unwrap();
    assert!(copy.id != node.id && &*copy.name == "b.txt");
    assert_eq!(cloud.names(to), ["b.txt"]);
    // Under a name that only a new file could have, it is not, and nothing is left of the attempt.
    assert_eq!(kind(cloud.drive.copy(&cloud.meter, &node, to, "b.md").await), DriveErrorKind::BadName);
    assert_eq!(cloud.names(to), ["b.txt"]);
    assert_eq!(cloud.names(ROOT), ["a.txt", "to"]);
}

#[tokio::test]
async fn a_folder_is_copied_whole_and_shows_only_when_it_is() {
    let cloud = Cloud::start().await;
    let to = cloud.folder(ROOT, "to");
    let from = cloud.folder(ROOT, "from");
    for name in ["1.txt", "2.txt", "3.txt"] {
        cloud.file(from, name, Bytes::from_static(b"x"));
    }
    cloud.sim.behave(|behaviours| behaviours.writes.folder_work_ms = 1200);
    let node = cloud.node(ROOT, "from").await;
    let copy = cloud.drive.copy(&cloud.meter, &node, to, "copy v1.0").await.unwrap();
    cloud.sim.finish_work();
    assert_eq!(cloud.names(to), ["copy v1.0"]);
    assert_eq!(cloud.names(copy.id), ["1.txt", "2.txt", "3.txt"]);
    assert_eq!(cloud.names(from).len(), 3);
}

#[tokio::test]
async fn a_copy_beside_a_namesake_keeps_its_name() {
    let cloud = Cloud::start().await;
    let to = cloud.folder(ROOT, "to");
    let old = cloud.folder(to, "from");
    cloud.folder(ROOT, "from");
    let node = cloud.node(ROOT, "from").await;
    let copy = cloud.drive.copy(&cloud.meter, &node, to, "from").await.unwrap();
    assert!(copy.id != old && copy.id != node.id);
    assert_eq!(cloud.names(to), ["from", "from"]);
}

#[tokio::test]
async fn a_folder_beside_a_namesake_keeps_its_name_however_long_115_takes_to_move_it() {
    let cloud = Cloud::start().await;
    let to = cloud.folder(ROOT, "to");
    cloud.folder(to, "from");
    cloud.folder(ROOT, "from");
    cloud.sim.behave(|behaviours| behaviours.writes.folder_work_ms = 1200);
    let node = cloud.node(ROOT, "from").await;
    cloud.drive.copy(&cloud.meter, &node, to, "from").await.unwrap();
    // What the copy was made in is on its way out.
    cloud.sim.finish_work();
    assert_eq!(cloud.names(to), ["from", "from"]);
    cloud.drive.relocate(&cloud.meter, &node, ROOT, to).await.unwrap();
    cloud.drive.rename(&cloud.meter, &node, to, "from").await.unwrap();
    cloud.sim.finish_work();
    assert_eq!(cloud.names(to), ["from", "from", "from"]);
}

#[tokio::test]
async fn a_copy_whose_answer_was_lost_is_not_made_twice() {
    let cloud = Cloud::start().await;
    let to = cloud.folder(ROOT, "to");
    cloud.folder(ROOT, "from");
    let node = cloud.node(ROOT, "from").await;
    cloud.sim.fault(FaultRule::nth("copy", 1, Fault::Unanswered));
    cloud.drive.copy(&cloud.meter, &node, to, "b").await.unwrap();
    assert_eq!(cloud.asked("copy"), 1);
    assert_eq!(cloud.names(to), ["b"]);
}

#[tokio::test]
async fn a_copy_that_fails_leaves_nothing_behind() {
    for (fault, expected) in [
        (FaultRule::nth("copy", 1, Fault::Refusal(91_005)), DriveErrorKind::NoSpace),
        (FaultRule::nth("copy", 1, Fault::Refusal(91_004)), DriveErrorKind::Denied),
        (FaultRule::nth("batch_rename", 1, Fault::Refusal(20_003)), DriveErrorKind::BadName),
        (FaultRule::nth("move", 1, Fault::Refusal(800_006)), DriveErrorKind::Denied),
    ] {
        let cloud = Cloud::start().await;
        let to = cloud.folder(ROOT, "to");
        cloud.folder(ROOT, "from");
        let node = cloud.node(ROOT, "from").await;
        let shown = format!("{fault:?}");
        cloud.sim.fault(fault);
        assert_eq!(kind(cloud.drive.copy(&cloud.meter, &node, to, "b").await), expected, "{shown}");
        assert_eq!(cloud.names(to), [""; 0], "{shown}");
        assert_eq!(cloud.names(ROOT), ["from", "to"], "{shown}");
    }
}

#[tokio::test]
async fn what_is_left_of_a_copy_that_failed_is_named() {
    let cloud = Cloud::start().await;
    let to = cloud.folder(ROOT, "to");
    cloud.folder(ROOT, "from");
    let node = cloud.node(ROOT, "from").await;
    cloud.sim.fault(FaultRule::nth("copy", 1, Fault::Refusal(91_005)));
    cloud.sim.fault(FaultRule::nth("rb_delete", 1, Fault::Refusal(990_002)));
    let error = cloud.drive.copy(&cloud.meter, &node, to, "b").await.unwrap_err();
    let [left] = &cloud.names(to)[..] else { panic!("{:?}", cloud.names(to)) };
    assert!(error.kind == DriveErrorKind::NoSpace && error.reason.contains(left.as_str()), "{error}");
}
