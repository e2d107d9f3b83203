//! How many calls to 115 one request caused.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// A shared counter, created per request and handed down to the place that makes the calls.
///
/// A call shared by several requests counts for the one that started it.
#[derive(Clone, Debug, Default)]
pub struct Meter(Arc<AtomicU32>);

impl Meter {
    /// Counts one call.
    pub fn count(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// Calls so far.
    pub fn calls(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }
}
