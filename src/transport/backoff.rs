//! How long to wait before the next attempt.

use std::time::Duration;

/// Doubling delays with full jitter, so that clients of the same service do not come back together.
#[derive(Clone, Copy, Debug)]
pub struct Backoff {
    /// Longest delay before the second attempt.
    pub first: Duration,
    /// Longest delay at all.
    pub max: Duration,
}

impl Backoff {
    /// The delay after `failures` (at least 1) failed attempts, for a random number of `[0, 1)`.
    ///
    /// Between half of the doubled delay and all of it.
    pub fn delay(&self, failures: u32, random: f64) -> Duration {
        let doubled = self.first.saturating_mul(1 << failures.saturating_sub(1).min(16)).min(self.max);
        doubled.mul_f64(random.clamp(0.0, 1.0).mul_add(0.5, 0.5))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_up_to_the_maximum() {
        let backoff = Backoff { first: Duration::from_secs(1), max: Duration::from_secs(10) };
        assert_eq!(backoff.delay(1, 0.0), Duration::from_millis(500));
        assert_eq!(backoff.delay(1, 1.0), Duration::from_secs(1));
        assert_eq!(backoff.delay(3, 0.5), Duration::from_secs(3));
        assert_eq!(backoff.delay(60, 1.0), Duration::from_secs(10));
    }
}
