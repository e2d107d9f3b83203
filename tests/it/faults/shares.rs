//! Failures of 115 as they show in a share: its listing, its links, its content.
//!
//! A share is listed by a client without an account, and its files come by one of four ways, each through the gateway.

use sim115::{Content, Fault, FaultRule, ROOT, ShareSpec, Tree};

use super::Pause::{self, Exactly, From, Unstated};
use super::Then::{self, IsLeftAlone, Works, WorksFor};
use super::Way::{self, Head, Propfind, Proxy, Redirect};
use super::{BLOCK_PAUSE, FILM_BYTES, LONG, SHORT, assert_failed, run_each};
use crate::harness::{Answer, Gateway, simulator};
use crate::shares::{CODE, over};

/// What fails, status, pause, words, calls, and what comes after.
type Line = (Fault, u16, Pause, &'static str, Calls, Then);
type Calls = &'static [(&'static str, usize)];

const SNAP: &str = "share_snap";
const WINDOWS: &str = "share_downurl_windows";
const ENCRYPTED: &str = "share_downurl";
const WEB: &str = "share_downurl_web";
const WITHOUT_LOGIN: &str = "share_skip_login_downurl";
const WAYS: &[&str] = &[WINDOWS, ENCRYPTED, WEB, WITHOUT_LOGIN];
const ADDRESS_KEPT_AWAY: &str = "115 is throttling this network address until";
const ACCOUNT_KEPT_AWAY: &str = "115 is throttling the account main until";

fn json(errno: i64, message: &str) -> Fault {
    Fault::Json { errno, message: message.to_owned() }
}

fn film() -> Content {
    Content::Rule { seed: 7, size: FILM_BYTES }
}

/// A gateway over a share of two files, with an account to download by.
async fn gateway(waits: bool) -> Gateway {
    let sim = simulator(Tree::Empty).await;
    sim.add_share(&ShareSpec::new(CODE, "a1b2", Tree::Empty));
    sim.share(CODE, |share| {
        share.tree.add_file(ROOT, "film.bin", film());
        share.tree.add_file(ROOT, "other.bin", Content::Bytes("other".into()));
    });
    over(sim, |config| {
        config.limits.retries = 1;
        if waits {
            config.limits.attempt_timeout = SHORT;
            config.limits.read_timeout = SHORT;
        }
    })
    .await
}

/// Checks that an answer is the true one. Whoever asks, content is streamed.
#[track_caller]
fn assert_true(way: Way, answer: &Answer) {
    let is_listing = way == Propfind;
    let said = if is_listing || answer.status != 200 { answer.text() } else { "" };
    assert_eq!(answer.status, if is_listing { 207 } else { 200 }, "{said}");
    match way {
        Propfind => assert!(said.contains("film.bin") && said.contains("other.bin"), "{said}"),
        Head => assert_eq!(answer.header("content-length"), Some("2000000")),
        _ => assert!(answer.body == film().read(0..FILM_BYTES)),
    }
}

async fn run_line(on: &'static [&'static str], way: Way, line: Line) {
    let (fault, status, pause, says, cost, then) = line;
    let gateway = gateway(matches!(fault, Fault::Delay(_) | Fault::SlowStart(_))).await;
    let is_cold = on == [SNAP];
    if !is_cold {
        assert_true(Propfind, &gateway.propfind("/", "1").await);
        gateway.take_calls();
    }
    for label in on {
        gateway.sim.fault(FaultRule::every(label, fault.clone()));
    }
    assert_failed(&way.go(&gateway).await, status, pause, says);
    gateway.assert_calls(cost);
    let streamed: Calls = &[(WINDOWS, 1), ("download server", 1)];
    let cost = match (then, way) {
        (WorksFor(cost), _) => cost.to_vec(),
        (Works, Propfind | Head) => vec![(SNAP, 1)],
        (Works, _) => [if is_cold { &[(SNAP, 1)] } else { &[][..] }, streamed].concat(),
        (IsLeftAlone, _) => {
            for is_over in [false, true] {
                if is_over {
                    gateway.sim.clear_faults();
                    gateway.sim.clear_firewall();
                }
                assert_failed(&way.go(&gateway).await, status, pause, says);
                gateway.assert_calls(&[]);
            }
            return;
        }
    };
    gateway.sim.clear_faults();
    assert_true(way, &way.go(&gateway).await);
    gateway.assert_calls(&cost);
}

