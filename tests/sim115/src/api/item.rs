//! One entry of a listing in the web shape (protocol notes, reading part, §3.3).

use serde_json::{Value, json};

use crate::account::USER_ID;
use crate::clock::shanghai_minutes;
use crate::tree::{SimNode, extension};

/// The kind of a file by its extension: the number of the parameter `type`, and the `class` of an entry.
const KINDS: [(u64, &str, &[&str]); 7] = [
    (
        1,
        "DOC",
        &["txt", "md", "doc", "docx", "xls", "xlsx", "ppt", "pptx", "pdf", "csv", "html", "json", "srt"],
    ),
    (2, "PIC", &["png", "jpg", "jpeg", "gif", "webp", "bmp"]),
    (3, "MUS", &["mp3", "flac", "wav", "aac", "ogg", "m4a"]),
    (4, "AVI", &["mkv", "mp4", "avi", "mov", "ts", "wmv"]),
    (5, "RAR", &["zip", "rar", "7z", "tar", "gz"]),
    (6, "EXE", &["exe", "apk", "dmg", "msi"]),
    (7, "BOOK", &["epub", "mobi", "azw3"]),
];

/// The number of a file's kind; 0 when its extension tells none.
pub(crate) fn kind_number(name: &str) -> u64 {
    kind(&extension(name)).map_or(0, |(number, _)| number)
}

fn kind(extension: &str) -> Option<(u64, &'static str)> {
    KINDS.iter().find(|(_, _, known)| known.contains(&extension)).map(|(number, class, _)| (*number, *class))
}

/// The entry of a node.
pub(super) fn entry(node: &SimNode) -> Value {
    if node.is_folder() { folder(node) } else { file(node) }
}

fn folder(node: &SimNode) -> Value {
    json!({
        "cid": node.id.to_string(), "aid": "1", "pid": node.parent.to_string(), "n": node.name, "m": 0, "cc": "",
        "sh": "0", "pc": node.pick_code(), "t": node.modified.to_string(), "te": node.modified.to_string(),
        "tu": node.modified.to_string(), "tp": node.created.to_string(), "to": node.opened.to_string(), "e": "",
        "p": 0, "ns": node.name, "u": "", "fc": 0, "hdf": 0, "ispl": 0, "fvs": 0, "check_code": 0, "check_msg": "",
        "fl": [], "issct": 0, "is_top": u8::from(node.pinned), "score": 0,
    })
}

fn file(node: &SimNode) -> Value {
    let extension = extension(&node.name);
    let (number, class) = kind(&extension).unwrap_or((0, ""));
    let mut entry = json!({
        "fid": node.id.to_string(), "uid": USER_ID, "aid": 1, "cid": node.parent.to_string(), "n": node.name,
        "s": node.size(), "sta": 1, "pt": "0", "pc": node.pick_code(), "p": 0, "m": 0,
        "t": shanghai_minutes(node.modified), "te": node.modified.to_string(), "tp": node.created.to_string(),
        "tu": node.modified.to_string(), "to": node.opened, "d": 1, "c": u8::from(node.violating), "sh": 0, "e": "",
        "ico": extension, "class": class, "sha": node.sha1(), "q": 0, "hdf": 0, "et": 0, "fl": [], "u": "",
        "fdes": "", "check_code": 0, "check_msg": "", "is_top": u8::from(node.pinned), "issct": 0, "score": 0,
    });
    if number == 4 {
        entry["iv"] = json!(1);
        entry["vdi"] = json!(4);
        entry["play_long"] = json!(5400.5);
    }
    entry
}

/// The `path` of a listing: the folders from the root to the one listed.
pub(super) fn path(lineage: &[&SimNode]) -> Value {
    lineage
        .iter()
        .map(|folder| {
            let root = folder.id == crate::tree::ROOT;
            let id = |id: u64| if root { json!(id) } else { json!(id.to_string()) };
            json!({
                "name": folder.name, "aid": 1, "cid": id(folder.id), "pid": id(folder.parent), "isp": 0, "p_cid": "",
                "iss": "", "fv": "0", "fvs": "0",
            })
        })
        .collect()
}
