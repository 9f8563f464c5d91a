//! Messages, and the leases under which they are worked on.
//!
//! A lease is an owner and a time. Whoever holds it passes its name to [`update`], which does nothing once another has
//! taken over: a worker that was slow cannot overwrite what its successor wrote. So an owner must be a name that is
//! used for one claim or one process only.

use sendbox_contract::{DeliveryState, Usage};
use sendbox_domain::model::{MessageStatus, Timestamp};

use super::columns::{Columns, json_or_none, large, text, text_or_none, time_or_none};
use super::query::{Arguments, Query, Row, Value, query, query_with};
use super::rows::MessageRow;
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
        "physical",
        "price_micros",
        "next_attempt_at",
        "lease_owner",
        "lease_until",
        "class",
    ],
};

const KEY: [&str; 2] = ["tenant", "id"];
/// What changes in the life of a message.
const CHANGING: [&str; 13] = [
    "payload",
    "status",
    "connection",
    "segments",
    "provider_message_id",
    "failure",
    "attempts",
    "physical",
    "price_micros",
    "next_attempt_at",
    "lease_owner",
    "lease_until",
    "class",
];

/// Which messages to list. What is `None` is not asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MessageQuery {
    /// Where they are.
    pub status: Option<MessageStatus>,
    /// Why they were sent.
    pub usage: Option<Usage>,
    /// ISO 3166-1 alpha-2.
    pub country: Option<String>,
    /// Keyed hash of the number.
    pub recipient_hash: Option<Vec<u8>>,
    /// The connection of their last attempt.
    pub connection: Option<String>,
    /// The furthest that was reported of them.
    pub delivery: Option<DeliveryState>,
    /// Taken at or after.
    pub since: Option<Timestamp>,
    /// Taken before.
    pub until: Option<Timestamp>,
    /// Only those behind this one, in the order of the list: `created_at` and `id`.
    pub before: Option<(Timestamp, String)>,
    /// At most so many.
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
        physical: row.count("physical")?,
        price_micros: row.large("price_micros")?,
        next_attempt_at: row.time_or_none("next_attempt_at")?,
        lease_owner: row.text_or_none("lease_owner")?,
        lease_until: row.time_or_none("lease_until")?,
    })
}

fn mode(message: &MessageRow) -> &'static str {
    match message.mode {
        sendbox_domain::model::Mode::Sync => "sync",
        sendbox_domain::model::Mode::Async => "async",
    }
}

/// The class of its failure, in a column of its own: failures are counted by it.
fn class(message: &MessageRow) -> Option<&'static str> {
    message.failure.as_ref().map(|failure| failure.class.as_str())
}

/// A statement with a row's values as its first parameters.
fn bind(statement: &'static str, message: &MessageRow) -> Result<Query> {
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
        .bind(i64::from(message.physical))
        .bind(large(message.price_micros)?)
        .bind(time_or_none(message.next_attempt_at))
        .bind(text_or_none(message.lease_owner.as_deref()))
        .bind(time_or_none(message.lease_until))
        .bind(class(message)))
}

/// Adds a message.
///
/// # Errors
/// [`StoreError::Unavailable`](super::StoreError) too when the tenant has one of that id: ids are random.
pub async fn insert(tx: &mut Tx, message: &MessageRow) -> Result<()> {
    static INSERT: Statement = Statement::new(|| TABLE.insert(""));
    tx.execute(bind(&INSERT, message)?).await?;
    Ok(())
}

static GET: Statement = Statement::new(|| TABLE.select("WHERE tenant = $1 AND id = $2"));
static LOCK: Statement = Statement::new(|| TABLE.select("WHERE tenant = $1 AND id = $2 FOR NO KEY UPDATE"));

/// The message.
pub async fn get(tx: &mut Tx, tenant: &str, id: &str) -> Result<Option<MessageRow>> {
    tx.one(query(GET.as_str()).bind(text(tenant)).bind(text(id))).await?.as_ref().map(read).transpose()
}

/// The message, for a change: no one else can change it until the commit.
pub async fn lock(tx: &mut Tx, tenant: &str, id: &str) -> Result<Option<MessageRow>> {
    let get = tx.locking(&GET, &LOCK);
    tx.one(query(get).bind(text(tenant)).bind(text(id))).await?.as_ref().map(read).transpose()
}

/// A statement that grows by conditions.
struct Conditions {
    sql: String,
    arguments: Arguments,
}

impl Conditions {
    /// ` AND status = $3`, if there is a value.
    fn and(&mut self, condition: &'static str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            let parameter = self.arguments.add(value);
            self.sql.push_str(&format!(" AND {condition} {parameter}"));
        }
    }
}

/// Messages of a tenant, newest first; of those taken in the same millisecond, the greater id first.
pub async fn list(tx: &mut Tx, tenant: &str, wanted: &MessageQuery) -> Result<Vec<MessageRow>> {
    let sql = TABLE.select("WHERE TRUE");
    let mut list = Conditions { sql, arguments: Arguments::default() };
    list.and("tenant =", Some(text(tenant)));
    list.and("status =", wanted.status.map(|status| status.as_str()));
    list.and("usage =", wanted.usage.map(|usage| usage.as_str()));
    list.and("country =", wanted.country.as_deref().map(text));
    list.and("recipient_hash =", wanted.recipient_hash.clone());
    list.and("connection =", wanted.connection.as_deref().map(text));
    list.and("delivery =", wanted.delivery.map(|state| state.as_str()));
    list.and("created_at >=", wanted.since.map(|at| at.0));
    list.and("created_at <", wanted.until.map(|at| at.0));
    if let Some((at, id)) = &wanted.before {
        let (at, id) = (list.arguments.add(at.0), list.arguments.add(text(id)));
        list.sql.push_str(&format!(" AND (created_at, id) < ({at}, {id})"));
    }
    let limit = list.arguments.add(i64::from(wanted.limit));
    list.sql.push_str(&format!(" ORDER BY created_at DESC, id DESC LIMIT {limit}"));
    tx.all(query_with(list.sql, list.arguments)).await?.iter().map(read).collect()
}

