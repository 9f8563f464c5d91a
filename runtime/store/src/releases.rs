//! Which versions of uploaded connectors send, and which differences were approved.
//!
//! `tenant` is empty for the release for all tenants.

use super::columns::{Columns, json, large, text};
use super::query::{Row, query};
use super::rows::{ApprovalRow, ReleaseRow};
use super::table::{Statement, Table};
use super::{Result, Tx};

const TABLE: Table = Table { name: "releases", columns: &["tenant", "connector", "owner", "generation", "versions"] };

const APPROVALS: Table =
    Table { name: "approvals", columns: &["tenant", "connector", "fingerprint", "approved_at", "approved_by"] };

// In descending order the tenant's own release precedes the one for all tenants, whose `tenant` is empty.
static FOR_TENANT: Statement = Statement::new(|| {
    TABLE.select("WHERE connector = $2 AND (tenant = $1 OR tenant = '') ORDER BY tenant DESC LIMIT 1")
});
static GET: Statement = Statement::new(|| TABLE.select("WHERE tenant = $1 AND connector = $2"));
static LOCK: Statement = Statement::new(|| TABLE.select("WHERE tenant = $1 AND connector = $2 FOR NO KEY UPDATE"));

fn read(row: &Row) -> Result<ReleaseRow> {
    let row = Columns::of("releases", row);
    Ok(ReleaseRow {
        tenant: row.text("tenant")?,
        connector: row.text("connector")?,
        owner: row.text("owner")?,
        generation: row.large("generation")?,
        versions: row.json("versions")?,
    })
}

/// The release that applies to a tenant: its own, or the one for all tenants.
pub async fn for_tenant(tx: &mut Tx, tenant: &str, connector: &str) -> Result<Option<ReleaseRow>> {
    tx.one(query(FOR_TENANT.as_str()).bind(text(tenant)).bind(text(connector))).await?.as_ref().map(read).transpose()
}

/// The release of exactly this scope.
pub async fn get(tx: &mut Tx, tenant: &str, connector: &str) -> Result<Option<ReleaseRow>> {
    tx.one(query(GET.as_str()).bind(text(tenant)).bind(text(connector))).await?.as_ref().map(read).transpose()
}

/// The release of exactly this scope, locked for a change until the commit.
pub async fn lock(tx: &mut Tx, tenant: &str, connector: &str) -> Result<Option<ReleaseRow>> {
    let get = tx.locking(&GET, &LOCK);
    tx.one(query(get).bind(text(tenant)).bind(text(connector))).await?.as_ref().map(read).transpose()
}

/// Stores a release, if it was not changed since it was read at `generation - 1`; a new release has generation 1. Returns `false`
/// when it was changed.
pub async fn put(tx: &mut Tx, release: &ReleaseRow) -> Result<bool> {
    static PUT: Statement = Statement::new(|| {
        let unchanged = "WHERE releases.generation = excluded.generation - 1";
        TABLE.upsert(&["tenant", "connector"], &["owner", "generation", "versions"], unchanged)
    });
    let put = query(PUT.as_str())
        .bind(text(&release.tenant))
        .bind(text(&release.connector))
        .bind(text(&release.owner))
        .bind(large(release.generation)?)
        .bind(json(&release.versions)?);
    let is_stored = tx.execute(put).await? == 1;
    if is_stored {
        tick(tx).await?;
    }
    Ok(is_stored)
}

/// Deletes a release. Returns `false` when there is none.
pub async fn delete(tx: &mut Tx, tenant: &str, connector: &str) -> Result<bool> {
    let delete = query("DELETE FROM releases WHERE tenant = $1 AND connector = $2");
    let is_deleted = tx.execute(delete.bind(text(tenant)).bind(text(connector))).await? == 1;
    if is_deleted {
        tick(tx).await?;
    }
    Ok(is_deleted)
}

/// Deletes all releases, approvals and shapes of a deleted tenant.
pub async fn delete_of_tenant(tx: &mut Tx, tenant: &str) -> Result<()> {
    super::shapes::delete_of_tenant(tx, tenant).await?;
    tx.execute(query("DELETE FROM approvals WHERE tenant = $1").bind(text(tenant))).await?;
    tx.execute(query("DELETE FROM releases WHERE tenant = $1").bind(text(tenant))).await?;
    tick(tx).await
}

/// All releases.
pub async fn all(tx: &mut Tx) -> Result<Vec<ReleaseRow>> {
    static ALL: Statement = Statement::new(|| TABLE.select("ORDER BY tenant, connector"));
    tx.all(query(ALL.as_str())).await?.iter().map(read).collect()
}

/// The releases of exactly this scope.
pub async fn of_scope(tx: &mut Tx, tenant: &str) -> Result<Vec<ReleaseRow>> {
    static LIST: Statement = Statement::new(|| TABLE.select("WHERE tenant = $1 ORDER BY connector"));
    tx.all(query(LIST.as_str()).bind(text(tenant))).await?.iter().map(read).collect()
}

/// The releases of a connector id, of any scope.
pub async fn of_connector(tx: &mut Tx, connector: &str) -> Result<Vec<ReleaseRow>> {
    static LIST: Statement = Statement::new(|| TABLE.select("WHERE connector = $1 ORDER BY tenant"));
    tx.all(query(LIST.as_str()).bind(text(connector))).await?.iter().map(read).collect()
}

/// A counter that increases with every change of a release.
pub async fn ticks(tx: &mut Tx) -> Result<i64> {
    let row = tx.one(query("SELECT ticks FROM release_clock WHERE id = 1")).await?;
    row.map_or(Ok(0), |row| Columns::of("release_clock", &row).integer("ticks"))
}

async fn tick(tx: &mut Tx) -> Result<()> {
    tx.execute(query("UPDATE release_clock SET ticks = ticks + 1 WHERE id = 1")).await?;
    Ok(())
}

/// Stores an approval. An existing one is not changed.
pub async fn approve(tx: &mut Tx, approval: &ApprovalRow) -> Result<()> {
    static INSERT: Statement =
        Statement::new(|| APPROVALS.insert("ON CONFLICT (tenant, connector, fingerprint) DO NOTHING"));
    let insert = query(INSERT.as_str())
        .bind(text(&approval.tenant))
        .bind(text(&approval.connector))
        .bind(text(&approval.fingerprint))
        .bind(approval.approved_at.0)
        .bind(text(&approval.approved_by));
    tx.execute(insert).await?;
    Ok(())
}

/// The approval of exactly this difference.
pub async fn approval(tx: &mut Tx, tenant: &str, connector: &str, fingerprint: &str) -> Result<Option<ApprovalRow>> {
    static GET: Statement =
        Statement::new(|| APPROVALS.select("WHERE tenant = $1 AND connector = $2 AND fingerprint = $3"));
    let get = query(GET.as_str()).bind(text(tenant)).bind(text(connector)).bind(text(fingerprint));
    let Some(row) = tx.one(get).await? else { return Ok(None) };
    let row = Columns::of("approvals", &row);
    Ok(Some(ApprovalRow {
        tenant: row.text("tenant")?,
        connector: row.text("connector")?,
        fingerprint: row.text("fingerprint")?,
        approved_at: row.time("approved_at")?,
        approved_by: row.text("approved_by")?,
    }))
}
