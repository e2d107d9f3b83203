//! Writing over drives in memory: what stands where afterwards, what it cost, and what a failure leaves.

use bytes::Bytes;

use super::*;
use crate::drive::{Drive, DriveErrorKind};
use crate::model::{Junk, Sha1};
use crate::vfs::{Depth, UploadIntent};

/// `/a` and `/b`, each a drive of its own with a folder `dir` that holds `x.txt` and `sub/y.txt`.
struct Trees {
    drives: [Arc<MemoryDrive>; 2],
    vfs: Arc<Vfs>,
    meter: Meter,
    _spool: tempfile::TempDir,
}

fn sha1(content: &[u8]) -> Sha1 {
    Sha1(<sha1::Sha1 as sha1::Digest>::digest(content).into())
}

fn trees_with(change: impl Fn(Mount) -> Mount) -> Trees {
    let drives = [(); 2].map(|()| Arc::new(MemoryDrive::new()));
    let spool = tempfile::tempdir().unwrap();
    let options = Options { spool_directory: spool.path().to_owned(), ..Options::default() };
    let mounts = [("/a", 0), ("/b", 1)].map(|(path, key)| {
        let drive = &drives[key as usize];
        let dir = drive.add_folder(FileId::ROOT, "dir");
        drive.add_file(dir, "x.txt", "content of x", Some(sha1(b"content of x")));
        let sub = drive.add_folder(dir, "sub");
        drive.add_file(sub, "y.txt", "y", Some(sha1(b"y")));
        change(Mount::whole(VPath::parse(path).unwrap(), Arc::clone(drive) as Arc<dyn Drive>, DriveKey(key)))
    });
    let vfs = Arc::new(Vfs::new(mounts.into(), &options, &TaskTracker::new(), SystemTime::now()));
    Trees { drives, vfs, meter: Meter::default(), _spool: spool }
}

fn trees() -> Trees {
    trees_with(|mount| mount)
}

impl Trees {
    /// Everything below a path, as 115 has it: names, and contents of files.
    async fn tree(&self, path: &str) -> Vec<String> {
        let mut all = Vec::new();
        let mut folders = vec![at(path)];
        while let Some(folder) = folders.pop() {
            let listing = self.vfs.list(&self.meter, &folder).await.unwrap().listing;
            for node in listing.nodes() {
                let child = folder.join(&node.name).unwrap();
                let below = child.path().as_str().strip_prefix(path).unwrap().to_owned();
                if node.is_folder() {
                    all.push(below + "/");
                    folders.push(child);
                } else {
                    all.push(format!("{below} {}", node.size));
                }
            }
        }
        all.sort();
        all
    }

    async fn store(&self, path: &str, intent: UploadIntent, body: &[&str]) -> Result<NodeRef, VfsError> {
        let mut upload = self.vfs.begin_upload(&self.meter, &at(path), intent).await?;
        for part in body {
            if upload.is_stored() {
                break;
            }
            upload.write(Bytes::copy_from_slice(part.as_bytes())).await?;
        }
        upload.commit().await
    }

    async fn put(&self, path: &str, content: &str) -> Result<NodeRef, VfsError> {
        self.store(path, UploadIntent { size: Some(content.len() as u64), sha1: None }, &[content]).await
    }

    async fn relocate(&self, from: &str, to: &str) -> Result<(), VfsError> {
        self.vfs.relocate(&self.meter, &at(from), &at(to)).await
    }

    async fn copy(&self, from: &str, to: &str) -> Result<(), VfsError> {
        self.vfs.copy(&self.meter, &at(from), &at(to), Depth::Infinity).await
    }

    async fn remove(&self, path: &str) -> Result<(), VfsError> {
        self.vfs.remove(&self.meter, &at(path)).await
    }

    /// The calls that `act` makes.
    async fn cost<T>(&self, act: impl Future<Output = T>) -> (T, u64) {
        let before = self.meter.calls();
        let outcome = act.await;
        (outcome, u64::from(self.meter.calls() - before))
    }
}

const WHOLE: [&str; 4] = ["/dir/", "/dir/sub/", "/dir/sub/y.txt 1", "/dir/x.txt 12"];

