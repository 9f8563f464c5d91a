//! Console sessions. The store holds only hashes of the cookies' values.

use sendbox_domain::model::Timestamp;

use super::columns::{Columns, text_or_none};
use super::query::{Row, query};
use super::rows::SessionRow;
use super::table::{Statement, Table};
use super::{Result, Tx};

const TABLE: Table = Table { name: "sessions", columns: &["id", "api_key", "proof", "created_at", "seen_at"] };

fn read(row: &Row) -> Result<SessionRow> {
    let row = Columns::of("sessions", row);
    Ok(SessionRow {
        id: row.bytes("id")?,
        api_key: row.text_or_none("api_key")?,
        proof: row.bytes("proof")?,
        created_at: row.time("created_at")?,
        seen_at: row.time("seen_at")?,
    })
}

/// Adds a session.
pub async fn insert(tx: &mut Tx, session: &SessionRow) -> Result<()> {
    static INSERT: Statement = Statement::new(|| TABLE.insert(""));
    let insert = query(INSERT.as_str())
        .bind(session.id.clone())
        .bind(text_or_none(session.api_key.as_deref()))
        .bind(session.proof.clone())
        .bind(session.created_at.0)
        .bind(session.seen_at.0);
    tx.execute(insert).await?;
    Ok(())
}

/// The session with this id, the hash of a cookie's value.
pub async fn find(tx: &mut Tx, id: &[u8]) -> Result<Option<SessionRow>> {
    static FIND: Statement = Statement::new(|| TABLE.select("WHERE id = $1"));
    tx.one(query(FIND.as_str()).bind(id.to_vec())).await?.as_ref().map(read).transpose()
}

/// The sessions that were opened with a key (`None`: the platform key), oldest first.
pub async fn of_key(tx: &mut Tx, api_key: Option<&str>) -> Result<Vec<SessionRow>> {
    static OF_KEY: Statement = Statement::new(|| TABLE.select("WHERE api_key = $1 ORDER BY created_at, id"));
    static OF_PLATFORM: Statement = Statement::new(|| TABLE.select("WHERE api_key IS NULL ORDER BY created_at, id"));
    let list = match api_key {
        Some(key) => query(OF_KEY.as_str()).bind(key.to_owned()),
        None => query(OF_PLATFORM.as_str()),
    };
    tx.all(list).await?.iter().map(read).collect()
}

/// Stores when a session was last used. An earlier time, or a session that does not exist, changes nothing.
pub async fn touch(tx: &mut Tx, id: &[u8], at: Timestamp) -> Result<()> {
    let update = query("UPDATE sessions SET seen_at = $2 WHERE id = $1 AND seen_at < $2").bind(id.to_vec()).bind(at.0);
    tx.execute(update).await?;
    Ok(())
}

/// Deletes a session. Returns `false` when there is none with this id.
pub async fn delete(tx: &mut Tx, id: &[u8]) -> Result<bool> {
    Ok(tx.execute(query("DELETE FROM sessions WHERE id = $1").bind(id.to_vec())).await? == 1)
}

/// Deletes the sessions that were opened at or before `opened`, or last used at or before `used`.
pub async fn delete_ended(tx: &mut Tx, opened: Timestamp, used: Timestamp) -> Result<u64> {
    let delete = query("DELETE FROM sessions WHERE created_at <= $1 OR seen_at <= $2").bind(opened.0).bind(used.0);
    tx.execute(delete).await
}

/// Deletes at most `limit` sessions that were last used at or before `used`. Returns their number.
pub async fn sweep(tx: &mut Tx, used: Timestamp, limit: u32) -> Result<u64> {
    macro_rules! sweep {
        ($lock:literal) => {
            concat!(
                "WITH old AS MATERIALIZED (SELECT id FROM sessions WHERE seen_at <= $1 ORDER BY seen_at LIMIT $2",
                $lock,
                ") DELETE FROM sessions WHERE id IN (SELECT id FROM old)"
            )
        };
    }
    let sweep = tx.locking(sweep!(""), sweep!(" FOR UPDATE SKIP LOCKED"));
    tx.execute(query(sweep).bind(used.0).bind(i64::from(limit))).await
}
