//! One transaction, and the only way to a connection.
//!
//! PostgreSQL refuses every statement after one has failed. SQLite does not: it may have rolled back by itself (disk
//! full, I/O error), and what follows would be committed at once, each statement for itself. So the refusal is
//! here, for both, and covers a statement whose caller went away half-way too.

use std::time::Duration;

use sqlx::Postgres;

use super::query::{Query, Row, query};
use super::sqlite::{Handle, Session};
use super::{Backend, Result, StoreError};

/// A transaction. Dropped without [`commit`](Self::commit) it is rolled back.
pub struct Tx {
    inner: Inner,
    writes: bool,
    /// Whether every statement so far succeeded.
    sound: bool,
}

/// Where the statements of a transaction run.
enum Inner {
    /// In SQLite, on a thread for blocking work. `None` while a statement runs, and after one was given up.
    Session(Option<Session>),
    /// In SQLite, on the thread of the writer, as one unit of a batch. `None` only between two units.
    Unit(Option<Handle>),
    Postgres(Box<sqlx::Transaction<'static, Postgres>>),
}

impl std::fmt::Debug for Tx {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tx").field("backend", &self.backend()).field("writes", &self.writes).finish_non_exhaustive()
    }
}

impl Tx {
    pub(super) fn of_session(session: Session, writes: bool) -> Self {
        Self { inner: Inner::Session(Some(session)), writes, sound: true }
    }

    pub(super) fn of_unit(handle: Handle) -> Self {
        Self { inner: Inner::Unit(Some(handle)), writes: true, sound: true }
    }

    pub(super) fn of_postgres(transaction: sqlx::Transaction<'static, Postgres>, writes: bool) -> Self {
        Self { inner: Inner::Postgres(Box::new(transaction)), writes, sound: true }
    }

    /// The connection of a unit, and whether every statement of it succeeded.
    pub(super) fn into_unit(self) -> (Option<Handle>, bool) {
        match self.inner {
            Inner::Unit(handle) => (handle, self.sound),
            Inner::Session(_) | Inner::Postgres(_) => (None, false),
        }
    }

    /// Which database.
    pub fn backend(&self) -> Backend {
        match self.inner {
            Inner::Session(_) | Inner::Unit(_) => Backend::Sqlite,
            Inner::Postgres(_) => Backend::Postgres,
        }
    }

    /// Makes the changes last.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`]: nothing was changed. [`StoreError::Uncertain`]: nobody knows, and the caller must not do as if
    /// nothing had happened.
    pub async fn commit(self) -> Result<()> {
        self.check()?;
        match self.inner {
            Inner::Session(Some(session)) => blocking(move || session.commit()).await?,
            Inner::Postgres(transaction) => transaction.commit().await.map_err(StoreError::of_commit),
            // A unit is committed with its batch.
            Inner::Session(None) | Inner::Unit(_) => Err(lost()),
        }
    }

    /// Lets each of the statements that follow take so long.
    pub(super) async fn allow(&mut self, time: Duration) -> Result<()> {
        match &mut self.inner {
            Inner::Session(Some(session)) => session.allow(time),
            Inner::Session(None) | Inner::Unit(_) => {}
            Inner::Postgres(_) => {
                let set = query("SELECT set_config('statement_timeout', $1, true)").bind(time.as_millis().to_string());
                self.all(set).await?;
            }
        }
        Ok(())
    }

    /// Runs a statement. Returns how many rows it changed.
    pub(super) async fn execute(&mut self, query: Query) -> Result<u64> {
        self.check()?;
        self.sound = false;
        let changed = match &mut self.inner {
            Inner::Unit(handle) => handle.as_ref().ok_or_else(lost)?.execute(&query)?,
            Inner::Session(slot) => {
                let session = slot.take().ok_or_else(lost)?;
                let (session, done) = blocking(move || (session.execute(&query), session)).await.map(swap)?;
                *slot = Some(session);
                done?
            }
            Inner::Postgres(transaction) => query.into_postgres()?.execute(&mut ***transaction).await?.rows_affected(),
        };
        self.sound = true;
        Ok(changed)
    }

    /// Runs a statement. Returns all its rows.
    pub(super) async fn all(&mut self, query: Query) -> Result<Vec<Row>> {
        self.check()?;
        self.sound = false;
        let rows = match &mut self.inner {
            Inner::Unit(handle) => handle.as_ref().ok_or_else(lost)?.all(&query)?,
            Inner::Session(slot) => {
                let session = slot.take().ok_or_else(lost)?;
                let (session, rows) = blocking(move || (session.all(&query), session)).await.map(swap)?;
                *slot = Some(session);
                rows?
            }
            Inner::Postgres(transaction) => {
                let rows = query.into_postgres()?.fetch_all(&mut ***transaction).await?;
                rows.into_iter().map(Row::Postgres).collect()
            }
        };
        self.sound = true;
        Ok(rows)
    }

    /// Runs a statement that has at most one row.
    pub(super) async fn one(&mut self, query: Query) -> Result<Option<Row>> {
        // All of them: an error behind the first row must not be lost.
        Ok(self.all(query).await?.pop())
    }

    /// `locked` where rows that are read to be changed must be locked, else `plain`.
    pub(super) fn locking(&self, plain: &'static str, locked: &'static str) -> &'static str {
        if self.writes && self.backend() == Backend::Postgres { locked } else { plain }
    }

    fn check(&self) -> Result<()> {
        if self.sound {
            return Ok(());
        }
        Err(StoreError::Unavailable("a statement of this transaction has failed before".to_owned()))
    }
}

fn swap<A, B>((a, b): (A, B)) -> (B, A) {
    (b, a)
}

fn lost() -> StoreError {
    StoreError::Unavailable("the transaction has ended".to_owned())
}

/// Runs what waits for the disk where it holds up no other task.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(|_| StoreError::Unavailable("a statement was given up".to_owned()))
}