#[tokio::test]
async fn a_file_is_there_as_soon_as_it_is_stored_and_costs_what_it_must() {
    let trees = trees();
    trees.tree("/a").await;
    let (stored, calls) = trees.cost(trees.put("/a/dir/new.txt", "twelve bytes")).await;
    assert_eq!(stored.unwrap().sha1, Some(sha1(b"twelve bytes")));
    assert_eq!(calls, 2, "announced, and sent");
    let (tree, calls) = trees.cost(trees.tree("/a")).await;
    assert!(tree.contains(&"/dir/new.txt 12".to_owned()) && calls == 0);
    let (_, calls) = trees.cost(trees.put("/a/dir/sub/again.txt", "twelve bytes")).await;
    assert_eq!(calls, 2, "announced, and proven");
    assert_eq!(trees.drives[0].received(), 12);
}

#[tokio::test]
async fn who_asks_for_proof_again_and_again_is_not_answered_for_ever() {
    let trees = trees();
    let content = "twelve bytes";
    trees.drives[0].learn(sha1(content.as_bytes()), content);
    trees.drives[0].doubt();
    trees.tree("/a").await;
    for announced in [Some(sha1(content.as_bytes())), None] {
        let intent = UploadIntent { size: Some(12), sha1: announced };
        let (stored, calls) = trees.cost(trees.store("/a/dir/new.txt", intent, &["twelve", " bytes"])).await;
        let VfsErrorKind::Drive(error) = stored.unwrap_err().kind else { panic!("{announced:?}") };
        assert!(error.kind == DriveErrorKind::Unavailable && calls <= 6, "{announced:?}: {calls}");
    }
    assert_eq!(trees.tree("/a").await, WHOLE);
}

#[tokio::test]
async fn what_is_replaced_goes_to_the_bin_after_the_new_one_stands() {
    let trees = trees();
    let old = trees.stat("/a/dir/x.txt").await;
    trees.put("/a/dir/x.txt", "other content").await.unwrap();
    let new = trees.stat("/a/dir/x.txt").await;
    assert!(new.size == 13 && new.id != old.id && trees.drives[0].is_in_bin(old.id));
    let (same, calls) = trees.cost(trees.put("/a/dir/x.txt", "other content")).await;
    assert!(same.unwrap().id == new.id && calls == 0, "the same content is there already");
}

impl Trees {
    async fn stat(&self, path: &str) -> Resource {
        self.vfs.stat(&self.meter, &at(path)).await.unwrap()
    }
}

#[tokio::test]
async fn a_body_that_is_not_what_was_announced_leaves_everything_as_it_was() {
    let trees = trees();
    let size = |size| UploadIntent { size: Some(size), sha1: None };
    let short = trees.store("/a/dir/x.txt", size(20), &["short"]).await.unwrap_err();
    assert!(matches!(short.kind, VfsErrorKind::SizeMismatch { declared: 20, got: 5 }));
    let long = trees.store("/a/dir/x.txt", size(3), &["lo", "ng"]).await.unwrap_err();
    assert!(matches!(long.kind, VfsErrorKind::SizeMismatch { declared: 3, got: 4 }));
    for announced in [Some(4), None] {
        let intent = UploadIntent { size: announced, sha1: Some(sha1(b"good")) };
        let other = trees.store("/a/dir/x.txt", intent, &["evil"]).await.unwrap_err();
        assert!(matches!(other.kind, VfsErrorKind::HashMismatch), "{other}");
    }
    drop(trees.vfs.begin_upload(&trees.meter, &at("/a/dir/none.txt"), size(5)).await.unwrap());
    trees.drives[0].fail_with(Some(DriveError::new(DriveErrorKind::NoSpace, "full")));
    assert!(trees.put("/a/dir/x.txt", "new").await.is_err());
    trees.drives[0].fail_with(None);
    assert_eq!(trees.tree("/a").await, WHOLE);
}

