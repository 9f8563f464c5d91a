//! Limits how many callbacks are read concurrently, so that most slots of the sandbox are left to messages, and shares what is left
//! fairly.
//!
//! Promises
//! - a call waits for its turn. Tenants take turns, and one tenant never holds all slots if there are two or more: however many calls
//!   arrive for one of them, a call for another one finds a slot;
//! - waiting is bounded in number, for each connection and for each tenant, and in time. Beyond that a call is refused, and the
//!   provider repeats it.
//!
//! Must not know: whether a call is authentic, what it contains.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sendbox_domain::rules::report::{MAX_CALLS_PER_CONNECTION, max_concurrent_calls};
use sendbox_sandbox::Sandbox;
use sendbox_slots::{Permit, Slots, Waiting};
use tokio::time::timeout;

use crate::lock::lock;

/// Maximum number of concurrent look-ups of tokens: as many connections as the store has for one owner on SQLite.
const LOOKUPS: usize = 3;
/// Maximum number of concurrent look-ups for one tenant.
const LOOKUPS_OF_TENANT: usize = 2;
/// How long a call waits for a slot. Providers wait for a response for 5 to 15 s.
const MAX_WAIT: Duration = Duration::from_secs(10);

/// Tenant and connection.
type ConnectionKey = (String, String);

/// Limits how many callbacks are read concurrently, and shares the slots between tenants.
pub(crate) struct CallbackLimiter {
    lookups: Slots,
    calls: Slots,
    /// The number of calls that are being read or wait.
    calls_of_connection: Mutex<HashMap<ConnectionKey, usize>>,
}

/// A slot for one callback, released when it is dropped.
pub(crate) struct CallbackSlot {
    _permit: Permit,
    _counted: CountedCall,
}

/// A call that is counted for its connection until it is dropped.
struct CountedCall {
    limiter: Arc<CallbackLimiter>,
    connection: ConnectionKey,
}

impl CallbackLimiter {
    /// A limiter that leaves most slots of the sandbox to messages.
    pub(crate) fn for_sandbox(sandbox: &Sandbox) -> Arc<Self> {
        Self::with_slots(max_concurrent_calls(sandbox.in_flight()))
    }

    /// Leaves at least a quarter of the slots to the other tenants, however many calls arrive for one.
    fn with_slots(slots: usize) -> Arc<Self> {
        Arc::new(Self {
            lookups: Slots::with_share(LOOKUPS, LOOKUPS_OF_TENANT),
            calls: Slots::with_share(slots, slots - slots.div_ceil(4)),
            calls_of_connection: Mutex::default(),
        })
    }

    /// Waits for a slot in which the token of a call is looked up. `tenant` is the name in the URL, which anyone may have written: a
    /// flood of calls for one tenant, or for invented ones, delays a call for another tenant by a few look-ups. `None`: too many
    /// calls are waiting.
    pub(crate) async fn look_up(&self, tenant: &str) -> Option<Permit> {
        timeout(MAX_WAIT, self.lookups.acquire(tenant, Waiting::Bounded)).await.ok()?.ok()
    }

    /// Waits for a slot for a call of a connection. `None`: too many calls are waiting.
    pub(crate) async fn acquire(self: &Arc<Self>, connection: ConnectionKey) -> Option<CallbackSlot> {
        let counted = self.count(connection)?;
        let tenant = &counted.connection.0;
        let permit = timeout(MAX_WAIT, self.calls.acquire(tenant, Waiting::Bounded)).await.ok()?.ok()?;
        Some(CallbackSlot { _permit: permit, _counted: counted })
    }

    /// Counts a call, unless its connection has too many.
    fn count(self: &Arc<Self>, connection: ConnectionKey) -> Option<CountedCall> {
        let mut counts = lock(&self.calls_of_connection);
        let count = counts.get(&connection).copied().unwrap_or(0);
        if count >= MAX_CALLS_PER_CONNECTION {
            return None;
        }
        counts.insert(connection.clone(), count + 1);
        Some(CountedCall { limiter: Arc::clone(self), connection })
    }
}

