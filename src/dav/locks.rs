//! Locks: who may write where for how long.
//!
//! Kept by the key of a path ([`At::key`]), so that a lock holds for every spelling of it and for every user, whatever their home.
//! `dav_server` asks before every write, and never asks for the end of a lock, so every look here drops those whose time is over.
//! They are gone after a restart: a client that still has one writes as if nothing were locked, or locks anew.

use std::collections::BTreeMap;
use std::future::ready;
use std::ops::Bound;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use dav_server::davpath::DavPath;
use dav_server::ls::{DavLock, DavLockSystem, LsFuture};
use parking_lot::Mutex;
use rand::RngExt as _;
use tokio::time::Instant;
use xmltree::Element;

use crate::vfs::{At, VPath, View};

/// For a client that asks for no end.
const DEFAULT_LIFE: Duration = Duration::from_secs(600);
/// No client needs more at a time, and nobody shall fill the memory with them.
const MAX_LOCKS: usize = 10_000;

/// All locks of the gateway.
#[derive(Debug, Default)]
pub struct Locks {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    by_key: BTreeMap<String, Vec<Held>>,
    count: usize,
}

#[derive(Clone, Debug)]
struct Held {
    lock: DavLock,
    /// The path in the whole tree, as whoever locked it calls it.
    root: VPath,
    end: Instant,
}

/// The locks that matter to a folder and its children.
#[derive(Clone, Debug)]
pub(super) struct LocksAround {
    /// Those on itself, and the deep ones from above.
    pub(super) on_it: Vec<SeenLock>,
    /// Those on its children, with their keys.
    pub(super) on_children: Vec<(String, SeenLock)>,
}

/// A lock as it is told.
#[derive(Clone, Debug)]
pub(super) struct SeenLock {
    pub(super) shared: bool,
    pub(super) deep: bool,
    pub(super) owner: Option<Box<Element>>,
    pub(super) token: String,
    pub(super) remaining: Duration,
    /// Where it is, in the whole tree.
    pub(super) root: VPath,
    /// Whether a folder was there when it was made.
    pub(super) on_folder: bool,
}

impl Held {
    fn seen(&self, now: Instant) -> SeenLock {
        let DavLock { shared, deep, owner, token, path, .. } = &self.lock;
        SeenLock {
            shared: *shared,
            deep: *deep,
            owner: owner.clone(),
            token: token.clone(),
            remaining: self.end.saturating_duration_since(now),
            root: self.root.clone(),
            on_folder: path.is_collection(),
        }
    }
}

/// The locks as a user sees them for whom paths begin at their home.
#[derive(Clone, Debug)]
pub(super) struct ViewedLocks {
    pub(super) locks: Arc<Locks>,
    pub(super) view: View,
}

impl ViewedLocks {
    /// The key of a path. What is no path of the tree has one of its own, under which nothing is ever locked.
    fn key(&self, path: &DavPath) -> String {
        self.at(path).map_or_else(|| "\0".to_owned(), |at| at.key())
    }

    fn at(&self, path: &DavPath) -> Option<At> {
        let text = str::from_utf8(path.as_bytes()).ok()?;
        let parsed = VPath::parse(if text.is_empty() { "/" } else { text });
        parsed.ok().map(|path| self.view.at(path))
    }
}

impl Locks {
    /// Whether there is any lock at all. Mostly there is none, and nobody has to look for one.
    pub(super) fn is_empty(&self) -> bool {
        self.state.lock().count == 0
    }

    /// The locks that what has `key` is under, and those of its children.
    pub(super) fn around(&self, key: &str) -> LocksAround {
        self.with(|state| {
            let now = Instant::now();
            let on_it = above(key).flat_map(|(key, is_it)| {
                let held = state.by_key.get(key).into_iter().flatten();
                held.filter(move |held| is_it || held.lock.deep).map(|held| held.seen(now))
            });
            let is_child = |(other, _): &(&String, &Held)| {
                other.len() > key.len() && !other[key.len() + 1..].contains('/')
            };
            let below = state.held_below(key).filter(is_child);
            LocksAround {
                on_it: on_it.collect(),
                on_children: below.map(|(key, held)| (key.clone(), held.seen(now))).collect(),
            }
        })
    }

