//! Errors of the database, without any stored value.

use rusqlite::ErrorCode;
use sendbox_slots::TooManyWaiting;
use sqlx::error::DatabaseError;
use sqlx::migrate::MigrateError;
use sqlx::postgres::PgDatabaseError;
use sqlx::sqlite::SqliteError;

/// The result of the store's functions.
pub type Result<T, E = StoreError> = std::result::Result<T, E>;

/// Why the store failed. The text contains no value of any row, and no password.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The database, its disk or the connection to it failed. Nothing was changed.
    #[error("the store is not available: {0}")]
    Unavailable(String),
    /// The database ended the transaction in favour of another one. Nothing was changed, and the same work may succeed at once.
    #[error("another transaction was preferred: {0}")]
    Conflict(String),
    /// The commit failed in a way that leaves open whether the change is on disk now, or will be after a crash: a failed flush, or
    /// a lost response.
    #[error("the store failed while a change was committed: {0}")]
    Uncertain(String),
    /// A stored value cannot be read. The text names table and column.
    #[error("the store holds a value that cannot be read: {0}")]
    Corrupt(String),
    /// Too much work is waiting, in the name of this owner or of all. Nothing was changed.
    #[error("the store is busy: too much work is waiting")]
    Busy,
}

impl StoreError {
    pub(super) fn closed() -> Self {
        Self::Unavailable("the store is closed".to_owned())
    }

    /// The error of a failed commit on PostgreSQL.
    pub(super) fn of_commit(error: sqlx::Error) -> Self {
        // The server responded with an error.
        let is_rolled_back =
            matches!(&error, sqlx::Error::Database(error) if error.try_downcast_ref::<PgDatabaseError>().is_some());
        Self::from(error).uncertain_unless(is_rolled_back)
    }

    /// The error of a failed commit on SQLite.
    pub(super) fn of_sqlite_commit(error: rusqlite::Error) -> Self {
        // SQLite rolls back after these. Any other error may be a failed flush.
        let is_rolled_back = matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DiskFull));
        Self::from(error).uncertain_unless(is_rolled_back)
    }

    fn uncertain_unless(self, is_rolled_back: bool) -> Self {
        match self {
            Self::Unavailable(cause) if !is_rolled_back => Self::Uncertain(cause),
            other => other,
        }
    }
}

impl From<TooManyWaiting> for StoreError {
    fn from(_: TooManyWaiting) -> Self {
        Self::Busy
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        use sqlx::Error as Cause;
        let cause = match error {
            // The causes of these errors quote the value that could not be read.
            Cause::ColumnDecode { index, .. } => return Self::Corrupt(format!("column {index}")),
            Cause::Decode(_) | Cause::AnyDriverError(_) => return Self::Corrupt("a column of another type".to_owned()),
            Cause::ColumnNotFound(name) => return Self::Corrupt(format!("column {name} is missing")),
            Cause::Database(error) if is_conflict(&*error) => return Self::Conflict(database(&*error)),
            Cause::Database(error) => database(&*error),
            Cause::Io(error) => format!("connection or disk: {}", error.kind()),
            Cause::Tls(_) => "TLS with the database failed".to_owned(),
            // May quote the URL.
            Cause::Configuration(_) => "the URL of the database is wrong".to_owned(),
            Cause::PoolTimedOut => "no connection within 5 s".to_owned(),
            Cause::PoolClosed => "the store is closed".to_owned(),
            Cause::WorkerCrashed => "a connection of SQLite has crashed".to_owned(),
            Cause::Protocol(_) => "the database broke the protocol".to_owned(),
            Cause::BeginFailed | Cause::InvalidSavePointStatement => "no transaction could be begun".to_owned(),
            _ => "the database driver failed".to_owned(),
        };
        Self::Unavailable(cause)
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::Error as Cause;
        Self::Unavailable(match error {
            Cause::SqliteFailure(error, _) if error.code == ErrorCode::OperationInterrupted => {
                "a statement took too long and was ended".to_owned()
            }
            // SQLite's messages name tables and columns, and our statements hold no values that it could quote.
            Cause::SqliteFailure(error, message) => {
                format!("SQLite {}: {}", error.extended_code, message.unwrap_or_else(|| error.to_string()))
            }
            Cause::SqlInputError { error, msg, .. } => format!("SQLite {}: {msg}", error.extended_code),
            // The causes of these quote what they could not read.
            Cause::FromSqlConversionFailure(..)
            | Cause::IntegralValueOutOfRange(..)
            | Cause::Utf8Error(..)
            | Cause::InvalidColumnType(..) => return Self::Corrupt("a column of another type".to_owned()),
            _ => "the driver of SQLite failed".to_owned(),
        })
    }
}

