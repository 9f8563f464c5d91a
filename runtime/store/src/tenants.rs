//! Tenants.
//!
//! A tenant may have millions of rows, and to delete them in one transaction would block every writer for minutes. So a tenant is
//! deleted in two parts: [`delete`] makes it disappear for every other function here, with its keys, connections and data key;
//! [`delete_rows`] then deletes its rows in steps, and the tenant itself last. Until then its id is taken.

use sendbox_domain::model::Timestamp;

use super::columns::{Columns, json, json_or_none, large, text, text_or_none};
use super::query::{Arguments, Query, Row, query, query_with};
use super::rows::{ConnectionRow, TenantRow};
use super::table::{Statement, Table};
use super::{Result, Tx, connections, releases, versions};

const TABLE: Table = Table {
    name: "tenants",
    columns: &[
        "id",
        "name",
        "environment",
        "active_connection",
        "flows",
        "policy",
        "wrapped_key",
        "master_key",
        "test_numbers",
        "created_at",
        "subscriptions",
    ],
};

static GET: Statement = Statement::new(|| TABLE.select("WHERE id = $1 AND deleted_at IS NULL"));
// `NO KEY`, so that rows that refer to the tenant can still be inserted.
static LOCK: Statement = Statement::new(|| TABLE.select("WHERE id = $1 AND deleted_at IS NULL FOR NO KEY UPDATE"));
static LIST: Statement = Statement::new(|| TABLE.select("WHERE id > $1 AND deleted_at IS NULL ORDER BY id LIMIT $2"));
static OTHER_KEY: Statement =
    Statement::new(|| TABLE.select("WHERE master_key <> $1 AND deleted_at IS NULL ORDER BY id LIMIT $2"));
static LOCK_OTHER_KEY: Statement = Statement::new(|| {
    TABLE.select("WHERE master_key <> $1 AND deleted_at IS NULL ORDER BY id LIMIT $2 FOR NO KEY UPDATE")
});

fn read(row: &Row) -> Result<TenantRow> {
    let row = Columns::of("tenants", row);
    Ok(TenantRow {
        id: row.text("id")?,
        name: row.text("name")?,
        environment: row.word("environment")?,
        active_connection: row.text_or_none("active_connection")?,
        flows: row.json("flows")?,
        policy: row.json("policy")?,
        wrapped_key: row.bytes("wrapped_key")?,
        master_key: row.text("master_key")?,
        test_numbers: row.bytes_or_none("test_numbers")?,
        created_at: row.time("created_at")?,
        subscriptions: row.json_or_none("subscriptions")?.unwrap_or_default(),
    })
}

/// A statement with a row's values as its first parameters.
fn bind(statement: &'static str, tenant: &TenantRow) -> Result<Query> {
    Ok(query(statement)
        .bind(text(&tenant.id))
        .bind(text(&tenant.name))
        .bind(tenant.environment.as_str())
        .bind(text_or_none(tenant.active_connection.as_deref()))
        .bind(json(&tenant.flows)?)
        .bind(json(&tenant.policy)?)
        .bind(tenant.wrapped_key.clone())
        .bind(text(&tenant.master_key))
        .bind(tenant.test_numbers.clone())
        .bind(tenant.created_at.0)
        .bind(json_or_none(Some(&tenant.subscriptions).filter(|subscriptions| !subscriptions.0.is_empty()))?))
}

/// Adds a tenant. Returns `false` when the id is taken, perhaps by a deleted tenant: see [`is_deleted`].
pub async fn insert(tx: &mut Tx, tenant: &TenantRow) -> Result<bool> {
    static INSERT: Statement = Statement::new(|| TABLE.insert("ON CONFLICT (id) DO NOTHING"));
    Ok(tx.execute(bind(&INSERT, tenant)?).await? == 1)
}

/// The tenant.
pub async fn get(tx: &mut Tx, id: &str) -> Result<Option<TenantRow>> {
    tx.one(query(GET.as_str()).bind(text(id))).await?.as_ref().map(read).transpose()
}

/// The tenant, with its active connection.
pub async fn get_with_active_connection(tx: &mut Tx, id: &str) -> Result<Option<(TenantRow, Option<ConnectionRow>)>> {
    static GET_BOTH: Statement = Statement::new(|| {
        format!(
            "SELECT {}, {} FROM tenants LEFT JOIN connections ON connections.tenant = tenants.id \
             AND connections.name = tenants.active_connection WHERE tenants.id = $1 AND tenants.deleted_at IS NULL",
            TABLE.qualified(""),
            connections::TABLE.qualified("connection_")
        )
    });
    let Some(row) = tx.one(query(GET_BOTH.as_str()).bind(text(id))).await? else { return Ok(None) };
    let connection = Columns::prefixed("connections", &row, "connection_");
    let connection = match connection.text_or_none("name")? {
        Some(_) => Some(connections::read_columns(&connection)?),
        None => None,
    };
    Ok(Some((read(&row)?, connection)))
}

/// The tenants with enabled webhook endpoints, by id.
pub async fn subscribed(tx: &mut Tx) -> Result<Vec<TenantRow>> {
    static LIST: Statement =
        Statement::new(|| TABLE.select("WHERE subscriptions IS NOT NULL AND deleted_at IS NULL ORDER BY id"));
    tx.all(query(LIST.as_str())).await?.iter().map(read).collect()
}

/// The tenant, locked for a change or a deletion until the commit.
pub async fn lock(tx: &mut Tx, id: &str) -> Result<Option<TenantRow>> {
    let get = tx.locking(&GET, &LOCK);
    tx.one(query(get).bind(text(id))).await?.as_ref().map(read).transpose()
}

