//! The signals that stop a command gracefully: SIGTERM, SIGINT (Ctrl-C), and SIGHUP when its terminal is closed.

use std::fs;
use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// A signal to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopSignal {
    /// SIGTERM or SIGHUP.
    Terminate,
    /// SIGINT.
    Interrupt,
}

/// Receives the signals. Once it exists, the signals no longer end the process on their own.
pub struct StopSignals {
    terminate: Signal,
    interrupt: Signal,
    /// `None` if the process was started to survive its terminal, as by `nohup`.
    hangup: Option<Signal>,
}

impl StopSignals {
    /// Begins to receive them.
    pub fn new() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: if ignores_hangup() { None } else { Some(signal(SignalKind::hangup())?) },
        })
    }

    /// Waits for the next one.
    pub async fn recv(&mut self) -> StopSignal {
        let Self { terminate, interrupt, hangup } = self;
        let hangup = async {
            match hangup {
                Some(hangup) => hangup.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = terminate.recv() => StopSignal::Terminate,
            _ = interrupt.recv() => StopSignal::Interrupt,
            _ = hangup => StopSignal::Terminate,
        }
    }
}

/// Whether the process ignores SIGHUP, which it can only have inherited. Where the system does not say, it does not.
fn ignores_hangup() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    status
        .lines()
        .find_map(|line| line.strip_prefix("SigIgn:"))
        .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        // Signal 1 is the lowest bit.
        .is_some_and(|mask| mask & 1 == 1)
}
