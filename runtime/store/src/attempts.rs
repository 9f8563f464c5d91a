//! Attempts of messages: stored before anything is sent, and finished once.

use sendbox_contract::FailureClass;
use sendbox_domain::model::{AttemptOutcome, Timestamp};

use super::columns::{Columns, json_or_none, text, time_or_none};
use super::query::{Arguments, Query, Row, query, query_with};
use super::rows::{AttemptRow, Lease, MessageRow};
use super::table::{Statement, Table};
use super::{Backend, Result, Tx, buckets, messages};

const TABLE: Table = Table {
    name: "attempts",
    columns: &[
        "tenant",
        "message",
        "number",
        "connection",
        "connector",
        "digest",
        "started_at",
        "finished_at",
        "outcome",
        "failure",
        "decision",
        "fault",
        "provider_id",
        "response_status",
        "record",
        "class",
    ],
};

fn read(row: &Row, with_record: bool) -> Result<AttemptRow> {
    let row = Columns::of("attempts", row);
    Ok(AttemptRow {
        tenant: row.text("tenant")?,
        message: row.text("message")?,
        number: row.count("number")?,
        connection: row.text("connection")?,
        connector: row.text("connector")?,
        digest: row.text("digest")?,
        started_at: row.time("started_at")?,
        finished_at: row.time_or_none("finished_at")?,
        outcome: row.word_or_none("outcome")?,
        failure: row.json_or_none("failure")?,
        decision: row.json_or_none("decision")?,
        fault: row.flag("fault")?,
        provider_id: row.bytes_or_none("provider_id")?,
        response_status: row.count_or_none("response_status")?.and_then(|status| u16::try_from(status).ok()),
        record: if with_record { row.json_or_none("record")? } else { None },
    })
}

/// A statement with a row's values as its first parameters.
fn bind(statement: &'static str, attempt: &AttemptRow) -> Result<Query> {
    Ok(query(statement)
        .bind(text(&attempt.tenant))
        .bind(text(&attempt.message))
        .bind(i64::from(attempt.number))
        .bind(text(&attempt.connection))
        .bind(text(&attempt.connector))
        .bind(text(&attempt.digest))
        .bind(attempt.started_at.0)
        .bind(time_or_none(attempt.finished_at))
        .bind(attempt.outcome.map(|outcome| outcome.as_str()))
        .bind(json_or_none(attempt.failure.as_ref())?)
        .bind(json_or_none(attempt.decision.as_ref())?)
        .bind(i64::from(attempt.fault))
        .bind(attempt.provider_id.clone())
        .bind(attempt.response_status.map(i64::from))
        .bind(json_or_none(attempt.record.as_ref())?)
        .bind(class(attempt)))
}

/// Adds an attempt.
///
/// # Errors
/// Also [`StoreError::Unavailable`](super::StoreError), here or at the commit, when the message has an attempt with this number.
/// Callers prevent it by locking the message before they choose the number.
pub async fn insert(tx: &mut Tx, attempt: &AttemptRow) -> Result<()> {
    static INSERT: Statement = Statement::new(|| TABLE.insert(""));
    tx.later(bind(&INSERT, attempt)?).await
}

/// The class of the failure, in a separate column so that versions can be compared by class.
fn class(attempt: &AttemptRow) -> Option<&'static str> {
    attempt.failure.as_ref().map(|failure| failure.class.as_str())
}

/// Stores the result of an attempt: `finished_at`, `outcome`, `failure`, `decision`, `record`, `fault`, `provider_id` and
/// `response_status`. Returns `false`, and changes nothing, when it was finished before or does not exist.
pub async fn finish(tx: &mut Tx, attempt: &AttemptRow) -> Result<bool> {
    Ok(tx.execute(finish_query(attempt)?).await? == 1)
}

/// [`finish`], together with what the attempt changes of its message, by the holder of the lease. Returns `false` when one of them changes nothing; then the
/// caller must roll back. With `locks_limits`, the limits of the tenant are locked as well, before the triggers count.
pub async fn finish_with_message(
    tx: &mut Tx,
    attempt: &AttemptRow,
    message: &MessageRow,
    held_by: &Lease,
    locks_limits: bool,
) -> Result<bool> {
    // The message first: whoever changes both locks them in this order.
    let mut queries = vec![messages::end_attempt_query(message, held_by)?, finish_query(attempt)?];
    if locks_limits && tx.backend() == Backend::Postgres {
        queries.push(buckets::lock_query(&attempt.tenant));
    }
    Ok(tx.together(queries).await?.iter().all(|count| *count == 1))
}

