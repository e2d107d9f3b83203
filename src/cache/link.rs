//! Download links, until shortly before they expire.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use moka::Expiry;
use moka::future::Cache;
use tokio_util::task::TaskTracker;

use super::{DriveKey, load_once};
use crate::model::{Link, LinkBinding, PickCode};

/// How long a link without a stated end is kept. 115's links always state one; this is for the day they do not.
const UNSTATED: Duration = Duration::from_secs(120);

/// What a link is kept under.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LinkKey {
    /// The drive.
    pub drive: DriveKey,
    /// The file.
    pub pick_code: PickCode,
    /// Whose User-Agent it was asked for with.
    pub binding: LinkBinding,
}

/// Links bounded in number, each kept until its end minus a margin.
pub struct LinkCache {
    cache: Cache<LinkKey, Arc<Link>>,
    tracker: TaskTracker,
}

impl LinkCache {
    /// Keeps at most `max_links`; none is handed out in the last `margin` of its life.
    pub fn new(max_links: u64, margin: Duration, tracker: TaskTracker) -> Self {
        let cache = Cache::builder().max_capacity(max_links).expire_after(UntilExpiry { margin }).build();
        Self { cache, tracker }
    }

    /// The link, if it is here and fresh.
    pub async fn get(&self, key: &LinkKey) -> Option<Arc<Link>> {
        self.cache.get(key).await
    }

    /// The link, asked for if need be, once for all who want it meanwhile.
    pub async fn get_or_load<E, F>(&self, key: LinkKey, load: impl FnOnce() -> F) -> Result<Arc<Link>, E>
    where
        E: Clone + Send + Sync + 'static,
        F: Future<Output = Result<Arc<Link>, E>> + Send + 'static,
    {
        load_once(&self.tracker, &self.cache, key, load).await
    }

    /// Forgets `link`, unless another has taken its place already.
    pub async fn forget(&self, key: &LinkKey, link: &Arc<Link>) {
        if self.cache.get(key).await.is_some_and(|kept| Arc::ptr_eq(&kept, link)) {
            self.cache.invalidate(key).await;
        }
    }
}

struct UntilExpiry {
    margin: Duration,
}

impl Expiry<LinkKey, Arc<Link>> for UntilExpiry {
    #[expect(clippy::disallowed_types, reason = "moka's trait is written in terms of it")]
    fn expire_after_create(&self, _: &LinkKey, link: &Arc<Link>, _: std::time::Instant) -> Option<Duration> {
        let Some(end) = link.terms.expires else { return Some(UNSTATED) };
        let left = end.duration_since(SystemTime::now()).unwrap_or_default();
        // A life shorter than the margin would make every request pay for a link of its own.
        Some(left.saturating_sub(self.margin.min(left / 4)))
    }
}
