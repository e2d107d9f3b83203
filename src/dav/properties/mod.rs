//! Dead properties: what clients want to be remembered of a path, and what means nothing to the gateway.
//!
//! 115 has no place for them, so they are kept here: by the key of a path ([`At::key`](crate::vfs::At::key)), in memory,
//! and in one file, which is written anew with every change. Whoever changes something by another way than this gateway leaves them behind.
//! Knows names and XML as text. Does not know requests. Called by `proppatch`, `write` and `propfind`.

mod file;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::ops::Bound;
use std::path::PathBuf;
use std::sync::Arc;

use parking_lot::RwLock;
use tokio::sync::Mutex;
use tokio::task::spawn_blocking;

use self::file::Stored;
use super::xml::Name;

/// Most properties of one path. Clients that use them have about a dozen.
const MAX_PER_PATH: usize = 100;
/// Longest property, its element included, in bytes.
pub(super) const MAX_VALUE: usize = 16 << 10;
/// All properties together with their paths, in bytes. They are in memory, and all are written with every change.
const MAX_BYTES: usize = 4 << 20;

/// One property that a client has set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Dead {
    pub(super) name: Name,
    /// Its element with its value, which stands for itself wherever it is put.
    pub(super) xml: Box<str>,
}

/// Those of one path, in the order in which they were first set. A clone copies nothing.
pub(super) type DeadSet = Arc<Vec<Dead>>;

/// One step of a request that sets and removes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Change {
    Set(Dead),
    Remove(Name),
}

/// Why nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Unkept {
    /// The step with this index goes beyond a limit, for this reason.
    TooMuch(usize, String),
    /// The file cannot be written, for this reason.
    NotWritten(String),
}

/// All dead properties of the gateway.
#[derive(Debug, Default)]
pub struct Properties {
    kept: RwLock<Kept>,
    /// Held during a change, until it is in the file. Without a file they end with the gateway.
    file: Arc<Mutex<Option<Stored>>>,
}

#[derive(Clone, Debug, Default)]
struct Kept {
    by_key: BTreeMap<String, DeadSet>,
    bytes: usize,
}

impl Properties {
    /// Those in the file at `path`, which need not be there yet; every change is written to it.
    ///
    /// A file that is not one of these is put aside, and the log says so.
    pub fn open(path: PathBuf) -> Self {
        let (stored, by_key) = Stored::open(path);
        let mut kept = Kept { by_key, bytes: 0 };
        kept.bytes = kept.by_key.iter().map(|(key, set)| weight(key, set)).sum();
        Self { kept: RwLock::new(kept), file: Arc::new(Mutex::new(Some(stored))) }
    }

    /// Whether there is none at all, so that nobody has to look for one.
    pub(super) fn is_empty(&self) -> bool {
        self.kept.read().by_key.is_empty()
    }

    /// Those of `key`.
    pub(super) fn of(&self, key: &str) -> Option<DeadSet> {
        self.kept.read().by_key.get(key).cloned()
    }

    /// Those of the children of `key`, by their keys.
    pub(super) fn of_children(&self, key: &str) -> Vec<(String, DeadSet)> {
        let kept = self.kept.read();
        let is_child = |(other, _): &(&String, &DeadSet)| !other[key.len() + 1..].contains('/');
        kept.below(key).filter(is_child).map(|(key, set)| (key.clone(), Arc::clone(set))).collect()
    }

    /// Carries out `changes` on `key`, all or none, and returns when they are in the file.
    ///
    /// The change is not given up if the caller is: it is either made, in memory and in the file, or not.
    pub(super) async fn change(self: &Arc<Self>, key: String, changes: Vec<Change>) -> Result<(), Unkept> {
        // Waited for here, so that many requests do not take all threads on which files are written.
        let mut file = Arc::clone(&self.file).lock_owned().await;
        let this = Arc::clone(self);
        let done = spawn_blocking(move || this.change_now(file.as_mut(), &key, changes)).await;
        done.unwrap_or_else(|_| Err(Unkept::NotWritten("the gateway is stopping".to_owned())))
    }

    fn change_now(&self, file: Option<&mut Stored>, key: &str, changes: Vec<Change>) -> Result<(), Unkept> {
        let mut next = self.kept.read().clone();
        next.apply(key, changes)?;
        if next.by_key == self.kept.read().by_key {
            return Ok(());
        }
        if let Some(file) = file {
            file.write(&next.by_key).map_err(Unkept::NotWritten)?;
        }
        *self.kept.write() = next;
        Ok(())
    }

    /// Forgets those of `key` and of everything below: it is gone, or something else is there now.
    pub(super) async fn forget(self: &Arc<Self>, key: &str) {
        let key = key.to_owned();
        self.follow(move |kept| drop(kept.take(&key))).await;
    }

