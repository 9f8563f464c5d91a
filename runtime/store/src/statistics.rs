//! Statistics of a tenant, from counts that triggers keep (see the migrations). Reading them takes as long as the period is, however
//! many messages there were.
//!
//! Messages that have not ended are counted where they are: they are few. Alerts about the last hour read its newest attempts, at
//! most as many as the caller asks for.

use std::time::Duration;

use sendbox_contract::FailureClass;
use sendbox_domain::model::{AttemptOutcome, FailureCount, MessageStatus, StartedCount, Timestamp};

use super::columns::{Columns, large, text};
use super::query::{Row, query};
use super::{Result, Tx};

/// The timeout of a statement.
const TIMEOUT: Duration = Duration::from_secs(30);

/// A period: from the first time (inclusive) to the second (exclusive). Both are full hours, or times after everything.
pub type Span = (Timestamp, Timestamp);

/// Messages, without those to test numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MessageCounts {
    /// Messages that a provider accepted.
    pub accepted: u64,
    pub failed: u64,
    pub in_doubt: u64,
    pub expired: u64,
    pub cancelled: u64,
    /// Messages that have not ended.
    pub in_progress: u64,
    /// Messages that were reported as delivered.
    pub delivered: u64,
    /// Messages that were reported as undeliverable.
    pub undelivered: u64,
    /// Segments of the physical messages that may have been sent.
    pub segments: u64,
    /// The cost of those, in millionths of the currency.
    pub cost_micros: u64,
}

impl MessageCounts {
    /// All messages.
    pub fn messages(&self) -> u64 {
        self.accepted + self.failed + self.in_doubt + self.expired + self.cancelled + self.in_progress
    }

    fn of(row: &Columns<'_>) -> Result<Self> {
        Ok(Self {
            accepted: row.large("accepted")?,
            failed: row.large("failed")?,
            in_doubt: row.large("in_doubt")?,
            expired: row.large("expired")?,
            cancelled: row.large("cancelled")?,
            in_progress: row.large("in_progress")?,
            delivered: row.large("delivered")?,
            undelivered: row.large("undelivered")?,
            segments: row.large("segments")?,
            cost_micros: row.large("cost_micros")?,
        })
    }
}

/// Sums of [`MessageCounts`] by this expression over the columns `hour` and `country`.
macro_rules! message_counts {
    ($by:literal) => {
        concat!(
            "WITH counted AS (SELECT hour, country, accepted, failed, in_doubt, expired, cancelled, 0 AS in_progress, \
             delivered, undelivered, segments, cost_micros FROM message_counts \
             WHERE tenant = $1 AND hour >= $2 AND hour < $3 \
             UNION ALL SELECT created_at / 3600000 * 3600000, COALESCE(country, ''), 0, 0, 0, 0, 0, 1, 0, 0, \
             COALESCE(segments, 1) * physical_messages, price_micros * physical_messages FROM messages \
             WHERE tenant = $1 AND status IN ('queued', 'sending') AND status <> 'accepted' \
             AND created_at >= $2 AND created_at < $3 AND test = 0) \
             SELECT ",
            $by,
            " AS part, CAST(SUM(accepted) AS BIGINT) AS accepted, CAST(SUM(failed) AS BIGINT) AS failed, \
             CAST(SUM(in_doubt) AS BIGINT) AS in_doubt, CAST(SUM(expired) AS BIGINT) AS expired, \
             CAST(SUM(cancelled) AS BIGINT) AS cancelled, CAST(SUM(in_progress) AS BIGINT) AS in_progress, \
             CAST(SUM(delivered) AS BIGINT) AS delivered, CAST(SUM(undelivered) AS BIGINT) AS undelivered, \
             CAST(SUM(segments) AS BIGINT) AS segments, CAST(SUM(cost_micros) AS BIGINT) AS cost_micros \
             FROM counted GROUP BY part"
        )
    };
}

/// The verifications in a country.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Converted {
    /// `None` for numbers that belong to no country.
    pub country: Option<String>,
    pub started: u64,
    pub approved: u64,
}

/// Accepted messages with about the same latency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Latencies {
    /// The start of the bucket.
    pub at: Timestamp,
    /// The lower bound of the range, as `Latency::of_ranges` takes it.
    pub latency_ms: u64,
    pub messages: u64,
}

/// The attempts of one connection with the same result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndedAlike {
    pub connection: String,
    pub outcome: AttemptOutcome,
    /// The class of the failure, if there was one.
    pub class: Option<FailureClass>,
    pub attempts: u64,
    /// When the last one finished.
    pub last: Timestamp,
}

