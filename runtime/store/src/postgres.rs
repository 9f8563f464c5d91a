//! Connections to PostgreSQL, and transactions on them.
//!
//! Each request to the server costs both sides as much as a simple statement. So connections are not tested before and after each
//! use, as sqlx's own pool does: a connection that the server has closed in the meantime fails to begin a transaction, and another
//! one begins it. Changes of which nobody needs a result are collected, and sent as one statement.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sendbox_slots::Permit;
use sqlx::postgres::{PgConnectOptions, PgRow};
use sqlx::{ConnectOptions, Connection, Executor, PgConnection, raw_sql};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout};

use super::failure::{Result, StoreError};
use super::query::Query;

/// A PostgreSQL server accepts 100 connections by default, and several processes share it.
pub(super) const MAX_CONNECTIONS: usize = 16;
/// How long a caller waits for a connection.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);
/// An older connection is replaced, so that the server can shed memory, and a new address of the server is noticed.
const MAX_AGE: Duration = Duration::from_secs(30 * 60);
/// A connection that was not used for this long is closed.
const MAX_IDLE: Duration = Duration::from_secs(10 * 60);
/// Maximum number of changes that are sent as one statement.
const MAX_MERGED: usize = 8;
/// How long a rollback may take before its connection is given up.
const ROLLBACK_TIMEOUT: Duration = Duration::from_secs(5);

/// For every connection. `synchronous_commit = off`, which acknowledges a commit before it is on disk, is overridden; stricter
/// settings are kept. A transaction whose process hangs releases its locks. All statements are short: compiling them takes longer
/// than running them.
const SETTINGS: &str = "SET statement_timeout = '5s'; SET lock_timeout = '5s'; \
    SET idle_in_transaction_session_timeout = '30s'; SET application_name = 'sendbox'; SET client_min_messages = 'warning'; \
    SET jit = off; \
    SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off';";

/// The statement that begins a transaction.
#[derive(Clone, Copy)]
pub(super) struct Begin {
    pub(super) statement: &'static str,
    /// Whether the transaction may write.
    pub(super) writes: bool,
}

/// The connections of a process. Clones share them.
#[derive(Clone)]
pub(super) struct Pool {
    shared: Arc<Shared>,
}

struct Shared {
    options: PgConnectOptions,
    permits: Arc<Semaphore>,
    /// The one that was used last is at the end, and is used first.
    idle: Mutex<VecDeque<IdleConnection>>,
    is_closed: AtomicBool,
    /// How many requests of writing transactions were sent.
    round_trips: AtomicU64,
}

/// A connection without a transaction.
struct IdleConnection {
    connection: PgConnection,
    connected_at: Instant,
    used_at: Instant,
}

impl Shared {
    fn idle(&self) -> MutexGuard<'_, VecDeque<IdleConnection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the idle connection that was used last.
    fn take(&self) -> Option<IdleConnection> {
        self.idle().pop_back()
    }

    fn give_back(&self, connection: PgConnection, connected_at: Instant) {
        let now = Instant::now();
        if now - connected_at > MAX_AGE || self.is_closed.load(Ordering::Acquire) {
            return;
        }
        let mut idle = self.idle();
        idle.push_back(IdleConnection { connection, connected_at, used_at: now });
        let unused = idle.front().is_some_and(|oldest| now - oldest.used_at > MAX_IDLE);
        let _closed = unused.then(|| idle.pop_front());
    }

    /// Counts a request of a transaction that may write.
    fn count(&self, writes: bool) {
        if writes {
            self.round_trips.fetch_add(1, Ordering::Relaxed);
        }
    }

    async fn connect(&self) -> Result<PgConnection> {
        let mut connection = self.options.connect().await?;
        raw_sql(SETTINGS).execute(&mut connection).await?;
        Ok(connection)
    }
}

impl Pool {
    /// Connects once, to find out whether the server can be used.
    pub(super) async fn open(options: PgConnectOptions) -> Result<Self> {
        let shared = Shared {
            // Far more than there are statements, so that none is prepared again.
            options: options.statement_cache_capacity(500),
            permits: Arc::new(Semaphore::new(MAX_CONNECTIONS)),
            idle: Mutex::default(),
            is_closed: AtomicBool::new(false),
            round_trips: AtomicU64::new(0),
        };
        let connected = timeout(ACQUIRE_TIMEOUT, shared.connect()).await.map_err(|_| no_connection())??;
        shared.give_back(connected, Instant::now());
        Ok(Self { shared: Arc::new(shared) })
    }

    /// A connection of its own.
    pub(super) async fn connect(&self) -> Result<PgConnection> {
        self.shared.connect().await
    }

    /// Begins a transaction. `slot`: the owner's right to a connection, which is held until that is free again.
    pub(super) async fn begin(&self, begin: Begin, slot: Option<Permit>) -> Result<Session> {
        timeout(ACQUIRE_TIMEOUT, self.begin_patiently(begin, slot)).await.unwrap_or_else(|_| Err(no_connection()))
    }

    async fn begin_patiently(&self, begin: Begin, slot: Option<Permit>) -> Result<Session> {
        let shared = Arc::clone(&self.shared);
        let permit = Arc::clone(&shared.permits).acquire_owned().await.map_err(|_| StoreError::closed())?;
        if shared.is_closed.load(Ordering::Acquire) {
            return Err(StoreError::closed());
        }
        let rights = Rights { _permit: permit, _slot: slot };
        while let Some(IdleConnection { mut connection, connected_at, .. }) = shared.take() {
            shared.count(begin.writes);
            // An error: the server has closed it, and perhaps the others as well.
            if connection.execute(begin.statement).await.is_ok() {
                return Ok(Session::new(shared, rights, connection, connected_at, begin.writes));
            }
        }
        let (mut connection, connected_at) = (shared.connect().await?, Instant::now());
        shared.count(begin.writes);
        connection.execute(begin.statement).await?;
        Ok(Session::new(shared, rights, connection, connected_at, begin.writes))
    }

