//! `rb/delete`: to the recycle bin (protocol notes, writing part, §1.5).

use std::time::Duration;

use serde_json::Value;

use super::codes::{self, refusal};
use super::{Write, done};
use crate::tree::{JobKind, Step, TreeState};

/// Deletes nodes with everything below them.
pub(super) fn begin(write: &Write<'_>, tree: &mut TreeState) -> Result<Value, Value> {
    let ids = write.ids("fid")?;
    let nodes = Write::nodes(tree, &ids)?;
    if write.switches.delete_asks && write.call.param("ignore_warn") != "1" {
        return Err(refusal(codes::CONFIRM));
    }
    let lingering = Duration::from_millis(write.switches.deleted_folder_lists_ms);
    let steps = ids.iter().map(|id| Step::Discard { id: *id, lingering }).collect();
    let job = write.job(JobKind::Delete, &nodes, steps);
    tree.start(job);
    Ok(done())
}
