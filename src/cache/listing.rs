//! Folder listings by folder id, so that renaming a parent invalidates nothing below it.

use std::sync::Arc;
use std::time::Duration;

use moka::future::Cache;
use moka::policy::EvictionPolicy;
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

use super::changes::Changes;
use super::{FolderKey, load_once};
use crate::model::{Change, FileId, Listing, Node};

/// Listings bounded by the number of entries in them. Empty folders are kept too.
///
/// Every listing that leaves it shows what has been noted of its folder, see [`ListingCache::note`].
pub struct ListingCache {
    cache: Cache<FolderKey, Kept>,
    changes: Arc<Changes>,
    ttl: Duration,
    tracker: TaskTracker,
}

#[derive(Clone)]
struct Kept {
    listing: Arc<Listing>,
    /// When 115 was asked for it.
    asked: Instant,
    /// The last change of the folder it shows.
    serial: u64,
}

impl ListingCache {
    /// Keeps listings with at most `max_entries` entries in all, each for `ttl`. Loads run on `tracker`.
    pub fn new(max_entries: u64, ttl: Duration, tracker: TaskTracker) -> Self {
        Self::with_changes(max_entries, ttl, tracker, Arc::new(Changes::new(ttl)))
    }

    /// An empty one of another size that knows of the same changes.
    #[must_use]
    pub fn sized(&self, max_entries: u64, ttl: Duration) -> Self {
        Self::with_changes(max_entries, ttl, self.tracker.clone(), Arc::clone(&self.changes))
    }

    fn with_changes(max_entries: u64, ttl: Duration, tracker: TaskTracker, changes: Arc<Changes>) -> Self {
        let cache = Cache::builder()
            .max_capacity(max_entries)
            .weigher(|_, kept: &Kept| {
                // The folder itself counts as one, or empty folders would be kept without bound.
                u32::try_from(kept.listing.nodes().len() + 1).unwrap_or(u32::MAX)
            })
            // A large folder that was just paid for must not lose against small ones that are asked for often.
            .eviction_policy(EvictionPolicy::lru())
            .time_to_live(ttl)
            .build();
        Self { cache, changes, ttl, tracker }
    }

    /// The listing, if it is here.
    pub async fn get(&self, key: FolderKey) -> Option<Arc<Listing>> {
        let kept = self.cache.get(&key).await?;
        // A listing with changes applied is put anew, which must not make it live longer.
        if kept.serial > 0 && kept.asked.elapsed() >= self.ttl {
            self.cache.invalidate(&key).await;
            return None;
        }
        Some(self.current(key, kept).await)
    }

    /// The listing, loaded if need be, once for all who ask meanwhile.
    pub async fn get_or_load<E, F>(&self, key: FolderKey, load: impl FnOnce() -> F) -> Result<Arc<Listing>, E>
    where
        E: Clone + Send + Sync + 'static,
        F: Future<Output = Result<Arc<Listing>, E>> + Send + 'static,
    {
        if let Some(listing) = self.get(key).await {
            return Ok(listing);
        }
        let load = || {
            let (asked, load) = (Instant::now(), load());
            async move { load.await.map(|listing| Kept { listing, asked, serial: 0 }) }
        };
        let kept = load_once(&self.tracker, &self.cache, key, load).await?;
        Ok(self.current(key, kept).await)
    }

    /// What `kept` says, and what has been noted since.
    async fn current(&self, key: FolderKey, kept: Kept) -> Arc<Listing> {
        let Some((news, serial)) = self.changes.since(key, kept.serial, kept.asked) else {
            return kept.listing;
        };
        let listing = kept.listing.changed(&news).map_or(kept.listing, Arc::new);
        self.cache.insert(key, Kept { listing: Arc::clone(&listing), serial, ..kept }).await;
        listing
    }

    /// Keeps it that a folder, which has just been made, is empty.
    pub async fn put_empty(&self, key: FolderKey) {
        let listing = Arc::new(Listing::new(Vec::new()));
        self.cache.insert(key, Kept { listing, asked: Instant::now(), serial: 0 }).await;
    }

