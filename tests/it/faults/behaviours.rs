//! The oddities of 115 that a client must live with: each switch of the simulator.

use dav115::model::FileId;
use http::StatusCode;
use sim115::{Behaviours, Fault, FaultRule, OrderMemory, Tree};

use super::Pause::{Exactly, From, Unstated};
use super::Way::{Head, Propfind, Proxy, Redirect};
use super::{BLOCK_PAUSE, assert_failed};
use crate::harness::{Answer, Gateway, propfind, simulator};
use crate::multistatus::{Resource, resources};

const EVERYTHING: &str = r#"<propfind xmlns="DAV:"><prop><resourcetype/><getcontentlength/><getlastmodified/>
    <checksums xmlns="http://owncloud.org/ns"/></prop></propfind>"#;

async fn all_of(gateway: &Gateway, path: &str) -> Vec<Resource> {
    let answer = gateway.send(propfind(), path, &[("depth", "1")], EVERYTHING).await;
    assert_eq!(answer.status, StatusCode::MULTI_STATUS, "{}", answer.text());
    resources(answer.text())
}

/// The answer to PROPFIND of a folder of `files`, from a 115 that behaves like this.
async fn listed(files: usize, change: impl FnOnce(&mut Behaviours)) -> (Gateway, Answer) {
    let gateway = Gateway::over(simulator(Tree::Flat(files)).await, |_| {}).await;
    gateway.propfind("/", "1").await;
    gateway.take_calls();
    gateway.sim.behave(change);
    let answer = gateway.propfind("/flat", "1").await;
    (gateway, answer)
}

/// Checks that a listing is complete whatever 115 does, and what that costs.
async fn check(files: usize, calls: &[(&str, usize)], change: impl FnOnce(&mut Behaviours)) {
    let (gateway, answer) = listed(files, change).await;
    assert_eq!(answer.status, StatusCode::MULTI_STATUS, "{}", answer.text());
    let mut shown: Vec<String> = resources(answer.text()).iter().skip(1).map(Resource::name).collect();
    let mut there = gateway.sim.tree(|tree| {
        let folder = tree.find(&["flat"]).unwrap();
        tree.children(folder).iter().map(|node| node.name.clone()).collect::<Vec<_>>()
    });
    shown.sort_unstable();
    there.sort_unstable();
    assert!(shown == there, "{} shown of {}", shown.len(), there.len());
    gateway.assert_calls(calls);
}

#[tokio::test]
async fn types_that_change_from_answer_to_answer_change_nothing() {
    let (steady, jittery) =
        (simulator(Tree::Grid { folders: 15, files: 8 }), simulator(Tree::Grid { folders: 15, files: 8 }));
    let (steady, jittery) = (steady.await, jittery.await);
    jittery.behave(|behaviours| behaviours.type_jitter = true);
    let (steady, jittery) = (Gateway::over(steady, |_| {}).await, Gateway::over(jittery, |_| {}).await);
    for folder in 0..15 {
        let path = format!("/folder-{folder:04}");
        assert_eq!(all_of(&jittery, &path).await, all_of(&steady, &path).await);
        let content = jittery.get(&format!("{path}/file-00003.bin"), &[("user-agent", "davfs2/1.6.1")]).await;
        assert_eq!(content.status, StatusCode::OK, "{}", content.text());
        let answer = jittery.get(&format!("{path}/file-00004.bin"), &[]).await;
        assert_eq!(answer.status, StatusCode::FOUND, "{}", answer.text());
    }
}

#[tokio::test]
async fn data_of_a_wrong_type_in_a_refusal_hides_nothing_of_it() {
    let gateway = super::gateway(|_| {}).await;
    gateway.sim.behave(|behaviours| behaviours.wrong_type_on_error = true);
    super::warm_up(&gateway).await;
    for _ in 0..5 {
        let fault = Fault::Json { errno: 50_003, message: "文件不存在".to_owned() };
        gateway.sim.fault(FaultRule::nth("downurl", 1, fault));
        // What 115 calls gone is looked for once more in its folder.
        gateway.sim.fault(FaultRule::nth("files", 1, Fault::Running990009));
        assert_failed(&Proxy.go(&gateway).await, 404, Unstated, "文件不存在");
        Propfind.assert_true(&gateway, &Propfind.go(&gateway).await);
        gateway.assert_calls(&[("downurl", 1), ("files", 2)]);
    }
    gateway.sim.expire_cookie();
    assert_failed(&Redirect.go(&gateway).await, 503, Exactly(60), "请重新登录");
}

