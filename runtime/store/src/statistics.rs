//! Aggregates of a tenant's messages and verifications. The database counts: a result has a row for each bucket, country or class,
//! however many messages there are.
//!
//! Every statement is restricted to one tenant and period, uses an index that begins with both, and skips test numbers.

use std::time::Duration;

use sendbox_contract::{DeliveryState, FailureClass};
use sendbox_domain::model::{AttemptOutcome, FailureCount, MessageStatus, StartedCount, Timestamp};

use super::columns::{Columns, large, text};
use super::query::{Row, query};
use super::{Result, Tx};

/// The timeout of a statement.
const TIMEOUT: Duration = Duration::from_secs(30);

/// A period: from the first time (inclusive) to the second (exclusive).
pub type Span = (Timestamp, Timestamp);

/// The messages of a bucket with the same status and delivery state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counted {
    /// The start of the bucket.
    pub at: Timestamp,
    pub status: MessageStatus,
    /// The most advanced state that was reported.
    pub delivery: Option<DeliveryState>,
    pub messages: u64,
    /// Segments of the physical messages that may have been sent.
    pub segments: u64,
    /// The cost of those, in millionths of the currency.
    pub cost_micros: u64,
}

/// The messages to a country.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToCountry {
    /// `None` for numbers that belong to no country.
    pub country: Option<String>,
    pub messages: u64,
    /// Messages that a provider accepted.
    pub accepted: u64,
    pub reported: Reported,
}

/// The numbers of messages with a final delivery report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reported {
    pub delivered: u64,
    pub undelivered: u64,
}

/// The columns of [`Reported`], with the states of `DeliveryState::is_undelivered`.
macro_rules! reported {
    () => {
        "COUNT(CASE WHEN delivery = 'delivered' THEN 1 END) AS delivered, \
         COUNT(CASE WHEN delivery IN ('expired', 'rejected', 'undelivered') THEN 1 END) AS undelivered"
    };
}

fn reported_of(row: &Columns<'_>) -> Result<Reported> {
    Ok(Reported { delivered: row.large("delivered")?, undelivered: row.large("undelivered")? })
}

/// The verifications in a country.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Converted {
    /// `None` for numbers that belong to no country, and when the message was deleted.
    pub country: Option<String>,
    pub started: u64,
    pub approved: u64,
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

/// Gives the statements of this transaction more time than those of a sign-in have.
pub async fn use_long_timeout(tx: &mut Tx) -> Result<()> {
    tx.set_timeout(TIMEOUT).await
}

/// Messages by bucket, status and delivery state. `width` is the width of a bucket in milliseconds; buckets are aligned to the Unix
/// epoch.
pub async fn by_bucket(tx: &mut Tx, tenant: &str, (from, to): Span, width: u64) -> Result<Vec<Counted>> {
    let count = query(
        "SELECT created_at / $4 * $4 AS slot, status, delivery, COUNT(*) AS messages, \
         CAST(SUM(COALESCE(segments, 1) * physical_messages) AS BIGINT) AS parts, \
         CAST(SUM(price_micros * physical_messages) AS BIGINT) AS cost \
         FROM messages WHERE tenant = $1 AND created_at >= $2 AND created_at < $3 AND test = 0 GROUP BY slot, status, delivery",
    )
    .bind(text(tenant))
    .bind(from.0)
    .bind(to.0)
    .bind(large(width)?);
    let read = |row: &Row| {
        let row = Columns::of("messages", row);
        Ok(Counted {
            at: row.time("slot")?,
            status: row.word("status")?,
            delivery: row.word_or_none("delivery")?,
            messages: row.large("messages")?,
            segments: row.large("parts")?,
            cost_micros: row.large("cost")?,
        })
    };
    tx.all(count).await?.iter().map(read).collect()
}

/// Messages by country.
pub async fn by_country(tx: &mut Tx, tenant: &str, (from, to): Span) -> Result<Vec<ToCountry>> {
    let count = query(concat!(
        "SELECT country, COUNT(*) AS messages, COUNT(CASE WHEN status = 'accepted' THEN 1 END) AS accepted, ",
        reported!(),
        " FROM messages WHERE tenant = $1 AND created_at >= $2 AND created_at < $3 AND test = 0 GROUP BY country"
    ))
    .bind(text(tenant))
    .bind(from.0)
    .bind(to.0);
    let read = |row: &Row| {
        let row = Columns::of("messages", row);
        Ok(ToCountry {
            country: row.text_or_none("country")?,
            messages: row.large("messages")?,
            accepted: row.large("accepted")?,
            reported: reported_of(&row)?,
        })
    };
    tx.all(count).await?.iter().map(read).collect()
}

/// Messages that failed or are in doubt, by the class of their failure, most frequent first.
pub async fn failures(tx: &mut Tx, tenant: &str, (from, to): Span) -> Result<Vec<FailureCount>> {
    let count = query(
        "SELECT class, COUNT(*) AS messages FROM messages WHERE tenant = $1 AND created_at >= $2 AND created_at < $3 \
         AND test = 0 AND status <> 'accepted' AND status IN ('failed', 'in-doubt') AND class IS NOT NULL GROUP BY class \
         ORDER BY messages DESC, class",
    )
    .bind(text(tenant))
    .bind(from.0)
    .bind(to.0);
    let read = |row: &Row| {
        let row = Columns::of("messages", row);
        Ok(FailureCount { class: row.word("class")?, count: row.large("messages")? })
    };
    tx.all(count).await?.iter().map(read).collect()
}