/// No country is stored as the empty one.
fn country(row: &Columns<'_>, column: &'static str) -> Result<Option<String>> {
    Ok(Some(row.text(column)?).filter(|country| !country.is_empty()))
}

/// Gives the statements of this transaction more time than those of a sign-in have.
pub async fn use_long_timeout(tx: &mut Tx) -> Result<()> {
    tx.set_timeout(TIMEOUT).await
}

/// Messages by bucket. `width` is the width of a bucket in milliseconds, a number of hours; buckets are aligned to the Unix epoch.
pub async fn by_bucket(
    tx: &mut Tx,
    tenant: &str,
    (from, to): Span,
    width: u64,
) -> Result<Vec<(Timestamp, MessageCounts)>> {
    let count = query(message_counts!("hour / $4 * $4")).bind(text(tenant)).bind(from.0).bind(to.0).bind(large(width)?);
    let read = |row: &Row| {
        let row = Columns::of("message_counts", row);
        Ok((row.time("part")?, MessageCounts::of(&row)?))
    };
    tx.all(count).await?.iter().map(read).collect()
}

/// Messages by country. `None`: numbers that belong to no country.
pub async fn by_country(tx: &mut Tx, tenant: &str, (from, to): Span) -> Result<Vec<(Option<String>, MessageCounts)>> {
    let count = query(message_counts!("country")).bind(text(tenant)).bind(from.0).bind(to.0);
    let read = |row: &Row| {
        let row = Columns::of("message_counts", row);
        Ok((country(&row, "part")?, MessageCounts::of(&row)?))
    };
    tx.all(count).await?.iter().map(read).collect()
}

/// Messages that failed or are in doubt, by the class of their failure, most frequent first.
pub async fn failures(tx: &mut Tx, tenant: &str, (from, to): Span) -> Result<Vec<FailureCount>> {
    let count = query(
        "SELECT class, CAST(SUM(messages) AS BIGINT) AS failed FROM failure_counts \
         WHERE tenant = $1 AND hour >= $2 AND hour < $3 GROUP BY class ORDER BY failed DESC, class",
    )
    .bind(text(tenant))
    .bind(from.0)
    .bind(to.0);
    let read = |row: &Row| {
        let row = Columns::of("failure_counts", row);
        Ok(FailureCount { class: row.word("class")?, count: row.large("failed")? })
    };
    tx.all(count).await?.iter().map(read).collect()
}

/// The time from the creation of a message to the response of the provider that accepted it, by bucket. `width`: see [`by_bucket`].
pub async fn latencies(tx: &mut Tx, tenant: &str, (from, to): Span, width: u64) -> Result<Vec<Latencies>> {
    let count = query(
        "SELECT hour / $4 * $4 AS part, latency_ms, CAST(SUM(messages) AS BIGINT) AS accepted FROM latency_counts \
         WHERE tenant = $1 AND hour >= $2 AND hour < $3 GROUP BY part, latency_ms",
    )
    .bind(text(tenant))
    .bind(from.0)
    .bind(to.0)
    .bind(large(width)?);
    let read = |row: &Row| {
        let row = Columns::of("latency_counts", row);
        Ok(Latencies { at: row.time("part")?, latency_ms: row.large("latency_ms")?, messages: row.large("accepted")? })
    };
    tx.all(count).await?.iter().map(read).collect()
}

/// Verifications by the bucket in which they were started. `width`: see [`by_bucket`].
pub async fn started_by_bucket(
    tx: &mut Tx,
    tenant: &str,
    (from, to): Span,
    width: u64,
) -> Result<Vec<(Timestamp, StartedCount)>> {
    let count = query(
        "SELECT hour / $4 * $4 AS part, CAST(SUM(started) AS BIGINT) AS started, CAST(SUM(approved) AS BIGINT) AS approved \
         FROM verification_counts WHERE tenant = $1 AND hour >= $2 AND hour < $3 GROUP BY part",
    )
    .bind(text(tenant))
    .bind(from.0)
    .bind(to.0)
    .bind(large(width)?);
    let read = |row: &Row| {
        let row = Columns::of("verification_counts", row);
        Ok((row.time("part")?, StartedCount { started: row.large("started")?, approved: row.large("approved")? }))
    };
    tx.all(count).await?.iter().map(read).collect()
}

