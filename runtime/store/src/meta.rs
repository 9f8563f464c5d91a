//! Small values that belong to the whole installation, like the salt of its hashes.

use super::columns::{Columns, text};
use super::query::query;
use super::{Result, Tx};

/// The value of this name.
pub async fn get(tx: &mut Tx, key: &str) -> Result<Option<Vec<u8>>> {
    let row = tx.one(query("SELECT value FROM meta WHERE name = $1").bind(text(key))).await?;
    row.map(|row| Columns::of("meta", &row).bytes("value")).transpose()
}

/// The value of this name, which no other transaction changes until this one ends.
pub async fn lock(tx: &mut Tx, key: &str) -> Result<Option<Vec<u8>>> {
    let sql = tx.locking("SELECT value FROM meta WHERE name = $1", "SELECT value FROM meta WHERE name = $1 FOR UPDATE");
    let row = tx.one(query(sql).bind(text(key))).await?;
    row.map(|row| Columns::of("meta", &row).bytes("value")).transpose()
}

/// Stores the value, and replaces an earlier one.
pub async fn put(tx: &mut Tx, key: &str, value: &[u8]) -> Result<()> {
    let put = "INSERT INTO meta (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value";
    tx.execute(query(put).bind(text(key)).bind(value)).await?;
    Ok(())
}

/// Stores the value unless there is one already. Returns the stored value: concurrent callers all get the same one.
pub async fn put_if_absent(tx: &mut Tx, key: &str, value: &[u8]) -> Result<Vec<u8>> {
    let insert = "INSERT INTO meta (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING";
    let inserted = tx.execute(query(insert).bind(text(key)).bind(value)).await?;
    if inserted > 0 {
        return Ok(value.to_vec());
    }
    Ok(get(tx, key).await?.unwrap_or_else(|| value.to_vec()))
}
