//! The space of the account behind a folder, also where the folder is the gateway's own.
//!
//! Called by `propfind` and the adapter.

use std::sync::Arc;

use crate::model::Meter;
use crate::vfs::{At, Quota, Vfs, VfsError};

/// The space of the account that serves `at`.
///
/// Clients ask at the top of the tree, whatever folder they show (rclone does), and a mount rarely lies there.
/// So a folder of the gateway's own in which there is but one thing has the space of that thing.
/// Where it holds several it has none: their accounts may differ, and each would cost a call.
///
/// **Cost**: as [`Vfs::quota`].
pub(super) async fn of(vfs: &Vfs, meter: &Meter, at: &At) -> Result<Option<Arc<Quota>>, VfsError> {
    let mut at = at.clone();
    loop {
        if let Some(quota) = vfs.quota(meter, &at).await? {
            return Ok(Some(quota));
        }
        // Without quota means without drive, so listing it costs nothing.
        let folder = vfs.list(meter, &at).await?;
        let mut shown = folder.shown();
        let (Some(only), None) = (shown.next(), shown.next()) else { return Ok(None) };
        let Ok(below) = at.join(&only.name) else { return Ok(None) };
        at = below;
    }
}
