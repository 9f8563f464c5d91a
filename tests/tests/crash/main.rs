//! Crashes, shutdowns and store failures: promises P3, P4, P9 and P16, mostly with the real binary.
//!
//! - `kill`: `kill -9` at random moments under load.
//! - `power`: the power fails, and what was not synced is lost.
//! - `steps`: a crash between any two lines of a send.
//! - `terminate`: SIGTERM under load, and while a provider stalls.
//! - `stuck`: the store is locked, a check hangs, a client is slow, the log is not read: `/readyz` reports it, SIGTERM works.
//! - `leases`: clocks that step, and processes that sleep, on both databases.
//! - `disk`: no space, a file that is not a database, missing or wrong keys, two processes in one folder.
//! - `keys`: master keys of several processes, and their rotation.
//! - `shared`: several processes on one PostgreSQL database, one of which is killed; and a database that disappears.
//! - `load`: clients that record the responses, and the audit of that record.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test"
)]

mod disk;
mod keys;
mod kill;
mod leases;
mod load;
mod power;
mod shared;
mod steps;
mod stuck;
mod terminate;