/// The time from accepting a message to the response of the provider that accepted it, in milliseconds, for at most `limit` of the
/// newest messages.
pub async fn latencies(tx: &mut Tx, tenant: &str, (from, to): Span, limit: u32) -> Result<Vec<u64>> {
    // SQLite does not reorder the tables of a `CROSS JOIN`. It knows nothing of their sizes, and would sometimes read all attempts of
    // the tenant for each message.
    let list = query(
        "SELECT attempts.finished_at - messages.created_at AS took FROM messages CROSS JOIN attempts \
         WHERE messages.tenant = $1 AND messages.created_at >= $2 AND messages.created_at < $3 AND messages.test = 0 \
         AND messages.status = 'accepted' AND attempts.tenant = messages.tenant AND attempts.message = messages.id \
         AND attempts.outcome = 'accepted' AND attempts.finished_at IS NOT NULL \
         ORDER BY messages.created_at DESC, messages.id DESC LIMIT $4",
    )
    .bind(text(tenant))
    .bind(from.0)
    .bind(to.0)
    .bind(i64::from(limit));
    let rows = tx.all(list).await?;
    // A clock that was set back makes no negative durations.
    rows.iter().map(|row| Ok(u64::try_from(Columns::of("messages", row).integer("took")?).unwrap_or(0))).collect()
}

/// Verifications by the bucket in which they were started. `width`: see [`by_bucket`].
pub async fn started_by_bucket(
    tx: &mut Tx,
    tenant: &str,
    (from, to): Span,
    width: u64,
) -> Result<Vec<(Timestamp, StartedCount)>> {
    let count = query(
        "SELECT created_at / $4 * $4 AS slot, COUNT(*) AS started, \
         COUNT(CASE WHEN status = 'approved' THEN 1 END) AS approved FROM verifications \
         WHERE tenant = $1 AND created_at >= $2 AND created_at < $3 AND test = 0 GROUP BY slot",
    )
    .bind(text(tenant))
    .bind(from.0)
    .bind(to.0)
    .bind(large(width)?);
    let read = |row: &Row| {
        let row = Columns::of("verifications", row);
        Ok((row.time("slot")?, StartedCount { started: row.large("started")?, approved: row.large("approved")? }))
    };
    tx.all(count).await?.iter().map(read).collect()
}

/// Verifications by the country of their message.
pub async fn conversions(tx: &mut Tx, tenant: &str, (from, to): Span) -> Result<Vec<Converted>> {
    let count = query(
        "SELECT messages.country AS country, COUNT(*) AS started, \
         COUNT(CASE WHEN verifications.status = 'approved' THEN 1 END) AS approved FROM verifications \
         LEFT JOIN messages ON messages.tenant = verifications.tenant AND messages.id = verifications.message \
         WHERE verifications.tenant = $1 AND verifications.created_at >= $2 AND verifications.created_at < $3 \
         AND verifications.test = 0 GROUP BY messages.country",
    )
    .bind(text(tenant))
    .bind(from.0)
    .bind(to.0);
    let read = |row: &Row| {
        let row = Columns::of("verifications", row);
        Ok(Converted {
            country: row.text_or_none("country")?,
            started: row.large("started")?,
            approved: row.large("approved")?,
        })
    };
    tx.all(count).await?.iter().map(read).collect()
}

/// The final delivery reports of the messages that were created at or after `since`.
pub async fn reported(tx: &mut Tx, tenant: &str, since: Timestamp) -> Result<Reported> {
    const COUNT: &str =
        concat!("SELECT ", reported!(), " FROM messages WHERE tenant = $1 AND created_at >= $2 AND test = 0");
    match tx.one(query(COUNT).bind(text(tenant)).bind(since.0)).await? {
        Some(row) => reported_of(&Columns::of("messages", &row)),
        None => Ok(Reported::default()),
    }
}

/// The messages that were created at or after `since`, by status.
pub async fn by_status(tx: &mut Tx, tenant: &str, since: Timestamp) -> Result<Vec<(MessageStatus, u64)>> {
    let count = query(
        "SELECT status, COUNT(*) AS messages FROM messages WHERE tenant = $1 AND created_at >= $2 AND test = 0 \
         GROUP BY status",
    )
    .bind(text(tenant))
    .bind(since.0);
    let read = |row: &Row| {
        let row = Columns::of("messages", row);
        Ok((row.word("status")?, row.large("messages")?))
    };
    tx.all(count).await?.iter().map(read).collect()
}

/// The finished attempts of the messages that were created at or after `since`, by connection, outcome and class.
pub async fn by_connection(tx: &mut Tx, tenant: &str, since: Timestamp) -> Result<Vec<EndedAlike>> {
    let count = query(
        "SELECT attempts.connection AS connection, attempts.outcome AS outcome, attempts.class AS class, \
         COUNT(*) AS attempts, MAX(attempts.finished_at) AS last FROM messages CROSS JOIN attempts \
         WHERE messages.tenant = $1 AND messages.created_at >= $2 AND messages.test = 0 \
         AND attempts.tenant = messages.tenant AND attempts.message = messages.id AND attempts.finished_at IS NOT NULL \
         GROUP BY attempts.connection, attempts.outcome, attempts.class \
         ORDER BY attempts.connection, attempts.class",
    )
    .bind(text(tenant))
    .bind(since.0);
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
