//! Two accounts in one configuration, with a share and a list of shares: each is shown as it is, is asked on its own, and
//! stands or falls alone.

use std::time::Duration;

use dav115::config::{Account, Config, Credential, Mount, MountKind, NamedShare};
use dav115::model::{CookieUse, DownloadPolicy, Secret};
use http::StatusCode;
use sim115::{Fault, FaultRule, ShareSpec, Sim, Tree};

use crate::harness::{AGENT, Answer, Gateway, STAYING_AGENT, simulator};
use crate::shares::{CODE, LINK, link};
use crate::trees::{expected, read, walk};

/// The second account, in the gateway and in the simulator.
const SECOND: &str = "second";
/// The good one of the list of shares.
const LISTED: &str = "sw4def34uvw";

/// A simulator with two users of different drives, a share of the second one, and three shares of others.
async fn sim() -> Sim {
    let sim = simulator(Tree::DemoSmall).await;
    sim.add_user(SECOND, &Tree::Grid { folders: 3, files: 4 });
    sim.add_share(&ShareSpec::new(CODE, "a1b2", Tree::DemoSmall).by(SECOND));
    sim.add_share(&ShareSpec::new(LISTED, "c3d4", Tree::Flat(5)));
    sim.add_share(&ShareSpec::new("sw5dead5dead", "e5f6", Tree::DemoSmall).in_state(7));
    sim.add_share(&ShareSpec::new("sw6code6code", "g7h8", Tree::DemoSmall));
    sim
}

/// Both drives, the share by the second account and the list by the first.
fn configure(config: &mut Config, second_cookie: String) {
    config.accounts.push(Account {
        name: SECOND.to_owned(),
        credential: Credential::Cookie(Secret::new(second_cookie)),
        same_as: None,
        purpose: CookieUse::All,
    });
    let listed = ["sw4def34uvw-c3d4", "sw5dead5dead-e5f6", "sw6code6code-0000"];
    let titles = ["Good", "Expired", "Locked"];
    let named = listed
        .iter()
        .zip(titles)
        .map(|(text, name)| NamedShare { link: link(text), name: Some(name.to_owned()) });
    let mount = |path: &str, kind, account: &str| Mount { kind, ..Mount::of_account(path, account) };
    config.mounts = vec![
        mount("/first", MountKind::Cloud, "main"),
        mount("/second", MountKind::Cloud, SECOND),
        mount("/shared", MountKind::Share(link(LINK)), SECOND),
        mount("/list", MountKind::Shares(named.collect()), "main"),
    ];
}

async fn gateway(change: impl FnOnce(&mut Config)) -> Gateway {
    let sim = sim().await;
    let cookie = sim.user(SECOND).cookie();
    Gateway::over(sim, |config| {
        configure(config, cookie);
        change(config);
    })
    .await
}

/// What `/readyz` says of the account called `name`.
async fn state(gateway: &Gateway, name: &str) -> String {
    let report: serde_json::Value = serde_json::from_str(gateway.get("/readyz", &[]).await.text()).unwrap();
    let accounts = report["accounts"].as_array().unwrap();
    let account = accounts.iter().find(|account| account["name"] == name).unwrap();
    account["state"].as_str().unwrap().to_owned()
}

async fn list(gateway: &Gateway, path: &str) -> Answer {
    gateway.propfind(path, "1").await
}

#[tokio::test]
async fn both_drives_and_all_shares_are_shown_as_they_are_by_the_account_they_belong_to() {
    let stream = |mount: &mut Mount| mount.download = DownloadPolicy::Proxy;
    let gateway = gateway(|config| config.mounts.iter_mut().for_each(stream)).await;
    let sim = &gateway.sim;
    let (first, second) = (sim.user("main"), sim.user(SECOND));
    let things = [
        ("/first/", first.tree(|tree| expected(tree))),
        ("/second/", second.tree(|tree| expected(tree))),
        ("/shared/", sim.share(CODE, |share| expected(&share.tree))),
        ("/list/Good/", sim.share(LISTED, |share| expected(&share.tree))),
    ];
    for (top, expected) in &things {
        assert!(!expected.is_empty());
        let found = walk(&gateway, top, expected).await;
        read(&gateway, &found, expected, 1).await;
        let listings = 1 + expected.values().filter(|(thing, _)| thing.is_folder).count();
        let links =
            expected.values().filter(|(thing, content)| !thing.is_folder && content.size() > 0).count();
        // Calls of each account to list and for links; what lists shares carries no cookie.
        let (of_first, of_second, of_nobody) = match *top {
            "/first/" => ([listings, links, 0], [0; 3], 0),
            "/second/" => ([0; 3], [listings, links, 0], 0),
            "/shared/" => ([0; 3], [0, 0, links], listings),
            _ => ([0, 0, links], [0; 3], listings),
        };
        for (user, counts) in [(&first, of_first), (&second, of_second)] {
            let counted = ["files", "downurl", "share_downurl_windows"].map(|endpoint| user.calls(endpoint));
            assert_eq!(counted, counts, "{top}");
        }
        assert_eq!(sim.calls("share_snap"), of_nobody, "{top}");
        // Each byte came over a link that was given to the account of the mount.
        let user = if matches!(*top, "/second/" | "/shared/") { second.id() } else { first.id() };
        let ledger = sim.ledger();
        let mut fetched = ledger.iter().filter(|entry| entry.endpoint == "cdn").peekable();
        assert!(fetched.peek().is_some());
        assert!(fetched.all(|entry| entry.query.contains(&format!("&u={user}&"))), "{top}");
        sim.clear_ledger();
    }
    for (path, status, words) in
        [("/list/Expired", 410, "has expired"), ("/list/Locked", 403, "does not open with the receive code")]
    {
        let answer = list(&gateway, path).await;
        assert_eq!(answer.status, status, "{path}: {}", answer.text());
        assert!(answer.text().contains(words), "{path}: {}", answer.text());
    }
    let top = list(&gateway, "/list").await;
    assert_eq!(top.text().matches("<D:response>").count(), 4);
    assert_eq!(gateway.get("/readyz", &[]).await.status, StatusCode::OK);
}