    /// Waits for open transactions to end, and closes the connections.
    pub(super) async fn close(&self) {
        let shared = &self.shared;
        shared.is_closed.store(true, Ordering::Release);
        if let Ok(all) = shared.permits.acquire_many(u32::try_from(MAX_CONNECTIONS).unwrap_or(u32::MAX)).await {
            all.forget();
            shared.permits.close();
        }
        while let Some(idle) = shared.take() {
            // The server notices in any case.
            let _ = idle.connection.close().await;
        }
    }

    pub(super) fn round_trips(&self) -> u64 {
        self.shared.round_trips.load(Ordering::Relaxed)
    }
}

fn no_connection() -> StoreError {
    StoreError::Unavailable("no connection within 5 s".to_owned())
}

/// A transaction on a connection. It is rolled back if it is dropped before it has ended.
pub(super) struct Session {
    shared: Arc<Shared>,
    writes: bool,
    /// Changes that are still to be sent.
    later: Vec<Query>,
    open: Option<Open>,
}

/// What a transaction needs for a connection, until that is free again.
struct Rights {
    _permit: OwnedSemaphorePermit,
    _slot: Option<Permit>,
}

/// The connection of a transaction that has not ended.
struct Open {
    connection: PgConnection,
    connected_at: Instant,
    rights: Rights,
    /// Whether a request was sent whose response was not read to its end. Then the connection cannot be used again.
    is_waiting: bool,
}

impl Open {
    /// Ends the transaction with this statement, and gives the connection back.
    async fn end(mut self, shared: &Shared, statement: &'static str) -> sqlx::Result<()> {
        self.connection.execute(statement).await?;
        shared.give_back(self.connection, self.connected_at);
        drop(self.rights);
        Ok(())
    }
}

impl Session {
    fn new(shared: Arc<Shared>, rights: Rights, connection: PgConnection, connected_at: Instant, writes: bool) -> Self {
        let open = Open { connection, connected_at, rights, is_waiting: false };
        Self { shared, writes, later: Vec::new(), open: Some(open) }
    }

    /// Collects a change, to be sent together with the next ones, at the latest with the commit.
    pub(super) async fn later(&mut self, query: Query) -> Result<()> {
        self.later.push(query);
        if self.later.len() < MAX_MERGED { Ok(()) } else { self.flush().await }
    }

    /// Runs a statement, after what was collected. Returns all its rows.
    pub(super) async fn all(&mut self, query: Query) -> Result<Vec<PgRow>> {
        self.flush().await?;
        self.fetch(query).await
    }

    /// Runs a change, after what was collected. Returns the number of rows that it changed.
    pub(super) async fn execute(&mut self, query: Query) -> Result<u64> {
        self.flush().await?;
        let query = query.into_postgres()?;
        self.shared.count(self.writes);
        let open = self.open.as_mut().ok_or_else(ended)?;
        open.is_waiting = true;
        let done = query.execute(&mut open.connection).await;
        open.is_waiting = false;
        Ok(done?.rows_affected())
    }

    /// Runs changes, and what was collected, as one statement. Returns the number of rows that each of them changed. None sees the
    /// changes of the others, and no two of them may change the same row.
    pub(super) async fn together(&mut self, queries: Vec<Query>) -> Result<Vec<u64>> {
        let asked = queries.len();
        let mut all = std::mem::take(&mut self.later);
        all.extend(queries);
        let collected = all.len() - asked;
        let rows = self.fetch(Query::merge(all)).await?;
        let row = rows.first().ok_or_else(|| StoreError::Corrupt("a statement without a result".to_owned()))?;
        let count = |index: usize| -> Result<u64> {
            let count: i64 = sqlx::Row::try_get(row, index)?;
            Ok(u64::try_from(count).unwrap_or(0))
        };
        (collected..collected + asked).map(count).collect()
    }

    /// Sends what was collected.
    pub(super) async fn flush(&mut self) -> Result<()> {
        let mut collected = std::mem::take(&mut self.later);
        let query = match collected.len() {
            0 => return Ok(()),
            1 => collected.remove(0),
            _ => Query::merge(collected),
        };
        self.fetch(query).await.map(drop)
    }

    async fn fetch(&mut self, query: Query) -> Result<Vec<PgRow>> {
        let query = query.into_postgres()?;
        self.shared.count(self.writes);
        let open = self.open.as_mut().ok_or_else(ended)?;
        open.is_waiting = true;
        let rows = query.fetch_all(&mut open.connection).await;
        open.is_waiting = false;
        Ok(rows?)
    }

    /// Commits.
    ///
    /// # Errors
    /// [`StoreError::Uncertain`] when the response to the commit was lost. Any other error: nothing was changed.
    pub(super) async fn commit(mut self) -> Result<()> {
        self.flush().await?;
        self.shared.count(self.writes);
        // Not rolled back by `drop` if this future is dropped: the connection is closed, and what was sent decides.
        let open = self.open.take().ok_or_else(ended)?;
        open.end(&self.shared, "COMMIT").await.map_err(StoreError::of_commit)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let Some(open) = self.open.take().filter(|open| !open.is_waiting) else { return };
        // Without a runtime the connection is closed, and the server rolls back.
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        let shared = Arc::clone(&self.shared);
        runtime.spawn(async move {
            // An error closes the connection, too.
            let _ = timeout(ROLLBACK_TIMEOUT, open.end(&shared, "ROLLBACK")).await;
        });
    }
}

fn ended() -> StoreError {
    StoreError::Unavailable("the transaction has ended".to_owned())
}
