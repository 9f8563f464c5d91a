//! Leases: which process works on a message, on the check of an upload, or on an event for a webhook endpoint.
//!
//! Every process that uses the store is a member: it has a row there, and counts a heartbeat in it every second. A lease counts as
//! long as the row of its process exists. The others read the rows, and delete that of a process whose heartbeat has not changed for
//! [`DEAD_AFTER`](lease::DEAD_AFTER); then everything that it had leased can be claimed. The times are in `rules/lease.rs` of the domain.
//!
//! Promises
//! - no two processes compare their clocks, and no time of day is used: whoever waits measures by its own monotonic time;
//! - a member stops before the others take over;
//! - a process that was taken for dead joins again under another id. What it did under the old one may neither send nor write;
//! - every claim has a name of its own, so work under an earlier claim cannot be mistaken for work under a later one;
//! - a lease whose work has ended in an unexpected way is released.
//!
//! Must not know: what is done under a lease.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sendbox_domain::rules::lease::{self, Heartbeats, INTERVAL, Observations, TIMEOUT};
use sendbox_store::rows::{Lease, ProcessRow};
use sendbox_store::{Done, Store, StoreError, events, messages, processes, versions};
use tokio_util::sync::CancellationToken;

use crate::clock::{Clock, timeout};
use crate::error::{Error, Result};
use crate::id;
use crate::lock::lock;

/// Maximum number of abandoned leases that are released in one transaction.
const RELEASED_AT_ONCE: usize = 100;

/// This process among those that use the store, under one id.
struct Membership {
    process: String,
    /// Until when it may work, in milliseconds of the monotonic time.
    valid_until: AtomicU64,
    claims: AtomicU64,
    /// Cancelled when its row is gone.
    lost: CancellationToken,
}

impl Membership {
    fn new(process: String, since: Duration) -> Self {
        let membership =
            Self { process, valid_until: AtomicU64::new(0), claims: AtomicU64::new(0), lost: CancellationToken::new() };
        membership.renew(since);
        membership
    }

    /// Extends it after a heartbeat that was begun at this time.
    fn renew(&self, began: Duration) {
        self.valid_until.fetch_max(millis(lease::valid_until(began)), Ordering::SeqCst);
    }