async fn run(on: &'static [&'static str], ways: &[Way], lines: Vec<Line>) {
    let named =
        |way: Way, line: Line| (format!("{:?} on {on:?} by {way:?}", line.0), run_line(on, way, line));
    let rows = lines.into_iter().flat_map(|line| ways.iter().map(move |&way| named(way, line.clone())));
    run_each(rows.collect()).await;
}

#[tokio::test]
async fn a_listing_of_a_share_that_fails_is_never_empty_and_its_failure_never_kept() {
    const ONE: Calls = &[(SNAP, 1)];
    const TWO: Calls = &[(SNAP, 2)];
    let login = "115 wants a login for this and says";
    let lines = vec![
        // Blocks and throttles: one call, and then none.
        (Fault::Waf405, 503, From(BLOCK_PAUSE), ADDRESS_KEPT_AWAY, ONE, IsLeftAlone),
        (Fault::Waf405For(LONG), 503, From(BLOCK_PAUSE), ADDRESS_KEPT_AWAY, ONE, IsLeftAlone),
        (Fault::Blocked418, 503, From(BLOCK_PAUSE), ADDRESS_KEPT_AWAY, ONE, IsLeftAlone),
        (Fault::Forbidden403, 503, From(BLOCK_PAUSE), ADDRESS_KEPT_AWAY, ONE, IsLeftAlone),
        (Fault::Status(403), 503, From(BLOCK_PAUSE), ADDRESS_KEPT_AWAY, ONE, IsLeftAlone),
        (Fault::NoCookieValue, 503, From(BLOCK_PAUSE), ADDRESS_KEPT_AWAY, ONE, IsLeftAlone),
        (Fault::Html(200), 503, From(BLOCK_PAUSE), "a web page instead of data", ONE, IsLeftAlone),
        (Fault::Html(404), 503, From(BLOCK_PAUSE), ADDRESS_KEPT_AWAY, ONE, IsLeftAlone),
        (Fault::TooMany429, 503, From(60), "this network address", ONE, IsLeftAlone),
        (Fault::Limit770004, 503, From(60), "已达到当前访问上限，请稍后再试", ONE, IsLeftAlone),
        // Nobody is signed in, so no session ends.
        (Fault::LoggedOut, 503, Exactly(60), login, ONE, Works),
        (json(911, "x"), 503, Exactly(60), login, ONE, Works),
        (json(40_101_035, "x"), 503, Exactly(60), login, ONE, Works),
        (json(40_101_037, "x"), 503, Exactly(60), login, ONE, Works),
        (json(40_101_032, "x"), 503, Exactly(60), login, ONE, Works),
        // What passes by itself: tried again.
        (Fault::Busy590075, 503, Exactly(10), "操作太频繁", TWO, Works),
        (Fault::Running990009, 503, Exactly(10), "操作尚未执行完成", TWO, Works),
        (Fault::TransientViolation, 503, Exactly(10), "without a reason", TWO, Works),
        (Fault::Html(500), 503, Exactly(10), "HTTP status 500", TWO, Works),
        (Fault::Status(502), 503, Exactly(10), "HTTP status 502", TWO, Works),
        (Fault::Reset, 503, Exactly(10), "cannot reach", TWO, Works),
        (Fault::CutAfter(10), 503, Exactly(10), "cannot reach", TWO, Works),
        (Fault::ContentLengthLonger(9), 503, Exactly(10), "cannot reach", TWO, Works),
        (Fault::Delay(LONG), 503, Exactly(10), "took too long", TWO, Works),
        (Fault::SlowStart(LONG), 503, Exactly(10), "took too long", TWO, Works),
        // What makes no sense: tried again, for it may have been cut on its way.
        (Fault::Garbage, 502, Exactly(10), "not JSON", TWO, Works),
        (Fault::EmptyBody, 502, Exactly(10), "not JSON", TWO, Works),
        (Fault::ContentLengthShorter(9), 502, Exactly(10), "not JSON", TWO, Works),
        (Fault::Status(404), 502, Exactly(10), "HTTP status 404", TWO, Works),
        (Fault::WrongType, 502, Exactly(10), "holds nothing and does not say whether", ONE, Works),
        // Refusals that asking again does not change.
        (json(990_002, "x"), 403, Unstated, "is not one that 115 understands", ONE, Works),
        (json(4_100_008, "x"), 403, Unstated, "does not open with the receive code given", ONE, Works),
        (json(4_100_010, "x"), 410, Unstated, "was cancelled by its sharer", ONE, Works),
        (json(20_018, "x"), 503, Exactly(10), "correct root_id", ONE, Works),
        (json(123_456, "news"), 503, Exactly(10), "“news” (code 123456)", ONE, Works),
        (json(-7, ""), 503, Exactly(10), "without a reason", ONE, Works),
    ];
    run(&[SNAP], &[Propfind, Head, Redirect, Proxy], lines).await;
}

