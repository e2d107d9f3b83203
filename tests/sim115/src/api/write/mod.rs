//! The calls that write names: folders, renaming, moving, copying, deleting, the recycle bin (protocol notes, writing
//! part, §1).
//!
//! Each call locks the tree once, is refused if it has to wait for another operation, and is then judged and carried
//! out by the file of its name. What happens to the tree is decided in `tree`.

mod add;
mod bin;
mod codes;
mod copy;
mod delete;
mod queue;
mod relocate;
mod rename;

use std::time::Duration;

use serde_json::{Value, json};

pub(crate) use queue::{Place, Queue};

use self::codes::refusal;
use super::{Endpoint, Turn};
use crate::call::Call;
use crate::tree::{Job, JobKind, Lag, ROOT, SimNode, Step, TreeState};
use crate::writes::Writes;

pub(super) use self::codes::text;

/// A write being answered.
struct Write<'turn> {
    call: &'turn Call,
    switches: &'turn Writes,
    /// How far listings will lag behind it.
    lag: Lag,
    /// The space of the account in bytes.
    space_bytes: u64,
    /// The longest page of the recycle bin.
    page_limit: u64,
}

/// Answers a call.
pub(super) fn answer(turn: &Turn<'_>) -> Value {
    let Turn { call, behaviours, endpoint, .. } = *turn;
    let label = endpoint.label();
    let mut tree = turn.shared.tree.lock();
    tree.settle();
    if let Some(refused) = queue::must_wait(&tree, turn) {
        return refused;
    }
    let write = Write {
        call,
        switches: &behaviours.writes,
        lag: behaviours.writes.lag(label),
        space_bytes: behaviours.space_bytes,
        page_limit: behaviours.files_limit,
    };
    let tree = &mut *tree;
    let answered = match endpoint {
        Endpoint::Add => add::one(&write, tree),
        Endpoint::MakePath => add::path(&write, tree),
        Endpoint::BatchRename => rename::batch(&write, tree),
        Endpoint::Edit => rename::edit(&write, tree),
        Endpoint::Move => relocate::begin(&write, tree),
        Endpoint::MoveProgress => relocate::progress(&write, tree),
        Endpoint::Copy => copy::begin(&write, tree),
        Endpoint::RbDelete => delete::begin(&write, tree),
        Endpoint::RbList => Ok(bin::list(&write, tree)),
        Endpoint::RbRevert => bin::revert(&write, tree),
        Endpoint::RbClean => bin::clean(&write, tree),
        Endpoint::RbSecretDel => bin::secret_delete(&write, tree),
        _ => Ok(json!({})),
    };
    answered.unwrap_or_else(|refused| refused)
}

/// The answer of most calls: success and nothing else.
fn done() -> Value {
    json!({"state": true, "error": "", "errno": ""})
}

impl Write<'_> {
    /// The ids a call names by a parameter: each once, none of them the root.
    ///
    /// A name that is no number, or none at all, is a bad parameter.
    fn ids(&self, name: &str) -> Result<Vec<u64>, Value> {
        let mut ids: Vec<u64> = Vec::new();
        for text in self.call.list(name) {
            match text.trim().parse() {
                Ok(ROOT) | Err(_) => return Err(refusal(codes::BAD_PARAMETERS)),
                Ok(id) if ids.contains(&id) => {}
                Ok(id) => ids.push(id),
            }
        }
        if ids.is_empty() { Err(refusal(codes::BAD_PARAMETERS)) } else { Ok(ids) }
    }

    /// The nodes of ids; a deleted or an unknown one refuses the whole call.
    fn nodes<'tree>(tree: &'tree TreeState, ids: &[u64]) -> Result<Vec<&'tree SimNode>, Value> {
        let known = |id: &u64| {
            let code = if tree.was_deleted(*id) { codes::DELETED } else { codes::NOT_THERE };
            tree.node(*id).ok_or_else(|| refusal(code))
        };
        ids.iter().map(known).collect()
    }

    /// An operation on nodes. It takes time if one of them is a folder.
    fn job(&self, kind: JobKind, nodes: &[&SimNode], steps: Vec<Step>) -> Job {
        let slow = nodes.iter().any(|node| node.is_folder());
        let duration = if slow { self.folder_work() } else { Duration::ZERO };
        let name = nodes.first().map_or_else(String::new, |node| node.name.clone());
        Job { kind, name, token: String::new(), steps, duration, gradual: false, lag: self.lag }
    }

    fn folder_work(&self) -> Duration {
        Duration::from_millis(self.switches.folder_work_ms)
    }
}

/// The nodes of ids and all below them, counted.
fn weight(tree: &TreeState, nodes: &[&SimNode]) -> u64 {
    let below = |node: &&SimNode| {
        let totals = tree.totals(node.id);
        1 + totals.files + totals.folders
    };
    nodes.iter().map(below).sum()
}
