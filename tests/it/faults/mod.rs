//! What a client is told when 115 fails, as tables: the fault, the way it is met, the answer, its cost, and what comes after.

mod api;
mod behaviours;
mod changes;
mod content;
mod recovery;
mod session;
mod shares;
mod sign_out;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use dav115::config::Config;
use serde_json::Value;
use sim115::{Content, Fault, FaultRule, ROOT, Sim, Tree};
use tokio::sync::Semaphore;

use crate::harness::{AGENT, Answer, Gateway, STAYING_AGENT, background, simulator};

/// Times that a row waits for are this short; the others keep the usual ones, so that a slow machine changes nothing.
pub(crate) const SHORT: Duration = Duration::from_secs(1);
/// How long to wait for nothing.
pub(crate) const LONG: Duration = Duration::from_secs(600);
/// The pause after the firewall's page.
pub(crate) const BLOCK_PAUSE: u64 = 660;
const FILM_BYTES: u64 = 2_000_000;

/// How a client meets the fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Propfind,
    Head,
    Redirect,
    Proxy,
    /// Proxy, and only a part of the file.
    Part,
}

impl Way {
    async fn go(self, gateway: &Gateway) -> Answer {
        match self {
            Self::Propfind => gateway.propfind("/", "1").await,
            Self::Head => gateway.head("/film.bin").await,
            Self::Redirect => gateway.get("/film.bin", &[("user-agent", AGENT)]).await,
            Self::Proxy => gateway.get("/film.bin", &[("user-agent", STAYING_AGENT)]).await,
            Self::Part => {
                let headers = [("user-agent", STAYING_AGENT), ("range", "bytes=1000-2999")];
                gateway.get("/film.bin", &headers).await
            }
        }
    }

    /// Checks that an answer is the true one.
    #[track_caller]
    fn assert_true(self, gateway: &Gateway, answer: &Answer) {
        let status = match self {
            Self::Propfind => 207,
            Self::Head | Self::Proxy => 200,
            Self::Redirect => 302,
            Self::Part => 206,
        };
        let said = if self == Self::Propfind || answer.status != status { answer.text() } else { "" };
        assert_eq!(answer.status, status, "{said}");
        let film = film(&gateway.sim);
        match self {
            Self::Propfind => assert!(said.contains("film.bin") && said.contains("other.bin"), "{said}"),
            Self::Head => assert_eq!(answer.header("content-length"), Some("2000000")),
            Self::Redirect => assert!(answer.header("location").unwrap().contains("film.bin")),
            Self::Proxy => assert!(answer.body == film.read(0..FILM_BYTES)),
            Self::Part => assert!(answer.body == film.read(1000..3000)),
        }
    }

    /// What it costs from cold, and with all listed and the account's links known to be unbound.
    fn cost(self, is_cold: bool) -> Vec<(&'static str, usize)> {
        let (links, opens) = match self {
            Self::Propfind | Self::Head => (0, 0),
            Self::Redirect => (1, 0),
            Self::Proxy | Self::Part => (1, 1),
        };
        let listings = usize::from(is_cold);
        let trials = listings * links;
        [("files", listings), ("downurl", links), ("download server", opens + trials)]
            .into_iter()
            .filter(|(_, count)| *count > 0)
            .collect()
    }
}

/// `Retry-After`.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Pause {
    /// There is none, for nobody knows whether waiting helps.
    Unstated,
    Exactly(u64),
    /// So long since the failure; up to ten seconds of it may be over.
    From(u64),
}

/// What comes after the failure.
#[derive(Clone, Copy, Debug)]
enum Then {
    /// The fault is over, and the same request works. It costs what it would have cost before.
    Works,
    /// The same, at this cost.
    WorksFor(&'static [(&'static str, usize)]),
    /// Whether or not the fault is over, 115 is left alone, and the answer stays.
    IsLeftAlone,
}

