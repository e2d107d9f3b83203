//! The part of the control API that shows the recycle bin and the operation under way.

use bytes::Bytes;
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::tree::{described, line, within};
use super::{Failure, param, parsed};
use crate::reply::{Reply, json_reply, reply};
use crate::state::Shared;
use crate::tree::{BinEntry, SimNode, TreeState};
use crate::user::User;

/// The recycle bin, the oldest entry first: as JSON, or as one line per node with paths that begin at the entries.
pub(super) fn show(shared: &Shared, query: &str) -> Result<Reply, Failure> {
    within(shared, query, |tree| {
        if param(query, "format").as_deref() == Some("paths") {
            let lines: String =
                tree.bin().iter().flat_map(paths).map(|(path, node)| line(&path, node)).collect();
            return Ok(reply(StatusCode::OK, "text/plain; charset=utf-8", lines));
        }
        Ok(json_reply(StatusCode::OK, &json!({"entries": entries(tree)})))
    })
}

/// The entries of the bin, each with all its nodes.
pub(super) fn entries(tree: &TreeState) -> Vec<Value> {
    let entry = |entry: &BinEntry| {
        let nodes: Vec<Value> =
            paths(entry).into_iter().map(|(path, node)| described(node, Some(&path))).collect();
        let mut shown = described(entry.top(), None);
        shown["deleted"] = json!(entry.deleted);
        shown["parent_name"] = json!(entry.parent_name);
        shown["restoring"] = json!(entry.restoring);
        shown["nodes"] = json!(nodes);
        shown
    };
    tree.bin().iter().map(entry).collect()
}

/// The nodes of an entry, each with the names from the entry down to it.
fn paths(entry: &BinEntry) -> Vec<(Vec<String>, &SimNode)> {
    let mut found: Vec<(Vec<String>, &SimNode)> = Vec::new();
    for node in &entry.nodes {
        let above = found.iter().find(|(_, other)| other.id == node.parent);
        let mut path = above.map_or_else(Vec::new, |(path, _)| path.clone());
        path.push(node.name.clone());
        found.push((path, node));
    }
    found
}

/// The operation under way; `null` when there is none.
pub(super) fn work(user: &User) -> Value {
    let mut tree = user.tree.lock();
    tree.settle();
    match tree.underway() {
        Some(underway) => json!({"running": {
            "kind": format!("{:?}", underway.kind).to_lowercase(), "name": underway.name, "percent": underway.percent,
        }}),
        None => json!({"running": null}),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case", tag = "action")]
enum WorkAction {
    Finish,
}

/// Brings the operation under way to its end.
pub(super) fn work_action(user: &User, body: &Bytes) -> Result<Value, Failure> {
    match parsed(body)? {
        WorkAction::Finish => user.tree.lock().finish(),
    }
    Ok(work(user))
}