    fn is_valid(&self, now: Duration) -> bool {
        let valid_until = Duration::from_millis(self.valid_until.load(Ordering::SeqCst));
        lease::is_valid(valid_until, now) && !self.lost.is_cancelled()
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// What is leased.
#[derive(Clone, Debug)]
pub(crate) enum LeasedRow {
    Message {
        tenant: String,
        id: String,
    },
    /// The check of a version.
    Version {
        owner: String,
        digest: String,
    },
    /// An event for a webhook endpoint.
    EventDelivery {
        sequence: u64,
    },
}

/// A new name for rows that are to be leased.
pub(crate) struct Claim {
    membership: Arc<Membership>,
    lease: Lease,
    clock: Arc<dyn Clock>,
    abandoned: Arc<Mutex<Vec<Abandoned>>>,
}

impl Claim {
    /// The name, to be stored with the rows.
    pub(crate) fn lease(&self) -> &Lease {
        &self.lease
    }

    /// The lease of a row. If it is dropped before its [`end`](HeldLease::end), also because the transaction fails that stores it, it
    /// is released later.
    pub(crate) fn hold(&self, row: LeasedRow) -> HeldLease {
        HeldLease {
            membership: Arc::clone(&self.membership),
            lease: self.lease.clone(),
            clock: Arc::clone(&self.clock),
            row: Some(row),
            abandoned: Arc::clone(&self.abandoned),
        }
    }
}

/// A lease of this process.
pub(crate) struct HeldLease {
    membership: Arc<Membership>,
    lease: Lease,
    clock: Arc<dyn Clock>,
    /// `None` when the lease has ended.
    row: Option<LeasedRow>,
    abandoned: Arc<Mutex<Vec<Abandoned>>>,
}

impl HeldLease {
    pub(crate) fn lease(&self) -> &Lease {
        &self.lease
    }

    /// Cancelled when the lease is lost for good.
    pub(crate) fn lost(&self) -> &CancellationToken {
        &self.membership.lost
    }

    /// A condition that holds while this process may act under the lease. It can be asked at any moment, and does not wait.
    pub(crate) fn condition(&self) -> impl Fn() -> bool + Send + Sync + use<> {
        let (membership, clock) = (Arc::clone(&self.membership), Arc::clone(&self.clock));
        move || membership.is_valid(clock.monotonic())
    }

    /// Ends the lease: the row has it no more.
    pub(crate) fn end(mut self) {
        self.row = None;
    }
}

impl Drop for HeldLease {
    fn drop(&mut self) {
        // Those of a lost membership do not count.
        if let Some(row) = self.row.take()
            && !self.membership.lost.is_cancelled()
        {
            lock(&self.abandoned).push(Abandoned { row, lease: self.lease.clone() });
        }
    }
}

/// A lease whose work has ended without releasing it.
#[derive(Clone)]
struct Abandoned {
    row: LeasedRow,
    lease: Lease,
}

/// The leases of this process, and its membership.
pub(crate) struct Leases {
    store: Store,
    clock: Arc<dyn Clock>,
    membership: Mutex<Arc<Membership>>,
    abandoned: Arc<Mutex<Vec<Abandoned>>>,
    /// Locked during a heartbeat.
    observations: tokio::sync::Mutex<Observations>,
    left: CancellationToken,
}

impl Leases {
    /// Joins the processes that use the store. `is_only`: the others that it knows have ended.
    pub(crate) async fn join(
        store: &Store,
        clock: &Arc<dyn Clock>,
        process: String,
        is_only: bool,
    ) -> Result<Self, StoreError> {
        let began = clock.monotonic();
        let id = process.clone();
        store
            .write(move |tx| {
                Box::pin(async move {
                    if is_only {
                        processes::delete_all(tx).await?;
                    }
                    processes::insert(tx, &id).await.map(Done::Commit)
                })
            })
            .await?;
        Ok(Self {
            store: store.clone(),
            clock: Arc::clone(clock),
            membership: Mutex::new(Arc::new(Membership::new(process, began))),
            abandoned: Arc::default(),
            observations: tokio::sync::Mutex::default(),
            left: CancellationToken::new(),
        })
    }

    fn membership(&self) -> Arc<Membership> {
        Arc::clone(&lock(&self.membership))
    }

    /// A new name for a claim.
    pub(crate) fn claim(&self) -> Claim {
        let membership = self.membership();
        let claim = membership.claims.fetch_add(1, Ordering::Relaxed);
        let lease = Lease { process: membership.process.clone(), claim };
        Claim { membership, lease, clock: Arc::clone(&self.clock), abandoned: Arc::clone(&self.abandoned) }
    }

    /// Whether this process may work, and claim more.
    pub(crate) fn is_valid(&self) -> bool {
        self.membership().is_valid(self.clock.monotonic())
    }

    /// Whether this process may act under a lease. If a heartbeat is overdue, it is made up for first.
    ///
    /// # Errors
    /// When the heartbeat cannot be stored. The lease may still count.
    pub(crate) async fn is_held(&self, lease: &HeldLease) -> Result<bool> {
        if !lease.condition()() && !lease.lost().is_cancelled() {
            self.beat().await?;
        }
        if lease.lost().is_cancelled() {
            return Ok(false);
        }
        if lease.condition()() { Ok(true) } else { Err(late().into()) }
    }

    /// Keeps the membership until this process leaves.
    pub(crate) async fn keep(&self) {
        let mut is_failing = false;
        loop {
            tokio::select! {
                biased;
                () = self.clock.sleep(INTERVAL) => {}
                () = self.left.cancelled() => return,
            }
            match self.maintain().await {
                Ok(()) => is_failing = false,
                Err(error) if !is_failing => {
                    is_failing = true;
                    tracing::error!(%error, "a heartbeat could not be stored; nothing is sent until one is");
                }
                Err(error) => tracing::debug!(%error, "a heartbeat could not be stored"),
            }
        }
    }

    /// Counts a heartbeat, looks at those of the others, and releases abandoned leases.
    pub(crate) async fn maintain(&self) -> Result<()> {
        self.beat().await?;
        self.release_abandoned().await
    }

    /// Counts a heartbeat, or joins again, and looks at the other processes.
    async fn beat(&self) -> Result<()> {
        let mut observations = self.observations.lock().await;
        if self.left.is_cancelled() {
            return Ok(());
        }
        let membership = self.membership();
        let (process, next) = (membership.process.clone(), id::new("p")?);
        let new = next.clone();
        let began = self.clock.monotonic();
        let write = self.store.write(move |tx| {
            Box::pin(async move {
                let is_member = processes::beat(tx, &process).await?;
                if !is_member {
                    processes::insert(tx, &new).await?;
                }
                let all = processes::all(tx).await?;
                Ok::<_, StoreError>(Done::Commit((is_member, all)))
            })
        });
        let (is_member, mut rows) = timeout(&*self.clock, TIMEOUT, write).await.ok_or_else(late)??;
        if is_member {
            membership.renew(began);
        } else {
            tracing::warn!(
                process = membership.process,
                "another process has taken this one for dead; nothing that it was about to send is sent"
            );
            membership.lost.cancel();
            *lock(&self.membership) = Arc::new(Membership::new(next.clone(), began));
        }
        let own = if is_member { &membership.process } else { &next };
        rows.retain(|row| row.id != *own);
        let seen = rows.into_iter().map(|row| Heartbeats { process: row.id, beats: row.beats }).collect();
        for Heartbeats { process, beats } in observations.add(seen, (began, self.clock.monotonic())) {
            let dead = ProcessRow { id: process.clone(), beats };
            let delete = self
                .store
                .write(move |tx| Box::pin(async move { processes::delete_silent(tx, &dead).await.map(Done::Commit) }));
            if delete.await? {
                tracing::warn!(process, "a process has ended without a word; its messages are taken over");
            }
        }
        Ok(())
    }

    async fn release_abandoned(&self) -> Result<()> {
        let abandoned: Vec<Abandoned> = {
            let mut all = lock(&self.abandoned);
            let count = all.len().min(RELEASED_AT_ONCE);
            all.drain(..count).collect()
        };
        if abandoned.is_empty() {
            return Ok(());
        }
        let leases = abandoned.clone();
        let released = self.store.write(move |tx| {
            Box::pin(async move {
                for Abandoned { row, lease } in &leases {
                    match row {
                        LeasedRow::Message { tenant, id } => messages::release(tx, tenant, id, lease).await?,
                        LeasedRow::Version { owner, digest } => versions::release(tx, owner, digest, lease).await?,
                        LeasedRow::EventDelivery { sequence } => events::release(tx, *sequence, lease).await?,
                    };
                }
                Ok::<_, StoreError>(Done::Commit(()))
            })
        });
        released.await.map_err(|error| {
            lock(&self.abandoned).extend(abandoned);
            Error::from(error)
        })
    }

    /// Ends the membership: nothing is sent any more, and others can take over at once.
    pub(crate) async fn leave(&self) -> Result<(), StoreError> {
        self.left.cancel();
        self.membership().lost.cancel();
        // A heartbeat that is running may join again.
        let _observations = self.observations.lock().await;
        let membership = self.membership();
        membership.lost.cancel();
        let process = membership.process.clone();
        self.store
            .write(move |tx| Box::pin(async move { processes::delete(tx, &process).await.map(Done::Commit) }))
            .await
    }
}

fn late() -> StoreError {
    StoreError::Unavailable("a heartbeat was not stored in time".to_owned())
}

#[cfg(test)]
mod tests;
