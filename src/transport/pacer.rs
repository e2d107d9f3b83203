//! Spacing of calls.

use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::{Instant, sleep_until};

/// Lets calls through at a steady rate, a few at once after a rest.
///
/// Waiting calls go first come, first served.
#[derive(Debug)]
pub struct Pacer {
    interval: Duration,
    /// How far calls may run ahead of the steady rate.
    lead: Duration,
    /// When the next call would be due at the steady rate.
    due: Mutex<Instant>,
}

impl Pacer {
    /// A pacer of `per_second` calls, of which `burst` may come at once.
    pub fn new(per_second: f64, burst: u32) -> Self {
        let interval = Duration::from_secs_f64(1.0 / per_second.max(0.001));
        Self { interval, lead: interval.saturating_mul(burst.max(1) - 1), due: Mutex::new(Instant::now()) }
    }

    /// Waits for a slot and takes it, unless that would take longer than `patience`.
    ///
    /// A wait that is too long is refused at once and takes no slot:
    /// if it were waited for in vain, it would cost those who come later theirs.
    ///
    /// **Errors**: how long the wait would have been.
    pub async fn pass(&self, patience: Duration) -> Result<(), Duration> {
        let start = {
            let now = Instant::now();
            let mut due = self.due.lock();
            let mine = (*due).max(now);
            let start = mine.checked_sub(self.lead).map_or(now, |start| start.max(now));
            if start - now > patience {
                return Err(start - now);
            }
            *due = mine + self.interval;
            start
        };
        sleep_until(start).await;
        Ok(())
    }

    /// Lets nothing through for `pause`.
    pub fn hold(&self, pause: Duration) {
        let mut due = self.due.lock();
        *due = (*due).max(Instant::now() + pause + self.lead);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(60);

    #[tokio::test(start_paused = true)]
    async fn a_wait_that_is_too_long_is_refused_and_costs_nobody_a_slot() {
        let pacer = Pacer::new(2.0, 1);
        pacer.pass(PATIENCE).await.unwrap();
        for _ in 0..1000 {
            assert_eq!(pacer.pass(Duration::from_millis(400)).await, Err(Duration::from_millis(500)));
        }
        let start = Instant::now();
        pacer.pass(PATIENCE).await.unwrap();
        assert_eq!(start.elapsed().as_millis(), 500);
    }

    #[tokio::test(start_paused = true)]
    async fn a_burst_passes_at_once_and_the_rest_at_the_rate() {
        let pacer = Pacer::new(2.0, 3);
        let start = Instant::now();
        let mut times = Vec::new();
        for _ in 0..6 {
            pacer.pass(PATIENCE).await.unwrap();
            times.push(start.elapsed().as_millis());
        }
        assert_eq!(times, [0, 0, 0, 500, 1000, 1500]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_rest_restores_the_burst_and_no_more() {
        let pacer = Pacer::new(2.0, 2);
        for _ in 0..4 {
            pacer.pass(PATIENCE).await.unwrap();
        }
        tokio::time::sleep(Duration::from_secs(60)).await;
        let start = Instant::now();
        for _ in 0..3 {
            pacer.pass(PATIENCE).await.unwrap();
        }
        assert_eq!(start.elapsed().as_millis(), 500);
    }

    #[tokio::test(start_paused = true)]
    async fn a_hold_stops_everything() {
        let pacer = Pacer::new(2.0, 4);
        pacer.hold(Duration::from_secs(10));
        let start = Instant::now();
        pacer.pass(PATIENCE).await.unwrap();
        assert_eq!(start.elapsed().as_secs(), 10);
    }
}
