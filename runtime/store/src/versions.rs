//! Uploaded versions of connectors, with their files.
//!
//! `tenant` is empty for connectors for all tenants.

use super::columns::{Columns, json_or_none, large, lease_or_none, text, text_or_none};
use super::processes::IS_FREE;
use super::query::{Query, Row, query};
use super::rows::{Lease, VersionRow};
use super::table::{Statement, Table};
use super::{Result, Tx};

const TABLE: Table = Table {
    name: "connector_versions",
    columns: &[
        "tenant",
        "digest",
        "connector",
        "state",
        "step",
        "refusal",
        "description",
        "bytes",
        "uploaded_at",
        "uploaded_by",
        "checks",
        "lease_process",
        "lease_claim",
        "component",
    ],
};

static GET: Statement = Statement::new(|| TABLE.select_without("component", "WHERE tenant = $1 AND digest = $2"));
static LOCK: Statement =
    Statement::new(|| TABLE.select_without("component", "WHERE tenant = $1 AND digest = $2 FOR NO KEY UPDATE"));

fn read(row: &Row) -> Result<VersionRow> {
    let row = Columns::of("connector_versions", row);
    Ok(VersionRow {
        tenant: row.text("tenant")?,
        digest: row.text("digest")?,
        connector: row.text_or_none("connector")?,
        state: row.word("state")?,
        step: row.count("step")?,
        refusal: row.text_or_none("refusal")?,
        // A description in the format of another release of Sendbox is ignored: it is built from the file again.
        description: row.text_or_none("description")?.and_then(|text| serde_json::from_str(&text).ok()),
        bytes: row.large("bytes")?,
        uploaded_at: row.time("uploaded_at")?,
        uploaded_by: row.text("uploaded_by")?,
        checks: row.count("checks")?,
        lease: row.lease_or_none()?,
    })
}

/// A statement with a row's values as its first parameters.
fn bind(statement: &'static str, version: &VersionRow) -> Result<Query> {
    let (lease_process, lease_claim) = lease_or_none(version.lease.as_ref())?;
    Ok(query(statement)
        .bind(text(&version.tenant))
        .bind(text(&version.digest))
        .bind(text_or_none(version.connector.as_deref()))
        .bind(version.state.as_str())
        .bind(i64::from(version.step))
        .bind(text_or_none(version.refusal.as_deref()))
        .bind(json_or_none(version.description.as_ref())?)
        .bind(large(version.bytes)?)
        .bind(version.uploaded_at.0)
        .bind(text(&version.uploaded_by))
        .bind(i64::from(version.checks))
        .bind(lease_process)
        .bind(lease_claim))
}

/// Adds a version with its file. Returns `false` when it exists.
pub async fn insert(tx: &mut Tx, version: &VersionRow, component: &[u8]) -> Result<bool> {
    static INSERT: Statement = Statement::new(|| TABLE.insert("ON CONFLICT (tenant, digest) DO NOTHING"));
    Ok(tx.execute(bind(&INSERT, version)?.bind(component.to_vec())).await? == 1)
}

/// Stores the state and the result of a check: all columns except for the key, the file and the upload.
pub async fn update(tx: &mut Tx, version: &VersionRow) -> Result<()> {
    static UPDATE: Statement = Statement::new(|| {
        let changing =
            ["connector", "state", "step", "refusal", "description", "checks", "lease_process", "lease_claim"];
        TABLE.update(&["tenant", "digest"], &changing, "")
    });
    tx.execute(bind(&UPDATE, version)?).await?;
    Ok(())
}

/// The version.
pub async fn get(tx: &mut Tx, tenant: &str, digest: &str) -> Result<Option<VersionRow>> {
    tx.one(query(GET.as_str()).bind(text(tenant)).bind(text(digest))).await?.as_ref().map(read).transpose()
}

/// The version, locked for a change until the commit.
pub async fn lock(tx: &mut Tx, tenant: &str, digest: &str) -> Result<Option<VersionRow>> {
    let get = tx.locking(&GET, &LOCK);
    tx.one(query(get).bind(text(tenant)).bind(text(digest))).await?.as_ref().map(read).transpose()
}

