//! Runs one call of one connector safely.
//!
//! A connector is an untrusted WebAssembly component. It gets a message that it cannot read, builds a request to an SMS provider
//! from sealed values, and passes it to the host, which checks it and sends it. Every call gets a fresh instance, which is dropped
//! afterwards.
//!
//! How to embed it:
//! 1. [`Sandbox::new`] starts the engine, once per process.
//! 2. [`Sandbox::load`] turns a component file into a [`Connector`]. [`Connector::inspect`] shows what it asks for.
//! 3. [`Connector::parameters`] checks a tenant's parameters, and [`Connector::grant`] computes what the connector may reach.
//! 4. [`Sandbox::send`] sends a message and returns a [`SendResult`]. [`Sandbox::parse_report`] reads a provider's callback.
//! 5. [`Sandbox::rehearse`] finds the shapes of a version's requests. [`SendRequest::pinned`] restricts later requests to them.
//! 6. [`Sandbox::post`] sends a request of your own, such as a webhook, under the same rules.
//!
//! A failed send says who failed, what to do, and whether the message may have been sent ([`Failure`]). A [`SendResult`] contains
//! nothing sealed: numbers, codes, texts and credentials are masked.
//!
//! Internally, a send goes from `send` (a slot, one deadline) to `call` (the data and limits of one instance), `host` (the
//! interfaces that a guest can call, each on a narrow view of the call) and `egress` (the only way out).
//!
//! This crate must not know tenants, HTTP APIs or databases: to it, the owner of a send is just a text ([`SendRequest::owner`]).
//!
//! # Example
//!
//! ```no_run
//! use std::sync::Arc;
//! use sendbox_policy::{OperatorPolicy, TenantGrant};
//! use sendbox_sandbox::{
//!     Attempt, Content, Message, Outcome, Recipient, Sandbox, SandboxConfig, SendRequest, TextEncoding, Usage,
//! };
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let sandbox = Sandbox::new(SandboxConfig::default())?;
//! let connector = sandbox.load(&std::fs::read("twilio.wasm")?).await?;
//!
//! // The tenant's parameters, checked against the connector's schema, and what the connector may reach with them.
//! let parameters = connector.parameters(&serde_json::json!({
//!     "accountSID": "AC00000000000000000000000000000000",
//!     "authToken": std::env::var("TWILIO_AUTH_TOKEN")?,
//!     "fromMessagingServiceSID": "MG00000000000000000000000000000000",
//! }))?;
//! let grant = connector.grant(&parameters, &OperatorPolicy::default(), &TenantGrant::default())?;
//!
//! let result = sandbox
//!     .send(
//!         &connector,
//!         SendRequest {
//!             owner: "tenant-1".into(),
//!             parameters: Arc::new(parameters),
//!             grant: Arc::new(grant),
//!             message: Message {
//!                 recipient: Recipient {
//!                     e164: "+4512345678".to_owned().into(),
//!                     national: "12345678".to_owned().into(),
//!                     country: Some("DK".into()),
//!                     calling_code: "45".into(),
//!                 },
//!                 usage: Usage::SignIn,
//!                 locale: None,
//!                 content: Content::Text {
//!                     text: "Your code is 123456".to_owned().into(),
//!                     encoding: TextEncoding::Gsm7,
//!                     segments: 1,
//!                     units: 19,
//!                 },
//!                 code: Some("123456".to_owned().into()),
//!                 lifetime_seconds: 600,
//!                 client_ip: None,
//!                 idempotency_key: "one-of-a-kind".into(),
//!                 attempt: Attempt::first()?,
//!             },
//!             pinned: None,
//!             dry_run: None,
//!             withdrawn: None,
//!             revocation: None,
//!         },
//!     )
//!     .await;
//! match result.outcome {
//!     Outcome::Accepted(receipt) => println!("accepted as {:?}", receipt.message_id),
//!     Outcome::Failed(failure) => eprintln!("{failure}; {}", failure.class.advice()),
//!     Outcome::NotSentDryRun => {}
//! }
//! # Ok(())
//! # }
//! ```

mod abi;
mod artifact;
mod call;
mod connector;
mod digits;
mod egress;
mod engine;
mod heavy_calls;
mod host;
mod jwt;
mod parameters;
mod parse_report;
mod post;
mod report;
mod sandbox;
mod sealed;
mod send;
mod shapes;
mod trace;

pub use sendbox_contract::{
    Attempt, ConnectorFault, Content, ContentKind, DeliveryReport, DeliveryState, Digest, Failure, FailureClass,
    FaultKind, HeldShape, Inspection, LogLevel, MalformedRequest, MaskedRequest, Message, Metadata, MetadataError,
    NoRandomness, Outcome, ParameterError, ParameterFault, Party, Price, Receipt, Recipient, RecordedFailure,
    ReportRefusal, RequestSent, ResourceUse, SealedOperation, Shape, TextEncoding, TraceEvent, TraceKind, UnknownUsage,
    Usage, Validators, Variable, Violation,
};
pub use sendbox_policy as policy;

pub use self::artifact::ArtifactError;
pub use self::artifact::cache::CacheError;
pub use self::artifact::compile::child::compile_child;
pub use self::artifact::compile::confine::{ConfineError, confine};
pub use self::artifact::compile::{ChildCompiler, CompileLimits, Compiler, LoadStep};
pub use self::call::outbound::{DryRun, RequestRecord};
pub use self::connector::{Connector, LoadError};
pub use self::egress::TrustError;
pub use self::egress::dns::{Answers, Resolve, ResolveError, SystemResolver};
pub use self::egress::permit::ClearRequest;
pub use self::egress::revocation::{MayLeave, Revocation};
pub use self::engine::Allocation;
pub use self::jwt::claims as jwt_claims;
pub use self::parameters::{Parameters, SECRET_BYTES};
pub use self::parse_report::CallbackError;
pub use self::post::{Post, PostError, PostResponse};
pub use self::report::Callback;
pub use self::sandbox::{Sandbox, SandboxConfig, SandboxError};
pub use self::send::{SendRequest, SendResult};
pub use self::shapes::{Rehearsal, RehearsalError, RehearsedTemplate};

#[cfg(test)]
mod fixture;