#[tokio::test]
async fn what_115_knows_is_stored_before_its_body_has_come() {
    let trees = trees();
    trees.tree("/a").await;
    let content = "a film of more than ten bytes";
    trees.drives[0].learn(sha1(content.as_bytes()), content);
    let intent = UploadIntent { size: Some(29), sha1: Some(sha1(content.as_bytes())) };
    let mut upload = trees.vfs.begin_upload(&trees.meter, &at("/a/film.mkv"), intent).await.unwrap();
    upload.write(Bytes::from_static(b"a f")).await.unwrap();
    assert!(!upload.is_stored());
    upload.write(Bytes::from_static(b"il")).await.unwrap();
    assert!(upload.is_stored(), "the asked range has come");
    assert_eq!(upload.commit().await.unwrap().size, 29);
    assert_eq!(trees.drives[0].received(), 0);
    assert_eq!(trees.stat("/a/film.mkv").await.size, 29);

    let short = UploadIntent { size: Some(4), sha1: Some(sha1(b"tiny")) };
    trees.drives[0].learn(sha1(b"tiny"), "tiny");
    assert!(trees.vfs.begin_upload(&trees.meter, &at("/a/tiny"), short).await.unwrap().is_stored());

    let unknown = UploadIntent { size: Some(11), sha1: Some(sha1(b"never seen ")) };
    let stored = trees.store("/a/unknown", unknown, &["nev", "er seen", " "]).await.unwrap();
    assert!(stored.size == 11 && trees.drives[0].received() == 11, "it went on as it came in");
}

#[tokio::test]
async fn a_mount_may_take_nothing_but_known_content() {
    let trees = trees_with(|mount| Mount { hash_only: true, ..mount });
    let refused = trees.put("/a/new", "unknown").await.unwrap_err();
    assert!(
        matches!(refused.kind, VfsErrorKind::NoRoom(_)) && refused.to_string().contains("upload_hash_only")
    );
    trees.drives[0].learn(sha1(b"known"), "known");
    assert!(trees.put("/a/new", "known").await.is_ok());
}

#[tokio::test]
async fn an_empty_file_costs_nothing_until_it_is_clear_that_it_stays_so() {
    let trees = trees();
    trees.tree("/a").await;
    let (stored, calls) = trees.cost(trees.put("/a/dir/empty", "")).await;
    assert!(stored.unwrap().size == 0 && calls == 0);
    assert!(trees.tree("/a").await.contains(&"/dir/empty 0".to_owned()));
    trees.put("/a/dir/empty", "filled").await.unwrap();
    assert_eq!(trees.tree("/a").await.iter().filter(|line| line.starts_with("/dir/empty")).count(), 1);

    trees.put("/a/dir/stays", "").await.unwrap();
    trees.relocate("/a/dir/stays", "/a/dir/moved").await.unwrap();
    let (outcome, calls) = trees.cost(trees.vfs.settle(&trees.meter, &at("/a/dir/moved"))).await;
    assert!(outcome.is_ok() && calls == 2);
    assert_eq!(trees.cost(trees.vfs.settle(&trees.meter, &at("/a/dir/moved"))).await.1, 0);
    trees.put("/a/dir/last", "").await.unwrap();
    trees.vfs.settle_all(&trees.meter, true).await;
    let fresh = trees.drives[0].list(&trees.meter, trees.stat("/a/dir").await.id).await.unwrap();
    assert!(fresh.get("moved").is_some() && fresh.get("last").is_some() && fresh.get("stays").is_none());
    assert_eq!(
        trees.put("/a/dir/x.txt", "").await.unwrap().size,
        0,
        "an empty one over another is stored at once"
    );
}

#[tokio::test]
async fn an_empty_file_is_copied_like_any_other() {
    let trees = trees();
    trees.put("/a/dir/sub/empty", "").await.unwrap();
    trees.copy("/a/dir/sub/empty", "/a/single").await.unwrap();
    trees.copy("/a/dir", "/a/copy").await.unwrap();
    trees.put("/a/dir/sub/late", "").await.unwrap();
    trees.copy("/a/dir", "/b/copy").await.unwrap();
    trees.put("/a/dir/sub/later", "").await.unwrap();
    trees.copy("/a/dir/sub/later", "/a/dir/x.txt").await.unwrap();
    trees.relocate("/a/dir/sub/later", "/a/dir/sub/y.txt").await.unwrap();
    trees.vfs.settle_all(&trees.meter, true).await;
    for (drive, path, names) in [
        (0, "/a", vec!["copy", "dir", "single"]),
        (0, "/a/copy/sub", vec!["empty", "y.txt"]),
        (1, "/b/copy/sub", vec!["empty", "late", "y.txt"]),
        (0, "/a/dir", vec!["sub", "x.txt"]),
    ] {
        let folder = trees.vfs.stat(&trees.meter, &at(path)).await.unwrap();
        let fresh = trees.drives[drive].list(&trees.meter, folder.id).await.unwrap();
        let mut there: Vec<_> = fresh.nodes().iter().map(|node| &*node.name).collect();
        there.sort_unstable();
        assert_eq!(there, names, "{path}");
    }
    for replaced in ["/a/dir/x.txt", "/a/dir/sub/y.txt"] {
        assert_eq!(trees.stat(replaced).await.size, 0);
    }
}

