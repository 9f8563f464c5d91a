//! Connectors are swapped while messages are in flight: promises P7 and P8, and related rules.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test"
)]

mod deciding;
mod disguised;
mod harness;
mod history;
mod killing;
mod racing;
mod restarting;
mod sealed;
mod sending;
mod shaping;
mod uploading;
