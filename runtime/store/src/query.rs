//! Statements with their values, and rows, for both databases.

use std::borrow::Cow;
use std::sync::Arc;

use rusqlite::types::{ToSqlOutput, Value as SqliteValue, ValueRef};
use sendbox_domain::model::Timestamp;
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::{Arguments as _, AssertSqlSafe, Postgres, SqlSafeStr};

/// A value to bind. NULL has a type too, because PostgreSQL needs it.
#[derive(Clone, Debug)]
pub(super) enum Value {
    Integer(Option<i64>),
    Text(Option<Cow<'static, str>>),
    Bytes(Option<Vec<u8>>),
}

macro_rules! values {
    ($($given:ty => $case:ident($value:ident: $as:expr)),* $(,)?) => { $(
        impl From<$given> for Value {
            fn from($value: $given) -> Self {
                Self::$case($as)
            }
        }
    )* };
}

values! {
    i64 => Integer(value: Some(value)),
    Option<i64> => Integer(value: value),
    String => Text(value: Some(value.into())),
    Option<String> => Text(value: value.map(Cow::from)),
    &'static str => Text(value: Some(value.into())),
    Option<&'static str> => Text(value: value.map(Cow::from)),
    Vec<u8> => Bytes(value: Some(value)),
    &[u8] => Bytes(value: Some(value.to_vec())),
    Option<Vec<u8>> => Bytes(value: value),
}

impl rusqlite::ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        let value = match self {
            Self::Integer(value) => value.map(ValueRef::Integer),
            Self::Text(value) => value.as_deref().map(ValueRef::from),
            Self::Bytes(value) => value.as_deref().map(ValueRef::Blob),
        };
        Ok(ToSqlOutput::Borrowed(value.unwrap_or(ValueRef::Null)))
    }
}

/// The values of a statement that is built at run time, in the order of their parameters.
#[derive(Clone, Default)]
pub(super) struct Arguments(Vec<Value>);

impl Arguments {
    /// Binds a value and returns its parameter, such as `$3`.
    pub(super) fn add(&mut self, value: impl Into<Value>) -> String {
        self.0.push(value.into());
        format!("${}", self.0.len())
    }

    /// Binds values and returns their parameters, such as `$2, $3`, for `IN`.
    pub(super) fn list(&mut self, values: impl IntoIterator<Item = impl Into<Value>>) -> String {
        let parameters: Vec<String> = values.into_iter().map(|value| self.add(value)).collect();
        parameters.join(", ")
    }
}

/// The statement of a list, to which conditions are appended.
pub(super) struct Conditions {
    pub(super) sql: String,
    arguments: Arguments,
}

impl Conditions {
    pub(super) fn new(sql: String) -> Self {
        Self { sql, arguments: Arguments::default() }
    }

    /// ` AND status = $3`, if there is a value.
    pub(super) fn and(&mut self, condition: &'static str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            let parameter = self.arguments.add(value);
            self.sql.push_str(&format!(" AND {condition} {parameter}"));
        }
    }

    /// A page of the list, newest first: at most `limit` rows after this position.
    pub(super) fn newest_first(mut self, before: Option<&(Timestamp, String)>, limit: u32) -> Query {
        if let Some((at, id)) = before {
            let (at, id) = (self.arguments.add(at.0), self.arguments.add(id.replace('\0', "")));
            self.sql.push_str(&format!(" AND (created_at, id) < ({at}, {id})"));
        }
        let limit = self.arguments.add(i64::from(limit));
        self.sql.push_str(&format!(" ORDER BY created_at DESC, id DESC LIMIT {limit}"));
        query_with(self.sql, self.arguments)
    }
}

/// A statement with its values.
pub(super) struct Query {
    sql: Cow<'static, str>,
    values: Vec<Value>,
    is_cached: bool,
}

/// A constant statement. It is prepared once for each connection.
pub(super) fn query(sql: &'static str) -> Query {
    Query { sql: Cow::Borrowed(sql), values: Vec::new(), is_cached: true }
}

/// A statement that was built at run time. It is not cached, because there may be any number of them.
pub(super) fn query_with(sql: String, arguments: Arguments) -> Query {
    Query { sql: Cow::Owned(sql), values: arguments.0, is_cached: false }
}

impl Query {
    /// Binds the next parameter.
    pub(super) fn bind(mut self, value: impl Into<Value>) -> Self {
        self.values.push(value.into());
        self
    }

