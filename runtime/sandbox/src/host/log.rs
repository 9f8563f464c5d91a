//! `log`: bounded, escaped, scrubbed.

use sendbox_contract::text::one_line;
use sendbox_contract::{LogLevel, TraceKind};
use wasmtime::component::HasData;

use crate::call::CallState;
use crate::call::host_call::HostCall;
use crate::call::meter::LogDecision;

/// What `log` may access of a call.
pub(crate) struct LogView<'a> {
    call: HostCall<'a>,
}

/// Provides the view for `log`.
pub(crate) struct Log;

impl HasData for Log {
    type Data<'a> = LogView<'a>;
}

impl CallState {
    pub(crate) fn log(&mut self) -> LogView<'_> {
        let Self { phase, meter, trace, scrubber, .. } = self;
        LogView { call: HostCall { phase: *phase, meter, trace, scrubber } }
    }
}

impl LogView<'_> {
    pub(crate) fn line(&mut self, level: LogLevel, message: &str) -> wasmtime::Result<()> {
        self.call.enter("log.log")?;
        self.keep(level, message);
        Ok(())
    }

    /// Keeps a line that the guest wrote with `log` or to standard error.
    pub(crate) fn keep(&mut self, level: LogLevel, message: &str) {
        match self.call.meter.log(message.len()) {
            LogDecision::Keep(room) => {
                let message = one_line(&self.call.scrubber.for_people(message), room);
                self.call.trace.push(TraceKind::Log { level, message });
            }
            LogDecision::Mark => self.call.trace.push(TraceKind::LogTruncated),
            LogDecision::Drop => {}
        }
    }
}
