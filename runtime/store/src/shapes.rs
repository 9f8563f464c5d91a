//! Request shapes of uploaded versions: where each was observed, how often, and who approved it.
//!
//! `tenant` is empty for shapes that apply to all tenants.

use sendbox_domain::model::HeldRequests;

use super::columns::{Columns, json, large, text, text_or_none};
use super::query::{Query, Row, query};
use super::rows::ShapeRow;
use super::table::{Statement, Table};
use super::{Result, Tx};

const TABLE: Table = Table {
    name: "version_shapes",
    columns: &[
        "tenant",
        "connector",
        "digest",
        "shape",
        "origin",
        "description",
        "requests",
        "first_seen_at",
        "last_seen_at",
        "approved_by",
    ],
};

macro_rules! pinned {
    () => {
        "('test', 'canary', 'first', 'approved')"
    };
}

fn read(row: &Row) -> Result<ShapeRow> {
    let row = Columns::of("version_shapes", row);
    Ok(ShapeRow {
        tenant: row.text("tenant")?,
        connector: row.text("connector")?,
        digest: row.text("digest")?,
        shape: row.text("shape")?,
        origin: row.word("origin")?,
        description: row.json("description")?,
        requests: row.large("requests")?,
        first_seen_at: row.time("first_seen_at")?,
        last_seen_at: row.time("last_seen_at")?,
        approved_by: row.text_or_none("approved_by")?,
    })
}

/// Adds a shape, or counts further requests of a known one, whose origin changes only if it was `rehearsed`. When there are `limit`
/// shapes of this origin, a new one is not stored.
pub async fn record(tx: &mut Tx, row: &ShapeRow, limit: u32) -> Result<()> {
    let update = query(
        "UPDATE version_shapes SET requests = requests + $5, last_seen_at = $6, \
         origin = CASE origin WHEN 'rehearsed' THEN $7 ELSE origin END WHERE tenant = $1 AND connector = $2 AND digest = $3 AND shape = $4",
    )
    .bind(text(&row.tenant))
    .bind(text(&row.connector))
    .bind(text(&row.digest))
    .bind(text(&row.shape))
    .bind(large(row.requests)?)
    .bind(row.last_seen_at.0)
    .bind(row.origin.as_str());
    if tx.execute(update).await? > 0 || count_of_origin(tx, row).await? >= i64::from(limit) {
        return Ok(());
    }
    static INSERT: Statement =
        Statement::new(|| TABLE.insert("ON CONFLICT (tenant, connector, digest, shape) DO NOTHING"));
    tx.execute(bind(&INSERT, row)?).await?;
    Ok(())
}

async fn count_of_origin(tx: &mut Tx, row: &ShapeRow) -> Result<i64> {
    let count = query(
        "SELECT COUNT(*) AS shapes FROM version_shapes \
         WHERE tenant = $1 AND connector = $2 AND digest = $3 AND origin = $4",
    )
    .bind(text(&row.tenant))
    .bind(text(&row.connector))
    .bind(text(&row.digest))
    .bind(row.origin.as_str());
    let count = tx.one(count).await?;
    count.map_or(Ok(0), |row| Columns::of("version_shapes", &row).integer("shapes"))
}

/// Adds an approved shape, or approves a known one.
pub async fn approve(tx: &mut Tx, row: &ShapeRow) -> Result<()> {
    static UPSERT: Statement =
        Statement::new(|| TABLE.upsert(&["tenant", "connector", "digest", "shape"], &["origin", "approved_by"], ""));
    tx.execute(bind(&UPSERT, row)?).await?;
    Ok(())
}

/// A statement with a row's values as its first parameters.
fn bind(statement: &'static str, row: &ShapeRow) -> Result<Query> {
    Ok(query(statement)
        .bind(text(&row.tenant))
        .bind(text(&row.connector))
        .bind(text(&row.digest))
        .bind(text(&row.shape))
        .bind(row.origin.as_str())
        .bind(json(&row.description)?)
        .bind(large(row.requests)?)
        .bind(row.first_seen_at.0)
        .bind(row.last_seen_at.0)
        .bind(text_or_none(row.approved_by.as_deref())))
}

