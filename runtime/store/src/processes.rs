//! The processes that use the database, and whether a lease counts.
//!
//! Each process has a row with a counter of its heartbeats. A lease counts as long as the row of its process exists, so deleting the
//! row ends all leases of the process at once. A process that is taken for dead while it only slept finds its row gone.

use super::columns::{Columns, large, text};
use super::query::query;
use super::rows::{Lease, ProcessRow};
use super::{Result, Tx};

/// The condition that no living process has leased a row of a table with the columns of a lease.
pub(super) const IS_FREE: &str =
    "(lease_process IS NULL OR NOT EXISTS (SELECT 1 FROM processes WHERE processes.id = lease_process))";

/// Adds a process.
pub async fn insert(tx: &mut Tx, id: &str) -> Result<()> {
    tx.execute(query("INSERT INTO processes (id, beats) VALUES ($1, 0)").bind(text(id))).await?;
    Ok(())
}

/// Counts a heartbeat. Returns `false` when the process was deleted.
pub async fn beat(tx: &mut Tx, id: &str) -> Result<bool> {
    Ok(tx.execute(query("UPDATE processes SET beats = beats + 1 WHERE id = $1").bind(text(id))).await? == 1)
}

/// All processes.
pub async fn all(tx: &mut Tx) -> Result<Vec<ProcessRow>> {
    let rows = tx.all(query("SELECT id, beats FROM processes ORDER BY id")).await?;
    let read = |row| {
        let row = Columns::of("processes", row);
        Ok(ProcessRow { id: row.text("id")?, beats: row.large("beats")? })
    };
    rows.iter().map(read).collect()
}

/// Deletes a process whose heartbeats are as they were seen. Returns `false` when it has counted another one, or was deleted.
pub async fn delete_silent(tx: &mut Tx, seen: &ProcessRow) -> Result<bool> {
    let delete = query("DELETE FROM processes WHERE id = $1 AND beats = $2");
    Ok(tx.execute(delete.bind(text(&seen.id)).bind(large(seen.beats)?)).await? == 1)
}

/// Deletes a process that ends.
pub async fn delete(tx: &mut Tx, id: &str) -> Result<()> {
    tx.execute(query("DELETE FROM processes WHERE id = $1").bind(text(id))).await?;
    Ok(())
}

/// Deletes all processes. Only for a process that is the only one to use the store: the others have ended.
pub async fn delete_all(tx: &mut Tx) -> Result<()> {
    tx.execute(query("DELETE FROM processes")).await?;
    Ok(())
}

/// Whether a lease counts.
pub async fn holds(tx: &mut Tx, lease: Option<&Lease>) -> Result<bool> {
    let Some(lease) = lease else { return Ok(false) };
    let find = query("SELECT id FROM processes WHERE id = $1").bind(text(&lease.process));
    Ok(tx.one(find).await?.is_some())
}
