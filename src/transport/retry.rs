//! The one loop that tries again.

use std::time::Duration;

use super::Backoff;

/// What an attempt came to.
pub enum Step<T, E> {
    /// It worked.
    Done(T),
    /// Trying again would not help, or would harm.
    Fail(E),
    /// Trying again may help, after at least this long.
    Again(E, Option<Duration>),
}

/// Runs `attempt` until it is done, fails for good, or has been made `1 + retries` times.
///
/// The error of the last attempt is returned. There is no wait after it.
pub async fn retry<T, E, F>(retries: u32, backoff: Backoff, mut attempt: impl FnMut(u32) -> F) -> Result<T, E>
where
    F: Future<Output = Step<T, E>>,
{
    let mut failures = 0;
    loop {
        match attempt(failures).await {
            Step::Done(value) => return Ok(value),
            Step::Fail(error) => return Err(error),
            Step::Again(error, _) if failures >= retries => return Err(error),
            Step::Again(_, at_least) => {
                failures += 1;
                let delay = backoff.delay(failures, rand::random());
                tokio::time::sleep(delay.max(at_least.unwrap_or_default())).await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use tokio::time::Instant;

    use super::*;

    const BACKOFF: Backoff = Backoff { first: Duration::from_secs(1), max: Duration::from_secs(1) };

    #[tokio::test(start_paused = true)]
    async fn attempts_are_bounded_and_the_last_error_is_kept() {
        let tries = Cell::new(0);
        let outcome: Result<(), u32> = retry(2, BACKOFF, |failures| {
            tries.set(tries.get() + 1);
            async move { Step::Again(failures, None) }
        })
        .await;
        assert_eq!((outcome, tries.get()), (Err(2), 3));
    }

    #[tokio::test(start_paused = true)]
    async fn a_stated_delay_is_kept() {
        let start = Instant::now();
        let outcome: Result<u32, ()> = retry(5, BACKOFF, |failures| async move {
            if failures == 0 { Step::Again((), Some(Duration::from_secs(30))) } else { Step::Done(failures) }
        })
        .await;
        assert_eq!(outcome, Ok(1));
        assert!(start.elapsed() >= Duration::from_secs(30));
    }

    #[tokio::test(start_paused = true)]
    async fn a_final_failure_is_not_tried_again() {
        let tries = Cell::new(0);
        let outcome: Result<(), &str> = retry(5, BACKOFF, |_| {
            tries.set(tries.get() + 1);
            async { Step::Fail("no") }
        })
        .await;
        assert_eq!((outcome, tries.get()), (Err("no"), 1));
    }
}
