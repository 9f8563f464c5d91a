//! Delivery reports of providers.
//!
//! A report is assigned to the attempt to which the provider gave the id that it names. Until that attempt is known, the report
//! waits. Both sides take [`lock`] first, so that a report and the end of its attempt cannot miss each other.

use std::collections::BTreeMap;

use sendbox_contract::FailureClass;
use sendbox_domain::model::Timestamp;

use super::columns::{Columns, text, text_or_none};
use super::query::{Row, query};
use super::rows::ReportRow;
use super::table::{Statement, Table};
use super::{Backend, Result, Tx, attempts};

const TABLE: Table = Table {
    name: "delivery_reports",
    columns: &[
        "tenant",
        "connection",
        "provider_id",
        "state",
        "class",
        "provider_code",
        "description",
        "provider_at",
        "signed",
        "received_at",
        "message",
        "attempt",
    ],
};

fn read(row: &Row) -> Result<ReportRow> {
    let row = Columns::of("delivery_reports", row);
    let message = row.text_or_none("message")?;
    Ok(ReportRow {
        tenant: row.text("tenant")?,
        connection: row.text("connection")?,
        provider_id: row.bytes("provider_id")?,
        state: row.word("state")?,
        class: row.word_or_none("class")?,
        provider_code: row.text_or_none("provider_code")?,
        text: row.text_or_none("description")?,
        provider_at: row.text_or_none("provider_at")?,
        signed: row.flag("signed")?,
        received_at: row.time("received_at")?,
        attempt: message.zip(row.count_or_none("attempt")?),
    })
}

/// Locks a provider id until this transaction ends. To avoid deadlocks, take this lock before any other, and several ids in
/// ascending order.
pub async fn lock(tx: &mut Tx, provider_id: &[u8]) -> Result<()> {
    // SQLite has a single writer.
    if tx.backend() == Backend::Postgres {
        let key = provider_id.first_chunk::<8>().copied().unwrap_or_default();
        tx.later(query("SELECT pg_advisory_xact_lock($1) IS NULL AS done").bind(i64::from_be_bytes(key))).await?;
    }
    Ok(())
}

/// Adds a report. Returns `false`, and changes nothing, when this state was reported for this id before.
pub async fn insert(tx: &mut Tx, report: &ReportRow) -> Result<bool> {
    static INSERT: Statement = Statement::new(|| TABLE.insert("ON CONFLICT DO NOTHING"));
    let insert = query(INSERT.as_str())
        .bind(text(&report.tenant))
        .bind(text(&report.connection))
        .bind(report.provider_id.clone())
        .bind(report.state.as_str())
        .bind(report.class.map(FailureClass::as_str))
        .bind(text_or_none(report.provider_code.as_deref()))
        .bind(text_or_none(report.text.as_deref()))
        .bind(text_or_none(report.provider_at.as_deref()))
        .bind(i64::from(report.signed))
        .bind(report.received_at.0)
        .bind(report.attempt.as_ref().map(|(message, _)| text(message)))
        .bind(report.attempt.as_ref().map(|(_, attempt)| i64::from(*attempt)));
    Ok(tx.execute(insert).await? == 1)
}

/// Assigns the waiting reports for this id that were received at or after `since` to an attempt. Returns their number.
pub async fn claim(
    tx: &mut Tx,
    (tenant, connection): (&str, &str),
    provider_id: &[u8],
    (message, attempt): (&str, u32),
    since: Timestamp,
) -> Result<u64> {
    let claim = query(
        "UPDATE delivery_reports SET message = $4, attempt = $5 WHERE tenant = $1 AND connection = $2 \
         AND provider_id = $3 AND message IS NULL AND received_at >= $6",
    )
    .bind(text(tenant))
    .bind(text(connection))
    .bind(provider_id.to_vec())
    .bind(text(message))
    .bind(i64::from(attempt))
    .bind(since.0);
    Ok(tx.together(vec![claim]).await?.into_iter().sum())
}

/// Deletes the waiting reports of a connection, except for the newest `max`.
pub async fn keep_newest(tx: &mut Tx, tenant: &str, connection: &str, max: u32) -> Result<u64> {
    macro_rules! delete_sql {
        ($lock:literal) => {
            concat!(
                "WITH old AS MATERIALIZED (SELECT tenant, connection, provider_id, state FROM delivery_reports \
                 WHERE tenant = $1 AND connection = $2 AND message IS NULL \
                 ORDER BY received_at DESC, provider_id, state LIMIT 1000000 OFFSET $3",
                $lock,
                ") DELETE FROM delivery_reports WHERE (tenant, connection, provider_id, state) IN \
                 (SELECT tenant, connection, provider_id, state FROM old)"
            )
        };
    }
    let delete = tx.locking(delete_sql!(""), delete_sql!(" FOR UPDATE SKIP LOCKED"));
    tx.execute(query(delete).bind(text(tenant)).bind(text(connection)).bind(i64::from(max))).await
}

/// Deletes at most `limit` waiting reports that were received before `before`. Returns their number.
pub async fn sweep(tx: &mut Tx, before: Timestamp, limit: u32) -> Result<u64> {
    macro_rules! sweep {
        ($lock:literal) => {
            concat!(
                "WITH old AS MATERIALIZED (SELECT tenant, connection, provider_id, state FROM delivery_reports \
                 WHERE message IS NULL AND received_at < $1 ORDER BY received_at LIMIT $2",
                $lock,
                ") DELETE FROM delivery_reports WHERE (tenant, connection, provider_id, state) IN \
                 (SELECT tenant, connection, provider_id, state FROM old)"
            )
        };
    }
    let sweep = tx.locking(sweep!(""), sweep!(" FOR UPDATE SKIP LOCKED"));
    tx.execute(query(sweep).bind(before.0).bind(i64::from(limit))).await
}

/// The number of waiting reports of a connection.
pub async fn waiting(tx: &mut Tx, tenant: &str, connection: &str) -> Result<u64> {
    let count = query(
        "SELECT COUNT(*) AS waiting FROM delivery_reports WHERE tenant = $1 AND connection = $2 AND message IS NULL",
    )
    .bind(text(tenant))
    .bind(text(connection));
    match tx.one(count).await? {
        Some(row) => Columns::of("delivery_reports", &row).large("waiting"),
        None => Ok(0),
    }
}

/// The reports on these messages, by message, in the order of arrival, and by state within a millisecond.
pub async fn list_for(tx: &mut Tx, tenant: &str, messages: &[String]) -> Result<BTreeMap<String, Vec<ReportRow>>> {
    let mut by_message: BTreeMap<String, Vec<ReportRow>> = BTreeMap::new();
    static SELECT: Statement = Statement::new(|| TABLE.select(""));
    for row in attempts::of_messages(tx, &SELECT, "received_at", tenant, messages).await? {
        let report = read(&row)?;
        if let Some((message, _)) = &report.attempt {
            by_message.entry(message.clone()).or_default().push(report);
        }
    }
    by_message.values_mut().for_each(|reports| reports.sort_by_key(|report| (report.received_at, report.state)));
    Ok(by_message)
}