    /// Caches a statement that was built at run time, for one that has few variants.
    pub(super) fn cached(self) -> Self {
        Self { is_cached: true, ..self }
    }

    /// Several changes as one statement for PostgreSQL. Its one row says how many rows each of them has changed.
    ///
    /// PostgreSQL runs them in the order in which their numbers of rows are asked for.
    pub(super) fn merge(queries: Vec<Self>) -> Self {
        let (mut with, mut counts) = (String::from("WITH "), String::from(" SELECT "));
        let mut values = Vec::new();
        for (number, query) in queries.into_iter().enumerate() {
            let separator = if number == 0 { "" } else { ", " };
            // A change has rows if they are asked for; a lock is a row.
            let returning = if query.sql.starts_with("SELECT") { "" } else { " RETURNING 1" };
            with.push_str(&format!("{separator}q{number} AS MATERIALIZED ("));
            push_shifted(&mut with, &query.sql, values.len());
            with.push_str(&format!("{returning})"));
            counts.push_str(&format!("{separator}(SELECT COUNT(*) FROM q{number}) AS n{number}"));
            values.extend(query.values);
        }
        // There are as many variants as there are ways through the code.
        Self { sql: Cow::Owned(with + &counts), values, is_cached: true }
    }

    pub(super) fn sql(&self) -> &str {
        &self.sql
    }

    pub(super) fn values(&self) -> &[Value] {
        &self.values
    }

    /// Whether the prepared statement is cached.
    pub(super) fn is_cached(&self) -> bool {
        self.is_cached
    }

    /// The statement for PostgreSQL.
    pub(super) fn into_postgres(self) -> sqlx::Result<sqlx::query::Query<'static, Postgres, PgArguments>> {
        let mut arguments = PgArguments::default();
        for value in self.values {
            match value {
                Value::Integer(value) => arguments.add(value),
                Value::Text(value) => arguments.add(value.map(Cow::into_owned)),
                Value::Bytes(value) => arguments.add(value),
            }
            .map_err(sqlx::Error::Encode)?;
        }
        Ok(match self.sql {
            Cow::Borrowed(sql) => sqlx::query_with(sql, arguments),
            Cow::Owned(sql) => {
                sqlx::query_with(AssertSqlSafe(sql).into_sql_str(), arguments).persistent(self.is_cached)
            }
        })
    }
}

/// Appends a statement with its parameters renumbered: `$1` becomes `$4` if they are shifted by 3. No statement has a `$` in a
/// literal.
fn push_shifted(to: &mut String, sql: &str, by: usize) {
    let mut parts = sql.split('$');
    to.push_str(parts.next().unwrap_or_default());
    for part in parts {
        let digits = part.bytes().take_while(u8::is_ascii_digit).count();
        let (number, rest) = part.split_at(digits);
        let number = number.parse::<usize>().unwrap_or(0) + by;
        to.push_str(&format!("${number}{rest}"));
    }
}

/// A row of a result.
pub(super) enum Row {
    Sqlite(SqliteRow),
    Postgres(PgRow),
}

/// A row that was read from SQLite.
pub(super) struct SqliteRow {
    /// The names of the columns, shared by all rows of a result.
    pub(super) columns: Arc<[String]>,
    pub(super) values: Vec<SqliteValue>,
}

/// A statement that ran, for tests of how much it reads.
#[cfg(test)]
pub(crate) struct Executed {
    pub(crate) sql: String,
    /// The lines of its query plan.
    pub(crate) plan: Vec<String>,
    /// The number of steps of SQLite's virtual machine.
    pub(crate) steps: i32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_merged_into_one_statement() {
        let lock = query("SELECT lock($1) IS NULL AS done").bind(7);
        let insert = query("INSERT INTO pets (name, age) VALUES ($2, $1)").bind(3).bind("Rex");
        let merged = Query::merge(vec![lock, insert]);
        assert_eq!(
            merged.sql(),
            "WITH q0 AS MATERIALIZED (SELECT lock($1) IS NULL AS done), \
             q1 AS MATERIALIZED (INSERT INTO pets (name, age) VALUES ($3, $2) RETURNING 1) \
             SELECT (SELECT COUNT(*) FROM q0) AS n0, (SELECT COUNT(*) FROM q1) AS n1"
        );
        assert!(matches!(
            merged.values(),
            [Value::Integer(Some(7)), Value::Integer(Some(3)), Value::Text(Some(name))] if name == "Rex"
        ));
    }
}
