//! The worker: delivers due messages that no process has leased, and deletes expired rows.

use std::sync::Arc;
use std::time::Duration;

use sendbox_domain::rules::report::MAX_WAIT_MS;
use sendbox_store::{buckets, holds, idempotency, messages, reports, verifications};
use tokio::sync::Semaphore;
use tokio::time::Instant;

use crate::error::Result;
use crate::sending::delivery::LEASE_SECONDS;
use crate::service::Service;

/// Messages claimed in one transaction.
const CLAIM_BATCH: u32 = 32;
/// Maximum number of messages in progress, so that a long queue stays in the store and not in memory.
const MAX_IN_PROGRESS: usize = 256;
/// How often the store is polled when nothing wakes the worker, for messages that other processes left behind.
const POLL_INTERVAL: Duration = Duration::from_millis(250);
/// How often expired rows are deleted.
const SWEEP_INTERVAL: Duration = Duration::from_secs(30);
/// Maximum number of rows of each table that are deleted in one transaction.
const SWEEP_BATCH: u32 = 500;
/// Milliseconds in a day.
const DAY_MS: u64 = 24 * 3600 * 1000;

impl Service {
    /// Runs until the service stops.
    pub(crate) async fn work(&self) {
        let mut sweep_at = Instant::now();
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
            if Instant::now() >= sweep_at {
                sweep_at = Instant::now() + SWEEP_INTERVAL;
                if let Err(error) = self.sweep().await {
                    tracing::error!(%error, "the worker could not delete expired rows");
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

    async fn sweep(&self) -> Result<()> {
        let now = self.now();
        let cutoff = now.minus_millis(u64::from(self.inner.retention_days.max(1)) * DAY_MS);
        let mut tx = self.inner.store.begin().await?;
        verifications::expire(&mut tx, now, SWEEP_BATCH).await?;
        buckets::sweep(&mut tx, now, SWEEP_BATCH).await?;
        holds::sweep(&mut tx, now, SWEEP_BATCH).await?;
        idempotency::sweep(&mut tx, now, SWEEP_BATCH).await?;
        reports::sweep(&mut tx, now.minus_millis(MAX_WAIT_MS), SWEEP_BATCH).await?;
        messages::delete_before(&mut tx, cutoff, SWEEP_BATCH).await?;
        verifications::delete_before(&mut tx, cutoff, SWEEP_BATCH).await?;
        Ok(tx.commit().await?)
    }
}
