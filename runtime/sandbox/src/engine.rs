//! The wasmtime configuration. No other file names `wasmtime::Config`.
//!
//! The settings are the fastest ones that were measured (`cargo bench -p sendbox-tests`), and everything that a connector does
//! not need is off.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, Thread};
use std::time::Duration;

use sendbox_policy::Limits;
use wasmtime::{Config, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig};

/// One tick of the epoch clock. At each, a guest that runs is held against its CPU budget.
pub(crate) const TICK: Duration = Duration::from_millis(1);

/// Host code (TLS, HTTP) runs on the fiber of the call above the guest's own stack.
const HOST_STACK_BYTES: usize = 1 << 20;

/// Core instances in one component: the toolchains make a main module, an adapter or two and small shims.
pub(crate) const MAX_CORE_INSTANCES: u32 = 16;
/// One memory of the connector's own.
pub(crate) const MAX_MEMORIES: u32 = 1;
/// The connector's own table and the shim's.
pub(crate) const MAX_TABLES: u32 = 2;
/// Elements in one table.
pub(crate) const MAX_TABLE_ELEMENTS: usize = 20_000;

/// How instances get their memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Allocation {
    /// Slots set aside at start, kept warm between sends. What production uses.
    PoolTuned,
    /// The pool with wasmtime's defaults, for the benchmark's comparison.
    PoolDefaults,
    /// Fresh mappings for every instance, for the benchmark's comparison.
    OnDemand,
}

/// What decides the machine code that comes out. Nothing in here depends on an operator's limits, so code from one process
/// fits every other one of the same build on the same machine; [`fingerprint`] tells.
fn settings() -> Config {
    let mut config = Config::new();
    config
        .wasm_component_model(true)
        // A synchronous world needs neither; `concurrency_support` alone costs a fifth of a send.
        .concurrency_support(false)
        .wasm_multi_memory(false)
        .wasm_memory64(false)
        .wasm_relaxed_simd(false)
        .wasm_tail_call(false)
        .epoch_interruption(true)
        .memory_init_cow(true)
        .wasm_backtrace_max_frames(None)
        .cranelift_nan_canonicalization(true);
    config
}

/// Builds the engine that runs connectors.
pub(crate) fn engine(limits: &Limits, in_flight: u32, allocation: Allocation) -> wasmtime::Result<Engine> {
    let mut config = settings();
    config
        .max_wasm_stack(limits.stack_bytes)
        .async_stack_size(limits.stack_bytes + HOST_STACK_BYTES)
        .parallel_compilation(true);
    match allocation {
        Allocation::OnDemand => {}
        Allocation::PoolDefaults => {
            config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool(limits, in_flight)));
        }
        Allocation::PoolTuned => {
            // With PAGEMAP_SCAN (Linux 6.7) the kernel says which pages a send dirtied, so only those are reset and no page
            // faults are left. Without it, keeping pages resident is worse than nothing: the plain pool serves instead.
            let mut tuned = pool(limits, in_flight);
            tuned.pagemap_scan(Enabled::Yes).linear_memory_keep_resident(1 << 20).table_keep_resident(64 << 10);
            config.allocation_strategy(InstanceAllocationStrategy::Pooling(tuned));
            if let Ok(engine) = Engine::new(&config) {
                return Ok(engine);
            }
            config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool(limits, in_flight)));
        }
    }
    Engine::new(&config)
}

/// Builds an engine that only compiles, on the calling thread: no pool, hence no address space set aside, and no threads.
pub(crate) fn compiling_engine() -> wasmtime::Result<Engine> {
    let mut config = settings();
    config.parallel_compilation(false);
    Engine::new(&config)
}

