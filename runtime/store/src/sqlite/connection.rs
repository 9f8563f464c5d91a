//! A connection to SQLite, whose statements end in time.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rusqlite::{Connection, OpenFlags};

use super::steps::Steps;
use crate::failure::Result;
use crate::query::{Query, Row, SqliteRow};

/// The timeout for a connection, a lock or a statement.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(5);
/// Maximum number of prepared statements of a connection: more than the program has.
const MAX_STATEMENTS: usize = 256;
/// The number of steps of SQLite's virtual machine between two checks of the deadline.
const STEPS_PER_LOOK: i32 = 10_000;

/// For every connection. `secure_delete` overwrites deleted data.
pub(crate) const SETTINGS: &str = "PRAGMA busy_timeout = 5000; PRAGMA foreign_keys = ON; PRAGMA synchronous = FULL; \
    PRAGMA secure_delete = ON;";
/// The pages that a batch changes are changed again by the next one: they stay in the cache, and are copied into the database file once
/// in a few batches. What a savepoint needs to roll a unit back is kept in memory; in a temporary file it would be written with every
/// page that a unit changes.
pub(crate) const WRITER_SETTINGS: &str =
    "PRAGMA cache_size = -65536; PRAGMA wal_autocheckpoint = 4000; PRAGMA temp_store = MEMORY;";
/// For connections that only read.
pub(crate) const READER_SETTINGS: &str = "PRAGMA query_only = ON;";

/// A connection. Its statements have a timeout.
pub(crate) struct Handle {
    connection: Connection,
    /// The deadline of the running statement, in milliseconds since `START`; 0 while none runs.
    deadline: Arc<AtomicU64>,
    pub(crate) timeout: Duration,
    /// What decides over each of its statements, in steps.
    steps: Option<Arc<dyn Steps>>,
    /// The statements that ran.
    #[cfg(test)]
    executed: std::sync::Mutex<Vec<crate::query::Executed>>,
}

fn millis() -> u64 {
    use std::sync::LazyLock;
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    u64::try_from(START.elapsed().as_millis()).unwrap_or(u64::MAX)
}

impl Handle {
    /// Opens a connection. Its statements fail once `is_abandoned` is set.
    pub(crate) fn open(path: &Path, settings: &[&str], is_abandoned: &Arc<AtomicBool>) -> Result<Self> {
        // A connection is used by one thread at a time, so SQLite needs no locks for it. The file exists already.
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)?;
        connection.set_prepared_statement_cache_capacity(MAX_STATEMENTS);
        for setting in settings {
            connection.execute_batch(setting)?;
        }
        let deadline = Arc::new(AtomicU64::new(0));
        let (end, is_abandoned) = (Arc::clone(&deadline), Arc::clone(is_abandoned));
        let is_over = move || {
            let end = end.load(Ordering::Relaxed);
            end != 0 && (millis() > end || is_abandoned.load(Ordering::Relaxed))
        };
        connection.progress_handler(STEPS_PER_LOOK, Some(is_over))?;
        Ok(Self {
            connection,
            deadline,
            timeout: TIMEOUT,
            steps: None,
            #[cfg(test)]
            executed: std::sync::Mutex::default(),
        })
    }

    /// The same connection, whose statements are steps.
    pub(super) fn in_steps(self, steps: Option<Arc<dyn Steps>>) -> Self {
        Self { steps, ..self }
    }

    pub(super) fn steps(&self) -> Option<Arc<dyn Steps>> {
        self.steps.clone()
    }

    /// Runs a statement, as one step if there are any.
    fn in_step<T>(&self, sql: &str, run: impl FnOnce() -> rusqlite::Result<T>) -> rusqlite::Result<T> {
        let Some(steps) = &self.steps else { return run() };
        steps.before(sql)?;
        let done = run()?;
        steps.after(sql)?;
        Ok(done)
    }

    /// Runs a statement to its end, and calls `each` with every row.
    fn run(&self, query: &Query, mut each: impl FnMut(&rusqlite::Row<'_>) -> rusqlite::Result<()>) -> Result<u64> {
        let timeout = u64::try_from(self.timeout.as_millis()).unwrap_or(u64::MAX);
        self.deadline.store(millis().saturating_add(timeout).max(1), Ordering::Relaxed);
        let result = self.in_step(query.sql(), || self.step(query, &mut each));
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
        let executed = crate::query::Executed { sql: query.sql().to_owned(), plan, steps };
        self.executed.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(executed);
        Ok(())
    }

    /// The statements that ran since the last call.
    #[cfg(test)]
    pub(crate) fn take_executed(&mut self) -> Vec<crate::query::Executed> {
        std::mem::take(self.executed.get_mut().unwrap_or_else(std::sync::PoisonError::into_inner))
    }

    /// Runs a statement. Returns how many rows it changed.
    pub(crate) fn execute(&self, query: &Query) -> Result<u64> {
        self.run(query, |_| Ok(()))
    }

    /// Runs a statement. Returns all its rows.
    pub(crate) fn all(&self, query: &Query) -> Result<Vec<Row>> {
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

    pub(crate) fn batch(&self, sql: &'static str) -> rusqlite::Result<()> {
        self.in_step(sql, || self.connection.prepare_cached(sql)?.raw_execute().map(drop))
    }

    /// Whether a transaction is open. SQLite may have rolled back by itself.
    pub(crate) fn is_in_transaction(&self) -> bool {
        !self.connection.is_autocommit()
    }
}
