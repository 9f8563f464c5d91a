//! The domain: what tenants set up, what is sent, and the rules that govern both. Pure: every function depends on its arguments
//! only, and time is one of them.
//!
//! - [`model`]: the types that the API accepts and returns;
//! - [`rules`]: limits, retries, circuit breaker, codes, releases, differences between versions;
//! - [`ingress`]: what identity platforms send, and what they get in return;
//! - [`message_fields`]: validation of each field of a message;
//! - [`plan()`]: builds the [`sendbox_contract::Message`] for a connector from a connection and a request;
//! - [`template`], [`text`], [`phone`], [`locale`]: templates, the size of texts in segments, phone numbers, and languages.
//!
//! Must not know: databases, async runtimes, HTTP, how connectors run.

pub mod attempt_record;
mod digit;
pub mod field_error;
pub mod ingress;
pub mod json_document;
pub mod locale;
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
pub use self::rules::buckets::LimitName;
pub use self::template::{Rendered, Template, TemplateBody};
pub use self::text::TextSize;
