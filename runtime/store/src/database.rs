//! The connections to a database.

use sendbox_slots::Slots;

use super::postgres::Pool;
use super::sqlite::Sqlite;

#[derive(Clone)]
pub(super) enum Database {
    Sqlite(Sqlite),
    Postgres(Postgres),
}

/// The connections to a server.
#[derive(Clone)]
pub(super) struct Postgres {
    pub(super) pool: Pool,
    /// For all connections but a few, which are left to look-ups.
    pub(super) slots: Slots,
}
