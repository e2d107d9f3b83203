//! The tree changes at 115, behind the gateway's back.

use std::time::Duration;

use sim115::{Content, ROOT};

use super::Pause::{Exactly, Unstated};
use super::Way::{Head, Propfind, Proxy, Redirect};
use super::{FILM_BYTES, assert_failed, film};
use crate::harness::{Gateway, STAYING_AGENT};

const NOTHING_THERE: &str = "there is nothing at this path";

fn id_of(gateway: &Gateway, path: &[&str]) -> u64 {
    gateway.sim.tree(|tree| tree.find(path).unwrap())
}

/// 115 lists the root instead of a folder that is gone.
#[tokio::test]
async fn a_deleted_folder_is_not_found_and_never_shown_as_the_root() {
    for lists_root in [true, false] {
        for (method, path) in [
            ("PROPFIND", "/folder"),
            ("PROPFIND", "/folder/inside.bin"),
            ("HEAD", "/folder/inside.bin"),
            ("GET", "/folder/inside.bin"),
            ("GET", "/folder"),
        ] {
            for agent in ["rclone/v1.60.1", STAYING_AGENT] {
                let gateway = super::gateway(|_| {}).await;
                super::warm_up(&gateway).await;
                gateway.sim.behave(|behaviours| behaviours.unknown_cid_lists_root = lists_root);
                let folder = id_of(&gateway, &["folder"]);
                gateway.sim.tree(|tree| tree.delete(folder));
                let method = method.parse().unwrap();
                let headers = [("depth", "1"), ("user-agent", agent)];
                let answer = gateway.send(method, path, &headers, "").await;
                assert_failed(&answer, 404, Unstated, NOTHING_THERE);
                gateway.assert_calls(&[("files", 1)]);
                // The listing that still showed it is out of date, and is made anew.
                let root = gateway.propfind("/", "1").await;
                assert!(root.text().contains("film.bin") && !root.text().contains("folder"));
                gateway.assert_calls(&[("files", 1)]);
            }
        }
    }
}

#[tokio::test]
async fn a_deleted_file_costs_two_calls_to_notice() {
    for code in [70_005, 231_011, 50_015] {
        for way in [Redirect, Proxy] {
            let gateway = super::gateway(|_| {}).await;
            super::warm_up(&gateway).await;
            gateway.sim.behave(|behaviours| behaviours.deleted_code = code);
            let file = id_of(&gateway, &["film.bin"]);
            gateway.sim.tree(|tree| tree.delete(file));
            assert_failed(&way.go(&gateway).await, 404, Unstated, "文件不存在或已被删除");
            // It may have been replaced, so its folder is listed once more.
            gateway.assert_calls(&[("downurl", 1), ("files", 1)]);
            let root = gateway.propfind("/", "1").await;
            assert!(root.text().contains("other.bin") && !root.text().contains("film.bin"));
            assert_failed(&way.go(&gateway).await, 404, Unstated, NOTHING_THERE);
            gateway.assert_calls(&[]);
        }
    }
}

#[tokio::test]
async fn what_was_renamed_or_moved_is_found_when_its_listing_has_aged() {
    let gateway = super::gateway(|config| config.cache.listing_ttl = Duration::from_secs(1)).await;
    super::warm_up(&gateway).await;
    let (film_id, folder) = (id_of(&gateway, &["film.bin"]), id_of(&gateway, &["folder"]));
    let whole = film(&gateway.sim);
    gateway.sim.tree(|tree| {
        assert!(tree.rename(film_id, "film 2.bin") && tree.relocate(film_id, folder));
        assert!(tree.rename(folder, "other folder"));
    });
    tokio::time::sleep(Duration::from_millis(1100)).await;
    for way in [Head, Redirect, Proxy] {
        assert_failed(&way.go(&gateway).await, 404, Unstated, NOTHING_THERE);
    }
    let path = "/other%20folder/film%202.bin";
    let answer = gateway.get(path, &[("user-agent", STAYING_AGENT)]).await;
    assert!(answer.status == 200 && answer.body == whole.read(0..whole.size()));
    assert_eq!(gateway.propfind("/folder", "1").await.status, 404);
}

