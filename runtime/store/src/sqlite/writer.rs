//! The thread that writes.
//!
//! A statement of a message takes microseconds, so most of the cost is around it: waking threads, and flushing the disk. The writer
//! therefore takes the units of work that are waiting, runs one after the other, each in a savepoint, and commits them together
//! (group commit). A unit that fails is rolled back alone. When the commit fails, every unit of the batch has failed.
//!
//! Owners take turns (`queue.rs`), also within a batch: a unit that arrives while a batch runs has its turn in it, and the batch ends
//! when only units of an owner that has had its share are left. So the first unit of a calm owner waits for a few units of a busy one,
//! not for all of them.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, mpsc};

use tokio::sync::{oneshot, watch};

use super::connection::{Handle, SETTINGS, WRITER_SETTINGS};
use super::session::Session;
use super::steps::Steps;
use crate::failure::{Result, StoreError};
use crate::queue::{self, Owner, Queue};
use crate::transaction::{Tx, broken};
use crate::unit::Unit;

/// Maximum number of units in a batch. A larger batch would only delay the response to its first unit.
const BATCH: usize = 128;
/// Maximum number of units of one owner in a batch that has units of others too.
pub(crate) const BATCH_OF_OWNER: usize = 16;

/// A job for the writer.
pub(super) enum Job {
    /// A transaction that has the writer to itself.
    Session(oneshot::Sender<Result<Session>>),
    Unit(Box<dyn Unit>),
}

impl queue::Job for Job {
    fn is_wanted(&self) -> bool {
        match self {
            Self::Session(answer) => !answer.is_closed(),
            Self::Unit(unit) => unit.is_wanted(),
        }
    }
}

pub(super) struct Writer {
    pub(super) path: PathBuf,
    /// `None` after an error of SQLite, until the file is opened again.
    pub(super) handle: Option<Handle>,
    pub(super) queue: Arc<Queue<Job>>,
    pub(super) steps: Option<Arc<dyn Steps>>,
    /// Dropped when the thread ends, which tells those that wait for it.
    pub(super) _ended: watch::Sender<()>,
}

impl Drop for Writer {
    fn drop(&mut self) {
        // Nobody would run what is still waiting, after a panic.
        self.queue.clear();
    }
}

/// The units that are committed together, in the order in which they ran.
#[derive(Default)]
struct Batch {
    units: Vec<Box<dyn Unit>>,
    /// The number of units of each owner.
    counts: HashMap<Owner, usize>,
}

impl Batch {
    fn has_room_for(&self, owner: &Owner) -> bool {
        let count = self.counts.get(owner).copied().unwrap_or_default();
        self.units.len() < BATCH && (count < BATCH_OF_OWNER || self.counts.len() == 1)
    }

    fn push(&mut self, owner: Owner, unit: Box<dyn Unit>) {
        *self.counts.entry(owner).or_default() += 1;
        self.units.push(unit);
    }

    fn answer(self, committed: &Result<()>) {
        for unit in self.units {
            unit.answer(committed.clone());
        }
    }
}

impl Writer {
    /// Runs until the queue is closed and empty.
    pub(super) fn work(mut self) {
        while let Some((owner, job)) = self.queue.next() {
            match job {
                Job::Session(answer) => {
                    if let Some(back) = self.lend(answer) {
                        self.handle = back.recv().ok().flatten();
                    }
                }
                Job::Unit(unit) => self.commit_together(owner, unit),
            }
        }
        // Closed before the end is announced: the last connection merges the log into the file.
        self.handle = None;
    }

    fn open(&self) -> Result<Handle> {
        let handle = Handle::open(&self.path, &[SETTINGS, WRITER_SETTINGS], &Arc::default())?;
        Ok(handle.in_steps(self.steps.clone()))
    }

    /// The connection, with an open transaction that holds the write lock. The lock is taken now and not at the first change, where
    /// it could fail after some work was done.
    fn begin(&mut self) -> Result<Handle> {
        let handle = match self.handle.take() {
            Some(handle) => handle,
            None => self.open()?,
        };
        if let Err(error) = handle.batch("BEGIN IMMEDIATE") {
            self.handle = Some(handle);
            return Err(error.into());
        }
        Ok(handle)
    }