/// The number of shapes that a tenant may send with a version, beside the rehearsed ones. It never decreases, so a cache of as many
/// shapes is up to date.
pub async fn count_pinned(tx: &mut Tx, tenant: &str, connector: &str, digest: &str) -> Result<u64> {
    let count = query(concat!(
        "SELECT COUNT(*) AS shapes FROM version_shapes WHERE (tenant = $1 OR tenant = '') AND connector = $2 AND digest = $3 \
         AND origin IN ",
        pinned!()
    ))
    .bind(text(tenant))
    .bind(text(connector))
    .bind(text(digest));
    let row = tx.one(count).await?;
    row.map_or(Ok(0), |row| Columns::of("version_shapes", &row).large("shapes"))
}

/// The shapes that a tenant may send with a version, beside the rehearsed ones.
pub async fn pinned(tx: &mut Tx, tenant: &str, connector: &str, digest: &str) -> Result<Vec<ShapeRow>> {
    static PINNED: Statement = Statement::new(|| {
        TABLE.select(concat!(
            "WHERE (tenant = $1 OR tenant = '') AND connector = $2 AND digest = $3 AND origin IN ",
            pinned!()
        ))
    });
    let list = query(PINNED.as_str()).bind(text(tenant)).bind(text(connector)).bind(text(digest));
    tx.all(list).await?.iter().map(read).collect()
}

/// The shapes of a version that a tenant may see: its own, and those that are pinned for all tenants. An empty `tenant` returns the
/// shapes of all tenants.
pub async fn of_version(tx: &mut Tx, tenant: &str, connector: &str, digest: &str) -> Result<Vec<ShapeRow>> {
    static OF_VERSION: Statement = Statement::new(|| {
        TABLE.select(concat!(
            "WHERE connector = $2 AND digest = $3 AND (tenant = $1 OR (tenant = '' AND origin IN ",
            pinned!(),
            ") OR $1 = '') ORDER BY first_seen_at, shape, tenant"
        ))
    });
    let list = query(OF_VERSION.as_str()).bind(text(tenant)).bind(text(connector)).bind(text(digest));
    tx.all(list).await?.iter().map(read).collect()
}

/// The number of held-back shapes of each version, for one tenant. An empty `tenant` means all tenants.
pub async fn held(tx: &mut Tx, tenant: &str, connector: &str) -> Result<Vec<HeldRequests>> {
    let list = query(concat!(
        "SELECT held.digest AS digest, COUNT(DISTINCT held.shape) AS shapes FROM version_shapes AS held \
         WHERE held.connector = $2 AND held.origin = 'held' AND (held.tenant = $1 OR $1 = '') AND NOT EXISTS ( \
         SELECT 1 FROM version_shapes AS pinned WHERE pinned.tenant = '' AND pinned.connector = held.connector \
         AND pinned.digest = held.digest AND pinned.shape = held.shape AND pinned.origin IN ",
        pinned!(),
        ") GROUP BY held.digest ORDER BY held.digest"
    ))
    .bind(text(tenant))
    .bind(text(connector));
    let rows = tx.all(list).await?;
    rows.iter()
        .map(|row| {
            let row = Columns::of("version_shapes", row);
            Ok(HeldRequests { digest: row.text("digest")?, shapes: row.large("shapes")? })
        })
        .collect()
}

/// Deletes the shapes of a deleted version. For a version for all tenants (an empty `owner`), those of every tenant.
pub async fn delete_of_version(tx: &mut Tx, owner: &str, connector: &str, digest: &str) -> Result<()> {
    let delete = query("DELETE FROM version_shapes WHERE connector = $2 AND digest = $3 AND (tenant = $1 OR $1 = '')");
    tx.execute(delete.bind(text(owner)).bind(text(connector)).bind(text(digest))).await?;
    Ok(())
}

/// Deletes the shapes of a deleted tenant.
pub async fn delete_of_tenant(tx: &mut Tx, tenant: &str) -> Result<()> {
    tx.execute(query("DELETE FROM version_shapes WHERE tenant = $1").bind(text(tenant))).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use sendbox_domain::model::ShapeOrigin;

    #[test]
    fn sql_and_rules_agree_on_pinned_origins() {
        let all = [
            ShapeOrigin::Rehearsed,
            ShapeOrigin::Test,
            ShapeOrigin::Canary,
            ShapeOrigin::First,
            ShapeOrigin::Held,
            ShapeOrigin::Approved,
        ];
        let written: Vec<String> = all
            .into_iter()
            .filter(|origin| origin.is_pinned())
            .map(|origin| format!("'{}'", origin.as_str()))
            .collect();
        assert_eq!(format!("({})", written.join(", ")), pinned!());
    }
}
