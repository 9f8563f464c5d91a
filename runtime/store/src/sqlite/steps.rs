//! SQLite in steps: somebody else decides when the writer runs, when a statement runs, and what fails.
//!
//! A simulation of crashes and interleavings drives the store this way, in one thread. There is no thread that writes and none for
//! blocking work, and nothing is timed: [`SteppedWriter::step`] does what one round of the writer's thread does, with the same code.

use std::pin::Pin;
use std::sync::mpsc::{self, TryRecvError};
use std::time::Duration;

use rusqlite::ffi::{self, SQLITE_FULL, SQLITE_IOERR_FSYNC};
use tokio::time::timeout;

use super::connection::Handle;
use super::writer::{Job, Writer};
use crate::failure::Result;

/// Decides over each statement.
pub trait Steps: Send + Sync {
    /// Called before a statement runs, also before `COMMIT`. After an error it does not run.
    ///
    /// # Errors
    /// The failure that the statement is to have.
    fn before(&self, sql: &str) -> Result<(), StepFault>;

    /// Called after a statement has succeeded.
    ///
    /// # Errors
    /// The failure that its caller is to see all the same.
    fn after(&self, sql: &str) -> Result<(), StepFault>;

    /// Waits until a statement may run that does not run in the writer.
    fn turn(&self) -> Pin<Box<dyn Future<Output = ()> + Send>>;
}

/// How a statement fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepFault {
    /// The disk is full. After a commit that fails in this way, nothing was changed.
    DiskFull,
    /// The disk could not be flushed. After a commit that fails in this way, the change may be on disk.
    Flush,
}

impl From<StepFault> for rusqlite::Error {
    fn from(fault: StepFault) -> Self {
        let code = match fault {
            StepFault::DiskFull => SQLITE_FULL,
            StepFault::Flush => SQLITE_IOERR_FSYNC,
        };
        Self::SqliteFailure(ffi::Error::new(code), None)
    }
}

/// The writer of a database that is used in steps. Dropping it is the end of the process: what is not committed is lost.
pub struct SteppedWriter {
    /// `None` after the store was closed.
    writer: Option<Writer>,
    /// Where the connection comes back, while it is lent for a transaction.
    lent: Option<mpsc::Receiver<Option<Handle>>>,
}

impl SteppedWriter {
    pub(super) fn new(writer: Writer) -> Self {
        Self { writer: Some(writer), lent: None }
    }

    /// Whether a transaction has the writer to itself.
    pub fn is_lent(&mut self) -> bool {
        let (Some(writer), Some(back)) = (&mut self.writer, &self.lent) else { return false };
        match back.try_recv() {
            Ok(handle) => writer.handle = handle,
            Err(TryRecvError::Disconnected) => writer.handle = None,
            Err(TryRecvError::Empty) => return true,
        }
        self.lent = None;
        false
    }

    /// Whether a step would do something.
    pub fn is_waiting(&mut self) -> bool {
        !self.is_lent() && self.writer.as_ref().is_some_and(|writer| !writer.queue.is_empty() || writer.queue.is_done())
    }

    /// Runs the units that wait and commits them together, or lends the connection for one transaction.
    pub fn step(&mut self) {
        if self.is_lent() {
            return;
        }
        let Some(writer) = &mut self.writer else { return };
        match writer.queue.next_if(|_, _| true) {
            Some((owner, Job::Unit(unit))) => writer.commit_together(owner, unit),
            Some((_, Job::Session(answer))) => self.lent = writer.lend(answer),
            None if writer.queue.is_done() => self.writer = None,
            None => {}
        }
    }
}

/// Waits for this long at most, and in steps without a limit.
pub(super) async fn in_time<T>(is_stepped: bool, time: Duration, future: impl Future<Output = T>) -> Option<T> {
    if is_stepped { Some(future.await) } else { timeout(time, future).await.ok() }
}