/// Takes at most `limit` messages that are due and that nobody works on, the one first that is due longest: they are
/// leased to `owner` until `lease_until`. No two claims ever get the same message.
///
/// Due: queued or sending, `next_attempt_at` absent or not later than `now`, and no lease that lasts at `now`.
pub async fn claim(
    tx: &mut Tx,
    now: Timestamp,
    owner: &str,
    lease_until: Timestamp,
    limit: u32,
) -> Result<Vec<MessageRow>> {
    // `MATERIALIZED`: the choice is made once. As a plain subselect the planner may run it again for each row, and lock
    // more than `limit`.
    fn claim_sql(lock: &str) -> String {
        format!(
            "WITH due AS MATERIALIZED (SELECT tenant, id FROM messages WHERE status IN ('queued', 'sending') \
             AND (next_attempt_at IS NULL OR next_attempt_at <= $1) AND (lease_until IS NULL OR lease_until < $1) \
             ORDER BY COALESCE(next_attempt_at, created_at), tenant, id LIMIT $2{lock}) \
             UPDATE messages SET lease_owner = $3, lease_until = $4 \
             WHERE (tenant, id) IN (SELECT tenant, id FROM due) RETURNING {}",
            TABLE.list()
        )
    }
    static CLAIM: Statement = Statement::new(|| claim_sql(""));
    static LOCK_AND_CLAIM: Statement = Statement::new(|| claim_sql(" FOR NO KEY UPDATE SKIP LOCKED"));
    let claim = tx.locking(&CLAIM, &LOCK_AND_CLAIM);
    let claim = query(claim).bind(now.0).bind(i64::from(limit)).bind(text(owner)).bind(lease_until.0);
    let mut claimed: Vec<MessageRow> = tx.all(claim).await?.iter().map(read).collect::<Result<_>>()?;
    // `RETURNING` has no order.
    claimed.sort_by(|a, b| {
        let due = |message: &MessageRow| message.next_attempt_at.unwrap_or(message.created_at);
        (due(a), &a.tenant, &a.id).cmp(&(due(b), &b.tenant, &b.id))
    });
    Ok(claimed)
}

/// When the next message becomes due, or its lease ends, whichever of the two is later; the earliest over all messages.
/// At or before now: at once. `None`: nothing is left to do.
pub async fn next_due(tx: &mut Tx) -> Result<Option<Timestamp>> {
    // A lease that ends at a time still lasts at that time.
    let next = query(
        "SELECT MIN(CASE WHEN COALESCE(lease_until + 1, 0) > COALESCE(next_attempt_at, 0) THEN lease_until + 1 \
         ELSE COALESCE(next_attempt_at, 0) END) AS due FROM messages WHERE status IN ('queued', 'sending')",
    );
    match tx.one(next).await? {
        Some(row) => Columns::of("messages", &row).time_or_none("due"),
        None => Ok(None),
    }
}

/// Writes what changes in the life of a message (`CHANGING`). What it was created with stays.
///
/// With `held_by` only while that owner has the lease, whether its time is over or not: as long as nobody else has
/// taken it, nobody else has done anything. `false`: another has it, or the message is gone; then nothing is changed.
pub async fn update(tx: &mut Tx, message: &MessageRow, held_by: Option<&str>) -> Result<bool> {
    static UPDATE: Statement = Statement::new(|| TABLE.update(&KEY, &CHANGING, ""));
    static UPDATE_HELD: Statement =
        Statement::new(|| TABLE.update(&KEY, &CHANGING, &format!("AND lease_owner = {}", TABLE.next_parameter())));
    let mut update = bind(if held_by.is_some() { &UPDATE_HELD } else { &UPDATE }, message)?;
    if let Some(owner) = held_by {
        update = update.bind(text(owner));
    }
    Ok(tx.execute(update).await? == 1)
}

/// Writes the furthest that was reported of a message. [`update`] leaves it alone.
pub async fn set_delivery(tx: &mut Tx, tenant: &str, id: &str, state: DeliveryState) -> Result<()> {
    let set = query("UPDATE messages SET delivery = $3 WHERE tenant = $1 AND id = $2")
        .bind(text(tenant))
        .bind(text(id))
        .bind(state.as_str());
    tx.execute(set).await?;
    Ok(())
}

/// Deletes at most `limit` messages that were taken before `before` and are final, with their attempts and
/// what was reported of them. Returns how many.
pub async fn forget_before(tx: &mut Tx, before: Timestamp, limit: u32) -> Result<u64> {
    macro_rules! forget {
        ($lock:literal) => {
            concat!(
                "WITH old AS MATERIALIZED (SELECT tenant, id FROM messages WHERE created_at < $1 \
                 AND status NOT IN ('queued', 'sending') ORDER BY created_at LIMIT $2",
                $lock,
                ") DELETE FROM messages WHERE (tenant, id) IN (SELECT tenant, id FROM old)"
            )
        };
    }
    let forget = tx.locking(forget!(""), forget!(" FOR UPDATE SKIP LOCKED"));
    tx.execute(query(forget).bind(before.0).bind(i64::from(limit))).await
}

/// Takes every lease away. Only for a process that knows itself to be alone: the leases are of processes that have ended.
/// Returns how many.
pub async fn release_all(tx: &mut Tx) -> Result<u64> {
    let text = "UPDATE messages SET lease_owner = NULL, lease_until = NULL WHERE lease_owner IS NOT NULL";
    tx.execute(query(text)).await
}
