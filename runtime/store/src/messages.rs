//! Messages, and their leases.
//!
//! The holder of a lease passes it to [`update`], which does nothing when the message was claimed again: a slow worker cannot overwrite
//! what its successor wrote.

use std::collections::BTreeMap;

use sendbox_contract::{DeliveryState, Usage};
use sendbox_domain::model::{MessageStatus, Timestamp};

use super::columns::{Columns, json_or_none, large, lease_or_none, metadata, text, text_or_none, time_or_none};
use super::processes::IS_FREE;
use super::query::{Arguments, Conditions, Query, Row, query, query_with};
use super::rows::{Lease, MessageRow};
use super::table::{Statement, Table};
use super::{Result, Tx};

const TABLE: Table = Table {
    name: "messages",
    columns: &[
        "tenant",
        "id",
        "created_at",
        "expires_at",
        "usage",
        "locale",
        "recipient_hash",
        "recipient_masked",
        "country",
        "payload",
        "verification",
        "status",
        "mode",
        "test",
        "connection",
        "segments",
        "provider_message_id",
        "failure",
        "attempts",
        "physical_messages",
        "price_micros",
        "next_attempt_at",
        "lease_process",
        "lease_claim",
        "class",
        "reference",
        "metadata",
        "status_callback",
    ],
};

const KEY: [&str; 2] = ["tenant", "id"];
/// The columns that change after a message was inserted.
const MUTABLE: [&str; 13] = [
    "payload",
    "status",
    "connection",
    "segments",
    "provider_message_id",
    "failure",
    "attempts",
    "physical_messages",
    "price_micros",
    "next_attempt_at",
    "lease_process",
    "lease_claim",
    "class",
];

/// The columns that the result of an attempt changes.
const CHANGED_BY_ATTEMPT: [&str; 10] = [
    "payload",
    "status",
    "provider_message_id",
    "failure",
    "attempts",
    "physical_messages",
    "next_attempt_at",
    "lease_process",
    "lease_claim",
    "class",
];

/// A filter for messages. `None` matches all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MessageQuery {
    pub status: Option<MessageStatus>,
    pub usage: Option<Usage>,
    /// ISO 3166-1 alpha-2.
    pub country: Option<String>,
    /// A keyed hash of the phone number.
    pub recipient_hash: Option<Vec<u8>>,
    /// The connection of their last attempt.
    pub connection: Option<String>,
    /// The platform's own id.
    pub reference: Option<String>,
    /// The most advanced reported state.
    pub delivery: Option<DeliveryState>,
    /// Created at or after this time.
    pub since: Option<Timestamp>,
    /// Created before this time.
    pub until: Option<Timestamp>,
    /// Only messages after this position in the list: `created_at` and `id` of the last message of the previous page.
    pub before: Option<(Timestamp, String)>,
    /// Maximum number of messages.
    pub limit: u32,
}

fn read(row: &Row) -> Result<MessageRow> {
    let row = Columns::of("messages", row);
    Ok(MessageRow {
        id: row.text("id")?,
        tenant: row.text("tenant")?,
        created_at: row.time("created_at")?,
        expires_at: row.time("expires_at")?,
        usage: row.word("usage")?,
        locale: row.text_or_none("locale")?,
        recipient_hash: row.bytes("recipient_hash")?,
        recipient_masked: row.text("recipient_masked")?,
        country: row.text_or_none("country")?,
        payload: row.bytes_or_none("payload")?,
        verification: row.text_or_none("verification")?,
        status: row.word("status")?,
        mode: row.word("mode")?,
        test: row.flag("test")?,
        connection: row.text_or_none("connection")?,
        segments: row.count_or_none("segments")?,
        provider_message_id: row.text_or_none("provider_message_id")?,
        failure: row.json_or_none("failure")?,
        attempts: row.count("attempts")?,
        physical_messages: row.count("physical_messages")?,
        price_micros: row.large("price_micros")?,
        next_attempt_at: row.time_or_none("next_attempt_at")?,
        lease: row.lease_or_none()?,
        platform_data: row.platform_data()?,
        status_callback: row.json_or_none("status_callback")?,
    })
}

fn mode(message: &MessageRow) -> &'static str {
    match message.mode {
        sendbox_domain::model::Mode::Sync => "sync",
        sendbox_domain::model::Mode::Async => "async",
    }
}

/// The class of the failure, in a separate column so that failures can be counted by class.
fn class(message: &MessageRow) -> Option<&'static str> {
    message.failure.as_ref().map(|failure| failure.class.as_str())
}

