//! Ingresses, and the newest calls of each. The store holds only hashes of the tokens in their addresses; tokens and secrets are sealed.

use sendbox_domain::model::Timestamp;

use super::columns::{Columns, json, text, text_or_none, time_or_none};
use super::query::{Query, Row, query};
use super::rows::{IngressCallRow, IngressRow};
use super::table::{Statement, Table};
use super::{Result, StoreError, Tx};

const TABLE: Table = Table {
    name: "ingresses",
    columns: &[
        "tenant",
        "name",
        "id",
        "kind",
        "enabled",
        "token_hash",
        "old_token_hash",
        "old_token_until",
        "method",
        "method_name",
        "sealed",
        "settings",
        "created_at",
        "updated_at",
    ],
};

const CALLS: Table = Table {
    name: "ingress_calls",
    columns: &[
        "tenant",
        "ingress",
        "id",
        "received_at",
        "outcome",
        "status",
        "recipient",
        "usage",
        "message",
        "detail",
    ],
};

fn read(row: &Row) -> Result<IngressRow> {
    let row = Columns::of("ingresses", row);
    Ok(IngressRow {
        tenant: row.text("tenant")?,
        name: row.text("name")?,
        id: row.text("id")?,
        kind: row.word("kind")?,
        enabled: row.flag("enabled")?,
        token_hash: row.bytes("token_hash")?,
        old_token_hash: row.bytes_or_none("old_token_hash")?,
        old_token_until: row.time_or_none("old_token_until")?,
        method: row.word("method")?,
        method_name: row.text_or_none("method_name")?,
        sealed: row.bytes("sealed")?,
        settings: row.json("settings")?,
        created_at: row.time("created_at")?,
        updated_at: row.time("updated_at")?,
    })
}

/// A statement with a row's values as its first parameters.
fn bind(statement: &'static str, ingress: &IngressRow) -> Result<Query> {
    Ok(query(statement)
        .bind(text(&ingress.tenant))
        .bind(text(&ingress.name))
        .bind(text(&ingress.id))
        .bind(ingress.kind.as_str())
        .bind(i64::from(ingress.enabled))
        .bind(ingress.token_hash.clone())
        .bind(ingress.old_token_hash.clone())
        .bind(time_or_none(ingress.old_token_until))
        .bind(ingress.method.as_str())
        .bind(text_or_none(ingress.method_name.as_deref()))
        .bind(ingress.sealed.clone())
        .bind(json(&ingress.settings)?)
        .bind(ingress.created_at.0)
        .bind(ingress.updated_at.0))
}

/// Adds an ingress, or updates the one of the same name, which keeps its id, its kind and its time of creation.
pub async fn put(tx: &mut Tx, ingress: &IngressRow) -> Result<()> {
    static PUT: Statement = Statement::new(|| {
        let changing = [
            "enabled",
            "token_hash",
            "old_token_hash",
            "old_token_until",
            "method",
            "method_name",
            "sealed",
            "settings",
            "updated_at",
        ];
        TABLE.upsert(&["tenant", "name"], &changing, "")
    });
    tx.execute(bind(&PUT, ingress)?).await?;
    Ok(())
}

/// The ingress with this name.
pub async fn get(tx: &mut Tx, tenant: &str, name: &str) -> Result<Option<IngressRow>> {
    static GET: Statement = Statement::new(|| TABLE.select("WHERE tenant = $1 AND name = $2"));
    tx.one(query(GET.as_str()).bind(text(tenant)).bind(text(name))).await?.as_ref().map(read).transpose()
}

/// The ingress with this id.
pub async fn get_by_id(tx: &mut Tx, tenant: &str, id: &str) -> Result<Option<IngressRow>> {
    static GET: Statement = Statement::new(|| TABLE.select("WHERE id = $2 AND tenant = $1"));
    tx.one(query(GET.as_str()).bind(text(tenant)).bind(text(id))).await?.as_ref().map(read).transpose()
}

/// The ingress whose address has the token with this hash, of any tenant.
pub async fn find(tx: &mut Tx, token_hash: &[u8], now: Timestamp) -> Result<Option<IngressRow>> {
    static FIND: Statement = Statement::new(|| TABLE.select("WHERE token_hash = $1"));
    static FIND_OLD: Statement = Statement::new(|| TABLE.select("WHERE old_token_hash = $1 AND old_token_until > $2"));
    let current = tx.one(query(FIND.as_str()).bind(token_hash.to_vec())).await?;
    let row = match current {
        Some(row) => Some(row),
        None => tx.one(query(FIND_OLD.as_str()).bind(token_hash.to_vec()).bind(now.0)).await?,
    };
    row.as_ref().map(read).transpose()
}