    /// Does something with the locks that are still held.
    fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.state.lock();
        let now = Instant::now();
        state.by_key.retain(|_, held| {
            held.retain(|held| held.end > now);
            !held.is_empty()
        });
        let outcome = act(&mut state);
        state.count = state.by_key.values().map(Vec::len).sum();
        outcome
    }
}

impl State {
    /// The locks of exactly this key; of those that only hold for it if not `deep_only`.
    fn at(&self, key: &str, deep_only: bool) -> Vec<DavLock> {
        let held = self.by_key.get(key).into_iter().flatten();
        held.filter(|held| held.lock.deep || !deep_only).map(|held| held.lock.clone()).collect()
    }

    /// The locks of `key` and of everything below.
    fn below(&self, key: &str) -> impl Iterator<Item = &DavLock> {
        self.held_below(key).map(|(_, held)| &held.lock)
    }

    fn held_below(&self, key: &str) -> impl Iterator<Item = (&String, &Held)> {
        let prefix = format!("{key}/");
        let own = self.by_key.get_key_value(key);
        let start = Bound::Included(prefix.clone());
        let rest = self.by_key.range((start, Bound::Unbounded));
        let rest = rest.take_while(move |(key, _)| key.starts_with(&prefix));
        own.into_iter().chain(rest).flat_map(|(key, held)| held.iter().map(move |held| (key, held)))
    }

    fn find(&mut self, key: &str, token: &str) -> Option<(String, usize)> {
        above(key).find_map(|(key, is_it)| {
            let held = self.by_key.get(key)?;
            let index = held.iter().position(|held| held.lock.token == token && (is_it || held.lock.deep))?;
            Some((key.to_owned(), index))
        })
    }
}

/// `key` and those of all folders above, from the top down; with each, whether it is `key` itself.
fn above(key: &str) -> impl Iterator<Item = (&str, bool)> {
    let folders = key.match_indices('/').map(|(end, _)| (&key[..end], false));
    folders.chain([(key, true)])
}

/// Whether `lock` keeps out a request that shows `tokens`.
fn keeps_out(lock: &DavLock, principal: Option<&str>, ignore_principal: bool, tokens: &[String]) -> bool {
    !tokens.contains(&lock.token) || !(ignore_principal || principal == lock.principal.as_deref())
}