#[tokio::test]
async fn an_empty_file_whose_folder_is_gone_is_given_up() {
    let trees = trees();
    trees.put("/a/dir/empty", "").await.unwrap();
    trees.remove("/a/dir").await.unwrap();
    let mut asked = 0;
    for _ in 0..5 {
        asked += u32::from(trees.cost(trees.vfs.settle_all(&trees.meter, true)).await.1 > 0);
    }
    assert_eq!(asked, 3, "115 is not asked for ever");
}

#[tokio::test]
async fn junk_never_reaches_115_unless_it_is_to() {
    let trees = trees();
    trees.tree("/a").await;
    let (_, calls) = trees.cost(trees.put("/a/dir/._x.txt", "finder")).await;
    assert!(calls == 0 && trees.stat("/a/dir/._x.txt").await.size == 6);
    trees.relocate("/a/dir/._x.txt", "/a/dir/sub/._z.txt").await.unwrap();
    let junk = trees.vfs.stat(&trees.meter, &at("/a/dir/sub/._z.txt")).await.unwrap();
    let intent = ReadIntent { agent: LinkBinding::Unbound, follows_redirect: true };
    let plan = trees.vfs.read_plan(&trees.meter, &at("/a/dir/sub/._z.txt"), junk, &intent).await.unwrap();
    let ReadPlan::Proxy(source) = plan else { panic!("it has no link") };
    let content = trees.vfs.open(&trees.meter, source, 1..4).await.unwrap();
    let bytes: Vec<Bytes> = content.stream.try_collect().await.unwrap();
    assert_eq!(bytes.concat(), b"ind");
    trees.remove("/a/dir/sub/._z.txt").await.unwrap();
    assert_eq!(trees.tree("/a").await, WHOLE);
    let refuses = trees_with(|mount| Mount { junk: Junk::Refuse, ..mount });
    assert!(matches!(refuses.put("/a/.DS_Store", "x").await.unwrap_err().kind, VfsErrorKind::Refused(_)));
    let keeps = trees_with(|mount| Mount { junk: Junk::Keep, ..mount });
    keeps.put("/a/.DS_Store", "x").await.unwrap();
    assert_eq!(keeps.drives[0].received(), 1);
}

#[tokio::test]
async fn folders_are_made_moved_and_removed_with_one_call_each() {
    let trees = trees();
    trees.tree("/a").await;
    let (made, calls) = trees.cost(trees.vfs.create_folder(&trees.meter, &at("/a/dir/new"))).await;
    assert!(made.is_ok() && calls == 1);
    let (listed, calls) = trees.cost(trees.tree("/a/dir/new")).await;
    assert!(listed.is_empty() && calls == 0, "nobody asks what is in a folder that was just made");
    let kind = |outcome: Result<(), VfsError>| outcome.unwrap_err().kind;
    let again = trees.vfs.create_folder(&trees.meter, &at("/a/dir/new")).await;
    assert!(matches!(kind(again), VfsErrorKind::Exists));
    let orphan = trees.vfs.create_folder(&trees.meter, &at("/a/none/new")).await;
    assert!(matches!(kind(orphan), VfsErrorKind::NoParent));
    let (moved, calls) = trees.cost(trees.relocate("/a/dir/sub", "/a/dir/new/sub")).await;
    assert!(moved.is_ok() && calls == 1);
    let (renamed, calls) = trees.cost(trees.relocate("/a/dir", "/a/Dir \"2\"")).await;
    assert!(renamed.is_ok() && calls == 1);
    assert_eq!(trees.tree("/a/Dir \"2\"").await, ["/new/", "/new/sub/", "/new/sub/y.txt 1", "/x.txt 12"]);
    assert!(matches!(
        kind(trees.relocate("/a/Dir \"2\"", "/a/Dir \"2\"/new/in").await),
        VfsErrorKind::Refused(_)
    ));
    let (removed, calls) = trees.cost(trees.remove("/a/Dir \"2\"")).await;
    assert!(removed.is_ok() && calls == 1 && trees.tree("/a").await.is_empty());
    assert!(matches!(kind(trees.remove("/a/none").await), VfsErrorKind::NotFound));
}

