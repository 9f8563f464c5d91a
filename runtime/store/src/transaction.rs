//! A transaction, which is the only access to a connection.
//!
//! PostgreSQL refuses all further statements after one has failed. SQLite does not: it may have rolled back by itself (disk
//! full, I/O error), and would then commit each further statement on its own. So [`Tx`] refuses them, on both databases. The same
//! holds after a statement whose future was dropped before it was done.

use sqlx::Any;
use sqlx::any::{AnyArguments, AnyRow};
use sqlx::query::Query;

use super::{Backend, Result, StoreError};

/// A transaction. It is rolled back if it is dropped without [`commit`](Self::commit).
pub struct Tx {
    inner: sqlx::Transaction<'static, Any>,
    backend: Backend,
    writes: bool,
    /// Whether a statement has failed or was abandoned.
    is_broken: bool,
}

impl std::fmt::Debug for Tx {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tx").field("backend", &self.backend).field("writes", &self.writes).finish_non_exhaustive()
    }
}

impl Tx {
    pub(super) fn new(inner: sqlx::Transaction<'static, Any>, backend: Backend, writes: bool) -> Self {
        Self { inner, backend, writes, is_broken: false }
    }

    /// The kind of database.
    pub fn backend(&self) -> Backend {
        self.backend
    }

    /// Commits the changes.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`]: nothing was changed. [`StoreError::Uncertain`]: the changes may have been committed, and the
    /// caller must not assume that they were not.
    pub async fn commit(self) -> Result<()> {
        self.check()?;
        self.inner.commit().await.map_err(StoreError::of_commit)
    }

    /// Runs a statement. Returns the number of changed rows.
    pub(super) async fn execute(&mut self, query: Query<'_, Any, AnyArguments>) -> Result<u64> {
        self.check()?;
        self.is_broken = true;
        let done = query.execute(&mut *self.inner).await?;
        self.is_broken = false;
        Ok(done.rows_affected())
    }

    /// Runs a statement. Returns all its rows.
    pub(super) async fn all(&mut self, query: Query<'_, Any, AnyArguments>) -> Result<Vec<AnyRow>> {
        self.check()?;
        self.is_broken = true;
        let rows = query.fetch_all(&mut *self.inner).await?;
        self.is_broken = false;
        Ok(rows)
    }

    /// Runs a statement that returns at most one row.
    pub(super) async fn one(&mut self, query: Query<'_, Any, AnyArguments>) -> Result<Option<AnyRow>> {
        // Fetches all rows, because an error after the first row must not be lost.
        Ok(self.all(query).await?.pop())
    }

    /// `locked` where rows that are read to be changed must be locked explicitly, else `plain`.
    pub(super) fn locking(&self, plain: &'static str, locked: &'static str) -> &'static str {
        if self.writes && self.backend == Backend::Postgres { locked } else { plain }
    }

    fn check(&self) -> Result<()> {
        if self.is_broken {
            return Err(StoreError::Unavailable("an earlier statement of this transaction failed".to_owned()));
        }
        Ok(())
    }
}
