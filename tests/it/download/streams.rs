//! What goes wrong on the way: renewed before the first byte, resumed after it, or cut, but never made up.

use std::time::Duration;

use http::{Method, StatusCode};
use sim115::{EmptyAgent, Fault, FaultRule};

use super::{FILM, FILM_BYTES, gateway, part, read_all};
use crate::harness::{Gateway, eventually};

fn cut(nth: u32, times: Option<u32>, bytes: u64) -> FaultRule {
    FaultRule { times, ..FaultRule::nth("cdn", nth, Fault::CutAfter(bytes)) }
}

/// The ranges the download server was asked for, and how it answered.
fn opened(gateway: &Gateway) -> Vec<(String, u16)> {
    let entries = gateway.sim.ledger().into_iter().filter(|entry| entry.endpoint == "cdn");
    entries.map(|entry| (entry.range, entry.status)).collect()
}

/// The first bytes of the ranges asked for.
fn starts(gateway: &Gateway) -> Vec<u64> {
    let start = |range: &str| range.strip_prefix("bytes=")?.split('-').next()?.parse().ok();
    opened(gateway).iter().map(|(range, _)| start(range).unwrap()).collect()
}

async fn open(gateway: &Gateway) -> reqwest::Response {
    gateway.open(Method::GET, FILM, &[], "").await
}

// === Before the first byte ===

#[tokio::test]
async fn a_link_that_has_expired_is_renewed_and_nobody_notices() {
    let (gateway, content) = gateway(|_| {}).await;
    gateway.sim.advance(Duration::from_secs(2 * 3600));
    assert!(part(&gateway, &(100..200)).await.body == content.read(100..200));
    assert_eq!(opened(&gateway).iter().map(|(_, status)| *status).collect::<Vec<_>>(), [403, 206]);
    gateway.assert_calls(&[("downurl", 1), ("download server", 2)]);
}

#[tokio::test]
async fn a_link_that_is_refused_is_renewed_once() {
    let (gateway, content) = gateway(|_| {}).await;
    gateway.sim.fault(FaultRule::nth("cdn", 1, Fault::NoCookieValue));
    assert!(part(&gateway, &(100..200)).await.body == content.read(100..200));
    gateway.assert_calls(&[("downurl", 1), ("download server", 2)]);
    // Twice is no longer a matter of the link.
    gateway.sim.fault(FaultRule::every("cdn", Fault::NoCookieValue));
    let answer = part(&gateway, &(100..200)).await;
    assert_eq!((answer.status, answer.retry_after()), (StatusCode::SERVICE_UNAVAILABLE, Some(10)));
    assert!(answer.text().contains("“no cookie value”"), "{}", answer.text());
    assert_eq!(gateway.take_calls()["download server"], 2);
}

#[tokio::test]
async fn links_that_stop_being_free_are_replaced_by_bound_ones() {
    let (gateway, content) = gateway(|_| {}).await;
    gateway.sim.behave(|behaviours| behaviours.empty_agent = EmptyAgent::CdnRejects);
    gateway.sim.advance(Duration::from_secs(2 * 3600));
    for _ in 0..2 {
        assert!(part(&gateway, &(100..200)).await.body == content.read(100..200));
    }
    // The refused link, and then the gateway's own.
    let calls = gateway.take_calls();
    assert!(calls["downurl"] <= 3 && calls["download server"] <= 4, "{calls:?}");
}

#[tokio::test]
async fn links_that_stop_being_free_before_they_end_cost_three_links_in_all() {
    let (gateway, content) = gateway(|config| config.cache.listing_ttl = Duration::from_millis(500)).await;
    gateway.sim.behave(|behaviours| behaviours.empty_agent = EmptyAgent::CdnRejects);
    // The old link is refused while it should still live.
    gateway.sim.fault(FaultRule::nth("cdn", 1, Fault::NoCookieValue));
    for start in (0..200).map(|number| number * 1000) {
        assert!(part(&gateway, &(start..start + 100)).await.body == content.read(start..start + 100));
    }
    let calls = gateway.take_calls();
    assert!(calls["downurl"] <= 3 && calls["download server"] <= 203, "{calls:?}");
    // For another file no unbound link is asked for in vain.
    gateway.sim.tree(|tree| tree.add_file(sim115::ROOT, "other.mkv", content.clone()));
    tokio::time::sleep(Duration::from_millis(600)).await;
    let answer = gateway.get("/other.mkv", &[("range", "bytes=0-99")]).await;
    assert!(answer.body == content.read(0..100));
    let calls = gateway.take_calls();
    assert_eq!((calls["downurl"], calls["download server"]), (1, 1));
}

