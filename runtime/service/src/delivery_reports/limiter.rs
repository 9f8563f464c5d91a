//! Limits how many callbacks are read concurrently, so that most slots of the sandbox are left to messages.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use sendbox_domain::rules::report::{MAX_CALLS_PER_CONNECTION, max_concurrent_calls};
use sendbox_sandbox::Sandbox;

use crate::lock::lock;

/// Tenant and connection.
type ConnectionKey = (String, String);

/// Limits how many callbacks are read concurrently, in total and for each connection.
pub(crate) struct CallbackLimiter {
    max: usize,
    running: Mutex<HashMap<ConnectionKey, usize>>,
}

/// A slot for one callback, released when it is dropped.
pub(crate) struct CallbackSlot {
    limiter: Arc<CallbackLimiter>,
    connection: ConnectionKey,
}

impl CallbackLimiter {
    /// A limiter that leaves most slots of the sandbox to messages.
    pub(crate) fn for_sandbox(sandbox: &Sandbox) -> Arc<Self> {
        Arc::new(Self { max: max_concurrent_calls(sandbox.in_flight()), running: Mutex::default() })
    }

    /// A slot for a connection, if one is free.
    pub(crate) fn acquire(self: &Arc<Self>, connection: ConnectionKey) -> Option<CallbackSlot> {
        let mut running = lock(&self.running);
        let count = running.get(&connection).copied().unwrap_or(0);
        if count >= MAX_CALLS_PER_CONNECTION || running.values().sum::<usize>() >= self.max {
            return None;
        }
        running.insert(connection.clone(), count + 1);
        Some(CallbackSlot { limiter: Arc::clone(self), connection })
    }
}

impl Drop for CallbackSlot {
    fn drop(&mut self) {
        let mut running = lock(&self.limiter.running);
        match running.get_mut(&self.connection) {
            Some(count) if *count > 1 => *count -= 1,
            _ => drop(running.remove(&self.connection)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_callbacks_are_read_at_once_and_fewer_of_one_connection() {
        let limiter = Arc::new(CallbackLimiter { max: 3, running: Mutex::default() });
        let key = |name: &str| ("acme".to_owned(), name.to_owned());
        let first = limiter.acquire(key("main")).unwrap();
        let _second = limiter.acquire(key("main")).unwrap();
        assert!(limiter.acquire(key("main")).is_none(), "two of one connection");
        let third = limiter.acquire(key("backup")).unwrap();
        assert!(limiter.acquire(key("other")).is_none(), "three in all");
        drop(first);
        assert!(limiter.acquire(key("main")).is_some());
        drop(third);
        assert!(limiter.acquire(key("other")).is_some());
        assert_eq!(lock(&limiter.running).len(), 1, "released slots leave no entry behind");
    }
}
