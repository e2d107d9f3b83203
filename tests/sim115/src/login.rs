//! QR codes to sign in by: what has become of each, and who waits for it to change.
//!
//! Protocol notes, reading part, §2.

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

use crate::m115::random_hex;

/// How many are remembered.
const KEPT: usize = 1000;

/// What the phone, or time, does to a QR code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LoginAction {
    /// The phone scans it.
    Scan,
    /// The phone confirms; a code that was not scanned counts as scanned first.
    Confirm,
    /// The phone cancels.
    Cancel,
    /// Its time is over.
    Expire,
}

/// What has become of a QR code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Stage {
    Waiting,
    Scanned,
    Confirmed,
    Cancelled,
    Expired,
    /// Confirmed and redeemed.
    Spent,
}

/// One QR code.
#[derive(Clone, Debug)]
pub(crate) struct Qr {
    pub(crate) uid: String,
    pub(crate) time: u64,
    pub(crate) sign: String,
    /// The application whose endpoint it was asked of.
    pub(crate) app: String,
    pub(crate) stage: Stage,
    /// The stage that the status call has told last.
    told: Stage,
    /// The cookie it was redeemed for.
    pub(crate) cookie: Option<String>,
}

impl Qr {
    /// The text in the picture.
    pub(crate) fn content(&self) -> String {
        format!("https://115.com/scan/dg-{}", self.uid)
    }

    /// Whether there is something that the status call has not told yet, or that it tells every time.
    fn has_news(&self) -> bool {
        self.stage != self.told || !matches!(self.stage, Stage::Waiting | Stage::Scanned)
    }
}

/// All QR codes, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Logins {
    all: Mutex<Vec<Qr>>,
    changed: Notify,
}

impl Logins {
    /// A new one.
    pub(crate) fn create(&self, app: &str, now: u64) -> Qr {
        let qr = Qr {
            uid: random_hex(20),
            time: now,
            sign: random_hex(16),
            app: app.to_owned(),
            stage: Stage::Waiting,
            told: Stage::Waiting,
            cookie: None,
        };
        let mut all = self.all.lock();
        if all.len() == KEPT {
            all.remove(0);
        }
        all.push(qr.clone());
        qr
    }

    /// All of them, oldest first.
    pub(crate) fn list(&self) -> Vec<Qr> {
        self.all.lock().clone()
    }

    /// Does something to the one of this uid, or to the newest; `false` if there is none, or it is past that.
    pub(crate) fn act(&self, uid: Option<&str>, action: LoginAction) -> bool {
        let mut all = self.all.lock();
        let Some(qr) = all.iter_mut().rev().find(|qr| uid.is_none_or(|uid| qr.uid == uid)) else {
            return false;
        };
        let next = match (action, qr.stage) {
            (LoginAction::Scan, Stage::Waiting) => Stage::Scanned,
            (LoginAction::Confirm, Stage::Waiting | Stage::Scanned) => Stage::Confirmed,
            (LoginAction::Cancel, Stage::Scanned) => Stage::Cancelled,
            (LoginAction::Expire, Stage::Waiting | Stage::Scanned | Stage::Confirmed) => Stage::Expired,
            _ => return false,
        };
        qr.stage = next;
        drop(all);
        self.changed.notify_waiters();
        true
    }

    /// Lets those expire that are older than `lifetime` seconds.
    pub(crate) fn age(&self, now: u64, lifetime: u64) {
        for qr in self.all.lock().iter_mut() {
            let open = matches!(qr.stage, Stage::Waiting | Stage::Scanned);
            if open && now >= qr.time.saturating_add(lifetime) {
                qr.stage = Stage::Expired;
            }
        }
    }

    /// The one of this uid.
    pub(crate) fn find(&self, uid: &str) -> Option<Qr> {
        self.all.lock().iter().find(|qr| qr.uid == uid).cloned()
    }

    /// Waits until there is news of the one of this uid; at once if it is unknown.
    pub(crate) async fn news(&self, uid: &str) {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if self.find(uid).is_none_or(|qr| qr.has_news()) {
                return;
            }
            changed.await;
        }
    }

    /// What is new of the one of this uid, which counts as told from now on.
    pub(crate) fn tell(&self, uid: &str) -> Option<Stage> {
        let mut all = self.all.lock();
        let qr = all.iter_mut().find(|qr| qr.uid == uid).filter(|qr| qr.has_news())?;
        qr.told = qr.stage;
        Some(qr.stage)
    }

    /// Marks the one of this uid as redeemed for `cookie`.
    pub(crate) fn spend(&self, uid: &str, cookie: &str) {
        if let Some(qr) = self.all.lock().iter_mut().find(|qr| qr.uid == uid) {
            qr.stage = Stage::Spent;
            qr.cookie = Some(cookie.to_owned());
        }
    }
}
