//! The worker: delivers due messages that no process has leased.
//!
//! Promises
//! - tenants take turns: a tenant with a long queue, or with a slow provider, leaves room for the messages of others;
//! - a message that waits for a later attempt takes no room.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sendbox_store::{Done, Tx, messages};

use crate::error::Result;
use crate::lock::lock;
use crate::sending::delivery::ClaimedMessage;
use crate::service::Service;

/// Maximum number of messages claimed in one transaction.
const CLAIM_BATCH: usize = 32;
/// Maximum number of messages of a tenant in such a batch, as long as others are due.
const CLAIM_OF_TENANT: usize = 8;
/// Maximum number of tenants that are asked for due messages in one transaction.
const MAX_TENANTS: usize = 64;
/// Maximum number of messages in progress, so that a long queue stays in the store and not in memory.
const MAX_IN_PROGRESS: usize = 256;
/// Maximum number of messages of one tenant in progress.
const MAX_OF_TENANT: usize = MAX_IN_PROGRESS / 4 * 3;
/// The pause before further tenants are asked, when those before had nothing.
const SHORT_PAUSE: Duration = Duration::from_millis(20);
/// How often the store is polled when nothing wakes the worker, for messages that other processes left behind.
const POLL_INTERVAL: Duration = Duration::from_millis(250);

/// The messages that the worker is delivering, counted by tenant. Synchronous requests are not among them.
#[derive(Default)]
struct InProgress(Mutex<HashMap<String, usize>>);

impl InProgress {
    fn total(&self) -> usize {
        lock(&self.0).values().sum()
    }

    fn counts(&self) -> HashMap<String, usize> {
        lock(&self.0).clone()
    }

    fn begin(self: &Arc<Self>, tenant: &str) -> InProgressGuard {
        *lock(&self.0).entry(tenant.to_owned()).or_default() += 1;
        InProgressGuard { counts: Arc::clone(self), tenant: tenant.to_owned() }
    }
}

/// A message in progress, until this is dropped.
struct InProgressGuard {
    counts: Arc<InProgress>,
    tenant: String,
}

impl InProgressGuard {
    /// Ends it, and returns how many messages are in progress then.
    fn end(self) -> usize {
        let counts = Arc::clone(&self.counts);
        drop(self);
        counts.total()
    }
}

impl Drop for InProgressGuard {
    fn drop(&mut self) {
        let mut counts = lock(&self.counts.0);
        if let Some(count) = counts.get_mut(&self.tenant) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                counts.remove(&self.tenant);
            }
        }
    }
}

/// Tenant and message.
type MessageKey = (String, String);

/// A claim of due messages.
struct Claimed {
    messages: Vec<(MessageKey, ClaimedMessage)>,
    /// The last tenant that was asked. The next claim begins after it.
    last_tenant: String,
    /// Whether every tenant was asked.
    is_complete: bool,
}

impl Service {
    /// Runs until the service stops.
    pub(crate) async fn work(&self) {
        let in_progress = Arc::new(InProgress::default());
        let mut after = String::new();
        while !self.inner.stopping.is_cancelled() {
            let mut pause = POLL_INTERVAL;
            if in_progress.total() + CLAIM_BATCH <= MAX_IN_PROGRESS && self.inner.leases.is_valid() {
                match self.claim_due(&in_progress, &after).await {
                    Ok(Some(claimed)) => {
                        pause = match (claimed.messages.is_empty(), claimed.is_complete) {
                            (false, false) => Duration::ZERO,
                            // Nothing for the tenants that were asked; others follow after a moment.
                            (true, false) => SHORT_PAUSE,
                            (_, true) => POLL_INTERVAL,
                        };
                        after = claimed.last_tenant;
                        self.start_deliveries(claimed.messages, &in_progress);
                    }
                    Ok(None) => {}
                    Err(error) => tracing::error!(%error, "the worker could not claim messages"),
                }
            }
            tokio::select! {
                biased;
                () = self.inner.due.notified() => {}
                () = self.inner.clock.timer(pause) => {}
                () = self.inner.stopping.cancelled() => {}
            }
        }
    }

