//! What every request costs in calls to 115, from the simulator's ledger.
//!
//! The labels are those of the calls in `src/pan115`: `files`, `natsort`, `downurl`, `index_info` and `download server`.
//! Only the last costs nothing of the account's allowance.

mod changes;
mod login;
mod shares;
mod writes;

use std::time::Duration;

use dav115::model::DownloadPolicy::{Proxy, Redirect};
use futures_util::future::join_all;
use http::{Method, StatusCode};
use sim115::{Binding, EmptyAgent, OrderMemory, Tree};

use crate::harness::{Answer, Gateway, STAYING_AGENT, eventually, path_of, propfind, simulator};

const SONG: &str =
    "/Music/%F0%9F%8E%B5%20Live%20%26%20Loud%20%231/01%20%E2%80%93%20%C3%87a%20ira%20100%25.flac";
const FILM: [&str; 3] = ["电影", "流浪地球 (2019)", "流浪地球 (2019).mkv"];
const QUOTA: &str =
    r#"<propfind xmlns="DAV:"><prop><quota-available-bytes/><quota-used-bytes/></prop></propfind>"#;

async fn demo() -> Gateway {
    Gateway::start(Tree::Demo, Redirect).await
}

/// A gateway whose root is listed, so that its files can be looked up without a call.
async fn warm(tree: Tree) -> Gateway {
    let gateway = Gateway::start(tree, Redirect).await;
    gateway.propfind("/", "1").await;
    gateway.take_calls();
    gateway
}

async fn get_by(gateway: &Gateway, path: &str, agent: &str) -> Answer {
    gateway.get(path, &[("user-agent", agent)]).await
}

// === Listings ===

#[tokio::test]
async fn a_cold_folder_costs_its_depth_and_its_pages_and_a_warm_one_nothing() {
    let names = ["deep", "level 1", "level 2", "level 3"];
    for depth in 0..=4 {
        let gateway = demo().await;
        let path = format!("{}/", path_of(&names[..depth]));
        assert_eq!(gateway.propfind(&path, "1").await.status, StatusCode::MULTI_STATUS);
        gateway.assert_calls(&[("files", depth + 1)]);
        assert_eq!(gateway.propfind(&path, "1").await.status, StatusCode::MULTI_STATUS);
        gateway.assert_calls(&[]);
    }
}

#[tokio::test]
async fn what_a_path_is_costs_its_depth_and_nothing_when_warm() {
    let gateway = demo().await;
    assert_eq!(gateway.propfind("/", "0").await.status, StatusCode::MULTI_STATUS);
    gateway.assert_calls(&[]);
    assert_eq!(gateway.propfind("/deep/level%201", "0").await.status, StatusCode::MULTI_STATUS);
    gateway.assert_calls(&[("files", 2)]);
    for path in ["/deep", "/deep/level%201", "/hello.txt"] {
        assert_eq!(gateway.propfind(path, "0").await.status, StatusCode::MULTI_STATUS);
        assert_eq!(gateway.head(path).await.status, StatusCode::OK);
    }
    assert_eq!(gateway.head("/no%20such%20thing").await.status, StatusCode::NOT_FOUND);
    gateway.assert_calls(&[]);
}

#[tokio::test]
async fn a_folder_costs_a_call_for_its_first_1150_entries_and_one_for_each_1149_more() {
    for (files, pages) in [(3000, 3), (1150, 1), (1151, 2), (2299, 2), (2300, 3)] {
        let gateway = warm(Tree::Flat(files)).await;
        let listing = gateway.propfind("/flat", "1").await;
        assert_eq!(listing.text().matches("<D:response>").count(), files + 1);
        gateway.assert_calls(&[("files", pages)]);
    }
}

#[tokio::test]
async fn an_empty_folder_is_remembered_as_well() {
    let gateway = warm(Tree::Demo).await;
    for cost in [&[("files", 1)][..], &[]] {
        assert_eq!(gateway.propfind(&path_of(&["空文件夹"]), "1").await.status, StatusCode::MULTI_STATUS);
        gateway.assert_calls(cost);
    }
}

