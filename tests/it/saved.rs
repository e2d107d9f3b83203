//! Files of shares that can only be had by saving them to the account (`save_to`).

use std::time::Duration;

use dav115::config::{Config, MountKind};
use dav115::model::FileId;
use futures_util::future::join_all;
use http::StatusCode;
use sim115::{Fault, FaultRule, ROOT, ShareSpec, Tree};

use crate::harness::{Answer, Gateway};
use crate::shares::{CODE, LINK, content, link, list, over, sharing};

/// Every way to a link that saves nothing.
const WAYS: [&str; 4] =
    ["share_downurl", "share_downurl_web", "share_downurl_windows", "share_skip_login_downurl"];

fn too_old() -> Fault {
    Fault::Json {
        errno: 50_029, message: "当前版本过低，请升级到最新版本下载。".to_owned()
    }
}

/// A gateway over a share whose files can be had in no way but by saving them, and the folder to save to.
pub(crate) async fn saving(change: impl FnOnce(&mut Config)) -> (Gateway, u64) {
    let sim = sharing(Tree::Demo).await;
    let folder = sim.tree(|tree| tree.add_folder(ROOT, "saved"));
    for way in WAYS {
        sim.fault(FaultRule::every(way, too_old()));
    }
    let gateway = over(sim, |config| {
        config.mounts[0].save_to = Some(FileId(folder));
        change(config);
    })
    .await;
    (gateway, folder)
}

/// Another gateway of the same configuration over the same simulator.
pub(crate) async fn restarted(mut gateway: Gateway) -> Gateway {
    gateway.stop().await;
    let folder = gateway.sim.tree(|tree| tree.find(&["saved"]).unwrap());
    over(gateway.sim, |config| config.mounts[0].save_to = Some(FileId(folder))).await
}

/// The names of what has been saved.
fn saved(gateway: &Gateway) -> Vec<String> {
    let mut names: Vec<_> = gateway.sim.tree(|tree| {
        let folder = tree.find(&["saved"]).unwrap();
        tree.children(folder).iter().map(|node| node.name.clone()).collect()
    });
    names.sort_unstable();
    names
}

async fn hello(gateway: &Gateway) -> Answer {
    gateway.get("/hello.txt", &[]).await
}

#[tokio::test]
async fn a_crowd_saves_each_file_once() {
    let (gateway, _) = saving(|_| {}).await;
    gateway.sim.behave(|behaviours| behaviours.latency_ms.insert("*".to_owned(), 20));
    let paths = ["/hello.txt", "/Documents/data.json", "/Documents/README.txt"];
    list(&gateway, "/Documents").await;
    let asked: Vec<_> = paths.iter().cycle().take(12).map(|path| gateway.get(path, &[])).collect();
    for (answer, path) in join_all(asked).await.iter().zip(paths.iter().cycle()) {
        assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text());
        assert_eq!(answer.body, content(&gateway, path), "{path}");
    }
    assert_eq!(gateway.sim.calls("share_receive"), 3);
    assert_eq!(saved(&gateway), ["README.txt", "data.json", "hello.txt"]);
}

#[tokio::test]
async fn mounts_that_save_to_the_same_folder_know_of_each_other() {
    let (gateway, _) = saving(|config| {
        "/one".clone_into(&mut config.mounts[0].path);
        let mut list = config.mounts[0].clone();
        "/two".clone_into(&mut list.path);
        list.kind = MountKind::Shares(vec![dav115::config::NamedShare {
            link: link(LINK),
            name: Some("it".to_owned()),
        }]);
        config.mounts.push(list);
    })
    .await;
    let bytes = content(&gateway, "/hello.txt");
    for path in ["/one/hello.txt", "/two/it/hello.txt"] {
        assert_eq!(gateway.get(path, &[]).await.body, bytes, "{path}");
    }
    assert_eq!(gateway.sim.calls("share_receive"), 1);
}

#[tokio::test]
async fn the_same_content_is_not_saved_again_under_another_name() {
    let (gateway, folder) = saving(|_| {}).await;
    gateway.sim.tree(|tree| {
        let bytes = sim115::Content::Bytes("hello from the simulated drive\n".into());
        tree.add_file(folder, "renamed by its owner.txt", bytes);
    });
    assert_eq!(hello(&gateway).await.body, content(&gateway, "/hello.txt"));
    assert_eq!(gateway.sim.calls("share_receive"), 0);
}

#[tokio::test]
async fn a_copy_that_its_owner_deleted_is_made_again() {
    let (gateway, _) = saving(|config| config.cache.link_margin = Duration::from_secs(3600)).await;
    assert_eq!(hello(&gateway).await.status, StatusCode::OK);
    gateway.sim.tree(|tree| {
        let copy = tree.find(&["saved", "hello.txt"]).unwrap();
        assert!(tree.delete(copy));
    });
    // The links made before are refused by now, so that others are asked for.
    gateway.sim.advance(Duration::from_secs(7200));
    gateway.take_calls();
    let answer = hello(&gateway).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    assert_eq!(answer.body, content(&gateway, "/hello.txt"));
    assert_eq!(gateway.sim.calls("share_receive"), 1);
    assert_eq!(saved(&gateway), ["hello.txt"]);
}

