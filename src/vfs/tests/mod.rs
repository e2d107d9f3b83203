//! The tree over a drive in memory: paths, costs, plans and failures.

mod write;

use super::*;
use crate::cache::DriveKey;
use crate::drive::MemoryDrive;
use crate::model::{DownloadPolicy, FileId, LinkBinding};
use futures_util::TryStreamExt as _;

struct Tree {
    drive: Arc<MemoryDrive>,
    vfs: Arc<Vfs>,
    meter: Meter,
}

/// `/m/films/a film.mkv`, `/m/films/empty/`, and a name in composed form.
fn tree(policy: DownloadPolicy) -> Tree {
    let drive = Arc::new(MemoryDrive::new());
    let films = drive.add_folder(FileId::ROOT, "films");
    drive.add_file(films, "a film.mkv", "0123456789", None);
    drive.add_folder(films, "empty");
    drive.add_file(films, "caf\u{e9}: what?.txt", "x", None);
    let path = VPath::parse("/m").unwrap();
    let mount =
        Mount { download: policy, ..Mount::whole(path, Arc::<MemoryDrive>::clone(&drive), DriveKey(0)) };
    let options = Options { link_margin: Duration::ZERO, ..Options::default() };
    let vfs = Arc::new(Vfs::new(vec![mount], &options, &TaskTracker::new(), SystemTime::now()));
    Tree { drive, vfs, meter: Meter::default() }
}

fn at(path: &str) -> At {
    View::whole().at(VPath::parse(path).unwrap())
}

impl Tree {
    async fn names(&self, path: &str) -> Result<Vec<String>, VfsError> {
        let folder = self.vfs.list(&self.meter, &at(path)).await?;
        Ok(folder.listing.nodes().iter().map(|node| node.name.to_string()).collect())
    }

    async fn stat(&self, path: &str) -> Result<Resource, VfsError> {
        self.vfs.stat(&self.meter, &at(path)).await
    }

    async fn read_plan(&self, at: &At, intent: &ReadIntent) -> Result<ReadPlan, VfsError> {
        let file = self.vfs.stat(&self.meter, at).await?;
        self.vfs.read_plan(&self.meter, at, file, intent).await
    }

    fn fail(&self, kind: DriveErrorKind) {
        self.drive.fail_with(Some(DriveError::new(kind, "made to fail")));
    }
}

#[tokio::test]
async fn the_top_lists_the_mounts_at_no_call() {
    let tree = tree(DownloadPolicy::Proxy);
    assert_eq!(tree.names("/").await.unwrap(), ["m"]);
    assert!(matches!(tree.stat("/x").await.unwrap_err().kind, VfsErrorKind::NotFound));
    assert_eq!(tree.meter.calls(), 0);
}

#[tokio::test]
async fn a_cold_listing_costs_its_depth_and_a_warm_one_nothing() {
    let tree = tree(DownloadPolicy::Proxy);
    assert_eq!(tree.names("/m/films").await.unwrap().len(), 3);
    assert_eq!(tree.meter.calls(), 2);
    tree.names("/m/films").await.unwrap();
    tree.stat("/m/films/a film.mkv").await.unwrap();
    assert_eq!(tree.meter.calls(), 2);
    assert!(tree.names("/m/films/empty").await.unwrap().is_empty());
    tree.names("/m/films/empty").await.unwrap();
    assert_eq!(tree.meter.calls(), 3);
}

#[tokio::test]
async fn many_who_want_the_same_folder_share_one_call() {
    let tree = tree(DownloadPolicy::Proxy);
    let all = (0..50).map(|_| tree.names("/m"));
    futures_util::future::try_join_all(all).await.unwrap();
    assert_eq!(tree.meter.calls(), 1);
}

#[tokio::test]
async fn probes_cost_nothing_cold_or_warm() {
    let tree = tree(DownloadPolicy::Proxy);
    for path in ["/m/.DS_Store", "/m/films/._a film.mkv", "/m/films/desktop.ini"] {
        let probed = tree.vfs.probe(&tree.meter, &at(path)).await;
        assert!(matches!(probed.unwrap_err().kind, VfsErrorKind::NotFound));
    }
    assert_eq!(tree.meter.calls(), 0);
}

#[tokio::test]
async fn a_name_is_found_in_the_spelling_of_every_client() {
    let tree = tree(DownloadPolicy::Proxy);
    for name in ["caf\u{e9}: what?.txt", "cafe\u{301}: what?.txt", "caf\u{e9}： what？.txt"] {
        assert!(tree.stat(&format!("/m/films/{name}")).await.is_ok(), "{name}");
    }
}