#[tokio::test]
async fn a_folder_that_is_only_to_be_had_by_name_costs_one_refusal() {
    let gateway = demo().await;
    gateway.sim.behave(|behaviours| behaviours.order_memory = OrderMemory::AlwaysRefuse);
    assert_eq!(gateway.propfind("/", "1").await.status, StatusCode::MULTI_STATUS);
    gateway.assert_calls(&[("files", 1), ("natsort", 1)]);
}

#[tokio::test]
async fn names_that_systems_look_for_everywhere_cost_nothing() {
    let gateway = demo().await;
    let probes = [
        "._x",
        "._hello.txt",
        ".DS_Store",
        "desktop.ini",
        "Thumbs.db",
        ".metadata_never_index",
        ".hidden",
        ".nomedia",
    ];
    for round in ["cold", "warm"] {
        for folder in ["", "/deep/level%201"] {
            for name in probes {
                let path = format!("{folder}/{name}");
                assert_eq!(gateway.head(&path).await.status, StatusCode::NOT_FOUND, "{round} {path}");
                let found = gateway.propfind(&path, "0").await;
                assert_eq!(found.status, StatusCode::NOT_FOUND, "{round} {path}");
            }
        }
        gateway.assert_calls(&[]);
        gateway.propfind("/deep/level%201", "1").await;
        gateway.take_calls();
    }
    // This one may be there in earnest, so it is looked up.
    for path in ["/folder.jpg", "/deep/level%201/folder.jpg"] {
        assert_eq!(gateway.head(path).await.status, StatusCode::NOT_FOUND);
    }
    gateway.assert_calls(&[]);
    // A GET tells the truth about any name.
    let gateway = demo().await;
    assert_eq!(gateway.get("/.DS_Store", &[]).await.status, StatusCode::NOT_FOUND);
    gateway.assert_calls(&[("files", 1)]);
}

#[tokio::test]
async fn fifty_clients_that_list_a_cold_folder_at_once_cost_as_much_as_one() {
    let gateway = Gateway::start(Tree::Flat(3000), Redirect).await;
    gateway.sim.behave(|behaviours| behaviours.latency_ms.insert("files".to_owned(), 50));
    let listings = join_all((0..50).map(|_| gateway.propfind("/flat", "1"))).await;
    assert!(listings.iter().all(|listing| listing.body == listings[0].body && listing.body.len() > 100_000));
    gateway.assert_calls(&[("files", 4)]);
}

#[tokio::test]
async fn a_client_that_gives_up_does_not_waste_the_calls_for_its_listing() {
    let sim = simulator(Tree::Flat(890)).await;
    sim.behave(|behaviours| {
        behaviours.files_limit = 100;
        behaviours.latency_ms.insert("files".to_owned(), 30);
    });
    let gateway = Gateway::over(sim, |_| {}).await;
    tokio::select! {
        _ = gateway.propfind("/flat", "1") => panic!("it was to take longer"),
        () = eventually("a page has come", || async { gateway.sim.calls("files") >= 3 }) => {}
    }
    let listing = gateway.propfind("/flat", "1").await;
    assert_eq!(listing.text().matches("<D:response>").count(), 891);
    gateway.assert_calls(&[("files", 10)]);
}

// === Links ===

/// The first link of an account is also tried at the download server: links that look unbound may not be.
#[tokio::test]
async fn a_redirect_costs_one_link_that_serves_every_client_until_it_expires() {
    let sim = simulator(Tree::Demo).await;
    sim.behave(|behaviours| {
        behaviours.link_lifetime_secs = 3;
        behaviours.link_connections = 0;
    });
    let gateway = Gateway::over(sim, |config| config.cache.link_margin = Duration::from_secs(1)).await;
    gateway.propfind("/", "1").await;
    gateway.take_calls();
    let first = gateway.get("/hello.txt", &[]).await;
    assert_eq!(first.status, StatusCode::FOUND);
    gateway.assert_calls(&[("downurl", 1), ("download server", 1)]);
    for agent in ["rclone/v1.60.1", "Infuse-Direct/8.0.5", "VLC/3.0.20"] {
        assert_eq!(
            get_by(&gateway, "/hello.txt", agent).await.header("location"),
            first.header("location"),
            "{agent}"
        );
    }
    gateway.assert_calls(&[]);
    tokio::time::sleep(Duration::from_millis(2500)).await;
    assert_ne!(gateway.get("/hello.txt", &[]).await.header("location"), first.header("location"));
    gateway.assert_calls(&[("downurl", 1)]);
}