/// A line of a table.
#[derive(Clone, Debug)]
struct Row {
    fault: Fault,
    /// The call that fails, every time, as the simulator names it.
    on: &'static str,
    way: Way,
    status: u16,
    pause: Pause,
    /// What a person is told, among other things.
    says: &'static str,
    /// What the failed request costs.
    cost: Vec<(&'static str, usize)>,
    then: Then,
}

fn film(sim: &Sim) -> Content {
    sim.tree(|tree| sim115::content(tree.node(tree.find(&["film.bin"]).unwrap()).unwrap()))
}

/// A simulator with two files and a folder.
async fn sim() -> Sim {
    let sim = simulator(Tree::Empty).await;
    sim.tree(|tree| {
        tree.add_file(ROOT, "film.bin", Content::Rule { seed: 7, size: FILM_BYTES });
        tree.add_file(ROOT, "other.bin", Content::Bytes(Bytes::from_static(b"other")));
        let folder = tree.add_folder(ROOT, "folder");
        tree.add_file(folder, "inside.bin", Content::Bytes(Bytes::from_static(b"inside")));
    });
    sim
}

/// A gateway over two files and a folder. With `retries` of one a failure that passes costs two calls.
async fn gateway(change: impl FnOnce(&mut Config)) -> Gateway {
    let gateway = Gateway::over(sim().await, |config| {
        config.limits.retries = 1;
        change(config);
    })
    .await;
    assert_eq!(gateway.get("/readyz", &[]).await.status, 200);
    gateway
}

/// What `/readyz` says of the one account: its state and the reason for it.
async fn account(gateway: &Gateway) -> (String, String) {
    let ready = gateway.get("/readyz", &[]).await;
    let report: Value = serde_json::from_str(ready.text()).unwrap();
    let account = &report["accounts"][0];
    let text = |key: &str| account[key].as_str().unwrap_or_default().to_owned();
    assert_eq!(ready.status.as_u16(), if text("state") == "signed_in" { 200 } else { 503 });
    assert_eq!(report["ready"], ready.status == 200);
    (text("state"), text("reason"))
}

#[track_caller]
fn assert_state((state, reason): (String, String), expected: &str, says: &str) {
    assert!(state == expected && reason.contains(says), "{state}: {reason}");
}

/// Lists everything and finds out that links are unbound.
async fn warm_up(gateway: &Gateway) {
    gateway.propfind("/", "1").await;
    assert_eq!(gateway.get("/other.bin", &[("user-agent", STAYING_AGENT)]).await.text(), "other");
    gateway.take_calls();
}

/// Checks an answer that tells of a failure: its status, its pause, and that a person can read why.
#[track_caller]
pub(crate) fn assert_failed(answer: &Answer, status: u16, pause: Pause, says: &str) {
    let text = answer.text();
    assert_eq!(answer.status.as_u16(), status, "{text}");
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    match (pause, answer.retry_after()) {
        (Pause::Unstated, None) => {}
        (Pause::Exactly(expected), Some(stated)) => assert_eq!(stated, expected, "{text}"),
        (Pause::From(longest), Some(stated)) => {
            assert!(stated <= longest && stated + 10 >= longest, "{stated} of {longest}: {text}");
        }
        (expected, stated) => panic!("a pause of {stated:?} instead of {expected:?}: {text}"),
    }
    // Only the answer to HEAD states a length and has no body; any other must say why.
    if answer.body.is_empty() && answer.header("content-length").is_some_and(|length| length != "0") {
        return;
    }
    assert!(text.contains(says), "{says:?} is missing in {text}");
    assert!(text.contains("cannot ") && !text.contains('<'), "{text}");
    if let Some((_, until)) = text.split_once(" until ") {
        let until = humantime::parse_rfc3339(until.split(',').next().unwrap()).unwrap();
        let left = until.duration_since(SystemTime::now()).unwrap_or_default().as_secs();
        let stated = answer.retry_after().unwrap();
        // Some of it may be over by now: machines are slow.
        assert!(left <= stated + 2 && left + 10 >= stated, "{left}s left, but {stated}s stated: {text}");
    }
}

async fn run_row(row: Row) {
    let waits = matches!(row.fault, Fault::Delay(_) | Fault::SlowStart(_));
    let gateway = gateway(|config| {
        if waits {
            config.limits.attempt_timeout = SHORT;
            config.limits.read_timeout = SHORT;
        }
    })
    .await;
    let is_cold = row.on == "files";
    if !is_cold {
        warm_up(&gateway).await;
    }
    gateway.sim.fault(FaultRule::every(row.on, row.fault.clone()));
    assert_failed(&row.way.go(&gateway).await, row.status, row.pause, row.says);
    gateway.assert_calls(&row.cost);
    let cost = match row.then {
        Then::Works => row.way.cost(is_cold),
        Then::WorksFor(cost) => cost.to_vec(),
        Then::IsLeftAlone => {
            for is_over in [false, true] {
                if is_over {
                    gateway.sim.clear_faults();
                    gateway.sim.clear_firewall();
                }
                assert_failed(&row.way.go(&gateway).await, row.status, row.pause, row.says);
                gateway.assert_calls(&[]);
            }
            return;
        }
    };
    gateway.sim.clear_faults();
    row.way.assert_true(&gateway, &row.way.go(&gateway).await);
    gateway.assert_calls(&cost);
}

async fn run(rows: Vec<Row>) {
    let named =
        rows.into_iter().map(|row| (format!("{:?} on {} by {:?}", row.fault, row.on, row.way), run_row(row)));
    run_each(named.collect()).await;
}

/// Runs every row by itself, several at a time, and names all that fail.
pub(crate) async fn run_each<F: Future<Output = ()> + Send + 'static>(rows: Vec<(String, F)>) {
    let places = Arc::new(Semaphore::new(12));
    let running: Vec<_> = rows
        .into_iter()
        .map(|(name, row)| {
            let places = Arc::clone(&places);
            let task = background(async move {
                let _place = places.acquire().await.unwrap();
                row.await;
            });
            (name, task)
        })
        .collect();
    let mut failed = Vec::new();
    for (name, task) in running {
        if let Err(error) = task.await {
            let panic = error.into_panic();
            let said = panic.downcast_ref::<String>().map(String::as_str);
            failed.push(format!("{name}: {}", said.or(panic.downcast_ref().copied()).unwrap_or("?")));
        }
    }
    assert!(failed.is_empty(), "{} rows failed:\n{}", failed.len(), failed.join("\n"));
}