#[tokio::test]
async fn a_link_to_a_file_of_a_share_that_no_way_leads_to_is_told_of() {
    const ONE: Calls = &[(WINDOWS, 1)];
    const TWO: Calls = &[(WINDOWS, 2)];
    const EACH: Calls = &[(WINDOWS, 1), (ENCRYPTED, 1), (WEB, 1), (WITHOUT_LOGIN, 1)];
    const EACH_TWICE: Calls = &[(WINDOWS, 2), (ENCRYPTED, 2), (WEB, 2), (WITHOUT_LOGIN, 2)];
    // The session is over after the first; the last needs none.
    const SESSION: Calls = &[(WINDOWS, 1), (WITHOUT_LOGIN, 1)];
    let no_link = "115 gives no download link for this file of the share";
    let lines = vec![
        (Fault::Waf405, 503, From(BLOCK_PAUSE), ACCOUNT_KEPT_AWAY, ONE, IsLeftAlone),
        (Fault::Waf405For(LONG), 503, From(BLOCK_PAUSE), ACCOUNT_KEPT_AWAY, ONE, IsLeftAlone),
        (Fault::Blocked418, 503, From(BLOCK_PAUSE), ACCOUNT_KEPT_AWAY, ONE, IsLeftAlone),
        (Fault::Forbidden403, 503, From(BLOCK_PAUSE), ACCOUNT_KEPT_AWAY, ONE, IsLeftAlone),
        (Fault::Status(403), 503, From(BLOCK_PAUSE), ACCOUNT_KEPT_AWAY, ONE, IsLeftAlone),
        (Fault::NoCookieValue, 503, From(BLOCK_PAUSE), ACCOUNT_KEPT_AWAY, ONE, IsLeftAlone),
        (Fault::Html(200), 503, From(BLOCK_PAUSE), "a web page instead of data", ONE, IsLeftAlone),
        (Fault::Html(404), 503, From(BLOCK_PAUSE), ACCOUNT_KEPT_AWAY, ONE, IsLeftAlone),
        (Fault::TooMany429, 503, From(60), "the account main", ONE, IsLeftAlone),
        (Fault::Limit770004, 503, From(60), "已达到当前访问上限，请稍后再试", ONE, IsLeftAlone),
        (Fault::LoggedOut, 503, Exactly(60), "the account main is signed out", SESSION, IsLeftAlone),
        (json(911, "x"), 503, Exactly(60), "solve its captcha", SESSION, IsLeftAlone),
        (json(40_101_035, "x"), 503, Exactly(60), "another login took", SESSION, IsLeftAlone),
        (json(40_101_037, "x"), 503, Exactly(60), "ended from another device", SESSION, IsLeftAlone),
        (json(40_101_032, "x"), 503, Exactly(60), "the cookie has expired", SESSION, IsLeftAlone),
        (Fault::Busy590075, 503, Exactly(10), "操作太频繁", TWO, Works),
        (Fault::Running990009, 503, Exactly(10), "操作尚未执行完成", TWO, Works),
        (Fault::TransientViolation, 503, Exactly(10), "without a reason", TWO, Works),
        (Fault::Html(500), 503, Exactly(10), "HTTP status 500", TWO, Works),
        (Fault::Status(502), 503, Exactly(10), "HTTP status 502", TWO, Works),
        (Fault::Reset, 503, Exactly(10), "cannot reach", TWO, Works),
        (Fault::CutAfter(10), 503, Exactly(10), "cannot reach", TWO, Works),
        (Fault::ContentLengthLonger(9), 503, Exactly(10), "cannot reach", TWO, Works),
        (Fault::Delay(LONG), 503, Exactly(10), "took too long", TWO, Works),
        (Fault::SlowStart(LONG), 503, Exactly(10), "took too long", TWO, Works),
        // Another way may speak more clearly.
        (Fault::Garbage, 502, Exactly(10), "not JSON", EACH_TWICE, Works),
        (Fault::EmptyBody, 502, Exactly(10), "not JSON", EACH_TWICE, Works),
        (Fault::ContentLengthShorter(9), 502, Exactly(10), "not JSON", EACH_TWICE, Works),
        (Fault::Status(404), 502, Exactly(10), "HTTP status 404", EACH_TWICE, Works),
        (Fault::WrongType, 503, Exactly(10), no_link, EACH, Works),
        (Fault::EmptyData, 502, Exactly(10), "has not the form of a link", EACH, Works),
        (Fault::EmptyHost, 502, Exactly(10), "a link without a host", EACH, Works),
        (Fault::UrlFalse, 503, Exactly(10), no_link, EACH, Works),
        (Fault::NegativeSize, 503, Exactly(10), no_link, EACH, Works),
        (json(50_028, "文件过大"), 403, Unstated, "文件过大", EACH, Works),
        // A way that is closed to all files is left alone for a while.
        (json(50_029, "版本过低"), 403, Unstated, "版本过低", EACH, IsLeftAlone),
        (json(990_002, "x"), 403, Unstated, "is not one that 115 understands", EACH, IsLeftAlone),
        (json(123_456, "news"), 503, From(60), "“news” (code 123456)", EACH, IsLeftAlone),
        // What holds for the file or the share holds by every way.
        (json(50_038, "文件包含违规内容"), 403, Unstated, "文件包含违规内容", ONE, Works),
        (json(4_100_010, "x"), 410, Unstated, "was cancelled by its sharer", ONE, Works),
        (json(4_100_008, "x"), 403, Unstated, "does not open with the receive code given", ONE, Works),
    ];
    run(WAYS, &[Redirect, Proxy], lines).await;
}

