//! `files/batch_rename` and `files/edit` (protocol notes, writing part, §1.2 and §1.7).

use serde_json::{Map, Value, json};

use super::Write;
use super::add::check_name;
use super::codes::{self, refusal, without_code};
use crate::tree::{ROOT, SimNode, TreeState};

/// The longest description in bytes.
const DESCRIPTION_BYTES: usize = 65_535;

/// Renames any number of nodes; those that do not exist do not matter.
pub(super) fn batch(write: &Write<'_>, tree: &mut TreeState) -> Result<Value, Value> {
    let mut wanted = write.call.keyed("files_new_name");
    if wanted.is_empty() {
        wanted.push((write.call.param("fid").to_owned(), write.call.param("file_name").to_owned()));
    }
    let mut given = Vec::new();
    for (id, name) in wanted {
        check_name(&name)?;
        let known = id.parse().ok().and_then(|id| tree.node(id)).filter(|node| node.id != ROOT);
        if let Some(node) = known {
            given.push((node.id, name_for(write, node, &name)?));
        }
    }
    apply(write, tree, &given)?;
    let data: Map<String, Value> =
        given.into_iter().map(|(id, name)| (id.to_string(), json!(name))).collect();
    // An empty map is written as an empty list.
    let data = if data.is_empty() { json!([]) } else { Value::Object(data) };
    Ok(json!({"state": true, "error": "", "errno": 0, "data": data}))
}

/// Changes one node: its name, or what else is known of it, which is taken and not kept.
pub(super) fn edit(write: &Write<'_>, tree: &mut TreeState) -> Result<Value, Value> {
    let ids = write.ids("fid")?;
    let nodes = Write::nodes(tree, &ids)?;
    if write.call.param("file_desc").len() > DESCRIPTION_BYTES {
        return Err(refusal(codes::BAD_PARAMETERS));
    }
    let name = write.call.param("file_name");
    let mut data = json!([]);
    if write.call.has("file_name") {
        check_name(name)?;
        let mut given = Vec::new();
        for node in nodes {
            given.push((node.id, name_for(write, node, name)?));
        }
        apply(write, tree, &given)?;
        data = json!({"file_name": given[0].1});
    }
    if write.call.has("file_desc") {
        // A description counts as a modification.
        for id in ids {
            tree.modify(id);
        }
    }
    Ok(json!({"state": true, "error": "", "errno": 0, "data": data}))
}

fn apply(write: &Write<'_>, tree: &mut TreeState, given: &[(u64, String)]) -> Result<(), Value> {
    let changes = |tree: &TreeState, id: u64, name: &str| tree.node(id).is_some_and(|node| node.name != name);
    let idle = !given.is_empty() && given.iter().all(|(id, name)| !changes(tree, *id, name));
    if idle && write.switches.same_name_refused {
        return Err(without_code("更新的数据为空"));
    }
    for (id, name) in given {
        if changes(tree, *id, name) {
            tree.before(*id, write.lag);
            tree.rename(*id, name);
        }
    }
    Ok(())
}

/// The name a node really gets: a file keeps its extension, and what follows the last dot of the new name is lost.
fn name_for(write: &Write<'_>, node: &SimNode, name: &str) -> Result<String, Value> {
    if node.is_folder() {
        return Ok(name.to_owned());
    }
    let (stem, extension) = name.rsplit_once('.').unwrap_or((name, ""));
    let (_, own) = node.name.rsplit_once('.').unwrap_or(("", ""));
    let refused_code = match write.switches.suffix_code {
        0 if stem.is_empty() => codes::BAD_SUFFIX,
        code if extension != own => code,
        _ => 0,
    };
    match (refused_code, own) {
        (0, "") => Ok(stem.to_owned()),
        (0, own) => Ok(format!("{stem}.{own}")),
        (code, _) => Err(refusal(code)),
    }
}
