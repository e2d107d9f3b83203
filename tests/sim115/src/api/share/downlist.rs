//! `share/downlist`: all files below a folder of a share (protocol notes, reading part, §5.4).

use serde_json::{Value, json};

use super::super::Turn;
use super::{MALFORMED, Named, TOO_MANY, refused};
use crate::num::long;
use crate::tree::{ROOT, SimNode};

/// Lists the files at any depth below a folder that is not the root.
pub(super) fn downlist(turn: &Turn<'_>, named: &Named) -> Value {
    let call = turn.call;
    let mut shares = turn.shared.shares.lock();
    let share = match named.usable(&mut shares, turn) {
        Ok(share) => share,
        Err(code) => return refused(call, code),
    };
    let folder = call.number("cid", ROOT);
    if folder == ROOT || !share.tree.node(folder).is_some_and(SimNode::is_folder) {
        return refused(call, MALFORMED);
    }
    let files = share.tree.files_with_paths(folder);
    if long(files.len()) > turn.behaviours.share_files_limit {
        return refused(call, TOO_MANY);
    }
    let list: Vec<Value> = files
        .iter()
        .map(|(path, node)| {
            json!({
                "fid": format!("{}_{}", node.id, node.sha1()), "pt": path.join("/"), "fn": node.name,
                "si": node.size(),
            })
        })
        .collect();
    json!({"state": true, "error": "", "errno": 0, "data": {"list": list}})
}