/// The statement of [`finish`].
fn finish_query(attempt: &AttemptRow) -> Result<Query> {
    static FINISH: Statement = Statement::new(|| {
        let changing = [
            "finished_at",
            "outcome",
            "failure",
            "decision",
            "record",
            "class",
            "fault",
            "provider_id",
            "response_status",
        ];
        TABLE.update(&["tenant", "message", "number"], &changing, "AND finished_at IS NULL")
    });
    bind(&FINISH, attempt)
}

/// Finds the newest attempt over a connection to which the provider gave this id. Returns its message and number.
pub async fn of_provider(
    tx: &mut Tx,
    tenant: &str,
    connection: &str,
    provider_id: &[u8],
) -> Result<Option<(String, u32)>> {
    let find = query(
        "SELECT message, number FROM attempts WHERE tenant = $1 AND connection = $2 AND provider_id = $3 \
         ORDER BY started_at DESC, number DESC LIMIT 1",
    )
    .bind(text(tenant))
    .bind(text(connection))
    .bind(provider_id.to_vec());
    let Some(row) = tx.one(find).await? else { return Ok(None) };
    let row = Columns::of("attempts", &row);
    Ok(Some((row.text("message")?, row.count("number")?)))
}

/// The attempts of a message in order, with their records.
pub async fn list(tx: &mut Tx, tenant: &str, message: &str) -> Result<Vec<AttemptRow>> {
    static LIST: Statement = Statement::new(|| TABLE.select("WHERE tenant = $1 AND message = $2 ORDER BY number"));
    let rows = tx.all(query(LIST.as_str()).bind(text(tenant)).bind(text(message))).await?;
    rows.iter().map(|row| read(row, true)).collect()
}

/// The attempts of these messages, without their records, by message and number.
pub async fn list_for(tx: &mut Tx, tenant: &str, messages: &[String]) -> Result<Vec<AttemptRow>> {
    static SELECT: Statement = Statement::new(|| TABLE.select_without("record", ""));
    let rows = of_messages(tx, &SELECT, "message, number", tenant, messages).await?;
    rows.iter().map(|row| read(row, false)).collect()
}

/// The rows of `select` that belong to these messages.
pub(super) async fn of_messages(
    tx: &mut Tx,
    select: &'static str,
    order: &'static str,
    tenant: &str,
    messages: &[String],
) -> Result<Vec<Row>> {
    if messages.is_empty() {
        return Ok(Vec::new());
    }
    let mut arguments = Arguments::default();
    arguments.add(text(tenant));
    let messages = arguments.list(messages.iter().map(|message| text(message)));
    let list = format!("{select} WHERE tenant = $1 AND message IN ({messages}) ORDER BY {order}");
    tx.all(query_with(list, arguments)).await
}

/// The number of attempts of a version with the same result, for one tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Count {
    pub tenant: String,
    pub outcome: AttemptOutcome,
    /// The class of the failure, if there was one.
    pub class: Option<FailureClass>,
    /// Whether the connector misbehaved.
    pub fault: bool,
    pub attempts: u64,
}

/// Minimum number of attempts of a tenant that are read: enough for a rate that counts.
const LEAST_OF_EACH: i64 = 20;

/// A version in a period, whose attempts are counted: those that started at or after `since` and before `until`. An empty `tenant` means
/// all tenants.
#[derive(Clone, Copy, Debug)]
pub struct VersionPeriod<'a> {
    pub tenant: &'a str,
    pub digest: &'a str,
    pub since: Timestamp,
    pub until: Timestamp,
}

impl VersionPeriod<'_> {
    fn bind(&self, sql: &'static str) -> Query {
        query(sql).bind(text(self.digest)).bind(self.since.0).bind(self.until.0).bind(text(self.tenant))
    }
}

/// `known`: the tenants with attempts of a version, found with one look into the index for each of them. The last row may be NULL. Rows
/// are compared, so that PostgreSQL has no other index to read in this order, and with the greatest time, so that SQLite skips a tenant.
const KNOWN_TENANTS: &str = "WITH RECURSIVE known (tenant) AS (\
       SELECT CASE WHEN $4 = '' THEN (SELECT CASE WHEN digest = $1 THEN tenant END FROM attempts \
         WHERE (digest, tenant) >= ($1, '') ORDER BY digest, tenant LIMIT 1) ELSE $4 END \
       UNION ALL \
       SELECT (SELECT CASE WHEN digest = $1 THEN tenant END FROM attempts \
         WHERE (digest, tenant, started_at) > ($1, known.tenant, 9223372036854775807) ORDER BY digest, tenant LIMIT 1) \
       FROM known WHERE known.tenant IS NOT NULL AND $4 = ''\
     )";

