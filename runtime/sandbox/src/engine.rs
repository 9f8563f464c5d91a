//! The one place that builds a wasmtime configuration.
//!
//! Invariant: nothing else in the house names `wasmtime::Config`. The settings are those that won in `PERFORMANCE.md`,
//! and everything that a connector does not need is off.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sendbox_policy::Limits;
use wasmtime::{Config, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig};

/// One tick of the epoch clock. CPU budgets are counted in these.
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

/// Builds the engine.
pub(crate) fn engine(limits: &Limits, in_flight: u32, allocation: Allocation) -> wasmtime::Result<Engine> {
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
        .max_wasm_stack(limits.stack_bytes)
        .async_stack_size(limits.stack_bytes + HOST_STACK_BYTES)
        .memory_init_cow(true)
        .wasm_backtrace_max_frames(None)
        .cranelift_nan_canonicalization(true)
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

/// Advances the epoch of an engine every [`TICK`] for as long as it lives.
///
/// A thread of its own: a runtime that is busy, or blocked by a guest, must not stop the clock that ends the guest.
pub(crate) struct Ticker {
    stop: Arc<AtomicBool>,
}

impl Ticker {
    pub(crate) fn start(engine: &Engine) -> std::io::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let weak = engine.weak();
        std::thread::Builder::new().name("sendbox-epoch".into()).spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                std::thread::sleep(TICK);
                let Some(engine) = weak.upgrade() else { return };
                engine.increment_epoch();
            }
        })?;
        Ok(Self { stop })
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}
