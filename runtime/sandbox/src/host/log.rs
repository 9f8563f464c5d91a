//! `log`: bounded, escaped, scrubbed.

use sendbox_contract::text::one_line;
use sendbox_contract::{LogLevel, TraceKind};

use crate::call::CallState;
use crate::call::meter::LogRoom;

impl CallState {
    pub(crate) fn log_line(&mut self, level: LogLevel, message: &str) -> wasmtime::Result<()> {
        self.enter("log.log")?;
        self.keep_line(level, message);
        Ok(())
    }

    /// Keeps a line that the guest wrote, by `log` or to standard error.
    pub(crate) fn keep_line(&mut self, level: LogLevel, message: &str) {
        match self.meter.log(message.len()) {
            LogRoom::Keep(room) => {
                let message = one_line(&self.for_people(message), room);
                self.trace.push(TraceKind::Log { level, message });
            }
            LogRoom::Mark => self.trace.push(TraceKind::LogTruncated),
            LogRoom::Drop => {}
        }
    }
}
