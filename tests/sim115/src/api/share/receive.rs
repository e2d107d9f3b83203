//! `share/receive`: copies nodes of a share into the account's own tree (protocol notes, reading part, §5.7, and
//! writing part, §5.1).

use serde_json::{Value, json};

use super::super::Turn;
use super::super::refusal::refuse;
use super::{MALFORMED, Named, RECEIVED, TOO_MANY, refused};
use crate::share::Share;
use crate::tree::{ROOT, SimNode, TreeState};

/// The folder received nodes go to when a call names none.
const RECENTLY_RECEIVED: &str = "最近接收";

/// Copies the nodes a call names.
pub(super) fn receive(turn: &Turn<'_>, named: &Named) -> Value {
    let Turn { shared, user, call, behaviours, .. } = *turn;
    let mut shares = shared.shares.lock();
    let share = match named.usable(&mut shares, turn) {
        Ok(share) => share,
        Err(code) => return refused(call, code),
    };
    let mut tree = user.tree.lock();
    let Some(wanted) = wanted(share, &named.file_id) else { return refused(call, MALFORMED) };
    let still_there =
        |id: &u64| share.received.get(&(user.id, *id)).is_some_and(|copy| tree.node(*copy).is_some());
    if wanted.iter().any(still_there) {
        return refused(call, RECEIVED);
    }
    let weights: Vec<(u64, u64)> = wanted.iter().map(|id| share.tree.weight(*id)).collect();
    if weights.iter().any(|(files, _)| *files == 0) {
        return refuse(call, 51_011, "空文件夹不能接收");
    }
    if weights.iter().map(|(files, _)| files).sum::<u64>() > behaviours.share_files_limit {
        return refused(call, TOO_MANY);
    }
    let bytes: u64 = weights.iter().map(|(_, bytes)| bytes).sum();
    if tree.total_bytes().saturating_add(bytes) > user.space_bytes(behaviours) {
        return refuse(call, 91_005, "您的空间不足，接收失败");
    }
    let Some(target) = target(&mut tree, call.param("cid")) else {
        return refuse(call, 20_018, "目录不存在或已删除");
    };
    for id in wanted {
        let copy = tree.graft(target, &share.tree, id);
        share.received.insert((user.id, id), copy);
    }
    share.receive_count += 1;
    json!({"state": true, "error": "", "errno": 0, "data": []})
}

/// The ids of the nodes to copy, or `None` when one of them is no node of the share.
fn wanted(share: &Share, ids: &str) -> Option<Vec<u64>> {
    let known = |id: &u64| *id != ROOT && share.tree.node(*id).is_some();
    ids.split(',').map(|id| id.trim().parse().ok().filter(known)).collect()
}

/// The folder to copy into.
fn target(tree: &mut TreeState, cid: &str) -> Option<u64> {
    if cid.is_empty() {
        let made = tree.find(&[RECENTLY_RECEIVED]);
        return Some(made.unwrap_or_else(|| tree.add_system_folder(RECENTLY_RECEIVED)));
    }
    cid.parse().ok().filter(|id| tree.node(*id).is_some_and(SimNode::is_folder))
}
