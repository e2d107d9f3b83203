//! Several clients at once: what comes of it is what would have come of one after the other, and no file is lost.

use futures_util::future::join_all;
use sim115::Fault;

use super::{bin, changed, content, paths, put, send, shown, transfer, truth};
use crate::harness::Gateway;

/// Each call takes a while, so that requests meet.
async fn slow() -> Gateway {
    let gateway = super::gateway(|_| {}).await;
    gateway.sim.behave(|behaviours| {
        behaviours.latency_ms.insert("*".to_owned(), 15);
        assert!(behaviours.writes.concurrent_refused, "115 refuses calls that overlap");
    });
    gateway
}

/// 115 has refused nothing: no two of the calls that it does one at a time have met.
fn assert_none_overlapped(gateway: &Gateway) {
    let (mut last, mut of) = (0, String::new());
    for entry in gateway.sim.ledger() {
        if !matches!(entry.endpoint.as_str(), "move" | "copy" | "rb_delete" | "add" | "batch_rename") {
            continue;
        }
        assert!(entry.wall_ms + 1 >= last, "{} began before {of} was over", entry.endpoint);
        (last, of) = (entry.wall_ms + entry.took_ms, entry.endpoint);
    }
}

#[tokio::test]
async fn clients_that_write_at_once_leave_all_their_files() {
    let gateway = slow().await;
    let body = |n: usize| format!("content {n}");
    let stored =
        join_all((0..12).map(async |n| put(&gateway, &format!("/dir/new {n}"), &body(n)).await)).await;
    assert!(stored.iter().all(|answer| answer.status == 201), "{stored:?}");
    let moves = (0..6).map(async |n| {
        transfer(&gateway, "MOVE", &format!("/dir/new%20{n}"), &format!("/other/moved%20{n}")).await
    });
    let removed = (6..9).map(async |n| send(&gateway, "DELETE", &format!("/dir/new%20{n}"), &[], "").await);
    let made = (0..3).map(async |n| send(&gateway, "MKCOL", &format!("/dir/folder{n}"), &[], "").await);
    let (moves, removed, made) =
        futures_util::future::join3(join_all(moves), join_all(removed), join_all(made)).await;
    for answer in moves.iter().chain(&removed).chain(&made) {
        assert!(answer.status.is_success(), "{}: {}", answer.status, answer.text());
    }
    let mut new: Vec<String> = (0..6).map(|n| format!("/other/moved {n} = {}", body(n))).collect();
    new.extend((9..12).map(|n| format!("/dir/new {n} = {}", body(n))));
    new.extend((0..3).map(|n| format!("/dir/folder{n}/")));
    let new: Vec<&str> = new.iter().map(String::as_str).collect();
    assert_eq!(truth(&gateway), changed(&[], &new));
    assert_none_overlapped(&gateway);
    assert_eq!(shown(&gateway).await, paths(&truth(&gateway)));
}

#[tokio::test]
async fn clients_that_store_one_name_leave_one_file_and_what_they_replaced_in_the_bin() {
    let gateway = slow().await;
    let stored = join_all((0..5).map(async |n| put(&gateway, "/a.txt", &format!("by {n}")).await)).await;
    assert!(stored.iter().all(|answer| answer.status.is_success()), "{stored:?}");
    let here = truth(&gateway);
    assert_eq!(paths(&here), paths(&changed(&[], &[])));
    assert!(here[0].starts_with("/a.txt = by "), "{here:?}");
    assert_eq!(bin(&gateway).len(), 5, "the first content and four of the new ones");
    assert_none_overlapped(&gateway);
}

