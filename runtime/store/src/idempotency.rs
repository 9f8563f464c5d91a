//! Used idempotency keys.

use sendbox_domain::model::Timestamp;

use super::columns::{Columns, text};
use super::query::{Row, query};
use super::rows::IdempotencyRow;
use super::table::{Statement, Table};
use super::{Result, StoreError, Tx};

const TABLE: Table =
    Table { name: "idempotency", columns: &["tenant", "operation", "key_hash", "body_hash", "resource", "expires_at"] };

fn read(row: &Row) -> Result<IdempotencyRow> {
    let row = Columns::of("idempotency", row);
    Ok(IdempotencyRow {
        tenant: row.text("tenant")?,
        operation: row.text("operation")?,
        key_hash: row.bytes("key_hash")?,
        body_hash: row.bytes("body_hash")?,
        resource: row.text("resource")?,
        expires_at: row.time("expires_at")?,
    })
}

/// Claims a key. Returns `None` when it was free or had expired, and is now claimed; otherwise the first use.
///
/// Of concurrent callers one gets `None`. The others wait for its commit and get its row; if it is rolled back, one of them gets
/// the key.
pub async fn claim(tx: &mut Tx, first: &IdempotencyRow, now: Timestamp) -> Result<Option<IdempotencyRow>> {
    // On PostgreSQL the row is locked even if the `WHERE` clause excludes it from the update, so it still exists when it is read
    // below.
    static CLAIM: Statement = Statement::new(|| {
        let expired = format!("WHERE idempotency.expires_at <= {}", TABLE.further_parameter(1));
        TABLE.upsert(&["tenant", "operation", "key_hash"], &["body_hash", "resource", "expires_at"], &expired)
    });
    let claim = query(CLAIM.as_str())
        .bind(text(&first.tenant))
        .bind(text(&first.operation))
        .bind(first.key_hash.clone())
        .bind(first.body_hash.clone())
        .bind(text(&first.resource))
        .bind(first.expires_at.0)
        .bind(now.0);
    if tx.execute(claim).await? == 1 {
        return Ok(None);
    }
    static GET: Statement = Statement::new(|| TABLE.select("WHERE tenant = $1 AND operation = $2 AND key_hash = $3"));
    let get = query(GET.as_str()).bind(text(&first.tenant)).bind(text(&first.operation)).bind(first.key_hash.clone());
    let row = tx.one(get).await?.ok_or_else(|| StoreError::Corrupt("idempotency".to_owned()))?;
    read(&row).map(Some)
}

/// Changes the resource of a claimed key.
pub async fn set_resource(tx: &mut Tx, claimed: &IdempotencyRow, resource: &str) -> Result<()> {
    let set = query("UPDATE idempotency SET resource = $4 WHERE tenant = $1 AND operation = $2 AND key_hash = $3")
        .bind(text(&claimed.tenant))
        .bind(text(&claimed.operation))
        .bind(claimed.key_hash.clone())
        .bind(text(resource));
    tx.execute(set).await?;
    Ok(())
}

/// Deletes at most `limit` expired keys. Returns their number.
pub async fn sweep(tx: &mut Tx, now: Timestamp, limit: u32) -> Result<u64> {
    macro_rules! sweep {
        ($lock:literal) => {
            concat!(
                "WITH old AS MATERIALIZED (SELECT tenant, operation, key_hash FROM idempotency WHERE expires_at <= $1 \
                 ORDER BY expires_at LIMIT $2",
                $lock,
                ") DELETE FROM idempotency WHERE (tenant, operation, key_hash) IN \
                 (SELECT tenant, operation, key_hash FROM old)"
            )
        };
    }
    let sweep = tx.locking(sweep!(""), sweep!(" FOR UPDATE SKIP LOCKED"));
    tx.execute(query(sweep).bind(now.0).bind(i64::from(limit))).await
}