    /// What was at `from` with all that is in it is now at `to`, in place of what was there.
    pub(super) async fn rename(self: &Arc<Self>, from: &str, to: &str) {
        if from == to {
            return;
        }
        let (from, to) = (from.to_owned(), to.to_owned());
        self.follow(move |kept| {
            kept.take(&to);
            for (key, set) in kept.take(&from) {
                kept.put(to.clone() + &key[from.len()..], set);
            }
        })
        .await;
    }

    /// What is at `from` is now also at `to`, in place of what was there; if not `deep`, without what is in it.
    pub(super) async fn copy(self: &Arc<Self>, from: &str, to: &str, deep: bool) {
        let (from, to) = (from.to_owned(), to.to_owned());
        self.follow(move |kept| {
            let own = kept.by_key.get(&from).map(|set| (from.clone(), Arc::clone(set)));
            let below = kept.below(&from).filter(|_| deep);
            let below = below.map(|(key, set)| (key.clone(), Arc::clone(set)));
            let copied: Vec<_> = own.into_iter().chain(below).collect();
            kept.take(&to);
            for (key, set) in copied {
                let key = to.clone() + &key[from.len()..];
                if kept.bytes + weight(&key, &set) > MAX_BYTES {
                    tracing::warn!(
                        "properties were not copied with {key}: there is room for no more of them"
                    );
                    return;
                }
                kept.put(key, set);
            }
        })
        .await;
    }

    /// Makes a change that follows from one that 115 has made already, and which therefore cannot be refused.
    async fn follow(self: &Arc<Self>, act: impl FnOnce(&mut Kept) + Send + 'static) {
        if self.is_empty() {
            return;
        }
        let this = Arc::clone(self);
        let followed = spawn_blocking(move || {
            let mut file = this.file.blocking_lock();
            let mut next = this.kept.read().clone();
            act(&mut next);
            if next.by_key == this.kept.read().by_key {
                return;
            }
            // The log has told if it cannot be written; the next change that can be writes this one as well.
            let _ = file.as_mut().map(|file| file.write(&next.by_key));
            *this.kept.write() = next;
        });
        let _ = followed.await;
    }
}

impl Kept {
    /// All below `key`, without its own.
    fn below(&self, key: &str) -> impl Iterator<Item = (&String, &DeadSet)> {
        let prefix = format!("{key}/");
        let range = self.by_key.range::<str, _>((Bound::Included(prefix.as_str()), Bound::Unbounded));
        range.take_while(move |(key, _)| key.starts_with(&prefix))
    }

    /// Takes out `key` and all below it.
    fn take(&mut self, key: &str) -> Vec<(String, DeadSet)> {
        let own = self.by_key.contains_key(key).then(|| key.to_owned());
        let keys: Vec<String> = own.into_iter().chain(self.below(key).map(|(key, _)| key.clone())).collect();
        let taken: Vec<_> = keys.iter().filter_map(|key| self.by_key.remove_entry(key)).collect();
        self.bytes -= taken.iter().map(|(key, set)| weight(key, set)).sum::<usize>();
        taken
    }

    fn put(&mut self, key: String, set: DeadSet) {
        if let Some(old) = self.by_key.remove(&key) {
            self.bytes -= weight(&key, &old);
        }
        if !set.is_empty() {
            self.bytes += weight(&key, &set);
            self.by_key.insert(key, set);
        }
    }

    fn apply(&mut self, key: &str, changes: Vec<Change>) -> Result<(), Unkept> {
        let mut set = self.by_key.get(key).map(|set| (**set).clone()).unwrap_or_default();
        let before = self.by_key.get(key).map_or(0, |set| weight(key, set));
        for (index, change) in changes.into_iter().enumerate() {
            let too_much = |reason: String| Err(Unkept::TooMuch(index, reason));
            match change {
                Change::Remove(name) => set.retain(|dead| dead.name != name),
                Change::Set(dead) if dead.xml.len() > MAX_VALUE => {
                    return too_much(format!("it is longer than the {MAX_VALUE} bytes that are kept of one"));
                }
                Change::Set(dead) => match set.iter_mut().find(|other| other.name == dead.name) {
                    Some(old) => *old = dead,
                    None => set.push(dead),
                },
            }
            // Looked at after every step, so that the step that goes too far is the one that is named.
            if set.len() > MAX_PER_PATH {
                return too_much(format!("no more than {MAX_PER_PATH} properties are kept of one path"));
            }
            if self.bytes - before + weight(key, &set) > MAX_BYTES {
                let reason = format!(
                    "all properties together are more than the {} MiB that are kept",
                    MAX_BYTES >> 20
                );
                return too_much(reason);
            }
        }
        self.put(key.to_owned(), Arc::new(set));
        Ok(())
    }
}

/// What counts of `set` at `key`, in bytes.
fn weight(key: &str, set: &[Dead]) -> usize {
    let one = |dead: &Dead| {
        let namespace = dead.name.namespace.as_deref().map_or(0, str::len);
        key.len() + namespace + dead.name.local.len() + dead.xml.len()
    };
    set.iter().map(one).sum()
}
