//! The plain types of the connector contract and of a send, shared by the sandbox that runs a send, the rules that decide what
//! follows, and the store that records it.
//!
//! - [`message`]: what is sent, in plain text, on its way into the sandbox;
//! - [`outcome`], [`failure`], [`fault`], [`delivery`]: the result of a send;
//! - [`metadata`], [`schema`], [`inspection`], [`parameter_fault`]: what a connector says about itself, validated;
//! - [`trace`], [`text`]: what people see of a call.
//!
//! Must not know: how connectors run (wasmtime, tokio), who sends (tenants), where anything is stored.

#![warn(missing_docs)]

pub mod delivery;
pub mod failure;
pub mod fault;
pub mod inspection;
pub mod message;
pub mod metadata;
pub mod outcome;
pub mod parameter_fault;
pub mod schema;
pub mod text;
pub mod trace;

pub use sendbox_policy::ContentKind;

pub use self::delivery::{DeliveryReport, DeliveryState, ReportRefusal};
pub use self::failure::{Failure, FailureClass, Party, RecordedFailure, RequestSent};
pub use self::fault::{ConnectorFault, HeldShape, MalformedRequest, NotDecodable, Violation, Void};
pub use self::inspection::{Digest, Inspection, Shape};
pub use self::message::{
    Attempt, Content, Message, NoRandomness, Recipient, TextEncoding, UnknownUsage, Usage, Variable,
};
pub use self::metadata::{Metadata, MetadataError, Validators};
pub use self::outcome::{Outcome, Price, Receipt};
pub use self::parameter_fault::{FaultKind, ParameterError, ParameterFault};
pub use self::text::is_hidden;
pub use self::trace::{LogLevel, MaskedRequest, ResourceUse, SealedOperation, TraceEvent, TraceKind};
