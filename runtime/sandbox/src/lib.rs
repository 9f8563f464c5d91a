//! Runs one call of one connector safely.
//!
//! A connector is a WebAssembly component that nobody trusts. It gets a message that it cannot read, puts a request
//! together from sealed values, and hands it to the host, which judges it and lets it out. Every call gets a fresh
//! instance, and nothing of it is used again.
//!
//! The way of a send through this crate:
//! [`Sandbox::send`] → permit ([`Sandbox`] has a fixed number of places) → instance ([`engine`], [`call`]) → host
//! interfaces ([`host`]) → [`egress`] → provider, and an [`Outcome`] comes back.
//!
//! This crate is a library that others embed. It must not know tenants, HTTP APIs or databases: whose send it is, is a
//! text to it ([`SendRequest::owner`]).
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
//! // The tenant's parameters, checked against the connector's schema; and what the connector may reach with them.
//! let parameters = connector.parameters(&serde_json::json!({
//!     "accountSID": "AC00000000000000000000000000000000",
//!     "authToken": std::env::var("TWILIO_AUTH_TOKEN")?,
//!     "fromMessagingServiceSID": "MG00000000000000000000000000000000",
//! }))?;
//! let grant = connector.grant(&parameters, &OperatorPolicy::default(), &TenantGrant::default())?;
//!
//! let report = sandbox
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
//!                 code: "123456".to_owned().into(),
//!                 lifetime_seconds: 600,
//!                 client_ip: None,
//!                 idempotency_key: "one-of-a-kind".into(),
//!                 attempt: Attempt::first()?,
//!             },
//!             pinned: None,
//!             dry_run: None,
//!             withdrawn: None,
//!         },
//!     )
//!     .await;
//! match report.outcome {
//!     Outcome::Accepted(receipt) => println!("accepted as {:?}", receipt.message_id),
//!     Outcome::Failed(failure) => eprintln!("{failure}; {}", failure.class.advice()),
//!     Outcome::NotSentDryRun => {}
//! }
//! # Ok(())
//! # }
//! ```

#![warn(missing_docs)]

mod abi;
mod artifact;
mod call;
mod connector;
mod digits;
mod egress;
mod engine;
mod host;
mod jwt;
mod parameters;
mod report;
mod sealed;
mod send;
mod shapes;
mod trace;

use std::path::PathBuf;
use std::sync::Arc;

pub use sendbox_contract::{
    Attempt, ConnectorFault, Content, ContentKind, DeliveryReport, DeliveryState, Digest, Failure, FailureClass,
    FaultKind, HeldShape, Inspection, LogLevel, MalformedRequest, MaskedRequest, Message, Metadata, MetadataError,
    NoRandomness, Outcome, ParameterError, ParameterFault, Party, Price, Receipt, Recipient, RecordedFailure,
    ReportRefusal, RequestSent, ResourceUse, SealedOperation, Shape, TextEncoding, TraceEvent, TraceKind, UnknownUsage,
    Usage, Validators, Variable, Violation,
};
pub use sendbox_policy as policy;
use sendbox_policy::{AddressPolicy, Limits};
use tokio::sync::Semaphore;
use wasmtime::Engine;
use wasmtime::component::Linker;

pub use self::artifact::ArtifactError;
use self::artifact::cache::Cache;
pub use self::artifact::cache::CacheError;
use self::artifact::compile::Workshop;
pub use self::artifact::compile::child::compile_child;
pub use self::artifact::compile::confine::{ConfineError, confine};
pub use self::artifact::compile::{ChildCompiler, CompileLimits, Compiler, LoadStep};
use self::call::CallState;
pub use self::call::{DryRun, RequestRecord};
pub use self::connector::{Connector, LoadError};
use self::egress::Egress;
pub use self::egress::TrustError;
pub use self::egress::dns::{Answers, Resolve, ResolveError, SystemResolver};
pub use self::egress::permit::ClearRequest;
pub use self::engine::Allocation;
use self::engine::Ticker;
pub use self::parameters::{Parameters, SECRET_BYTES};
pub use self::report::Callback;
pub use self::send::{ReportError, SendReport, SendRequest};
pub use self::shapes::{Rehearsal, RehearsalError, RehearsedTemplate};