#[tokio::test]
async fn another_file_costs_another_link() {
    let gateway = warm(Tree::Demo).await;
    gateway.get("/hello.txt", &[]).await;
    gateway.propfind("/Documents", "1").await;
    gateway.take_calls();
    for path in ["/Documents/data.json", "/Documents/README.txt"] {
        assert_eq!(gateway.get(path, &[]).await.status, StatusCode::FOUND);
        gateway.assert_calls(&[("downurl", 1)]);
    }
}

#[tokio::test]
async fn a_redirect_from_cold_costs_its_depth_and_a_link() {
    let gateway = demo().await;
    assert_eq!(gateway.get(SONG, &[]).await.status, StatusCode::FOUND);
    gateway.assert_calls(&[("files", 3), ("downurl", 1), ("download server", 1)]);
}

#[tokio::test]
async fn fifty_clients_that_get_a_file_at_once_cost_one_link() {
    let gateway = warm(Tree::Demo).await;
    gateway.sim.behave(|behaviours| {
        behaviours.link_connections = 0;
        behaviours.latency_ms.insert("downurl".to_owned(), 50);
    });
    let agents: Vec<String> = (0..50).map(|number| format!("player/{number}")).collect();
    let answers = join_all(agents.iter().map(|agent| get_by(&gateway, "/hello.txt", agent))).await;
    assert!(answers.iter().all(|answer| answer.header("location") == answers[0].header("location")));
    gateway.assert_calls(&[("downurl", 1), ("download server", 1)]);
}

/// A third client would be refused by the download server while the others read.
#[tokio::test]
async fn a_link_that_two_may_open_serves_two_clients_and_each_further_one_costs_its_own() {
    let gateway = warm(Tree::Demo).await;
    let first = get_by(&gateway, "/hello.txt", "a/1").await;
    gateway.assert_calls(&[("downurl", 1), ("download server", 1)]);
    for (agent, links) in [("b/1", 0), ("c/1", 1), ("a/1", 0), ("d/1", 1), ("b/1", 0), ("c/1", 0), ("d/1", 0)]
    {
        let answer = get_by(&gateway, "/hello.txt", agent).await;
        let cost = [("downurl", links)];
        gateway.assert_calls(&cost[..usize::from(links > 0)]);
        let location = answer.header("location").unwrap();
        let is_shared = agent.starts_with(['a', 'b']);
        assert_eq!(Some(location) == first.header("location"), is_shared, "{agent}");
        assert_eq!(gateway.follow(location, agent, &[]).await.text(), "hello from the simulated drive\n");
        gateway.assert_calls(&[("download server", 1)]);
    }
}

/// Where 115 binds every link, this is found out once; from then on each client gets a link of its own.
#[tokio::test]
async fn where_links_are_bound_each_client_costs_a_link_of_its_own() {
    for (empty_agent, trial) in [
        (EmptyAgent::Refused, 0),
        (EmptyAgent::RefusedWithCookie, 0),
        // Only the download server tells that such a link is none.
        (EmptyAgent::CdnRejects, 1),
    ] {
        let gateway = warm(Tree::Demo).await;
        gateway.propfind("/Documents", "1").await;
        gateway.take_calls();
        gateway.sim.behave(|behaviours| behaviours.empty_agent = empty_agent);
        let check = async |path, agent, links, trial: usize| {
            assert_eq!(get_by(&gateway, path, agent).await.status, StatusCode::FOUND);
            let cost = [("downurl", links), ("download server", trial)];
            gateway.assert_calls(&cost.into_iter().filter(|(_, count)| *count > 0).collect::<Vec<_>>());
        };
        check("/hello.txt", "a/1", 2, trial).await;
        check("/hello.txt", "a/1", 0, 0).await;
        check("/hello.txt", "b/1", 1, 0).await;
        check("/Documents/data.json", "a/1", 1, 0).await;
        check("/hello.txt", "a/1", 0, 0).await;
        check("/hello.txt", "b/1", 0, 0).await;
        check("/Documents/data.json", "a/1", 0, 0).await;
    }
}

