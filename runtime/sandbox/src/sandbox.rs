//! The sandbox: what all calls of a process share, and its configuration.

use std::path::PathBuf;
use std::sync::Arc;

use sendbox_policy::{AddressPolicy, Limits};
use sendbox_slots::{Permit, Slots, TooManyWaiting, Waiting};
use wasmtime::Engine;
use wasmtime::component::Linker;

use crate::artifact::cache::{Cache, CacheError};
use crate::artifact::compile::{Compiler, ComponentLoader};
use crate::call::CallState;
use crate::egress::dns::{Resolve, SystemResolver};
use crate::egress::{Egress, TrustError};
use crate::engine::{Allocation, RunningCall, Ticker};
use crate::heavy_calls::HeavyCalls;
use crate::{abi, engine, host};

/// The configuration of a sandbox. The default suits a service that only sends to public hosts, but compiles files in its own
/// process: see [`Compiler`] before loading untrusted files.
#[derive(Clone, Debug)]
pub struct SandboxConfig {
    /// The limits of every call.
    pub limits: Limits,
    /// Maximum number of concurrent calls, at least 1. Memory for that many instances is reserved at start; further calls wait for
    /// a free one, for at most [`Limits::send_ms`].
    pub in_flight: u32,
    /// Where component files are compiled: in this process, or in a confined child.
    pub compiler: Compiler,
    /// A folder that only this user can access, for compiled components. With `None`, components are compiled at every start.
    pub cache: Option<PathBuf>,
    /// Which addresses may be dialled. By default, only public ones.
    pub addresses: AddressPolicy,
    /// Certificate authorities to trust in addition to the public ones, in DER format.
    pub extra_authorities: Vec<Vec<u8>>,
    /// Resolves host names. `None` uses the machine's name servers.
    pub resolver: Option<Arc<dyn Resolve>>,
    /// How instances get their memory. The alternatives are for benchmarks.
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

/// Why a sandbox cannot be created.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// The engine does not start, usually for lack of address space for the pool.
    #[error("the WebAssembly engine cannot start: {0}. With little address space, lower `in_flight`")]
    Engine(String),
    /// The clock's thread does not start.
    #[error("the clock that bounds CPU cannot start: {0}")]
    Clock(#[from] std::io::Error),
    /// The cache folder cannot be used.
    #[error(transparent)]
    Cache(#[from] CacheError),
    /// A certificate authority cannot be read.
    #[error(transparent)]
    Trust(#[from] TrustError),
}

/// Loads connectors and runs their calls. One sandbox serves a whole process; share it in an `Arc`.
///
/// [`load`](Self::load) turns a file into a [`Connector`](crate::Connector), [`send`](Self::send) sends a message with it,
/// [`parse_report`](Self::parse_report) lets it read a provider's callback, and [`rehearse`](Self::rehearse) finds the shapes of
/// its requests without sending any.
pub struct Sandbox {
    pub(crate) engine: Engine,
    pub(crate) linker: Linker<CallState>,
    pub(crate) limits: Arc<Limits>,
    pub(crate) egress: Arc<Egress>,
    /// For requests of the embedding program, with HTTP clients of its own.
    pub(crate) own_egress: Egress,
    pub(crate) loader: ComponentLoader,
    /// One permit for each instance of the pool.
    slots: Slots,
    in_flight: usize,
    ticker: Ticker,
    pub(crate) heavy_calls: HeavyCalls,
}

/// Room for one call. The clock that bounds CPU runs as long as it is held.
pub(crate) struct Slot<'s> {
    _permit: Permit,
    _running: RunningCall<'s>,
}

impl Sandbox {
    /// Starts the engine, its pool and its clock.
    ///
    /// # Errors
    /// If the machine has too little address space for the pool, the cache folder is accessible to others or belongs to another
    /// user, or an authority is malformed.
    pub fn new(config: SandboxConfig) -> Result<Self, SandboxError> {
        let failed = |error: wasmtime::Error| SandboxError::Engine(format!("{error:#}"));
        let in_flight = config.in_flight.max(1);
        let engine = engine::engine(&config.limits, in_flight, config.allocation).map_err(failed)?;
        let mut linker = Linker::new(&engine);
        host::wasi::add_to_linker(&mut linker).map_err(failed)?;
        abi::add_to_linker(&mut linker).map_err(failed)?;
        let cache = config.cache.as_deref().map(|folder| Cache::open(folder, &engine)).transpose()?;
        let resolver = config.resolver.unwrap_or_else(|| Arc::new(SystemResolver::default()));
        let own_egress = Egress::new(Arc::clone(&resolver), config.addresses.clone(), &config.extra_authorities)?;
        let egress = Egress::new(resolver, config.addresses, &config.extra_authorities)?;
        let ticker = Ticker::start(&engine)?;
        let limits = Arc::new(config.limits);
        Ok(Self {
            loader: ComponentLoader::new(config.compiler, engine.clone(), Arc::clone(&limits), cache),
            engine,
            linker,
            limits,
            egress: Arc::new(egress),
            own_egress,
            slots: Slots::new(in_flight as usize),
            in_flight: in_flight as usize,
            ticker,
            heavy_calls: HeavyCalls::default(),
        })
    }

    /// Waits for room for a call of this owner.
    ///
    /// # Errors
    /// When too many calls are waiting.
    pub(crate) async fn slot(&self, owner: &str) -> Result<Slot<'_>, TooManyWaiting> {
        let permit = self.slots.acquire(owner, Waiting::Bounded).await?;
        Ok(Slot { _permit: permit, _running: self.ticker.keep_running() })
    }

    /// Whether a further send of this owner would be refused at once, because too many are waiting.
    pub fn is_busy_for(&self, owner: &str) -> bool {
        self.slots.is_full(owner)
    }

    /// The limits of every call.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// The maximum number of concurrent calls.
    pub fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// The number of HTTP clients that are kept for further sends. For tests.
    #[doc(hidden)]
    pub fn http_clients(&self) -> usize {
        self.egress.clients_kept()
    }
}