/// A statement with a row's values as its first parameters.
fn bind(statement: &'static str, message: &MessageRow) -> Result<Query> {
    let (lease_process, lease_claim) = lease_or_none(message.lease.as_ref())?;
    Ok(query(statement)
        .bind(text(&message.tenant))
        .bind(text(&message.id))
        .bind(message.created_at.0)
        .bind(message.expires_at.0)
        .bind(message.usage.as_str())
        .bind(text_or_none(message.locale.as_deref()))
        .bind(message.recipient_hash.clone())
        .bind(text(&message.recipient_masked))
        .bind(text_or_none(message.country.as_deref()))
        .bind(message.payload.clone())
        .bind(text_or_none(message.verification.as_deref()))
        .bind(message.status.as_str())
        .bind(mode(message))
        .bind(i64::from(message.test))
        .bind(text_or_none(message.connection.as_deref()))
        .bind(message.segments.map(i64::from))
        .bind(text_or_none(message.provider_message_id.as_deref()))
        .bind(json_or_none(message.failure.as_ref())?)
        .bind(i64::from(message.attempts))
        .bind(i64::from(message.physical_messages))
        .bind(large(message.price_micros)?)
        .bind(time_or_none(message.next_attempt_at))
        .bind(lease_process)
        .bind(lease_claim)
        .bind(class(message))
        .bind(text_or_none(message.platform_data.reference.as_deref()))
        .bind(metadata(&message.platform_data)?)
        .bind(json_or_none(message.status_callback.as_ref())?))
}

/// Adds a message.
///
/// # Errors
/// Also [`StoreError::Unavailable`](super::StoreError), here or at the commit, when the tenant has a message with this id, which random
/// ids prevent.
pub async fn insert(tx: &mut Tx, message: &MessageRow) -> Result<()> {
    static INSERT: Statement = Statement::new(|| TABLE.insert(""));
    tx.later(bind(&INSERT, message)?).await
}

static GET: Statement = Statement::new(|| TABLE.select("WHERE tenant = $1 AND id = $2"));
static LOCK: Statement = Statement::new(|| TABLE.select("WHERE tenant = $1 AND id = $2 FOR NO KEY UPDATE"));

/// The message.
pub async fn get(tx: &mut Tx, tenant: &str, id: &str) -> Result<Option<MessageRow>> {
    tx.one(query(GET.as_str()).bind(text(tenant)).bind(text(id))).await?.as_ref().map(read).transpose()
}

/// The message, locked for a change until the commit.
pub async fn lock(tx: &mut Tx, tenant: &str, id: &str) -> Result<Option<MessageRow>> {
    let get = tx.locking(&GET, &LOCK);
    tx.one(query(get).bind(text(tenant)).bind(text(id))).await?.as_ref().map(read).transpose()
}

/// Messages of a tenant, newest first, and by descending id within a millisecond.
///
/// Each filter has an index in this order, except for accepted messages, which are most messages: it reads all messages, until it has
/// enough of them. A new filter needs an index, see `query_plans.rs`.
pub async fn list(tx: &mut Tx, tenant: &str, filter: &MessageQuery) -> Result<Vec<MessageRow>> {
    let sql = TABLE.select("WHERE TRUE");
    let mut list = Conditions::new(sql);
    list.and("tenant =", Some(text(tenant)));
    list.and("status =", filter.status.map(|status| status.as_str()));
    if filter.status.is_some_and(|status| status != MessageStatus::Accepted) {
        // SQLite uses a partial index only for a statement that repeats its condition.
        list.sql.push_str(" AND status <> 'accepted'");
    }
    list.and("usage =", filter.usage.map(|usage| usage.as_str()));
    list.and("country =", filter.country.as_deref().map(text));
    list.and("recipient_hash =", filter.recipient_hash.clone());
    list.and("connection =", filter.connection.as_deref().map(text));
    list.and("reference =", filter.reference.as_deref().map(text));
    list.and("delivery =", filter.delivery.map(|state| state.as_str()));
    list.and("created_at >=", filter.since.map(|at| at.0));
    list.and("created_at <", filter.until.map(|at| at.0));
    tx.all(list.newest_first(filter.before.as_ref(), filter.limit)).await?.iter().map(read).collect()
}

