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
//! How the two databases differ: SQLite has one writer, a thread that takes what is waiting in order and commits it
//! together; PostgreSQL has many, in READ COMMITTED, and takes a row lock where a row is read to be changed. Readers see one
//! snapshot on both.
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
mod query;
mod sqlite;
mod table;
mod transaction;
mod unit;

use sqlx::PgPool;
use tokio::sync::oneshot;

use self::sqlite::Sqlite;
use self::unit::WaitingUnit;

pub use self::failure::StoreError;
pub use self::transaction::Tx;
pub use self::unit::{Done, UnitFuture};

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
    database: Database,
}

#[derive(Clone)]
enum Database {
    Sqlite(Sqlite),
    Postgres(PgPool),
}

impl std::fmt::Debug for Store {
    /// Without the connections: they would print the URL.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("backend", &self.backend()).finish_non_exhaustive()
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

    /// Does a unit of work: one transaction, which is committed or rolled back as the unit says.
    ///
    /// On SQLite the unit runs on the thread of the writer, and is committed together with others that wait. So it may await
    /// nothing but this store: a unit that waits for anything else fails. Once it has begun it is carried out even if the
    /// caller goes away.
    ///
    /// # Errors
    /// Those of the unit, after which nothing is changed; and those of [`Tx::commit`].
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
                let lost = |_| E::from(StoreError::Uncertain("the writer has ended".to_owned()));
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

    /// Begins a transaction that may write. It waits at most 5 s for its turn. On SQLite nobody else writes until it ends.
    pub async fn begin(&self) -> Result<Tx> {
        match &self.database {
            Database::Sqlite(sqlite) => Ok(Tx::of_session(sqlite.begin().await?, true)),
            Database::Postgres(pool) => {
                let begin = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE";
                Ok(Tx::of_postgres(pool.begin_with(begin).await?, true))
            }
        }
    }

    /// Begins a transaction that only reads, and sees the database as it was at its first statement. Writers do not
    /// wait for it. A change within it fails.
    pub async fn begin_read(&self) -> Result<Tx> {
        match &self.database {
            Database::Sqlite(sqlite) => Ok(Tx::of_session(sqlite.begin_read().await?, false)),
            Database::Postgres(pool) => {
                let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
                Ok(Tx::of_postgres(pool.begin_with(begin).await?, false))
            }
        }
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<()> {
        let mut tx = self.begin_read().await?;
        tx.execute(query::query("SELECT 1")).await?;
        tx.commit().await
    }

    /// Writes a row of no meaning: whether a write comes to its end now.
    pub async fn touch(&self, at: i64) -> Result<()> {
        let touch = query::query(
            "INSERT INTO meta (name, value) VALUES ('touched', $1) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        )
        .bind(at.to_be_bytes().to_vec());
        self.write(move |tx| Box::pin(async move { tx.execute(touch).await.map(|_| Done::Commit(())) })).await
    }

    /// Waits for open transactions to end, and closes. Every later call is an error. SQLite merges its log into the
    /// file.
    pub async fn close(&self) {
        match &self.database {
            Database::Sqlite(sqlite) => sqlite.close().await,
            Database::Postgres(pool) => pool.close().await,
        }
    }

    /// Which database.
    pub fn backend(&self) -> Backend {
        match self.database {
            Database::Sqlite(_) => Backend::Sqlite,
            Database::Postgres(_) => Backend::Postgres,
        }
    }
}

#[cfg(test)]
mod tests;
