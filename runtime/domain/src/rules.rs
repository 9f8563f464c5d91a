//! The rules of the service, as plain functions of plain values: what is let in, what follows an attempt, what a policy may
//! say, what a code is made of.
//!
//! Promises
//! - pure: the time comes in as a [`crate::model::Timestamp`], chance as bytes or a number, and nothing is read or written;
//! - each rule is here once, with its table of cases and, where a law holds, a test of the law;
//! - no error and no `Debug` text holds a code, a text or a number.
//!
//! Must not know: stores, HTTP, tasks, how a connector is run.

pub mod attention;
pub mod auto_rollback;
pub mod breaker;
pub mod capability_diff;
pub mod code;
pub mod json_diff;
pub mod limit;
pub mod origin;
pub mod period;
pub mod policy;
pub mod release;
pub mod report;
pub mod retry;