    /// Lends the connection for one transaction. Returns where it comes back: as `None` when it has to be replaced.
    pub(super) fn lend(&mut self, answer: oneshot::Sender<Result<Session>>) -> Option<mpsc::Receiver<Option<Handle>>> {
        let handle = match self.begin() {
            Ok(handle) => handle,
            Err(error) => {
                let _ = answer.send(Err(error));
                return None;
            }
        };
        let (home, back) = mpsc::channel();
        // An error means that the writer has ended.
        let give_back = move |handle| drop(home.send(handle));
        // If nobody waits any more the session is dropped here, which returns the connection.
        drop(answer.send(Ok(Session::new(handle, give_back))));
        Some(back)
    }

    /// Takes the next unit, if the batch has room for it.
    fn next_for(&self, batch: &Batch) -> Option<(Owner, Box<dyn Unit>)> {
        let is_suitable = |owner: &Owner, job: &Job| matches!(job, Job::Unit(_)) && batch.has_room_for(owner);
        match self.queue.next_if(is_suitable)? {
            (owner, Job::Unit(unit)) => Some((owner, unit)),
            (_, Job::Session(_)) => None,
        }
    }

    /// Runs a unit and those that wait behind it, and commits.
    pub(super) fn commit_together(&mut self, owner: Owner, first: Box<dyn Unit>) {
        let mut batch = Batch::default();
        let mut next = Some((owner, first));
        let mut handle = match self.begin() {
            Ok(handle) => handle,
            // Those behind it would wait as long for the same error.
            Err(error) => {
                while let Some((owner, unit)) = next {
                    batch.push(owner, unit);
                    next = self.next_for(&batch);
                }
                return batch.answer(&Err(error));
            }
        };
        while let Some((owner, mut unit)) = next {
            let ran = run(handle, &mut *unit);
            batch.push(owner, unit);
            match ran {
                Ok(back) => handle = back,
                // SQLite has rolled the whole batch back: the disk is full or broken.
                Err(error) => return batch.answer(&Err(error)),
            }
            next = self.next_for(&batch);
        }
        let committed = handle.batch("COMMIT").map_err(StoreError::of_sqlite_commit);
        let is_usable = committed.is_ok() || (handle.is_in_transaction() && handle.batch("ROLLBACK").is_ok());
        self.handle = is_usable.then_some(handle);
        batch.answer(&committed);
    }
}

/// Runs a unit in its own savepoint.
///
/// # Errors
/// When the transaction of the batch has ended.
fn run(handle: Handle, unit: &mut dyn Unit) -> Result<Handle> {
    handle.batch("SAVEPOINT unit")?;
    let mut tx = Tx::of_unit(handle);
    let keeps = unit.run(&mut tx);
    let (Some(handle), is_broken) = tx.into_unit() else {
        return Err(StoreError::Unavailable("a unit of work has lost its transaction".to_owned()));
    };
    if !handle.is_in_transaction() {
        return Err(StoreError::Unavailable("SQLite has rolled back the batch".to_owned()));
    }
    if keeps && !is_broken {
        handle.batch("RELEASE unit")?;
    } else {
        if keeps {
            unit.fail(broken());
        }
        handle.batch("ROLLBACK TO unit")?;
        handle.batch("RELEASE unit")?;
    }
    Ok(handle)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transaction::Tx;

    struct Nothing;

    impl Unit for Nothing {
        fn is_wanted(&self) -> bool {
            true
        }

        fn run(&mut self, _: &mut Tx) -> bool {
            false
        }

        fn fail(&mut self, _: StoreError) {}

        fn answer(self: Box<Self>, _: Result<()>) {}
    }

    #[test]
    fn a_batch_is_for_one_owner_or_for_a_share_of_each() {
        let (busy, calm): (Owner, Owner) = ("busy".into(), "calm".into());
        let mut batch = Batch::default();
        for _ in 0..BATCH {
            assert!(batch.has_room_for(&busy), "alone, it has the whole batch");
            batch.push(Arc::clone(&busy), Box::new(Nothing));
        }
        assert!(!batch.has_room_for(&busy) && !batch.has_room_for(&calm));

        let mut batch = Batch::default();
        for _ in 0..BATCH_OF_OWNER {
            batch.push(Arc::clone(&busy), Box::new(Nothing));
        }
        assert!(batch.has_room_for(&busy) && batch.has_room_for(&calm));
        batch.push(Arc::clone(&calm), Box::new(Nothing));
        assert!(!batch.has_room_for(&busy) && batch.has_room_for(&calm), "the calm one is not kept waiting");
    }
}
