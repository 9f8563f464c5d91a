//! SQLite: its connections, and the one thread that writes.
//!
//! The driver is synchronous, and a statement of a message takes microseconds, so what costs is everything around it. The
//! writer therefore takes what is waiting, runs one unit of work after the other, each in a savepoint, and commits them
//! together: one flush of the disk for all of them (group commit). A unit that fails is rolled back alone. A commit that fails
//! fails every unit of its batch.
//!
//! Whoever needs the writer for longer than a unit gets the connection for one [`Session`], and gives it back.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::{Connection, OpenFlags};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use super::query::{Query, Row, SqliteRow};
use super::unit::Unit;
use super::{Result, StoreError, Tx};

/// How long to wait for a connection, a lock or a statement.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);
/// Readers do not wait for each other; four use the cores of a small machine.
pub(super) const READERS: usize = 4;
/// Units that are committed together at most. More would only make the first one wait.
const BATCH: usize = 128;
/// Statements that a connection keeps prepared: more than the program has.
const KEPT_STATEMENTS: usize = 256;
/// How many steps of its virtual machine SQLite makes between two looks at the clock.
const STEPS_PER_LOOK: i32 = 10_000;

/// Of every connection. `secure_delete`: what is deleted is overwritten.
pub(super) const SETTINGS: &str = "PRAGMA busy_timeout = 5000; PRAGMA foreign_keys = ON; PRAGMA synchronous = FULL; \
    PRAGMA secure_delete = ON;";
const READER_SETTINGS: &str = "PRAGMA query_only = ON;";

/// A connection, whose statements end in time.
pub(super) struct Handle {
    connection: Connection,
    /// When the statement that runs must end, in milliseconds since `START`; 0 while none runs.
    deadline: Arc<AtomicU64>,
    patience: Duration,
}

fn millis() -> u64 {
    use std::sync::LazyLock;
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    u64::try_from(START.elapsed().as_millis()).unwrap_or(u64::MAX)
}

