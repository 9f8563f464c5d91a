//! Verifications, and the failed checks of each number.
//!
//! Counting a try, approving and ending are single guarded statements. Of any number of concurrent checks, each is counted once,
//! and only one approves.

use sendbox_domain::model::{Timestamp, VerificationStatus};

use super::columns::{Columns, text, text_or_none, time_or_none};
use super::query::{Query, Row, query};
use super::rows::VerificationRow;
use super::table::{Statement, Table};
use super::{Result, Tx};

const TABLE: Table = Table {
    name: "verifications",
    columns: &[
        "tenant",
        "id",
        "usage",
        "locale",
        "recipient_hash",
        "recipient_masked",
        "payload",
        "test",
        "code_mac",
        "code_key",
        "status",
        "tries",
        "max_tries",
        "sends",
        "max_sends",
        "created_at",
        "expires_at",
        "resend_at",
        "approved_at",
        "message",
    ],
};

fn read(row: &Row) -> Result<VerificationRow> {
    let row = Columns::of("verifications", row);
    Ok(VerificationRow {
        id: row.text("id")?,
        tenant: row.text("tenant")?,
        usage: row.word("usage")?,
        locale: row.text_or_none("locale")?,
        recipient_hash: row.bytes("recipient_hash")?,
        recipient_masked: row.text("recipient_masked")?,
        payload: row.bytes_or_none("payload")?,
        test: row.flag("test")?,
        code_mac: row.bytes("code_mac")?,
        code_key: row.text("code_key")?,
        status: row.word("status")?,
        tries: row.count("tries")?,
        max_tries: row.count("max_tries")?,
        sends: row.count("sends")?,
        max_sends: row.count("max_sends")?,
        created_at: row.time("created_at")?,
        expires_at: row.time("expires_at")?,
        resend_at: row.time("resend_at")?,
        approved_at: row.time_or_none("approved_at")?,
        message: row.text_or_none("message")?,
    })
}

/// A statement with a row's values as its first parameters.
fn bind(statement: &'static str, verification: &VerificationRow) -> Query {
    query(statement)
        .bind(text(&verification.tenant))
        .bind(text(&verification.id))
        .bind(verification.usage.as_str())
        .bind(text_or_none(verification.locale.as_deref()))
        .bind(verification.recipient_hash.clone())
        .bind(text(&verification.recipient_masked))
        .bind(verification.payload.clone())
        .bind(i64::from(verification.test))
        .bind(verification.code_mac.clone())
        .bind(text(&verification.code_key))
        .bind(verification.status.as_str())
        .bind(i64::from(verification.tries))
        .bind(i64::from(verification.max_tries))
        .bind(i64::from(verification.sends))
        .bind(i64::from(verification.max_sends))
        .bind(verification.created_at.0)
        .bind(verification.expires_at.0)
        .bind(verification.resend_at.0)
        .bind(time_or_none(verification.approved_at))
        .bind(text_or_none(verification.message.as_deref()))
}

/// Adds a verification.
///
/// # Errors
/// Also [`StoreError::Unavailable`](super::StoreError), here or at the commit, when the tenant has a verification with this id, which
/// random ids prevent.
pub async fn insert(tx: &mut Tx, verification: &VerificationRow) -> Result<()> {
    static INSERT: Statement = Statement::new(|| TABLE.insert(""));
    tx.later(bind(&INSERT, verification)).await
}

static GET: Statement = Statement::new(|| TABLE.select("WHERE tenant = $1 AND id = $2"));
static LOCK: Statement = Statement::new(|| TABLE.select("WHERE tenant = $1 AND id = $2 FOR NO KEY UPDATE"));

/// The verification.
pub async fn get(tx: &mut Tx, tenant: &str, id: &str) -> Result<Option<VerificationRow>> {
    tx.one(query(GET.as_str()).bind(text(tenant)).bind(text(id))).await?.as_ref().map(read).transpose()
}

/// The verification, locked for a change until the commit.
pub async fn lock(tx: &mut Tx, tenant: &str, id: &str) -> Result<Option<VerificationRow>> {
    let get = tx.locking(&GET, &LOCK);
    tx.one(query(get).bind(text(tenant)).bind(text(id))).await?.as_ref().map(read).transpose()
}

