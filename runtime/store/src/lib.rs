//! Persistence for the service, in SQLite or PostgreSQL, with one set of SQL statements.
//!
//! [`Store::begin`] opens a transaction. Everything else is a function over [`Tx`], in one file for each kind of row, so that an
//! operation can combine several of them and commit once. The rows are in [`rows`].
//!
//! Promises
//! - after `commit` has returned `Ok` the change is on disk (SQLite: WAL with `synchronous=FULL`). After an error that is
//!   [`StoreError::Uncertain`] it may or may not be. Nothing here retries;
//! - a transaction in which a statement failed or was abandoned can only be rolled back, on both databases;
//! - counters, claims and guarded updates are atomic: they are single statements, or hold a row lock until the commit;
//! - errors and logs contain no value of any row, and no password;
//! - any number of processes may open a database concurrently, including an empty one.
//!
//! Differences between the databases: SQLite has one writer at a time (`BEGIN IMMEDIATE` on a pool of one connection, which
//! serves waiting writers in order). PostgreSQL has many writers, in READ COMMITTED, and a row that is read to be changed is
//! locked. Readers see a single snapshot on both.
//!
//! Must not know: the rules of the domain.

pub mod attempts;
pub mod audit;
pub mod buckets;
pub mod connections;
pub mod holds;
pub mod idempotency;
pub mod keys;
pub mod messages;
pub mod meta;
pub mod releases;
pub mod reports;
pub mod rows;
pub mod sessions;
pub mod shapes;
pub mod statistics;
pub mod tenants;
pub mod verifications;
pub mod versions;

mod columns;
mod connect;
mod failure;
mod table;
mod transaction;

use sqlx::AnyPool;

pub use self::failure::StoreError;
pub use self::transaction::Tx;

/// The result of the store's functions.
pub type Result<T, E = StoreError> = std::result::Result<T, E>;

/// The kind of database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    /// A file on this machine.
    Sqlite,
    /// A server, shared by any number of processes.
    Postgres,
}

/// The store. Cheap to clone: all clones share the connections.
#[derive(Clone)]
pub struct Store {
    backend: Backend,
    /// SQLite: one connection. PostgreSQL: the same pool as `readers`.
    writers: AnyPool,
    readers: AnyPool,
}

impl std::fmt::Debug for Store {
    /// Omits the pools, which would print the URL.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("backend", &self.backend).finish_non_exhaustive()
    }
}

impl Store {
    /// Opens the database and brings its tables up to date.
    ///
    /// The URL is `sqlite:///folder/file.db` (the file is created with mode 0600 if it is missing; the folder must exist) or
    /// `postgres://user:password@host/database`.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the URL is not supported, the database cannot be reached or written, or its tables were
    /// created by a newer version of Sendbox.
    pub async fn open(url: &str) -> Result<Self> {
        connect::open(url).await
    }

    /// Begins a transaction that may write. Waits at most 5 s for other writers.
    pub async fn begin(&self) -> Result<Tx> {
        let statement = match self.backend {
            // Takes the write lock now and not at the first change, where it could fail after some work was done.
            Backend::Sqlite => "BEGIN IMMEDIATE",
            Backend::Postgres => "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE",
        };
        Ok(Tx::new(self.writers.begin_with(statement).await?, self.backend, true))
    }

    /// Begins a read-only transaction, which sees the database as of its first statement and does not block writers. A change in
    /// it fails.
    pub async fn begin_read(&self) -> Result<Tx> {
        let statement = match self.backend {
            Backend::Sqlite => "BEGIN DEFERRED",
            Backend::Postgres => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        };
        Ok(Tx::new(self.readers.begin_with(statement).await?, self.backend, false))
    }

    /// Checks that the database responds.
    pub async fn ping(&self) -> Result<()> {
        sqlx::query("SELECT 1").execute(&self.readers).await?;
        Ok(())
    }

    /// Checks that the database accepts writes, by writing a row that has no other purpose. A single statement, so that a process
    /// that hangs holds no lock.
    pub async fn touch(&self, at: i64) -> Result<()> {
        let sql = "INSERT INTO meta (name, value) VALUES ('touched', $1) \
            ON CONFLICT (name) DO UPDATE SET value = excluded.value";
        sqlx::query(sql).bind(at.to_be_bytes().to_vec()).execute(&self.writers).await?;
        Ok(())
    }

    /// Waits for open transactions to end, and closes the connections. Every later call fails. SQLite merges its log into the file.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writers.close().await;
    }

    /// The kind of database.
    pub fn backend(&self) -> Backend {
        self.backend
    }
}

#[cfg(test)]
mod tests;