impl Handle {
    fn open(path: &Path, settings: &[&str]) -> Result<Self> {
        // Each connection is used by one thread at a time, so SQLite needs no locks of its own. The file is there already.
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)?;
        connection.set_prepared_statement_cache_capacity(KEPT_STATEMENTS);
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
        Ok(Self { connection, deadline, patience: PATIENCE })
    }

    /// Runs a statement to its end, and gives each of its rows to `each`.
    fn run(&self, query: &Query, mut each: impl FnMut(&rusqlite::Row<'_>) -> rusqlite::Result<()>) -> Result<u64> {
        let patience = u64::try_from(self.patience.as_millis()).unwrap_or(u64::MAX);
        self.deadline.store(millis().saturating_add(patience).max(1), Ordering::Relaxed);
        let result = self.step(query, &mut each);
        self.deadline.store(0, Ordering::Relaxed);
        Ok(result?)
    }

    fn step(
        &self,
        query: &Query,
        each: &mut impl FnMut(&rusqlite::Row<'_>) -> rusqlite::Result<()>,
    ) -> rusqlite::Result<u64> {
        let mut kept;
        let mut once;
        let statement: &mut rusqlite::Statement<'_> = if query.is_kept() {
            kept = self.connection.prepare_cached(query.sql())?;
            &mut kept
        } else {
            once = self.connection.prepare(query.sql())?;
            &mut once
        };
        // To SQLite `$3` is a name, and its parameters are numbered as they appear.
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
        Ok(if reads { 0 } else { self.connection.changes() })
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

    /// Whether a transaction is open. SQLite may have rolled it back by itself.
    fn is_in_transaction(&self) -> bool {
        !self.connection.is_autocommit()
    }
}

/// Where a session's connection belongs.
enum Home {
    Writer(mpsc::Sender<Option<Handle>>),
    Reader(Arc<Readers>, #[expect(dead_code, reason = "held for its drop")] OwnedSemaphorePermit),
}

/// A connection that belongs to one transaction, until it is dropped.
pub(super) struct Session {
    handle: Option<Handle>,
    home: Home,
    committed: bool,
}

impl Session {
    fn handle(&self) -> Result<&Handle> {
        self.handle.as_ref().ok_or_else(|| StoreError::Unavailable("the transaction has ended".to_owned()))
    }

    pub(super) fn allow(&mut self, time: Duration) {
        if let Some(handle) = &mut self.handle {
            handle.patience = time;
        }
    }

    pub(super) fn execute(&self, query: &Query) -> Result<u64> {
        self.handle()?.execute(query)
    }

    pub(super) fn all(&self, query: &Query) -> Result<Vec<Row>> {
        self.handle()?.all(query)
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
        handle.patience = PATIENCE;
        // One that SQLite has rolled back by itself is not trusted any more, and neither is one that cannot be rolled back.
        let is_usable = self.committed || (handle.is_in_transaction() && handle.batch("ROLLBACK").is_ok());
        let handle = is_usable.then_some(handle);
        match &self.home {
            // Without the thread there is nothing to give it back to.
            Home::Writer(home) => drop(home.send(handle)),
            Home::Reader(readers, _) => readers.put(handle),
        }
    }
}

/// The connections that read.
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

/// What the writer is asked to do.
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
    /// Opens the file, which is there and has its tables.
    pub(super) fn open(path: PathBuf) -> Result<Self> {
        let (jobs, waiting) = mpsc::channel();
        let readers =
            Readers { path: path.clone(), idle: Mutex::default(), permits: Arc::new(Semaphore::new(READERS)) };
        // Here, so that a file that cannot be opened is noticed at once.
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

    /// A transaction that only reads.
    pub(super) async fn begin_read(&self) -> Result<Session> {
        let permit = tokio::time::timeout(PATIENCE, Arc::clone(&self.readers.permits).acquire_owned());
        let permit = permit.await.map_err(|_| busy())?.map_err(|_| closed())?;
        let idle = self.readers.idle().pop();
        let handle = match idle {
            Some(handle) => handle,
            None => self.readers.open()?,
        };
        handle.batch("BEGIN DEFERRED")?;
        Ok(Session { handle: Some(handle), home: Home::Reader(Arc::clone(&self.readers), permit), committed: false })
    }

    /// A transaction that has the writer to itself.
    pub(super) async fn begin(&self) -> Result<Session> {
        let (answer, session) = oneshot::channel();
        self.ask(Job::Session(answer))?;
        match tokio::time::timeout(PATIENCE, session).await {
            Ok(Ok(session)) => session,
            Ok(Err(_)) => Err(closed()),
            Err(_) => Err(busy()),
        }
    }

    /// Gives the writer a unit of work.
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
        let (answer, done) = oneshot::channel();
        let asked = self.ask(Job::Close(answer));
        let all = u32::try_from(READERS).unwrap_or(u32::MAX);
        // An error: it is closed already.
        if let Ok(permits) = self.readers.permits.acquire_many(all).await {
            self.readers.permits.close();
            drop(permits);
        }
        self.readers.idle().clear();
        if asked.is_ok() {
            // An error: the thread has ended.
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
    /// `None` after SQLite has failed: it is opened again.
    handle: Option<Handle>,
    waiting: mpsc::Receiver<Job>,
    /// A job that did not fit into the last batch.
    next: Option<Job>,
}

impl Writer {
    /// Works until the store is closed, or nobody has it any more.
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

    /// The units that wait, the first one first.
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

    /// The connection, with a transaction that has the write lock. Taking it now instead of at the first change means that no
    /// transaction has to be given up half-way.
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

    /// Gives the connection away for one transaction, and waits until it is back.
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
        // Where nobody waits any more the session is dropped here, and so comes back.
        drop(answer.send(Ok(Session { handle: Some(handle), home: Home::Writer(home), committed: false })));
        // An error: the connection was lost with its transaction.
        self.handle = back.recv().ok().flatten();
    }

    /// Runs each unit, and commits what they did.
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
                // The transaction is gone, with all that was done in it: the disk is full, or broken.
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

/// Runs a unit in a savepoint of its own.
///
/// # Errors
/// The transaction of the batch is gone.
fn run(handle: Handle, unit: &mut dyn Unit) -> Result<Handle> {
    handle.batch("SAVEPOINT unit")?;
    let mut tx = Tx::of_unit(handle);
    let keeps = unit.run(&mut tx);
    let (Some(handle), is_sound) = tx.into_unit() else {
        return Err(StoreError::Unavailable("a unit of work took its transaction away".to_owned()));
    };
    if !handle.is_in_transaction() {
        return Err(StoreError::Unavailable("SQLite has rolled a batch back".to_owned()));
    }
    if keeps && is_sound {
        handle.batch("RELEASE unit")?;
    } else {
        if keeps {
            unit.fail(StoreError::Unavailable("a statement of this transaction has failed before".to_owned()));
        }
        handle.batch("ROLLBACK TO unit")?;
        handle.batch("RELEASE unit")?;
    }
    Ok(handle)
}
