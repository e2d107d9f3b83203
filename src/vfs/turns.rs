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
        let hash = self.hasher.hash_one((folder, name));
        let stripe = usize::try_from(hash % STRIPES as u64).unwrap_or_default();
        Arc::clone(&self.stripes[stripe]).lock_owned().await
    }
}
