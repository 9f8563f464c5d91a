//! Limits how many callbacks are read concurrently, so that most slots of the sandbox are left to messages.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use sendbox_domain::rules::report::{OF_ONE_CONNECTION, most_at_once};
use sendbox_sandbox::Sandbox;

use crate::lock::lock;

/// Limits how many callbacks are read concurrently, in total and for each connection.
pub(crate) struct CallbackLimiter {
    most: usize,
    running: Mutex<HashMap<(String, String), usize>>,
}

/// A slot for one callback, released when it is dropped.
pub(crate) struct CallbackSlot {
    limiter: Arc<CallbackLimiter>,
    of: (String, String),
}

impl CallbackLimiter {
    /// A limiter that leaves most slots of the sandbox to messages.
    pub(crate) fn for_sandbox(sandbox: &Sandbox) -> Arc<Self> {
        Arc::new(Self { most: most_at_once(sandbox.in_flight()), running: Mutex::default() })
    }

    /// A slot for a connection, if one is free.
    pub(crate) fn enter(self: &Arc<Self>, of: (String, String)) -> Option<CallbackSlot> {
        let mut running = lock(&self.running);
        let here = running.get(&of).copied().unwrap_or(0);
        if here >= OF_ONE_CONNECTION || running.values().sum::<usize>() >= self.most {
            return None;
        }
        running.insert(of.clone(), here + 1);
        Some(CallbackSlot { limiter: Arc::clone(self), of })
    }
}

impl Drop for CallbackSlot {
    fn drop(&mut self) {
        let mut running = lock(&self.limiter.running);
        match running.get_mut(&self.of) {
            Some(here) if *here > 1 => *here -= 1,
            _ => drop(running.remove(&self.of)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_callbacks_are_read_at_once_and_fewer_of_one_connection() {
        let limiter = Arc::new(CallbackLimiter { most: 3, running: Mutex::default() });
        let of = |name: &str| ("acme".to_owned(), name.to_owned());
        let first = limiter.enter(of("main")).unwrap();
        let _second = limiter.enter(of("main")).unwrap();
        assert!(limiter.enter(of("main")).is_none(), "two of one connection");
        let third = limiter.enter(of("backup")).unwrap();
        assert!(limiter.enter(of("other")).is_none(), "three in all");
        drop(first);
        assert!(limiter.enter(of("main")).is_some());
        drop(third);
        assert!(limiter.enter(of("other")).is_some());
        assert_eq!(lock(&limiter.running).len(), 1, "nothing is kept of those that have left");
    }
}