/// Verifications by the country of their message.
pub async fn conversions(tx: &mut Tx, tenant: &str, (from, to): Span) -> Result<Vec<Converted>> {
    let count = query(
        "SELECT country, CAST(SUM(started) AS BIGINT) AS started, CAST(SUM(approved) AS BIGINT) AS approved \
         FROM verification_counts WHERE tenant = $1 AND hour >= $2 AND hour < $3 GROUP BY country",
    )
    .bind(text(tenant))
    .bind(from.0)
    .bind(to.0);
    let read = |row: &Row| {
        let row = Columns::of("verification_counts", row);
        let (started, approved) = (row.large("started")?, row.large("approved")?);
        Ok(Converted { country: country(&row, "country")?, started, approved })
    };
    tx.all(count).await?.iter().map(read).collect()
}

/// The newest messages that were created at or after `since`, at most `limit`, by status.
pub async fn newest_by_status(
    tx: &mut Tx,
    tenant: &str,
    since: Timestamp,
    limit: u32,
) -> Result<Vec<(MessageStatus, u64)>> {
    let count = query(
        "SELECT status, COUNT(*) AS messages FROM (SELECT status FROM messages WHERE tenant = $1 AND created_at >= $2 \
         AND test = 0 ORDER BY created_at DESC, id DESC LIMIT $3) AS newest GROUP BY status",
    )
    .bind(text(tenant))
    .bind(since.0)
    .bind(i64::from(limit));
    let read = |row: &Row| {
        let row = Columns::of("messages", row);
        Ok((row.word("status")?, row.large("messages")?))
    };
    tx.all(count).await?.iter().map(read).collect()
}

/// The finished attempts of the newest messages that were created at or after `since`, at most `limit` messages, by connection,
/// outcome and class.
pub async fn newest_by_connection(tx: &mut Tx, tenant: &str, since: Timestamp, limit: u32) -> Result<Vec<EndedAlike>> {
    // SQLite does not reorder the tables of a `CROSS JOIN`. It knows nothing of their sizes, and would sometimes read all attempts of
    // the tenant for each message.
    let count = query(
        "SELECT attempts.connection AS connection, attempts.outcome AS outcome, attempts.class AS class, \
         COUNT(*) AS attempts, MAX(attempts.finished_at) AS last FROM (SELECT tenant, id FROM messages \
         WHERE tenant = $1 AND created_at >= $2 AND test = 0 ORDER BY created_at DESC, id DESC LIMIT $3) AS newest \
         CROSS JOIN attempts WHERE attempts.tenant = newest.tenant AND attempts.message = newest.id \
         AND attempts.finished_at IS NOT NULL GROUP BY attempts.connection, attempts.outcome, attempts.class \
         ORDER BY attempts.connection, attempts.class",
    )
    .bind(text(tenant))
    .bind(since.0)
    .bind(i64::from(limit));
    let read = |row: &Row| {
        let row = Columns::of("attempts", row);
        Ok(EndedAlike {
            connection: row.text("connection")?,
            outcome: row.word("outcome")?,
            class: row.word_or_none("class")?,
            attempts: row.large("attempts")?,
            last: row.time("last")?,
        })
    };
    tx.all(count).await?.iter().map(read).collect()
}

/// Deletes at most `limit` counts of hours before `before`. Returns their number.
pub async fn delete_before(tx: &mut Tx, before: Timestamp, limit: u32) -> Result<u64> {
    macro_rules! delete_sql {
        ($table:literal, $key:literal, $lock:literal) => {
            concat!(
                "WITH old AS MATERIALIZED (SELECT ",
                $key,
                " FROM ",
                $table,
                " WHERE hour < $1 ORDER BY hour LIMIT $2",
                $lock,
                ") DELETE FROM ",
                $table,
                " WHERE (",
                $key,
                ") IN (SELECT ",
                $key,
                " FROM old)"
            )
        };
    }
    macro_rules! delete_from {
        ($table:literal, $key:literal) => {
            tx.locking(delete_sql!($table, $key, ""), delete_sql!($table, $key, " FOR UPDATE SKIP LOCKED"))
        };
    }
    let deletes = [
        delete_from!("message_counts", "tenant, hour, country, shard"),
        delete_from!("failure_counts", "tenant, hour, class, shard"),
        delete_from!("latency_counts", "tenant, hour, latency_ms, shard"),
        delete_from!("verification_counts", "tenant, hour, country, shard"),
    ];
    let mut deleted = 0;
    for delete in deletes {
        let remaining = u64::from(limit).saturating_sub(deleted);
        deleted += tx.execute(query(delete).bind(before.0).bind(large(remaining)?)).await?;
    }
    Ok(deleted)
}
