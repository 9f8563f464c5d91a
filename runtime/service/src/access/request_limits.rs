//! How many requests a tenant's keys may make, and how many may be in progress, in this process.
//!
//! Promises
//! - what one tenant asks for leaves room for the others: each has an allowance of its own, and so has each of its keys;
//! - messages and checks are bounded in number in progress only: their rates are limits of the policy;
//! - the platform key is not limited;
//! - a tenant that asks for nothing takes no memory for long.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sendbox_domain::rules::request_rate::{Allowance, Remaining, RequestRates, Spent, Work};

use crate::error::{Error, Result};
use crate::lock::lock;

/// Maximum number of requests of one tenant in progress: a quarter of the connections that the server accepts.
const MAX_IN_PROGRESS: usize = 1024;
/// Maximum number of those that are neither messages nor checks.
const MAX_MANAGEMENT_IN_PROGRESS: usize = 64;
/// Allowances are looked through for those that have refilled when there are this many more than the last time.
const SWEEP_AFTER: usize = 1024;

/// What a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestKind {
    /// Sends a message or checks a code.
    Messaging,
    /// Anything else.
    Management(Work),
}

/// The limits of all tenants.
pub(crate) struct RequestLimits {
    of_key: Allowance,
    of_tenant: Allowance,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    in_progress: HashMap<String, InProgress>,
    tenants: HashMap<String, Spent>,
    keys: HashMap<String, Spent>,
    /// By key.
    sign_ins: HashMap<String, Spent>,
    sweep_at: usize,
}

#[derive(Clone, Copy, Default)]
struct InProgress {
    all: usize,
    management: usize,
}

/// A request in progress, until it is dropped.
pub struct AdmittedRequest {
    limits: Arc<RequestLimits>,
    tenant: String,
    kind: RequestKind,
    remaining: Option<Remaining>,
}

impl AdmittedRequest {
    /// What is left of the allowance that is nearest to its end: that of the key, or that of its tenant. `None` for messages and checks, which
    /// have limits of their own.
    pub fn remaining(&self) -> Option<Remaining> {
        self.remaining
    }
}

impl RequestLimits {
    pub(crate) fn new(rates: RequestRates) -> Arc<Self> {
        let (of_key, of_tenant) =
            (Allowance::per_second(rates.key_per_second), Allowance::per_second(rates.tenant_per_second));
        Arc::new(Self { of_key, of_tenant, state: Mutex::default() })
    }

    /// Admits a request of a key, until what is returned is dropped. `now` is monotonic time.
    ///
    /// # Errors
    /// [`Error::TooManyRequests`].
    pub(crate) fn admit(
        self: &Arc<Self>,
        tenant: &str,
        key: &str,
        kind: RequestKind,
        now: Duration,
    ) -> Result<AdmittedRequest> {
        let mut state = lock(&self.state);
        let mut running = state.in_progress.get(tenant).copied().unwrap_or_default();
        let is_full = running.all >= MAX_IN_PROGRESS
            || (kind != RequestKind::Messaging && running.management >= MAX_MANAGEMENT_IN_PROGRESS);
        if is_full {
            return Err(Error::TooManyRequests { retry_after: 1 });
        }
        let mut remaining = None;
        if let RequestKind::Management(work) = kind {
            remaining = Some(state.spend((tenant, self.of_tenant), (key, self.of_key), work, now)?);
            running.management += 1;
        }
        running.all += 1;
        state.in_progress.insert(tenant.to_owned(), running);
        Ok(AdmittedRequest { limits: Arc::clone(self), tenant: tenant.to_owned(), kind, remaining })
    }

    /// Counts a sign-in with a key.
    ///
    /// # Errors
    /// [`Error::TooManyRequests`].
    pub(crate) fn count_sign_in(&self, key: &str, now: Duration) -> Result<()> {
        lock(&self.state).spend_sign_in(key, now)
    }
}

impl State {
    /// Spends from the allowance of the key and from that of its tenant, or from neither.
    fn spend(
        &mut self,
        (tenant, tenant_allowance): (&str, Allowance),
        (key, key_allowance): (&str, Allowance),
        work: Work,
        now: Duration,
    ) -> Result<Remaining> {
        let spent = |of: &HashMap<String, Spent>, name: &str| of.get(name).copied().unwrap_or_default();
        let of_key = spent(&self.keys, key).spend(key_allowance, work.points(), now);
        let of_tenant = spent(&self.tenants, tenant).spend(tenant_allowance, work.points(), now);
        let (of_key, of_tenant) = match (of_key, of_tenant) {
            (Ok(of_key), Ok(of_tenant)) => (of_key, of_tenant),
            (of_key, of_tenant) => {
                let retry_after = of_key.err().max(of_tenant.err()).unwrap_or(1);
                return Err(Error::TooManyRequests { retry_after });
            }
        };
        self.keys.insert(key.to_owned(), of_key);
        self.tenants.insert(tenant.to_owned(), of_tenant);
        self.sweep(now);
        Ok(of_key.remaining(key_allowance, now).min(of_tenant.remaining(tenant_allowance, now)))
    }