/// A folder is known by its id, so what is below it does not notice that it was renamed.
#[tokio::test]
async fn renaming_a_folder_costs_nothing_below_it() {
    let gateway = super::gateway(|config| config.cache.listing_ttl = Duration::from_secs(60)).await;
    super::warm_up(&gateway).await;
    gateway.propfind("/folder", "1").await;
    gateway.take_calls();
    let folder = id_of(&gateway, &["folder"]);
    gateway.sim.tree(|tree| tree.rename(folder, "renamed"));
    let answer = gateway.get("/folder/inside.bin", &[("user-agent", STAYING_AGENT)]).await;
    assert_eq!(answer.text(), "inside");
    gateway.assert_calls(&[("downurl", 1), ("download server", 1)]);
}

#[tokio::test]
async fn a_file_of_another_length_than_listed_is_not_handed_out_and_its_folder_is_listed_anew() {
    for (size, opens) in [(1_000_000, 2), (3_000_000, 1)] {
        let gateway = super::gateway(|_| {}).await;
        super::warm_up(&gateway).await;
        let content = Content::Rule { seed: 8, size };
        gateway.sim.tree(|tree| {
            let file = tree.find(&["film.bin"]).unwrap();
            tree.set_content(file, content.clone())
        });
        assert_failed(&Proxy.go(&gateway).await, 502, Exactly(10), "has been forgotten; try again");
        gateway.assert_calls(&[("downurl", 1), ("download server", opens)]);
        let answer = Proxy.go(&gateway).await;
        assert!(answer.status == 200 && answer.body == content.read(0..size));
        gateway.assert_calls(&[("files", 1), ("download server", 1)]);
    }
}

/// A file that was replaced is another one at 115, under the same name.
#[tokio::test]
async fn a_file_that_was_replaced_is_looked_up_once_more() {
    // The same content again, and another.
    for seed in [7, 9] {
        for way in [Redirect, Proxy] {
            let gateway = super::gateway(|_| {}).await;
            super::warm_up(&gateway).await;
            let file = id_of(&gateway, &["film.bin"]);
            gateway.sim.tree(|tree| {
                tree.delete(file);
                tree.add_file(ROOT, "film.bin", Content::Rule { seed, size: FILM_BYTES })
            });
            let answer = way.go(&gateway).await;
            let links = [("downurl", 2), ("files", 1)];
            if way == Redirect {
                way.assert_true(&gateway, &answer);
                gateway.assert_calls(&links);
            } else if seed == 7 {
                way.assert_true(&gateway, &answer);
                gateway.assert_calls(&[links[0], links[1], ("download server", 1)]);
            } else {
                // The length and the tag of the old one are on their way already.
                assert_failed(&answer, 503, Exactly(10), "another file has taken its place");
                gateway.assert_calls(&links);
                way.assert_true(&gateway, &way.go(&gateway).await);
                gateway.assert_calls(&[("download server", 1)]);
            }
        }
    }
}

#[tokio::test]
async fn a_violating_file_is_refused_without_a_call_and_one_not_known_to_be_with_one() {
    let gateway = super::gateway(|_| {}).await;
    super::warm_up(&gateway).await;
    let file = id_of(&gateway, &["film.bin"]);
    gateway.sim.tree(|tree| tree.set_violating(file, true));
    for way in [Redirect, Proxy] {
        assert_failed(&way.go(&gateway).await, 403, Unstated, "文件包含违规内容");
        gateway.assert_calls(&[("downurl", 1)]);
    }
    let gateway = Gateway::over(super::sim().await, |_| {}).await;
    gateway.sim.tree(|tree| {
        let file = tree.find(&["film.bin"]).unwrap();
        tree.set_violating(file, true)
    });
    Propfind.assert_true(&gateway, &Propfind.go(&gateway).await);
    Head.assert_true(&gateway, &Head.go(&gateway).await);
    gateway.take_calls();
    for way in [Redirect, Proxy] {
        assert_failed(&way.go(&gateway).await, 403, Unstated, "violating its rules");
        gateway.assert_calls(&[]);
    }
}

#[tokio::test]
async fn what_is_added_shows_when_the_listing_has_aged() {
    let gateway = super::gateway(|config| config.cache.listing_ttl = Duration::from_secs(1)).await;
    super::warm_up(&gateway).await;
    gateway.sim.tree(|tree| tree.add_file_sized(ROOT, "new.bin", 10));
    tokio::time::sleep(Duration::from_millis(1100)).await;
    assert_eq!(gateway.head("/new.bin").await.header("content-length"), Some("10"));
    gateway.assert_calls(&[("files", 1)]);
}
