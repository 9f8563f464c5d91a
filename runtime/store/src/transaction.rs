//! A transaction, which is the only access to a connection.
//!
//! PostgreSQL refuses all further statements after one has failed. SQLite does not: it may have rolled back by itself (disk
//! full, I/O error), and would then commit each further statement on its own. So [`Tx`] refuses them, on both databases. The same
//! holds after a statement whose future was dropped before it was done.

use std::sync::Arc;
use std::time::Duration;

use super::postgres::Session as PostgresSession;
use super::query::{Query, Row, query};
use super::sqlite::{Handle, Session, Steps};
use super::{Backend, Result, StoreError};

/// A transaction. It is rolled back if it is dropped without [`commit`](Self::commit).
pub struct Tx {
    inner: Inner,
    writes: bool,
    /// Whether a statement has failed or was abandoned.
    is_broken: bool,
}

/// Where the statements of a transaction run.
enum Inner {
    /// On SQLite, on a thread for blocking work. `None` while a statement runs, and after one was abandoned.
    Session(Option<Session>),
    /// On SQLite, on the writer's thread, as one unit of a batch.
    Unit(Option<Handle>),
    Postgres(Box<PostgresSession>),
}

impl std::fmt::Debug for Tx {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tx").field("backend", &self.backend()).field("writes", &self.writes).finish_non_exhaustive()
    }
}

impl Tx {
    pub(super) fn of_session(session: Session, writes: bool) -> Self {
        Self { inner: Inner::Session(Some(session)), writes, is_broken: false }
    }

    pub(super) fn of_unit(handle: Handle) -> Self {
        Self { inner: Inner::Unit(Some(handle)), writes: true, is_broken: false }
    }

    pub(super) fn of_postgres(session: PostgresSession, writes: bool) -> Self {
        Self { inner: Inner::Postgres(Box::new(session)), writes, is_broken: false }
    }

    /// The connection of a unit, and whether a statement of it has failed.
    pub(super) fn into_unit(self) -> (Option<Handle>, bool) {
        match self.inner {
            Inner::Unit(handle) => (handle, self.is_broken),
            Inner::Session(_) | Inner::Postgres(_) => (None, true),
        }
    }

    /// The kind of database.
    pub fn backend(&self) -> Backend {
        match self.inner {
            Inner::Session(_) | Inner::Unit(_) => Backend::Sqlite,
            Inner::Postgres(_) => Backend::Postgres,
        }
    }

    /// Whether code that uses the transaction may wait for something other than the store. A unit of work on SQLite may not.
    pub fn may_wait(&self) -> bool {
        !matches!(self.inner, Inner::Unit(_))
    }

    /// Commits the changes.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`]: nothing was changed. [`StoreError::Uncertain`]: the changes may have been committed, and the
    /// caller must not assume that they were not.
    pub async fn commit(self) -> Result<()> {
        self.check()?;
        match self.inner {
            Inner::Session(Some(session)) => blocking(session.steps(), move || session.commit()).await?,
            Inner::Postgres(session) => session.commit().await,
            // A unit is committed with its batch.
            Inner::Session(None) | Inner::Unit(_) => Err(lost()),
        }
    }

