//! Connections, and the fingerprints with which a test has succeeded.

use std::collections::BTreeMap;

use sendbox_domain::model::Timestamp;

use super::columns::{Columns, json, json_or_none, large, text};
use super::query::{Row, query};
use super::rows::{ConnectionRow, SecretHosts};
use super::table::{Statement, Table};
use super::{Result, Tx};

pub(super) const TABLE: Table = Table {
    name: "connections",
    columns: &[
        "tenant",
        "name",
        "connector",
        "digest",
        "parameters",
        "secrets",
        "secret_times",
        "templates",
        "fingerprint",
        "revision",
        "created_at",
        "updated_at",
        "report_token",
        "secret_hosts",
    ],
};

fn read(row: &Row) -> Result<ConnectionRow> {
    read_columns(&Columns::of("connections", row))
}

pub(super) fn read_columns(row: &Columns<'_>) -> Result<ConnectionRow> {
    let secret_times: BTreeMap<String, i64> = row.json("secret_times")?;
    Ok(ConnectionRow {
        tenant: row.text("tenant")?,
        name: row.text("name")?,
        connector: row.text("connector")?,
        digest: row.text("digest")?,
        parameters: row.json("parameters")?,
        secrets: row.bytes_or_none("secrets")?,
        secret_times: secret_times.into_iter().map(|(name, at)| (name, Timestamp(at))).collect(),
        templates: row.json("templates")?,
        fingerprint: row.bytes("fingerprint")?,
        revision: row.large("revision")?,
        created_at: row.time("created_at")?,
        updated_at: row.time("updated_at")?,
        report_token: row.bytes_or_none("report_token")?,
        secret_hosts: row.json_or_none("secret_hosts")?,
    })
}

/// Adds a connection, or replaces the one of the same name, except for `created_at`.
pub async fn put(tx: &mut Tx, connection: &ConnectionRow) -> Result<()> {
    static PUT: Statement = Statement::new(|| {
        let changing = [
            "connector",
            "digest",
            "parameters",
            "secrets",
            "secret_times",
            "templates",
            "fingerprint",
            "revision",
            "updated_at",
            "report_token",
            "secret_hosts",
        ];
        TABLE.upsert(&["tenant", "name"], &changing, "")
    });
    let secret_times: BTreeMap<&str, i64> =
        connection.secret_times.iter().map(|(name, at)| (name.as_str(), at.0)).collect();
    let put = query(PUT.as_str())
        .bind(text(&connection.tenant))
        .bind(text(&connection.name))
        .bind(text(&connection.connector))
        .bind(text(&connection.digest))
        .bind(json(&connection.parameters)?)
        .bind(connection.secrets.clone())
        .bind(json(&secret_times)?)
        .bind(json(&connection.templates)?)
        .bind(connection.fingerprint.clone())
        .bind(large(connection.revision)?)
        .bind(connection.created_at.0)
        .bind(connection.updated_at.0)
        .bind(connection.report_token.clone())
        .bind(json_or_none(connection.secret_hosts.as_ref())?);
    tx.execute(put).await?;
    Ok(())
}

/// The connection of this name. It is not locked: operations that change connections lock the tenant.
pub async fn get(tx: &mut Tx, tenant: &str, name: &str) -> Result<Option<ConnectionRow>> {
    static GET: Statement = Statement::new(|| TABLE.select("WHERE tenant = $1 AND name = $2"));
    tx.one(query(GET.as_str()).bind(text(tenant)).bind(text(name))).await?.as_ref().map(read).transpose()
}

/// The connections of a tenant, by name.
pub async fn list(tx: &mut Tx, tenant: &str) -> Result<Vec<ConnectionRow>> {
    static LIST: Statement = Statement::new(|| TABLE.select("WHERE tenant = $1 ORDER BY name"));
    tx.all(query(LIST.as_str()).bind(text(tenant))).await?.iter().map(read).collect()
}

