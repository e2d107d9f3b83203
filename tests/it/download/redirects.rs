//! A redirect leads to the very bytes, for a client with its own name and without its password.

use std::time::Duration;

use dav115::model::DownloadPolicy::Redirect;
use futures_util::future::join_all;
use http::StatusCode;
use sim115::{Binding, EmptyAgent, Fault, FaultRule, NodeKind, Tree};
use tokio::time::Instant;

use crate::harness::{Gateway, path_of, simulator};

#[tokio::test]
async fn every_nasty_name_can_be_followed() {
    let gateway = Gateway::start(Tree::Nasty, Redirect).await;
    let files = gateway.sim.tree(|tree| {
        let folder = tree.find(&["files"]).unwrap();
        tree.children(folder)
            .iter()
            .map(|node| (node.name.clone(), sim115::content(node)))
            .collect::<Vec<_>>()
    });
    assert!(files.len() > 30);
    for (raw, content) in files {
        let name = crate::trees::shown(&raw);
        let answer = gateway.get(&path_of(&["files", &name]), &[("user-agent", "player/1")]).await;
        assert_eq!(answer.status, StatusCode::FOUND, "{raw:?}: {}", answer.text());
        let location = answer.header("location").unwrap();
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "-._~:/?&=%".contains(c);
        assert!(location.starts_with("http://") && location.chars().all(is_plain), "{location}");
        let followed = gateway.follow(location, "player/1", &[]).await;
        assert!(followed.status == StatusCode::OK && followed.body == content.read(0..content.size()));
        let part = gateway.follow(location, "player/1", &[("range", "bytes=2-5")]).await;
        assert!(part.status == StatusCode::PARTIAL_CONTENT && part.body == content.read(2..6));
    }
}

#[tokio::test]
async fn a_link_bound_to_a_client_serves_that_client() {
    for (empty_agent, binding) in
        [(EmptyAgent::Refused, Binding::Agent), (EmptyAgent::CdnRejects, Binding::Agent)]
    {
        let gateway = Gateway::start(Tree::Demo, Redirect).await;
        gateway.sim.behave(|behaviours| {
            behaviours.empty_agent = empty_agent;
            behaviours.link_binding = binding;
        });
        for agent in ["a/1", "b/2", "a/1"] {
            let answer = gateway.get("/hello.txt", &[("user-agent", agent)]).await;
            let location = answer.header("location").unwrap();
            let followed = gateway.follow(location, agent, &[]).await;
            assert_eq!(followed.text(), "hello from the simulated drive\n");
            assert_eq!(gateway.follow(location, "other/1", &[]).await.status, StatusCode::FORBIDDEN);
        }
    }
}

#[tokio::test]
async fn every_file_of_a_small_drive_can_be_followed() {
    let gateway = Gateway::start(Tree::DemoSmall, Redirect).await;
    let files = gateway.sim.tree(|tree| {
        let walk = tree.walk().into_iter().filter(|(_, node)| matches!(node.kind, NodeKind::File(_)));
        walk.map(|(path, node)| (path, sim115::content(node))).collect::<Vec<_>>()
    });
    for (path, content) in files {
        let names: Vec<&str> = path.iter().map(String::as_str).collect();
        let answer = gateway.get(&path_of(&names), &[]).await;
        let whole = match answer.header("location") {
            Some(location) => gateway.follow(location, "x/1", &[]).await,
            None => answer,
        };
        assert!(whole.status == StatusCode::OK && whole.body == content.read(0..content.size()), "{path:?}");
    }
}

#[tokio::test]
async fn many_who_want_a_file_whose_link_fails_share_the_failure() {
    let gateway = Gateway::over(simulator(Tree::Demo).await, |config| config.limits.retries = 1).await;
    gateway.propfind("/", "1").await;
    gateway.take_calls();
    gateway.sim.behave(|behaviours| behaviours.latency_ms.insert("downurl".to_owned(), 300));
    gateway.sim.fault(FaultRule::every("downurl", Fault::Status(500)));
    let answers = join_all((0..10).map(|_| gateway.get("/hello.txt", &[]))).await;
    assert!(answers.iter().all(|answer| answer.status == StatusCode::SERVICE_UNAVAILABLE));
    gateway.assert_calls(&[("downurl", 2)]);
}

#[tokio::test]
async fn a_link_that_is_long_in_coming_holds_up_no_other_file() {
    let gateway = Gateway::start(Tree::Demo, Redirect).await;
    gateway.propfind("/", "1").await;
    gateway.propfind("/Documents", "1").await;
    gateway.sim.fault(FaultRule::nth("downurl", 1, Fault::Delay(Duration::from_secs(5))));
    let slow = gateway.get("/hello.txt", &[]);
    let others = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        let start = Instant::now();
        for path in ["/Documents/data.json", "/Documents/README.txt"] {
            assert_eq!(gateway.get(path, &[]).await.status, StatusCode::FOUND);
        }
        start.elapsed()
    };
    let (_, took) = tokio::join!(slow, others);
    assert!(took < Duration::from_secs(4), "{took:?}");
}

/// Whether the first link is unbound is tried, but not for long, and it is not believed for long if that told nothing.
#[tokio::test]
async fn a_download_server_that_hangs_delays_the_first_redirect_by_seconds_and_no_other() {
    let gateway = Gateway::start(Tree::Demo, Redirect).await;
    gateway.propfind("/", "1").await;
    gateway.sim.fault(FaultRule::every("cdn", Fault::Delay(Duration::from_secs(600))));
    let get = async |agent| {
        let start = Instant::now();
        assert_eq!(gateway.get("/hello.txt", &[("user-agent", agent)]).await.status, StatusCode::FOUND);
        start.elapsed()
    };
    let second = async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        get("a/2").await
    };
    let (first, second) = tokio::join!(get("a/1"), second);
    assert!(first < Duration::from_secs(6) && second < Duration::from_secs(2), "{first:?} {second:?}");
    assert!(get("a/1").await < Duration::from_secs(2));
}
