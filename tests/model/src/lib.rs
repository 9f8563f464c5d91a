//! Models of what several processes do with a message, a lease and a verification, searched exhaustively.
//!
//! Each model is a state machine whose transitions call the rules that ship (`runtime/domain/src/rules`). What the database guards is
//! modelled by small functions, one for each guard, named for the statement of `runtime/store` that has it. [`Fault`] takes a guard away,
//! to show that the search notices.
//!
//! - [`search`]: visits every state, breadth first, and prints the shortest history that breaks a promise.
//! - [`lease`]: heartbeats of two processes, which may be suspended between any two lines. Its result, that a process whose row is
//!   deleted may not act any more, is what the next one assumes.
//! - [`message`]: two processes that share a message, a provider, a client that cancels, delivery reports, crashes at any step.
//! - [`linearizability`]: whether a history that real processes have left is one that a single process could have left.
//! - [`verification`]: concurrent checks of codes, resends, messages that leave or not, expiry.
//!
//! Guarantees: a search that ends without a counterexample has visited every state that the bounds of its configuration allow.
//!
//! Must not know: the service, the store. It depends on the domain alone, so that it builds in seconds.

#![allow(clippy::panic, clippy::indexing_slicing, reason = "a panic is how a test fails")]

pub mod fault;
pub mod lease;
pub mod linearizability;
pub mod message;
pub mod search;
pub mod verification;

pub use fault::Fault;
pub use search::{Model, Report, search};
