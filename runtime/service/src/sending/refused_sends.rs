//! Counts the sends that were refused because too many of their tenant were waiting.

use std::sync::atomic::{AtomicU64, Ordering};

/// Sends that were refused, since the start.
#[derive(Default)]
pub(crate) struct RefusedSends(AtomicU64);

impl RefusedSends {
    pub(crate) fn count(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn total(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
