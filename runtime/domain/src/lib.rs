//! The domain: what a tenant sets up, what is sent, and the rules that decide about it. Pure: everything is a function of its
//! arguments, and time is one of them.
//!
//! - [`model`]: the shapes that go in and out of the service;
//! - [`rules`]: limits, retries, circuit breaker, codes, releases, differences between versions;
//! - [`message_fields`]: the rules for each field of a message;
//! - [`plan()`]: from a connection and a request to the one [`sendbox_contract::Message`] that a connector gets;
//! - [`template`], [`text`], [`phone`]: texts with their segments, and numbers.
//!
//! Must not know: databases, async runtimes, HTTP, how a connector is run.

pub mod attempt_record;
pub mod field_error;
pub mod message_fields;
pub mod model;
pub mod phone;
pub mod plan;
pub mod rules;
pub mod template;
pub mod text;

pub use self::attempt_record::AttemptRecord;
pub use self::field_error::{FieldCode, FieldError, FieldErrors};
pub use self::phone::PhoneError;
pub use self::plan::{ConnectionConfig, MessageRequest, Plan, plan};
pub use self::rules::limit::LimitName;
pub use self::template::{Rendered, Template, TemplateBody};
pub use self::text::TextSize;