#[tokio::test]
async fn an_account_that_is_signed_out_does_not_stop_the_other() {
    let gateway = gateway(|_| {}).await;
    gateway.sim.user(SECOND).expire_cookie();
    let answer = list(&gateway, "/second").await;
    assert_eq!((answer.status.as_u16(), answer.retry_after()), (503, Some(60)));
    assert!(answer.text().contains("the account second is signed out"), "{}", answer.text());
    assert_eq!(list(&gateway, "/first").await.status, 207);
    let file = gateway.get("/first/hello.txt", &[("user-agent", AGENT)]).await;
    assert_eq!(file.status, StatusCode::FOUND);
    // What needs no login goes on, and what does is told of the account whose turn it was.
    assert_eq!(list(&gateway, "/shared").await.status, 207);
    let file = gateway.get("/shared/hello.txt", &[("user-agent", STAYING_AGENT)]).await;
    assert_eq!(file.status, 503, "{}", file.text());
    assert!(file.text().contains("the account second is signed out"), "{}", file.text());
    let file = gateway.get("/list/Good/flat/file-00000.bin", &[]).await;
    assert_eq!(file.status, StatusCode::OK, "{}", file.text());
    assert_eq!(
        (state(&gateway, "main").await, state(&gateway, SECOND).await),
        ("signed_in".into(), "signed_out".into())
    );
    let (first, second) = (gateway.sim.user("main"), gateway.sim.user(SECOND));
    assert_eq!((second.calls("files"), second.calls("share_downurl_windows")), (1, 0));
    assert_eq!((first.calls("files"), first.calls("share_downurl_windows")), (1, 1));
}

#[tokio::test]
async fn a_block_of_one_account_is_none_of_the_other() {
    let gateway = gateway(|_| {}).await;
    gateway.sim.fault(FaultRule::nth("files", 1, Fault::Waf405For(Duration::from_secs(600))));
    for _ in 0..2 {
        let answer = list(&gateway, "/second").await;
        assert_eq!(answer.status, 503);
        assert!(answer.text().contains("115 is throttling the account second"), "{}", answer.text());
    }
    assert_eq!(list(&gateway, "/first").await.status, 207);
    assert_eq!(list(&gateway, "/first/Documents").await.status, 207);
    assert_eq!(
        (state(&gateway, "main").await, state(&gateway, SECOND).await),
        ("signed_in".into(), "blocked".into())
    );
    let calls = ["main", SECOND].map(|name| gateway.sim.user(name).calls("files"));
    assert_eq!(calls, [2, 1]);
}

#[tokio::test]
async fn an_account_that_has_used_up_its_pace_leaves_the_other_its_own() {
    let gateway = gateway(|config| {
        config.limits.requests_per_second = 0.01;
        // One for the look at the start, one for a folder.
        config.limits.burst = 2;
        config.limits.deadline = Duration::from_millis(300);
    })
    .await;
    assert_eq!(list(&gateway, "/second").await.status, 207);
    let answer = list(&gateway, "/second/folder-0000").await;
    assert_eq!(answer.status, 503);
    let says = "the account second has so many calls waiting";
    assert!(answer.text().contains(says), "{}", answer.text());
    assert_eq!(list(&gateway, "/first").await.status, 207);
    let calls = ["main", SECOND].map(|name| gateway.sim.user(name).calls("files"));
    assert_eq!(calls, [1, 1]);
}
