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
//! Differences between the databases: SQLite has one writer, a thread that runs what is waiting in order and commits it together.
//! PostgreSQL has many writers, in READ COMMITTED, and a row that is read to be changed is locked. Readers see a single snapshot
//! on both.
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
mod postgres;
mod query;
mod sqlite;
mod table;
mod transaction;
mod unit;

use tokio::sync::oneshot;

use self::postgres::Postgres;
use self::sqlite::Sqlite;
use self::unit::WaitingUnit;

pub use self::failure::StoreError;
pub use self::transaction::Tx;
pub use self::unit::{Done, UnitFuture};

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
    database: Database,
}

#[derive(Clone)]
enum Database {
    Sqlite(Sqlite),
    Postgres(Postgres),
}

impl std::fmt::Debug for Store {
    /// Omits the connections, which would print the URL.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("backend", &self.backend()).finish_non_exhaustive()
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

    /// Runs a unit of work: a transaction that is committed or rolled back as the unit decides.
    ///
    /// On SQLite it runs on the writer's thread, and is committed together with other units. So it may await nothing but functions
    /// of this crate: a unit that waits for anything else fails. A unit that has started is completed even if the caller's future
    /// is dropped.
    ///
    /// # Errors
    /// The errors of the unit, after which nothing is changed; and those of [`Tx::commit`].
    pub async fn write<T, E, F>(&self, unit: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: for<'t> FnOnce(&'t mut Tx) -> UnitFuture<'t, T, E> + Send + 'static,
    {
        match &self.database {
            Database::Sqlite(sqlite) => {
                let (answer, result) = oneshot::channel();
                sqlite.write(Box::new(WaitingUnit::new(unit, answer)))?;
                let lost = |_| E::from(StoreError::Uncertain("the thread that writes has ended".to_owned()));
                result.await.map_err(lost)?
            }
            Database::Postgres(_) => {
                let mut tx = self.begin().await?;
                match unit(&mut tx).await? {
                    Done::Commit(value) => {
                        tx.commit().await?;
                        Ok(value)
                    }
                    Done::Rollback(value) => Ok(value),
                }
            }
        }
    }

    /// Begins a transaction that may write. Waits at most 5 s for other writers. On SQLite it blocks all of them until it ends.
    pub async fn begin(&self) -> Result<Tx> {
        match &self.database {
            Database::Sqlite(sqlite) => Ok(Tx::of_session(sqlite.begin().await?, true)),
            Database::Postgres(postgres) => {
                let begin = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE";
                Ok(Tx::of_postgres(postgres.begin(begin, true).await?, true))
            }
        }
    }

    /// Begins a read-only transaction, which sees the database as of its first statement and does not block writers. A change in
    /// it fails.
    pub async fn begin_read(&self) -> Result<Tx> {
        match &self.database {
            Database::Sqlite(sqlite) => Ok(Tx::of_session(sqlite.begin_read().await?, false)),
            Database::Postgres(postgres) => {
                let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
                Ok(Tx::of_postgres(postgres.begin(begin, false).await?, false))
            }
        }
    }

    /// Checks that the database responds.
    pub async fn ping(&self) -> Result<()> {
        let mut tx = self.begin_read().await?;
        tx.execute(query::query("SELECT 1")).await?;
        tx.commit().await
    }

    /// Checks that the database accepts writes, by writing a row that has no other purpose.
    pub async fn touch(&self, at: i64) -> Result<()> {
        let touch = query::query(
            "INSERT INTO meta (name, value) VALUES ('touched', $1) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        )
        .bind(at.to_be_bytes().to_vec());
        self.write(move |tx| Box::pin(async move { tx.execute(touch).await.map(|_| Done::Commit(())) })).await
    }

    /// Waits for open transactions to end, and closes the connections. Every later call fails. SQLite merges its log into the file.
    pub async fn close(&self) {
        match &self.database {
            Database::Sqlite(sqlite) => sqlite.close().await,
            Database::Postgres(postgres) => postgres.close().await,
        }
    }

    /// How many requests the transactions of this process that may write have sent to PostgreSQL, each of which waits for a response:
    /// what they cost. 0 on SQLite.
    pub fn write_round_trips(&self) -> u64 {
        match &self.database {
            Database::Sqlite(_) => 0,
            Database::Postgres(postgres) => postgres.round_trips(),
        }
    }

    /// The kind of database.
    pub fn backend(&self) -> Backend {
        match self.database {
            Database::Sqlite(_) => Backend::Sqlite,
            Database::Postgres(_) => Backend::Postgres,
        }
    }
}

#[cfg(test)]
mod query_plans;
#[cfg(test)]
mod tests;
