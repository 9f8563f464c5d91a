//! SQLite in steps: somebody else decides when the writer runs, when a statement runs, and what fails.
//!
//! A simulation of crashes and interleavings drives the store this way, in one thread. There is no thread that writes and none for
//! blocking work, and nothing is timed.

use std::pin::Pin;
use std::time::Duration;

use rusqlite::ffi::{self, SQLITE_FULL, SQLITE_IOERR_FSYNC};
use tokio::time::timeout;

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

/// Waits for this long at most, and in steps without a limit.
pub(super) async fn in_time<T>(is_stepped: bool, time: Duration, future: impl Future<Output = T>) -> Option<T> {
    if is_stepped { Some(future.await) } else { timeout(time, future).await.ok() }
}
