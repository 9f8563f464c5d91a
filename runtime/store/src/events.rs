//! Events, and their deliveries to webhook endpoints.
//!
//! Whoever sends holds a lease on the delivery, and passes it to [`finish`], which does nothing when the delivery was claimed again.

use std::collections::BTreeMap;

use sendbox_domain::model::{EventType, Timestamp};

use super::columns::{Columns, json, large, text};
use super::processes::IS_FREE;
use super::query::{Arguments, Row, query, query_with};
use super::rows::{EventDeliveryRow, EventRow, Lease};
use super::table::{Statement, Table};
use super::{Result, Tx, webhooks};

const TABLE: Table = Table { name: "events", columns: &["tenant", "id", "type", "subject", "happened_at", "data"] };

const DELIVERIES: Table = Table {
    name: "event_deliveries",
    columns: &[
        "tenant",
        "sequence",
        "event",
        "endpoint",
        "subject",
        "status",
        "failures",
        "attempts",
        "next_attempt_at",
        "lease_process",
        "lease_claim",
    ],
};

fn read(row: &Row) -> Result<EventRow> {
    let row = Columns::of("events", row);
    Ok(EventRow {
        tenant: row.text("tenant")?,
        id: row.text("id")?,
        kind: row.word("type")?,
        subject: row.text("subject")?,
        happened_at: row.time("happened_at")?,
        data: row.json("data")?,
    })
}

fn read_delivery(row: &Row) -> Result<EventDeliveryRow> {
    let row = Columns::of("event_deliveries", row);
    Ok(EventDeliveryRow {
        tenant: row.text("tenant")?,
        sequence: row.large("sequence")?,
        event: row.text("event")?,
        endpoint: row.text("endpoint")?,
        subject: row.text("subject")?,
        status: row.word("status")?,
        failures: row.count("failures")?,
        attempts: row.json("attempts")?,
        next_attempt_at: row.time("next_attempt_at")?,
        lease: row.lease_or_none()?,
    })
}

/// A filter for events. `None` matches all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventQuery {
    pub kind: Option<EventType>,
    /// The id of what it is about.
    pub subject: Option<String>,
    /// Happened at or after this time.
    pub since: Option<Timestamp>,
    /// Happened before this time.
    pub until: Option<Timestamp>,
    /// Only events after this position in the list: `happened_at` and `id` of the last event of the previous page.
    pub before: Option<(Timestamp, String)>,
    /// Maximum number of events.
    pub limit: u32,
}

/// Adds an event, to be sent to these endpoints at once.
pub async fn insert(tx: &mut Tx, event: &EventRow, endpoints: impl IntoIterator<Item = &str>) -> Result<()> {
    static INSERT: Statement = Statement::new(|| TABLE.insert(""));
    let insert = query(INSERT.as_str())
        .bind(text(&event.tenant))
        .bind(text(&event.id))
        .bind(event.kind.as_str())
        .bind(text(&event.subject))
        .bind(event.happened_at.0)
        .bind(json(&event.data)?);
    tx.later(insert).await?;
    for endpoint in endpoints {
        insert_delivery(tx, event, endpoint, event.happened_at).await?;
    }
    Ok(())
}

/// Adds a delivery of an event that has none to this endpoint.
pub async fn insert_delivery(tx: &mut Tx, event: &EventRow, endpoint: &str, at: Timestamp) -> Result<()> {
    let insert = query(
        "INSERT INTO event_deliveries (tenant, event, endpoint, subject, status, failures, attempts, next_attempt_at) \
         VALUES ($1, $2, $3, $4, 'pending', 0, '[]', $5)",
    );
    let insert = insert.bind(text(&event.tenant)).bind(text(&event.id)).bind(text(endpoint)).bind(text(&event.subject));
    tx.later(insert.bind(at.0)).await
}

/// The event.
pub async fn get(tx: &mut Tx, tenant: &str, id: &str) -> Result<Option<EventRow>> {
    static GET: Statement = Statement::new(|| TABLE.select("WHERE tenant = $1 AND id = $2"));
    tx.one(query(GET.as_str()).bind(text(tenant)).bind(text(id))).await?.as_ref().map(read).transpose()
}

