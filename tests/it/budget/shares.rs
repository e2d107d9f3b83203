//! What shares cost in calls to 115.
//!
//! Labels: `share_receive`, `share_snap`, `share_downurl_windows`, `share_downurl`, `share_downurl_web` and `share_skip_login_downurl`.

use std::time::Duration;

use dav115::config::{MountKind, NamedShare};
use dav115::model::FileId;
use http::StatusCode;
use sim115::{Fault, FaultRule, Tree};

use crate::harness::{AGENT, Gateway, path_of};
use crate::saved::{restarted, saving};
use crate::shares::{LINK, content, link, list, over, share, sharing};

#[tokio::test]
async fn a_cold_folder_costs_its_depth_and_its_pages_and_a_warm_one_nothing() {
    let names = ["deep", "level 1", "level 2", "level 3"];
    for depth in 0..=4 {
        let gateway = share(Tree::Demo).await;
        let path = format!("{}/", path_of(&names[..depth]));
        assert_eq!(list(&gateway, &path).await.status, StatusCode::MULTI_STATUS);
        gateway.assert_calls(&[("share_snap", depth + 1)]);
        assert_eq!(list(&gateway, &path).await.status, StatusCode::MULTI_STATUS);
        gateway.assert_calls(&[]);
    }
}

#[tokio::test]
async fn a_large_folder_is_complete() {
    for (limit, pages) in [(10_000, 2), (1000, 3)] {
        let gateway = share(Tree::Flat(2000)).await;
        gateway.sim.behave(|behaviours| behaviours.share_snap_limit = limit);
        list(&gateway, "/").await;
        gateway.take_calls();
        let listing = list(&gateway, "/flat").await;
        assert_eq!(listing.text().matches("<D:response>").count(), 2001);
        gateway.assert_calls(&[("share_snap", pages)]);
    }
}

#[tokio::test]
async fn two_mounts_of_a_share_share_what_is_remembered() {
    let gateway = over(sharing(Tree::Demo).await, |config| {
        config.mounts[0].path = "/a".to_owned();
        let again = dav115::config::Mount { path: "/b".to_owned(), ..config.mounts[0].clone() };
        config.mounts.push(again);
    })
    .await;
    list(&gateway, "/a").await;
    gateway.assert_calls(&[("share_snap", 1)]);
    assert_eq!(list(&gateway, "/b").await.status, StatusCode::MULTI_STATUS);
    gateway.assert_calls(&[]);
}

#[tokio::test]
async fn a_file_is_streamed_in_the_cheapest_way_since_its_link_serves_the_gateway_alone() {
    let gateway = share(Tree::Demo).await;
    let bytes = content(&gateway, "/hello.txt");
    for _ in 0..2 {
        let answer = gateway.get("/hello.txt", &[("user-agent", AGENT)]).await;
        assert_eq!((answer.status, &answer.body), (StatusCode::OK, &bytes));
    }
    gateway.assert_calls(&[("share_snap", 1), ("share_downurl_windows", 1), ("download server", 2)]);
}

#[tokio::test]
async fn a_way_that_is_closed_is_remembered_and_the_next_one_taken() {
    let sim = sharing(Tree::Demo).await;
    let gate = |ways: &[&str]| ways.iter().map(|way| (*way).to_owned()).collect();
    let gateway =
        over(sim, |config| config.download.user_agent = "Mozilla/5.0 115Browser/27.0.5.7".to_owned()).await;
    gateway.sim.behave(|behaviours| behaviours.share_gated = gate(&["share_downurl"]));
    assert_eq!(gateway.get("/hello.txt", &[]).await.status, StatusCode::OK);
    gateway.assert_calls(&[("share_snap", 1), ("share_downurl_windows", 1), ("download server", 1)]);

    // An agent that is no 115 client's is refused where the gate is, and the next way serves.
    let gateway =
        over(sharing(Tree::Demo).await, |config| config.download.user_agent = "Mozilla/5.0".to_owned()).await;
    gateway.sim.behave(|behaviours| {
        behaviours.share_gated = gate(&["share_downurl_windows", "share_downurl"]);
    });
    let bytes = content(&gateway, "/hello.txt");
    assert_eq!(gateway.get("/hello.txt", &[]).await.body, bytes);
    gateway.assert_calls(&[
        ("share_snap", 1),
        ("share_downurl_windows", 1),
        ("share_downurl", 1),
        ("share_downurl_web", 1),
        ("download server", 1),
    ]);
    let bytes = content(&gateway, "/Documents/data.json");
    assert_eq!(gateway.get("/Documents/data.json", &[]).await.body, bytes);
    gateway.assert_calls(&[("share_snap", 1), ("share_downurl_web", 1), ("download server", 1)]);
}

