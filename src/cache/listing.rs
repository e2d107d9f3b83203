//! Folder listings by folder id, so that renaming a parent invalidates nothing below it.

use std::sync::Arc;
use std::time::Duration;

use moka::future::Cache;
use moka::policy::EvictionPolicy;
use tokio_util::task::TaskTracker;

use super::{FolderKey, load_once};
use crate::model::Listing;

/// Listings bounded by the number of entries in them. Empty folders are kept too.
pub struct ListingCache {
    cache: Cache<FolderKey, Arc<Listing>>,
    tracker: TaskTracker,
}

impl ListingCache {
    /// Keeps listings with at most `max_entries` entries in all, each for `ttl`. Loads run on `tracker`.
    pub fn new(max_entries: u64, ttl: Duration, tracker: TaskTracker) -> Self {
        let cache = Cache::builder()
            .max_capacity(max_entries)
            .weigher(|_, listing: &Arc<Listing>| {
                // The folder itself counts as one, or empty folders would be kept without bound.
                u32::try_from(listing.nodes().len() + 1).unwrap_or(u32::MAX)
            })
            // A large folder that was just paid for must not lose against small ones that are asked for often.
            .eviction_policy(EvictionPolicy::lru())
            .time_to_live(ttl)
            .build();
        Self { cache, tracker }
    }

    /// The listing, if it is here.
    pub async fn get(&self, key: FolderKey) -> Option<Arc<Listing>> {
        self.cache.get(&key).await
    }

    /// The listing, loaded if need be, once for all who ask meanwhile.
    pub async fn get_or_load<E, F>(&self, key: FolderKey, load: impl FnOnce() -> F) -> Result<Arc<Listing>, E>
    where
        E: Clone + Send + Sync + 'static,
        F: Future<Output = Result<Arc<Listing>, E>> + Send + 'static,
    {
        load_once(&self.tracker, &self.cache, key, load).await
    }

    /// Forgets a listing that turned out to be wrong.
    pub async fn invalidate(&self, key: FolderKey) {
        self.cache.invalidate(&key).await;
    }
}