/// Events of a tenant, newest first, and by descending id within a millisecond. Each filter has an index in this order.
pub async fn list(tx: &mut Tx, tenant: &str, filter: &EventQuery) -> Result<Vec<EventRow>> {
    let mut sql = TABLE.select("WHERE tenant = $1");
    let mut arguments = Arguments::default();
    arguments.add(text(tenant));
    if let Some(kind) = filter.kind {
        sql.push_str(&format!(" AND type = {}", arguments.add(kind.as_str())));
    }
    if let Some(subject) = &filter.subject {
        sql.push_str(&format!(" AND subject = {}", arguments.add(text(subject))));
    }
    if let Some(since) = filter.since {
        sql.push_str(&format!(" AND happened_at >= {}", arguments.add(since.0)));
    }
    if let Some(until) = filter.until {
        sql.push_str(&format!(" AND happened_at < {}", arguments.add(until.0)));
    }
    if let Some((at, id)) = &filter.before {
        let (at, id) = (arguments.add(at.0), arguments.add(text(id)));
        sql.push_str(&format!(" AND (happened_at, id) < ({at}, {id})"));
    }
    let limit = arguments.add(i64::from(filter.limit));
    sql.push_str(&format!(" ORDER BY happened_at DESC, id DESC LIMIT {limit}"));
    tx.all(query_with(sql, arguments)).await?.iter().map(read).collect()
}

/// The deliveries of these events, by event, in the order in which they were written.
pub async fn deliveries_of(
    tx: &mut Tx,
    tenant: &str,
    events: &[String],
) -> Result<BTreeMap<String, Vec<EventDeliveryRow>>> {
    let mut by_event: BTreeMap<String, Vec<EventDeliveryRow>> = BTreeMap::new();
    if events.is_empty() {
        return Ok(by_event);
    }
    let mut arguments = Arguments::default();
    arguments.add(text(tenant));
    let events = arguments.list(events.iter().map(|event| text(event)));
    let list = DELIVERIES.select(&format!("WHERE tenant = $1 AND event IN ({events})"));
    for row in tx.all(query_with(list, arguments)).await? {
        let delivery = read_delivery(&row)?;
        by_event.entry(delivery.event.clone()).or_default().push(delivery);
    }
    by_event.values_mut().for_each(|deliveries| deliveries.sort_by_key(|delivery| delivery.sequence));
    Ok(by_event)
}

/// When the next delivery without a lease that counts is due. `None`: there is no such delivery.
pub async fn next_due(tx: &mut Tx) -> Result<Option<Timestamp>> {
    static NEXT: Statement = Statement::new(|| {
        format!("SELECT MIN(next_attempt_at) AS due FROM event_deliveries WHERE status = 'pending' AND {IS_FREE}")
    });
    match tx.one(query(NEXT.as_str())).await? {
        Some(row) => Columns::of("event_deliveries", &row).time_or_none("due"),
        None => Ok(None),
    }
}

/// The next tenant and endpoint, in the order of their ids, after these, that have deliveries to be sent.
pub async fn next_endpoint(tx: &mut Tx, (tenant, endpoint): (&str, &str)) -> Result<Option<(String, String)>> {
    let next = query(
        "SELECT tenant, endpoint FROM event_deliveries WHERE status = 'pending' AND (tenant, endpoint) > ($1, $2) \
         ORDER BY tenant, endpoint LIMIT 1",
    );
    let Some(row) = tx.one(next.bind(text(tenant)).bind(text(endpoint))).await? else { return Ok(None) };
    let row = Columns::of("event_deliveries", &row);
    Ok(Some((row.text("tenant")?, row.text("endpoint")?)))
}

