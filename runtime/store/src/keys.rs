//! API keys of tenants. The store holds only hashes of their secrets.

use super::columns::{Columns, json, text, time_or_none};
use super::query::{Query, Row, query};
use super::rows::KeyRow;
use super::table::{Statement, Table};
use super::{Result, Tx};

const TABLE: Table = Table {
    name: "api_keys",
    columns: &[
        "id",
        "tenant",
        "name",
        "scopes",
        "hash",
        "old_hash",
        "old_until",
        "created_at",
        "rotated_at",
        "expires_at",
    ],
};

fn read(row: &Row) -> Result<KeyRow> {
    let row = Columns::of("api_keys", row);
    Ok(KeyRow {
        id: row.text("id")?,
        tenant: row.text("tenant")?,
        name: row.text("name")?,
        scopes: row.json("scopes")?,
        hash: row.bytes("hash")?,
        old_hash: row.bytes_or_none("old_hash")?,
        old_until: row.time_or_none("old_until")?,
        created_at: row.time("created_at")?,
        rotated_at: row.time_or_none("rotated_at")?,
        expires_at: row.time_or_none("expires_at")?,
    })
}

/// A statement with a row's values as its first parameters.
fn bind(statement: &'static str, key: &KeyRow) -> Result<Query> {
    Ok(query(statement)
        .bind(text(&key.id))
        .bind(text(&key.tenant))
        .bind(text(&key.name))
        .bind(json(&key.scopes)?)
        .bind(key.hash.clone())
        .bind(key.old_hash.clone())
        .bind(time_or_none(key.old_until))
        .bind(key.created_at.0)
        .bind(time_or_none(key.rotated_at))
        .bind(time_or_none(key.expires_at)))
}

/// Adds a key.
///
/// # Errors
/// Also [`StoreError::Unavailable`](super::StoreError) when the id is taken, which random ids prevent.
pub async fn insert(tx: &mut Tx, key: &KeyRow) -> Result<()> {
    static INSERT: Statement = Statement::new(|| TABLE.insert(""));
    tx.execute(bind(&INSERT, key)?).await?;
    Ok(())
}

/// The key with this id, of any tenant: authentication knows only the id.
pub async fn find(tx: &mut Tx, id: &str) -> Result<Option<KeyRow>> {
    static FIND: Statement = Statement::new(|| TABLE.select("WHERE id = $1"));
    static LOCK: Statement = Statement::new(|| TABLE.select("WHERE id = $1 FOR NO KEY UPDATE"));
    let find = tx.locking(&FIND, &LOCK);
    tx.one(query(find).bind(text(id))).await?.as_ref().map(read).transpose()
}

/// The keys of a tenant, oldest first.
pub async fn list(tx: &mut Tx, tenant: &str) -> Result<Vec<KeyRow>> {
    static LIST: Statement = Statement::new(|| TABLE.select("WHERE tenant = $1 ORDER BY created_at, id"));
    tx.all(query(LIST.as_str()).bind(text(tenant))).await?.iter().map(read).collect()
}

/// Updates all columns except for `id`, `tenant` and `created_at`. Changes nothing when the key does not exist.
pub async fn update(tx: &mut Tx, key: &KeyRow) -> Result<()> {
    static UPDATE: Statement = Statement::new(|| {
        let changing = ["name", "scopes", "hash", "old_hash", "old_until", "rotated_at", "expires_at"];
        TABLE.update(&["id", "tenant"], &changing, "")
    });
    tx.execute(bind(&UPDATE, key)?).await?;
    Ok(())
}

/// Deletes a key of a tenant. Returns `false` when the tenant has no key with this id.
pub async fn delete(tx: &mut Tx, tenant: &str, id: &str) -> Result<bool> {
    let delete = query("DELETE FROM api_keys WHERE id = $1 AND tenant = $2").bind(text(id)).bind(text(tenant));
    Ok(tx.execute(delete).await? == 1)
}
