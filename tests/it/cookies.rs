//! Several cookies of one account: calls are spread, and what stops one does not stop the account.

use std::collections::BTreeMap;
use std::time::Duration;

use dav115::config::{Account, Credential};
use dav115::model::{CookieUse, Secret};
use http::StatusCode;
use sim115::{Content, Fault, FaultRule, ROOT, Sim, Tree};

use crate::harness::{AGENT, Gateway, eventually, simulator};

/// A simulator with six folders and a file, and a gateway that has its cookie and `others`.
async fn gateway(uses: CookieUse, others: &[(&str, CookieUse)], prepare: impl FnOnce(&Sim)) -> Gateway {
    let sim = simulator(Tree::Empty).await;
    sim.tree(|tree| {
        for name in ["a", "b", "c", "d", "e", "f"] {
            tree.add_folder(ROOT, name);
        }
        tree.add_file(ROOT, "film.mkv", Content::Rule { seed: 3, size: 1000 });
    });
    prepare(&sim);
    let others: Vec<_> =
        others.iter().map(|&(application, purpose)| (sim.sign_in(application), purpose)).collect();
    Gateway::over(sim, |config| {
        config.accounts[0].purpose = uses;
        for (number, (cookie, purpose)) in others.into_iter().enumerate() {
            config.accounts.push(Account {
                name: format!("other{number}"),
                credential: Credential::Cookie(Secret::new(cookie)),
                same_as: Some("main".to_owned()),
                purpose,
            });
        }
    })
    .await
}

/// Calls to `endpoint` by the application in the cookie.
fn calls(gateway: &Gateway, endpoint: &str) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for entry in gateway.sim.ledger().into_iter().filter(|entry| entry.endpoint == endpoint) {
        let application = entry.uid.split('_').nth(1).unwrap_or_default().to_owned();
        *counts.entry(application).or_default() += 1;
    }
    counts
}

async fn list_all(gateway: &Gateway) {
    for path in ["/", "/a", "/b", "/c", "/d", "/e", "/f"] {
        let answer = gateway.propfind(path, "1").await;
        assert_eq!(answer.status, StatusCode::MULTI_STATUS, "{path}: {}", answer.text());
    }
}

#[tokio::test]
async fn calls_are_spread_over_the_cookies() {
    let gateway = gateway(CookieUse::All, &[("A1", CookieUse::All)], |_| {}).await;
    list_all(&gateway).await;
    let counts = calls(&gateway, "files");
    assert_eq!(counts.values().sum::<usize>(), 7);
    assert!(counts["A1"] >= 3 && counts["R2"] >= 3, "{counts:?}");
}

#[tokio::test]
async fn a_block_of_one_cookie_is_no_outage() {
    let gateway = gateway(CookieUse::All, &[("A1", CookieUse::All)], |_| {}).await;
    gateway.sim.fault(FaultRule::nth("files", 2, Fault::Waf405For(Duration::from_secs(600))));
    list_all(&gateway).await;
    // One call met the block; after it that cookie was left alone.
    assert_eq!(calls(&gateway, "files").values().sum::<usize>(), 8);
    let ready = gateway.get("/readyz", &[]).await;
    assert_eq!(ready.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(ready.text().contains("blocked") && ready.text().contains("signed_in"), "{}", ready.text());
}

#[tokio::test]
async fn a_cookie_that_ended_leaves_the_work_to_the_others() {
    let gateway = gateway(CookieUse::All, &[("A1", CookieUse::All)], |_| {}).await;
    gateway.sim.expire_cookie();
    list_all(&gateway).await;
    let counts = calls(&gateway, "files");
    assert!(counts["A1"] == 7 && counts["R2"] == 1, "{counts:?}");
    assert_eq!(gateway.get("/film.mkv", &[("user-agent", AGENT)]).await.status, StatusCode::FOUND);
}

#[tokio::test]
async fn listing_and_download_may_have_cookies_of_their_own() {
    let gateway = gateway(CookieUse::Listing, &[("A1", CookieUse::Download)], |_| {}).await;
    list_all(&gateway).await;
    assert_eq!(gateway.get("/film.mkv", &[]).await.status, StatusCode::FOUND);
    assert_eq!(calls(&gateway, "files"), BTreeMap::from([("R2".to_owned(), 7)]));
    assert_eq!(calls(&gateway, "downurl"), BTreeMap::from([("A1".to_owned(), 1)]));
}

#[tokio::test]
async fn a_cookie_of_somebody_else_shows_nobody_elses_files() {
    let sim = simulator(Tree::Empty).await;
    sim.tree(|tree| tree.add_folder(ROOT, "a"));
    let foreign = sim.cookie().replace("123456789", "987654321");
    let gateway = Gateway::over(sim, |config| {
        config.accounts.push(Account {
            name: "other".to_owned(),
            credential: Credential::Cookie(Secret::new(foreign)),
            same_as: Some("main".to_owned()),
            purpose: CookieUse::All,
        });
    })
    .await;
    for path in ["/", "/a"] {
        assert_eq!(gateway.propfind(path, "1").await.status, StatusCode::MULTI_STATUS);
    }
    assert!(gateway.sim.ledger().iter().all(|entry| !entry.uid.starts_with("987654321")));
    eventually("the foreign cookie is told", || async {
        gateway.get("/readyz", &[]).await.text().contains("signed_out")
    })
    .await;
}