impl From<MigrateError> for StoreError {
    fn from(error: MigrateError) -> Self {
        let cause = match error {
            MigrateError::Execute(error) => return error.into(),
            MigrateError::ExecuteMigration(error, number) => match Self::from(error) {
                Self::Unavailable(cause) | Self::Conflict(cause) | Self::Uncertain(cause) | Self::Corrupt(cause) => {
                    format!("migration {number} failed: {cause}")
                }
                Self::Busy => format!("migration {number} failed"),
            },
            MigrateError::VersionMissing(number) => {
                format!("the database was made by a newer version of Sendbox (migration {number}); run that version")
            }
            MigrateError::VersionMismatch(number) => {
                format!(
                    "the database was made by another build of Sendbox (its migration {number} differs); run that build"
                )
            }
            _ => "the tables could not be brought up to date".to_owned(),
        };
        Self::Unavailable(cause)
    }
}

/// SQLSTATE classes whose messages never contain values, only names of objects and circumstances: connection, transaction state,
/// authorization, catalogue, rollback, resources, object state, operator, system.
/// <https://www.postgresql.org/docs/current/errcodes-appendix.html>
const PLAIN_CLASSES: [&str; 9] = ["08", "25", "28", "3D", "40", "53", "55", "57", "58"];

/// Whether PostgreSQL has rolled the transaction back because of another one: a deadlock, or no order in which both would have the
/// same result alone.
fn is_conflict(error: &dyn DatabaseError) -> bool {
    error.try_downcast_ref::<PgDatabaseError>().is_some_and(|error| matches!(error.code(), "40001" | "40P01"))
}

fn database(error: &dyn DatabaseError) -> String {
    let code = error.code().unwrap_or_default();
    if error.try_downcast_ref::<SqliteError>().is_some() {
        // SQLite's messages name tables and columns. They can quote no value, because our statements contain none.
        return format!("SQLite {code}: {}", error.message());
    }
    let plain = PLAIN_CLASSES.iter().any(|class| code.starts_with(class));
    match error.try_downcast_ref::<PgDatabaseError>() {
        Some(error) if plain => format!("PostgreSQL {code}: {}", error.message()),
        Some(error) => {
            let object = error.constraint().or(error.table()).unwrap_or("unnamed");
            format!("PostgreSQL {code} ({object})")
        }
        None => format!("database error {code}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_without_a_response_is_uncertain() {
        let lost = || sqlx::Error::Io(std::io::ErrorKind::ConnectionReset.into());
        assert!(matches!(StoreError::of_commit(lost()), StoreError::Uncertain(_)));
        assert!(matches!(StoreError::from(lost()), StoreError::Unavailable(_)));
    }

    #[test]
    fn a_commit_of_sqlite_is_uncertain_unless_it_says_that_nothing_was_written() {
        use rusqlite::ffi::{self, SQLITE_BUSY, SQLITE_FULL, SQLITE_IOERR_FSYNC};
        for (code, is_rolled_back) in [(SQLITE_BUSY, true), (SQLITE_FULL, true), (SQLITE_IOERR_FSYNC, false)] {
            let failed = rusqlite::Error::SqliteFailure(ffi::Error::new(code), None);
            let error = StoreError::of_sqlite_commit(failed);
            assert_eq!(matches!(error, StoreError::Unavailable(_)), is_rolled_back, "{error}");
        }
    }
}
