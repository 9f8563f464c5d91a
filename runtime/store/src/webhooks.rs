//! Webhook endpoints of tenants. Their secrets are sealed.

use sendbox_domain::model::Timestamp;

use super::columns::{Columns, json, large, text, text_or_none, time_or_none};
use super::query::{Query, Row, query};
use super::rows::WebhookEndpointRow;
use super::table::{Statement, Table};
use super::{Result, Tx};

const TABLE: Table = Table {
    name: "webhook_endpoints",
    columns: &[
        "tenant",
        "id",
        "name",
        "url",
        "events",
        "disabled_reason",
        "secret",
        "old_secret",
        "old_until",
        "failing_since",
        "dropped",
        "created_at",
        "updated_at",
    ],
};

fn read(row: &Row) -> Result<WebhookEndpointRow> {
    let row = Columns::of("webhook_endpoints", row);
    Ok(WebhookEndpointRow {
        tenant: row.text("tenant")?,
        id: row.text("id")?,
        name: row.text("name")?,
        url: row.text_or_none("url")?,
        events: row.json("events")?,
        disabled_reason: row.word_or_none("disabled_reason")?,
        secret: row.bytes("secret")?,
        old_secret: row.bytes_or_none("old_secret")?,
        old_until: row.time_or_none("old_until")?,
        failing_since: row.time_or_none("failing_since")?,
        dropped: row.large("dropped")?,
        created_at: row.time("created_at")?,
        updated_at: row.time("updated_at")?,
    })
}

/// A statement with a row's values as its first parameters.
fn bind(statement: &'static str, endpoint: &WebhookEndpointRow) -> Result<Query> {
    Ok(query(statement)
        .bind(text(&endpoint.tenant))
        .bind(text(&endpoint.id))
        .bind(text(&endpoint.name))
        .bind(text_or_none(endpoint.url.as_deref()))
        .bind(json(&endpoint.events)?)
        .bind(endpoint.disabled_reason.map(|reason| reason.as_str()))
        .bind(endpoint.secret.clone())
        .bind(endpoint.old_secret.clone())
        .bind(time_or_none(endpoint.old_until))
        .bind(time_or_none(endpoint.failing_since))
        .bind(large(endpoint.dropped)?)
        .bind(endpoint.created_at.0)
        .bind(endpoint.updated_at.0))
}

/// Adds an endpoint.
pub async fn insert(tx: &mut Tx, endpoint: &WebhookEndpointRow) -> Result<()> {
    static INSERT: Statement = Statement::new(|| TABLE.insert(""));
    tx.execute(bind(&INSERT, endpoint)?).await?;
    Ok(())
}

/// The endpoint.
pub async fn get(tx: &mut Tx, tenant: &str, id: &str) -> Result<Option<WebhookEndpointRow>> {
    static GET: Statement = Statement::new(|| TABLE.select("WHERE tenant = $1 AND id = $2"));
    static LOCK: Statement = Statement::new(|| TABLE.select("WHERE tenant = $1 AND id = $2 FOR NO KEY UPDATE"));
    let get = tx.locking(&GET, &LOCK);
    tx.one(query(get).bind(text(tenant)).bind(text(id))).await?.as_ref().map(read).transpose()
}

/// The endpoints of a tenant, oldest first.
pub async fn list(tx: &mut Tx, tenant: &str) -> Result<Vec<WebhookEndpointRow>> {
    static LIST: Statement = Statement::new(|| TABLE.select("WHERE tenant = $1 ORDER BY created_at, id"));
    tx.all(query(LIST.as_str()).bind(text(tenant))).await?.iter().map(read).collect()
}

/// Updates what people change. Changes nothing when the endpoint does not exist.
pub async fn update(tx: &mut Tx, endpoint: &WebhookEndpointRow) -> Result<()> {
    static UPDATE: Statement = Statement::new(|| {
        let changing = [
            "name",
            "url",
            "events",
            "disabled_reason",
            "secret",
            "old_secret",
            "old_until",
            "failing_since",
            "updated_at",
        ];
        TABLE.update(&["tenant", "id"], &changing, "")
    });
    tx.execute(bind(&UPDATE, endpoint)?).await?;
    Ok(())
}

/// Sets since when an endpoint has been failing, if that is not set; or, with `None`, that it is not failing.
pub async fn set_failing(tx: &mut Tx, tenant: &str, id: &str, since: Option<Timestamp>) -> Result<()> {
    let set = query(
        "UPDATE webhook_endpoints SET failing_since = CASE WHEN $3 IS NULL THEN NULL ELSE COALESCE(failing_since, $3) END \
         WHERE tenant = $1 AND id = $2",
    );
    tx.execute(set.bind(text(tenant)).bind(text(id)).bind(time_or_none(since))).await?;
    Ok(())
}

/// Counts events that were deleted before they could be sent to an endpoint.
pub async fn count_dropped(tx: &mut Tx, tenant: &str, id: &str, events: u64) -> Result<()> {
    let count = query("UPDATE webhook_endpoints SET dropped = dropped + $3 WHERE tenant = $1 AND id = $2");
    tx.execute(count.bind(text(tenant)).bind(text(id)).bind(large(events)?)).await?;
    Ok(())
}

/// Deletes an endpoint. Returns `false` when the tenant has no endpoint with this id.
pub async fn delete(tx: &mut Tx, tenant: &str, id: &str) -> Result<bool> {
    let delete = query("DELETE FROM webhook_endpoints WHERE tenant = $1 AND id = $2");
    Ok(tx.execute(delete.bind(text(tenant)).bind(text(id))).await? == 1)
}