/// Counts a try of the current code, and returns the updated verification. Returns `None`, and counts nothing, when it is not
/// pending, no try is left, or the code has expired. The caller must commit before it compares the code.
pub async fn count_try(tx: &mut Tx, tenant: &str, id: &str, now: Timestamp) -> Result<Option<VerificationRow>> {
    static COUNT: Statement = Statement::new(|| {
        format!(
            "UPDATE verifications SET tries = tries + 1 WHERE tenant = $1 AND id = $2 AND status = 'pending' \
             AND tries < max_tries AND expires_at > $3 RETURNING {}",
            TABLE.list()
        )
    });
    tx.one(query(COUNT.as_str()).bind(text(tenant)).bind(text(id)).bind(now.0)).await?.as_ref().map(read).transpose()
}

/// Approves a verification, if it is pending and not expired, and its code is still the one that was compared. Returns `true` only
/// once. Clears the payload for a resend.
pub async fn approve(tx: &mut Tx, tenant: &str, id: &str, code_mac: &[u8], now: Timestamp) -> Result<bool> {
    let approve = query(
        "UPDATE verifications SET status = 'approved', approved_at = $4, payload = NULL \
         WHERE tenant = $1 AND id = $2 AND status = 'pending' AND code_mac = $3 AND expires_at > $4",
    )
    .bind(text(tenant))
    .bind(text(id))
    .bind(code_mac)
    .bind(now.0);
    Ok(tx.execute(approve).await? == 1)
}

/// Ends a pending verification without approval, and clears the payload for a resend. Returns `false` when it had already ended.
pub async fn end(tx: &mut Tx, tenant: &str, id: &str, status: VerificationStatus) -> Result<bool> {
    let end = query(
        "UPDATE verifications SET status = $3, payload = NULL WHERE tenant = $1 AND id = $2 AND status = 'pending'",
    )
    .bind(text(tenant))
    .bind(text(id))
    .bind(status.as_str());
    Ok(tx.execute(end).await? == 1)
}

/// Ends all pending verifications of this number and usage except for `except`, which supersedes them, and those that this
/// transaction has just added.
///
/// Two concurrent transactions do not see each other's new verification. The caller must hold a lock on the number, such as that of
/// the limits.
pub async fn supersede(tx: &mut Tx, tenant: &str, recipient_hash: &[u8], usage: &str, except: &str) -> Result<()> {
    // Locked in the order of their ids, to avoid deadlocks between transactions that hold no such lock (test numbers).
    macro_rules! supersede {
        ($lock:literal) => {
            concat!(
                "WITH earlier AS MATERIALIZED (SELECT tenant, id FROM verifications WHERE tenant = $1 \
                 AND recipient_hash = $2 AND usage = $3 AND id <> $4 AND status = 'pending' ORDER BY id",
                $lock,
                ") UPDATE verifications SET status = 'superseded', payload = NULL \
                 WHERE (tenant, id) IN (SELECT tenant, id FROM earlier)"
            )
        };
    }
    let supersede = query(tx.locking(supersede!(""), supersede!(" FOR NO KEY UPDATE")))
        .bind(text(tenant))
        .bind(recipient_hash)
        .bind(text(usage))
        .bind(text(except));
    tx.later(supersede).await
}

/// Replaces the code: updates `code_mac`, `code_key`, `expires_at`, `tries`, `sends`, `resend_at` and `message`. Returns `false`,
/// and changes nothing, when the verification is not pending, or another code was sent since it was read: `sends` must be one more
/// than what is stored. So it need not be locked when it is read.
pub async fn renew(tx: &mut Tx, verification: &VerificationRow) -> Result<bool> {
    let renew = query(
        "UPDATE verifications SET code_mac = $3, code_key = $4, expires_at = $5, tries = $6, sends = $7, resend_at = $8, \
         message = $9 WHERE tenant = $1 AND id = $2 AND status = 'pending' AND sends = $7 - 1",
    )
    .bind(text(&verification.tenant))
    .bind(text(&verification.id))
    .bind(verification.code_mac.clone())
    .bind(text(&verification.code_key))
    .bind(verification.expires_at.0)
    .bind(i64::from(verification.tries))
    .bind(i64::from(verification.sends))
    .bind(verification.resend_at.0)
    .bind(text_or_none(verification.message.as_deref()));
    Ok(tx.execute(renew).await? == 1)
}