/// `newest`: since when the finished attempts of a tenant are among its newest, of which there are one more than `$5`.
const NEWEST: &str = ", newest AS MATERIALIZED (\
       SELECT tenant, COALESCE((SELECT started_at FROM attempts WHERE digest = $1 AND attempts.tenant = known.tenant \
       AND started_at >= $2 AND started_at < $3 AND finished_at IS NOT NULL ORDER BY started_at DESC LIMIT 1 OFFSET $5), $2) AS since \
       FROM known WHERE tenant IS NOT NULL\
     )";

/// The attempts of each tenant that are among its newest. Both databases look them up for one tenant after the other: SQLite because it
/// keeps the order of a `CROSS JOIN`, PostgreSQL because it cannot hash a comparison of rows.
const OF_NEWEST: &str = "FROM newest CROSS JOIN attempts \
     WHERE (attempts.digest, attempts.tenant, attempts.started_at) >= ($1, newest.tenant, newest.since) \
     AND (attempts.digest, attempts.tenant, attempts.started_at) < ($1, newest.tenant, $3) AND attempts.finished_at IS NOT NULL";

/// How many attempts of each tenant are read, so that there are `limit` of them together: so none displaces those of the others. Attempts
/// that started in the same millisecond as the last of them are read as well.
async fn limit_of_each(tx: &mut Tx, period: &VersionPeriod<'_>, limit: u32) -> Result<i64> {
    static TENANTS: Statement = Statement::new(|| {
        format!(
            "{KNOWN_TENANTS} SELECT COUNT((SELECT 1 FROM attempts WHERE digest = $1 AND attempts.tenant = known.tenant \
             AND started_at >= $2 AND started_at < $3 LIMIT 1)) AS tenants FROM known WHERE tenant IS NOT NULL"
        )
    });
    let tenants = match tx.one(period.bind(TENANTS.as_str())).await? {
        Some(row) => Columns::of("attempts", &row).integer("tenants")?,
        None => 0,
    };
    Ok((i64::from(limit) / tenants.max(1)).max(LEAST_OF_EACH))
}

/// Counts the results of the newest finished attempts of a version: about `limit`, evenly divided among its tenants.
pub async fn counts(tx: &mut Tx, period: &VersionPeriod<'_>, limit: u32) -> Result<Vec<Count>> {
    static COUNT: Statement = Statement::new(|| {
        format!(
            "{KNOWN_TENANTS}{NEWEST} SELECT attempts.tenant, outcome, class, fault, COUNT(*) AS attempts {OF_NEWEST} \
             GROUP BY attempts.tenant, outcome, class, fault"
        )
    });
    let each = limit_of_each(tx, period, limit).await?;
    let rows = tx.all(period.bind(COUNT.as_str()).bind(each - 1)).await?;
    let read = |row: &Row| {
        let row = Columns::of("attempts", row);
        Ok(Count {
            tenant: row.text("tenant")?,
            outcome: row.word("outcome")?,
            class: row.word_or_none("class")?,
            fault: row.flag("fault")?,
            attempts: row.large("attempts")?,
        })
    };
    rows.iter().map(read).collect()
}

/// The durations of the newest finished attempts of a version, in milliseconds: about `limit`, evenly divided among its tenants.
pub async fn durations(tx: &mut Tx, period: &VersionPeriod<'_>, limit: u32) -> Result<Vec<u64>> {
    static LIST: Statement = Statement::new(|| {
        format!("{KNOWN_TENANTS}{NEWEST} SELECT attempts.finished_at - attempts.started_at AS took {OF_NEWEST}")
    });
    let each = limit_of_each(tx, period, limit).await?;
    let list = period.bind(LIST.as_str()).bind(each - 1);
    let rows = tx.all(list).await?;
    // If the clock was set back, the duration is 0 and not negative.
    rows.iter().map(|row| Ok(u64::try_from(Columns::of("attempts", row).integer("took")?).unwrap_or(0))).collect()
}