#[tokio::test]
async fn the_encrypted_way_serves_a_115_client() {
    let gateway = share(Tree::Demo).await;
    gateway.sim.fault(FaultRule::every(
        "share_downurl_windows",
        Fault::Json {
            errno: 50_029, message: "当前版本过低，请升级到最新版本下载。".to_owned()
        },
    ));
    let bytes = content(&gateway, "/hello.txt");
    assert_eq!(gateway.get("/hello.txt", &[]).await.body, bytes);
    gateway.assert_calls(&[
        ("share_snap", 1),
        ("share_downurl_windows", 1),
        ("share_downurl", 1),
        ("download server", 1),
    ]);
}

#[tokio::test]
async fn the_list_itself_costs_nothing_when_every_share_has_a_name() {
    let gateway = Gateway::over(sharing(Tree::Demo).await, |config| {
        let name = Some("Films".to_owned());
        config.mounts[0].kind = MountKind::Shares(vec![NamedShare { link: link(LINK), name }]);
        config.cache.listing_ttl = Duration::from_secs(600);
    })
    .await;
    assert_eq!(list(&gateway, "/").await.status, StatusCode::MULTI_STATUS);
    gateway.assert_calls(&[]);
    assert_eq!(list(&gateway, "/Films/deep").await.status, StatusCode::MULTI_STATUS);
    gateway.assert_calls(&[("share_snap", 2)]);
}

#[tokio::test]
async fn what_can_only_be_had_by_saving_it_is_saved_once() {
    let closed_ways = [
        ("share_downurl", 1),
        ("share_downurl_web", 1),
        ("share_downurl_windows", 1),
        ("share_skip_login_downurl", 1),
    ];
    let (gateway, _) = saving(|_| {}).await;
    let bytes = content(&gateway, "/hello.txt");
    assert_eq!(gateway.get("/hello.txt", &[]).await.body, bytes);
    // Each way is tried, the folder looked at, and looked at again for what the copy is called.
    let own = [("share_snap", 1), ("files", 2), ("share_receive", 1), ("downurl", 1), ("download server", 1)];
    gateway.assert_calls(&[&closed_ways[..], &own].concat());
    assert_eq!(gateway.get("/hello.txt", &[]).await.body, bytes);
    gateway.assert_calls(&[("download server", 1)]);

    // Another file: the closed ways are remembered, and so is what the folder held.
    list(&gateway, "/Documents").await;
    gateway.take_calls();
    let bytes = content(&gateway, "/Documents/data.json");
    assert_eq!(gateway.get("/Documents/data.json", &[]).await.body, bytes);
    gateway.assert_calls(&[("share_receive", 1), ("files", 1), ("downurl", 1), ("download server", 1)]);

    // After a restart what was saved is found by its content.
    let gateway = restarted(gateway).await;
    assert_eq!(gateway.get("/Documents/data.json", &[]).await.body, bytes);
    let own = [("share_snap", 2), ("files", 1), ("downurl", 1), ("download server", 1)];
    gateway.assert_calls(&[&closed_ways[..], &own].concat());
    assert_eq!(gateway.get("/hello.txt", &[]).await.status, StatusCode::OK);
    gateway.assert_calls(&[("downurl", 1), ("download server", 1)]);
}

#[tokio::test]
async fn nothing_is_saved_as_long_as_there_is_another_way() {
    let sim = sharing(Tree::Demo).await;
    let folder = sim.tree(|tree| tree.add_folder(sim115::ROOT, "saved"));
    let gateway = over(sim, |config| config.mounts[0].save_to = Some(FileId(folder))).await;
    assert_eq!(gateway.get("/hello.txt", &[]).await.status, StatusCode::OK);
    gateway.assert_calls(&[("share_snap", 1), ("share_downurl_windows", 1), ("download server", 1)]);
}
