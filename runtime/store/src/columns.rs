//! How values are stored in columns: numbers and times as 64-bit integers, flags as 0 and 1, enums and JSON as text.
//!
//! A value that cannot be read is a [`StoreError::Corrupt`] that names table and column, never the value.

use std::borrow::Cow;

use rusqlite::types::Value as SqliteValue;
use sendbox_domain::model::{PlatformData, Timestamp};
use serde::Serialize;
use serde::de::value::{Error as NameError, StrDeserializer};
use serde::de::{DeserializeOwned, IntoDeserializer};
use sqlx::Row as _;
use sqlx::postgres::PgRow;

use super::query::{Row, SqliteRow};
use super::rows::Lease;
use super::{Result, StoreError};

/// A row of a result, read column by column.
pub(super) struct Columns<'r> {
    table: &'static str,
    row: &'r Row,
    /// Before the name of each column, in a statement that reads several tables.
    prefix: &'static str,
}

/// A type of a column.
trait Stored: Sized {
    fn of_sqlite(value: &SqliteValue) -> Option<Self>;
    fn of_postgres(row: &PgRow, column: &str) -> sqlx::Result<Option<Self>>;
}

macro_rules! stored {
    ($($type:ty => $case:ident),*) => { $(
        impl Stored for $type {
            fn of_sqlite(value: &SqliteValue) -> Option<Self> {
                if let SqliteValue::$case(value) = value { Some(value.clone()) } else { None }
            }

            fn of_postgres(row: &PgRow, column: &str) -> sqlx::Result<Option<Self>> {
                row.try_get(column)
            }
        }
    )* };
}

stored!(i64 => Integer, String => Text, Vec<u8> => Blob);

impl<'r> Columns<'r> {
    pub(super) fn of(table: &'static str, row: &'r Row) -> Self {
        Self::prefixed(table, row, "")
    }

    pub(super) fn prefixed(table: &'static str, row: &'r Row, prefix: &'static str) -> Self {
        Self { table, row, prefix }
    }

    fn corrupt(&self, column: &str) -> StoreError {
        StoreError::Corrupt(format!("{}.{column}", self.table))
    }

    fn get_or_none<T: Stored>(&self, column: &str) -> Result<Option<T>> {
        let named =
            if self.prefix.is_empty() { Cow::Borrowed(column) } else { Cow::Owned(format!("{}{column}", self.prefix)) };
        match self.row {
            Row::Postgres(row) => T::of_postgres(row, &named).map_err(|_| self.corrupt(column)),
            Row::Sqlite(SqliteRow { columns, values }) => {
                let index = columns.iter().position(|name| *name == named);
                match index.and_then(|index| values.get(index)) {
                    Some(SqliteValue::Null) => Ok(None),
                    Some(value) => T::of_sqlite(value).map(Some).ok_or_else(|| self.corrupt(column)),
                    None => Err(self.corrupt(column)),
                }
            }
        }
    }

    fn get<T: Stored>(&self, column: &str) -> Result<T> {
        self.get_or_none(column)?.ok_or_else(|| self.corrupt(column))
    }

    pub(super) fn text(&self, column: &str) -> Result<String> {
        self.get(column)
    }

    pub(super) fn text_or_none(&self, column: &str) -> Result<Option<String>> {
        self.get_or_none(column)
    }

    pub(super) fn bytes(&self, column: &str) -> Result<Vec<u8>> {
        self.get(column)
    }

    pub(super) fn bytes_or_none(&self, column: &str) -> Result<Option<Vec<u8>>> {
        self.get_or_none(column)
    }

    pub(super) fn integer(&self, column: &str) -> Result<i64> {
        self.get(column)
    }

    pub(super) fn time(&self, column: &str) -> Result<Timestamp> {
        self.get(column).map(Timestamp)
    }

    pub(super) fn time_or_none(&self, column: &str) -> Result<Option<Timestamp>> {
        Ok(self.get_or_none::<i64>(column)?.map(Timestamp))
    }

