//! One at a time: two clients that write the same name must not each take the other's file for the one to replace.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;

use tokio::sync::{Mutex, OwnedMutexGuard};

use crate::cache::FolderKey;

/// Names that fall together wait for one another, which does no harm.
const STRIPES: usize = 256;

pub(super) struct Turns {
    stripes: Vec<Arc<Mutex<()>>>,
    hasher: RandomState,
}

impl Default for Turns {
    fn default() -> Self {
        Self { stripes: (0..STRIPES).map(|_| Arc::default()).collect(), hasher: RandomState::new() }
    }
}

impl Turns {
    /// Waits until nobody else is at work on `name` in `folder`, and keeps others waiting until it is dropped.
    pub(super) async fn of(&self, folder: FolderKey, name: &str) -> OwnedMutexGuard<()> {
        Arc::clone(&self.stripes[self.stripe(folder, name)]).lock_owned().await
    }

    /// The same for two names at once. Always in one order, so that two who want the same two do not wait for each other.
    pub(super) async fn of_both(&self, names: [(FolderKey, &str); 2]) -> Vec<OwnedMutexGuard<()>> {
        let mut stripes = names.map(|(folder, name)| self.stripe(folder, name)).to_vec();
        stripes.sort_unstable();
        stripes.dedup();
        let mut turns = Vec::new();
        for stripe in stripes {
            turns.push(Arc::clone(&self.stripes[stripe]).lock_owned().await);
        }
        turns
    }

    fn stripe(&self, folder: FolderKey, name: &str) -> usize {
        let hash = self.hasher.hash_one((folder, name));
        usize::try_from(hash % STRIPES as u64).unwrap_or_default()
    }
}