/// The file.
pub async fn component(tx: &mut Tx, tenant: &str, digest: &str) -> Result<Option<Vec<u8>>> {
    let get = query("SELECT component FROM connector_versions WHERE tenant = $1 AND digest = $2");
    let row = tx.one(get.bind(text(tenant)).bind(text(digest))).await?;
    row.map(|row| Columns::of("connector_versions", &row).bytes("component")).transpose()
}

/// The versions of a connector, newest first, at most `limit`.
pub async fn of_connector(tx: &mut Tx, tenant: &str, connector: &str, limit: u32) -> Result<Vec<VersionRow>> {
    static LIST: Statement = Statement::new(|| {
        TABLE.select_without(
            "component",
            "WHERE tenant = $1 AND connector = $2 ORDER BY uploaded_at DESC, digest LIMIT $3",
        )
    });
    let list = query(LIST.as_str()).bind(text(tenant)).bind(text(connector)).bind(i64::from(limit));
    tx.all(list).await?.iter().map(read).collect()
}

/// What is stored of a tenant's versions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stored {
    /// The number of versions, including refused ones.
    pub versions: u64,
    /// The bytes of their files.
    pub bytes: u64,
}

/// What is stored of the versions of a tenant.
pub async fn stored(tx: &mut Tx, tenant: &str) -> Result<Stored> {
    let count = query(
        "SELECT COUNT(*) AS versions, CAST(COALESCE(SUM(bytes), 0) AS BIGINT) AS stored FROM connector_versions \
         WHERE tenant = $1",
    );
    let Some(row) = tx.one(count.bind(text(tenant))).await? else { return Ok(Stored::default()) };
    let row = Columns::of("connector_versions", &row);
    Ok(Stored { versions: row.large("versions")?, bytes: row.large("stored")? })
}

/// Versions that must be checked and have no lease that counts: of each tenant the one that was uploaded first, and of these the oldest
/// ones, at most `limit`.
pub async fn next_unchecked(tx: &mut Tx, limit: u32) -> Result<Vec<VersionRow>> {
    static LIST: Statement = Statement::new(|| {
        // `IS_FREE` is about the row of the innermost table that has a lease.
        let is_next = format!(
            "NOT EXISTS (SELECT 1 FROM connector_versions AS earlier WHERE earlier.tenant = connector_versions.tenant \
             AND earlier.state = 'checking' \
             AND (earlier.uploaded_at, earlier.digest) < (connector_versions.uploaded_at, connector_versions.digest) \
             AND {IS_FREE})"
        );
        let waiting = format!("WHERE state = 'checking' AND {IS_FREE} AND {is_next}");
        TABLE.select_without("component", &format!("{waiting} ORDER BY uploaded_at, digest LIMIT $1"))
    });
    tx.all(query(LIST.as_str()).bind(i64::from(limit))).await?.iter().map(read).collect()
}

/// Releases a lease, so that another check can start. Returns `false` when the version does not have it.
pub async fn release(tx: &mut Tx, tenant: &str, digest: &str, lease: &Lease) -> Result<bool> {
    let release = query(
        "UPDATE connector_versions SET lease_process = NULL, lease_claim = NULL \
         WHERE tenant = $1 AND digest = $2 AND lease_process = $3 AND lease_claim = $4",
    );
    let release = release.bind(text(tenant)).bind(text(digest)).bind(text(&lease.process)).bind(large(lease.claim)?);
    Ok(tx.execute(release).await? == 1)
}

/// Deletes a version. Returns `false` when it does not exist.
pub async fn delete(tx: &mut Tx, tenant: &str, digest: &str) -> Result<bool> {
    let delete = query("DELETE FROM connector_versions WHERE tenant = $1 AND digest = $2");
    Ok(tx.execute(delete.bind(text(tenant)).bind(text(digest))).await? == 1)
}

/// Deletes all versions of a deleted tenant.
pub async fn delete_of_tenant(tx: &mut Tx, tenant: &str) -> Result<()> {
    tx.execute(query("DELETE FROM connector_versions WHERE tenant = $1").bind(text(tenant))).await?;
    Ok(())
}