/// How a sandbox is set up. What the operator says once.
#[derive(Clone, Debug)]
pub struct SandboxConfig {
    /// Bounds on every call.
    pub limits: Limits,
    /// Calls at once. Each has a place in the pool; further ones wait in line.
    pub in_flight: u32,
    /// Where files are compiled.
    pub compiler: Compiler,
    /// Where compiled components are kept. `None` compiles at every start.
    pub cache: Option<PathBuf>,
    /// Which addresses may be dialled.
    pub addresses: AddressPolicy,
    /// Certificate authorities beside the public ones, DER.
    pub extra_authorities: Vec<Vec<u8>>,
    /// Who resolves names. `None` for the machine's name servers.
    pub resolver: Option<Arc<dyn Resolve>>,
    /// How instances get their memory.
    pub allocation: Allocation,
}

impl Default for SandboxConfig {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            in_flight: 64,
            compiler: Compiler::InThisProcess,
            cache: None,
            addresses: AddressPolicy::default(),
            extra_authorities: Vec::new(),
            resolver: None,
            allocation: Allocation::PoolTuned,
        }
    }
}

/// A sandbox cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// The machine refuses the engine: usually too little address space for the pool.
    #[error("the WebAssembly engine cannot start: {0}. With little address space, lower `in_flight`")]
    Engine(String),
    /// The clock thread cannot start.
    #[error("the clock that bounds CPU cannot start: {0}")]
    Clock(#[from] std::io::Error),
    /// The cache folder.
    #[error(transparent)]
    Cache(#[from] CacheError),
    /// The certificate authorities.
    #[error(transparent)]
    Trust(#[from] TrustError),
}

/// Loads connectors and runs their calls. One serves all tenants of a process; cheap to share in an `Arc`.
pub struct Sandbox {
    engine: Engine,
    linker: Linker<CallState>,
    limits: Arc<Limits>,
    egress: Arc<Egress>,
    workshop: Workshop,
    places: Arc<Semaphore>,
    in_flight: usize,
    _ticker: Ticker,
}

impl Sandbox {
    /// Builds the engine, the pool and the one way out.
    ///
    /// # Errors
    /// When the machine refuses the pool, the cache folder is open to others or not this user's, or an authority is malformed.
    pub fn new(config: SandboxConfig) -> Result<Self, SandboxError> {
        let failed = |error: wasmtime::Error| SandboxError::Engine(format!("{error:#}"));
        let in_flight = config.in_flight.max(1);
        let engine = engine::engine(&config.limits, in_flight, config.allocation).map_err(failed)?;
        let mut linker = Linker::new(&engine);
        host::wasi::add_to_linker(&mut linker).map_err(failed)?;
        abi::add_to_linker(&mut linker).map_err(failed)?;
        let cache = config.cache.as_deref().map(|folder| Cache::open(folder, &engine)).transpose()?;
        let resolver = config.resolver.unwrap_or_else(|| Arc::new(SystemResolver::default()));
        let egress = Egress::new(resolver, config.addresses, &config.extra_authorities)?;
        let ticker = Ticker::start(&engine)?;
        let limits = Arc::new(config.limits);
        Ok(Self {
            workshop: Workshop::new(config.compiler, engine.clone(), Arc::clone(&limits), cache),
            engine,
            linker,
            limits,
            egress: Arc::new(egress),
            places: Arc::new(Semaphore::new(in_flight as usize)),
            in_flight: in_flight as usize,
            _ticker: ticker,
        })
    }

    /// The bounds on every call.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Calls at once.
    pub fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// HTTP clients that are kept for further sends. What tests look at.
    #[doc(hidden)]
    pub fn http_clients(&self) -> usize {
        self.egress.clients_kept()
    }
}