/// Engines with the same fingerprint run each other's code. It covers the version of wasmtime, the settings and the CPU.
pub(crate) fn fingerprint(engine: &Engine) -> String {
    let mut hasher = DefaultHasher::new();
    engine.precompile_compatibility_hash().hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

fn pool(limits: &Limits, in_flight: u32) -> PoolingAllocationConfig {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(in_flight)
        .total_core_instances(in_flight * MAX_CORE_INSTANCES)
        .total_memories(in_flight * MAX_MEMORIES)
        .total_tables(in_flight * MAX_TABLES)
        .total_stacks(in_flight)
        .max_core_instances_per_component(MAX_CORE_INSTANCES)
        .max_memories_per_component(MAX_MEMORIES)
        .max_memories_per_module(MAX_MEMORIES)
        .max_tables_per_component(MAX_TABLES)
        .max_tables_per_module(1)
        .table_elements(MAX_TABLE_ELEMENTS)
        .max_memory_size(limits.memory_bytes)
        .max_component_instance_size(1 << 20)
        .max_core_instance_size(1 << 20);
    pool
}

/// Advances the epoch of an engine every [`TICK`] while a guest runs. Without one it sleeps, and costs nothing.
///
/// A thread of its own: a runtime that is busy, or blocked by a guest, must not stop the clock that ends the guest.
pub(crate) struct Ticker {
    state: Arc<TickerState>,
    thread: Thread,
}

#[derive(Default)]
struct TickerState {
    /// Calls that are running.
    running: AtomicUsize,
    stopped: AtomicBool,
}

/// What the thread does next.
#[derive(Debug, PartialEq, Eq)]
enum Next {
    Tick,
    Sleep,
    Stop,
}

impl TickerState {
    fn next(&self) -> Next {
        if self.stopped.load(Ordering::Acquire) {
            Next::Stop
        } else if self.running.load(Ordering::Acquire) == 0 {
            Next::Sleep
        } else {
            Next::Tick
        }
    }
}

impl Ticker {
    pub(crate) fn start(engine: &Engine) -> std::io::Result<Self> {
        let state = Arc::new(TickerState::default());
        let shared = Arc::clone(&state);
        let weak = engine.weak();
        let thread = thread::Builder::new().name("sendbox-epoch".into()).spawn(move || {
            loop {
                match shared.next() {
                    Next::Stop => return,
                    // Whoever begins a call after the look above has left a token, with which this returns at once.
                    Next::Sleep => thread::park(),
                    Next::Tick => {
                        thread::sleep(TICK);
                        let Some(engine) = weak.upgrade() else { return };
                        engine.increment_epoch();
                    }
                }
            }
        })?;
        Ok(Self { state, thread: thread.thread().clone() })
    }

    /// Keeps the clock running until the result is dropped.
    pub(crate) fn keep_running(&self) -> RunningCall<'_> {
        if self.state.running.fetch_add(1, Ordering::AcqRel) == 0 {
            self.thread.unpark();
        }
        RunningCall(&self.state)
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.state.stopped.store(true, Ordering::Release);
        self.thread.unpark();
    }
}

/// A call for which the clock runs.
pub(crate) struct RunningCall<'t>(&'t TickerState);

impl Drop for RunningCall<'_> {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the compiler's child makes must fit the engine that runs it, whatever the operator has set.
    #[test]
    fn the_compiling_engine_fits_every_engine() {
        let compiling = fingerprint(&compiling_engine().unwrap());
        let other = Limits { memory_bytes: 64 << 20, stack_bytes: 128 << 10, ..Limits::default() };
        for limits in [Limits::default(), other] {
            for allocation in [Allocation::PoolTuned, Allocation::PoolDefaults, Allocation::OnDemand] {
                let engine = engine(&limits, 2, allocation).unwrap();
                assert_eq!(fingerprint(&engine), compiling, "{allocation:?}, {} bytes", limits.memory_bytes);
            }
        }
    }

    #[test]
    fn the_clock_runs_as_long_as_any_call_and_then_sleeps() {
        let ticker = Ticker::start(&compiling_engine().unwrap()).unwrap();
        let state = Arc::clone(&ticker.state);
        assert_eq!(state.next(), Next::Sleep);
        let first = ticker.keep_running();
        let second = ticker.keep_running();
        drop(first);
        assert_eq!(state.next(), Next::Tick);
        drop(second);
        assert_eq!(state.next(), Next::Sleep);
        drop(ticker);
        assert_eq!(state.next(), Next::Stop);
    }

    /// The fingerprint is not a constant: other settings have another one.
    #[test]
    fn other_settings_have_another_fingerprint() {
        let mut config = settings();
        config.epoch_interruption(false);
        let other = Engine::new(&config).unwrap();
        assert_ne!(fingerprint(&other), fingerprint(&compiling_engine().unwrap()));
    }
}
