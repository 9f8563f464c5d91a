//! A connection that is borrowed for one transaction.

use std::sync::Arc;
use std::time::Duration;

use super::connection::{Handle, TIMEOUT};
use super::steps::Steps;
use crate::failure::{Result, StoreError};
use crate::query::{Query, Row};

/// Takes the connection back. `None`: it has to be replaced.
type GiveBack = Box<dyn FnOnce(Option<Handle>) + Send>;

/// A connection that is borrowed for one transaction, and returned when it is dropped.
pub(crate) struct Session {
    handle: Option<Handle>,
    give_back: Option<GiveBack>,
    committed: bool,
}

impl Session {
    /// A session on a connection with an open transaction.
    pub(super) fn new(handle: Handle, give_back: impl FnOnce(Option<Handle>) + Send + 'static) -> Self {
        Self { handle: Some(handle), give_back: Some(Box::new(give_back)), committed: false }
    }

    fn handle(&self) -> Result<&Handle> {
        self.handle.as_ref().ok_or_else(|| StoreError::Unavailable("the transaction has ended".to_owned()))
    }

    /// What decides when its next statement runs, in steps.
    pub(crate) fn steps(&self) -> Option<Arc<dyn Steps>> {
        self.handle.as_ref().and_then(Handle::steps)
    }

    pub(crate) fn set_timeout(&mut self, time: Duration) {
        if let Some(handle) = &mut self.handle {
            handle.timeout = time;
        }
    }

    pub(crate) fn execute(&self, query: &Query) -> Result<u64> {
        self.handle()?.execute(query)
    }

    pub(crate) fn all(&self, query: &Query) -> Result<Vec<Row>> {
        self.handle()?.all(query)
    }

    #[cfg(test)]
    pub(crate) fn take_executed(&mut self) -> Vec<crate::query::Executed> {
        self.handle.as_mut().map(Handle::take_executed).unwrap_or_default()
    }

    pub(crate) fn commit(mut self) -> Result<()> {
        self.handle()?.batch("COMMIT").map_err(StoreError::of_sqlite_commit)?;
        self.committed = true;
        Ok(())
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let (Some(mut handle), Some(give_back)) = (self.handle.take(), self.give_back.take()) else { return };
        handle.timeout = TIMEOUT;
        // A connection that SQLite rolled back by itself, or that cannot be rolled back, is replaced.
        let is_usable = self.committed || (handle.is_in_transaction() && handle.batch("ROLLBACK").is_ok());
        give_back(is_usable.then_some(handle));
    }
}