/// The ingresses of a tenant, by name.
pub async fn list(tx: &mut Tx, tenant: &str) -> Result<Vec<IngressRow>> {
    static LIST: Statement = Statement::new(|| TABLE.select("WHERE tenant = $1 ORDER BY name"));
    tx.all(query(LIST.as_str()).bind(text(tenant))).await?.iter().map(read).collect()
}

/// Deletes an ingress. Returns `false` when it does not exist.
pub async fn delete(tx: &mut Tx, tenant: &str, name: &str) -> Result<bool> {
    let delete = query("DELETE FROM ingresses WHERE tenant = $1 AND name = $2").bind(text(tenant)).bind(text(name));
    Ok(tx.execute(delete).await? == 1)
}

fn read_call(row: &Row) -> Result<IngressCallRow> {
    let row = Columns::of("ingress_calls", row);
    let status = row.count_or_none("status")?.map(u16::try_from).transpose();
    Ok(IngressCallRow {
        tenant: row.text("tenant")?,
        ingress: row.text("ingress")?,
        id: row.text("id")?,
        received_at: row.time("received_at")?,
        outcome: row.word("outcome")?,
        status: status.map_err(|_| StoreError::Corrupt("ingress_calls.status".to_owned()))?,
        recipient_masked: row.text_or_none("recipient")?,
        usage: row.word_or_none("usage")?,
        message: row.text_or_none("message")?,
        detail: row.text_or_none("detail")?,
    })
}

/// Records a call.
pub async fn insert_call(tx: &mut Tx, call: &IngressCallRow) -> Result<()> {
    static INSERT: Statement = Statement::new(|| CALLS.insert(""));
    let insert = query(INSERT.as_str())
        .bind(text(&call.tenant))
        .bind(text(&call.ingress))
        .bind(text(&call.id))
        .bind(call.received_at.0)
        .bind(call.outcome.as_str())
        .bind(call.status.map(i64::from))
        .bind(text_or_none(call.recipient_masked.as_deref()))
        .bind(call.usage.map(|usage| usage.as_str().to_owned()))
        .bind(text_or_none(call.message.as_deref()))
        .bind(text_or_none(call.detail.as_deref()));
    tx.execute(insert).await?;
    Ok(())
}

/// The newest calls of an ingress, newest first.
pub async fn calls(tx: &mut Tx, tenant: &str, ingress: &str, limit: u32) -> Result<Vec<IngressCallRow>> {
    static LIST: Statement =
        Statement::new(|| CALLS.select("WHERE tenant = $1 AND ingress = $2 ORDER BY id DESC LIMIT $3"));
    let list = query(LIST.as_str()).bind(text(tenant)).bind(text(ingress)).bind(i64::from(limit));
    tx.all(list).await?.iter().map(read_call).collect()
}

/// Deletes the calls of an ingress that are older than its newest `count`.
pub async fn trim_calls(tx: &mut Tx, tenant: &str, ingress: &str, count: u32) -> Result<u64> {
    let trim = query(
        "DELETE FROM ingress_calls WHERE tenant = $1 AND ingress = $2 AND id <= \
         (SELECT id FROM ingress_calls WHERE tenant = $1 AND ingress = $2 ORDER BY id DESC LIMIT 1 OFFSET $3)",
    );
    tx.execute(trim.bind(text(tenant)).bind(text(ingress)).bind(i64::from(count))).await
}

/// Deletes at most `limit` calls that were received before `cutoff`. Returns their number.
pub async fn delete_calls_before(tx: &mut Tx, cutoff: Timestamp, limit: u32) -> Result<u64> {
    macro_rules! sweep {
        ($lock:literal) => {
            concat!(
                "WITH old AS MATERIALIZED (SELECT tenant, ingress, id FROM ingress_calls WHERE received_at < $1 \
                 ORDER BY received_at LIMIT $2",
                $lock,
                ") DELETE FROM ingress_calls WHERE (tenant, ingress, id) IN (SELECT tenant, ingress, id FROM old)"
            )
        };
    }
    let sweep = tx.locking(sweep!(""), sweep!(" FOR UPDATE SKIP LOCKED"));
    tx.execute(query(sweep).bind(cutoff.0).bind(i64::from(limit))).await
}