    /// Claims due messages. `None`: nothing is due.
    async fn claim_due(&self, in_progress: &Arc<InProgress>, after: &str) -> Result<Option<Claimed>> {
        if !self.can_open_messages() {
            return Ok(None);
        }
        let now = self.now();
        // A read first: most of the time nothing is due, and a read blocks nobody.
        let mut tx = self.inner.store.begin_read().await?;
        let due = messages::next_due(&mut tx).await?;
        drop(tx);
        if due.is_none_or(|due| due > now) {
            return Ok(None);
        }
        let (service, after, counts) = (self.clone(), after.to_owned(), in_progress.counts());
        let claimed = self.write(self.inner.store.clone(), move |tx| {
            let (service, after, counts) = (service.clone(), after.clone(), counts.clone());
            Box::pin(async move { service.claim_in_turn(tx, &after, counts).await.map(Done::Commit) })
        });
        claimed.await.map(Some)
    }

    fn start_deliveries(&self, messages: Vec<(MessageKey, ClaimedMessage)>, in_progress: &Arc<InProgress>) {
        for ((tenant, message), claimed) in messages {
            let service = self.clone();
            let in_progress = in_progress.begin(&tenant);
            self.inner.work.spawn(async move {
                // A later attempt is left to the next claim.
                service.deliver(&tenant, &message, claimed, None, Duration::ZERO).await;
                if in_progress.end() == MAX_IN_PROGRESS - CLAIM_BATCH {
                    // There is room for a claim again.
                    service.inner.due.notify_one();
                }
            });
        }
    }

    /// Claims a few due messages of each tenant in turn, beginning after one of them.
    async fn claim_in_turn(&self, tx: &mut Tx, after: &str, counts: HashMap<String, usize>) -> Result<Claimed> {
        let now = self.now();
        let claim = self.inner.leases.claim();
        // Few more than can be sent at the same time: the others would only wait for a slot, and in vain with a slow provider.
        let max_of_tenant = MAX_OF_TENANT.min(self.inner.sandbox.in_flight() + self.inner.sandbox.in_flight() / 2);
        let mut counts = counts;
        let mut claimed = Claimed { messages: Vec::new(), last_tenant: after.to_owned(), is_complete: false };
        // The first of the tenants that had nothing, one after the other.
        let mut idle_since: Option<String> = None;
        for _ in 0..MAX_TENANTS {
            let next = match messages::next_tenant_in_progress(tx, &claimed.last_tenant).await? {
                Some(next) => Some(next),
                // Around to the first one.
                None => messages::next_tenant_in_progress(tx, "").await?,
            };
            let Some(tenant) = next.filter(|next| idle_since.as_ref() != Some(next)) else {
                claimed.is_complete = true;
                break;
            };
            let count = counts.entry(tenant.clone()).or_default();
            let room = max_of_tenant.saturating_sub(*count).min(CLAIM_BATCH - claimed.messages.len());
            let limit = room.min(CLAIM_OF_TENANT);
            let rows = match u32::try_from(limit) {
                Ok(limit) if limit > 0 => messages::claim(tx, &tenant, now, claim.lease(), limit).await?,
                _ => Vec::new(),
            };
            *count += rows.len();
            if rows.is_empty() {
                idle_since.get_or_insert_with(|| tenant.clone());
            } else {
                idle_since = None;
            }
            claimed.messages.extend(rows.into_iter().map(|row| {
                let held = self.hold_message(&claim, &row);
                ((row.tenant, row.id), held)
            }));
            claimed.last_tenant = tenant;
            if claimed.messages.len() >= CLAIM_BATCH {
                break;
            }
        }
        Ok(claimed)
    }
}