/// At most `limit` tenants by id, starting after `after`.
pub async fn list(tx: &mut Tx, after: Option<&str>, limit: u32) -> Result<Vec<TenantRow>> {
    // No id is empty, so all ids sort after the empty text.
    let list = query(LIST.as_str()).bind(text(after.unwrap_or_default())).bind(i64::from(limit));
    tx.all(list).await?.iter().map(read).collect()
}

/// Updates all columns except for `id` and `created_at`. Changes nothing when the tenant does not exist.
pub async fn update(tx: &mut Tx, tenant: &TenantRow) -> Result<()> {
    static UPDATE: Statement = Statement::new(|| {
        let changing = [
            "name",
            "environment",
            "active_connection",
            "flows",
            "policy",
            "wrapped_key",
            "master_key",
            "test_numbers",
            "subscriptions",
        ];
        TABLE.update(&["id"], &changing, "")
    });
    tx.execute(bind(&UPDATE, tenant)?).await?;
    Ok(())
}

/// Deletes a tenant: no function but [`delete_rows`] finds it any more, and its API keys, connections, connectors and releases are
/// gone. Without its data key, what is sealed in its remaining rows cannot be read again. Returns `false` when it does not exist.
pub async fn delete(tx: &mut Tx, id: &str, now: Timestamp) -> Result<bool> {
    let mark = query(
        "UPDATE tenants SET deleted_at = $2, wrapped_key = $3, test_numbers = NULL, active_connection = NULL, subscriptions = NULL \
         WHERE id = $1 AND deleted_at IS NULL",
    );
    if tx.execute(mark.bind(text(id)).bind(now.0).bind(Vec::new())).await? == 0 {
        return Ok(false);
    }
    // The number of each of these is limited.
    tx.execute(query("DELETE FROM api_keys WHERE tenant = $1").bind(text(id))).await?;
    tx.execute(query("DELETE FROM connections WHERE tenant = $1").bind(text(id))).await?;
    tx.execute(query("DELETE FROM ingresses WHERE tenant = $1").bind(text(id))).await?;
    tx.execute(query("DELETE FROM webhook_endpoints WHERE tenant = $1").bind(text(id))).await?;
    versions::delete_of_tenant(tx, id).await?;
    releases::delete_of_tenant(tx, id).await?;
    Ok(true)
}

/// Whether a tenant with this id was deleted, and still has rows.
pub async fn is_deleted(tx: &mut Tx, id: &str) -> Result<bool> {
    let find = query("SELECT id FROM tenants WHERE id = $1 AND deleted_at IS NOT NULL");
    Ok(tx.one(find.bind(text(id))).await?.is_some())
}

/// The tables whose rows of a tenant are deleted in steps, with their primary keys. Attempts and the reports on them go with their
/// message, and deliveries with their event.
const LARGE_TABLES: [(&str, &str); 13] = [
    ("messages", "tenant, id"),
    ("delivery_reports", "tenant, connection, provider_id, state"),
    ("verifications", "tenant, id"),
    ("buckets", "tenant, name"),
    ("idempotency", "tenant, operation, key_hash"),
    ("connection_tests", "tenant, fingerprint"),
    ("holds", "tenant, id"),
    ("ingress_calls", "tenant, ingress, id"),
    ("events", "tenant, id"),
    ("message_counts", "tenant, hour, country, shard"),
    ("failure_counts", "tenant, hour, class, shard"),
    ("latency_counts", "tenant, hour, latency_ms, shard"),
    ("verification_counts", "tenant, hour, country, shard"),
];

/// Deletes at most `limit` rows of deleted tenants, and a tenant that has no more rows. Returns the number of rows: fewer than
/// `limit` when no deleted tenant is left, or only such as another process is busy with.
pub async fn delete_rows(tx: &mut Tx, limit: u32) -> Result<u64> {
    const NEXT: &str = "SELECT id FROM tenants WHERE deleted_at IS NOT NULL ORDER BY id LIMIT 1";
    const LOCK_NEXT: &str =
        "SELECT id FROM tenants WHERE deleted_at IS NOT NULL ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED";
    let next = tx.locking(NEXT, LOCK_NEXT);
    let mut remaining = u64::from(limit);
    while remaining > 0 {
        let Some(row) = tx.one(query(next)).await? else { break };
        let id = Columns::of("tenants", &row).text("id")?;
        for (table, key) in LARGE_TABLES {
            let mut arguments = Arguments::default();
            let (tenant, most) = (arguments.add(text(&id)), arguments.add(large(remaining)?));
            let delete = format!(
                "WITH old AS MATERIALIZED (SELECT {key} FROM {table} WHERE tenant = {tenant} LIMIT {most}) \
                 DELETE FROM {table} WHERE ({key}) IN (SELECT {key} FROM old)"
            );
            let deleted = tx.execute(query_with(delete, arguments).cached()).await?;
            remaining = remaining.saturating_sub(deleted);
            if remaining == 0 {
                return Ok(u64::from(limit));
            }
        }
        remaining -= 1;
        // Deletes with it what was added by transactions that had found the tenant before it was deleted.
        tx.execute(query("DELETE FROM tenants WHERE id = $1").bind(text(&id))).await?;
        versions::delete_of_tenant(tx, &id).await?;
        releases::delete_of_tenant(tx, &id).await?;
    }
    Ok(u64::from(limit) - remaining)
}

/// At most `limit` tenants whose data key is wrapped with another master key than `current`, by id. In a transaction that may write
/// they are locked until the commit, so that they can be rewrapped.
pub async fn with_other_master_key(tx: &mut Tx, current: &str, limit: u32) -> Result<Vec<TenantRow>> {
    let list = tx.locking(&OTHER_KEY, &LOCK_OTHER_KEY);
    tx.all(query(list).bind(text(current)).bind(i64::from(limit))).await?.iter().map(read).collect()
}
