//! Holds: blocks of a thousand numbers to which nothing is sent for a while.

use sendbox_domain::model::Timestamp;

use super::columns::{Columns, text};
use super::query::{Row, query};
use super::rows::HoldRow;
use super::table::{Statement, Table};
use super::{Result, Tx};

const TABLE: Table = Table {
    name: "holds",
    columns: &["tenant", "id", "prefix_hash", "prefix", "reason", "message", "created_at", "expires_at"],
};

fn read(row: &Row) -> Result<HoldRow> {
    let row = Columns::of("holds", row);
    Ok(HoldRow {
        tenant: row.text("tenant")?,
        id: row.text("id")?,
        prefix_hash: row.bytes("prefix_hash")?,
        prefix: row.text("prefix")?,
        reason: row.text("reason")?,
        message: row.text("message")?,
        created_at: row.time("created_at")?,
        expires_at: row.time("expires_at")?,
    })
}

/// Adds a hold, or updates the end and the reason of the hold on the same prefix, which keeps its id.
pub async fn put(tx: &mut Tx, hold: &HoldRow) -> Result<()> {
    static PUT: Statement =
        Statement::new(|| TABLE.upsert(&["tenant", "prefix_hash"], &["reason", "message", "expires_at"], ""));
    let put = query(PUT.as_str())
        .bind(text(&hold.tenant))
        .bind(text(&hold.id))
        .bind(hold.prefix_hash.clone())
        .bind(text(&hold.prefix))
        .bind(text(&hold.reason))
        .bind(text(&hold.message))
        .bind(hold.created_at.0)
        .bind(hold.expires_at.0);
    tx.execute(put).await?;
    Ok(())
}

/// The current hold on a prefix.
pub async fn find(tx: &mut Tx, tenant: &str, prefix_hash: &[u8], now: Timestamp) -> Result<Option<HoldRow>> {
    static FIND: Statement =
        Statement::new(|| TABLE.select("WHERE tenant = $1 AND prefix_hash = $2 AND expires_at > $3"));
    let find = query(FIND.as_str()).bind(text(tenant)).bind(prefix_hash.to_vec()).bind(now.0);
    tx.one(find).await?.as_ref().map(read).transpose()
}

/// The current holds of a tenant, in descending order of their end.
pub async fn list(tx: &mut Tx, tenant: &str, now: Timestamp) -> Result<Vec<HoldRow>> {
    static LIST: Statement = Statement::new(|| {
        TABLE.select("WHERE tenant = $1 AND expires_at > $2 ORDER BY expires_at DESC, id LIMIT 1000")
    });
    tx.all(query(LIST.as_str()).bind(text(tenant)).bind(now.0)).await?.iter().map(read).collect()
}

/// Deletes a hold, and returns it if it existed.
pub async fn delete(tx: &mut Tx, tenant: &str, id: &str) -> Result<Option<HoldRow>> {
    static DELETE: Statement =
        Statement::new(|| format!("DELETE FROM holds WHERE tenant = $1 AND id = $2 RETURNING {}", TABLE.list()));
    tx.one(query(DELETE.as_str()).bind(text(tenant)).bind(text(id))).await?.as_ref().map(read).transpose()
}

/// Deletes at most `limit` expired holds. Returns their number.
pub async fn sweep(tx: &mut Tx, now: Timestamp, limit: u32) -> Result<u64> {
    macro_rules! sweep {
        ($lock:literal) => {
            concat!(
                "WITH old AS MATERIALIZED (SELECT tenant, id FROM holds WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2",
                $lock,
                ") DELETE FROM holds WHERE (tenant, id) IN (SELECT tenant, id FROM old)"
            )
        };
    }
    let sweep = tx.locking(sweep!(""), sweep!(" FOR UPDATE SKIP LOCKED"));
    tx.execute(query(sweep).bind(now.0).bind(i64::from(limit))).await
}