#[tokio::test]
async fn a_copy_whose_answer_is_lost_is_found_and_not_made_again() {
    for (fault, status) in [(Fault::CutAfter(10), 503), (Fault::Garbage, 502), (Fault::Reset, 503)] {
        let (gateway, _) = saving(|_| {}).await;
        gateway.sim.fault(FaultRule::nth("share_receive", 1, fault.clone()));
        let answer = hello(&gateway).await;
        assert_eq!(answer.status, status, "{fault:?}: {}", answer.text());
        assert_eq!(answer.retry_after(), Some(10));
        // The answer was not waited for again, since the copy may be there.
        assert_eq!(gateway.sim.calls("share_receive"), 1, "{fault:?}");
        gateway.take_calls();
        assert_eq!(hello(&gateway).await.body, content(&gateway, "/hello.txt"));
        // A connection that was reset before 115 answered has copied nothing.
        assert_eq!(gateway.sim.calls("share_receive"), usize::from(fault == Fault::Reset), "{fault:?}");
        assert_eq!(saved(&gateway), ["hello.txt"], "{fault:?}");
    }
}

#[tokio::test]
async fn a_copy_that_is_not_listed_yet_is_waited_for_and_not_made_again() {
    let (gateway, _) = saving(|config| config.limits.retries = 0).await;
    // The look before and the one after the copy; the second one fails.
    gateway.sim.fault(FaultRule::nth("files", 2, Fault::Busy590075));
    assert_eq!(hello(&gateway).await.status, StatusCode::SERVICE_UNAVAILABLE);
    let copy = gateway.sim.tree(|tree| {
        let copy = tree.find(&["saved", "hello.txt"]).unwrap();
        // For a while it is not to be seen in its folder.
        assert!(tree.relocate(copy, ROOT));
        copy
    });
    for _ in 0..2 {
        let answer = hello(&gateway).await;
        assert_eq!((answer.status.as_u16(), answer.retry_after()), (503, Some(10)));
        assert!(answer.text().contains("115 does not list it there yet"), "{}", answer.text());
    }
    gateway.sim.tree(|tree| {
        let folder = tree.find(&["saved"]).unwrap();
        assert!(tree.relocate(copy, folder));
    });
    assert_eq!(hello(&gateway).await.body, content(&gateway, "/hello.txt"));
    assert_eq!(gateway.sim.calls("share_receive"), 1);
}

/// What can be in the way, what is said of it, and that asking again costs nothing.
#[tokio::test]
async fn what_is_in_the_way_is_told_with_what_to_do_and_costs_nothing_until_it_may_be_over() {
    type Spoil = fn(&Gateway, u64);
    let rows: [(Spoil, u16, Option<u64>, &str); 6] = [
        (|gateway, _| gateway.sim.user("main").set_space(Some(1)), 503, Some(600), "has no space left"),
        (
            |gateway, folder| assert!(gateway.sim.tree(|tree| tree.delete(folder))),
            503,
            Some(600),
            "which save_to names (any more); correct save_to",
        ),
        (
            |gateway, _| gateway.sim.fault(FaultRule::every("share_receive", json(20_018))),
            503,
            Some(600),
            "which save_to names (any more); correct save_to",
        ),
        (
            |gateway, _| gateway.sim.fault(FaultRule::every("share_receive", json(4_200_045))),
            403,
            None,
            "has received this file of the share sw3abc12xyz before",
        ),
        (
            |gateway, _| gateway.sim.fault(FaultRule::every("share_receive", json(4_100_030))),
            403,
            None,
            "115 says “x” (code 4100030)",
        ),
        (
            |gateway, _| gateway.sim.fault(FaultRule::every("share_receive", json(51_011))),
            403,
            None,
            "115 says “x” (code 51011)",
        ),
    ];
    for (spoil, status, pause, says) in rows {
        let (gateway, folder) = saving(|_| {}).await;
        spoil(&gateway, folder);
        for is_first in [true, false] {
            let answer = hello(&gateway).await;
            assert_eq!(answer.status, status, "{says}: {}", answer.text());
            assert!(answer.text().contains(says), "{says}: {}", answer.text());
            assert!(answer.retry_after().is_some() == pause.is_some(), "{says}");
            let waits = answer.retry_after().zip(pause);
            assert!(
                waits.is_none_or(|(stated, pause)| stated <= pause && stated + 60 > pause),
                "{says}: {waits:?}"
            );
            if is_first {
                gateway.take_calls();
            }
        }
        gateway.assert_calls(&[]);
        // The share itself is there all the same.
        assert_eq!(list(&gateway, "/").await.status, StatusCode::MULTI_STATUS, "{says}");
    }
}

