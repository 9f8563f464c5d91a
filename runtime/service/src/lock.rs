//! A lock that a panic does not take away.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks. Whoever held it before cannot have left half a change: every holder makes single calls of pure rules.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
