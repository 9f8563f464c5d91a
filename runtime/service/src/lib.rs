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

mod catalogue;
pub mod clock;
pub mod error;
mod id;
pub mod model;
mod ops;
pub mod phone;
pub mod plan;
pub mod problem;
mod public_url;
mod readiness;
pub mod rules;
pub mod service;
pub mod store;
pub mod template;
pub mod text;
pub mod vault;

pub use self::catalogue::BuiltIn;
pub use self::error::{Error, LimitName};
pub use self::ops::reports::{ReportCall, ReportReceiver};
pub use self::phone::PhoneError;
pub use self::plan::{ConnectionConfig, MessageRequest, Plan, plan};
pub use self::problem::{FieldCode, Problem, Problems};
pub use self::public_url::{NotPublic, PublicUrl};
pub use self::service::{Caller, Service, ServiceConfig, StartError};
pub use self::template::{Rendered, Template, TemplateBody};
pub use self::text::TextSize;