#[tokio::test]
async fn what_was_saved_is_still_read_when_there_is_no_space_for_more() {
    let (gateway, _) = saving(|_| {}).await;
    let (first, second) = ("/hello.txt", "/Documents/data.json");
    list(&gateway, "/Documents").await;
    assert_eq!(gateway.get(first, &[]).await.status, StatusCode::OK);
    gateway.sim.user("main").set_space(Some(1));
    assert_eq!(gateway.get(second, &[]).await.status, StatusCode::SERVICE_UNAVAILABLE);
    // The links made before are refused by now, so that the copy is asked for again.
    gateway.sim.advance(Duration::from_secs(7200));
    gateway.take_calls();
    assert_eq!(gateway.get(first, &[]).await.body, content(&gateway, first));
    gateway.assert_calls(&[("downurl", 1), ("download server", 2)]);
}

/// Whatever becomes of the call that copies, it is made once for a request.
#[tokio::test]
async fn a_copy_is_never_asked_for_twice_by_one_request() {
    for fault in [
        Fault::Waf405,
        Fault::Html(200),
        Fault::TooMany429,
        Fault::Limit770004,
        Fault::LoggedOut,
        Fault::Busy590075,
        Fault::Running990009,
        Fault::Html(500),
        Fault::Status(502),
        Fault::Status(404),
        Fault::Reset,
        Fault::CutAfter(10),
        Fault::ContentLengthLonger(9),
        Fault::Garbage,
        Fault::EmptyBody,
        json(990_002),
        json(123_456),
    ] {
        let (gateway, _) = saving(|_| {}).await;
        gateway.sim.fault(FaultRule::every("share_receive", fault.clone()));
        let answer = hello(&gateway).await;
        let expected = if fault == json(990_002) { &[403][..] } else { &[502, 503] };
        assert!(expected.contains(&answer.status.as_u16()), "{fault:?}: {}", answer.text());
        assert_eq!(answer.retry_after().is_some(), answer.status != 403, "{fault:?}");
        assert!(answer.text().starts_with("cannot read /hello.txt: "), "{fault:?}: {}", answer.text());
        assert_eq!(gateway.sim.calls("share_receive"), 1, "{fault:?}");
        assert_eq!(list(&gateway, "/").await.status, StatusCode::MULTI_STATUS, "{fault:?}");
    }
}

/// What passes by itself is not repeated within a request, and tried again with the next.
#[tokio::test]
async fn what_passes_by_itself_is_tried_again_with_the_next_request() {
    for code in [990_005, 990_009, 77] {
        let (gateway, _) = saving(|_| {}).await;
        gateway.sim.fault(FaultRule::nth("share_receive", 1, json(code)));
        let answer = hello(&gateway).await;
        assert_eq!((answer.status.as_u16(), answer.retry_after()), (503, Some(10)), "{}", answer.text());
        assert_eq!(gateway.sim.calls("share_receive"), 1);
        assert_eq!(hello(&gateway).await.status, StatusCode::OK, "{code}");
        assert_eq!(saved(&gateway), ["hello.txt"]);
    }
}

#[tokio::test]
async fn an_account_that_is_signed_out_saves_nothing_and_a_share_that_ends_says_so() {
    let (gateway, _) = saving(|_| {}).await;
    list(&gateway, "/").await;
    gateway.sim.clear_faults();
    gateway.sim.expire_cookie();
    let answer = hello(&gateway).await;
    assert_eq!((answer.status.as_u16(), answer.retry_after()), (503, Some(60)));
    assert!(answer.text().contains("the account main is signed out"), "{}", answer.text());
    assert_eq!(gateway.sim.calls("share_receive"), 0);

    let (gateway, _) = saving(|_| {}).await;
    list(&gateway, "/").await;
    gateway.sim.fault(FaultRule::every("share_receive", json(4_100_010)));
    let answer = hello(&gateway).await;
    assert_eq!(answer.status, StatusCode::GONE, "{}", answer.text());
    assert!(answer.text().contains("was cancelled by its sharer"), "{}", answer.text());
}

#[tokio::test]
async fn what_115_refuses_for_its_content_is_not_saved_either() {
    let (gateway, _) = saving(|_| {}).await;
    gateway.sim.clear_faults();
    let violating = Fault::Json { errno: 50_038, message: "文件包含违规内容".to_owned() };
    for way in WAYS {
        gateway.sim.fault(FaultRule::every(way, violating.clone()));
    }
    let answer = hello(&gateway).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN, "{}", answer.text());
    assert_eq!(gateway.sim.calls("share_receive"), 0);
}

#[tokio::test]
async fn the_files_of_a_share_of_another_user_are_saved_to_the_account_of_the_mount() {
    let sim = sharing(Tree::Demo).await;
    let other = sim.add_user("second", &Tree::Empty);
    sim.add_share(&ShareSpec::new(CODE, "a1b2", Tree::Demo).by("second"));
    let folder = sim.tree(|tree| tree.add_folder(ROOT, "saved"));
    for way in WAYS {
        sim.fault(FaultRule::every(way, too_old()));
    }
    let gateway = over(sim, |config| config.mounts[0].save_to = Some(FileId(folder))).await;
    assert_eq!(hello(&gateway).await.status, StatusCode::OK);
    assert_eq!((saved(&gateway).len(), other.calls("share_receive")), (1, 0));
}

fn json(errno: i64) -> Fault {
    Fault::Json { errno, message: "x".to_owned() }
}
