//! SQLite: the connections, and the thread that writes.
//!
//! The driver is synchronous. A statement of a message takes microseconds, so most of the cost is around it: waking threads, and
//! flushing the disk. The writer therefore collects the units of work that are waiting, runs one after the other, each in a
//! savepoint, and commits them together (group commit). A unit that fails is rolled back alone. When the commit fails, every unit
//! of the batch has failed.
//!
//! A transaction that needs the writer for longer than a unit borrows its connection, as a [`Session`].

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::{Connection, OpenFlags};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use super::query::{Query, Row, SqliteRow};
use super::transaction::broken;
use super::unit::Unit;
use super::{Result, StoreError, Tx};

/// The timeout for a connection, a lock or a statement.
pub(super) const TIMEOUT: Duration = Duration::from_secs(5);
/// Readers do not block each other; four use the cores of a small machine.
pub(super) const READERS: usize = 4;
/// Maximum number of units in a batch. A larger batch would only delay the response to its first unit.
const BATCH: usize = 128;
/// Maximum number of prepared statements of a connection: more than the program has.
const MAX_STATEMENTS: usize = 256;
/// The number of steps of SQLite's virtual machine between two checks of the deadline.
const STEPS_PER_LOOK: i32 = 10_000;

/// For every connection. `secure_delete` overwrites deleted data.
pub(super) const SETTINGS: &str = "PRAGMA busy_timeout = 5000; PRAGMA foreign_keys = ON; PRAGMA synchronous = FULL; \
    PRAGMA secure_delete = ON;";
const READER_SETTINGS: &str = "PRAGMA query_only = ON;";

/// A connection. Its statements have a timeout.
pub(super) struct Handle {
    connection: Connection,
    /// The deadline of the running statement, in milliseconds since `START`; 0 while none runs.
    deadline: Arc<AtomicU64>,
    timeout: Duration,
    /// The statements that ran.
    #[cfg(test)]
    executed: Mutex<Vec<Executed>>,
}

fn millis() -> u64 {
    use std::sync::LazyLock;
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    u64::try_from(START.elapsed().as_millis()).unwrap_or(u64::MAX)
}