#[tokio::test]
async fn two_files_that_are_moved_onto_each_other_do_not_both_vanish() {
    for (one, other) in [("/a.txt", "/b.txt"), ("/a.txt", "/other/a.txt")] {
        let gateway = slow().await;
        let (there, back) = futures_util::future::join(
            transfer(&gateway, "MOVE", one, other),
            transfer(&gateway, "MOVE", other, one),
        )
        .await;
        assert!(there.status.is_success() && back.status.is_success(), "{there:?} {back:?}");
        // One after the other: the second takes back what the first has moved.
        let here = truth(&gateway);
        let (first, second) = (format!("{one} = first"), format!("{other} = "));
        let is_left = here.iter().filter(|line| **line == first || line.starts_with(&second)).count();
        assert_eq!(is_left, 1, "{here:?}");
        assert_eq!(shown(&gateway).await, paths(&here));
        assert_none_overlapped(&gateway);
    }
}

#[tokio::test]
async fn a_file_that_is_moved_and_removed_or_moved_twice_goes_one_way() {
    let gateway = slow().await;
    let (moved, removed) = futures_util::future::join(
        transfer(&gateway, "MOVE", "/a.txt", "/z.txt"),
        send(&gateway, "DELETE", "/a.txt", &[], ""),
    )
    .await;
    assert_ne!(moved.status.is_success(), removed.status.is_success(), "{moved:?} {removed:?}");
    let expected = if moved.status.is_success() {
        changed(&["/a.txt"], &["/z.txt = first"])
    } else {
        changed(&["/a.txt"], &[])
    };
    assert_eq!(truth(&gateway), expected);

    let places = ["/dir/1.txt", "/dir/2.txt", "/other/3.txt"];
    let moved = join_all(places.map(async |to| transfer(&gateway, "MOVE", "/b.txt", to).await)).await;
    assert_eq!(moved.iter().filter(|answer| answer.status.is_success()).count(), 1, "{moved:?}");
    assert_eq!(moved.iter().filter(|answer| answer.status == 404).count(), 2, "{moved:?}");
    assert_none_overlapped(&gateway);
}

#[tokio::test]
async fn an_empty_file_is_made_only_if_nobody_has_filled_it() {
    let gateway = slow().await;
    let lock = super::explorer::lock(&gateway, "/dir/new.txt").await;
    let headers = [("if", format!("(<{lock}>)"))];
    let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let (stored, unlocked) = futures_util::future::join(
        send(&gateway, "PUT", "/dir/new.txt", &headers, "filled"),
        send(&gateway, "UNLOCK", "/dir/new.txt", &[("lock-token", &format!("<{lock}>"))], ""),
    )
    .await;
    assert!(unlocked.status == 204, "{unlocked:?}");
    let here = truth(&gateway);
    // Unlocked before the body was stored, or after.
    let expected = if stored.status.is_success() { "/dir/new.txt = filled" } else { "/dir/new.txt = " };
    assert_eq!(here, changed(&[], &[expected]), "{stored:?}");
    assert_eq!(shown(&gateway).await, paths(&here));
}

#[tokio::test]
async fn a_copy_takes_its_time_and_others_wait() {
    let gateway = slow().await;
    gateway.sim.behave(|behaviours| behaviours.writes.folder_work_ms = 300);
    let (copied, moved, removed) = futures_util::future::join3(
        transfer(&gateway, "COPY", "/dir", "/copy"),
        transfer(&gateway, "MOVE", "/a.txt", "/other/z.txt"),
        send(&gateway, "DELETE", "/b.txt", &[], ""),
    )
    .await;
    for answer in [&copied, &moved, &removed] {
        assert!(answer.status.is_success(), "{}: {}", answer.status, answer.text());
    }
    let copy =
        ["/copy/", "/copy/c.txt = third", "/copy/sub/", "/copy/sub/d.txt = fourth", "/other/z.txt = first"];
    gateway.sim.tree(sim115::TreeState::finish);
    assert_eq!(truth(&gateway), changed(&["/a.txt", "/b.txt"], &copy));
    assert_eq!(content(&gateway, "/copy/sub/d.txt").await, "fourth");
    gateway.sim.fault(sim115::FaultRule::every("files", Fault::Reset));
    assert_eq!(shown(&gateway).await, paths(&truth(&gateway)), "all of it is known");
}
