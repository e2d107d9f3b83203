//! `files/copy` (protocol notes, writing part, §1.4).

use serde_json::Value;

use super::codes::{self, refusal};
use super::{Write, done, weight};
use crate::tree::{CopyTo, JobKind, ROOT, SimNode, Step, TreeState};

/// Copies nodes with everything below them. The answer tells nothing about the copies.
pub(super) fn begin(write: &Write<'_>, tree: &mut TreeState) -> Result<Value, Value> {
    let ids = write.ids("fid")?;
    let target = write.call.number("pid", ROOT);
    let nodes = Write::nodes(tree, &ids)?;
    if !tree.node(target).is_some_and(SimNode::is_folder) {
        return Err(refusal(codes::TARGET_MISSING));
    }
    if tree.lineage(target).iter().any(|folder| ids.contains(&folder.id)) {
        return Err(refusal(codes::COPY_INTO_ITSELF));
    }
    if weight(tree, &nodes) > write.switches.node_limit {
        return Err(refusal(codes::COPY_TOO_MANY));
    }
    let bytes: u64 = ids.iter().map(|id| tree.weight(*id).1).sum();
    if tree.total_bytes().saturating_add(bytes) > write.space_bytes {
        return Err(refusal(codes::COPY_NO_SPACE));
    }
    let mut job = write.job(JobKind::Copy, &nodes, steps(write, tree, &ids, target));
    job.gradual = write.switches.copy_gradual;
    tree.start(job);
    Ok(done())
}

/// A step for each node, folders before what is in them.
fn steps(write: &Write<'_>, tree: &TreeState, ids: &[u64], target: u64) -> Vec<Step> {
    let mut sources: Vec<(u64, CopyTo)> = ids.iter().map(|id| (*id, CopyTo::Folder(target))).collect();
    let mut steps: Vec<Step> = Vec::new();
    while let Some((id, into)) = sources.get(steps.len()).copied() {
        let place = steps.len();
        sources.extend(tree.child_ids(id).iter().map(|child| (*child, CopyTo::Made(place))));
        let Some(node) = tree.node(id).cloned() else { break };
        steps.push(Step::Copy { node, into, numbered: write.switches.copy_numbered });
    }
    steps
}