#[tokio::test]
async fn what_one_way_does_not_give_another_may() {
    for (fault, calls) in [
        (json(50_028, "文件过大"), 1),
        (json(50_029, "版本过低"), 1),
        (json(990_002, "x"), 1),
        (json(123_456, "news"), 1),
        (Fault::UrlFalse, 1),
        (Fault::EmptyHost, 1),
        (Fault::EmptyData, 1),
        (Fault::Garbage, 2),
        (Fault::Status(404), 2),
    ] {
        for way in [Redirect, Proxy] {
            let gateway = gateway(false).await;
            gateway.sim.fault(FaultRule::every(WINDOWS, fault.clone()));
            assert_true(way, &way.go(&gateway).await);
            let cost = [(SNAP, 1), (WINDOWS, calls), (ENCRYPTED, 1), ("download server", 1)];
            gateway.assert_calls(&cost);
        }
    }
}

#[tokio::test]
async fn content_of_a_share_that_cannot_be_had_is_told_of_before_the_first_byte() {
    const REFUSED: Calls = &[(WINDOWS, 2), ("download server", 2)];
    const THREE_TIMES: Calls = &[(WINDOWS, 1), ("download server", 3)];
    const ONCE: Calls = &[(WINDOWS, 1), ("download server", 1)];
    const AND_ITS_LENGTH: Calls = &[(WINDOWS, 1), ("download server", 2)];
    const WITH_THE_LINK: Then = WorksFor(&[("download server", 1)]);
    let mut lines: Vec<Line> = Vec::new();
    for status in [401, 403, 404, 410] {
        let says = "refused the link with status 4";
        lines.push((Fault::Status(status), 503, Exactly(10), says, REFUSED, WITH_THE_LINK));
    }
    for fault in [Fault::NoCookieValue, Fault::Forbidden403, Fault::Blocked418, Fault::Waf405] {
        lines.push((fault, 503, Exactly(10), "refused the link with status 4", REFUSED, WITH_THE_LINK));
    }
    for fault in [Fault::Status(500), Fault::Html(503)] {
        let says = "115's download server failed with status 50";
        lines.push((fault, 503, Exactly(10), says, THREE_TIMES, WITH_THE_LINK));
    }
    for fault in [Fault::Reset, Fault::Delay(LONG)] {
        let says = "cannot reach 115's download server";
        lines.push((fault, 503, Exactly(10), says, THREE_TIMES, WITH_THE_LINK));
    }
    for fault in [
        Fault::EmptyBody,
        Fault::Html(200),
        Fault::Busy590075,
        Fault::WrongContentRange,
        Fault::ContentLengthShorter(7),
    ] {
        lines.push((fault, 502, Exactly(10), "download server", AND_ITS_LENGTH, WITH_THE_LINK));
    }
    lines.push((Fault::TooMany429, 503, Exactly(5), "asks for fewer requests", ONCE, WITH_THE_LINK));
    // Another length than is listed: the listing is made anew.
    let anew = WorksFor(&[(SNAP, 1), ("download server", 1)]);
    lines.push((Fault::ChangedContent, 502, Exactly(10), "has been forgotten; try again", ONCE, anew));
    run(&["cdn"], &[Redirect, Proxy], lines).await;
}

