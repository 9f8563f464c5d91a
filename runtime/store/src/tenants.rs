//! Tenants.

use super::columns::{Columns, json, text, text_or_none};
use super::query::{Query, Row, query};
use super::rows::TenantRow;
use super::table::{Statement, Table};
use super::{Backend, Result, Tx, releases, versions};

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
    ],
};

static GET: Statement = Statement::new(|| TABLE.select("WHERE id = $1"));
// `NO KEY`, so that rows that refer to the tenant can still be inserted.
static LOCK: Statement = Statement::new(|| TABLE.select("WHERE id = $1 FOR NO KEY UPDATE"));
static LIST: Statement = Statement::new(|| TABLE.select("WHERE id > $1 ORDER BY id LIMIT $2"));
static OTHER_KEY: Statement = Statement::new(|| TABLE.select("WHERE master_key <> $1 ORDER BY id LIMIT $2"));
static LOCK_OTHER_KEY: Statement =
    Statement::new(|| TABLE.select("WHERE master_key <> $1 ORDER BY id LIMIT $2 FOR NO KEY UPDATE"));

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
        .bind(tenant.created_at.0))
}

/// Adds a tenant. Returns `false` when the id is taken.
pub async fn insert(tx: &mut Tx, tenant: &TenantRow) -> Result<bool> {
    static INSERT: Statement = Statement::new(|| TABLE.insert("ON CONFLICT (id) DO NOTHING"));
    Ok(tx.execute(bind(&INSERT, tenant)?).await? == 1)
}

/// The tenant.
pub async fn get(tx: &mut Tx, id: &str) -> Result<Option<TenantRow>> {
    tx.one(query(GET.as_str()).bind(text(id))).await?.as_ref().map(read).transpose()
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
        ];
        TABLE.update(&["id"], &changing, "")
    });
    tx.execute(bind(&UPDATE, tenant)?).await?;
    Ok(())
}

/// Deletes a tenant with everything that belongs to it, except for its audit log. Returns `false` when it does not exist.
pub async fn delete(tx: &mut Tx, id: &str) -> Result<bool> {
    if tx.backend() == Backend::Postgres {
        // It may delete years of messages, which takes longer than the statement timeout.
        tx.execute(query("SET LOCAL statement_timeout = '10min'")).await?;
    }
    let is_deleted = tx.execute(query("DELETE FROM tenants WHERE id = $1").bind(text(id))).await? == 1;
    // These tables have no foreign key to `tenants`, because their tenant may be empty.
    versions::delete_of_tenant(tx, id).await?;
    releases::delete_of_tenant(tx, id).await?;
    Ok(is_deleted)
}

/// At most `limit` tenants whose data key is wrapped with another master key than `current`, by id. In a transaction that may write
/// they are locked until the commit, so that they can be rewrapped.
pub async fn with_other_master_key(tx: &mut Tx, current: &str, limit: u32) -> Result<Vec<TenantRow>> {
    let list = tx.locking(&OTHER_KEY, &LOCK_OTHER_KEY);
    tx.all(query(list).bind(text(current)).bind(i64::from(limit))).await?.iter().map(read).collect()
}
