//! Looking up one node: by path, by id, by pick code (protocol notes, reading part, §3.8).

use serde_json::{Value, json};

use super::item;
use super::refusal::refuse;
use crate::call::Call;
use crate::tree::{PickCode, ROOT, SimNode, TreeState, shown};
use crate::user::User;

/// `files/getid`: the id of a folder by its path from the root.
pub(super) fn getid(user: &User, call: &Call) -> Value {
    path_answer(&user.tree.lock(), ROOT, call.param("path"))
}

/// `files/get_path_id`: the same from a folder to start with. Folders are never created.
pub(super) fn get_path_id(user: &User, call: &Call) -> Value {
    path_answer(&user.tree.lock(), call.number("parent_id", ROOT), call.param("path"))
}

/// An id as text, or the number 0 for a path that leads to no folder.
fn path_answer(tree: &TreeState, start: u64, path: &str) -> Value {
    let id = match folder_at(tree, start, path) {
        Some(ROOT) | None => json!(0),
        Some(found) => json!(found.to_string()),
    };
    json!({"state": true, "errno": 0, "error": "", "id": id, "is_private": "0"})
}

fn folder_at(tree: &TreeState, start: u64, path: &str) -> Option<u64> {
    let mut names = path.split('/').filter(|name| !name.is_empty());
    names.try_fold(start, |folder, name| {
        let fits = |node: &&&SimNode| node.is_folder() && (node.name == name || shown(&node.name) == name);
        tree.children(folder).iter().find(fits).map(|node| node.id)
    })
}

/// `files/get_info`: one entry of the web shape.
pub(super) fn get_info(user: &User, call: &Call) -> Value {
    let tree = user.tree.lock();
    let node = if call.param("pick_code").is_empty() {
        tree.node(call.number("file_id", ROOT))
    } else {
        match tree.by_pick_code(call.param("pick_code")) {
            PickCode::Found(node) => Some(node),
            PickCode::Deleted | PickCode::Unknown => None,
        }
    };
    match node.filter(|node| node.id != ROOT) {
        Some(node) => json!({"state": true, "code": 0, "message": "", "data": [item::entry(user.id, node)]}),
        None => refuse(call, 20_018, "文件不存在"),
    }
}

/// `category/get`: counts, sizes and the path of a node. The one answer without `state`; an unknown id gives `[]`.
pub(super) fn category(user: &User, call: &Call) -> Value {
    let tree = user.tree.lock();
    let id = call.number("cid", call.number("fid", ROOT));
    let Some(node) = tree.node(id).filter(|node| node.id != ROOT) else { return json!([]) };
    let totals = tree.totals(id);
    let bytes = if node.is_folder() { totals.bytes } else { node.size() };
    let lineage = tree.lineage(node.parent);
    let paths: Vec<Value> = lineage
        .iter()
        .map(|folder| {
            let file_id = if folder.id == ROOT { json!(0) } else { json!(folder.id.to_string()) };
            json!({"file_id": file_id, "file_name": folder.name})
        })
        .collect();
    json!({
        "count": totals.files.to_string(), "size": formatted(bytes), "folder_count": totals.folders.to_string(),
        "show_play_long": 0, "play_long": 0, "ptime": node.created.to_string(), "utime": node.modified.to_string(),
        "is_share": "0", "file_name": node.name, "pick_code": node.pick_code(), "sha1": node.sha1(), "is_mark": "0",
        "fvs": 0, "open_time": node.opened, "score": 0, "desc": "",
        "file_category": if node.is_folder() { "0" } else { "1" }, "paths": paths,
    })
}

/// A size as the service shows it, such as `34.5GB`.
pub(super) fn formatted(bytes: u64) -> String {
    let mut unit = 1_u64;
    for name in ["B", "KB", "MB", "GB"] {
        if bytes / unit < 1024 {
            return written(bytes, unit, name);
        }
        unit *= 1024;
    }
    written(bytes, unit, "TB")
}

/// A number of units with one decimal, which is left out when it is zero.
fn written(bytes: u64, unit: u64, name: &str) -> String {
    match (bytes % unit) * 10 / unit {
        0 => format!("{}{name}", bytes / unit),
        tenth => format!("{}.{tenth}{name}", bytes / unit),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_written_with_a_unit() {
        assert_eq!(formatted(0), "0B");
        assert_eq!(formatted(1023), "1023B");
        assert_eq!(formatted(1536), "1.5KB");
        assert_eq!(formatted(37_044_092_928), "34.5GB");
        assert_eq!(formatted(15 << 40), "15TB");
    }
}
