//! `files/add` and `files/get_path_id` with `is_create=1`: new folders (protocol notes, writing part, §1.1).

use serde_json::{Value, json};

use super::Write;
use super::codes::{self, refusal};
use crate::tree::{ROOT, SimNode, TreeState};
use crate::writes::MkdirForm;

/// How many folders may lie within each other.
const LEVELS: usize = 25;

/// The longest name in characters.
const NAME_CHARS: usize = 255;

/// What a name that is set by a call cannot hold.
pub(super) const FORBIDDEN: [char; 3] = ['"', '<', '>'];

/// What is wrong with a name, as a code.
pub(super) fn check_name(name: &str) -> Result<(), Value> {
    let code = match name {
        "" => codes::NAME_EMPTY,
        _ if name.chars().count() > NAME_CHARS => codes::NAME_TOO_LONG,
        _ if name.contains(FORBIDDEN) => codes::NAME_FORBIDDEN,
        _ => return Ok(()),
    };
    Err(refusal(code))
}

/// Makes one folder.
pub(super) fn one(write: &Write<'_>, tree: &mut TreeState) -> Result<Value, Value> {
    let name = write.call.param("cname");
    let parent = parent(write, tree, "pid")?;
    check_name(name)?;
    if tree.children(parent).iter().any(|node| node.is_folder() && node.name == name) {
        return Err(refusal(codes::NAME_TAKEN));
    }
    let id = made(write, tree, parent, name)?.to_string();
    let named = |key: &str| json!({key: id, "file_name": name});
    let mut answer = json!({"state": true, "error": "", "errno": ""});
    match write.switches.mkdir_form {
        MkdirForm::Flat => {
            answer["aid"] = json!(1);
            answer["cid"] = json!(id);
            answer["cname"] = json!(name);
            answer["file_id"] = json!(id);
            answer["file_name"] = json!(name);
        }
        MkdirForm::DataFileId => answer["data"] = named("file_id"),
        MkdirForm::DataCategoryId => answer["data"] = named("category_id"),
    }
    Ok(answer)
}

/// Makes the folders of a path that are not there; what a name cannot hold becomes `_`.
pub(super) fn path(write: &Write<'_>, tree: &mut TreeState) -> Result<Value, Value> {
    let mut folder = parent(write, tree, "parent_id")?;
    for name in write.call.param("path").split('/').filter(|name| !name.is_empty()) {
        let name = name.replace(FORBIDDEN, "_");
        check_name(&name)?;
        let there = tree.children(folder).into_iter().find(|node| node.is_folder() && node.name == name);
        folder = match there.map(|node| node.id) {
            Some(id) => id,
            None => made(write, tree, folder, &name)?,
        };
    }
    let id = if folder == ROOT { json!(0) } else { json!(folder.to_string()) };
    Ok(json!({"state": true, "data": {"file_id": id, "is_private": "0"}}))
}

fn parent(write: &Write<'_>, tree: &TreeState, name: &str) -> Result<u64, Value> {
    let text = write.call.param(name);
    let id = if text.is_empty() { Some(ROOT) } else { text.parse().ok() };
    id.filter(|id| tree.node(*id).is_some_and(SimNode::is_folder))
        .ok_or_else(|| refusal(codes::PARENT_MISSING))
}

fn made(write: &Write<'_>, tree: &mut TreeState, parent: u64, name: &str) -> Result<u64, Value> {
    // The lineage counts the root, which is no level.
    if tree.lineage(parent).len() > LEVELS {
        return Err(refusal(codes::INVALID));
    }
    let id = tree.add_folder(parent, name);
    tree.appeared(id, write.lag);
    Ok(id)
}