impl Handle {
    fn open(path: &Path, settings: &[&str]) -> Result<Self> {
        // A connection is used by one thread at a time, so SQLite needs no locks for it. The file exists already.
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)?;
        connection.set_prepared_statement_cache_capacity(MAX_STATEMENTS);
        for setting in settings {
            connection.execute_batch(setting)?;
        }
        let deadline = Arc::new(AtomicU64::new(0));
        let end = Arc::clone(&deadline);
        let is_over = move || {
            let end = end.load(Ordering::Relaxed);
            end != 0 && millis() > end
        };
        connection.progress_handler(STEPS_PER_LOOK, Some(is_over))?;
        Ok(Self {
            connection,
            deadline,
            timeout: TIMEOUT,
            #[cfg(test)]
            executed: Mutex::default(),
        })
    }

    /// Runs a statement to its end, and calls `each` with every row.
    fn run(&self, query: &Query, mut each: impl FnMut(&rusqlite::Row<'_>) -> rusqlite::Result<()>) -> Result<u64> {
        let timeout = u64::try_from(self.timeout.as_millis()).unwrap_or(u64::MAX);
        self.deadline.store(millis().saturating_add(timeout).max(1), Ordering::Relaxed);
        let result = self.step(query, &mut each);
        self.deadline.store(0, Ordering::Relaxed);
        Ok(result?)
    }

    fn step(
        &self,
        query: &Query,
        each: &mut impl FnMut(&rusqlite::Row<'_>) -> rusqlite::Result<()>,
    ) -> rusqlite::Result<u64> {
        let mut cached;
        let mut once;
        let statement: &mut rusqlite::Statement<'_> = if query.is_cached() {
            cached = self.connection.prepare_cached(query.sql())?;
            &mut cached
        } else {
            once = self.connection.prepare(query.sql())?;
            &mut once
        };
        // SQLite takes `$3` for a name, and numbers parameters in the order in which they appear.
        for index in 1..=statement.parameter_count() {
            let number = statement.parameter_name(index).and_then(|name| name.get(1..)?.parse::<usize>().ok());
            let value = number.and_then(|number| query.values().get(number.checked_sub(1)?));
            let missing = || rusqlite::Error::InvalidParameterCount(query.values().len(), index);
            statement.raw_bind_parameter(index, value.ok_or_else(missing)?)?;
        }
        let reads = statement.readonly();
        let mut rows = statement.raw_query();
        while let Some(row) = rows.next()? {
            each(row)?;
        }
        drop(rows);
        let changes = if reads { 0 } else { self.connection.changes() };
        #[cfg(test)]
        self.record(query, statement)?;
        Ok(changes)
    }

    #[cfg(test)]
    fn record(&self, query: &Query, statement: &rusqlite::Statement<'_>) -> rusqlite::Result<()> {
        let steps = statement.reset_status(rusqlite::StatementStatus::VmStep);
        let mut explain = self.connection.prepare(&format!("EXPLAIN QUERY PLAN {}", query.sql()))?;
        let plan = explain.raw_query().mapped(|row| row.get("detail")).collect::<rusqlite::Result<_>>()?;
        let executed = Executed { sql: query.sql().to_owned(), plan, steps };
        self.executed.lock().unwrap_or_else(PoisonError::into_inner).push(executed);
        Ok(())
    }

    /// The statements that ran since the last call.
    #[cfg(test)]
    pub(super) fn take_executed(&mut self) -> Vec<Executed> {
        std::mem::take(self.executed.get_mut().unwrap_or_else(PoisonError::into_inner))
    }

    /// Runs a statement. Returns how many rows it changed.
    pub(super) fn execute(&self, query: &Query) -> Result<u64> {
        self.run(query, |_| Ok(()))
    }

    /// Runs a statement. Returns all its rows.
    pub(super) fn all(&self, query: &Query) -> Result<Vec<Row>> {
        let mut columns: Option<Arc<[String]>> = None;
        let mut rows = Vec::new();
        self.run(query, |row| {
            let statement: &rusqlite::Statement<'_> = row.as_ref();
            let columns =
                columns.get_or_insert_with(|| statement.column_names().into_iter().map(str::to_owned).collect());
            let values = (0..columns.len()).map(|index| row.get(index)).collect::<rusqlite::Result<_>>()?;
            rows.push(Row::Sqlite(SqliteRow { columns: Arc::clone(columns), values }));
            Ok(())
        })?;
        Ok(rows)
    }

    fn batch(&self, sql: &'static str) -> rusqlite::Result<()> {
        self.connection.prepare_cached(sql)?.raw_execute().map(drop)
    }

    /// Whether a transaction is open. SQLite may have rolled back by itself.
    fn is_in_transaction(&self) -> bool {
        !self.connection.is_autocommit()
    }
}

/// Where a session returns its connection to.
enum Home {
    Writer(mpsc::Sender<Option<Handle>>),
    Reader(Arc<Readers>, #[expect(dead_code, reason = "released when dropped")] OwnedSemaphorePermit),
}

/// A connection that is borrowed for one transaction, and returned when it is dropped.
pub(super) struct Session {
    handle: Option<Handle>,
    home: Home,
    committed: bool,
}

impl Session {
    fn handle(&self) -> Result<&Handle> {
        self.handle.as_ref().ok_or_else(|| StoreError::Unavailable("the transaction has ended".to_owned()))
    }

    pub(super) fn set_timeout(&mut self, time: Duration) {
        if let Some(handle) = &mut self.handle {
            handle.timeout = time;
        }
    }

    pub(super) fn execute(&self, query: &Query) -> Result<u64> {
        self.handle()?.execute(query)
    }

    pub(super) fn all(&self, query: &Query) -> Result<Vec<Row>> {
        self.handle()?.all(query)
    }

    #[cfg(test)]
    pub(super) fn take_executed(&mut self) -> Vec<Executed> {
        self.handle.as_mut().map(Handle::take_executed).unwrap_or_default()
    }

    pub(super) fn commit(mut self) -> Result<()> {
        self.handle()?.batch("COMMIT").map_err(StoreError::of_sqlite_commit)?;
        self.committed = true;
        Ok(())
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let Some(mut handle) = self.handle.take() else { return };
        handle.timeout = TIMEOUT;
        // A connection that SQLite rolled back by itself, or that cannot be rolled back, is replaced.
        let is_usable = self.committed || (handle.is_in_transaction() && handle.batch("ROLLBACK").is_ok());
        let handle = is_usable.then_some(handle);
        match &self.home {
            // An error means that the writer has ended.
            Home::Writer(home) => drop(home.send(handle)),
            Home::Reader(readers, _) => readers.put(handle),
        }
    }
}

/// The read-only connections.
struct Readers {
    path: PathBuf,
    idle: Mutex<Vec<Handle>>,
    permits: Arc<Semaphore>,
}

impl Readers {
    fn idle(&self) -> MutexGuard<'_, Vec<Handle>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(&self, handle: Option<Handle>) {
        if !self.permits.is_closed() {
            self.idle().extend(handle);
        }
    }