#[tokio::test]
async fn a_page_of_a_share_that_fails_fails_the_listing() {
    for (fault, calls, is_block) in [(Fault::Waf405, 4, true), (Fault::Reset, 5, false)] {
        let sim = simulator(Tree::Empty).await;
        sim.add_share(&ShareSpec::new(CODE, "a1b2", Tree::Flat(890)));
        sim.behave(|behaviours| behaviours.share_snap_limit = 100);
        let gateway = over(sim, |config| config.limits.retries = 1).await;
        // The folder above is the first call, so this is the third of nine pages.
        gateway.sim.fault(FaultRule { times: Some(2), ..FaultRule::nth(SNAP, 4, fault) });
        let pause = if is_block { From(BLOCK_PAUSE) } else { Exactly(10) };
        assert_failed(&gateway.propfind("/flat", "1").await, 503, pause, "cannot list /flat: ");
        gateway.assert_calls(&[(SNAP, calls)]);
        // Nothing of the pages that came is kept or shown.
        let answer = gateway.propfind("/flat", "1").await;
        if is_block {
            assert_failed(&answer, 503, pause, ADDRESS_KEPT_AWAY);
            gateway.assert_calls(&[]);
        } else {
            assert_eq!(answer.text().matches("<D:response>").count(), 891);
            gateway.assert_calls(&[(SNAP, 9)]);
        }
    }
}

/// What stops the calls of the address stops neither those of the account nor what is known already.
#[tokio::test]
async fn a_block_until_midnight_is_one_of_the_address_alone() {
    let gateway = gateway(false).await;
    gateway.sim.share(CODE, |share| share.tree.add_folder(ROOT, "folder"));
    assert_true(Propfind, &gateway.propfind("/", "1").await);
    gateway.take_calls();
    gateway.sim.fault(FaultRule::nth(SNAP, 1, json(40_101_004, "IP登录异常")));
    for _ in 0..2 {
        let answer = gateway.propfind("/folder", "1").await;
        assert_eq!(answer.status, 503);
        assert!(answer.text().contains("before midnight in China"), "{}", answer.text());
        assert!((1..=24 * 3600 + 1).contains(&answer.retry_after().unwrap()));
    }
    assert_true(Propfind, &gateway.propfind("/", "1").await);
    assert_true(Proxy, &Proxy.go(&gateway).await);
    gateway.assert_calls(&[(SNAP, 1), (WINDOWS, 1), ("download server", 1)]);
}
