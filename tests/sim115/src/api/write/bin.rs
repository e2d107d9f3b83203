//! The recycle bin: `rb`, `rb/revert`, `rb/clean` and `rb/secret_del` (protocol notes, writing part, §1.6).

use serde_json::{Value, json};

use super::codes::{self, refusal};
use super::{Write, done};
use crate::num::{index, long};
use crate::tree::{BinEntry, Job, JobKind, ROOT, SimNode, Step, TreeState, extension};

/// The page size when a call names none.
const DEFAULT_LIMIT: u64 = 32;

/// Lists the bin, the last deleted first unless asked otherwise.
pub(super) fn list(write: &Write<'_>, tree: &TreeState) -> Value {
    let call = write.call;
    let ascending = call.number("asc", 0) != 0;
    let limit = match call.number("limit", DEFAULT_LIMIT) {
        0 => DEFAULT_LIMIT,
        limit => limit.min(write.page_limit),
    };
    let offset = call.number("offset", 0);
    let mut entries: Vec<&BinEntry> = tree.bin().iter().collect();
    if !ascending {
        entries.reverse();
    }
    let end = offset.saturating_add(limit).min(long(entries.len()));
    let page = entries.get(index(offset)..index(end)).unwrap_or_default();
    let data: Vec<Value> = page.iter().map(|entry| shown(entry)).collect();
    json!({
        "state": true, "error": "", "errno": 0, "count": entries.len().to_string(), "offset": offset,
        "page_size": limit, "order": "dtime", "is_asc": u8::from(ascending),
        "rb_pass": u8::from(!write.switches.bin_key.is_empty()), "data": data,
    })
}

fn shown(entry: &BinEntry) -> Value {
    let node = entry.top();
    let parent = if node.parent == ROOT { json!(0) } else { json!(node.parent.to_string()) };
    let mut item = json!({
        "id": node.id.to_string(), "file_name": node.name, "type": if node.is_folder() { "2" } else { "1" },
        "file_size": node.size().to_string(), "dtime": entry.deleted.to_string(),
        "status": if entry.restoring { "-1" } else { "0" }, "cid": parent, "parent_name": entry.parent_name,
    });
    if node.is_folder() {
        item["ico"] = json!("folder");
    } else {
        let more = json!({"iv": 0, "vdi": 0, "ico": extension(&node.name), "u": "", "play_long": 0});
        if let (Some(item), Value::Object(more)) = (item.as_object_mut(), more) {
            item.extend(more);
        }
    }
    item
}

/// Puts entries back where they were.
pub(super) fn revert(write: &Write<'_>, tree: &mut TreeState) -> Result<Value, Value> {
    let ids = write.ids("rid")?;
    let entry = |id: &u64| tree.bin().iter().find(|entry| entry.top().id == *id);
    let entries: Option<Vec<&BinEntry>> = ids.iter().map(entry).collect();
    let entries = entries.ok_or_else(|| refusal(codes::NOT_THERE))?;
    let bytes: u64 = entries.iter().map(|entry| entry.bytes()).sum();
    if tree.total_bytes().saturating_add(bytes) > write.space_bytes {
        return Err(refusal(codes::REVERT_NO_SPACE));
    }
    let nodes: Vec<&SimNode> = entries.iter().map(|entry| entry.top()).collect();
    let steps = ids.iter().map(|id| Step::Restore { id: *id }).collect();
    let job = write.job(JobKind::Revert, &nodes, steps);
    tree.start(job);
    Ok(done())
}

/// Removes entries for good; without any named, all of them.
pub(super) fn clean(write: &Write<'_>, tree: &mut TreeState) -> Result<Value, Value> {
    if !key_fits(write) {
        return Err(refusal(codes::WRONG_KEY));
    }
    purge(write, tree, "rid")
}

/// The same under another name for the ids.
pub(super) fn secret_delete(write: &Write<'_>, tree: &mut TreeState) -> Result<Value, Value> {
    if key_fits(write) {
        return purge(write, tree, "tid");
    }
    if !write.switches.wrong_key_empties_bin {
        return Err(refusal(codes::WRONG_KEY));
    }
    tree.start(Job {
        kind: JobKind::Purge,
        name: String::new(),
        token: String::new(),
        steps: vec![Step::EmptyBin],
        duration: write.folder_work(),
        gradual: false,
        lag: write.lag,
    });
    Ok(done())
}

fn key_fits(write: &Write<'_>) -> bool {
    write.switches.bin_key.is_empty() || write.call.param("password") == write.switches.bin_key
}

fn purge(write: &Write<'_>, tree: &mut TreeState, name: &str) -> Result<Value, Value> {
    if write.call.list(name).is_empty() {
        tree.empty_bin();
        return Ok(done());
    }
    for id in write.ids(name)? {
        tree.purge(id);
    }
    Ok(done())
}
