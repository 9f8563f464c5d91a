//! The end that comes in any case: a process that was told to stop has ended after [`WITHIN`], whatever holds it.
//!
//! Stopping in order needs threads that are free, a store that answers and a terminal that takes what is logged. Whoever started
//! the process counts on its end all the same. So a thread of its own, which shares nothing with the others, waits for the same
//! signals, and ends the process when the time is up. Everything that was accepted is on record by then, and the next start goes
//! on with it; a crash costs no more.

use std::io;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};

use crate::exit::Exit;

/// From the signal to the end.
pub const WITHIN: Duration = Duration::from_secs(19);
/// How long the last line may take: whoever reads the log may be what holds the process.
const LAST_LINE: Duration = Duration::from_millis(300);

/// From now on SIGTERM and SIGINT end the process [`WITHIN`] their time. `left` says then what was not ended.
pub fn arm(left: impl Fn() -> String + Send + 'static) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut signals = {
        let _within = runtime.enter();
        (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?)
    };
    thread::Builder::new().name("sendbox-stop".into()).spawn(move || {
        runtime.block_on(async {
            tokio::select! {
                _ = signals.0.recv() => {}
                _ = signals.1.recv() => {}
            }
        });
        thread::sleep(WITHIN);
        let (said, heard) = mpsc::channel();
        let line = move || {
            let seconds = WITHIN.as_secs();
            tracing::error!(seconds, left = left(), "stopping took too long; ended without waiting any longer");
            said.send(()).ok();
        };
        if thread::Builder::new().spawn(line).is_ok() {
            heard.recv_timeout(LAST_LINE).ok();
        }
        std::process::exit(Exit::Internal.code().into());
    })?;
    Ok(())
}
