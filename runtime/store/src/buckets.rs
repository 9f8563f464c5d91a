//! States of limits. Each is read, evaluated and written back in one transaction, under an exclusive lock.

use std::collections::{BTreeMap, BTreeSet};

use sendbox_domain::model::Timestamp;

use super::columns::{Columns, text};
use super::query::{Arguments, query, query_with};
use super::{Backend, Result, Tx};

/// Loads the states of these buckets, by key, without those that have none. Locks all of them until the commit, including missing
/// ones, so that of two transactions with a common key the second sees what the first has written. Needs a transaction that may
/// write.
pub async fn load(tx: &mut Tx, tenant: &str, keys: &[String]) -> Result<BTreeMap<String, String>> {
    // Sorted, to avoid deadlocks, and without duplicates, because a statement cannot lock a row twice.
    let keys: BTreeSet<String> = keys.iter().map(|key| text(key)).collect();
    if keys.is_empty() {
        return Ok(BTreeMap::new());
    }
    let count = keys.len();
    let mut arguments = Arguments::default();
    arguments.add(text(tenant));
    for key in keys {
        arguments.add(key);
    }
    let parameters = 2..count + 2;
    let sql = match tx.backend() {
        // The transaction is the only writer.
        Backend::Sqlite => {
            let parameters: Vec<_> = parameters.map(|number| format!("${number}")).collect();
            format!("SELECT name, state FROM buckets WHERE tenant = $1 AND name IN ({})", parameters.join(", "))
        }
        // One statement that inserts missing rows and locks existing ones, in this order. Between two statements, one that
        // inserts and one that locks, a sweep could delete a row.
        Backend::Postgres => {
            let rows: Vec<_> = parameters.map(|number| format!("($1, ${number}, '', 0)")).collect();
            format!(
                "INSERT INTO buckets (tenant, name, state, expires_at) VALUES {} \
                 ON CONFLICT (tenant, name) DO UPDATE SET state = buckets.state RETURNING name, state",
                rows.join(", ")
            )
        }
    };
    let mut states = BTreeMap::new();
    for row in tx.all(query_with(sql, arguments).cached()).await? {
        let row = Columns::of("buckets", &row);
        let state = row.text("state")?;
        if !state.is_empty() {
            states.insert(row.text("name")?, state);
        }
    }
    Ok(states)
}

/// The state of a bucket, for display: read without a lock, so it may already be outdated.
pub async fn peek(tx: &mut Tx, tenant: &str, key: &str) -> Result<Option<String>> {
    let get = query("SELECT state FROM buckets WHERE tenant = $1 AND name = $2").bind(text(tenant)).bind(text(key));
    let state = tx.one(get).await?.map(|row| Columns::of("buckets", &row).text("state")).transpose()?;
    Ok(state.filter(|state| !state.is_empty()))
}

/// Stores the state of a bucket that this transaction has loaded. It may be deleted from `expires_at` on.
pub async fn save(tx: &mut Tx, tenant: &str, key: &str, state: &str, expires_at: Timestamp) -> Result<()> {
    let save = query(
        "INSERT INTO buckets (tenant, name, state, expires_at) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (tenant, name) DO UPDATE SET state = excluded.state, expires_at = excluded.expires_at",
    )
    .bind(text(tenant))
    .bind(text(key))
    .bind(text(state))
    .bind(expires_at.0);
    tx.execute(save).await?;
    Ok(())
}

/// Forgets the state of a bucket.
pub async fn clear(tx: &mut Tx, tenant: &str, key: &str) -> Result<()> {
    tx.execute(query("DELETE FROM buckets WHERE tenant = $1 AND name = $2").bind(text(tenant)).bind(text(key))).await?;
    Ok(())
}

/// Deletes at most `limit` expired buckets, and skips those in use. Returns their number.
pub async fn sweep(tx: &mut Tx, now: Timestamp, limit: u32) -> Result<u64> {
    macro_rules! sweep {
        ($lock:literal) => {
            concat!(
                "WITH old AS MATERIALIZED (SELECT tenant, name FROM buckets WHERE expires_at <= $1 ORDER BY expires_at \
                 LIMIT $2",
                $lock,
                ") DELETE FROM buckets WHERE (tenant, name) IN (SELECT tenant, name FROM old)"
            )
        };
    }
    let sweep = tx.locking(sweep!(""), sweep!(" FOR UPDATE SKIP LOCKED"));
    tx.execute(query(sweep).bind(now.0).bind(i64::from(limit))).await
}
