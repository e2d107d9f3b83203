//! What the tests of the writes share: calls with a form, and listings as clients see them.

use serde_json::Value;

use super::client::{get, post};
use crate::{Content, ROOT, Sim};

/// A write to the web API.
pub(super) async fn write(sim: &Sim, path: &str, fields: &[(&str, &str)]) -> Value {
    post(sim, &format!("/webapi.115.com/{path}"), None, fields).await.json()
}

/// A write that has to succeed.
#[track_caller]
pub(super) fn succeeded(answer: &Value) {
    assert_eq!(answer["state"], true, "{answer}");
}

/// The listing of a folder.
pub(super) async fn list(sim: &Sim, folder: u64) -> Value {
    get(sim, &format!("/webapi.115.com/files?cid={folder}&limit=1150&record_open_time=0")).await.json()
}

/// The names a listing of a folder shows, in its order.
pub(super) async fn names(sim: &Sim, folder: u64) -> Vec<String> {
    let listing = list(sim, folder).await;
    let items = listing["data"].as_array().unwrap();
    items.iter().map(|item| item["n"].as_str().unwrap().to_owned()).collect()
}

/// Adds a folder at the root with files of these names, each of which contains its name and number.
pub(super) fn fill(sim: &Sim, folder: &str, files: &[&str]) -> (u64, Vec<u64>) {
    sim.tree(|tree| {
        let parent = tree.add_folder(ROOT, folder);
        let mut ids = Vec::new();
        for name in files {
            let words = format!("{name} of {folder}");
            ids.push(tree.add_file(parent, name, Content::Bytes(words.into())));
        }
        (parent, ids)
    })
}

/// The names of the children of a folder in the truth, sorted.
pub(super) fn truth(sim: &Sim, folder: u64) -> Vec<String> {
    let mut names: Vec<String> =
        sim.tree(|tree| tree.children(folder).iter().map(|node| node.name.clone()).collect());
    names.sort();
    names
}