#[tokio::test]
async fn remembered_orders_cost_no_entry() {
    use OrderMemory::{AlwaysRefuse, AlwaysSilent, Refuse, Silent};
    for memory in [Silent, Refuse, AlwaysSilent] {
        check(1300, &[("files", 2)], |behaviours| behaviours.order_memory = memory).await;
    }
    for key in ["file_size", "user_utime", "file_type"] {
        let with = |memory| {
            move |behaviours: &mut Behaviours| {
                behaviours.order_memory = memory;
                key.clone_into(&mut behaviours.remembered_key);
                behaviours.remembered_ascending = false;
            }
        };
        check(1300, &[("files", 2)], with(AlwaysSilent)).await;
        check(1300, &[("files", 3)], with(AlwaysRefuse)).await;
    }
    check(1150, &[("files", 1), ("natsort", 1)], |b| b.order_memory = AlwaysRefuse).await;
    check(1200, &[("files", 1), ("natsort", 2)], |b| b.order_memory = AlwaysRefuse).await;
    // By name, 115 begins anew after 1200 entries, so what lies beyond cannot be had.
    let (gateway, answer) = listed(1201, |behaviours| behaviours.order_memory = AlwaysRefuse).await;
    assert_failed(&answer, 502, Exactly(10), "no more than 1200 entries");
    gateway.sim.behave(|behaviours| behaviours.order_memory = Silent);
    assert_eq!(gateway.propfind("/flat", "1").await.status, StatusCode::MULTI_STATUS);
}

#[tokio::test]
async fn counts_that_lie_cost_calls_but_no_entry() {
    // One entry fewer is not noticed where the last page is not full.
    check(100, &[("files", 1)], |behaviours| behaviours.count_lie = -3).await;
    check(3000, &[("files", 3)], |behaviours| behaviours.count_lie = -3).await;
    // Where it is full, an empty page tells.
    check(2300, &[("files", 3)], |behaviours| behaviours.count_lie = -3).await;
    // Entries that never come are asked for twice.
    check(100, &[("files", 3)], |behaviours| behaviours.count_lie = 3).await;
    check(3000, &[("files", 5)], |behaviours| behaviours.count_lie = 3).await;
    let (_, answer) = listed(100, |behaviours| behaviours.count_lie = 1150).await;
    assert_failed(&answer, 502, Exactly(10), "ends after 100 of 1250 entries");
    let (_, answer) = listed(0, |behaviours| behaviours.count_lie = 1).await;
    assert_failed(&answer, 502, Exactly(10), "ends after 0 of 1 entries");
}

#[tokio::test]
async fn pages_of_any_length_make_a_whole() {
    check(3000, &[("files", 3)], |behaviours| behaviours.short_page_items = 7).await;
    check(2300, &[("files", 3)], |behaviours| behaviours.short_page_items = 7).await;
    check(250, &[("files", 3)], |behaviours| behaviours.files_limit = 100).await;
    // A page of one entry has room for the overlap with the page before alone, so each but the first is asked for twice.
    check(9, &[("files", 17)], |behaviours| behaviours.files_limit = 1).await;
    check(100, &[("files", 1)], |behaviours| behaviours.escaped_slashes = false).await;
}

#[tokio::test]
async fn a_folder_that_changes_while_it_is_listed_is_shown_as_it_is_or_not_at_all() {
    check(3000, &[("files", 3)], |behaviours| behaviours.files_appearing = 2).await;
    // What was deleted has moved the rest up by one, so all is listed anew.
    check(3000, &[("files", 5)], |behaviours| behaviours.files_vanishing = 1).await;
    // Nor does an entry that came at the same time hide it, though the count stays as it was.
    let both = |behaviours: &mut Behaviours| {
        (behaviours.files_vanishing, behaviours.files_appearing) = (1, 1);
    };
    check(3000, &[("files", 5)], both).await;
    let (gateway, answer) = listed(3000, |behaviours| behaviours.files_vanishing = 1000).await;
    assert_failed(&answer, 502, Exactly(10), "was different every time");
    gateway.sim.behave(|behaviours| behaviours.files_vanishing = 0);
    assert_eq!(gateway.propfind("/flat", "1").await.status, StatusCode::MULTI_STATUS);
}

#[tokio::test]
async fn a_mount_of_a_folder_that_does_not_exist_is_never_empty_nor_the_root() {
    for lists_root in [true, false] {
        let gateway = super::gateway(|config| config.mounts[0].root = FileId(999)).await;
        gateway.sim.behave(|behaviours| behaviours.unknown_cid_lists_root = lists_root);
        for way in [Propfind, Head, Redirect, Proxy] {
            assert_failed(&way.go(&gateway).await, 503, Exactly(10), "115 has no folder with the id 999");
            gateway.assert_calls(&[("files", 1)]);
        }
    }
}

#[tokio::test]
async fn the_firewall_is_met_once_and_then_left_alone() {
    let gateway =
        Gateway::start(Tree::Grid { folders: 9, files: 1 }, dav115::model::DownloadPolicy::Redirect);
    let gateway = gateway.await;
    gateway.sim.behave(|behaviours| behaviours.waf_calls = 4);
    let mut statuses = Vec::new();
    for folder in 0..9 {
        let answer = gateway.propfind(&format!("/folder-{folder:04}"), "1").await;
        if answer.status != 207 {
            assert_failed(&answer, 503, From(BLOCK_PAUSE), "115 is throttling the account main until");
        }
        statuses.push(answer.status.as_u16());
    }
    assert_eq!(statuses, [207, 207, 207, 503, 503, 503, 503, 503, 503]);
    gateway.assert_calls(&[("files", 5)]);
    // What is known already is still shown.
    assert_eq!(gateway.propfind("/folder-0001", "1").await.status, 207);
    assert_eq!(gateway.head("/folder-0002/file-00000.bin").await.status, 200);
    gateway.assert_calls(&[]);
}