    pub(super) fn flag(&self, column: &str) -> Result<bool> {
        match self.integer(column)? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(self.corrupt(column)),
        }
    }

    pub(super) fn count(&self, column: &str) -> Result<u32> {
        u32::try_from(self.integer(column)?).map_err(|_| self.corrupt(column))
    }

    pub(super) fn count_or_none(&self, column: &str) -> Result<Option<u32>> {
        self.get_or_none::<i64>(column)?.map(u32::try_from).transpose().map_err(|_| self.corrupt(column))
    }

    pub(super) fn large(&self, column: &str) -> Result<u64> {
        u64::try_from(self.integer(column)?).map_err(|_| self.corrupt(column))
    }

    /// A lease, in its two columns.
    pub(super) fn lease_or_none(&self) -> Result<Option<Lease>> {
        let Some(process) = self.text_or_none("lease_process")? else { return Ok(None) };
        Ok(Some(Lease { process, claim: self.large("lease_claim")? }))
    }

    /// What the platform keeps with a row, in its two columns.
    pub(super) fn platform_data(&self) -> Result<PlatformData> {
        let metadata = self.json_or_none("metadata")?.unwrap_or_default();
        Ok(PlatformData { reference: self.text_or_none("reference")?, metadata })
    }

    /// A variant of an enum, stored by its name in JSON.
    pub(super) fn word<T: DeserializeOwned>(&self, column: &str) -> Result<T> {
        self.word_or_none(column)?.ok_or_else(|| self.corrupt(column))
    }

    pub(super) fn word_or_none<T: DeserializeOwned>(&self, column: &str) -> Result<Option<T>> {
        let Some(text) = self.text_or_none(column)? else { return Ok(None) };
        let name: StrDeserializer<'_, NameError> = text.as_str().into_deserializer();
        T::deserialize(name).map(Some).map_err(|_| self.corrupt(column))
    }

    pub(super) fn json<T: DeserializeOwned>(&self, column: &str) -> Result<T> {
        self.json_or_none(column)?.ok_or_else(|| self.corrupt(column))
    }

    pub(super) fn json_or_none<T: DeserializeOwned>(&self, column: &str) -> Result<Option<T>> {
        let Some(text) = self.text_or_none(column)? else { return Ok(None) };
        serde_json::from_str(&text).map(Some).map_err(|_| self.corrupt(column))
    }
}

/// A text to be bound. PostgreSQL's TEXT cannot hold NUL, and texts from a connector may contain it. It is replaced, on both
/// databases, so that a message with such an id can still be ended, and a search for it finds nothing instead of failing.
pub(super) fn text(value: &str) -> String {
    if value.contains('\0') { value.replace('\0', "\u{fffd}") } else { value.to_owned() }
}

/// [`text`], for an optional value.
pub(super) fn text_or_none(value: Option<&str>) -> Option<String> {
    value.map(text)
}

pub(super) fn time_or_none(value: Option<Timestamp>) -> Option<i64> {
    value.map(|at| at.0)
}

/// The two columns of a lease.
pub(super) fn lease_or_none(lease: Option<&Lease>) -> Result<(Option<String>, Option<i64>)> {
    let Some(lease) = lease else { return Ok((None, None)) };
    Ok((Some(text(&lease.process)), Some(large(lease.claim)?)))
}

/// The values of a platform, as JSON. `None` if there are none.
pub(super) fn metadata(data: &PlatformData) -> Result<Option<String>> {
    json_or_none(Some(&data.metadata).filter(|metadata| !metadata.is_empty()))
}

/// A number, which must fit in 63 bits.
pub(super) fn large(value: u64) -> Result<i64> {
    i64::try_from(value).map_err(|_| StoreError::Corrupt("a number to be stored is larger than 2^63".to_owned()))
}

pub(super) fn json(value: &(impl Serialize + ?Sized)) -> Result<String> {
    serde_json::to_string(value)
        .map_err(|_| StoreError::Corrupt("a value to be stored cannot be written as JSON".to_owned()))
}

pub(super) fn json_or_none(value: Option<&(impl Serialize + ?Sized)>) -> Result<Option<String>> {
    value.map(json).transpose()
}