    /// Notes what has just been done to the children of a folder.
    ///
    /// All listings of it show that from now on, also one that 115 is making meanwhile or soon after, whose pages may be of before.
    pub fn note(&self, key: FolderKey, changes: Vec<Change>) {
        self.changes.note(key, changes);
    }

    /// Shows `node` in a folder until [`ListingCache::drop_local`], whatever 115 says: it is here alone.
    pub fn add_local(&self, key: FolderKey, node: Node) {
        self.changes.add_local(key, node);
    }

    /// No longer shows what [`ListingCache::add_local`] has added.
    pub fn drop_local(&self, key: FolderKey, id: FileId) {
        self.changes.drop_local(key, id);
    }

    /// Forgets a listing that turned out to be wrong.
    pub async fn invalidate(&self, key: FolderKey) {
        self.cache.invalidate(&key).await;
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;
    use crate::cache::DriveKey;

    const KEY: FolderKey = FolderKey { drive: DriveKey(1), folder: FileId(7) };
    const TTL: Duration = Duration::from_secs(300);

    fn node(id: u64) -> Node {
        Node { id: FileId(id), ..Node::virtual_folder(&format!("n{id}"), SystemTime::UNIX_EPOCH) }
    }

    fn cache() -> ListingCache {
        ListingCache::new(1000, TTL, TaskTracker::new())
    }

    /// What the cache shows if 115 would say `ids`.
    async fn shown(cache: &ListingCache, ids: &[u64]) -> Vec<u64> {
        let listing = Arc::new(Listing::new(ids.iter().map(|&id| node(id)).collect()));
        let load = || async { Ok::<_, ()>(listing) };
        let listing = cache.get_or_load(KEY, load).await.unwrap();
        let mut ids: Vec<u64> = listing.nodes().iter().map(|node| node.id.0).collect();
        ids.sort_unstable();
        ids
    }

    #[tokio::test(start_paused = true)]
    async fn a_change_is_seen_at_once_and_outlives_a_stale_page() {
        let cache = cache();
        assert_eq!(shown(&cache, &[1, 2]).await, [1, 2]);
        cache.note(KEY, vec![Change::Gone(FileId(1)), Change::Put(node(3))]);
        assert_eq!(shown(&cache, &[]).await, [2, 3], "the kept listing is changed, not loaded anew");
        cache.invalidate(KEY).await;
        assert_eq!(shown(&cache, &[1, 2]).await, [2, 3], "115 may lag behind");
        tokio::time::advance(Duration::from_secs(61)).await;
        assert_eq!(shown(&cache, &[]).await, [2, 3]);
        cache.invalidate(KEY).await;
        assert_eq!(shown(&cache, &[1, 2]).await, [1, 2], "a minute later it is believed");
    }

    #[tokio::test(start_paused = true)]
    async fn a_change_does_not_make_a_listing_live_longer() {
        let cache = cache();
        assert_eq!(shown(&cache, &[1]).await, [1]);
        tokio::time::advance(TTL / 2).await;
        cache.note(KEY, vec![Change::Put(node(2))]);
        assert_eq!(shown(&cache, &[]).await, [1, 2]);
        tokio::time::advance(TTL / 2).await;
        assert_eq!(shown(&cache, &[5]).await, [5], "its time is over, and that of the change too");
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_here_alone_stays_until_it_is_dropped() {
        let cache = cache();
        cache.add_local(KEY, node(9));
        assert_eq!(shown(&cache, &[1]).await, [1, 9]);
        tokio::time::advance(TTL * 3).await;
        assert_eq!(shown(&cache, &[1]).await, [1, 9]);
        cache.drop_local(KEY, FileId(9));
        assert_eq!(shown(&cache, &[]).await, [1]);
        assert_eq!(cache.changes.folders(), 1, "a listing may still show it");
        tokio::time::advance(TTL * 3).await;
        cache.note(FolderKey { folder: FileId(8), ..KEY }, Vec::new());
        assert_eq!(cache.changes.folders(), 0);
    }
}
