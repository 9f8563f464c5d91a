//! One transaction, and the only way to a connection.
//!
//! PostgreSQL refuses every statement after one has failed. SQLite does not: it may have rolled back by itself (disk
//! full, I/O error), and what follows would be committed at once, each statement for itself. So the refusal is
//! here, for both, and covers a statement whose caller went away half-way too.

use sqlx::Any;
use sqlx::any::{AnyArguments, AnyRow};
use sqlx::query::Query;

use super::{Backend, Result, StoreError};

/// A transaction. Dropped without [`commit`](Self::commit) it is rolled back.
pub struct Tx {
    inner: sqlx::Transaction<'static, Any>,
    backend: Backend,
    writes: bool,
    /// Whether every statement so far ended well.
    sound: bool,
}

impl std::fmt::Debug for Tx {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tx").field("backend", &self.backend).field("writes", &self.writes).finish_non_exhaustive()
    }
}

impl Tx {
    pub(super) fn new(inner: sqlx::Transaction<'static, Any>, backend: Backend, writes: bool) -> Self {
        Self { inner, backend, writes, sound: true }
    }

    /// Which database.
    pub fn backend(&self) -> Backend {
        self.backend
    }

    /// Makes the changes last.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`]: nothing was changed. [`StoreError::Uncertain`]: nobody knows, and the caller must not do as if
    /// nothing had happened.
    pub async fn commit(self) -> Result<()> {
        self.check()?;
        self.inner.commit().await.map_err(StoreError::of_commit)
    }

    /// Runs a statement. Returns how many rows it changed.
    pub(super) async fn execute(&mut self, query: Query<'_, Any, AnyArguments>) -> Result<u64> {
        self.check()?;
        self.sound = false;
        let done = query.execute(&mut *self.inner).await?;
        self.sound = true;
        Ok(done.rows_affected())
    }

    /// Runs a statement. Returns all its rows.
    pub(super) async fn all(&mut self, query: Query<'_, Any, AnyArguments>) -> Result<Vec<AnyRow>> {
        self.check()?;
        self.sound = false;
        let rows = query.fetch_all(&mut *self.inner).await?;
        self.sound = true;
        Ok(rows)
    }

    /// Runs a statement that has at most one row.
    pub(super) async fn one(&mut self, query: Query<'_, Any, AnyArguments>) -> Result<Option<AnyRow>> {
        // All of them: an error behind the first row must not be lost.
        Ok(self.all(query).await?.pop())
    }

    /// `locked` where rows that are read to be changed must be locked, else `plain`.
    pub(super) fn locking(&self, plain: &'static str, locked: &'static str) -> &'static str {
        if self.writes && self.backend == Backend::Postgres { locked } else { plain }
    }

    fn check(&self) -> Result<()> {
        if self.sound {
            return Ok(());
        }
        Err(StoreError::Unavailable("a statement of this transaction has failed before".to_owned()))
    }
}
