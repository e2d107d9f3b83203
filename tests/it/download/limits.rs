//! How many bodies 115 lets be open at once, per link and per account: clients wait, and never see its refusal.

use std::ops::Range;
use std::time::Duration;

use futures_util::future::join_all;
use http::{Method, StatusCode};
use sim115::{Content, ROOT};

use super::{FILM, gateway, part};
use crate::harness::{Gateway, eventually};

/// Six parts that take half a second each.
fn parts() -> Vec<Range<u64>> {
    (0..6).map(|number| number * 1_000_000..number * 1_000_000 + 250_000).collect()
}

const RATE: u64 = 500_000;

/// Checks that the download server refused nothing.
#[track_caller]
fn assert_none_refused(gateway: &Gateway) {
    let refused: Vec<_> = gateway.sim.ledger().into_iter().filter(|entry| entry.status >= 400).collect();
    assert!(refused.is_empty(), "{refused:?}");
}

#[tokio::test]
async fn six_readers_of_one_file_share_the_two_connections_of_its_link() {
    let (gateway, content) = gateway(|config| config.limits.open_wait = Duration::from_secs(60)).await;
    gateway.sim.behave(|behaviours| {
        behaviours.cdn_bytes_per_sec = RATE;
        behaviours.link_connections = 2;
    });
    let parts = parts();
    let answers = join_all(parts.iter().map(|range| part(&gateway, range))).await;
    for (range, answer) in parts.into_iter().zip(answers) {
        assert_eq!(answer.status, StatusCode::PARTIAL_CONTENT, "{}", answer.text());
        assert!(answer.body == content.read(range));
    }
    assert_none_refused(&gateway);
    gateway.assert_calls(&[("download server", 6)]);
}

#[tokio::test]
async fn a_reader_that_would_wait_too_long_is_told_when_to_come_back() {
    let (gateway, content) = gateway(|config| config.limits.open_wait = Duration::from_millis(200)).await;
    gateway.sim.behave(|behaviours| behaviours.cdn_bytes_per_sec = 100_000);
    let (first, second) = tokio::join!(
        gateway.open(Method::GET, FILM, &[], ""),
        gateway.open(Method::GET, FILM, &[("range", "bytes=1000-")], "")
    );
    let answer = part(&gateway, &(5..10)).await;
    assert_eq!((answer.status, answer.retry_after()), (StatusCode::SERVICE_UNAVAILABLE, Some(2)));
    assert!(answer.text().contains("115 lets only few downloads run at once"), "{}", answer.text());
    // A seek: the old body is left, and the new one has its place at once.
    drop(first);
    let answer = part(&gateway, &(5..10)).await;
    assert!(answer.body == content.read(5..10), "{}", answer.text());
    drop(second);
    assert_none_refused(&gateway);
    eventually("all bodies are closed", || async { gateway.sim.open_bodies() == 0 }).await;
}

#[tokio::test]
async fn readers_of_many_files_share_the_connections_of_the_account() {
    let (gateway, _) = gateway(|config| {
        config.limits.open_wait = Duration::from_secs(60);
        config.limits.open_bodies = 3;
        config.cache.listing_ttl = Duration::from_millis(1);
    })
    .await;
    let contents: Vec<Content> = (0..6).map(|seed| Content::Rule { seed, size: 250_000 }).collect();
    gateway.sim.tree(|tree| {
        for (number, content) in contents.iter().enumerate() {
            tree.add_file(ROOT, &format!("{number}.bin"), content.clone());
        }
    });
    gateway.sim.behave(|behaviours| {
        behaviours.cdn_bytes_per_sec = RATE;
        behaviours.user_connections = 3;
    });
    tokio::time::sleep(Duration::from_millis(5)).await;
    let paths: Vec<String> = (0..6).map(|number| format!("/{number}.bin")).collect();
    let answers = join_all(paths.iter().map(|path| gateway.get(path, &[]))).await;
    for (content, answer) in contents.iter().zip(answers) {
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
        assert!(answer.body == content.read(0..250_000));
    }
    assert_none_refused(&gateway);
}

/// The account is in use elsewhere as well, so 115 refuses what the gateway may open by its own count.
#[tokio::test]
async fn a_refusal_for_too_many_connections_reaches_clients_as_a_pause() {
    let (gateway, content) = gateway(|_| {}).await;
    gateway.sim.behave(|behaviours| {
        behaviours.cdn_bytes_per_sec = 100_000;
        behaviours.user_connections = 1;
        behaviours.open_grace_ms = 0;
    });
    let first = gateway.open(Method::GET, FILM, &[], "").await;
    let answer = part(&gateway, &(5..10)).await;
    assert_eq!((answer.status, answer.retry_after()), (StatusCode::SERVICE_UNAVAILABLE, Some(10)));
    assert!(answer.text().contains("“too many connections”"), "{}", answer.text());
    drop(first);
    eventually("the body is closed", || async { gateway.sim.open_bodies() == 0 }).await;
    assert!(part(&gateway, &(5..10)).await.body == content.read(5..10));
}

#[tokio::test]
async fn a_link_without_a_limit_is_not_limited() {
    let sim = crate::harness::simulator(sim115::Tree::Empty).await;
    sim.behave(|behaviours| behaviours.link_connections = 0);
    let content = Content::Rule { seed: 1, size: 6_000_000 };
    sim.tree(|tree| tree.add_file(ROOT, "film.mkv", content.clone()));
    let gateway =
        Gateway::over(sim, |config| config.mounts[0].download = dav115::model::DownloadPolicy::Proxy).await;
    gateway.sim.behave(|behaviours| behaviours.cdn_bytes_per_sec = 100_000);
    let bodies = join_all((0..8).map(|_| gateway.open(Method::GET, FILM, &[], ""))).await;
    assert!(bodies.iter().all(|body| body.status() == StatusCode::OK));
    assert_eq!(gateway.sim.open_bodies(), 8);
}