    fn open(&self) -> Result<Handle> {
        Handle::open(&self.path, &[SETTINGS, READER_SETTINGS])
    }
}

/// A job for the writer.
enum Job {
    Session(oneshot::Sender<Result<Session>>),
    Unit(Box<dyn Unit>),
    Close(oneshot::Sender<()>),
}

/// A database in one file.
#[derive(Clone)]
pub(super) struct Sqlite {
    jobs: mpsc::Sender<Job>,
    readers: Arc<Readers>,
}

impl Sqlite {
    /// Opens the file, which exists and has been migrated.
    pub(super) fn open(path: PathBuf) -> Result<Self> {
        let (jobs, waiting) = mpsc::channel();
        let readers =
            Readers { path: path.clone(), idle: Mutex::default(), permits: Arc::new(Semaphore::new(READERS)) };
        // Opened now, so that a file that cannot be opened is an error of `open`.
        let first = readers.open()?;
        readers.put(Some(first));
        let handle = Handle::open(&path, &[SETTINGS])?;
        let writer = Writer { path, handle: Some(handle), waiting, next: None };
        thread::Builder::new()
            .name("sendbox-writer".into())
            .spawn(move || writer.work())
            .map_err(|error| StoreError::Unavailable(format!("no thread for the writer: {}", error.kind())))?;
        Ok(Self { jobs, readers: Arc::new(readers) })
    }

    /// Begins a read-only transaction.
    pub(super) async fn begin_read(&self) -> Result<Session> {
        let permit = tokio::time::timeout(TIMEOUT, Arc::clone(&self.readers.permits).acquire_owned());
        let permit = permit.await.map_err(|_| busy())?.map_err(|_| closed())?;
        let idle = self.readers.idle().pop();
        let handle = match idle {
            Some(handle) => handle,
            None => self.readers.open()?,
        };
        handle.batch("BEGIN DEFERRED")?;
        Ok(Session { handle: Some(handle), home: Home::Reader(Arc::clone(&self.readers), permit), committed: false })
    }

    /// Begins a transaction that has the writer to itself.
    pub(super) async fn begin(&self) -> Result<Session> {
        let (answer, session) = oneshot::channel();
        self.ask(Job::Session(answer))?;
        match tokio::time::timeout(TIMEOUT, session).await {
            Ok(Ok(session)) => session,
            Ok(Err(_)) => Err(closed()),
            Err(_) => Err(busy()),
        }
    }

    /// Queues a unit of work.
    pub(super) fn write(&self, unit: Box<dyn Unit>) -> Result<()> {
        self.ask(Job::Unit(unit))
    }

    fn ask(&self, job: Job) -> Result<()> {
        if self.readers.permits.is_closed() {
            return Err(closed());
        }
        self.jobs.send(job).map_err(|_| closed())
    }

    /// Waits for open transactions to end, and closes all connections.
    pub(super) async fn close(&self) {
        let all = u32::try_from(READERS).unwrap_or(u32::MAX);
        // An error means that it is closed already.
        let Ok(permits) = self.readers.permits.acquire_many(all).await else { return };
        self.readers.permits.close();
        drop(permits);
        self.readers.idle().clear();
        // The writer closes last, because only a connection that may write merges the log into the file.
        let (answer, done) = oneshot::channel();
        if self.jobs.send(Job::Close(answer)).is_ok() {
            // An error means that the writer has ended.
            let _ = done.await;
        }
    }
}

fn busy() -> StoreError {
    StoreError::Unavailable("no connection within 5 s".to_owned())
}

fn closed() -> StoreError {
    StoreError::Unavailable("the store is closed".to_owned())
}

/// The thread that writes.
struct Writer {
    path: PathBuf,
    /// `None` after an error of SQLite, until the file is opened again.
    handle: Option<Handle>,
    waiting: mpsc::Receiver<Job>,
    /// The job that ended the last batch, because it is not a unit.
    next: Option<Job>,
}

