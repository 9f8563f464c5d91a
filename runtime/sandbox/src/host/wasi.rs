//! The minimal WASI that toolchains pull in: clocks that stand still, random numbers from the host,
//! a bounded standard error, an empty environment. No files, no sockets, no HTTP.
//!
//! A clock that moves would let a guest time the host's work on sealed values, so it shows the time at which the attempt began
//! for as long as the call lasts. The context is made at the first call that needs it; most connectors never do.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use sendbox_policy::Limits;
use tokio::io::AsyncWrite;
use wasmtime::component::{HasData, Linker, Resource, ResourceTable};
use wasmtime_wasi::cli::{IsTerminal, StdoutStream, WasiCli, WasiCliView as _};
use wasmtime_wasi::clocks::{WasiClocks, WasiClocksView as _};
use wasmtime_wasi::p2::bindings::{cli, clocks, io, random};
use wasmtime_wasi::p2::{DynPollable, OutputStream, Pollable, StreamResult, subscribe};
use wasmtime_wasi::random::WasiRandom;
use wasmtime_wasi::{HostMonotonicClock, HostWallClock, WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};

use crate::call::{CallState, Phase};

/// Wall time in milliseconds, the same throughout a call. No time passes on the monotonic clock.
#[derive(Clone)]
pub(crate) struct FrozenClock {
    wall_ms: u64,
}

impl HostWallClock for FrozenClock {
    fn resolution(&self) -> Duration {
        Duration::from_millis(1)
    }

    fn now(&self) -> Duration {
        Duration::from_millis(self.wall_ms)
    }
}

impl HostMonotonicClock for FrozenClock {
    fn resolution(&self) -> u64 {
        1_000_000
    }

    fn now(&self) -> u64 {
        0
    }
}

/// The WASI context of a call, made when it is first needed.
pub(crate) struct LazyWasi {
    clock: FrozenClock,
    context: Option<Box<WasiCtx>>,
    random_bytes: u64,
    phase: Phase,
    stderr: Stderr,
}

impl LazyWasi {
    /// `now_ms` is the time that the guest sees.
    pub(crate) fn new(phase: Phase, limits: &Limits, now_ms: u64) -> Self {
        Self {
            clock: FrozenClock { wall_ms: now_ms },
            context: None,
            random_bytes: limits.random_bytes as u64,
            phase,
            stderr: Stderr { kept: Arc::default(), room: limits.log_bytes },
        }
    }

    fn context(&mut self) -> &mut WasiCtx {
        self.context.get_or_insert_with(|| {
            let mut builder = WasiCtxBuilder::new();
            builder
                .wall_clock(self.clock.clone())
                .monotonic_clock(self.clock.clone())
                .max_random_size(self.random_bytes)
                .allow_tcp(false)
                .allow_udp(false)
                .allow_ip_name_lookup(false)
                .stdout(self.stderr.clone())
                .stderr(self.stderr.clone());
            if self.phase == Phase::Metadata {
                builder.insecure_random_seed(0);
            }
            Box::new(builder.build())
        })
    }

    /// What the guest wrote to standard error and output, at most the log's bytes.
    pub(crate) fn written(&self) -> String {
        let kept = self.stderr.kept.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        String::from_utf8_lossy(&kept).into_owned()
    }
}

impl WasiView for CallState {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: self.wasi.context(), table: &mut self.table }
    }
}

/// Takes everything, keeps a bounded part, never makes the guest wait.
#[derive(Clone)]
struct Stderr {
    kept: Arc<std::sync::Mutex<Vec<u8>>>,
    room: usize,
}

impl Stderr {
    fn keep(&self, bytes: &[u8]) {
        let mut kept = self.kept.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let room = self.room.saturating_sub(kept.len());
        kept.extend(bytes.iter().take(room));
    }
}

impl IsTerminal for Stderr {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Stderr {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(tokio::io::sink())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

impl OutputStream for Stderr {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.keep(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(4096)
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for Stderr {
    async fn ready(&mut self) {}
}

/// The monotonic clock: no time passes on it, and a timer has rung as soon as it is asked for. One that rang later would let
/// a guest measure how long an operation on a sealed value took.
struct StillTime<'a>(&'a mut ResourceTable);

struct HasStillTime;

impl HasData for HasStillTime {
    type Data<'a> = StillTime<'a>;
}

impl clocks::monotonic_clock::Host for StillTime<'_> {
    fn now(&mut self) -> wasmtime::Result<u64> {
        Ok(0)
    }

    fn resolution(&mut self) -> wasmtime::Result<u64> {
        Ok(1_000_000)
    }

    fn subscribe_instant(&mut self, _when: u64) -> wasmtime::Result<Resource<DynPollable>> {
        self.rung()
    }

    fn subscribe_duration(&mut self, _duration: u64) -> wasmtime::Result<Resource<DynPollable>> {
        self.rung()
    }
}

impl StillTime<'_> {
    fn rung(&mut self) -> wasmtime::Result<Resource<DynPollable>> {
        let timer = self.0.push(Rung)?;
        subscribe(self.0, timer)
    }
}

/// A timer that has rung.
struct Rung;

#[wasmtime_wasi::async_trait]
impl Pollable for Rung {
    async fn ready(&mut self) {
        // A guest that polls in a loop must not keep the worker to itself.
        tokio::task::yield_now().await;
    }
}

struct HasIo;

impl HasData for HasIo {
    type Data<'a> = &'a mut ResourceTable;
}

/// The interfaces that are linked. Any other import of a component is refused at inspection.
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
    io::error::add_to_linker::<CallState, HasIo>(linker, |state| state.ctx().table)?;
    io::poll::add_to_linker::<CallState, HasIo>(linker, |state| state.ctx().table)?;
    io::streams::add_to_linker::<CallState, HasIo>(linker, |state| state.ctx().table)?;
    clocks::wall_clock::add_to_linker::<CallState, WasiClocks>(linker, CallState::clocks)?;
    clocks::monotonic_clock::add_to_linker::<CallState, HasStillTime>(linker, |state| StillTime(&mut state.table))?;
    random::random::add_to_linker::<CallState, WasiRandom>(linker, |state| state.ctx().ctx.random())?;
    random::insecure::add_to_linker::<CallState, WasiRandom>(linker, |state| state.ctx().ctx.random())?;
    random::insecure_seed::add_to_linker::<CallState, WasiRandom>(linker, |state| state.ctx().ctx.random())?;
    cli::exit::add_to_linker::<CallState, WasiCli>(linker, CallState::cli)?;
    cli::environment::add_to_linker::<CallState, WasiCli>(linker, CallState::cli)?;
    cli::stdin::add_to_linker::<CallState, WasiCli>(linker, CallState::cli)?;
    cli::stdout::add_to_linker::<CallState, WasiCli>(linker, CallState::cli)?;
    cli::stderr::add_to_linker::<CallState, WasiCli>(linker, CallState::cli)?;
    cli::terminal_input::add_to_linker::<CallState, WasiCli>(linker, CallState::cli)?;
    cli::terminal_output::add_to_linker::<CallState, WasiCli>(linker, CallState::cli)?;
    cli::terminal_stdin::add_to_linker::<CallState, WasiCli>(linker, CallState::cli)?;
    cli::terminal_stdout::add_to_linker::<CallState, WasiCli>(linker, CallState::cli)?;
    cli::terminal_stderr::add_to_linker::<CallState, WasiCli>(linker, CallState::cli)?;
    Ok(())
}
