//! Failures of the API: listings and links.

use std::time::Duration;

use futures_util::future::join_all;
use sim115::{Fault, FaultRule, OrderMemory, Tree};

use super::Pause::{Exactly, From, Unstated};
use super::Then::{IsLeftAlone, Works};
use super::Way::{Head, Part, Propfind, Proxy, Redirect};
use super::{BLOCK_PAUSE, LONG, Pause, Row, Then, Way, assert_failed, run};
use crate::harness::{Gateway, propfind, simulator};

/// A failure of the API in a row of its table: fault, status, pause, words, calls, and what comes after.
type Line = (Fault, u16, Pause, &'static str, usize, Then);

const KEPT_AWAY: &str = "115 is throttling the account main until";

fn json(errno: i64, message: &str) -> Fault {
    Fault::Json { errno, message: message.to_owned() }
}

/// What can befall any call of the API. Two calls means: tried again once, as these tests configure it.
fn any_call() -> Vec<Line> {
    vec![
        // Blocks and throttles: one call, and then none.
        (Fault::Waf405, 503, From(BLOCK_PAUSE), KEPT_AWAY, 1, IsLeftAlone),
        (Fault::Waf405For(LONG), 503, From(BLOCK_PAUSE), KEPT_AWAY, 1, IsLeftAlone),
        (Fault::Blocked418, 503, From(BLOCK_PAUSE), KEPT_AWAY, 1, IsLeftAlone),
        (Fault::Forbidden403, 503, From(BLOCK_PAUSE), KEPT_AWAY, 1, IsLeftAlone),
        (Fault::Status(403), 503, From(BLOCK_PAUSE), KEPT_AWAY, 1, IsLeftAlone),
        (Fault::NoCookieValue, 503, From(BLOCK_PAUSE), KEPT_AWAY, 1, IsLeftAlone),
        (Fault::Html(200), 503, From(BLOCK_PAUSE), "a web page instead of data", 1, IsLeftAlone),
        (Fault::Html(404), 503, From(BLOCK_PAUSE), KEPT_AWAY, 1, IsLeftAlone),
        (Fault::TooMany429, 503, From(60), "the account main", 1, IsLeftAlone),
        (Fault::Limit770004, 503, From(60), "已达到当前访问上限，请稍后再试", 1, IsLeftAlone),
        // A session that is over: one call, and then none until there is another cookie.
        (Fault::LoggedOut, 503, Exactly(60), "the account main is signed out", 1, IsLeftAlone),
        (json(911, "请验证账号"), 503, Exactly(60), "solve its captcha", 1, IsLeftAlone),
        (json(40_101_035, "x"), 503, Exactly(60), "another login took", 1, IsLeftAlone),
        (json(40_101_037, "x"), 503, Exactly(60), "ended from another device", 1, IsLeftAlone),
        (json(40_101_032, "x"), 503, Exactly(60), "the cookie has expired", 1, IsLeftAlone),
        // What passes by itself: tried again.
        (Fault::Busy590075, 503, Exactly(10), "操作太频繁", 2, Works),
        (Fault::Running990009, 503, Exactly(10), "操作尚未执行完成", 2, Works),
        (Fault::Html(500), 503, Exactly(10), "HTTP status 500", 2, Works),
        (Fault::Status(502), 503, Exactly(10), "HTTP status 502", 2, Works),
        (Fault::Reset, 503, Exactly(10), "cannot reach", 2, Works),
        (Fault::CutAfter(10), 503, Exactly(10), "cannot reach", 2, Works),
        (Fault::ContentLengthLonger(9), 503, Exactly(10), "cannot reach", 2, Works),
        (Fault::Delay(LONG), 503, Exactly(10), "took too long", 2, Works),
        (Fault::SlowStart(LONG), 503, Exactly(10), "took too long", 2, Works),
        // What makes no sense: tried again, for it may have been cut on its way.
        (Fault::Garbage, 502, Exactly(10), "not JSON", 2, Works),
        (Fault::EmptyBody, 502, Exactly(10), "not JSON", 2, Works),
        (Fault::ContentLengthShorter(9), 502, Exactly(10), "not JSON", 2, Works),
        (Fault::Status(404), 502, Exactly(10), "HTTP status 404", 2, Works),
        // Refusals that asking again does not change.
        (json(990_002, "参数错误。"), 503, Exactly(10), "参数错误", 1, Works),
        (json(123_456, "news"), 503, Exactly(10), "“news” (code 123456)", 1, Works),
        (json(-7, ""), 503, Exactly(10), "without a reason", 1, Works),
    ]
}

fn only_listings() -> Vec<Line> {
    vec![
        (Fault::WrongType, 502, Exactly(10), "115's answer to a listing cannot be read", 1, Works),
        // The root of a mount cannot vanish: nobody may conclude that all files are gone.
        (json(20_018, "目录不存在或已删除"), 503, Exactly(10), "correct root_id", 1, Works),
    ]
}

fn only_links() -> Vec<Line> {
    vec![
        (Fault::UrlFalse, 503, Exactly(10), "115 gives no download link", 1, Works),
        (Fault::EmptyData, 503, Exactly(10), "115 gives no download link", 1, Works),
        (Fault::NegativeSize, 503, Exactly(10), "115 gives no download link", 1, Works),
        (Fault::WrongType, 503, Exactly(10), "115 gives no download link", 1, Works),
        (Fault::EmptyHost, 502, Exactly(10), "a link without a host", 1, Works),
        (Fault::TransientViolation, 503, Exactly(10), "without a reason", 2, Works),
        (json(50_038, "文件包含违规内容"), 403, Unstated, "文件包含违规内容", 1, Works),
        (json(50_028, "文件过大"), 403, Unstated, "文件过大", 1, Works),
    ]
}

fn rows(on: &'static str, ways: &[Way], lines: &[Line]) -> Vec<Row> {
    let row = |way, line: &Line| {
        let (fault, status, pause, says, calls, then) = line.clone();
        Row { fault, on, way, status, pause, says, cost: vec![(on, calls)], then }
    };
    lines.iter().flat_map(|line| ways.iter().map(move |&way| row(way, line))).collect()
}

#[tokio::test]
async fn a_listing_that_fails_is_never_empty_and_its_failure_never_kept() {
    let mut rows = rows("files", &[Propfind, Head, Redirect, Proxy], &any_call());
    rows.extend(self::rows("files", &[Propfind, Head, Redirect, Proxy], &only_listings()));
    run(rows).await;
}

#[tokio::test]
async fn a_link_that_fails_is_told_of_and_its_failure_never_kept() {
    let mut rows = rows("downurl", &[Redirect, Proxy], &any_call());
    rows.extend(self::rows("downurl", &[Redirect, Proxy, Part], &only_links()));
    run(rows).await;
}

#[tokio::test]
async fn a_failing_download_host_leaves_listings_alone() {
    let gateway = super::gateway(|_| {}).await;
    super::warm_up(&gateway).await;
    gateway.sim.fault(FaultRule::every("downurl", Fault::Waf405));
    assert_failed(&Redirect.go(&gateway).await, 503, From(BLOCK_PAUSE), KEPT_AWAY);
    gateway.take_calls();
    assert_eq!(gateway.propfind("/folder", "1").await.status, 207);
    gateway.assert_calls(&[("files", 1)]);
}

#[tokio::test]
async fn a_page_that_fails_fails_the_listing() {
    for (fault, calls, then) in [(Fault::Waf405, 4, 0), (Fault::Reset, 5, 10)] {
        let sim = simulator(Tree::Flat(890)).await;
        sim.behave(|behaviours| behaviours.files_limit = 100);
        let gateway = Gateway::over(sim, |config| config.limits.retries = 1).await;
        // The folder above is the first call, so this is the third of nine pages.
        gateway.sim.fault(FaultRule { times: Some(2), ..FaultRule::nth("files", 4, fault.clone()) });
        let answer = gateway.propfind("/flat", "1").await;
        let pause = if then == 0 { From(BLOCK_PAUSE) } else { Exactly(10) };
        assert_failed(&answer, 503, pause, "cannot list /flat: ");
        gateway.assert_calls(&[("files", calls)]);
        // Nothing of the pages that came is kept or shown.
        let answer = gateway.propfind("/flat", "1").await;
        if then == 0 {
            assert_failed(&answer, 503, pause, KEPT_AWAY);
            gateway.assert_calls(&[]);
        } else {
            assert_eq!(answer.text().matches("<D:response>").count(), 891);
            gateway.assert_calls(&[("files", 9)]);
        }
    }
}

#[tokio::test]
async fn a_fault_that_passes_within_the_retries_is_not_noticed() {
    for fault in [Fault::Busy590075, Fault::Running990009, Fault::Html(503), Fault::Garbage, Fault::Reset] {
        let gateway = super::gateway(|_| {}).await;
        gateway.sim.fault(FaultRule::nth("files", 1, fault.clone()));
        gateway.sim.fault(FaultRule::nth("downurl", 1, fault));
        Proxy.assert_true(&gateway, &Proxy.go(&gateway).await);
        gateway.assert_calls(&[("files", 2), ("downurl", 2), ("download server", 2)]);
    }
}

#[tokio::test]
async fn calls_that_would_wait_too_long_for_their_turn_are_refused_at_once() {
    let gateway = super::gateway(|config| {
        config.limits.requests_per_second = 0.01;
        // One for the look at the start, one for the root.
        config.limits.burst = 2;
        config.limits.deadline = Duration::from_millis(300);
    })
    .await;
    assert_eq!(gateway.propfind("/", "1").await.status, 207);
    gateway.take_calls();
    let answer = gateway.propfind("/folder", "1").await;
    assert_failed(&answer, 503, From(100), "the account main has so many calls waiting");
    gateway.assert_calls(&[]);
    Propfind.assert_true(&gateway, &Propfind.go(&gateway).await);
    Head.assert_true(&gateway, &Head.go(&gateway).await);
}

#[tokio::test]
async fn a_crowd_that_is_refused_takes_nobody_elses_turn() {
    let sim = simulator(Tree::Grid { folders: 60, files: 1 }).await;
    let gateway = Gateway::over(sim, |config| {
        config.limits.requests_per_second = 10.0;
        config.limits.burst = 4;
        config.limits.deadline = Duration::from_secs(2);
    })
    .await;
    gateway.propfind("/", "1").await;
    let paths: Vec<String> = (0..60).map(|folder| format!("/folder-{folder:04}")).collect();
    let crowd = join_all(paths.iter().map(|path| gateway.propfind(path, "1"))).await;
    let refused = crowd.iter().filter(|answer| answer.status == 503).count();
    assert!((20..60).contains(&refused), "{refused} were refused");
    // Whoever comes after them finds the way free, and all were told when.
    assert!(crowd.iter().all(|answer| answer.status == 207 || answer.header("retry-after").is_some()));
    assert_eq!(gateway.propfind("/folder-0059", "1").await.status, 207);
}

#[tokio::test]
async fn a_115_that_does_not_answer_is_not_called_ready() {
    let gateway = super::gateway(|config| {
        config.limits.deadline = Duration::from_millis(900);
        config.limits.attempt_timeout = Duration::from_millis(600);
        config.limits.retries = 3;
    })
    .await;
    gateway.sim.behave(|behaviours| behaviours.latency_ms.insert("files".to_owned(), 5_000));
    let answer = gateway.propfind("/folder", "1").await;
    assert_failed(&answer, 503, Exactly(10), "cannot reach webapi.115.com");
    let ready = gateway.get("/readyz", &[]).await;
    assert_eq!(ready.status, 503, "{}", ready.text());
    assert!(ready.text().contains("unreachable"), "{}", ready.text());
}

/// The space of the account is an extra: without it the listing is still whole.
#[tokio::test]
async fn a_space_that_cannot_be_had_does_not_spoil_a_listing() {
    let body = r#"<propfind xmlns="DAV:"><prop><displayname/><quota-used-bytes/></prop></propfind>"#;
    for (fault, calls) in
        [(Fault::Running990009, 2), (Fault::WrongType, 1), (Fault::Garbage, 2), (Fault::Waf405, 1)]
    {
        let gateway = super::gateway(|_| {}).await;
        Propfind.go(&gateway).await;
        gateway.take_calls();
        gateway.sim.fault(FaultRule::every("index_info", fault.clone()));
        let answer = gateway.send(propfind(), "/", &[("depth", "1")], body).await;
        assert_eq!(answer.status, 207);
        let text = answer.text();
        assert!(text.contains("503 Service Unavailable") && !text.contains("<html"), "{text}");
        assert_eq!(text.matches("<D:response>").count(), 4, "{text}");
        gateway.assert_calls(&[("index_info", calls)]);
        gateway.sim.clear_faults();
        let answer = gateway.send(propfind(), "/", &[("depth", "0")], body).await;
        assert!(answer.text().contains("503 Service Unavailable"), "{}", answer.text());
        gateway.assert_calls(&[]);
    }
}

/// The host that lists by name is asked only where 115 insists, and fails like the other.
#[tokio::test]
async fn a_listing_by_name_fails_like_any_other() {
    for (fault, status, pause, says, calls) in [
        (Fault::Waf405, 503, From(BLOCK_PAUSE), KEPT_AWAY, 1),
        (Fault::LoggedOut, 503, Exactly(60), "请先登录", 1),
        (Fault::Running990009, 503, Exactly(10), "操作尚未执行完成", 2),
        (Fault::EmptyBody, 502, Exactly(10), "not JSON", 2),
        (Fault::WrongType, 502, Exactly(10), "cannot be read", 1),
    ] {
        let gateway = super::gateway(|_| {}).await;
        gateway.sim.behave(|behaviours| behaviours.order_memory = OrderMemory::AlwaysRefuse);
        gateway.sim.fault(FaultRule::every("natsort", fault));
        assert_failed(&Propfind.go(&gateway).await, status, pause, says);
        gateway.assert_calls(&[("files", 1), ("natsort", calls)]);
    }
}
