//! Deletes what has expired, and deleted tenants, in small steps.
//!
//! Promises
//! - a sweep ends when nothing that had expired at its start is left, however much that was;
//! - a step is one unit of work on a bounded number of rows, so it delays no other writer for long;
//! - a step that fails stops no other kind of row from being deleted.

use std::time::Duration;

use sendbox_domain::model::Timestamp;
use sendbox_domain::rules::report::MAX_WAIT_MS;
use sendbox_domain::rules::retention::Retention;
use sendbox_domain::rules::webhook_schedule::KEPT_MS;
use sendbox_store::{
    Done, Tx, audit, buckets, connections, events, holds, idempotency, ingresses, messages, reports, sessions,
    statistics, tenants, verifications,
};

use crate::access::sessions::MAX_IDLE_SECONDS;
use crate::error::Result;
use crate::service::Service;
use crate::webhooks::outbox;

/// The time between two sweeps.
const SWEEP_INTERVAL: Duration = Duration::from_secs(30);
/// Maximum number of rows that a step deletes. A message is deleted with its attempts and reports.
const STEP_ROWS: u32 = 100;
/// Kinds of rows that a sweep deletes.
#[derive(Clone, Copy, Debug)]
enum Expiring {
    /// These are not deleted but end, and lose their payload.
    PendingVerifications,
    Buckets,
    Holds,
    IdempotencyKeys,
    WaitingReports,
    Messages,
    Verifications,
    ConnectionTests,
    IngressCalls,
    Sessions,
    Counts,
    AuditEntries,
    Events,
    /// Deleted tenants with all their rows.
    Tenants,
}

impl Expiring {
    const ALL: [Self; 14] = [
        Self::PendingVerifications,
        Self::Buckets,
        Self::Holds,
        Self::IdempotencyKeys,
        Self::WaitingReports,
        Self::Messages,
        Self::Verifications,
        Self::ConnectionTests,
        Self::IngressCalls,
        Self::Sessions,
        Self::Counts,
        Self::AuditEntries,
        Self::Events,
        Self::Tenants,
    ];

    /// Deletes at most [`STEP_ROWS`] rows that had expired at `now`. Returns their number.
    async fn delete(self, tx: &mut Tx, now: Timestamp, retention: Retention) -> Result<u64> {
        let cutoff = retention.messages_since(now);
        let deleted = match self {
            Self::PendingVerifications => return outbox::expire_verifications(tx, now, STEP_ROWS).await,
            Self::Buckets => buckets::sweep(tx, now, STEP_ROWS).await,
            Self::Holds => holds::sweep(tx, now, STEP_ROWS).await,
            Self::IdempotencyKeys => idempotency::sweep(tx, now, STEP_ROWS).await,
            Self::WaitingReports => reports::sweep(tx, now.minus_millis(MAX_WAIT_MS), STEP_ROWS).await,
            Self::Messages => messages::delete_before(tx, cutoff, STEP_ROWS).await,
            Self::Verifications => verifications::delete_before(tx, cutoff, STEP_ROWS).await,
            Self::ConnectionTests => connections::delete_tests_before(tx, cutoff, STEP_ROWS).await,
            Self::IngressCalls => ingresses::delete_calls_before(tx, cutoff, STEP_ROWS).await,
            Self::Sessions => sessions::sweep(tx, now.minus_millis(MAX_IDLE_SECONDS * 1000), STEP_ROWS).await,
            Self::Counts => statistics::delete_before(tx, retention.counts_since(now), STEP_ROWS).await,
            Self::AuditEntries => audit::delete_before(tx, retention.audit_since(now), STEP_ROWS).await,
            Self::Events => events::delete_before(tx, now.minus_millis(KEPT_MS), STEP_ROWS).await,
            Self::Tenants => tenants::delete_rows(tx, STEP_ROWS).await,
        };
        Ok(deleted?)
    }
}

impl Service {
    /// Sweeps until the service stops.
    pub(crate) async fn sweep_regularly(&self) {
        while !self.inner.stopping.is_cancelled() {
            self.sweep().await;
            tokio::select! {
                biased;
                () = self.inner.sweep_due.notified() => {}
                () = self.inner.clock.timer(SWEEP_INTERVAL) => {}
                () = self.inner.stopping.cancelled() => {}
            }
        }
    }

    /// Deletes everything that has expired, and what deleted tenants have left. Returns the number of rows; errors are logged, and
    /// tried again by the next sweep. The service does this every 30 seconds.
    pub async fn sweep(&self) -> u64 {
        let _only = self.inner.sweeping.lock().await;
        let now = self.now();
        let mut deleted = match self.delete_excess_events().await {
            Ok(deleted) => deleted,
            Err(error) => {
                tracing::error!(%error, "the oldest events could not be deleted");
                0
            }
        };
        let mut remaining = Expiring::ALL.to_vec();
        // One step of each kind in turn, so that a large number of messages does not keep codes from expiring.
        while !remaining.is_empty() {
            let mut unfinished = Vec::new();
            for rows in remaining {
                if self.inner.stopping.is_cancelled() {
                    return deleted;
                }
                match self.sweep_step(rows, now).await {
                    Ok(count) => {
                        deleted += count;
                        if count >= u64::from(STEP_ROWS) {
                            unfinished.push(rows);
                        }
                    }
                    Err(error) => tracing::error!(%error, ?rows, "expired rows could not be deleted"),
                }
            }
            remaining = unfinished;
        }
        deleted
    }

    async fn sweep_step(&self, rows: Expiring, now: Timestamp) -> Result<u64> {
        let retention = self.inner.retention;
        let step = self
            .inner
            .store
            .write(move |tx| Box::pin(async move { rows.delete(tx, now, retention).await.map(Done::Commit) }));
        step.await
    }
}
