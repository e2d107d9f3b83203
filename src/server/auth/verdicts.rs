//! What came of checking a name and a password, kept for a while.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use argon2::password_hash::rand_core::{OsRng, RngCore as _};
use hmac::{Hmac, Mac as _};
use parking_lot::Mutex;
use sha2::Sha256;
use tokio::sync::OnceCell;
use tokio::time::Instant;

/// How long a verdict holds. The users of a process do not change, so it is only a matter of space.
const LIFE: Duration = Duration::from_secs(300);
/// Verdicts kept.
const MAX_VERDICTS: usize = 1024;

/// Stands for a name and a password. Cannot be turned back, nor guessed at without the key of this process.
pub(super) type Key = [u8; 32];

/// The user, or none if the password was wrong.
type Verdict = Option<Arc<str>>;

/// Verdicts by name and password.
///
/// Wrong ones are kept as well: a client with an outdated password repeats it with every request.
pub(super) struct Verdicts {
    mac: Hmac<Sha256>,
    entries: Mutex<HashMap<Key, Entry>>,
}

#[derive(Clone)]
struct Entry {
    since: Instant,
    verdict: Arc<OnceCell<Verdict>>,
}

impl Entry {
    fn is_fresh(&self) -> bool {
        self.since.elapsed() < LIFE
    }

    fn is_wrong(&self) -> bool {
        matches!(self.verdict.get(), Some(None))
    }
}

impl Verdicts {
    pub(super) fn new() -> Self {
        let mut key = [0; 64];
        OsRng.fill_bytes(&mut key);
        Self { mac: Hmac::new(&key.into()), entries: Mutex::default() }
    }

    pub(super) fn key(&self, name: &str, password: &str) -> Key {
        let mut mac = self.mac.clone();
        // The length keeps ("a", "bc") and ("ab", "c") apart.
        mac.update(&(name.len() as u64).to_be_bytes());
        mac.update(name.as_bytes());
        mac.update(password.as_bytes());
        mac.finalize().into_bytes().into()
    }

    /// The verdict reached before, if it still holds. A good one holds on for as long as it is used:
    /// while a peer is kept out for its failures, those behind the same address who know their password stay in.
    pub(super) fn known(&self, key: &Key) -> Option<Verdict> {
        let mut entries = self.entries.lock();
        let entry = entries.get_mut(key).filter(|entry| entry.is_fresh())?;
        let verdict = entry.verdict.get().cloned()?;
        if verdict.is_some() {
            entry.since = Instant::now();
        }
        Some(verdict)
    }

    /// The verdict, reached by `reach` if there is none: once, however many ask meanwhile. Its error is not kept.
    pub(super) async fn get_or_reach<E, F>(&self, key: Key, reach: impl FnOnce() -> F) -> Result<Verdict, E>
    where
        F: Future<Output = Result<Verdict, E>>,
    {
        self.cell(key).get_or_try_init(reach).await.cloned()
    }

    fn cell(&self, key: Key) -> Arc<OnceCell<Verdict>> {
        let mut entries = self.entries.lock();
        if let Some(entry) = entries.get(&key).filter(|entry| entry.is_fresh()) {
            return Arc::clone(&entry.verdict);
        }
        if entries.len() >= MAX_VERDICTS {
            make_room(&mut entries);
        }
        let entry = Entry { since: Instant::now(), verdict: Arc::default() };
        entries.insert(key, entry.clone());
        entry.verdict
    }
}

/// Gives up outdated verdicts, then those on wrong passwords, and the oldest only if that was not enough:
/// whoever guesses passwords must not push out those who know theirs.
fn make_room(entries: &mut HashMap<Key, Entry>) {
    entries.retain(|_, entry| entry.is_fresh());
    if entries.len() >= MAX_VERDICTS {
        entries.retain(|_, entry| !entry.is_wrong());
    }
    if entries.len() >= MAX_VERDICTS
        && let Some((&oldest, _)) = entries.iter().min_by_key(|(_, entry)| entry.since)
    {
        entries.remove(&oldest);
    }
}
