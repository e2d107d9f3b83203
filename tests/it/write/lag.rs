//! 115's listings lag behind its writes, and folders take time: what was written is seen at once and stays seen.

use std::time::Duration;

use dav115::config::Config;

use super::{changed, content, paths, put, send, shown, transfer, truth};
use crate::harness::Gateway;

/// Listings are loaded anew all the time, so that each look is at what 115 says.
fn forgetful(config: &mut Config) {
    config.cache.listing_ttl = Duration::from_millis(1);
}

async fn lagging(change: impl FnOnce(&mut Config)) -> Gateway {
    let gateway = super::gateway(change).await;
    gateway.sim.behave(|behaviours| {
        behaviours.writes.listing_lag_ms = 30_000;
        behaviours.writes.lag_says_cached = true;
        behaviours.upload.listing_lag_secs = 30;
    });
    gateway
}

/// All sorts of changes, each built on those before.
async fn work(gateway: &Gateway) {
    let done = |answer: &crate::harness::Answer| assert!(answer.status.is_success(), "{answer:?}");
    // So that neither folder is ever empty while its count says otherwise, which is refused as an error.
    done(&put(gateway, "/dir/stays.txt", "stays").await);
    done(&send(gateway, "MKCOL", "/made", &[], "").await);
    done(&put(gateway, "/made/new.txt", "new").await);
    done(&put(gateway, "/a.txt", "changed").await);
    done(&transfer(gateway, "MOVE", "/b.txt", "/made/moved.txt").await);
    done(&transfer(gateway, "MOVE", "/made/moved.txt", "/made/renamed.txt").await);
    done(&send(gateway, "DELETE", "/other", &[], "").await);
    done(&transfer(gateway, "COPY", "/dir/c.txt", "/made/copy.txt").await);
    done(&transfer(gateway, "MOVE", "/dir/sub", "/made/sub").await);
    done(&put(gateway, "/made/sub/d.txt", "anew").await);
    done(&send(gateway, "DELETE", "/dir/c.txt", &[], "").await);
    // The name of something that has just gone.
    done(&send(gateway, "MKCOL", "/other", &[], "").await);
    done(&put(gateway, "/dir/c.txt", "again").await);
}

fn worked() -> Vec<String> {
    changed(
        &["/a.txt", "/b.txt", "/other", "/dir/c", "/dir/sub"],
        &[
            "/a.txt = changed",
            "/made/",
            "/made/new.txt = new",
            "/made/renamed.txt = second",
            "/made/copy.txt = third",
            "/made/sub/",
            "/made/sub/d.txt = anew",
            "/dir/c.txt = again",
            "/dir/stays.txt = stays",
            "/other/",
        ],
    )
}

#[tokio::test]
async fn what_was_written_is_seen_at_once_and_stays_seen_while_listings_lag() {
    for forgets in [false, true] {
        let gateway = lagging(|config| {
            if forgets {
                forgetful(config);
            }
        })
        .await;
        work(&gateway).await;
        let expected = worked();
        assert_eq!(truth(&gateway), expected);
        // In the first half of the lag and after it, when 115 has caught up.
        for seconds in [0, 10, 25] {
            gateway.sim.advance(Duration::from_secs(seconds));
            for _ in 0..3 {
                assert_eq!(shown(&gateway).await, paths(&expected), "{forgets} {seconds}");
            }
        }
        for (path, is) in [("/made/new.txt", "new"), ("/a.txt", "changed"), ("/made/sub/d.txt", "anew")] {
            assert_eq!(content(&gateway, path).await, is);
        }
    }
}

#[tokio::test]
async fn it_is_the_same_if_only_the_counts_lag_or_only_uploads() {
    for which in 0..2 {
        let gateway = super::gateway(forgetful).await;
        gateway.sim.behave(|behaviours| {
            if which == 0 {
                behaviours.writes.count_lag_ms = 30_000;
            } else {
                behaviours.upload.listing_lag_listings = 3;
                behaviours.writes.listing_lag_listings = 2;
            }
        });
        work(&gateway).await;
        assert_eq!(truth(&gateway), worked());
        for _ in 0..3 {
            assert_eq!(shown(&gateway).await, paths(&worked()), "{which}");
        }
    }
}

#[tokio::test]
async fn a_folder_that_takes_time_is_where_it_will_be() {
    for forgets in [false, true] {
        let gateway = super::gateway(|config| {
            if forgets {
                forgetful(config);
            }
        })
        .await;
        gateway.sim.behave(|behaviours| {
            behaviours.writes.folder_work_ms = 400;
            behaviours.writes.deleted_folder_lists_ms = 5000;
        });
        let done = |answer: &crate::harness::Answer| assert!(answer.status.is_success(), "{answer:?}");
        done(&transfer(&gateway, "MOVE", "/dir", "/other/dir").await);
        done(&transfer(&gateway, "MOVE", "/other/dir", "/back").await);
        done(&send(&gateway, "DELETE", "/other", &[], "").await);
        let here = changed(
            &["/dir", "/other"],
            &["/back/", "/back/c.txt = third", "/back/sub/", "/back/sub/d.txt = fourth"],
        );
        assert_eq!(shown(&gateway).await, paths(&here), "{forgets}");
        gateway.sim.tree(sim115::TreeState::finish);
        assert_eq!(truth(&gateway), here);
        assert_eq!(shown(&gateway).await, paths(&here), "{forgets}");
    }
}
