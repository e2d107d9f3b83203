//! The record of every call: what tests count, and what a reader looks at when a count is wrong.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use parking_lot::Mutex;
use serde::Serialize;
use tokio::time::Instant;

/// How many entries are kept; counts go on beyond it.
const KEPT_ENTRIES: usize = 100_000;

/// One call.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LedgerEntry {
    /// The number of the call, from 1.
    pub number: u64,
    /// The endpoint's label: `files`, `natsort`, `getid`, `get_path_id`, `get_info`, `category`, `index_info`,
    /// `order`, `downurl`, `download`, `share_snap`, `share_snap_app`, `share_downurl`, `share_downurl_windows`,
    /// `share_downurl_web`, `share_skip_login_downurl`, `share_skip_login_downurl_app`, `share_is_skip_login`,
    /// `share_downlist`, `share_downlist_app`, `share_receive`, `login_token`, `login_image`, `login_status`,
    /// `login_redeem`, `add`, `make_path`, `batch_rename`, `edit`, `move`,
    /// `move_progress`, `copy`, `rb_delete`, `rb_list`, `rb_revert`, `rb_clean`, `rb_secret_del`,
    /// `uploadinfo`, `getuploadinfo`, `gettoken`,
    /// `initupload`, `resumeupload`, `sampleinitupload`, `oss_put`, `oss_initiate`, `oss_part`, `oss_list_parts`,
    /// `oss_complete`, `oss_abort`, `oss_form`, `oss_unknown`, `cdn`, or `unknown`.
    pub endpoint: String,
    /// The 115 host it was meant for.
    pub host: String,
    /// The method.
    pub method: String,
    /// The query, or for an encrypted call what was inside, or for a posted share call its share code, receive code
    /// and file ids, or for a posted write all parameters but the security key, decoded.
    pub query: String,
    /// The value of the cookie `UID`; empty without one.
    pub uid: String,
    /// The User-Agent; empty when there was none.
    pub user_agent: String,
    /// The `Referer`; empty without one.
    pub referer: String,
    /// The `Range` header of a download; empty without one.
    pub range: String,
    /// How many bytes of the body have come in; of a broken upload, those before the break.
    pub received: u64,
    /// The number of the part of an upload; 0 for all other calls.
    pub part: u64,
    /// When it arrived, in unix seconds of the simulated clock.
    pub simulated_secs: f64,
    /// When it arrived, in milliseconds of real time since the server started.
    pub wall_ms: u64,
    /// How long it took to begin the answer, in milliseconds.
    pub took_ms: u64,
    /// The status of the answer; 0 when there was none (yet).
    pub status: u16,
    /// The faults that struck it, by name.
    pub faults: Vec<String>,
}

/// Entries and counts.
#[derive(Debug)]
pub(crate) struct Ledger {
    started: Instant,
    book: Mutex<Book>,
}

#[derive(Debug, Default)]
struct Book {
    entries: VecDeque<LedgerEntry>,
    counts: BTreeMap<String, usize>,
    last: u64,
}

impl Book {
    fn entry(&mut self, number: u64) -> Option<&mut LedgerEntry> {
        let first = self.entries.front()?.number;
        self.entries.get_mut(crate::num::index(number.checked_sub(first)?))
    }
}

impl Ledger {
    pub(crate) fn new() -> Self {
        Self { started: Instant::now(), book: Mutex::default() }
    }

    /// Enters a call as it arrives and returns its number.
    pub(crate) fn open(&self, mut entry: LedgerEntry, simulated: Duration) -> u64 {
        entry.wall_ms = self.wall_ms();
        entry.simulated_secs = simulated.as_secs_f64();
        let mut book = self.book.lock();
        book.last += 1;
        entry.number = book.last;
        *book.counts.entry(entry.endpoint.clone()).or_default() += 1;
        if book.entries.len() == KEPT_ENTRIES {
            book.entries.pop_front();
        }
        book.entries.push_back(entry);
        book.last
    }

    /// Notes what was inside a call that shows nothing in its query.
    pub(crate) fn annotate(&self, number: u64, query: String) {
        if let Some(entry) = self.book.lock().entry(number) {
            entry.query = query;
        }
    }

    /// Notes that more of a body has come in.
    pub(crate) fn received(&self, number: u64, bytes: u64) {
        if let Some(entry) = self.book.lock().entry(number) {
            entry.received += bytes;
        }
    }

    /// Notes how a call was answered.
    pub(crate) fn close(&self, number: u64, status: u16) {
        let now = self.wall_ms();
        if let Some(entry) = self.book.lock().entry(number) {
            entry.status = status;
            entry.took_ms = now.saturating_sub(entry.wall_ms);
        }
    }

    pub(crate) fn entries(&self) -> Vec<LedgerEntry> {
        self.book.lock().entries.iter().cloned().collect()
    }

    pub(crate) fn counts(&self) -> BTreeMap<String, usize> {
        self.book.lock().counts.clone()
    }

    /// Forgets all entries and counts; numbers go on.
    pub(crate) fn clear(&self) {
        let mut book = self.book.lock();
        book.entries.clear();
        book.counts.clear();
    }

    fn wall_ms(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}
