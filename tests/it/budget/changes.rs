//! What changes and uploads cost in calls to 115, from the drive of an account.
//!
//! Labels: `add`, `batch_rename`, `move`, `copy`, `rb_delete`, `rb_list`, `rb_clean`, `get_info`; `uploadinfo`, `initupload`,
//! `sampleinitupload`, `gettoken`, `getuploadinfo` and `object storage`. Only the last costs nothing of the account's allowance.

use bytes::Bytes;
use dav115::drive::Drive as _;
use dav115::model::FileId;

use crate::drive::{Cloud, Source, noise, target};

const ROOT: FileId = FileId::ROOT;

#[tokio::test]
async fn a_change_of_folders_costs_one_call() {
    let cloud = Cloud::start().await;
    let (drive, meter) = (&cloud.drive, &cloud.meter);
    let folder = drive.create_folder(meter, ROOT, "a").await.unwrap();
    cloud.assert_calls(&[("add", 1)]);
    let other = drive.create_folder(meter, ROOT, "b").await.unwrap();
    cloud.take_calls();
    let folder = drive.rename(meter, &folder, ROOT, "c").await.unwrap();
    cloud.assert_calls(&[("batch_rename", 1)]);
    drive.relocate(meter, &folder, ROOT, other.id).await.unwrap();
    cloud.assert_calls(&[("move", 1)]);
    drive.trash(meter, &[folder.id], other.id).await.unwrap();
    cloud.assert_calls(&[("rb_delete", 1)]);
    drive.purge(meter, &[folder.id]).await.unwrap();
    cloud.assert_calls(&[("rb_list", 1), ("rb_clean", 1)]);
    assert_eq!(meter.calls(), 7);
}

#[tokio::test]
async fn another_extension_costs_an_announcement_and_a_deletion() {
    let cloud = Cloud::start().await;
    cloud.file(ROOT, "a.txt", Bytes::from_static(b"small"));
    cloud.file(ROOT, "b.txt", noise(2 << 20, 1));
    let node = cloud.node(ROOT, "a.txt").await;
    cloud.drive.rename(&cloud.meter, &node, ROOT, "a.md").await.unwrap();
    cloud.assert_calls(&[("uploadinfo", 1), ("initupload", 1), ("rb_delete", 1)]);
    let node = cloud.node(ROOT, "b.txt").await;
    cloud.drive.rename(&cloud.meter, &node, ROOT, "b.md").await.unwrap();
    cloud.assert_calls(&[("initupload", 2), ("downurl", 1), ("download server", 1), ("rb_delete", 1)]);
}

#[tokio::test]
async fn a_copy_of_a_folder_costs_seven_calls() {
    let cloud = Cloud::start().await;
    cloud.folder(ROOT, "a");
    let node = cloud.node(ROOT, "a").await;
    cloud.drive.copy(&cloud.meter, &node, ROOT, "b").await.unwrap();
    cloud.assert_calls(&[
        ("add", 1),
        ("copy", 1),
        ("files", 1),
        ("batch_rename", 1),
        ("move", 1),
        ("get_info", 1),
        ("rb_delete", 1),
    ]);
}

#[tokio::test]
async fn an_upload_costs_one_call_and_its_parts_none() {
    let cloud = Cloud::start().await;
    let first: &[(&str, usize)] =
        &[("uploadinfo", 1), ("initupload", 1), ("gettoken", 1), ("getuploadinfo", 1), ("object storage", 1)];
    for (seed, size, expected) in [
        (1, 1000, first),
        (2, 1000, &[("initupload", 1), ("object storage", 1)]),
        (3, 15 << 20, &[("initupload", 2), ("object storage", 4)]),
    ] {
        let content = noise(size, seed);
        let target = target(&format!("{seed}.bin"), &content);
        let session = cloud.session(&target, &content).await;
        cloud.send(&target, &session, &mut Source::new(&content)).await.unwrap();
        cloud.assert_calls(expected);
    }
}

#[tokio::test]
async fn an_empty_file_costs_one_call_more_if_115_takes_no_announcement_of_it() {
    let cloud = Cloud::start().await;
    cloud.sim.behave(|behaviours| behaviours.upload.empty_files = false);
    let target = target("empty", b"");
    cloud.begin(&target, b"").await.unwrap();
    cloud.assert_calls(&[
        ("uploadinfo", 1),
        ("initupload", 1),
        ("sampleinitupload", 1),
        ("object storage", 1),
    ]);
}
