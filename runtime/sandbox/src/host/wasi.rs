//! The minimal WASI that toolchains require: frozen clocks, random numbers from the host, a bounded standard error, an empty
//! environment. No files, no sockets, no HTTP.
//!
//! Its context is [`LazyWasi`](crate::call::wasi::LazyWasi), and no WASI interface reaches anything else of a call.

use wasmtime::component::{HasData, Linker, Resource, ResourceTable};
use wasmtime_wasi::WasiView as _;
use wasmtime_wasi::cli::{WasiCli, WasiCliView as _};
use wasmtime_wasi::clocks::{WasiClocks, WasiClocksView as _};
use wasmtime_wasi::p2::bindings::{cli, clocks, io, random};
use wasmtime_wasi::p2::{DynPollable, Pollable, subscribe};
use wasmtime_wasi::random::WasiRandom;

use crate::call::CallState;

/// The monotonic clock: no time passes on it, and a timer has elapsed as soon as it is created. One that elapsed later would let a
/// guest measure how long an operation on a sealed value took.
struct FrozenTime<'a>(&'a mut ResourceTable);

struct HasFrozenTime;

impl HasData for HasFrozenTime {
    type Data<'a> = FrozenTime<'a>;
}

impl clocks::monotonic_clock::Host for FrozenTime<'_> {
    fn now(&mut self) -> wasmtime::Result<u64> {
        Ok(0)
    }

    fn resolution(&mut self) -> wasmtime::Result<u64> {
        Ok(1_000_000)
    }

    fn subscribe_instant(&mut self, _when: u64) -> wasmtime::Result<Resource<DynPollable>> {
        self.elapsed_timer()
    }

    fn subscribe_duration(&mut self, _duration: u64) -> wasmtime::Result<Resource<DynPollable>> {
        self.elapsed_timer()
    }
}

impl FrozenTime<'_> {
    fn elapsed_timer(&mut self) -> wasmtime::Result<Resource<DynPollable>> {
        let timer = self.0.push(ElapsedTimer)?;
        subscribe(self.0, timer)
    }
}

/// A timer that has elapsed.
struct ElapsedTimer;

#[wasmtime_wasi::async_trait]
impl Pollable for ElapsedTimer {
    async fn ready(&mut self) {
        // A guest that polls in a loop must not block the worker.
        tokio::task::yield_now().await;
    }
}

struct HasIo;

impl HasData for HasIo {
    type Data<'a> = &'a mut ResourceTable;
}

/// The linked interfaces. A component with any other import is refused at inspection.
pub(crate) const LINKED: [&str; 18] = [
    "wasi:io/error",
    "wasi:io/poll",
    "wasi:io/streams",
    "wasi:clocks/wall-clock",
    "wasi:clocks/monotonic-clock",
    "wasi:random/random",
    "wasi:random/insecure",
    "wasi:random/insecure-seed",
    "wasi:cli/environment",
    "wasi:cli/exit",
    "wasi:cli/stdin",
    "wasi:cli/stdout",
    "wasi:cli/stderr",
    "wasi:cli/terminal-input",
    "wasi:cli/terminal-output",
    "wasi:cli/terminal-stdin",
    "wasi:cli/terminal-stdout",
    "wasi:cli/terminal-stderr",
];

/// Links the minimal WASI.
pub(crate) fn add_to_linker(linker: &mut Linker<CallState>) -> wasmtime::Result<()> {
    io::error::add_to_linker::<CallState, HasIo>(linker, |state| &mut state.wasi.table)?;
    io::poll::add_to_linker::<CallState, HasIo>(linker, |state| &mut state.wasi.table)?;
    io::streams::add_to_linker::<CallState, HasIo>(linker, |state| &mut state.wasi.table)?;
    clocks::wall_clock::add_to_linker::<CallState, WasiClocks>(linker, |state| state.wasi.clocks())?;
    clocks::monotonic_clock::add_to_linker::<CallState, HasFrozenTime>(linker, |state| {
        FrozenTime(&mut state.wasi.table)
    })?;
    random::random::add_to_linker::<CallState, WasiRandom>(linker, |state| state.wasi.ctx().ctx.random())?;
    random::insecure::add_to_linker::<CallState, WasiRandom>(linker, |state| state.wasi.ctx().ctx.random())?;
    random::insecure_seed::add_to_linker::<CallState, WasiRandom>(linker, |state| state.wasi.ctx().ctx.random())?;
    cli::exit::add_to_linker::<CallState, WasiCli>(linker, |state| state.wasi.cli())?;
    cli::environment::add_to_linker::<CallState, WasiCli>(linker, |state| state.wasi.cli())?;
    cli::stdin::add_to_linker::<CallState, WasiCli>(linker, |state| state.wasi.cli())?;
    cli::stdout::add_to_linker::<CallState, WasiCli>(linker, |state| state.wasi.cli())?;
    cli::stderr::add_to_linker::<CallState, WasiCli>(linker, |state| state.wasi.cli())?;
    cli::terminal_input::add_to_linker::<CallState, WasiCli>(linker, |state| state.wasi.cli())?;
    cli::terminal_output::add_to_linker::<CallState, WasiCli>(linker, |state| state.wasi.cli())?;
    cli::terminal_stdin::add_to_linker::<CallState, WasiCli>(linker, |state| state.wasi.cli())?;
    cli::terminal_stdout::add_to_linker::<CallState, WasiCli>(linker, |state| state.wasi.cli())?;
    cli::terminal_stderr::add_to_linker::<CallState, WasiCli>(linker, |state| state.wasi.cli())?;
    Ok(())
}
