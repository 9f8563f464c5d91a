//! The worker: delivers due messages that no process has leased.

use std::sync::Arc;
use std::time::Duration;

use sendbox_store::messages;
use tokio::sync::Semaphore;

use crate::error::Result;
use crate::sending::delivery::LEASE_SECONDS;
use crate::service::Service;

/// Messages claimed in one transaction.
const CLAIM_BATCH: u32 = 32;
/// Maximum number of messages in progress, so that a long queue stays in the store and not in memory.
const MAX_IN_PROGRESS: usize = 256;
/// How often the store is polled when nothing wakes the worker, for messages that other processes left behind.
const POLL_INTERVAL: Duration = Duration::from_millis(250);

impl Service {
    /// Runs until the service stops.
    pub(crate) async fn work(&self) {
        // The worker's own slots: synchronous requests do not use them.
        let slots = Arc::new(Semaphore::new(MAX_IN_PROGRESS));
        while !self.inner.stopping.is_cancelled() {
            let mut busy = false;
            if slots.available_permits() >= CLAIM_BATCH as usize {
                match self.claim_due(&slots).await {
                    Ok(count) => busy = count == CLAIM_BATCH as usize,
                    Err(error) => tracing::error!(%error, "the worker could not claim messages"),
                }
            }
            if busy {
                continue;
            }
            tokio::select! {
                () = self.inner.due.notified() => {}
                () = tokio::time::sleep(POLL_INTERVAL) => {}
                () = self.inner.stopping.cancelled() => {}
            }
        }
    }

    async fn claim_due(&self, slots: &Arc<Semaphore>) -> Result<usize> {
        let now = self.now();
        // A read first: most of the time nothing is due, and a read blocks nobody.
        let mut tx = self.inner.store.begin_read().await?;
        let due = messages::next_due(&mut tx).await?;
        drop(tx);
        if due.is_none_or(|due| due > now) {
            return Ok(0);
        }
        let mut tx = self.inner.store.begin().await?;
        let until = now.plus_seconds(LEASE_SECONDS);
        let rows = messages::claim(&mut tx, now, &self.inner.owner, until, CLAIM_BATCH).await?;
        tx.commit().await?;
        let count = rows.len();
        for row in rows {
            let service = self.clone();
            // A slot is free: a whole batch was available, and only this task takes slots.
            let slot = Arc::clone(slots).try_acquire_owned();
            self.inner.work.spawn(async move {
                service.deliver(&row.tenant, &row.id, None).await;
                drop(slot);
            });
        }
        Ok(count)
    }
}
