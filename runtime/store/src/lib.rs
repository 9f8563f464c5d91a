//! Persistence for the service, in SQLite or PostgreSQL, with one set of SQL statements.
//!
//! [`Store::begin`] opens a transaction. Everything else is a function over [`Tx`], in one file for each kind of row, so that an
//! operation can combine several of them and commit once. The rows are in [`rows`].
//!
//! Promises
//! - after `commit` has returned `Ok` the change is on disk (SQLite: WAL with `synchronous=FULL`). After an error that is
//!   [`StoreError::Uncertain`] it may or may not be. Nothing here retries;
//! - a transaction in which a statement failed or was abandoned can only be rolled back, on both databases;
//! - owners share the connections fairly ([`Store::for_owner`]), and waiting for them is bounded;
//! - counters, claims and guarded updates are atomic: they are single statements, or hold a row lock until the commit;
//! - errors and logs contain no value of any row, and no password;
//! - any number of processes may open a database concurrently, including an empty one.
//!
//! Differences between the databases: SQLite has one writer, a thread that runs what is waiting, in turns between owners, and commits it together.
//! PostgreSQL has many writers, in READ COMMITTED, and a row that is read to be changed is locked. It may end a transaction in favour of
//! another one ([`StoreError::Conflict`]), and changes of which nobody needs a result are sent with the next statement or the commit, so
//! their errors may appear there. Readers see a single snapshot on both.
//!
//! Must not know: the rules of the domain.

pub mod attempts;
pub mod audit;
pub mod buckets;
pub mod connections;
pub mod events;
pub mod holds;
pub mod idempotency;
pub mod ingresses;
pub mod keys;
pub mod messages;
pub mod meta;
pub mod processes;
pub mod releases;
pub mod reports;
pub mod rows;
pub mod sessions;
pub mod shapes;
pub mod statistics;
pub mod tenants;
pub mod verifications;
pub mod versions;
pub mod webhooks;

mod backend;
mod columns;
mod connect;
mod database;
mod failure;
mod postgres;
mod query;
mod queue;
mod sqlite;
mod store;
mod table;
mod transaction;
mod unit;

pub use self::backend::Backend;
pub use self::failure::{Result, StoreError};
pub use self::sqlite::{StepFault, SteppedWriter, Steps};
pub use self::store::Store;
pub use self::transaction::Tx;
pub use self::unit::{Done, UnitFuture};

#[cfg(test)]
mod query_plans;
#[cfg(test)]
mod tests;
