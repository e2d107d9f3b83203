//! The space of accounts, asked for rarely.
//!
//! It is an extra of answers that are known without it. So it must not hold them up, and an outage must not make it dear.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use moka::future::Cache;
use parking_lot::Mutex;
use tokio::time::{Instant, timeout};
use tokio_util::task::TaskTracker;

use super::{DriveKey, load_once};

/// How long after a failure not to ask again.
const FAILURE_LIFE: Duration = Duration::from_secs(60);
/// How long to wait for a value. The load goes on without those who have stopped waiting.
const PATIENCE: Duration = Duration::from_secs(2);

/// One value per drive, kept for a while. `T` is what the drive says of its space, `E` why it says nothing.
pub struct QuotaCache<T, E> {
    fresh: Cache<DriveKey, Arc<T>>,
    histories: Arc<Histories<T, E>>,
    tracker: TaskTracker,
}

type Histories<T, E> = Mutex<HashMap<DriveKey, History<T, E>>>;

/// What came of the loads for a drive so far.
struct History<T, E> {
    /// The last value, however old.
    last: Option<Arc<T>>,
    /// The failure since then.
    failure: Option<(Instant, E)>,
}

/// Why there is no value, not even an old one.
#[derive(Debug, PartialEq, Eq)]
pub enum Missing<E> {
    /// It could not be loaded, just now or a moment ago.
    Failed(E),
    /// It is still being loaded.
    Late,
}

impl<T, E> QuotaCache<T, E>
where
    T: Send + Sync + 'static,
    E: Clone + Send + Sync + 'static,
{
    /// Keeps each value for `ttl`, and beyond it only for the time in which no other can be had.
    pub fn new(ttl: Duration, tracker: TaskTracker) -> Self {
        let fresh = Cache::builder().max_capacity(1024).time_to_live(ttl).build();
        Self { fresh, histories: Arc::default(), tracker }
    }

    /// The value, loaded if need be, once for all who ask meanwhile; the last known one if that fails or takes long.
    ///
    /// **Cost**: none within a minute after a load that failed.
    pub async fn get_or_load<F>(&self, key: DriveKey, load: impl FnOnce() -> F) -> Result<Arc<T>, Missing<E>>
    where
        F: Future<Output = Result<Arc<T>, E>> + Send + 'static,
    {
        let histories = Arc::clone(&self.histories);
        let load = || {
            let load = load();
            async move {
                // Looked at here, so that those who come while a load fails do not begin another.
                if let Some(error) = recent_failure(&histories, key) {
                    return Err(error);
                }
                let outcome = load.await;
                note(&histories, key, &outcome);
                outcome
            }
        };
        let missing = match timeout(PATIENCE, load_once(&self.tracker, &self.fresh, key, load)).await {
            Ok(Ok(value)) => return Ok(value),
            Ok(Err(error)) => Missing::Failed(error),
            Err(_) => Missing::Late,
        };
        let last = self.histories.lock().get(&key).and_then(|history| history.last.clone());
        last.ok_or(missing)
    }
}

fn recent_failure<T, E: Clone>(histories: &Histories<T, E>, key: DriveKey) -> Option<E> {
    let histories = histories.lock();
    let (since, error) = histories.get(&key)?.failure.as_ref()?;
    (since.elapsed() < FAILURE_LIFE).then(|| error.clone())
}

fn note<T, E: Clone>(histories: &Histories<T, E>, key: DriveKey, outcome: &Result<Arc<T>, E>) {
    let mut histories = histories.lock();
    let history = histories.entry(key).or_insert(History { last: None, failure: None });
    match outcome {
        Ok(value) => *history = History { last: Some(Arc::clone(value)), failure: None },
        Err(error) => history.failure = Some((Instant::now(), error.clone())),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    const KEY: DriveKey = DriveKey(0);

    struct Fixture {
        cache: QuotaCache<u32, &'static str>,
        loads: Arc<AtomicU32>,
    }

    impl Fixture {
        fn new(ttl: Duration) -> Self {
            Self { cache: QuotaCache::new(ttl, TaskTracker::new()), loads: Arc::default() }
        }

        /// Asks, and if a load begins has it end with `outcome` after `pause`.
        async fn ask(
            &self,
            pause: Duration,
            outcome: Result<u32, &'static str>,
        ) -> Result<u32, Missing<&'static str>> {
            let loads = Arc::clone(&self.loads);
            let load = || async move {
                loads.fetch_add(1, Ordering::Relaxed);
                tokio::time::sleep(pause).await;
                outcome.map(Arc::new)
            };
            self.cache.get_or_load(KEY, load).await.map(|value| *value)
        }

        fn loads(&self) -> u32 {
            self.loads.swap(0, Ordering::Relaxed)
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_failure_holds_for_a_minute() {
        let fixture = Fixture::new(Duration::from_secs(600));
        for _ in 0..5 {
            assert_eq!(fixture.ask(Duration::ZERO, Err("down")).await, Err(Missing::Failed("down")));
        }
        tokio::time::advance(Duration::from_secs(59)).await;
        assert_eq!(fixture.ask(Duration::ZERO, Ok(1)).await, Err(Missing::Failed("down")));
        assert_eq!(fixture.loads(), 1);
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(fixture.ask(Duration::ZERO, Ok(1)).await, Ok(1));
        assert_eq!(fixture.ask(Duration::ZERO, Ok(2)).await, Ok(1));
        assert_eq!(fixture.loads(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn the_last_value_is_told_as_long_as_there_is_no_other() {
        let fixture = Fixture::new(Duration::ZERO);
        assert_eq!(fixture.ask(Duration::ZERO, Ok(1)).await, Ok(1));
        assert_eq!(fixture.ask(PATIENCE * 2, Ok(2)).await, Ok(1));
        tokio::time::sleep(PATIENCE * 2).await;
        for _ in 0..5 {
            assert_eq!(fixture.ask(Duration::ZERO, Err("down")).await, Ok(2));
        }
        assert_eq!(fixture.loads(), 3);
        tokio::time::advance(FAILURE_LIFE).await;
        assert_eq!(fixture.ask(Duration::ZERO, Ok(3)).await, Ok(3));
    }

    #[tokio::test(start_paused = true)]
    async fn a_load_that_takes_long_goes_on_without_those_who_wait() {
        let fixture = Fixture::new(Duration::from_secs(600));
        let begun = Instant::now();
        assert_eq!(fixture.ask(PATIENCE * 2, Ok(1)).await, Err(Missing::Late));
        assert_eq!(begun.elapsed(), PATIENCE);
        tokio::time::sleep(PATIENCE * 2).await;
        assert_eq!(fixture.ask(Duration::ZERO, Err("down")).await, Ok(1));
        assert_eq!(fixture.loads(), 1);
    }
}
