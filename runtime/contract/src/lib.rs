//! The plain types of the connector contract and of a send, for everything that speaks of one: the sandbox that runs it, the
//! rules that decide what follows, the store that keeps it.
//!
//! - [`message`]: what is sent, in clear, on its way into the sandbox;
//! - [`outcome`], [`failure`], [`fault`], [`delivery`]: what became of it;
//! - [`metadata`], [`schema`], [`inspection`], [`parameter_fault`]: what a connector says of itself, checked;
//! - [`trace`], [`text`]: what people are shown of a call.
//!
//! Must not know: how a connector is run (wasmtime, tokio), who sends (tenants), where anything is kept.

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
