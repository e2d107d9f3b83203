//! `files/move` and `files/move_progress` (protocol notes, writing part, §1.3).

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::{Value, json};

use super::codes::{self, refusal, without_code};
use super::{Write, done, weight};
use crate::tree::{Clash, JobKind, ROOT, SimNode, Step, TreeState};

/// What the policy of a call says about one node.
#[derive(Deserialize)]
struct Policy {
    action: String,
}

/// Moves nodes.
pub(super) fn begin(write: &Write<'_>, tree: &mut TreeState) -> Result<Value, Value> {
    let ids = write.ids("fid")?;
    let policies = policies(write)?;
    let target = write.call.number("pid", ROOT);
    let nodes = Write::nodes(tree, &ids)?;
    if write.switches.move_checks_target && !tree.node(target).is_some_and(SimNode::is_folder) {
        return Err(refusal(codes::TARGET_MISSING));
    }
    if tree.lineage(target).iter().any(|folder| ids.contains(&folder.id)) {
        return Err(refusal(codes::CYCLIC));
    }
    if write.switches.move_to_parent_refused && nodes.iter().all(|node| node.parent == target) {
        return Err(without_code("文件已在当前目录下"));
    }
    if weight(tree, &nodes) > write.switches.node_limit {
        return Err(refusal(codes::MOVE_TOO_MANY));
    }
    let step = |node: &&SimNode| {
        let clash = policies.get(&node.id).copied().unwrap_or_else(|| Clash::default_of(node));
        Step::Move { id: node.id, target, clash }
    };
    let steps = nodes.iter().map(step).collect();
    let mut job = write.job(JobKind::Move, &nodes, steps);
    write.call.param("move_proid").clone_into(&mut job.token);
    tree.start(job);
    Ok(done())
}

/// What a call says about each node it moves.
fn policies(write: &Write<'_>) -> Result<HashMap<u64, Clash>, Value> {
    let text = write.call.param("conflict_policy");
    if text.is_empty() {
        return Ok(HashMap::new());
    }
    let wrong = || refusal(codes::BAD_PARAMETERS);
    let read: HashMap<String, Policy> = serde_json::from_str(text).map_err(|_| wrong())?;
    let understood = |(id, policy): (String, Policy)| Some((id.parse().ok()?, Clash::parse(&policy.action)?));
    read.into_iter().map(|entry| understood(entry).ok_or_else(wrong)).collect()
}

/// How far a move is.
pub(super) fn progress(write: &Write<'_>, tree: &TreeState) -> Result<Value, Value> {
    let percent = tree.progress(write.call.param("move_proid"));
    let percent = percent.ok_or_else(|| refusal(codes::BAD_PARAMETERS))?;
    Ok(json!({"state": true, "progress": percent}))
}
