//! A hard limit for the shutdown: the process exits [`WITHIN`] of the signal to stop, even if it hangs.
//!
//! A graceful shutdown needs free threads, a database that responds and a reader of the log. A supervisor needs the process to
//! exit in any case. So a separate thread, which shares nothing with the others, waits for the same signals and exits the process
//! when the time is up. Everything that was accepted is stored by then, and the next start continues with it, as after a crash.

use std::io;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use crate::exit::Exit;
use crate::stop_signals::StopSignals;

/// Time from the signal to the exit.
pub const WITHIN: Duration = Duration::from_secs(19);
/// Time limit for the last log line: a blocked reader of the log may be why the process hangs.
const LAST_LINE: Duration = Duration::from_millis(300);

/// Starts the thread. `left` describes for the log what had not ended.
pub fn arm(left: impl Fn() -> String + Send + 'static) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut signals = {
        let _within = runtime.enter();
        StopSignals::new()?
    };
    thread::Builder::new().name("sendbox-stop".into()).spawn(move || {
        runtime.block_on(signals.recv());
        thread::sleep(WITHIN);
        let (sender, logged) = mpsc::channel();
        let line = move || {
            let seconds = WITHIN.as_secs();
            tracing::error!(seconds, left = left(), "the shutdown took too long; exiting without waiting any longer");
            sender.send(()).ok();
        };
        if thread::Builder::new().spawn(line).is_ok() {
            logged.recv_timeout(LAST_LINE).ok();
        }
        std::process::exit(Exit::Internal.code().into());
    })?;
    Ok(())
}
