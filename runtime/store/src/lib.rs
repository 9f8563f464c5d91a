//! What the service keeps, in SQLite or PostgreSQL, by one set of SQL statements.
//!
//! [`Store::begin`] opens a transaction, and everything else is a function over [`Tx`], one file for each kind of row,
//! so that an operation composes several of them and commits once. The rows are in [`rows`].
//!
//! Promises
//! - after `commit` returned `Ok` the change is on disk (SQLite: WAL with `synchronous=FULL`); when it returned an
//!   error nobody may say whether it is, and nothing here tries again;
//! - a transaction in which a statement failed, or was given up half-way, can only be rolled back, on both databases;
//! - what looks atomic is: counters, claims and guarded changes are single statements or hold a row lock until the
//!   commit;
//! - errors and logs hold no value of any row, and no password;
//! - many processes may open one database at once, also an empty one.
//!
//! How the two databases differ: SQLite has one writer at a time (`BEGIN IMMEDIATE` on a pool of one connection, so
//! that writers wait in a fair line); PostgreSQL has many, in READ COMMITTED, and takes a row lock where a row is read
//! to be changed. Readers see one snapshot on both.
//!
//! Must not know: what the rules are. It keeps what it is given, and guards what a caller asks it to guard.

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

/// Which database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    /// One file on this machine.
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
    /// Without the pools: they would print the URL.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("backend", &self.backend).finish_non_exhaustive()
    }
}

impl Store {
    /// Opens the database and brings its tables up to date.
    ///
    /// `sqlite:///folder/file.db` (made when missing, with mode 0600; the folder must be there) or
    /// `postgres://user:password@host/database`.
    ///
    /// # Errors [`StoreError::Unavailable`] when the URL is of another kind, the database cannot be reached or written,
    /// or its tables were made by a newer version of Sendbox.
    pub async fn open(url: &str) -> Result<Self> {
        connect::open(url).await
    }

    /// Begins a transaction that may write. It waits at most 5 s for its turn.
    pub async fn begin(&self) -> Result<Tx> {
        let statement = match self.backend {
            // Taking the write lock now instead of at the first change: no transaction has to be given up half-way.
            Backend::Sqlite => "BEGIN IMMEDIATE",
            Backend::Postgres => "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE",
        };
        Ok(Tx::new(self.writers.begin_with(statement).await?, self.backend, true))
    }

    /// Begins a transaction that only reads, and sees the database as it was at its first statement. Writers do not
    /// wait for it. A change within it fails.
    pub async fn begin_read(&self) -> Result<Tx> {
        let statement = match self.backend {
            Backend::Sqlite => "BEGIN DEFERRED",
            Backend::Postgres => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        };
        Ok(Tx::new(self.readers.begin_with(statement).await?, self.backend, false))
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<()> {
        sqlx::query("SELECT 1").execute(&self.readers).await?;
        Ok(())
    }

    /// Writes a row of no meaning: whether a write comes to its end now. One statement, so that nobody can be left waiting for a
    /// process that hangs in the middle.
    pub async fn touch(&self, at: i64) -> Result<()> {
        let sql = "INSERT INTO meta (name, value) VALUES ('touched', $1) \
            ON CONFLICT (name) DO UPDATE SET value = excluded.value";
        sqlx::query(sql).bind(at.to_be_bytes().to_vec()).execute(&self.writers).await?;
        Ok(())
    }

    /// Waits for open transactions to end, and closes. Every later call is an error. SQLite merges its log into the
    /// file.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writers.close().await;
    }

    /// Which database.
    pub fn backend(&self) -> Backend {
        self.backend
    }
}

#[cfg(test)]
mod tests;