impl Writer {
    /// Runs until the store is closed or dropped.
    fn work(mut self) {
        while let Some(job) = self.next.take().or_else(|| self.waiting.recv().ok()) {
            match job {
                Job::Session(answer) => self.lend(answer),
                Job::Unit(first) => {
                    let batch = self.collect(first);
                    self.commit_together(batch);
                }
                Job::Close(answer) => {
                    // The last connection merges the log into the file.
                    self.handle = None;
                    let _ = answer.send(());
                    return;
                }
            }
        }
    }

    /// Collects the units that are waiting, in order.
    fn collect(&mut self, first: Box<dyn Unit>) -> Vec<Box<dyn Unit>> {
        let mut batch = vec![first];
        while batch.len() < BATCH {
            match self.waiting.try_recv() {
                Ok(Job::Unit(unit)) => batch.push(unit),
                Ok(other) => {
                    self.next = Some(other);
                    break;
                }
                Err(_) => break,
            }
        }
        batch
    }

    /// The connection, with an open transaction that holds the write lock. The lock is taken now and not at the first change, where
    /// it could fail after some work was done.
    fn begin(&mut self) -> Result<Handle> {
        let handle = match self.handle.take() {
            Some(handle) => handle,
            None => Handle::open(&self.path, &[SETTINGS])?,
        };
        if let Err(error) = handle.batch("BEGIN IMMEDIATE") {
            self.handle = Some(handle);
            return Err(error.into());
        }
        Ok(handle)
    }

    /// Lends the connection for one transaction, and waits for its return.
    fn lend(&mut self, answer: oneshot::Sender<Result<Session>>) {
        if answer.is_closed() {
            return;
        }
        let handle = match self.begin() {
            Ok(handle) => handle,
            Err(error) => {
                let _ = answer.send(Err(error));
                return;
            }
        };
        let (home, back) = mpsc::channel();
        // If nobody waits any more the session is dropped here, which returns the connection.
        drop(answer.send(Ok(Session { handle: Some(handle), home: Home::Writer(home), committed: false })));
        // `None` when the connection has to be replaced.
        self.handle = back.recv().ok().flatten();
    }

    /// Runs the units of a batch, and commits.
    fn commit_together(&mut self, mut batch: Vec<Box<dyn Unit>>) {
        batch.retain(|unit| unit.is_wanted());
        if batch.is_empty() {
            return;
        }
        let mut handle = match self.begin() {
            Ok(handle) => handle,
            Err(error) => return answer(batch, &Err(error)),
        };
        for unit in &mut batch {
            match run(handle, &mut **unit) {
                Ok(back) => handle = back,
                // SQLite has rolled the whole batch back: the disk is full or broken.
                Err(error) => return answer(batch, &Err(error)),
            }
        }
        let committed = handle.batch("COMMIT").map_err(StoreError::of_sqlite_commit);
        let is_usable = committed.is_ok() || (handle.is_in_transaction() && handle.batch("ROLLBACK").is_ok());
        self.handle = is_usable.then_some(handle);
        answer(batch, &committed);
    }
}

fn answer(units: Vec<Box<dyn Unit>>, committed: &Result<()>) {
    for unit in units {
        unit.answer(committed.clone());
    }
}

/// Runs a unit in its own savepoint.
///
/// # Errors
/// When the transaction of the batch has ended.
fn run(handle: Handle, unit: &mut dyn Unit) -> Result<Handle> {
    handle.batch("SAVEPOINT unit")?;
    let mut tx = Tx::of_unit(handle);
    let keeps = unit.run(&mut tx);
    let (Some(handle), is_broken) = tx.into_unit() else {
        return Err(StoreError::Unavailable("a unit of work has lost its transaction".to_owned()));
    };
    if !handle.is_in_transaction() {
        return Err(StoreError::Unavailable("SQLite has rolled back the batch".to_owned()));
    }
    if keeps && !is_broken {
        handle.batch("RELEASE unit")?;
    } else {
        if keeps {
            unit.fail(broken());
        }
        handle.batch("ROLLBACK TO unit")?;
        handle.batch("RELEASE unit")?;
    }
    Ok(handle)
}

/// A statement that ran, for tests of how much it reads.
#[cfg(test)]
pub(super) struct Executed {
    pub(super) sql: String,
    /// The lines of its query plan.
    pub(super) plan: Vec<String>,
    /// The number of steps of SQLite's virtual machine.
    pub(super) steps: i32,
}