/// Leases at most `limit` due deliveries to an endpoint, the longest due first. Concurrent claims never return the same delivery. A
/// delivery is due whether or not an earlier one of its subject has ended: see [`earlier`].
pub async fn claim(
    tx: &mut Tx,
    (tenant, endpoint): (&str, &str),
    now: Timestamp,
    lease: &Lease,
    limit: u32,
) -> Result<Vec<EventDeliveryRow>> {
    fn claim_sql(lock: &str) -> String {
        format!(
            "WITH due AS MATERIALIZED (SELECT sequence FROM event_deliveries WHERE status = 'pending' AND tenant = $1 \
             AND endpoint = $2 AND next_attempt_at <= $3 AND {IS_FREE} ORDER BY next_attempt_at, sequence LIMIT $4{lock}) \
             UPDATE event_deliveries SET lease_process = $5, lease_claim = $6 WHERE sequence IN (SELECT sequence FROM due) \
             RETURNING {}",
            DELIVERIES.list()
        )
    }
    static CLAIM: Statement = Statement::new(|| claim_sql(""));
    static LOCK_AND_CLAIM: Statement = Statement::new(|| claim_sql(" FOR NO KEY UPDATE SKIP LOCKED"));
    let claim = query(tx.locking(&CLAIM, &LOCK_AND_CLAIM)).bind(text(tenant)).bind(text(endpoint)).bind(now.0);
    let claim = claim.bind(i64::from(limit)).bind(text(&lease.process)).bind(large(lease.claim)?);
    let mut claimed: Vec<EventDeliveryRow> = tx.all(claim).await?.iter().map(read_delivery).collect::<Result<_>>()?;
    // `RETURNING` has no order.
    claimed.sort_by_key(|delivery| (delivery.next_attempt_at, delivery.sequence));
    Ok(claimed)
}

/// When the first delivery before this one, of the same subject to the same endpoint, is due. `None`: all have ended.
pub async fn earlier(tx: &mut Tx, delivery: &EventDeliveryRow) -> Result<Option<Timestamp>> {
    let find = query(
        "SELECT next_attempt_at FROM event_deliveries WHERE status = 'pending' AND tenant = $1 AND endpoint = $2 \
         AND subject = $3 AND sequence < $4 ORDER BY sequence LIMIT 1",
    );
    let find = find.bind(text(&delivery.tenant)).bind(text(&delivery.endpoint)).bind(text(&delivery.subject));
    match tx.one(find.bind(large(delivery.sequence)?)).await? {
        Some(row) => Columns::of("event_deliveries", &row).time_or_none("next_attempt_at"),
        None => Ok(None),
    }
}

/// Sets when the deliveries after this one, of the same subject to the same endpoint, are due.
pub async fn set_due_after(tx: &mut Tx, delivery: &EventDeliveryRow, at: Timestamp) -> Result<()> {
    let set = query(
        "UPDATE event_deliveries SET next_attempt_at = $5 WHERE status = 'pending' AND tenant = $1 AND endpoint = $2 \
         AND subject = $3 AND sequence > $4",
    );
    let set = set.bind(text(&delivery.tenant)).bind(text(&delivery.endpoint)).bind(text(&delivery.subject));
    tx.execute(set.bind(large(delivery.sequence)?).bind(at.0)).await?;
    Ok(())
}

/// Stores what an attempt changes of a delivery, and releases the lease, if the delivery has it and is still pending. Otherwise returns
/// `false`, and changes nothing.
pub async fn finish(tx: &mut Tx, delivery: &EventDeliveryRow, held_by: &Lease) -> Result<bool> {
    let finish = query(
        "UPDATE event_deliveries SET status = $2, failures = $3, attempts = $4, next_attempt_at = $5, \
         lease_process = NULL, lease_claim = NULL \
         WHERE sequence = $1 AND status = 'pending' AND lease_process = $6 AND lease_claim = $7",
    );
    let finish = finish
        .bind(large(delivery.sequence)?)
        .bind(delivery.status.as_str())
        .bind(i64::from(delivery.failures))
        .bind(json(&delivery.attempts)?)
        .bind(delivery.next_attempt_at.0)
        .bind(text(&held_by.process))
        .bind(large(held_by.claim)?);
    Ok(tx.execute(finish).await? == 1)
}

/// Releases a lease, so that the delivery can be claimed again. Returns `false` when the delivery does not have it.
pub async fn release(tx: &mut Tx, sequence: u64, lease: &Lease) -> Result<bool> {
    let release = query(
        "UPDATE event_deliveries SET lease_process = NULL, lease_claim = NULL \
         WHERE sequence = $1 AND lease_process = $2 AND lease_claim = $3",
    );
    let release = release.bind(large(sequence)?).bind(text(&lease.process)).bind(large(lease.claim)?);
    Ok(tx.execute(release).await? == 1)
}

