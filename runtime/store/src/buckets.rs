//! States of limits. Each is read, evaluated and written back in one transaction, under an exclusive lock.

use std::collections::{BTreeMap, BTreeSet};

use sendbox_domain::model::Timestamp;

use super::columns::{Columns, text};
use super::query::{Arguments, Query, query, query_with};
use super::{Backend, Result, Tx};

/// Loads the states of these buckets, by key, without those that have none. Locks all buckets of the tenant until the commit,
/// including missing ones, so that of two transactions the second sees what the first has written. Needs a transaction that may
/// write.
///
/// A bucket that is loaded with [`load_alone`] must not be loaded with this: the two do not wait for each other.
pub async fn load(tx: &mut Tx, tenant: &str, keys: &[String]) -> Result<BTreeMap<String, String>> {
    let keys: BTreeSet<String> = keys.iter().map(|key| text(key)).collect();
    if keys.is_empty() {
        return Ok(BTreeMap::new());
    }
    let mut arguments = Arguments::default();
    arguments.add(text(tenant));
    let keys: Vec<String> = keys.into_iter().map(|key| arguments.add(key)).collect();
    let sql = match tx.backend() {
        // The transaction is the only writer. A list after `IN` would be copied into a table of its own first.
        Backend::Sqlite => {
            let select = |key: &String| format!("SELECT name, state FROM buckets WHERE tenant = $1 AND name = {key}");
            keys.iter().map(select).collect::<Vec<_>>().join(" UNION ALL ")
        }
        // One lock for all of them: every message counts for its tenant, so that the locks of rows would let no more through. The
        // function reads with a snapshot that is taken when the lock is held.
        Backend::Postgres => format!("SELECT name, state FROM lock_buckets($1, {})", keys.join(", ")),
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

/// Loads the state of a bucket that is used while a verification is locked, and locks nothing else until the commit. Needs a
/// transaction that may write.
pub async fn load_alone(tx: &mut Tx, tenant: &str, key: &str) -> Result<Option<String>> {
    let load = match tx.backend() {
        Backend::Sqlite => "SELECT state FROM buckets WHERE tenant = $1 AND name = $2",
        // One statement that inserts a missing row or locks an existing one. Between two statements a sweep could delete the row.
        Backend::Postgres => {
            "INSERT INTO buckets (tenant, name, state, expires_at) VALUES ($1, $2, '', 0) \
             ON CONFLICT (tenant, name) DO UPDATE SET state = buckets.state RETURNING state"
        }
    };
    one_state(tx, query(load).bind(text(tenant)).bind(text(key))).await
}

/// Locks all buckets of a tenant until the commit, for a transaction that loads some of them after it has changed a message.
pub async fn lock(tx: &mut Tx, tenant: &str) -> Result<()> {
    // SQLite has a single writer.
    if tx.backend() == Backend::Postgres {
        tx.later(lock_query(tenant)).await?;
    }
    Ok(())
}

/// The statement of [`lock`]: the lock of `lock_buckets`.
pub(super) fn lock_query(tenant: &str) -> Query {
    query("SELECT pg_advisory_xact_lock(1, hashtext($1)) IS NULL AS done").bind(text(tenant))
}

/// The state of a bucket, for display: read without a lock, so it may already be outdated.
pub async fn peek(tx: &mut Tx, tenant: &str, key: &str) -> Result<Option<String>> {
    let get = query("SELECT state FROM buckets WHERE tenant = $1 AND name = $2").bind(text(tenant)).bind(text(key));
    one_state(tx, get).await
}

/// The state that a statement returns.
async fn one_state(tx: &mut Tx, query: Query) -> Result<Option<String>> {
    let state = tx.one(query).await?.map(|row| Columns::of("buckets", &row).text("state")).transpose()?;
    // An empty one was locked, and never written.
    Ok(state.filter(|state| !state.is_empty()))
}

/// The state of a bucket, to be stored.
pub struct BucketState<'a> {
    pub key: &'a str,
    pub state: &'a str,
    /// It may be deleted from this time on.
    pub expires_at: Timestamp,
}

/// Stores the states of buckets, each of them once, that this transaction has loaded.
pub async fn save(tx: &mut Tx, tenant: &str, states: &[BucketState<'_>]) -> Result<()> {
    if states.is_empty() {
        return Ok(());
    }
    let mut arguments = Arguments::default();
    arguments.add(text(tenant));
    let rows: Vec<String> = states
        .iter()
        .map(|BucketState { key, state, expires_at }| {
            let key = arguments.add(text(key));
            let state = arguments.add(text(state));
            format!("($1, {key}, {state}, {})", arguments.add(expires_at.0))
        })
        .collect();
    let save = format!(
        "INSERT INTO buckets (tenant, name, state, expires_at) VALUES {} \
         ON CONFLICT (tenant, name) DO UPDATE SET state = excluded.state, expires_at = excluded.expires_at",
        rows.join(", ")
    );
    tx.later(query_with(save, arguments).cached()).await
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