/// At most `limit` connections that use a connector, by tenant and name. An empty `tenant` means all tenants.
pub async fn using(tx: &mut Tx, tenant: &str, connector: &str, limit: u32) -> Result<Vec<ConnectionRow>> {
    static LIST: Statement = Statement::new(|| {
        TABLE.select("WHERE connector = $1 AND (tenant = $2 OR $2 = '') ORDER BY tenant, name LIMIT $3")
    });
    let list = query(LIST.as_str()).bind(text(connector)).bind(text(tenant)).bind(i64::from(limit));
    tx.all(list).await?.iter().map(read).collect()
}

/// The connections of which it is not stored for which hosts their secrets were given.
pub async fn without_secret_hosts(tx: &mut Tx) -> Result<Vec<ConnectionRow>> {
    static LIST: Statement = Statement::new(|| TABLE.select("WHERE secret_hosts IS NULL ORDER BY tenant, name"));
    tx.all(query(LIST.as_str())).await?.iter().map(read).collect()
}

/// Stores for which hosts the secrets of a connection were given, unless that is stored already or the connection has changed since it
/// was read.
pub async fn fill_secret_hosts(tx: &mut Tx, connection: &ConnectionRow, hosts: &SecretHosts) -> Result<()> {
    let fill = query(
        "UPDATE connections SET secret_hosts = $1 WHERE tenant = $2 AND name = $3 AND fingerprint = $4 \
         AND secret_hosts IS NULL",
    )
    .bind(json(hosts)?)
    .bind(text(&connection.tenant))
    .bind(text(&connection.name))
    .bind(connection.fingerprint.clone());
    tx.execute(fill).await?;
    Ok(())
}

/// Deletes a connection. Returns `false` when there is none of this name.
pub async fn delete(tx: &mut Tx, tenant: &str, name: &str) -> Result<bool> {
    let delete = query("DELETE FROM connections WHERE tenant = $1 AND name = $2").bind(text(tenant)).bind(text(name));
    Ok(tx.execute(delete).await? == 1)
}

/// Stores that a test with this fingerprint succeeded.
pub async fn record_test(tx: &mut Tx, tenant: &str, fingerprint: &[u8], at: Timestamp) -> Result<()> {
    let record = query(
        "INSERT INTO connection_tests (tenant, fingerprint, tested_at) VALUES ($1, $2, $3) \
         ON CONFLICT (tenant, fingerprint) DO UPDATE SET tested_at = excluded.tested_at",
    )
    .bind(text(tenant))
    .bind(fingerprint)
    .bind(at.0);
    tx.execute(record).await?;
    Ok(())
}

/// When a test with this fingerprint last succeeded.
pub async fn tested_at(tx: &mut Tx, tenant: &str, fingerprint: &[u8]) -> Result<Option<Timestamp>> {
    let get = query("SELECT tested_at FROM connection_tests WHERE tenant = $1 AND fingerprint = $2")
        .bind(text(tenant))
        .bind(fingerprint);
    tx.one(get).await?.map(|row| Columns::of("connection_tests", &row).time("tested_at")).transpose()
}

/// Deletes at most `limit` tests that are older than `before` and are not of a connection as it is now. Returns their number.
pub async fn delete_tests_before(tx: &mut Tx, before: Timestamp, limit: u32) -> Result<u64> {
    macro_rules! delete_sql {
        ($lock:literal) => {
            concat!(
                "WITH old AS MATERIALIZED (SELECT tenant, fingerprint FROM connection_tests WHERE tested_at < $1 \
                 AND NOT EXISTS (SELECT 1 FROM connections WHERE connections.tenant = connection_tests.tenant \
                 AND connections.fingerprint = connection_tests.fingerprint) ORDER BY tested_at LIMIT $2",
                $lock,
                ") DELETE FROM connection_tests WHERE (tenant, fingerprint) IN (SELECT tenant, fingerprint FROM old)"
            )
        };
    }
    let delete = tx.locking(delete_sql!(""), delete_sql!(" FOR UPDATE SKIP LOCKED"));
    tx.execute(query(delete).bind(before.0).bind(i64::from(limit))).await
}