#[tokio::test]
async fn a_server_that_sends_everything_serves_the_wish_for_everything() {
    let (gateway, content) = gateway(|_| {}).await;
    gateway.sim.fault(FaultRule::nth("cdn", 1, Fault::IgnoreRange));
    let answer = gateway.get(FILM, &[]).await;
    assert!(answer.status == StatusCode::OK && answer.body == content.read(0..FILM_BYTES));
    gateway.assert_calls(&[("download server", 1)]);
}

// === After it ===

#[tokio::test]
async fn a_body_that_breaks_is_resumed_at_the_very_byte() {
    let (gateway, content) = gateway(|_| {}).await;
    for bytes in [[1_000_000, 1, 4096], [0, 0, 0], [1, 1, 1], [2_999_999, 2_999_999, 5]] {
        gateway.sim.clear_ledger();
        for (nth, bytes) in (1..).zip(bytes) {
            gateway.sim.fault(cut(nth, None, bytes));
        }
        let (body, broke) = read_all(open(&gateway).await).await;
        assert!(!broke && body == content.read(0..FILM_BYTES), "{bytes:?}");
        // What came is not asked for again.
        let expected: Vec<u64> = std::iter::once(0)
            .chain(bytes.iter().scan(0, |sum, bytes| {
                *sum += bytes;
                Some(*sum)
            }))
            .collect();
        assert_eq!(starts(&gateway), expected);
        gateway.assert_calls(&[("download server", 4)]);
        gateway.sim.clear_faults();
    }
}

#[tokio::test]
async fn a_body_that_breaks_again_and_again_is_resumed_as_long_as_bytes_come() {
    let (gateway, content) = gateway(|_| {}).await;
    gateway.sim.fault(cut(0, None, 500_000));
    let (body, broke) = read_all(open(&gateway).await).await;
    assert!(!broke && body == content.read(0..FILM_BYTES));
    gateway.assert_calls(&[("download server", 13)]);
    // And a part of it ends where it should.
    let answer = part(&gateway, &(1_000_000..2_200_000)).await;
    assert!(answer.body == content.read(1_000_000..2_200_000));
    gateway.assert_calls(&[("download server", 3)]);
}

#[tokio::test]
async fn a_body_of_which_nothing_comes_any_more_is_cut() {
    let (gateway, content) = gateway(|_| {}).await;
    gateway.sim.fault(cut(1, None, 700_000));
    gateway.sim.fault(cut(2, Some(1000), 0));
    let response = open(&gateway).await;
    assert_eq!(response.content_length(), Some(FILM_BYTES));
    let (body, broke) = read_all(response).await;
    assert!(broke && body == content.read(0..700_000));
    // The first, and three without a byte.
    gateway.assert_calls(&[("download server", 4)]);
}

#[tokio::test]
async fn a_body_of_which_too_little_comes_each_time_is_cut() {
    let (gateway, content) = gateway(|_| {}).await;
    gateway.sim.fault(cut(0, None, 1000));
    let (body, broke) = read_all(open(&gateway).await).await;
    assert!(broke && body == content.read(0..4000), "{}", body.len());
    gateway.assert_calls(&[("download server", 4)]);
}

#[tokio::test]
async fn a_link_that_expires_under_way_is_renewed_for_the_rest() {
    let (gateway, content) = gateway(|_| {}).await;
    gateway.sim.fault(cut(1, None, 700_000));
    let response = open(&gateway).await;
    gateway.sim.advance(Duration::from_secs(2 * 3600));
    let (body, broke) = read_all(response).await;
    assert!(!broke && body == content.read(0..FILM_BYTES));
    gateway.assert_calls(&[("downurl", 1), ("download server", 3)]);
}

#[tokio::test]
async fn a_file_that_changes_under_way_is_cut_and_never_padded_or_patched() {
    // Of another length, and of the same length with other bytes.
    for size in [FILM_BYTES + 1, FILM_BYTES - 1000, FILM_BYTES] {
        let (gateway, content) = gateway(|_| {}).await;
        gateway.sim.fault(cut(1, None, 700_000));
        gateway.sim.tree(|tree| {
            let file = tree.find(&["film.mkv"]).unwrap();
            assert!(tree.set_content(file, sim115::Content::Rule { seed: 116, size }));
        });
        let response = open(&gateway).await;
        // A link hands out what the file was when it was made, so the change shows with the next one.
        gateway.sim.advance(Duration::from_secs(2 * 3600));
        let (body, broke) = read_all(response).await;
        assert!(broke && body == content.read(0..700_000), "{size}");
    }
    let (gateway, content) = gateway(|_| {}).await;
    gateway.sim.fault(cut(1, None, 700_000));
    gateway.sim.fault(FaultRule { times: Some(100), ..FaultRule::nth("cdn", 2, Fault::ChangedContent) });
    let (body, broke) = read_all(open(&gateway).await).await;
    assert!(broke && body == content.read(0..700_000));
}