#[tokio::test]
async fn a_move_onto_something_replaces_it_or_is_undone() {
    let trees = trees();
    let old = trees.stat("/a/dir/x.txt").await.id;
    trees.relocate("/a/dir/sub/y.txt", "/a/dir/x.txt").await.unwrap();
    assert_eq!(trees.tree("/a").await, ["/dir/", "/dir/sub/", "/dir/x.txt 1"]);
    assert!(trees.drives[0].is_in_bin(old));
    trees.relocate("/a/dir/x.txt", "/a/dir/sub").await.unwrap();
    assert_eq!(trees.tree("/a").await, ["/dir/", "/dir/sub 1"], "a file takes the place of a folder");
}

#[tokio::test]
async fn a_copy_has_the_asked_name() {
    let trees = trees();
    trees.copy("/a/dir", "/a/copy").await.unwrap();
    trees.copy("/a/dir/x.txt", "/a/copy/sub/z").await.unwrap();
    trees.copy("/a/dir/sub/y.txt", "/a/copy/x.txt").await.unwrap();
    assert_eq!(
        trees.tree("/a/copy").await,
        ["/sub/", "/sub/y.txt 1", "/sub/z 12", "/x.txt 1"].map(str::to_owned)
    );
    assert_eq!(trees.tree("/a/dir").await, ["/sub/", "/sub/y.txt 1", "/x.txt 12"]);
    let zero = trees.vfs.copy(&trees.meter, &at("/a/dir"), &at("/a/copy"), Depth::Zero).await;
    assert!(zero.is_ok() && trees.tree("/a/copy").await.is_empty());
}

#[tokio::test]
async fn between_drives_content_goes_by_hash_or_by_its_bytes() {
    let trees = trees();
    trees.drives[1].learn(sha1(b"content of x"), "content of x");
    trees.copy("/a/dir", "/b/copy").await.unwrap();
    assert_eq!(trees.tree("/b/copy").await, ["/sub/", "/sub/y.txt 1", "/x.txt 12"]);
    assert_eq!(trees.drives[1].received(), 1, "only what the other side does not have");
    trees.relocate("/a/dir", "/b/dir").await.unwrap();
    assert!(trees.tree("/a").await.is_empty());
    assert_eq!(trees.tree("/b/dir").await, trees.tree("/b/copy").await);
}

#[tokio::test]
async fn what_may_not_be_changed_is_refused() {
    let trees = trees_with(|mount| Mount { read_only: mount.path.as_str() == "/b", ..mount });
    let refused =
        |outcome: Result<(), VfsError>| matches!(outcome.unwrap_err().kind, VfsErrorKind::Refused(_));
    for path in ["/", "/a", "/new", "/b/dir", "/b/dir/new"] {
        assert!(refused(trees.vfs.create_folder(&trees.meter, &at(path)).await), "{path}");
    }
    for path in ["/", "/a", "/b", "/b/dir"] {
        assert!(refused(trees.remove(path).await), "{path}");
    }
    assert!(refused(trees.relocate("/a/dir", "/b/new").await) && refused(trees.relocate("/a", "/a2").await));
    assert!(refused(trees.copy("/a", "/a/dir/a").await));
    let long = format!("/a/{}", "长".repeat(256));
    assert!(refused(trees.vfs.create_folder(&trees.meter, &at(&long)).await));
    assert!(refused(trees.put("/a/‛x", "x").await.map(drop)));
    let rules = [("/", Access::Write), ("/a/dir/sub", Access::Read)]
        .map(|(path, access)| Rule { path: VPath::parse(path).unwrap(), access });
    let view = View::new(VPath::root(), Some(&rules));
    let at = |path: &str| view.at(VPath::parse(path).unwrap());
    assert!(refused(trees.vfs.remove(&trees.meter, &at("/a/dir")).await));
    assert!(refused(trees.vfs.remove(&trees.meter, &at("/a/dir/sub/y.txt")).await));
    assert!(trees.vfs.remove(&trees.meter, &at("/a/dir/x.txt")).await.is_ok());
}

#[tokio::test]
async fn two_clients_that_store_one_name_leave_one_file() {
    let trees = trees();
    let (one, other) = tokio::join!(trees.put("/a/both", "one"), trees.put("/a/both", "other"));
    assert!(one.is_ok() && other.is_ok());
    let names = trees.tree("/a").await;
    assert_eq!(names.iter().filter(|line| line.starts_with("/both")).count(), 1, "{names:?}");
}