impl DavLockSystem for ViewedLocks {
    fn lock(
        &'_ self,
        path: &DavPath,
        principal: Option<&str>,
        owner: Option<&Element>,
        timeout: Option<Duration>,
        shared: bool,
        deep: bool,
    ) -> LsFuture<'_, Result<DavLock, DavLock>> {
        let key = self.key(path);
        let root = self.at(path).map_or_else(VPath::root, |at| at.tree_path().clone());
        let life = timeout.unwrap_or(DEFAULT_LIFE).max(Duration::from_secs(1));
        let lock = DavLock {
            token: token(),
            path: Box::new(path.clone()),
            principal: principal.map(ToOwned::to_owned),
            owner: owner.map(|owner| Box::new(owner.clone())),
            timeout_at: Some(SystemTime::now() + life),
            timeout: Some(life),
            shared,
            deep,
        };
        let outcome = self.locks.with(|state| {
            let conflicts = |other: &DavLock| !(shared && other.shared);
            let on_it = above(&key).flat_map(|(above, is_it)| state.at(above, !is_it)).find(&conflicts);
            let below = || state.below(&key).find(|other| deep && conflicts(other)).cloned();
            if let Some(other) = on_it.or_else(below) {
                return Err(other);
            }
            if state.count >= MAX_LOCKS {
                // There is no word for "too many", and one that is refused is tried again later.
                return Err(lock.clone());
            }
            let held = Held { lock: lock.clone(), root, end: Instant::now() + life };
            state.by_key.entry(key.clone()).or_default().push(held);
            Ok(lock.clone())
        });
        Box::pin(ready(outcome))
    }

    fn unlock(&'_ self, path: &DavPath, token: &str) -> LsFuture<'_, Result<(), ()>> {
        let key = self.key(path);
        let outcome = self.locks.with(|state| {
            let (key, index) = state.find(&key, token).ok_or(())?;
            state.by_key.get_mut(&key).map(|held| held.remove(index)).map(drop).ok_or(())
        });
        Box::pin(ready(outcome))
    }

    fn refresh(
        &'_ self,
        path: &DavPath,
        token: &str,
        timeout: Option<Duration>,
    ) -> LsFuture<'_, Result<DavLock, ()>> {
        let key = self.key(path);
        let outcome = self.locks.with(|state| {
            let (key, index) = state.find(&key, token).ok_or(())?;
            let held = state.by_key.get_mut(&key).and_then(|held| held.get_mut(index)).ok_or(())?;
            let life = timeout.or(held.lock.timeout).unwrap_or(DEFAULT_LIFE).max(Duration::from_secs(1));
            held.end = Instant::now() + life;
            held.lock.timeout = Some(life);
            held.lock.timeout_at = Some(SystemTime::now() + life);
            Ok(held.lock.clone())
        });
        Box::pin(ready(outcome))
    }

    fn check(
        &'_ self,
        path: &DavPath,
        principal: Option<&str>,
        ignore_principal: bool,
        deep: bool,
        submitted_tokens: &[String],
    ) -> LsFuture<'_, Result<(), DavLock>> {
        let key = self.key(path);
        let outcome = self.locks.with(|state| {
            let kept_out = |lock: &DavLock| keeps_out(lock, principal, ignore_principal, submitted_tokens);
            let on_it: Vec<DavLock> =
                above(&key).flat_map(|(above, is_it)| state.at(above, !is_it)).collect();
            // Of several shared locks, one that the client holds is enough.
            let holds_one = on_it.iter().any(|lock| !kept_out(lock));
            if let Some(lock) = on_it.iter().find(|lock| kept_out(lock) && !(lock.shared && holds_one)) {
                return Err(lock.clone());
            }
            match state.below(&key).find(|lock| deep && kept_out(lock)) {
                Some(lock) => Err(lock.clone()),
                None => Ok(()),
            }
        });
        Box::pin(ready(outcome))
    }

    fn discover(&'_ self, path: &DavPath) -> LsFuture<'_, Vec<DavLock>> {
        let key = self.key(path);
        Box::pin(ready(
            self.locks.with(|state| above(&key).flat_map(|(above, is_it)| state.at(above, !is_it)).collect()),
        ))
    }

    fn delete(&'_ self, path: &DavPath) -> LsFuture<'_, Result<(), ()>> {
        let key = self.key(path);
        self.locks.with(|state| {
            let prefix = format!("{key}/");
            state.by_key.retain(|other, _| *other != key && !other.starts_with(&prefix));
        });
        Box::pin(ready(Ok(())))
    }
}

/// A new lock token: an address of the scheme that RFC 4918 makes for it, with a random UUID.
fn token() -> String {
    let random: u128 = rand::rng().random();
    let text = format!("{:032x}", random & !(0xf << 76 | 0b11 << 62) | 4 << 76 | 0b10 << 62);
    let parts = [0..8, 8..12, 12..16, 16..20, 20..32].map(|part| &text[part]);
    format!("opaquelocktoken:{}", parts.join("-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn locks() -> ViewedLocks {
        ViewedLocks { locks: Arc::default(), view: View::whole() }
    }

    fn path(text: &str) -> DavPath {
        DavPath::new(text).unwrap()
    }

    async fn lock(locks: &ViewedLocks, at: &str, shared: bool, deep: bool) -> Result<String, DavLock> {
        let life = Some(Duration::from_secs(60));
        locks.lock(&path(at), Some("anna"), None, life, shared, deep).await.map(|lock| lock.token)
    }

    async fn may_write(locks: &ViewedLocks, at: &str, deep: bool, tokens: &[&str]) -> bool {
        let tokens: Vec<String> = tokens.iter().map(|&token| token.to_owned()).collect();
        locks.check(&path(at), Some("anna"), false, deep, &tokens).await.is_ok()
    }

    #[tokio::test(start_paused = true)]
    async fn a_lock_keeps_out_whoever_does_not_show_it_until_it_ends() {
        let locks = locks();
        let token = lock(&locks, "/a/b", false, true).await.unwrap();
        assert!(
            !may_write(&locks, "/a/b", false, &[]).await && !may_write(&locks, "/a/b/c", false, &[]).await
        );
        assert!(may_write(&locks, "/a/b/c/", false, &[&token]).await);
        assert!(may_write(&locks, "/a/bc", false, &[]).await && may_write(&locks, "/a", false, &[]).await);
        assert!(!may_write(&locks, "/a", true, &[]).await, "something in it is locked");
        let tokens = [token.clone()];
        assert!(locks.check(&path("/a/b"), Some("ben"), false, false, &tokens).await.is_err());
        assert!(
            lock(&locks, "/a/b/c", true, false).await.is_err()
                && lock(&locks, "/", true, true).await.is_err()
        );
        tokio::time::advance(Duration::from_secs(50)).await;
        locks.refresh(&path("/a/b/c"), &token, None).await.unwrap();
        tokio::time::advance(Duration::from_secs(50)).await;
        assert!(!may_write(&locks, "/a/b", false, &[]).await, "it has been refreshed");
        tokio::time::advance(Duration::from_secs(11)).await;
        assert!(
            may_write(&locks, "/a/b", false, &[]).await && locks.discover(&path("/a/b")).await.is_empty()
        );
        assert!(locks.locks.is_empty() && locks.unlock(&path("/a/b"), &token).await.is_err());
    }

    #[tokio::test]
    async fn a_flat_lock_holds_for_its_path_alone_and_shared_ones_stand_side_by_side() {
        let locks = locks();
        let one = lock(&locks, "/a", true, false).await.unwrap();
        let other = lock(&locks, "/a", true, false).await.unwrap();
        assert!(may_write(&locks, "/a/b", false, &[]).await && !may_write(&locks, "/a", false, &[]).await);
        assert!(may_write(&locks, "/a", false, &[&other]).await);
        assert!(lock(&locks, "/a", false, false).await.is_err());
        assert_eq!(locks.discover(&path("/a")).await.len(), 2);
        locks.unlock(&path("/a"), &one).await.unwrap();
        locks.delete(&path("/")).await.unwrap();
        assert!(lock(&locks, "/a", false, false).await.is_ok());
    }

    #[tokio::test]
    async fn a_lock_holds_for_every_spelling_and_for_every_home() {
        let all = locks();
        lock(&all, "/kids/caf%C3%A9:", false, false).await.unwrap();
        let kids = ViewedLocks { view: View::new(VPath::parse("/kids").unwrap(), None), ..all };
        assert!(!may_write(&kids, "/cafe%CC%81%EF%BC%9A", false, &[]).await);
        assert!(may_write(&kids, "/cafe", false, &[]).await);
    }

    #[test]
    fn a_token_is_a_random_uuid() {
        let token = token();
        assert_eq!(token.len(), "opaquelocktoken:".len() + 36);
        assert_eq!(&token[30..31], "4");
        assert!("89ab".contains(&token[35..36]), "{token}");
    }
}
