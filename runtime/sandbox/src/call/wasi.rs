//! The WASI context of a call: frozen clocks, random numbers from the host, a bounded standard error.
//!
//! A running clock would let a guest time the host's work on sealed values, so clocks show the start of the attempt during the
//! whole call. Random numbers follow from the nonce of the attempt, which the guest knows anyway, so that the same inputs give the
//! same requests. The context is created on first use; most connectors never need it.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use sendbox_contract::Message;
use sendbox_policy::Limits;
use sha2::{Digest as _, Sha256};
use tokio::io::AsyncWrite;
use wasmtime::component::ResourceTable;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};
use wasmtime_wasi::{HostMonotonicClock, HostWallClock, WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};

use super::host_call::Phase;

/// The wall clock in milliseconds, which is the same throughout a call. No time passes on the monotonic clock.
#[derive(Clone)]
struct FrozenClock {
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

/// The WASI context of a call, created on first use, and WASI's own resources (pollables, streams).
pub(crate) struct LazyWasi {
    clock: FrozenClock,
    context: Option<Box<WasiCtx>>,
    /// Separate from the sealed values, and with the same maximum number of handles.
    pub(crate) table: ResourceTable,
    random_bytes: u64,
    phase: Phase,
    /// Has the nonce of the attempt. `None` outside of sends.
    message: Option<Arc<Message>>,
    stderr: Stderr,
}

impl LazyWasi {
    /// `now_ms` is the time that the guest sees.
    pub(crate) fn new(phase: Phase, limits: &Limits, now_ms: u64, message: Option<Arc<Message>>) -> Self {
        let mut table = ResourceTable::new();
        table.set_max_capacity(limits.handles);
        Self {
            clock: FrozenClock { wall_ms: now_ms },
            context: None,
            table,
            random_bytes: limits.random_bytes as u64,
            phase,
            message,
            stderr: Stderr { kept: Arc::default(), room: limits.log_bytes },
        }
    }

    #[cfg(test)]
    pub(crate) fn write_to_stderr(&self, bytes: &[u8]) {
        self.stderr.keep(bytes);
    }

    /// What the guest wrote to standard error and standard output, up to the log limit.
    pub(crate) fn written(&self) -> String {
        let kept = self.stderr.kept.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        String::from_utf8_lossy(&kept).into_owned()
    }
}

impl WasiView for LazyWasi {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        let ctx = self.context.get_or_insert_with(|| {
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
            if let Some(message) = &self.message {
                let mut random = StdRng::from_seed(Sha256::digest(&message.attempt.nonce).into());
                builder
                    .insecure_random_seed(u128::from(random.next_u64()))
                    .insecure_random(random.fork())
                    .secure_random(random);
            }
            Box::new(builder.build())
        });
        WasiCtxView { ctx, table: &mut self.table }
    }
}

/// Accepts everything, keeps a bounded part, and never makes the guest wait.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_to_standard_error_and_output_is_bounded_together() {
        let limits = Limits { log_bytes: 10, ..Limits::default() };
        let wasi = LazyWasi::new(Phase::Send, &limits, 0, None);
        let mut streams = [wasi.stderr.p2_stream(), wasi.stderr.p2_stream()];
        for (stream, bytes) in [(0, &b"0123456"[..]), (1, b"789"), (0, b"a"), (1, &[b'b'; 4096])] {
            streams[stream].write(Bytes::copy_from_slice(bytes)).unwrap();
        }
        assert_eq!(wasi.written(), "0123456789");
    }

    #[test]
    fn a_guest_holds_so_many_of_wasis_resources_and_no_more() {
        let limits = Limits { handles: 3, ..Limits::default() };
        let mut wasi = LazyWasi::new(Phase::Send, &limits, 0, None);
        let table = wasi.ctx().table;
        let pushed = [(); 4].map(|()| table.push(()).is_ok());
        assert_eq!(pushed, [true, true, true, false]);
    }
}
