//! Which versions of uploaded connectors send, and which differences were approved.
//!
//! `tenant` is empty for what is decided for all tenants.

use sqlx::query;

use super::columns::{Columns, json, large, text};
use super::rows::{ApprovalRow, ReleaseRow};
use super::{Result, Tx};

macro_rules! columns {
    () => {
        "tenant, connector, owner, generation, versions"
    };
}

// The tenant's own stands before that of all tenants, which is the empty name.
const FOR_TENANT: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM releases WHERE connector = $2 AND (tenant = $1 OR tenant = '') ORDER BY tenant DESC LIMIT 1"
);
const GET: &str = concat!("SELECT ", columns!(), " FROM releases WHERE tenant = $1 AND connector = $2");
const LOCK: &str =
    concat!("SELECT ", columns!(), " FROM releases WHERE tenant = $1 AND connector = $2 FOR NO KEY UPDATE");

fn read(row: &sqlx::any::AnyRow) -> Result<ReleaseRow> {
    let row = Columns::of("releases", row);
    Ok(ReleaseRow {
        tenant: row.text("tenant")?,
        connector: row.text("connector")?,
        owner: row.text("owner")?,
        generation: row.large("generation")?,
        versions: row.json("versions")?,
    })
}

/// What decides for a tenant: its own release, or that of all tenants.
pub async fn for_tenant(tx: &mut Tx, tenant: &str, connector: &str) -> Result<Option<ReleaseRow>> {
    tx.one(query(FOR_TENANT).bind(text(tenant)).bind(text(connector))).await?.as_ref().map(read).transpose()
}

/// The release of exactly this scope.
pub async fn get(tx: &mut Tx, tenant: &str, connector: &str) -> Result<Option<ReleaseRow>> {
    tx.one(query(GET).bind(text(tenant)).bind(text(connector))).await?.as_ref().map(read).transpose()
}

/// The same, for a change.
pub async fn lock(tx: &mut Tx, tenant: &str, connector: &str) -> Result<Option<ReleaseRow>> {
    let get = tx.locking(GET, LOCK);
    tx.one(query(get).bind(text(tenant)).bind(text(connector))).await?.as_ref().map(read).transpose()
}

/// Writes the release if nobody has changed it since it was read at `generation - 1`; a new one has generation 1. `false`:
/// somebody has.
pub async fn put(tx: &mut Tx, release: &ReleaseRow) -> Result<bool> {
    let put = query(concat!(
        "INSERT INTO releases (",
        columns!(),
        ") VALUES ($1, $2, $3, $4, $5) ON CONFLICT (tenant, connector) DO UPDATE SET owner = excluded.owner, \
         generation = excluded.generation, versions = excluded.versions \
         WHERE releases.generation = excluded.generation - 1"
    ))
    .bind(text(&release.tenant))
    .bind(text(&release.connector))
    .bind(text(&release.owner))
    .bind(large(release.generation)?)
    .bind(json(&release.versions)?);
    let written = tx.execute(put).await? == 1;
    if written {
        tick(tx).await?;
    }
    Ok(written)
}

/// Deletes the release. `false`: it was not there.
pub async fn delete(tx: &mut Tx, tenant: &str, connector: &str) -> Result<bool> {
    let delete = query("DELETE FROM releases WHERE tenant = $1 AND connector = $2");
    let gone = tx.execute(delete.bind(text(tenant)).bind(text(connector))).await? == 1;
    if gone {
        tick(tx).await?;
    }
    Ok(gone)
}

/// Deletes all releases and approvals of a tenant that goes.
pub async fn delete_of_tenant(tx: &mut Tx, tenant: &str) -> Result<()> {
    super::shapes::delete_of_tenant(tx, tenant).await?;
    tx.execute(query("DELETE FROM approvals WHERE tenant = $1").bind(text(tenant))).await?;
    tx.execute(query("DELETE FROM releases WHERE tenant = $1").bind(text(tenant))).await?;
    tick(tx).await
}

/// All releases.
pub async fn all(tx: &mut Tx) -> Result<Vec<ReleaseRow>> {
    const ALL: &str = concat!("SELECT ", columns!(), " FROM releases ORDER BY tenant, connector");
    tx.all(query(ALL)).await?.iter().map(read).collect()
}

/// The releases of exactly this scope.
pub async fn of_scope(tx: &mut Tx, tenant: &str) -> Result<Vec<ReleaseRow>> {
    const LIST: &str = concat!("SELECT ", columns!(), " FROM releases WHERE tenant = $1 ORDER BY connector");
    tx.all(query(LIST).bind(text(tenant))).await?.iter().map(read).collect()
}

/// The releases of a connector id, of whatever scope.
pub async fn of_connector(tx: &mut Tx, connector: &str) -> Result<Vec<ReleaseRow>> {
    const LIST: &str = concat!("SELECT ", columns!(), " FROM releases WHERE connector = $1 ORDER BY tenant");
    tx.all(query(LIST).bind(text(connector))).await?.iter().map(read).collect()
}

/// Grows with every change of any release.
pub async fn ticks(tx: &mut Tx) -> Result<i64> {
    let row = tx.one(query("SELECT ticks FROM release_clock WHERE id = 1")).await?;
    row.map_or(Ok(0), |row| Columns::of("release_clock", &row).integer("ticks"))
}

async fn tick(tx: &mut Tx) -> Result<()> {
    tx.execute(query("UPDATE release_clock SET ticks = ticks + 1 WHERE id = 1")).await?;
    Ok(())
}

/// Keeps an approval. One that is there stays as it is.
pub async fn approve(tx: &mut Tx, approval: &ApprovalRow) -> Result<()> {
    let insert = query(
        "INSERT INTO approvals (tenant, connector, print, approved_at, approved_by) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (tenant, connector, print) DO NOTHING",
    )
    .bind(text(&approval.tenant))
    .bind(text(&approval.connector))
    .bind(text(&approval.print))
    .bind(approval.approved_at.0)
    .bind(text(&approval.approved_by));
    tx.execute(insert).await?;
    Ok(())
}

/// The approval of exactly this difference.
pub async fn approval(tx: &mut Tx, tenant: &str, connector: &str, print: &str) -> Result<Option<ApprovalRow>> {
    let get = query(
        "SELECT tenant, connector, print, approved_at, approved_by FROM approvals \
         WHERE tenant = $1 AND connector = $2 AND print = $3",
    )
    .bind(text(tenant))
    .bind(text(connector))
    .bind(text(print));
    let Some(row) = tx.one(get).await? else { return Ok(None) };
    let row = Columns::of("approvals", &row);
    Ok(Some(ApprovalRow {
        tenant: row.text("tenant")?,
        connector: row.text("connector")?,
        print: row.text("print")?,
        approved_at: row.time("approved_at")?,
        approved_by: row.text("approved_by")?,
    }))
}