impl Drop for CountedCall {
    fn drop(&mut self) {
        let mut counts = lock(&self.limiter.calls_of_connection);
        match counts.get_mut(&self.connection) {
            Some(count) if *count > 1 => *count -= 1,
            _ => drop(counts.remove(&self.connection)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::pin::Pin;
    use std::task::{Context, Poll, Waker};

    use super::*;

    type Call<'l> = Pin<Box<dyn Future<Output = Option<CallbackSlot>> + 'l>>;

    fn begin<'l>(limiter: &'l Arc<CallbackLimiter>, tenant: &str, connection: &str) -> Call<'l> {
        Box::pin(limiter.acquire((tenant.to_owned(), connection.to_owned())))
    }

    fn poll<T>(future: &mut Pin<Box<dyn Future<Output = T> + '_>>) -> Option<T> {
        match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(done) => Some(done),
            Poll::Pending => None,
        }
    }

    /// Calls for one tenant that hold its slots, and as many as may wait.
    fn flood<'l>(limiter: &'l Arc<CallbackLimiter>, tenant: &str) -> (Vec<CallbackSlot>, Vec<Call<'l>>) {
        let (mut held, mut waiting) = (Vec::new(), Vec::new());
        for connection in 0..4 {
            for _ in 0..MAX_CALLS_PER_CONNECTION {
                let mut call = begin(limiter, tenant, &connection.to_string());
                match poll(&mut call) {
                    Some(slot) => held.push(slot.unwrap()),
                    None => waiting.push(call),
                }
            }
        }
        (held, waiting)
    }

    #[tokio::test]
    async fn a_flood_of_one_tenant_costs_the_others_nothing() {
        for (slots, of_one) in [(2, 1), (3, 2), (8, 6)] {
            let limiter = CallbackLimiter::with_slots(slots);
            let (held, waiting) = flood(&limiter, "flooded");
            assert_eq!((held.len(), waiting.len()), (of_one, 4 * MAX_CALLS_PER_CONNECTION - of_one));
            for tenant in ["calm", "other", "calm"] {
                assert!(poll(&mut begin(&limiter, tenant, "main")).is_some_and(|slot| slot.is_some()), "{slots} slots");
            }
            drop((held, waiting));
            assert!(lock(&limiter.calls_of_connection).is_empty(), "what has ended leaves no entry behind");
        }
    }

    #[tokio::test]
    async fn with_one_slot_tenants_take_turns() {
        let limiter = CallbackLimiter::with_slots(1);
        let (mut held, mut waiting) = flood(&limiter, "flooded");
        let mut other = begin(&limiter, "calm", "main");
        assert!(poll(&mut other).is_none(), "the slot is taken");
        held.clear();
        let mut read_before = 0;
        while poll(&mut other).is_none() {
            assert!(poll(&mut waiting.remove(0)).is_some_and(|slot| slot.is_some()), "the slot is free");
            read_before += 1;
        }
        assert!(read_before <= 1, "{read_before} calls were read before it");
    }

    #[tokio::test]
    async fn calls_of_one_connection_are_bounded() {
        let limiter = CallbackLimiter::with_slots(2);
        let (_held, _waiting) = flood(&limiter, "flooded");
        assert!(poll(&mut begin(&limiter, "flooded", "0")).is_some_and(|slot| slot.is_none()), "it is refused at once");
        assert!(poll(&mut begin(&limiter, "flooded", "another")).is_none(), "another connection may wait");
    }

    #[tokio::test]
    async fn look_ups_for_one_tenant_leave_room_for_the_others() {
        let limiter = CallbackLimiter::with_slots(2);
        let look_up = |tenant: &'static str| -> Pin<Box<dyn Future<Output = Option<Permit>> + '_>> {
            Box::pin(limiter.look_up(tenant))
        };
        let (mut held, mut waiting) = (Vec::new(), Vec::new());
        let refused = loop {
            let mut call = look_up("flooded");
            match poll(&mut call) {
                Some(Some(permit)) => held.push(permit),
                Some(None) => break call,
                None => waiting.push(call),
            }
        };
        drop(refused);
        assert_eq!(held.len(), LOOKUPS_OF_TENANT);
        assert!(poll(&mut look_up("calm")).is_some_and(|permit| permit.is_some()));
    }
}
