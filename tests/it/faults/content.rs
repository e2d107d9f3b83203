//! Failures of the download server before the first byte; `download` has those after it.

use sim115::{Fault, FaultRule};

use super::Pause::{self, Exactly};
use super::Then::WorksFor;
use super::Way::{self, Part, Proxy, Redirect};
use super::{LONG, Row, run};

/// A refused link is renewed once; the new one is the gateway's own.
const REFUSED: &[(&str, usize)] = &[("downurl", 2), ("download server", 2)];
/// Tried three times in all, whatever `limits.retries` says: a player does not wait long.
const THREE_TIMES: &[(&str, usize)] = &[("downurl", 1), ("download server", 3)];
const ONCE: &[(&str, usize)] = &[("downurl", 1), ("download server", 1)];
/// What does not fit may be a file of another length, so a byte is asked for as well.
const AND_ITS_LENGTH: &[(&str, usize)] = &[("downurl", 1), ("download server", 2)];
/// The link is still good.
const WITH_THE_LINK: &[(&str, usize)] = &[("download server", 1)];

fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    let mut add = |fault: Fault, ways: &[Way], status, pause: Pause, says, cost: &[_], then| {
        for &way in ways {
            let fault = fault.clone();
            rows.push(Row { fault, on: "cdn", way, status, pause, says, cost: cost.to_vec(), then });
        }
    };
    for fault in [
        Fault::NoCookieValue,
        Fault::Status(403),
        Fault::Status(401),
        Fault::Status(404),
        Fault::Status(410),
        Fault::Forbidden403,
        Fault::Blocked418,
        Fault::Waf405,
    ] {
        add(
            fault,
            &[Proxy, Part],
            503,
            Exactly(10),
            "refused the link with status 4",
            REFUSED,
            WorksFor(WITH_THE_LINK),
        );
    }
    for fault in [Fault::Status(500), Fault::Html(503)] {
        let says = "115's download server failed with status 50";
        add(fault, &[Proxy, Part], 503, Exactly(10), says, THREE_TIMES, WorksFor(WITH_THE_LINK));
    }
    for (fault, ways) in [
        (Fault::Reset, &[Proxy, Part][..]),
        (Fault::Delay(LONG), &[Proxy, Part]),
        // So short a body is never sent: the simulator notices that it has promised too much.
        (Fault::ContentLengthLonger(7), &[Part]),
    ] {
        let says = "cannot reach 115's download server";
        add(fault, ways, 503, Exactly(10), says, THREE_TIMES, WorksFor(WITH_THE_LINK));
    }
    let says = "asks for fewer requests";
    add(Fault::TooMany429, &[Proxy, Part], 503, Exactly(5), says, ONCE, WorksFor(WITH_THE_LINK));
    // What does not fit is not handed on, whatever status it comes with.
    for (fault, ways) in [
        (Fault::EmptyBody, &[Proxy, Part][..]),
        (Fault::Html(200), &[Proxy, Part]),
        (Fault::Busy590075, &[Proxy, Part]),
        (Fault::WrongContentRange, &[Proxy, Part]),
        (Fault::ContentLengthShorter(7), &[Proxy, Part]),
        // The whole file would be the right answer to the wish for all of it.
        (Fault::IgnoreRange, &[Part]),
    ] {
        add(fault, ways, 502, Exactly(10), "download server", AND_ITS_LENGTH, WorksFor(WITH_THE_LINK));
    }
    // The byte is asked for three times, for so short a body is never sent.
    let cost = &[("downurl", 1), ("download server", 4)];
    let fault = Fault::ContentLengthLonger(7);
    add(fault, &[Proxy], 502, Exactly(10), "download server", cost, WorksFor(WITH_THE_LINK));
    // Another length than is listed: the listing is made anew.
    let says = "has been forgotten; try again";
    let anew = &[("files", 1), ("download server", 1)];
    add(Fault::ChangedContent, &[Proxy, Part], 502, Exactly(10), says, ONCE, WorksFor(anew));
    rows
}

#[tokio::test]
async fn content_that_cannot_be_had_is_told_of_before_the_first_byte() {
    run(rows()).await;
}

/// Whether links are unbound is tried once at the download server. Only a clear refusal counts there.
#[tokio::test]
async fn a_download_server_that_fails_does_not_stop_redirects() {
    for (fault, links, trials) in [
        (Fault::NoCookieValue, 2, 1),
        (Fault::Status(403), 2, 1),
        (Fault::Status(500), 1, 3),
        (Fault::Reset, 1, 3),
        (Fault::TooMany429, 1, 1),
        (Fault::EmptyBody, 1, 1),
        (Fault::IgnoreRange, 1, 1),
    ] {
        let gateway = super::gateway(|_| {}).await;
        gateway.sim.fault(FaultRule::every("cdn", fault));
        Redirect.assert_true(&gateway, &Redirect.go(&gateway).await);
        gateway.assert_calls(&[("files", 1), ("downurl", links), ("download server", trials)]);
        gateway.sim.clear_faults();
        Redirect.assert_true(&gateway, &Redirect.go(&gateway).await);
        gateway.assert_calls(&[]);
    }
}
