//! The rules around a send, as plain values and functions: what a number is, what a text costs, which template is meant,
//! and what a connector is handed.
//!
//! A request to send walks through here once: [`ConnectionConfig`] says what the tenant has set up, [`MessageRequest`]
//! what the platform wants, and [`plan()`] makes of both the one [`sendbox_sandbox::Message`] that a connector gets.
//!
//! Promises
//! - everything that is wrong is named at once, by field, before anything is sent;
//! - no error, `Debug` or `Display` text holds a code, a text or more than the last two digits of a number;
//! - every function is pure: no clock, no randomness, no files, no network.
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
pub mod rules;
pub mod service;
pub mod store;
pub mod template;
pub mod text;
pub mod vault;

pub use self::catalogue::BuiltIn;
pub use self::error::{Error, LimitName};
pub use self::phone::PhoneError;
pub use self::plan::{ConnectionConfig, MessageRequest, Plan, plan};
pub use self::problem::{Problem, Problems};
pub use self::service::{Caller, Service, ServiceConfig, StartError};
pub use self::template::{Rendered, Template, TemplateBody};
pub use self::text::TextSize;
