//! The audit log, which is append-only: triggers in both databases refuse any change of an entry, and any deletion but that of entries
//! that [`delete_before`] may delete.
//!
//! The id of a deleted tenant may be given to another one. So the log of a tenant begins with its last `tenant.create`.

use sendbox_domain::model::Timestamp;

use super::columns::{Columns, json_or_none, text, text_or_none};
use super::query::{Arguments, Row, query, query_with};
use super::rows::AuditRow;
use super::table::{Statement, Table};
use super::{Result, Tx, meta};

/// The entries to list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuditScope<'a> {
    /// Of the platform and of all tenants, including deleted ones.
    All,
    /// Of the tenant that has this id now.
    Tenant(&'a str),
}

/// The action that begins the log of a tenant.
pub const TENANT_CREATED: &str = "tenant.create";

/// The value that the trigger compares with: the time since which entries are kept.
const KEPT_SINCE: &str = "audit_kept_since";

const TABLE: Table = Table {
    name: "audit",
    columns: &["tenant", "happened_at", "actor", "action", "target", "state_before", "state_after", "actor_name"],
};

fn read(row: &Row) -> Result<(i64, AuditRow)> {
    let row = Columns::of("audit", row);
    let entry = AuditRow {
        tenant: row.text_or_none("tenant")?,
        at: row.time("happened_at")?,
        actor: row.text("actor")?,
        actor_name: row.text_or_none("actor_name")?,
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
        .bind(json_or_none(entry.after.as_ref())?)
        .bind(text_or_none(entry.actor_name.as_deref()));
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
        let (tenant, created) = (arguments.add(text(tenant)), arguments.add(TENANT_CREATED));
        sql.push_str(&format!(
            " AND tenant = {tenant} AND id >= COALESCE((SELECT MAX(created.id) FROM audit AS created \
             WHERE created.tenant = {tenant} AND created.action = {created}), 0)"
        ));
    }
    if let Some(action) = action {
        sql.push_str(&format!(" AND action = {}", arguments.add(text(action))));
    }
    sql.push_str(&format!(" ORDER BY id DESC LIMIT {}", arguments.add(i64::from(limit))));
    tx.all(query_with(sql, arguments)).await?.iter().map(read).collect()
}

/// When the entry of a tenant was made that has `newer` entries after it. `None` if there are not that many.
pub async fn time_of_newest(tx: &mut Tx, tenant: &str, newer: u32) -> Result<Option<Timestamp>> {
    let find = query("SELECT happened_at FROM audit WHERE tenant = $1 ORDER BY id DESC LIMIT 1 OFFSET $2")
        .bind(text(tenant))
        .bind(i64::from(newer));
    tx.one(find).await?.map(|row| Columns::of("audit", &row).time("happened_at")).transpose()
}

/// Deletes at most `limit` entries that were made before `before`, and allows no later ones to be deleted. Returns their number.
pub async fn delete_before(tx: &mut Tx, before: Timestamp, limit: u32) -> Result<u64> {
    let find = query("SELECT id FROM audit WHERE happened_at < $1 ORDER BY happened_at LIMIT 1").bind(before.0);
    if tx.one(find).await?.is_none() {
        return Ok(0);
    }
    meta::put(tx, KEPT_SINCE, before.0.to_string().as_bytes()).await?;
    macro_rules! delete_sql {
        ($lock:literal) => {
            concat!(
                "WITH old AS MATERIALIZED (SELECT id FROM audit WHERE happened_at < $1 ORDER BY happened_at LIMIT $2",
                $lock,
                ") DELETE FROM audit WHERE id IN (SELECT id FROM old)"
            )
        };
    }
    let delete = tx.locking(delete_sql!(""), delete_sql!(" FOR UPDATE SKIP LOCKED"));
    tx.execute(query(delete).bind(before.0).bind(i64::from(limit))).await
}