    fn spend_sign_in(&mut self, key: &str, now: Duration) -> Result<()> {
        let spent = self.sign_ins.get(key).copied().unwrap_or_default().spend(Allowance::SIGN_INS, 1, now);
        self.sign_ins.insert(key.to_owned(), spent.map_err(|retry_after| Error::TooManyRequests { retry_after })?);
        self.sweep(now);
        Ok(())
    }

    /// Drops what has refilled, once much has been added.
    fn sweep(&mut self, now: Duration) {
        if self.len() >= self.sweep_at {
            for spent in [&mut self.keys, &mut self.tenants, &mut self.sign_ins] {
                spent.retain(|_, spent| !spent.is_refilled(now));
            }
            self.sweep_at = self.len() + SWEEP_AFTER;
        }
    }

    fn len(&self) -> usize {
        self.keys.len() + self.tenants.len() + self.sign_ins.len()
    }
}

impl Drop for AdmittedRequest {
    fn drop(&mut self) {
        let mut state = lock(&self.limits.state);
        let Some(running) = state.in_progress.get_mut(&self.tenant) else { return };
        running.all = running.all.saturating_sub(1);
        if self.kind != RequestKind::Messaging {
            running.management = running.management.saturating_sub(1);
        }
        if running.all == 0 {
            state.in_progress.remove(&self.tenant);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const READ: RequestKind = RequestKind::Management(Work::Read);
    const COMPUTE: RequestKind = RequestKind::Management(Work::Compute);
    const NOW: Duration = Duration::ZERO;

    fn limits() -> Arc<RequestLimits> {
        RequestLimits::new(RequestRates::default())
    }

    fn is_refused<T>(result: Result<T>) -> bool {
        matches!(result, Err(Error::TooManyRequests { retry_after: 1.. }))
    }

    #[test]
    fn requests_in_progress_are_bounded_for_each_tenant() {
        let limits = limits();
        let reads: Vec<_> =
            (0..MAX_MANAGEMENT_IN_PROGRESS).map(|_| limits.admit("acme", "k1", READ, NOW).unwrap()).collect();
        assert!(is_refused(limits.admit("acme", "k2", READ, NOW)), "of another key of the tenant");
        assert!(limits.admit("other", "k3", READ, NOW).is_ok());
        let sends: Vec<_> = (reads.len()..MAX_IN_PROGRESS)
            .map(|_| limits.admit("acme", "k1", RequestKind::Messaging, NOW).unwrap())
            .collect();
        assert!(is_refused(limits.admit("acme", "k1", RequestKind::Messaging, NOW)));
        drop((reads, sends));
        assert!(limits.admit("acme", "k1", READ, NOW).is_ok());
        assert!(lock(&limits.state).in_progress.is_empty(), "a tenant without requests takes no memory");
    }

    #[test]
    fn a_key_that_has_spent_its_allowance_leaves_some_to_the_other_keys_of_its_tenant() {
        let limits = limits();
        let admitted =
            |key: &str, now| (0..1_000).take_while(|_| limits.admit("acme", key, COMPUTE, now).is_ok()).count();
        assert_eq!([admitted("k1", NOW), admitted("k2", NOW), admitted("k3", NOW)], [50, 50, 0]);
        assert!(limits.admit("other", "k9", COMPUTE, NOW).is_ok(), "another tenant");
        // 100 points have refilled for the tenant, and 50 for each key.
        let later = Duration::from_secs(1);
        assert_eq!([admitted("k1", later), admitted("k2", later), admitted("k3", later)], [2, 2, 1]);
    }

    #[test]
    fn sign_ins_are_bounded_for_each_key() {
        let mut state = State::default();
        let mut sign_in = |key: &str, seconds| state.spend_sign_in(key, Duration::from_secs(seconds));
        assert_eq!((0..200).filter(|_| sign_in("k1", 0).is_ok()).count(), 100);
        assert!(matches!(sign_in("k1", 0), Err(Error::TooManyRequests { retry_after: 300 })));
        assert!(sign_in("k2", 0).is_ok());
        assert!(sign_in("k1", 300).is_ok());
    }

    #[test]
    fn keys_whose_allowance_has_refilled_take_no_memory() {
        let mut state = State::default();
        for number in 0..3 * SWEEP_AFTER as u64 {
            let name = number.to_string();
            let allowance = Allowance::per_second(1);
            state.spend((&name, allowance), (&name, allowance), Work::Read, Duration::from_secs(number)).unwrap();
        }
        assert!(state.keys.len() <= SWEEP_AFTER && state.tenants.len() <= SWEEP_AFTER);
    }
}
