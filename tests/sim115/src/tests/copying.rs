//! Tests of copying.

use std::time::Duration;

use serde_json::{Value, json};

use super::client::{get_with, link, start};
use super::writing::{fill, succeeded, truth, write};
use crate::{ROOT, Sim, Tree};

async fn copied(sim: &Sim, fid: u64, pid: u64) -> Value {
    write(sim, "files/copy", &[("fid[0]", &fid.to_string()), ("pid", &pid.to_string())]).await
}

#[tokio::test]
async fn a_copy_is_a_file_of_its_own_and_the_answer_hides_it() {
    let sim = start(Tree::Empty).await;
    let (folder, files) = fill(&sim, "films", &["a.mkv"]);
    sim.advance(Duration::from_secs(1000));
    assert_eq!(copied(&sim, files[0], folder).await, json!({"state": true, "error": "", "errno": ""}));
    let nodes = sim.tree(|tree| tree.children(folder).into_iter().cloned().collect::<Vec<_>>());
    let (first, second) = (&nodes[0], &nodes[1]);
    assert_eq!((&first.name, first.sha1()), (&second.name, second.sha1()));
    assert!(second.id != first.id && second.pick_code() != first.pick_code());
    assert!(second.modified >= first.modified + 1000 && second.created >= first.created + 1000);
    let bytes = get_with(&sim, &link(&sim, second.id, None).await, &[]).await;
    assert_eq!(bytes.text(), "a.mkv of films");
    sim.behave(|behaviours| behaviours.writes.copy_numbered = true);
    succeeded(&copied(&sim, files[0], folder).await);
    assert_eq!(truth(&sim, folder), ["a(1).mkv", "a.mkv", "a.mkv"]);
}

#[tokio::test]
async fn a_copy_is_refused_with_the_code_of_what_is_wrong() {
    let sim = start(Tree::DemoSmall).await;
    let (deep, below, music, hello) = sim.tree(|tree| {
        let find = |path: &[&str]| tree.find(path).unwrap();
        (find(&["deep"]), find(&["deep", "level 1"]), find(&["Music"]), find(&["hello.txt"]))
    });
    let count = sim.tree(|tree| tree.len());
    for (fid, pid, code) in [
        (deep, below, 91_002),
        (deep, deep, 91_002),
        (77, ROOT, 20_018),
        (music, 77, 800_001),
        (music, hello, 800_001),
        (ROOT, music, 990_002),
    ] {
        assert_eq!(copied(&sim, fid, pid).await["errno"], code);
    }
    sim.behave(|behaviours| behaviours.writes.node_limit = 4);
    assert_eq!(copied(&sim, music, deep).await["errno"], 91_004);
    sim.behave(|behaviours| {
        behaviours.writes.node_limit = 5;
        behaviours.space_bytes = 5_200_000;
    });
    assert_eq!(copied(&sim, music, deep).await["errno"], 91_005);
    assert_eq!(sim.tree(|tree| tree.len()), count);
    sim.behave(|behaviours| behaviours.space_bytes = 50_000_000);
    succeeded(&copied(&sim, music, deep).await);
    assert_eq!(sim.tree(|tree| tree.len()), count + 5);
}

#[tokio::test]
async fn a_copied_folder_appears_little_by_little() {
    let sim = start(Tree::DemoSmall).await;
    sim.behave(|behaviours| behaviours.writes.folder_work_ms = 100_000);
    let (series, documents) =
        sim.tree(|tree| (tree.find(&["剧集"]).unwrap(), tree.find(&["Documents"]).unwrap()));
    let count = sim.tree(|tree| tree.len());
    succeeded(&copied(&sim, series, documents).await);
    assert_eq!(sim.tree(|tree| tree.len()), count, "the answer comes first");
    let refused = copied(&sim, series, ROOT).await;
    assert_eq!(
        (&refused["errno"], &refused["error"]),
        (&json!(990_009), &json!("复制[剧集]操作尚未执行完成，请稍后再试！"))
    );
    sim.advance(Duration::from_secs(55));
    let half = sim.tree(|tree| tree.len()) - count;
    assert!((1..11).contains(&half), "{half} of 11 nodes");
    sim.advance(Duration::from_secs(46));
    assert_eq!(sim.tree(|tree| tree.len()), count + 11);
    let same = sim.tree(|tree| {
        let copy = tree.find(&["Documents", "剧集"]).unwrap();
        (tree.totals(copy).files, tree.weight(copy) == tree.weight(series))
    });
    assert_eq!(same, (8, true));
    sim.behave(|behaviours| behaviours.writes.copy_gradual = false);
    succeeded(&copied(&sim, series, ROOT).await);
    sim.advance(Duration::from_secs(90));
    assert_eq!(sim.tree(|tree| tree.len()), count + 11, "all of it comes at the end");
    sim.finish_work();
    assert_eq!(sim.tree(|tree| tree.len()), count + 22);
    let files = sim.tree(|tree| tree.find(&["hello.txt"]).unwrap());
    succeeded(&copied(&sim, files, documents).await);
    assert_eq!(sim.tree(|tree| tree.len()), count + 23, "files take no time");
}
