//! The adapter, called as `dav_server` calls it.

use super::*;
use crate::dav::tests::{Fixture, PLAIN};
use crate::model::{FileId, Meter};
use crate::vfs::{VfsErrorKind, View};

fn fixture() -> (Fixture, DavFs, RequestCtx) {
    let fixture = Fixture::at("/");
    fixture.drive.add_file(FileId::ROOT, "a?.txt", "hello", None);
    fixture.drive.add_folder(FileId::ROOT, "b");
    let fs = DavFs::new(Arc::clone(&fixture.vfs), Arc::clone(&fixture.properties));
    (fixture, fs, RequestCtx::new(VPath::root(), View::whole(), PLAIN, Meter::default()))
}

fn path(uri: &str) -> DavPath {
    DavPath::new(uri).unwrap()
}

#[tokio::test]
async fn a_folder_is_read_from_its_complete_listing() {
    let (_fixture, fs, mut ctx) = fixture();
    ctx.traits.windows_names = true;
    let entries = fs.read_dir(&path("/"), ReadDirMeta::Data, &ctx).await.unwrap();
    let entries: Vec<_> = entries.map(Result::unwrap).collect().await;
    let names: Vec<_> = entries.iter().map(|entry| String::from_utf8(entry.name()).unwrap()).collect();
    assert_eq!(names, ["a？.txt", "b"]);
    let (file, folder) = (entries[0].metadata().await.unwrap(), entries[1].metadata().await.unwrap());
    assert_eq!((file.len(), file.is_dir(), file.etag().as_deref()), (5, false, Some("1-5-1700000001")));
    assert_eq!((folder.len(), folder.is_dir(), folder.etag()), (0, true, None));
    assert_eq!(ctx.meter.calls(), 1);
}

#[tokio::test]
async fn a_failure_comes_before_the_stream_and_stays_in_the_slot() {
    let (fixture, fs, ctx) = fixture();
    fixture.fail();
    assert_eq!(fs.read_dir(&path("/"), ReadDirMeta::Data, &ctx).await.err(), Some(FsError::IsRemote));
    assert_eq!(fs.metadata(&path("/b"), &ctx).await.err(), Some(FsError::IsRemote));
    let first = ctx.clone().take_error().unwrap();
    assert!(first.path.is_root() && matches!(first.kind, VfsErrorKind::Drive(_)));
    assert!(ctx.take_error().is_none());
}

#[tokio::test]
async fn what_is_not_there_is_an_ordinary_answer() {
    let (_fixture, fs, ctx) = fixture();
    for missing in ["/nowhere", "/b/nowhere", "/a%5Cb", "/a%01", "/%FF"] {
        assert_eq!(fs.metadata(&path(missing), &ctx).await.err(), Some(FsError::NotFound), "{missing}");
    }
    assert!(ctx.take_error().is_none());
    // The parent of a top-level entry.
    assert!(fs.metadata(&path("/b").parent(), &ctx).await.unwrap().is_dir());
}

#[tokio::test]
async fn nothing_is_read_as_empty_and_nothing_stored_that_no_request_announced() {
    let (_fixture, fs, ctx) = fixture();
    let options = OpenOptions { write: true, create: true, ..OpenOptions::default() };
    assert_eq!(fs.open(&path("/new"), options, &ctx).await.err(), Some(FsError::Forbidden));
    let read = OpenOptions { read: true, ..OpenOptions::default() };
    assert_eq!(fs.open(&path("/b"), read.clone(), &ctx).await.err(), Some(FsError::Forbidden));
    let mut open = fs.open(&path("/a%3F.txt"), read, &ctx).await.unwrap();
    assert_eq!(open.metadata().await.unwrap().len(), 5);
    assert_eq!(open.read_bytes(5).await.err(), Some(FsError::GeneralFailure));
    assert_eq!(open.flush().await, Err(FsError::Forbidden));
}

#[tokio::test]
async fn what_is_moved_or_removed_is_one_thing_whatever_is_in_it() {
    let (fixture, fs, ctx) = fixture();
    let (source, destination) = (VPath::parse("/b").unwrap(), VPath::parse("/a?.txt").unwrap());
    let whole = Task::Whole { source, destination: Some(destination), depth: crate::vfs::Depth::Infinity };
    let ctx = ctx.with_task(whole);
    assert!(
        !fs.metadata(&path("/b"), &ctx).await.unwrap().is_dir()
            && fs.metadata(&path("/"), &ctx).await.unwrap().is_dir()
    );
    fs.remove_file(&path("/a%3F.txt"), &ctx).await.unwrap();
    assert!(
        fs.metadata(&path("/a%3F.txt"), &ctx).await.is_ok(),
        "nothing goes before its replacement stands"
    );
    fs.rename(&path("/b"), &path("/a%3F.txt"), &ctx).await.unwrap();
    let listing = fixture.vfs.list(&ctx.meter, &View::whole().at(VPath::root())).await.unwrap().listing;
    assert_eq!(
        listing.nodes().iter().map(|node| (&*node.name, node.is_folder())).collect::<Vec<_>>(),
        [("a?.txt", true)]
    );
}

#[tokio::test]
async fn a_change_goes_on_to_its_end_when_its_client_goes_away() {
    let (_fixture, fs, ctx) = fixture();
    let (from, to) = (path("/b"), path("/c"));
    // It is polled once, and dropped.
    assert!(fs.rename(&from, &to, &ctx).now_or_never().is_none());
    while fs.metadata(&to, &ctx).await.is_err() {
        tokio::task::yield_now().await;
    }
    assert_eq!(fs.metadata(&from, &ctx).await.err(), Some(FsError::NotFound));
}

#[tokio::test]
async fn nothing_is_changed_after_a_look_up_that_failed() {
    let (fixture, fs, ctx) = fixture();
    fixture.fail();
    assert!(fs.metadata(&path("/b"), &ctx).await.is_err());
    fixture.drive.fail_with(None);
    assert_eq!(fs.create_dir(&path("/new"), &ctx).await, Err(FsError::IsRemote));
    assert_eq!(fs.remove_file(&path("/b"), &ctx).await, Err(FsError::IsRemote));
    assert_eq!(fs.rename(&path("/b"), &path("/c"), &ctx).await, Err(FsError::IsRemote));
    assert_eq!(fs.copy(&path("/b"), &path("/c"), &ctx).await, Err(FsError::IsRemote));
}

#[tokio::test]
async fn quota_is_used_and_total() {
    let (fixture, fs, ctx) = fixture();
    assert_eq!(fs.get_quota(&ctx).await, Ok((5, Some((1 << 40) + 5))));
    assert_eq!(fixture.meter.calls(), 0);
    let two = Fixture::at_each(&["/m", "/n"]);
    assert_eq!(DavFs::new(two.vfs, two.properties).get_quota(&ctx).await, Err(FsError::NotFound));
}
