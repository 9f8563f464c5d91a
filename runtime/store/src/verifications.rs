//! Verifications.
//!
//! Counting a try, approving and ending are single guarded statements. Of any number of concurrent checks, each is counted once,
//! and only one approves.
//!
//! Whoever changes buckets as well locks them before a verification, and those that are locked alone after it.

use sendbox_contract::Usage;
use sendbox_domain::model::{Timestamp, VerificationStatus};

use super::columns::{Columns, metadata, text, text_or_none, time_or_none};
use super::query::{Conditions, Query, Row, query};
use super::rows::{PreviousCode, VerificationRow};
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
        "code_order",
        "previous_code_mac",
        "previous_code_key",
        "previous_tries",
        "previous_expires_at",
        "previous_message",
        "previous_code_order",
        "reference",
        "metadata",
    ],
};

fn read(row: &Row) -> Result<VerificationRow> {
    let row = Columns::of("verifications", row);
    let previous = match row.bytes_or_none("previous_code_mac")? {
        Some(code_mac) => Some(PreviousCode {
            code_mac,
            code_key: row.text("previous_code_key")?,
            tries: row.count("previous_tries")?,
            expires_at: row.time("previous_expires_at")?,
            message: row.text_or_none("previous_message")?,
            code_order: row.integer("previous_code_order")?,
        }),
        None => None,
    };
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
        code_order: row.integer("code_order")?,
        previous,
        platform_data: row.platform_data()?,
    })
}

/// A statement with a row's values as its first parameters.
fn bind(statement: &'static str, verification: &VerificationRow) -> Result<Query> {
    let previous = verification.previous.as_ref();
    let query = query(statement)
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
        .bind(verification.code_order)
        .bind(previous.map(|code| code.code_mac.clone()))
        .bind(previous.map(|code| text(&code.code_key)))
        .bind(previous.map(|code| i64::from(code.tries)))
        .bind(previous.map(|code| code.expires_at.0))
        .bind(text_or_none(previous.and_then(|code| code.message.as_deref())))
        .bind(previous.map(|code| code.code_order))
        .bind(text_or_none(verification.platform_data.reference.as_deref()))
        .bind(metadata(&verification.platform_data)?);
    Ok(query)
}

/// A filter for verifications. `None` matches all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VerificationQuery {
    pub usage: Option<Usage>,
    /// A keyed hash of the phone number.
    pub recipient_hash: Option<Vec<u8>>,
    /// The platform's own id.
    pub reference: Option<String>,
    /// Created at or after this time.
    pub since: Option<Timestamp>,
    /// Created before this time.
    pub until: Option<Timestamp>,
    /// Only verifications after this position in the list: `created_at` and `id` of the last one of the previous page.
    pub before: Option<(Timestamp, String)>,
    /// Maximum number of verifications.
    pub limit: u32,
}

/// Verifications of a tenant, newest first, and by descending id within a millisecond. Each filter has an index in this order.
pub async fn list(tx: &mut Tx, tenant: &str, filter: &VerificationQuery) -> Result<Vec<VerificationRow>> {
    let mut list = Conditions::new(TABLE.select("WHERE TRUE"));
    list.and("tenant =", Some(text(tenant)));
    list.and("usage =", filter.usage.map(|usage| usage.as_str()));
    list.and("recipient_hash =", filter.recipient_hash.clone());
    list.and("reference =", filter.reference.as_deref().map(text));
    list.and("created_at >=", filter.since.map(|at| at.0));
    list.and("created_at <", filter.until.map(|at| at.0));
    tx.all(list.newest_first(filter.before.as_ref(), filter.limit)).await?.iter().map(read).collect()
}

