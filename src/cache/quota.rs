//! The space of accounts, asked for rarely.

use std::sync::Arc;
use std::time::Duration;

use moka::future::Cache;
use tokio_util::task::TaskTracker;

use super::{DriveKey, load_once};

/// One value per drive, kept for a while. `T` is what the drive says of its space.
pub struct QuotaCache<T> {
    cache: Cache<DriveKey, Arc<T>>,
    tracker: TaskTracker,
}

impl<T: Send + Sync + 'static> QuotaCache<T> {
    /// Keeps each value for `ttl`.
    pub fn new(ttl: Duration, tracker: TaskTracker) -> Self {
        Self { cache: Cache::builder().max_capacity(1024).time_to_live(ttl).build(), tracker }
    }

    /// The value, loaded if need be, once for all who ask meanwhile.
    pub async fn get_or_load<E, F>(&self, key: DriveKey, load: impl FnOnce() -> F) -> Result<Arc<T>, E>
    where
        E: Clone + Send + Sync + 'static,
        F: Future<Output = Result<Arc<T>, E>> + Send + 'static,
    {
        load_once(&self.tracker, &self.cache, key, load).await
    }
}
