//! What the service knows of uploads: those begun, the contents known of, the files just arrived, and what the object
//! store holds (protocol notes, writing part, §2).
//!
//! The calls on `uplb.115.com` begin uploads here, the object store ends them by its callback, and listings ask which
//! entries are still too new to be shown.

mod complete;
mod drives;
mod switches;

use std::collections::HashMap;

use parking_lot::Mutex;
use serde_json::Value;

pub(crate) use complete::{Arrival, complete, complete_sample, refused};
pub(crate) use drives::{Drive, folder_of, known, place, reserve};
pub use switches::{RangeFailure, UploadBehaviours};

use crate::content::Content;
use crate::m115::random_hex;
use crate::oss::{Store, Tokens};
use crate::waf::Firewall;

/// All of it.
#[derive(Default)]
pub(crate) struct Uploads {
    /// By what their callbacks name them by: the pick code, or the word of a form upload.
    sessions: Mutex<HashMap<String, Session>>,
    /// Contents that lie somewhere at 115, in nobody's tree.
    known: Mutex<Vec<Content>>,
    fresh: Mutex<HashMap<u64, Fresh>>,
    checks: Mutex<HashMap<String, Check>>,
    /// Counts the calls that begin uploads.
    pub(crate) gate: Firewall,
    pub(crate) tokens: Tokens,
    pub(crate) store: Store,
}

/// An upload that was begun.
#[derive(Debug, Clone)]
pub(crate) struct Session {
    pub(crate) user: u64,
    pub(crate) name: String,
    /// As the client wrote it.
    pub(crate) target: String,
    pub(crate) object: String,
    /// What the bytes have to be; a form upload does not say.
    pub(crate) expected: Option<(u64, String)>,
    /// The two texts as they were issued. A form upload has no second one.
    pub(crate) callback: String,
    pub(crate) callback_var: String,
    /// The id set aside for the file.
    pub(crate) node: u64,
    /// What its end was answered with, once it has ended well.
    pub(crate) answer: Option<Value>,
}

/// A range whose hash was asked for.
#[derive(Debug, Clone)]
pub(crate) struct Check {
    pub(crate) user: u64,
    pub(crate) size: u64,
    pub(crate) sha1: String,
    pub(crate) first: u64,
    /// The last byte, inclusive.
    pub(crate) last: u64,
    /// How many ranges were asked for before this one.
    pub(crate) round: u32,
    /// When it was asked for, in unix seconds.
    pub(crate) asked: u64,
}

/// A file that listings do not show yet.
#[derive(Debug)]
struct Fresh {
    until: u64,
    listings: u32,
}

impl Uploads {
    /// Notes an upload under the name its callback will give.
    pub(crate) fn begin(&self, mark: &str, session: Session) {
        self.sessions.lock().insert(mark.to_owned(), session);
    }

    /// An upload by the name its callback gives.
    pub(crate) fn session(&self, mark: &str) -> Option<Session> {
        self.sessions.lock().get(mark).cloned()
    }

    /// Notes a range to be proven and returns the key the proof has to name.
    pub(crate) fn ask(&self, check: Check) -> String {
        let key = random_hex(20).to_uppercase();
        self.checks.lock().insert(key.clone(), check);
        key
    }

    /// The range a key was given out for.
    pub(crate) fn asked(&self, key: &str) -> Option<Check> {
        self.checks.lock().get(key).cloned()
    }

    /// From now on this content lies somewhere at 115.
    pub(crate) fn know(&self, content: Content) {
        let mut known = self.known.lock();
        if !known.contains(&content) {
            known.push(content);
        }
    }

    /// The contents that lie somewhere at 115, in nobody's tree.
    pub(crate) fn all_known(&self) -> Vec<Content> {
        self.known.lock().clone()
    }

    /// A file has arrived; listings may miss it for a while.
    pub(crate) fn arrived(&self, node: u64, now: u64, switches: &UploadBehaviours) {
        let lag = Fresh { until: now + switches.listing_lag_secs, listings: switches.listing_lag_listings };
        if lag.until > now || lag.listings > 0 {
            self.fresh.lock().insert(node, lag);
        }
    }

    /// The rows of a listing without the files it misses. Each missed file counts one listing off.
    pub(crate) fn shown(&self, rows: &[u64], now: u64) -> Option<Vec<u64>> {
        let mut fresh = self.fresh.lock();
        if fresh.is_empty() {
            return None;
        }
        let shown = rows.iter().copied().filter(|id| !fresh.get_mut(id).is_some_and(|lag| lag.hides(now)));
        let shown = shown.collect();
        fresh.retain(|_, lag| lag.listings > 0 || now < lag.until);
        Some(shown)
    }
}

impl Fresh {
    fn hides(&mut self, now: u64) -> bool {
        let hides = now < self.until || self.listings > 0;
        self.listings = self.listings.saturating_sub(1);
        hides
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_files_are_missed_for_a_time_or_for_listings() {
        let uploads = Uploads::default();
        let lag = |secs, listings| UploadBehaviours {
            listing_lag_secs: secs,
            listing_lag_listings: listings,
            ..UploadBehaviours::default()
        };
        uploads.arrived(1, 100, &lag(0, 0));
        assert_eq!(uploads.shown(&[1, 2], 100), None);
        uploads.arrived(1, 100, &lag(5, 0));
        uploads.arrived(2, 100, &lag(0, 2));
        assert_eq!(uploads.shown(&[1, 2, 3], 104), Some(vec![3]));
        assert_eq!(uploads.shown(&[1, 3], 105), Some(vec![1, 3]), "another folder counts nothing off");
        assert_eq!(uploads.shown(&[2, 3], 105), Some(vec![3]));
        assert_eq!(uploads.shown(&[2, 3], 105), None);
    }
}
