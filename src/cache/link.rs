//! Download links, until shortly before they expire.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use moka::Expiry;
use moka::future::Cache;
use parking_lot::Mutex;
use tokio_util::task::TaskTracker;

use super::{DriveKey, load_once};
use crate::model::{Link, LinkBinding, PickCode};

/// How long a link without a stated end is kept. 115's links always state one; this is for the day they do not.
const UNSTATED: Duration = Duration::from_secs(120);

/// No link is kept for longer: the clock of this machine may be behind, and then links seem to live long.
const LONGEST: Duration = Duration::from_secs(2 * 3600);

/// How long a link is kept that seems to have ended before it came: the clock of this machine is ahead.
/// Without this, every request would pay for a link of its own.
const SEEMINGLY_ENDED: Duration = Duration::from_secs(30);

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

/// A link, and the clients that were sent to it.
#[derive(Clone)]
pub struct KeptLink {
    /// The link.
    pub link: Arc<Link>,
    clients: Arc<Mutex<HashSet<LinkBinding>>>,
}

impl KeptLink {
    /// Whether `client` may be sent to the link: only so many may as may have it open at once.
    ///
    /// Who once was may be again.
    pub fn admit(&self, client: &LinkBinding) -> bool {
        let Some(max_open) = self.link.terms.max_open else { return true };
        let mut clients = self.clients.lock();
        if clients.contains(client) {
            return true;
        }
        let is_free = clients.len() < max_open as usize;
        if is_free {
            clients.insert(client.clone());
        }
        is_free
    }
}

/// Links bounded in number, each kept until its end minus a margin.
pub struct LinkCache {
    cache: Cache<LinkKey, KeptLink>,
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
        self.cache.get(key).await.map(|kept| kept.link)
    }

    /// The link, asked for if need be, once for all who want it meanwhile.
    pub async fn get_or_load<E, F>(&self, key: LinkKey, load: impl FnOnce() -> F) -> Result<KeptLink, E>
    where
        E: Clone + Send + Sync + 'static,
        F: Future<Output = Result<Arc<Link>, E>> + Send + 'static,
    {
        let load = || {
            let load = load();
            async move { load.await.map(|link| KeptLink { link, clients: Arc::default() }) }
        };
        load_once(&self.tracker, &self.cache, key, load).await
    }

    /// Forgets `link`, unless another has taken its place already.
    pub async fn forget(&self, key: &LinkKey, link: &Arc<Link>) {
        if self.cache.get(key).await.is_some_and(|kept| Arc::ptr_eq(&kept.link, link)) {
            self.cache.invalidate(key).await;
        }
    }
}

struct UntilExpiry {
    margin: Duration,
}

impl Expiry<LinkKey, KeptLink> for UntilExpiry {
    #[expect(clippy::disallowed_types, reason = "moka's trait is written in terms of it")]
    fn expire_after_create(&self, _: &LinkKey, kept: &KeptLink, _: std::time::Instant) -> Option<Duration> {
        Some(life(kept.link.terms.expires, SystemTime::now(), self.margin))
    }
}

/// How long a link that ends at `end` is kept.
fn life(end: Option<SystemTime>, now: SystemTime, margin: Duration) -> Duration {
    let Some(end) = end else { return UNSTATED };
    match end.duration_since(now) {
        // A life shorter than the margin would make every request pay for a link of its own.
        Ok(left) if !left.is_zero() => left.saturating_sub(margin.min(left / 4)).min(LONGEST),
        _ => SEEMINGLY_ENDED,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_wrong_neither_keeps_links_for_ever_nor_forgets_them_at_once() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        let seconds = Duration::from_secs;
        let margin = seconds(300);
        for (end, expected) in [
            (None, UNSTATED),
            (Some(now + seconds(3600)), seconds(3300)),
            (Some(now + seconds(400)), seconds(300)),
            (Some(now + seconds(86_400)), seconds(7200)),
            (Some(now), seconds(30)),
            (Some(now - seconds(86_400)), seconds(30)),
        ] {
            assert_eq!(life(end, now, margin), expected, "{end:?}");
        }
    }
}