/// The statuses of these messages, by id. A message that does not exist is left out.
pub async fn statuses(tx: &mut Tx, tenant: &str, ids: &[String]) -> Result<BTreeMap<String, MessageStatus>> {
    if ids.is_empty() {
        return Ok(BTreeMap::new());
    }
    let mut arguments = Arguments::default();
    arguments.add(text(tenant));
    let ids = arguments.list(ids.iter().map(|id| text(id)));
    let list = format!("SELECT id, status FROM messages WHERE tenant = $1 AND id IN ({ids})");
    let rows = tx.all(query_with(list, arguments)).await?;
    rows.iter()
        .map(|row| {
            let row = Columns::of("messages", row);
            Ok((row.text("id")?, row.word("status")?))
        })
        .collect()
}

/// Leases at most `limit` due messages of a tenant, the longest due first. Concurrent claims never return the same message.
///
/// A message is due when it is queued or sending, its `next_attempt_at` is absent or not later than `now`, and it has no lease that
/// counts.
pub async fn claim(tx: &mut Tx, tenant: &str, now: Timestamp, lease: &Lease, limit: u32) -> Result<Vec<MessageRow>> {
    // Messages with and without a time are two ranges of one index: reading both from their beginning passes over no message that is
    // due later. `MATERIALIZED`, because the planner may run a plain subselect again for each row, and then lock more rows.
    fn claim_sql(lock: &str) -> String {
        let range = |condition: &str| {
            format!(
                "SELECT tenant, id, COALESCE(next_attempt_at, created_at) AS due FROM messages \
                 WHERE status IN ('queued', 'sending') AND tenant = $1 AND {condition} \
                 AND {IS_FREE} \
                 ORDER BY COALESCE(next_attempt_at, 0), created_at, id LIMIT $3{lock}"
            )
        };
        format!(
            "WITH timed AS MATERIALIZED ({}), untimed AS MATERIALIZED ({}), \
             longest_due AS MATERIALIZED (SELECT tenant, id FROM (SELECT * FROM timed UNION ALL SELECT * FROM untimed) AS both_ranges \
             ORDER BY due, id LIMIT $3) \
             UPDATE messages SET lease_process = $4, lease_claim = $5 \
             WHERE (tenant, id) IN (SELECT tenant, id FROM longest_due) RETURNING {}",
            range("COALESCE(next_attempt_at, 0) > 0 AND COALESCE(next_attempt_at, 0) <= $2"),
            range("COALESCE(next_attempt_at, 0) = 0"),
            TABLE.list()
        )
    }
    static CLAIM: Statement = Statement::new(|| claim_sql(""));
    static LOCK_AND_CLAIM: Statement = Statement::new(|| claim_sql(" FOR NO KEY UPDATE SKIP LOCKED"));
    let claim = query(tx.locking(&CLAIM, &LOCK_AND_CLAIM)).bind(text(tenant)).bind(now.0).bind(i64::from(limit));
    let claim = claim.bind(text(&lease.process)).bind(large(lease.claim)?);
    let mut claimed: Vec<MessageRow> = tx.all(claim).await?.iter().map(read).collect::<Result<_>>()?;
    // `RETURNING` has no order.
    claimed.sort_by(|a, b| {
        let due = |message: &MessageRow| message.next_attempt_at.unwrap_or(message.created_at);
        (due(a), &a.id).cmp(&(due(b), &b.id))
    });
    Ok(claimed)
}

/// Whether a tenant has at least `number` messages in progress.
pub async fn are_in_progress(tx: &mut Tx, tenant: &str, number: u32) -> Result<bool> {
    let find = query(
        "SELECT tenant FROM messages WHERE status IN ('queued', 'sending') AND tenant = $1 \
         ORDER BY COALESCE(next_attempt_at, 0) LIMIT 1 OFFSET $2",
    );
    let find = find.bind(text(tenant)).bind(i64::from(number) - 1);
    Ok(tx.one(find).await?.is_some())
}

/// The next tenant in the order of ids, after this one, that has messages in progress.
pub async fn next_tenant_in_progress(tx: &mut Tx, after: &str) -> Result<Option<String>> {
    let next = query(
        "SELECT tenant FROM messages WHERE status IN ('queued', 'sending') AND tenant > $1 ORDER BY tenant LIMIT 1",
    );
    match tx.one(next.bind(text(after))).await? {
        Some(row) => Columns::of("messages", &row).text("tenant").map(Some),
        None => Ok(None),
    }
}

