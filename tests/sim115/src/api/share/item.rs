//! One entry of a listing of a share (protocol notes, reading part, §5.2). It differs from an own entry: no pick code,
//! one time only, and that in unix seconds for files too.

use serde_json::{Value, json};

use super::super::item::kind_number;
use crate::share::Share;
use crate::tree::{ROOT, SimNode, extension};

/// The entry of a node.
pub(super) fn entry(share: &Share, node: &SimNode) -> Value {
    if node.is_folder() { folder(share, node) } else { file(share, node) }
}

fn folder(share: &Share, node: &SimNode) -> Value {
    let (_, bytes) = share.tree.weight(node.id);
    json!({
        "cid": node.id.to_string(), "uid": share.owner, "pid": node.parent.to_string(), "n": node.name,
        "t": node.modified.to_string(), "s": bytes, "fc": 0, "ns": node.name, "fl": [], "d": 0, "c": 0, "e": "",
        "u": "", "ico": "folder", "all_skip_login": u8::from(share.skip_login),
    })
}

fn file(share: &Share, node: &SimNode) -> Value {
    // The root is written as a number, every other folder as a text.
    let parent = if node.parent == ROOT { json!(0) } else { json!(node.parent.to_string()) };
    let mut entry = json!({
        "fid": node.id.to_string(), "uid": share.owner, "cid": parent, "n": node.name, "s": node.size(), "d": 1,
        "c": u8::from(node.violating), "e": "", "ico": extension(&node.name), "sha": node.sha1(),
        "t": node.modified.to_string(), "u": "", "fc": 1, "ns": node.name, "fl": [],
        "is_skip_login": u8::from(share.skip_login),
    });
    if kind_number(&node.name) == 4 {
        entry["iv"] = json!(1);
        entry["vdi"] = json!(4);
        entry["play_long"] = json!(5400);
    }
    entry
}
