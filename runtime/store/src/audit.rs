//! The audit log, which is append-only: triggers in both databases refuse any change of an entry.

use super::columns::{Columns, json_or_none, text, text_or_none};
use super::query::{Arguments, Row, query, query_with};
use super::rows::AuditRow;
use super::table::{Statement, Table};
use super::{Result, Tx};

/// The entries to list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuditScope<'a> {
    /// Of the platform and of all tenants, including deleted ones.
    All,
    /// Of one tenant.
    Tenant(&'a str),
}

const TABLE: Table = Table {
    name: "audit",
    columns: &["tenant", "happened_at", "actor", "action", "target", "state_before", "state_after"],
};

fn read(row: &Row) -> Result<(i64, AuditRow)> {
    let row = Columns::of("audit", row);
    let entry = AuditRow {
        tenant: row.text_or_none("tenant")?,
        at: row.time("happened_at")?,
        actor: row.text("actor")?,
        action: row.text("action")?,
        target: row.text("target")?,
        before: row.json_or_none("state_before")?,
        after: row.json_or_none("state_after")?,
    };
    Ok((row.integer("id")?, entry))
}

/// Adds an entry.
pub async fn append(tx: &mut Tx, entry: &AuditRow) -> Result<()> {
    static INSERT: Statement = Statement::new(|| TABLE.insert(""));
    let append = query(INSERT.as_str())
        .bind(text_or_none(entry.tenant.as_deref()))
        .bind(entry.at.0)
        .bind(text(&entry.actor))
        .bind(text(&entry.action))
        .bind(text(&entry.target))
        .bind(json_or_none(entry.before.as_ref())?)
        .bind(json_or_none(entry.after.as_ref())?);
    tx.execute(append).await?;
    Ok(())
}

/// At most `limit` entries with an id less than `before`, newest first, each with its id.
pub async fn list(
    tx: &mut Tx,
    scope: AuditScope<'_>,
    action: Option<&str>,
    before: Option<i64>,
    limit: u32,
) -> Result<Vec<(i64, AuditRow)>> {
    // The database assigns the id, so it is not one of the table's listed columns.
    let mut sql = format!("SELECT id, {} FROM audit WHERE id < $1", TABLE.list());
    let mut arguments = Arguments::default();
    arguments.add(before.unwrap_or(i64::MAX));
    if let AuditScope::Tenant(tenant) = scope {
        sql.push_str(&format!(" AND tenant = {}", arguments.add(text(tenant))));
    }
    if let Some(action) = action {
        sql.push_str(&format!(" AND action = {}", arguments.add(text(action))));
    }
    sql.push_str(&format!(" ORDER BY id DESC LIMIT {}", arguments.add(i64::from(limit))));
    tx.all(query_with(sql, arguments)).await?.iter().map(read).collect()
}
