//! The connections that only read.
//!
//! Promises
//! - one owner never holds more than half of them, and a free one goes to the owner that holds the fewest. So slow reads of one tenant
//!   leave room for the reads of the others;
//! - connections for look-ups are kept apart: no other read can occupy them.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sendbox_slots::{Slots, Waiting};
use tokio::sync::Semaphore;

use super::connection::{Handle, READER_SETTINGS, SETTINGS, TIMEOUT};
use super::session::Session;
use super::steps::{Steps, in_time};
use crate::failure::{Result, StoreError};

/// Readers do not block each other; six use the cores of a small machine, and leave three for the neighbours of a busy owner.
pub(crate) const READERS: usize = 6;
/// Maximum number of readers of one owner.
pub(crate) const READERS_OF_OWNER: usize = READERS / 2;
/// Connections for look-ups, which take microseconds.
pub(crate) const LOOKUPS: usize = 2;
/// How long closing waits for open reads, before and after it interrupts their statements.
const CLOSE_TIMEOUT: Duration = Duration::from_millis(500);

/// The read-only connections.
pub(super) struct Readers {
    path: PathBuf,
    steps: Option<Arc<dyn Steps>>,
    idle: Mutex<Vec<Handle>>,
    slots: Slots,
    lookups: Slots,
    /// One permit for each open read, so that closing can wait for them.
    open: Arc<Semaphore>,
    /// Interrupts the running statements.
    is_abandoned: Arc<AtomicBool>,
}

impl Readers {
    /// Opens the first connection, so that a file that cannot be opened is an error now.
    pub(super) fn open(path: PathBuf, steps: Option<Arc<dyn Steps>>) -> Result<Self> {
        let readers = Self {
            path,
            steps,
            idle: Mutex::default(),
            slots: Slots::with_share(READERS, READERS_OF_OWNER),
            lookups: Slots::with_share(LOOKUPS, LOOKUPS),
            open: Arc::new(Semaphore::new(READERS + LOOKUPS)),
            is_abandoned: Arc::default(),
        };
        let first = readers.open_one()?;
        readers.put(Some(first));
        Ok(readers)
    }

    /// Begins a transaction in the name of an owner.
    pub(super) async fn begin(self: &Arc<Self>, owner: &str, waiting: Waiting) -> Result<Session> {
        self.begin_in(&self.slots, owner, waiting).await
    }

    /// Begins a transaction for a look-up.
    pub(super) async fn begin_lookup(self: &Arc<Self>) -> Result<Session> {
        self.begin_in(&self.lookups, "", Waiting::Unbounded).await
    }

    async fn begin_in(self: &Arc<Self>, slots: &Slots, owner: &str, waiting: Waiting) -> Result<Session> {
        let slot = slots.acquire(owner, waiting);
        let slot = in_time(self.is_stepped(), TIMEOUT, slot).await.ok_or(StoreError::Busy)??;
        let open = Arc::clone(&self.open).acquire_owned().await.map_err(|_| StoreError::closed())?;
        let idle = self.idle().pop();
        let handle = match idle {
            Some(handle) => handle,
            None => self.open_one()?,
        };
        handle.batch("BEGIN DEFERRED")?;
        let readers = Arc::clone(self);
        Ok(Session::new(handle, move |handle| {
            readers.put(handle);
            drop((open, slot));
        }))
    }

    pub(super) fn is_stepped(&self) -> bool {
        self.steps.is_some()
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Handle>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(&self, handle: Option<Handle>) {
        if !self.open.is_closed() {
            self.idle().extend(handle);
        }
    }

    fn open_one(&self) -> Result<Handle> {
        let handle = Handle::open(&self.path, &[SETTINGS, READER_SETTINGS], &self.is_abandoned)?;
        Ok(handle.in_steps(self.steps.clone()))
    }

    /// Waits a moment for open reads, interrupts those that are left, and closes the connections. A read that hangs all the same keeps
    /// its connection until it ends.
    pub(super) async fn close(&self) {
        let all = u32::try_from(READERS + LOOKUPS).unwrap_or(u32::MAX);
        let is_stepped = self.is_stepped();
        if in_time(is_stepped, CLOSE_TIMEOUT, self.open.acquire_many(all)).await.is_none() {
            self.is_abandoned.store(true, Ordering::Relaxed);
            // One that is not even running a statement is not waited for any longer.
            let _ = in_time(is_stepped, CLOSE_TIMEOUT, self.open.acquire_many(all)).await;
        }
        self.open.close();
        self.idle().clear();
    }

    pub(super) fn is_closed(&self) -> bool {
        self.open.is_closed()
    }
}
