//! A redirect leads to the very bytes, for a client with its own name and without its password.

use dav115::model::DownloadPolicy::Redirect;
use http::StatusCode;
use sim115::{Binding, EmptyAgent, NodeKind, Tree};

use crate::harness::{Gateway, path_of};

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
