//! What is remembered of 115, bounded in weight and time.
//!
//! The only importer of moka. Callers see verbs, not moka's types.
//! Failures are not kept, but for that of an account's space, for a minute.

mod changes;
mod link;
mod listing;
mod quota;

use std::hash::Hash;
use std::sync::Arc;

use moka::future::Cache;
use tokio_util::task::TaskTracker;

pub use link::{KeptLink, LinkCache, LinkKey};
pub use listing::ListingCache;
pub use quota::{Missing, QuotaCache};

use crate::model::FileId;

/// Which drive of the gateway something belongs to: no two accounts of a process have had the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DriveKey(pub u32);

/// A folder of a drive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FolderKey {
    /// The drive.
    pub drive: DriveKey,
    /// The folder's id in it.
    pub folder: FileId,
}

/// Returns what is kept under `key`, or loads it: once, however many ask meanwhile.
///
/// The load runs on a task of its own. A client that gives up does not waste the calls already paid for,
/// so a folder that takes longer than the client's patience is there when it comes back.
async fn load_once<K, V, E, F>(
    tracker: &TaskTracker,
    cache: &Cache<K, V>,
    key: K,
    load: impl FnOnce() -> F,
) -> Result<V, E>
where
    K: Hash + Eq + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
    E: Clone + Send + Sync + 'static,
    F: Future<Output = Result<V, E>> + Send + 'static,
{
    if let Some(kept) = cache.get(&key).await {
        return Ok(kept);
    }
    let cache = cache.clone();
    let load = load();
    let outcome = finish(tracker, async move { cache.try_get_with(key, load).await }).await;
    outcome.map_err(|error| Arc::unwrap_or_clone(error))
}

/// Runs `work` on a task of its own, to its end, also if who waits for it goes away.
pub async fn finish<T: Send + 'static>(
    tracker: &TaskTracker,
    work: impl Future<Output = T> + Send + 'static,
) -> T {
    match tracker.spawn(work).await {
        Ok(outcome) => outcome,
        Err(stopped) => match stopped.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // Only the end of the program cancels a task, and it ends this one too.
            Err(_) => std::future::pending().await,
        },
    }
}