    /// Sets the timeout of the statements that follow.
    pub(super) async fn set_timeout(&mut self, time: Duration) -> Result<()> {
        match &mut self.inner {
            Inner::Session(Some(session)) => session.set_timeout(time),
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
        self.is_broken = true;
        let changed = match &mut self.inner {
            Inner::Unit(handle) => handle.as_ref().ok_or_else(lost)?.execute(&query)?,
            Inner::Session(slot) => {
                let session = slot.take().ok_or_else(lost)?;
                let (session, done) =
                    blocking(session.steps(), move || (session.execute(&query), session)).await.map(swap)?;
                *slot = Some(session);
                done?
            }
            Inner::Postgres(session) => session.execute(query).await?,
        };
        self.is_broken = false;
        Ok(changed)
    }

    /// Runs a change of which nobody needs a result. On PostgreSQL it is collected, and sent with the next statement or the commit, so
    /// an error may appear there. It is one statement with the changes that were collected before: it does not see them, and must
    /// not change the same rows.
    pub(super) async fn later(&mut self, query: Query) -> Result<()> {
        self.check()?;
        let Inner::Postgres(session) = &mut self.inner else { return self.execute(query).await.map(drop) };
        self.is_broken = true;
        session.later(query).await?;
        self.is_broken = false;
        Ok(())
    }

    /// As [`later`](Self::later), for a change that must see those that were collected before: they are sent now.
    pub(super) async fn then_later(&mut self, query: Query) -> Result<()> {
        self.check()?;
        if let Inner::Postgres(session) = &mut self.inner {
            self.is_broken = true;
            session.flush().await?;
            self.is_broken = false;
        }
        self.later(query).await
    }

    /// Runs changes that do not depend on each other, on PostgreSQL as one statement with those that were collected. Returns how many
    /// rows each of them changed. None sees what the others do, and no two of them may change the same row.
    pub(super) async fn together(&mut self, queries: Vec<Query>) -> Result<Vec<u64>> {
        self.check()?;
        let Inner::Postgres(session) = &mut self.inner else {
            let mut changed = Vec::with_capacity(queries.len());
            for query in queries {
                changed.push(self.execute(query).await?);
            }
            return Ok(changed);
        };
        self.is_broken = true;
        let changed = session.together(queries).await?;
        self.is_broken = false;
        Ok(changed)
    }

    /// Runs a statement. Returns all its rows.
    pub(super) async fn all(&mut self, query: Query) -> Result<Vec<Row>> {
        self.check()?;
        self.is_broken = true;
        let rows = match &mut self.inner {
            Inner::Unit(handle) => handle.as_ref().ok_or_else(lost)?.all(&query)?,
            Inner::Session(slot) => {
                let session = slot.take().ok_or_else(lost)?;
                let (session, rows) =
                    blocking(session.steps(), move || (session.all(&query), session)).await.map(swap)?;
                *slot = Some(session);
                rows?
            }
            Inner::Postgres(session) => session.all(query).await?.into_iter().map(Row::Postgres).collect(),
        };
        self.is_broken = false;
        Ok(rows)
    }

    /// The statements that ran since the last call, in a session on SQLite.
    #[cfg(test)]
    pub(super) fn take_executed(&mut self) -> Vec<super::query::Executed> {
        match &mut self.inner {
            Inner::Session(Some(session)) => session.take_executed(),
            Inner::Session(None) | Inner::Unit(_) | Inner::Postgres(_) => Vec::new(),
        }
    }

    /// Runs a statement that has at most one row.
    pub(super) async fn one(&mut self, query: Query) -> Result<Option<Row>> {
        // All of them: an error behind the first row must not be lost.
        Ok(self.all(query).await?.pop())
    }

    /// `locked` where rows that are read to be changed must be locked explicitly, else `plain`.
    pub(super) fn locking(&self, plain: &'static str, locked: &'static str) -> &'static str {
        if self.writes && self.backend() == Backend::Postgres { locked } else { plain }
    }

    fn check(&self) -> Result<()> {
        if self.is_broken {
            return Err(broken());
        }
        Ok(())
    }
}

fn swap<A, B>((a, b): (A, B)) -> (B, A) {
    (b, a)
}

fn lost() -> StoreError {
    StoreError::Unavailable("the transaction has ended".to_owned())
}

pub(super) fn broken() -> StoreError {
    StoreError::Unavailable("an earlier statement of this transaction failed".to_owned())
}

/// Runs blocking work on a thread where it delays no other task; in steps, here and when it is its turn.
async fn blocking<T: Send + 'static>(
    steps: Option<Arc<dyn Steps>>,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T> {
    if let Some(steps) = steps {
        steps.turn().await;
        return Ok(work());
    }
    tokio::task::spawn_blocking(work).await.map_err(|_| StoreError::Unavailable("a statement was abandoned".to_owned()))
}
