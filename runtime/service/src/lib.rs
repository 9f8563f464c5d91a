//! The domain: tenants, connections, templates, flows, messages, verifications, limits, audit.
//!
//! [`Service`] does what a [`Caller`] asks. What decides stands in [`rules`], as pure functions of plain values; what is kept
//! stands in [`store`], in SQLite or PostgreSQL; what goes in and out stands in [`model`]. A message walks through [`plan()`]
//! to the one [`sendbox_sandbox::Message`] that a connector gets.
//!
//! Promises
//! - what was accepted is on disk; what is in doubt is called so; at most so many physical messages for a request as its
//!   tenant's policy says;
//! - a code verifies at most once, and limits are exact, whatever the concurrency and however many processes;
//! - when the store fails, nothing is let in;
//! - no error, `Debug` text, log line or row holds a secret, a code, a text or a full number in clear.
//!
//! Must not know: HTTP frameworks, how a connector is run, the command line.

mod access;
mod catalogue;
pub mod clock;
mod connections;
mod delivery_reports;
pub mod error;
mod id;
mod lock;
mod paging;
mod public_url;
mod readiness;
mod releases;
mod sending;
pub mod service;
mod statistics;
mod tenants;
pub mod vault;

pub use sendbox_store::{Store, StoreError};

pub use self::access::caller::Caller;
pub use self::catalogue::BuiltIn;
pub use self::delivery_reports::receiver::{ReportCall, ReportReceiver};
pub use self::error::Error;
pub use self::public_url::{NotPublic, PublicUrl};
pub use self::service::{Service, ServiceConfig, StartError};
