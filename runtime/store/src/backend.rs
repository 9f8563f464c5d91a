//! The databases that the store supports.

/// The kind of database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    /// A file on this machine.
    Sqlite,
    /// A server, shared by any number of processes.
    Postgres,
}