#[tokio::test]
async fn a_link_that_demands_a_cookie_is_used_by_the_gateway_itself() {
    let gateway = warm(Tree::Demo).await;
    gateway.sim.behave(|behaviours| {
        behaviours.empty_agent = EmptyAgent::RefusedWithCookie;
        behaviours.link_binding = Binding::AgentAndCookie;
    });
    for cost in [&[("downurl", 2), ("download server", 1)][..], &[("download server", 1)]] {
        let answer = gateway.get("/hello.txt", &[]).await;
        assert_eq!((answer.status, answer.text()), (StatusCode::OK, "hello from the simulated drive\n"));
        gateway.assert_calls(cost);
    }
}

// === Content ===

#[tokio::test]
async fn two_hundred_ranges_through_the_gateway_cost_one_link() {
    let gateway = Gateway::start(Tree::Demo, Proxy).await;
    let film = path_of(&FILM);
    gateway.head(&film).await;
    gateway.take_calls();
    let content = gateway.sim.tree(|tree| sim115::content(tree.node(tree.find(&FILM).unwrap()).unwrap()));
    let mut seed: u64 = 115;
    for _ in 0..200 {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let start = (seed >> 16) % content.size();
        let end = (start + 1 + (seed >> 8) % 5000).min(content.size());
        let range = format!("bytes={start}-{}", end - 1);
        let part = gateway.get(&film, &[("range", &range)]).await;
        assert_eq!(part.status, StatusCode::PARTIAL_CONTENT);
        assert!(part.body == content.read(start..end), "{range}");
    }
    gateway.assert_calls(&[("downurl", 1), ("download server", 201)]);
}

#[tokio::test]
async fn an_empty_file_costs_nothing() {
    let gateway = warm(Tree::Demo).await;
    gateway.propfind("/Documents", "1").await;
    gateway.take_calls();
    for agent in ["rclone/v1.60.1", STAYING_AGENT] {
        let answer = get_by(&gateway, "/Documents/empty.txt", agent).await;
        assert_eq!((answer.status, answer.text()), (StatusCode::OK, ""));
    }
    gateway.assert_calls(&[]);
}

#[tokio::test]
async fn what_needs_no_content_costs_no_link() {
    let gateway = warm(Tree::Demo).await;
    let head = gateway.head("/hello.txt").await;
    let tag = head.header("etag").unwrap();
    for agent in ["rclone/v1.60.1", STAYING_AGENT] {
        for (header, value, status) in [
            ("if-none-match", tag, StatusCode::NOT_MODIFIED),
            ("if-match", "\"other\"", StatusCode::PRECONDITION_FAILED),
            ("range", "bytes=1000-", StatusCode::RANGE_NOT_SATISFIABLE),
        ] {
            let answer = gateway.get("/hello.txt", &[(header, value), ("user-agent", agent)]).await;
            assert_eq!(answer.status, status, "{header} {agent}");
        }
    }
    for (method, status) in [("OPTIONS", 200), ("MKCOL", 405), ("LOCK", 400), ("UNLOCK", 400), ("PATCH", 405)]
    {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        assert_eq!(gateway.send(method, "/hello.txt", &[], "").await.status, status);
    }
    gateway.assert_calls(&[]);
}

// === The account ===

#[tokio::test]
async fn the_space_of_the_account_costs_one_call_in_a_while_and_only_if_it_is_asked_for() {
    let gateway = warm(Tree::Demo).await;
    gateway.propfind("/", "1").await;
    gateway.assert_calls(&[]);
    for cost in [&[("index_info", 1)][..], &[], &[]] {
        let answer = gateway.send(propfind(), "/", &[("depth", "0")], QUOTA).await;
        assert!(answer.text().contains("<D:quota-available-bytes>"), "{}", answer.text());
        gateway.assert_calls(cost);
    }
}

#[tokio::test]
async fn a_start_costs_one_call_and_health_none() {
    let sim = simulator(Tree::Demo).await;
    let config = crate::harness::configuration(&sim);
    let gateway = Gateway::launch(sim, &config).await;
    gateway.wait_for_first_look().await;
    gateway.assert_calls(&[("index_info", 1)]);
    for path in ["/readyz", "/healthz"] {
        assert_eq!(gateway.get(path, &[]).await.status, StatusCode::OK);
    }
    gateway.assert_calls(&[]);
}
