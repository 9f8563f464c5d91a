//! The rules of the service, as pure functions: limits, what follows an attempt, the bounds of a policy, how codes are made.
//!
//! Promises
//! - pure: time is passed in as a [`crate::model::Timestamp`], randomness as bytes or a number, and there is no I/O;
//! - each rule is defined once, with a table of cases and, where an invariant holds, a property test;
//! - no error and no `Debug` output contains a code, a text or a phone number.
//!
//! Must not know: stores, HTTP, tasks, how connectors run.

pub mod alerts;
pub mod attempt;
pub mod auto_rollback;
pub mod breaker;
pub mod buckets;
pub mod capability_diff;
pub mod code;
pub mod json_diff;
pub mod lease;
pub mod limit;
pub mod origin;
pub mod period;
pub mod policy;
pub mod quota;
pub mod release;
pub mod report;
pub mod request_rate;
pub mod retention;
pub mod retry;
pub mod subscriptions;
pub mod verification;
pub mod webhook_schedule;