/// Counts a failed check of a number. Returns `false`, and counts nothing, when `max` are already counted.
pub async fn add_failure(tx: &mut Tx, tenant: &str, recipient_hash: &[u8], max: u32, now: Timestamp) -> Result<bool> {
    let add = query(
        "INSERT INTO recipient_failures (tenant, recipient_hash, failures, failed_at) SELECT $1, $2, 1, $4 WHERE $3 > 0 \
         ON CONFLICT (tenant, recipient_hash) DO UPDATE SET failures = recipient_failures.failures + 1, \
         failed_at = excluded.failed_at WHERE recipient_failures.failures < $3",
    )
    .bind(text(tenant))
    .bind(recipient_hash)
    .bind(i64::from(max))
    .bind(now.0);
    Ok(tx.execute(add).await? == 1)
}

/// The number of failed checks of a phone number.
pub async fn failures(tx: &mut Tx, tenant: &str, recipient_hash: &[u8]) -> Result<u32> {
    let get = query("SELECT failures FROM recipient_failures WHERE tenant = $1 AND recipient_hash = $2")
        .bind(text(tenant))
        .bind(recipient_hash);
    match tx.one(get).await? {
        Some(row) => Columns::of("recipient_failures", &row).count("failures"),
        None => Ok(0),
    }
}

/// Resets the failed checks of a number. Returns `false` when there were none.
pub async fn clear_failures(tx: &mut Tx, tenant: &str, recipient_hash: &[u8]) -> Result<bool> {
    let clear = query("DELETE FROM recipient_failures WHERE tenant = $1 AND recipient_hash = $2")
        .bind(text(tenant))
        .bind(recipient_hash);
    Ok(tx.execute(clear).await? == 1)
}

/// Forgets the failed checks of at most `limit` numbers of which the last one was before `before`. Returns their number.
pub async fn delete_failures_before(tx: &mut Tx, before: Timestamp, limit: u32) -> Result<u64> {
    macro_rules! delete_sql {
        ($lock:literal) => {
            concat!(
                "WITH old AS MATERIALIZED (SELECT tenant, recipient_hash FROM recipient_failures WHERE failed_at < $1 \
                 ORDER BY failed_at LIMIT $2",
                $lock,
                ") DELETE FROM recipient_failures WHERE (tenant, recipient_hash) IN \
                 (SELECT tenant, recipient_hash FROM old)"
            )
        };
    }
    let delete = tx.locking(delete_sql!(""), delete_sql!(" FOR UPDATE SKIP LOCKED"));
    tx.execute(query(delete).bind(before.0).bind(i64::from(limit))).await
}

/// Ends at most `limit` pending verifications whose code has expired, and clears their payload for a resend. Returns their number.
pub async fn expire(tx: &mut Tx, now: Timestamp, limit: u32) -> Result<u64> {
    macro_rules! expire {
        ($lock:literal) => {
            concat!(
                "WITH old AS MATERIALIZED (SELECT tenant, id FROM verifications WHERE status = 'pending' \
                 AND expires_at <= $1 ORDER BY expires_at LIMIT $2",
                $lock,
                ") UPDATE verifications SET status = 'expired', payload = NULL \
                 WHERE (tenant, id) IN (SELECT tenant, id FROM old)"
            )
        };
    }
    let expire = tx.locking(expire!(""), expire!(" FOR NO KEY UPDATE SKIP LOCKED"));
    tx.execute(query(expire).bind(now.0).bind(i64::from(limit))).await
}

/// Deletes at most `limit` ended verifications that were created before `before`. Returns their number.
pub async fn delete_before(tx: &mut Tx, before: Timestamp, limit: u32) -> Result<u64> {
    macro_rules! delete_sql {
        ($lock:literal) => {
            concat!(
                "WITH old AS MATERIALIZED (SELECT tenant, id FROM verifications WHERE created_at < $1 \
                 AND status <> 'pending' ORDER BY created_at LIMIT $2",
                $lock,
                ") DELETE FROM verifications WHERE (tenant, id) IN (SELECT tenant, id FROM old)"
            )
        };
    }
    let delete = tx.locking(delete_sql!(""), delete_sql!(" FOR UPDATE SKIP LOCKED"));
    tx.execute(query(delete).bind(before.0).bind(i64::from(limit))).await
}
