//! The command, as a person or a script runs it: the real binary, against a simulated provider where one is needed.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a panic is how a test fails")]

#[path = "../../../tests/src/command_snapshot.rs"]
mod command_snapshot;

mod command {
    mod canary;
    mod dry_run;
    mod errors;
    mod failures;
    pub mod fixture;
    mod help;
    mod others;
    mod running;
    mod send;
    mod simulate;
}
