//! The simulated clock: the machine's time plus whatever a test has advanced it by.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use parking_lot::Mutex;

/// A clock that only ever moves forward, on its own or by a push.
#[derive(Debug, Default)]
pub(crate) struct Clock {
    advanced: Mutex<Duration>,
}

impl Clock {
    /// The simulated time.
    pub(crate) fn now(&self) -> SystemTime {
        SystemTime::now() + *self.advanced.lock()
    }

    /// The simulated time in unix seconds.
    pub(crate) fn unix(&self) -> u64 {
        self.since_epoch().as_secs()
    }

    /// The simulated time since the unix epoch.
    pub(crate) fn since_epoch(&self) -> Duration {
        self.now().duration_since(UNIX_EPOCH).unwrap_or_default()
    }

    /// Whether a client's time is right within a tolerance, by this clock or by that of the machine: clients know
    /// nothing of a push.
    pub(crate) fn is_near(&self, unix: u64, tolerance: u64) -> bool {
        let machine = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        self.unix().abs_diff(unix) <= tolerance || machine.abs_diff(unix) <= tolerance
    }

    /// Moves the clock forward.
    pub(crate) fn advance(&self, by: Duration) {
        *self.advanced.lock() += by;
    }
}

/// Unix seconds as the object store writes times: `YYYY-MM-DDTHH:MM:SSZ`.
pub(crate) fn utc_seconds(unix: u64) -> String {
    let (year, month, day) = date(unix / 86_400);
    let seconds = unix % 86_400;
    let (hour, minute, second) = (seconds / 3600, seconds % 3600 / 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// Unix seconds as 115's web listing writes a file's `t`: `YYYY-MM-DD HH:MM` at UTC+8, without seconds.
pub(crate) fn shanghai_minutes(unix: u64) -> String {
    let local = unix + 8 * 3600;
    let (year, month, day) = date(local / 86_400);
    let seconds = local % 86_400;
    format!("{year:04}-{month:02}-{day:02} {:02}:{:02}", seconds / 3600, seconds % 3600 / 60)
}

/// Year, month and day of a day counted from 1 January 1970.
fn date(days: u64) -> (u64, u64, u64) {
    // Days to date by counting from 1 March of year 0, so that the leap day is the last of its year.
    let shifted = days + 719_468;
    let era = shifted / 146_097;
    let day_of_era = shifted % 146_097;
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_written_in_china_time() {
        assert_eq!(shanghai_minutes(0), "1970-01-01 08:00");
        assert_eq!(shanghai_minutes(1_718_868_720), "2024-06-20 15:32");
        assert_eq!(shanghai_minutes(1_709_222_399), "2024-02-29 23:59");
        assert_eq!(shanghai_minutes(1_709_222_400), "2024-03-01 00:00");
        assert_eq!(utc_seconds(1_709_222_399), "2024-02-29T15:59:59Z");
    }

    #[test]
    fn advancing_moves_the_time() {
        let clock = Clock::default();
        let before = clock.unix();
        clock.advance(Duration::from_secs(3600));
        assert!(clock.unix() >= before + 3600);
        assert!(clock.is_near(before, 10) && clock.is_near(before + 3600, 10));
        assert!(!clock.is_near(before + 1800, 10));
    }
}