/// Lets a delivery begin anew: it is due at once, with as many attempts as a new one. An attempt in progress changes nothing any more.
pub async fn restart(tx: &mut Tx, sequence: u64, now: Timestamp) -> Result<()> {
    let restart = query(
        "UPDATE event_deliveries SET status = 'pending', failures = 0, next_attempt_at = $2, lease_process = NULL, \
         lease_claim = NULL WHERE sequence = $1",
    );
    tx.execute(restart.bind(large(sequence)?).bind(now.0)).await?;
    Ok(())
}

/// Deletes at most `limit` events that happened before `before`, with their deliveries. Returns their number.
pub async fn delete_before(tx: &mut Tx, before: Timestamp, limit: u32) -> Result<u64> {
    const FIND: &str = "SELECT tenant, id FROM events WHERE happened_at < $1 ORDER BY happened_at LIMIT $2";
    const LOCK: &str = "SELECT tenant, id FROM events WHERE happened_at < $1 ORDER BY happened_at LIMIT $2 \
                        FOR UPDATE SKIP LOCKED";
    let find = query(tx.locking(FIND, LOCK)).bind(before.0).bind(i64::from(limit));
    let rows = tx.all(find).await?;
    delete(tx, &rows).await
}

/// Whether a tenant has more than `max` events.
pub async fn are_more_than(tx: &mut Tx, tenant: &str, max: u32) -> Result<bool> {
    let find =
        query("SELECT happened_at FROM events WHERE tenant = $1 ORDER BY happened_at DESC, id DESC LIMIT 1 OFFSET $2");
    Ok(tx.one(find.bind(text(tenant)).bind(i64::from(max))).await?.is_some())
}

/// Deletes at most `limit` of the oldest events of a tenant that has more than `max`, with their deliveries. Returns their number.
pub async fn keep_newest(tx: &mut Tx, tenant: &str, max: u32, limit: u32) -> Result<u64> {
    const FIND: &str = "SELECT tenant, id FROM events WHERE tenant = $1 AND (happened_at, id) <= (\
                        SELECT happened_at, id FROM events WHERE tenant = $1 ORDER BY happened_at DESC, id DESC LIMIT 1 OFFSET $2) \
                        ORDER BY happened_at, id LIMIT $3";
    static LOCK: Statement = Statement::new(|| format!("{FIND} FOR UPDATE SKIP LOCKED"));
    let find = query(tx.locking(FIND, &LOCK)).bind(text(tenant)).bind(i64::from(max)).bind(i64::from(limit));
    let rows = tx.all(find).await?;
    delete(tx, &rows).await
}

/// Deletes events, and counts those that were still to be sent.
async fn delete(tx: &mut Tx, rows: &[Row]) -> Result<u64> {
    if rows.is_empty() {
        return Ok(0);
    }
    let mut arguments = Arguments::default();
    let mut keys = Vec::with_capacity(rows.len());
    for row in rows {
        let row = Columns::of("events", row);
        let (tenant, id) = (arguments.add(row.text("tenant")?), arguments.add(row.text("id")?));
        keys.push(format!("({tenant}, {id})"));
    }
    let keys = keys.join(", ");
    let count = format!(
        "SELECT tenant, endpoint, COUNT(*) AS waiting FROM event_deliveries WHERE (tenant, event) IN (VALUES {keys}) \
         AND status = 'pending' GROUP BY tenant, endpoint ORDER BY tenant, endpoint"
    );
    let dropped = tx.all(query_with(count, arguments.clone())).await?;
    let deleted =
        tx.execute(query_with(format!("DELETE FROM events WHERE (tenant, id) IN (VALUES {keys})"), arguments)).await?;
    for row in dropped {
        let row = Columns::of("event_deliveries", &row);
        let (tenant, endpoint) = (row.text("tenant")?, row.text("endpoint")?);
        webhooks::count_dropped(tx, &tenant, &endpoint, row.large("waiting")?).await?;
    }
    Ok(deleted)
}