#[tokio::test]
async fn a_name_is_found_whatever_mixture_of_normal_forms_it_has() {
    let tree = tree(DownloadPolicy::Proxy);
    let forms = ["\u{e9}\u{e9}", "e\u{301}\u{e9}", "\u{e9}e\u{301}", "e\u{301}e\u{301}"];
    for (index, form) in forms.into_iter().enumerate() {
        let folder = tree.drive.add_folder(FileId::ROOT, &format!("{index}"));
        tree.drive.add_file(folder, &format!("第{form}：?"), "x", None);
    }
    for (index, form) in forms.into_iter().enumerate() {
        for asked in forms {
            assert!(tree.stat(&format!("/m/{index}/第{asked}：?")).await.is_ok(), "{asked:?} for {form:?}");
        }
        let other = tree.stat(&format!("/m/{index}/第e{form}：?")).await.unwrap_err();
        assert!(matches!(other.kind, VfsErrorKind::NotFound));
    }
}

#[tokio::test]
async fn a_name_as_it_was_shown_goes_before_its_other_normal_forms() {
    let tree = tree(DownloadPolicy::Proxy);
    let folder = tree.drive.add_folder(FileId::ROOT, "twins");
    let names = ["cafe\u{301}：", "caf\u{e9}:", "a：b", "a:b"];
    let ids = names.map(|name| tree.drive.add_file(folder, name, "x", None));
    let shown = ["cafe\u{301}：", "caf\u{e9}：", "a：b", &format!("a：b [{}]", ids[3])];
    for (index, id) in ids.into_iter().enumerate() {
        for name in [names[index], shown[index]] {
            assert_eq!(tree.stat(&format!("/m/twins/{name}")).await.unwrap().id, id, "{name}");
        }
    }
}

#[tokio::test]
async fn a_file_has_nothing_below_it() {
    let tree = tree(DownloadPolicy::Proxy);
    let below = tree.stat("/m/films/a film.mkv/x").await.unwrap_err();
    assert!(matches!(below.kind, VfsErrorKind::NotFound));
    let listed = tree.names("/m/films/a film.mkv").await.unwrap_err();
    assert!(matches!(listed.kind, VfsErrorKind::NotAFolder));
}

#[tokio::test]
async fn a_failure_is_neither_empty_nor_remembered() {
    let tree = tree(DownloadPolicy::Proxy);
    tree.fail(DriveErrorKind::Unavailable);
    for path in ["/m", "/m/films"] {
        assert!(matches!(tree.names(path).await.unwrap_err().kind, VfsErrorKind::Drive(_)));
    }
    tree.drive.fail_with(None);
    assert_eq!(tree.names("/m/films").await.unwrap().len(), 3);
}

#[tokio::test]
async fn a_folder_that_vanished_is_not_found_and_its_parent_is_listed_anew() {
    let tree = tree(DownloadPolicy::Proxy);
    tree.names("/m/films").await.unwrap();
    tree.fail(DriveErrorKind::NotFound);
    assert!(matches!(tree.names("/m/films/empty").await.unwrap_err().kind, VfsErrorKind::NotFound));
    tree.drive.fail_with(None);
    let before = tree.meter.calls();
    tree.names("/m/films").await.unwrap();
    assert_eq!(tree.meter.calls(), before + 1);
}

#[tokio::test]
async fn a_mount_whose_folder_is_gone_is_unavailable_not_missing() {
    let tree = tree(DownloadPolicy::Proxy);
    tree.fail(DriveErrorKind::NotFound);
    let VfsErrorKind::Drive(error) = tree.names("/m").await.unwrap_err().kind else { panic!() };
    assert_eq!(error.kind, DriveErrorKind::Unavailable);
    assert!(error.reason.contains("root_id"));
}

#[tokio::test]
async fn the_plan_follows_the_mount_and_the_client() {
    use DownloadPolicy::{Proxy, ProxyUrl, Redirect, RedirectForced};
    for (policy, follows, expected) in [
        (Redirect, true, "redirect"),
        (Redirect, false, "proxy"),
        (RedirectForced, false, "redirect"),
        (Proxy, true, "proxy"),
        (ProxyUrl, true, "proxy_url"),
        (ProxyUrl, false, "proxy"),
    ] {
        let tree = tree(policy);
        let intent = ReadIntent { agent: LinkBinding::to_agent("x/1"), follows_redirect: follows };
        let at = at("/m/films/a film.mkv");
        let plan = match tree.read_plan(&at, &intent).await.unwrap() {
            ReadPlan::Redirect(_) => "redirect",
            ReadPlan::Proxy(_) => "proxy",
            ReadPlan::ProxyUrl => "proxy_url",
        };
        assert_eq!(plan, expected, "{policy:?} {follows}");
    }
}

#[tokio::test]
async fn a_range_is_read_through_the_gateway() {
    let tree = tree(DownloadPolicy::Proxy);
    let intent = ReadIntent { agent: LinkBinding::Unbound, follows_redirect: true };
    let at = at("/m/films/a film.mkv");
    for (range, expected) in [(0..10, "0123456789"), (3..5, "34"), (9..10, "9")] {
        let Ok(ReadPlan::Proxy(source)) = tree.read_plan(&at, &intent).await else { panic!() };
        let content = tree.vfs.open(&tree.meter, source, range).await.unwrap();
        let chunks: Vec<_> = content.stream.try_collect().await.unwrap();
        assert_eq!(chunks.concat(), expected.as_bytes());
    }
    assert_eq!(tree.meter.calls(), 3, "two listings and one link");
}