/// When the next message without a lease that counts is due. `None`: there is no such message.
pub async fn next_due(tx: &mut Tx) -> Result<Option<Timestamp>> {
    static NEXT: Statement = Statement::new(|| {
        format!(
            "SELECT MIN(COALESCE(next_attempt_at, 0)) AS due FROM messages \
             WHERE status IN ('queued', 'sending') AND {IS_FREE}"
        )
    });
    match tx.one(query(NEXT.as_str())).await? {
        Some(row) => Columns::of("messages", &row).time_or_none("due"),
        None => Ok(None),
    }
}

/// Updates the mutable columns of a message.
///
/// With `held_by`, only if the message has that lease, whether or not it still counts: as long as the message was not claimed again,
/// nobody else has changed it. Returns `false`, and changes nothing, when it has another lease or none, or was deleted.
pub async fn update(tx: &mut Tx, message: &MessageRow, held_by: Option<&Lease>) -> Result<bool> {
    static UPDATE: Statement = Statement::new(|| TABLE.update(&KEY, &MUTABLE, ""));
    static UPDATE_HELD: Statement = Statement::new(|| update_held_sql(&MUTABLE));
    let update = match held_by {
        Some(lease) => bind_lease(bind(&UPDATE_HELD, message)?, lease)?,
        None => bind(&UPDATE, message)?,
    };
    Ok(tx.execute(update).await? == 1)
}

/// The statement that stores what an attempt changes of its message. SQLite writes every index of a column that a statement names, also
/// where its value stays the same.
pub(super) fn end_attempt_query(message: &MessageRow, held_by: &Lease) -> Result<Query> {
    static UPDATE: Statement = Statement::new(|| update_held_sql(&CHANGED_BY_ATTEMPT));
    bind_lease(bind(&UPDATE, message)?, held_by)
}

/// Updates these columns, if the message has the lease that is bound with [`bind_lease`].
fn update_held_sql(columns: &[&str]) -> String {
    let (process, claim) = (TABLE.further_parameter(1), TABLE.further_parameter(2));
    TABLE.update(&KEY, columns, &format!("AND lease_process = {process} AND lease_claim = {claim}"))
}

fn bind_lease(update: Query, lease: &Lease) -> Result<Query> {
    Ok(update.bind(text(&lease.process)).bind(large(lease.claim)?))
}

/// Releases a lease, so that the message can be claimed again. Returns `false` when the message does not have it.
pub async fn release(tx: &mut Tx, tenant: &str, id: &str, lease: &Lease) -> Result<bool> {
    let release = query(
        "UPDATE messages SET lease_process = NULL, lease_claim = NULL \
         WHERE tenant = $1 AND id = $2 AND lease_process = $3 AND lease_claim = $4",
    );
    let release = release.bind(text(tenant)).bind(text(id)).bind(text(&lease.process)).bind(large(lease.claim)?);
    Ok(tx.execute(release).await? == 1)
}

/// Sets the most advanced delivery state that was reported for a message. [`update`] does not change it. Returns `None` when it was
/// reported before, and otherwise whether the message has a status callback.
pub async fn set_delivery(tx: &mut Tx, tenant: &str, id: &str, state: DeliveryState) -> Result<Option<bool>> {
    let set = query(
        "UPDATE messages SET delivery = $3 WHERE tenant = $1 AND id = $2 AND delivery IS DISTINCT FROM $3 \
         RETURNING CAST(CASE WHEN status_callback IS NULL THEN 0 ELSE 1 END AS BIGINT) AS has_callback",
    );
    let set = set.bind(text(tenant)).bind(text(id)).bind(state.as_str());
    match tx.one(set).await? {
        Some(row) => Columns::of("messages", &row).flag("has_callback").map(Some),
        None => Ok(None),
    }
}

/// Deletes at most `limit` final messages that were created before `before`, with their attempts and delivery reports. Returns the
/// number of deleted messages.
pub async fn delete_before(tx: &mut Tx, before: Timestamp, limit: u32) -> Result<u64> {
    macro_rules! delete_sql {
        ($lock:literal) => {
            concat!(
                "WITH old AS MATERIALIZED (SELECT tenant, id FROM messages WHERE created_at < $1 \
                 AND status NOT IN ('queued', 'sending') ORDER BY created_at LIMIT $2",
                $lock,
                ") DELETE FROM messages WHERE (tenant, id) IN (SELECT tenant, id FROM old)"
            )
        };
    }
    let delete = tx.locking(delete_sql!(""), delete_sql!(" FOR UPDATE SKIP LOCKED"));
    tx.execute(query(delete).bind(before.0).bind(i64::from(limit))).await
}
