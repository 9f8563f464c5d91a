//! The store: whose work it is, and which transactions there are.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use sendbox_slots::Waiting;
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::backend::Backend;
use super::connect;
use super::database::{Database, Postgres};
use super::failure::{Result, StoreError};
use super::postgres::Begin;
use super::query::query;
use super::queue::Owner;
use super::sqlite::{Sqlite, SteppedWriter, Steps, TIMEOUT};
use super::transaction::Tx;
use super::unit::{Done, UnitFuture, WaitingUnit};

const BEGIN: Begin = Begin { statement: "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE", writes: true };
const BEGIN_READ: Begin = Begin { statement: "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", writes: false };

/// The store, in the name of an owner. Cheap to clone: all clones share the connections.
///
/// Owners take turns for the connections, and one of them never holds all. The store knows nothing else about them: an owner is any
/// name, and the empty one is the embedding program itself, whose work is never refused for lack of room.
#[derive(Clone)]
pub struct Store {
    database: Database,
    owner: Owner,
    waiting: Waiting,
    /// How often work was refused with [`StoreError::Busy`].
    refusals: Arc<AtomicU64>,
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
        Ok(Self::new(connect::open(url).await?))
    }

    /// Opens a SQLite file, which exists and has been migrated, to be used in steps: nothing runs until the writer that is returned is
    /// told to, and `steps` decides over each statement. For simulations.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub fn open_in_steps(path: PathBuf, steps: Arc<dyn Steps>) -> Result<(Self, SteppedWriter)> {
        let (sqlite, writer) = Sqlite::open_in_steps(path, steps)?;
        Ok((Self::new(Database::Sqlite(sqlite)), writer))
    }

    fn new(database: Database) -> Self {
        Self { database, owner: "".into(), waiting: Waiting::Unbounded, refusals: Arc::default() }
    }

    /// The store in the name of an owner. Its work is refused with [`StoreError::Busy`] while too much of it is waiting.
    #[must_use]
    pub fn for_owner(&self, owner: &str) -> Self {
        Self { owner: owner.into(), waiting: Waiting::Bounded, ..self.clone() }
    }

    /// The store in the name of an owner, for work that ends something that has begun: it is never refused for lack of room, and on
    /// SQLite it is done before other work of the same owner.
    #[must_use]
    pub fn for_completion(&self, owner: &str) -> Self {
        Self { owner: owner.into(), waiting: Waiting::Unbounded, ..self.clone() }
    }

    /// How often work was refused because too much was waiting, for all owners since the store was opened.
    pub fn refusals(&self) -> u64 {
        self.refusals.load(Ordering::Relaxed)
    }

    fn counted<T>(&self, result: Result<T>) -> Result<T> {
        if let Err(StoreError::Busy) = result {
            self.refusals.fetch_add(1, Ordering::Relaxed);
        }
        result
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
                let unit = Box::new(WaitingUnit::new(unit, answer));
                self.counted(sqlite.write(&self.owner, self.waiting, unit))?;
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
            Database::Sqlite(sqlite) => {
                let session = self.counted(sqlite.begin(&self.owner, self.waiting).await)?;
                Ok(Tx::of_session(session, true))
            }
            Database::Postgres(postgres) => {
                let slot = self.counted(self.slot(postgres).await)?;
                Ok(Tx::of_postgres(postgres.pool.begin(BEGIN, Some(slot)).await?, true))
            }
        }
    }

    /// Begins a read-only transaction, which sees the database as of its first statement and does not block writers. A change in
    /// it fails.
    pub async fn begin_read(&self) -> Result<Tx> {
        match &self.database {
            Database::Sqlite(sqlite) => {
                let session = self.counted(sqlite.begin_read(&self.owner, self.waiting).await)?;
                Ok(Tx::of_session(session, false))
            }
            Database::Postgres(postgres) => {
                let slot = self.counted(self.slot(postgres).await)?;
                Ok(Tx::of_postgres(postgres.pool.begin(BEGIN_READ, Some(slot)).await?, false))
            }
        }
    }

    /// Begins a read-only transaction for a look-up of a few rows that every request needs. It has connections that nothing else
    /// occupies, so it must be short.
    pub async fn begin_lookup(&self) -> Result<Tx> {
        match &self.database {
            Database::Sqlite(sqlite) => {
                let session = self.counted(sqlite.begin_lookup().await)?;
                Ok(Tx::of_session(session, false))
            }
            Database::Postgres(postgres) => Ok(Tx::of_postgres(postgres.pool.begin(BEGIN_READ, None).await?, false)),
        }
    }

    /// Waits for a connection that this owner may use.
    async fn slot(&self, postgres: &Postgres) -> Result<sendbox_slots::Permit> {
        let slot = timeout(TIMEOUT, postgres.slots.acquire(&self.owner, self.waiting));
        Ok(slot.await.map_err(|_| StoreError::Busy)??)
    }

    /// Checks that the database responds.
    pub async fn ping(&self) -> Result<()> {
        let mut tx = self.begin_read().await?;
        tx.execute(query("SELECT 1")).await?;
        tx.commit().await
    }

    /// Checks that the database accepts writes, by writing a row that has no other purpose.
    pub async fn touch(&self, at: i64) -> Result<()> {
        let touch = query(
            "INSERT INTO meta (name, value) VALUES ('touched', $1) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        )
        .bind(at.to_be_bytes().to_vec());
        self.write(move |tx| Box::pin(async move { tx.execute(touch).await.map(|_| Done::Commit(())) })).await
    }

    /// Waits for open transactions to end, and closes the connections. Every later call fails. SQLite interrupts reads that take too
    /// long, and merges its log into the file.
    pub async fn close(&self) {
        match &self.database {
            Database::Sqlite(sqlite) => sqlite.close().await,
            Database::Postgres(postgres) => postgres.pool.close().await,
        }
    }

    /// How many requests the transactions of this process that may write have sent to PostgreSQL, each of which waits for a response:
    /// what they cost. 0 on SQLite.
    pub fn write_round_trips(&self) -> u64 {
        match &self.database {
            Database::Sqlite(_) => 0,
            Database::Postgres(postgres) => postgres.pool.round_trips(),
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
