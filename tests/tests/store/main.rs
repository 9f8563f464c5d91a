//! The store, on SQLite and on PostgreSQL: the same stories on both.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

mod counts;
mod events;
mod failures;
mod guards;
mod indexes;
mod ingresses;
mod messages;
mod processes;
mod races;
mod reports;
mod round_trips;
mod sample;
mod sessions;
mod sharing;
mod swapping;