#[tokio::test]
async fn a_later_part_that_cannot_be_had_cuts_an_answer_of_several() {
    let (gateway, _) = gateway(|_| {}).await;
    gateway.sim.fault(FaultRule { times: Some(100), ..FaultRule::nth("cdn", 2, Fault::Status(403)) });
    let headers = [("range", "bytes=0-99,1000000-1000099")];
    let response = gateway.open(Method::GET, FILM, &headers, "").await;
    assert_eq!(response.status(), StatusCode::PARTIAL_CONTENT);
    let (_, broke) = read_all(response).await;
    assert!(broke);
}

/// Whether the path leads to another file by then, or the file itself has changed.
#[tokio::test]
async fn the_parts_of_one_answer_are_never_of_two_versions() {
    for is_replaced in [true, false] {
        let (gateway, content) =
            gateway(|config| config.cache.listing_ttl = Duration::from_millis(500)).await;
        gateway.sim.behave(|behaviours| behaviours.cdn_bytes_per_sec = 100_000);
        let headers = [("range", "bytes=0-99999,1000000-1000099")];
        let response = gateway.open(Method::GET, FILM, &headers, "").await;
        gateway.sim.tree(|tree| {
            let other = sim115::Content::Rule { seed: 116, size: FILM_BYTES };
            let file = tree.find(&["film.mkv"]).unwrap();
            if is_replaced {
                tree.delete(file);
                tree.add_file(sim115::ROOT, "film.mkv", other);
            } else {
                assert!(tree.set_content(file, other));
            }
        });
        if !is_replaced {
            // The next link shows the change.
            gateway.sim.advance(Duration::from_secs(2 * 3600));
        }
        let (body, broke) = read_all(response).await;
        let first = content.read(0..100_000);
        assert!(body.windows(first.len()).any(|part| part == first), "{is_replaced}");
        assert_eq!(broke, !is_replaced);
        let second = content.read(1_000_000..1_000_100);
        assert_eq!(body.windows(second.len()).any(|part| part == second), is_replaced);
    }
}

#[tokio::test]
async fn a_body_that_starts_late_is_waited_for_or_asked_for_anew() {
    let (gateway, content) = gateway(|config| config.limits.read_timeout = Duration::from_secs(1)).await;
    for delay in [300, 60_000] {
        gateway.sim.fault(FaultRule::nth("cdn", 1, Fault::SlowStart(Duration::from_millis(delay))));
        let answer = gateway.get(FILM, &[]).await;
        assert!(answer.status == StatusCode::OK && answer.body == content.read(0..FILM_BYTES));
    }
    gateway.assert_calls(&[("download server", 3)]);
}

#[tokio::test]
async fn a_client_that_leaves_closes_the_body_at_115() {
    let (gateway, _) = gateway(|_| {}).await;
    gateway.sim.behave(|behaviours| behaviours.cdn_bytes_per_sec = 200_000);
    for headers in [&[][..], &[("range", "bytes=1000-")], &[("range", "bytes=0-1000000,2000000-3000000")]] {
        let mut response = gateway.open(Method::GET, FILM, headers, "").await;
        assert!(!response.chunk().await.unwrap().unwrap().is_empty());
        assert_eq!(gateway.sim.open_bodies(), 1);
        drop(response);
        eventually("the body is closed", || async { gateway.sim.open_bodies() == 0 }).await;
    }
    // One that leaves while the download server still thinks.
    gateway.sim.behave(|behaviours| behaviours.latency_ms.insert("cdn".to_owned(), 200));
    gateway.sim.clear_ledger();
    tokio::select! {
        _ = open(&gateway) => panic!("it was to take longer"),
        () = eventually("it is asked", || async { gateway.sim.calls("cdn") == 1 }) => {}
    }
    tokio::time::sleep(Duration::from_millis(400)).await;
    eventually("the body is closed", || async { gateway.sim.open_bodies() == 0 }).await;
    assert_eq!(gateway.sim.calls("cdn"), 1);
}