/// Adds a verification.
///
/// # Errors
/// Also [`StoreError::Unavailable`](super::StoreError), here or at the commit, when the tenant has a verification with this id, which
/// random ids prevent.
pub async fn insert(tx: &mut Tx, verification: &VerificationRow) -> Result<()> {
    static INSERT: Statement = Statement::new(|| TABLE.insert(""));
    tx.later(bind(&INSERT, verification)?).await
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

/// Counts a try of the current code, and of the one before if there is one, and returns the updated verification. Returns `None`, and
/// counts nothing, when it is not pending, no try of the current code is left, or that has expired. The caller must commit before it
/// compares the code.
pub async fn count_try(tx: &mut Tx, tenant: &str, id: &str, now: Timestamp) -> Result<Option<VerificationRow>> {
    static COUNT: Statement = Statement::new(|| {
        format!(
            "UPDATE verifications SET tries = tries + 1, previous_tries = previous_tries + 1 WHERE tenant = $1 AND id = $2 AND status = 'pending' \
             AND tries < max_tries AND expires_at > $3 RETURNING {}",
            TABLE.list()
        )
    });
    tx.one(query(COUNT.as_str()).bind(text(tenant)).bind(text(id)).bind(now.0)).await?.as_ref().map(read).transpose()
}

/// Approves a verification, if it is pending, and the code that was compared is still one of its codes and has not expired. Returns
/// `true` only once. Clears the payload for a resend.
pub async fn approve(tx: &mut Tx, tenant: &str, id: &str, code_mac: &[u8], now: Timestamp) -> Result<bool> {
    let approve = query(
        "UPDATE verifications SET status = 'approved', approved_at = $4, payload = NULL \
         WHERE tenant = $1 AND id = $2 AND status = 'pending' \
         AND ((code_mac = $3 AND expires_at > $4) OR (previous_code_mac = $3 AND previous_expires_at > $4))",
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

/// Ends all pending verifications of this number and usage except for `except`, which supersedes them. Returns their number.
///
/// Two concurrent transactions do not see each other's new verification. The caller must hold a lock on the number, such as that of
/// the limits.
pub async fn supersede(tx: &mut Tx, tenant: &str, recipient_hash: &[u8], usage: &str, except: &str) -> Result<u64> {
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
    tx.execute(supersede).await
}

/// The order of the next code for this number and usage: the time, so that it is after codes that have ended and whose messages may
/// still be on their way; and after the codes of all pending verifications, whatever the clock says. The caller must hold a lock on the
/// number, such as that of the limits.
pub async fn next_code_order(
    tx: &mut Tx,
    tenant: &str,
    recipient_hash: &[u8],
    usage: &str,
    now: Timestamp,
) -> Result<i64> {
    let next = query(
        "SELECT COALESCE(MAX(code_order), 0) + 1 AS code_order FROM verifications WHERE tenant = $1 \
         AND recipient_hash = $2 AND usage = $3 AND status = 'pending'",
    );
    let after_pending = match tx.one(next.bind(text(tenant)).bind(recipient_hash).bind(text(usage))).await? {
        Some(row) => Columns::of("verifications", &row).integer("code_order")?,
        None => 1,
    };
    Ok(after_pending.max(now.0))
}

/// Whether a pending verification of the same number and usage has a later code.
pub async fn has_later_code(tx: &mut Tx, verification: &VerificationRow) -> Result<bool> {
    let find = query(
        "SELECT id FROM verifications WHERE tenant = $1 AND recipient_hash = $2 AND usage = $3 AND status = 'pending' \
         AND code_order > $4 LIMIT 1",
    )
    .bind(text(&verification.tenant))
    .bind(verification.recipient_hash.clone())
    .bind(verification.usage.as_str())
    .bind(verification.code_order);
    Ok(tx.one(find).await?.is_some())
}

/// The pending verification of a number and a usage that has the newest code.
pub async fn newest_pending(tx: &mut Tx, tenant: &str, recipient_hash: &[u8], usage: Usage) -> Result<Option<String>> {
    let find = query(
        "SELECT id FROM verifications WHERE tenant = $1 AND recipient_hash = $2 AND usage = $3 AND status = 'pending' \
         ORDER BY code_order DESC, created_at DESC LIMIT 1",
    );
    let row = tx.one(find.bind(text(tenant)).bind(recipient_hash.to_vec()).bind(usage.as_str())).await?;
    row.map(|row| Columns::of("verifications", &row).text("id")).transpose()
}

/// A code whose message may have left.
pub struct SentCode<'a> {
    pub tenant: &'a str,
    pub recipient_hash: &'a [u8],
    pub usage: &'a str,
    pub verification: &'a str,
    pub message: &'a str,
}

/// Ends all earlier codes of this number and usage: the previous code of the verification, and those of other pending verifications,
/// which are superseded, unless they have a later code. On PostgreSQL it may be sent as one
/// statement with the next changes.
pub async fn end_earlier_codes(tx: &mut Tx, sent: SentCode<'_>) -> Result<()> {
    macro_rules! end_sql {
        ($lock:literal) => {
            concat!(
                "WITH sent AS MATERIALIZED (SELECT CASE WHEN message = $5 THEN code_order ELSE previous_code_order END AS code_order \
                 FROM verifications WHERE tenant = $1 AND id = $4 AND (message = $5 OR previous_message = $5)), \
                 earlier AS MATERIALIZED (SELECT v.tenant, v.id FROM verifications AS v, sent WHERE v.tenant = $1 \
                 AND v.recipient_hash = $2 AND v.usage = $3 AND v.status = 'pending' \
                 AND ((v.id <> $4 AND v.code_order < sent.code_order) OR v.previous_code_order < sent.code_order) \
                 ORDER BY v.id",
                $lock,
                ") UPDATE verifications SET \
                 status = CASE WHEN id <> $4 AND code_order < (SELECT code_order FROM sent) THEN 'superseded' ELSE status END, \
                 payload = CASE WHEN id <> $4 AND code_order < (SELECT code_order FROM sent) THEN NULL ELSE payload END, \
                 previous_code_mac = NULL, previous_code_key = NULL, previous_tries = NULL, previous_expires_at = NULL, \
                 previous_message = NULL, previous_code_order = NULL \
                 WHERE (tenant, id) IN (SELECT tenant, id FROM earlier)"
            )
        };
    }
    let end = query(tx.locking(end_sql!(""), end_sql!(" FOR NO KEY UPDATE OF v")))
        .bind(text(sent.tenant))
        .bind(sent.recipient_hash)
        .bind(text(sent.usage))
        .bind(text(sent.verification))
        .bind(text(sent.message));
    tx.then_later(end).await
}

const KEY: [&str; 2] = ["tenant", "id"];
/// What belongs to the codes of a verification.
const CODES: [&str; 14] = [
    "code_mac",
    "code_key",
    "tries",
    "sends",
    "expires_at",
    "resend_at",
    "message",
    "code_order",
    "previous_code_mac",
    "previous_code_key",
    "previous_tries",
    "previous_expires_at",
    "previous_message",
    "previous_code_order",
];

/// Updates the current and the previous code, with their messages, tries and times. Returns `false`, and changes nothing, when the
/// verification is not pending. It must be locked since it was read.
pub async fn update_codes(tx: &mut Tx, verification: &VerificationRow) -> Result<bool> {
    static UPDATE: Statement = Statement::new(|| TABLE.update(&KEY, &CODES, "AND status = 'pending'"));
    Ok(tx.execute(bind(&UPDATE, verification)?).await? == 1)
}

/// Ends at most `limit` pending verifications whose code has expired, and clears their payload for a resend. Returns them.
pub async fn expire(tx: &mut Tx, now: Timestamp, limit: u32) -> Result<Vec<VerificationRow>> {
    fn expire_sql(lock: &str) -> String {
        format!(
            "WITH old AS MATERIALIZED (SELECT tenant, id FROM verifications WHERE status = 'pending' \
             AND expires_at <= $1 ORDER BY expires_at LIMIT $2{lock}) \
             UPDATE verifications SET status = 'expired', payload = NULL \
             WHERE (tenant, id) IN (SELECT tenant, id FROM old) RETURNING {}",
            TABLE.list()
        )
    }
    static EXPIRE: Statement = Statement::new(|| expire_sql(""));
    static LOCK_AND_EXPIRE: Statement = Statement::new(|| expire_sql(" FOR NO KEY UPDATE SKIP LOCKED"));
    let expire = query(tx.locking(&EXPIRE, &LOCK_AND_EXPIRE)).bind(now.0).bind(i64::from(limit));
    tx.all(expire).await?.iter().map(read).collect()
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
