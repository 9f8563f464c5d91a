//! What a call has used, and the limits that end it.

use std::sync::Arc;
use std::time::Duration;

use sendbox_contract::ConnectorFault;
use sendbox_policy::Limits;
use wasmtime::ResourceLimiter;

use super::cpu::CpuClock;
use crate::engine::{MAX_CORE_INSTANCES, MAX_MEMORIES, MAX_TABLE_ELEMENTS, MAX_TABLES};

/// Counts resources and enforces limits. Counts cannot be reduced from outside.
pub(crate) struct Meter {
    memory_limit: usize,
    host_call_limit: u64,
    sealed_limit: usize,
    request_limit: u32,
    log_line_limit: usize,
    log_byte_limit: usize,
    /// Over all memories: a component may have several, and each on its own would be within the limit.
    memory: usize,
    memory_peak: usize,
    table_elements: usize,
    /// The CPU time of the guest and of the host's work for it.
    cpu: Arc<CpuClock>,
    /// The CPU time when the guest last had to pause.
    cpu_at_pause: Duration,
    /// Whether the call moves to a thread of low priority when it has used much.
    moves: bool,
    host_calls: u64,
    sealed: usize,
    requests: u32,
    log_lines: usize,
    log_bytes: usize,
    log_truncated: bool,
}

/// What to do with a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LogDecision {
    /// Keep this many bytes of it.
    Keep(usize),
    /// Drop it, and leave a mark, because it is the first one.
    Mark,
    /// Drop it.
    Drop,
}

impl Meter {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            memory_limit: limits.memory_bytes,
            host_call_limit: limits.host_calls,
            sealed_limit: limits.sealed_bytes,
            request_limit: limits.requests,
            log_line_limit: limits.log_lines,
            log_byte_limit: limits.log_bytes,
            memory: 0,
            memory_peak: 0,
            table_elements: 0,
            cpu: CpuClock::new(),
            cpu_at_pause: Duration::ZERO,
            moves: false,
            host_calls: 0,
            sealed: 0,
            requests: 0,
            log_lines: 0,
            log_bytes: 0,
            log_truncated: false,
        }
    }

    pub(crate) fn cpu(&self) -> &Arc<CpuClock> {
        &self.cpu
    }

    /// The call moves to a thread of low priority when it has used much CPU time. So its guest does not pause.
    pub(crate) fn moves_when_heavy(&mut self) {
        self.moves = true;
    }

    pub(crate) fn moves(&self) -> bool {
        self.moves
    }

    /// Whether the guest, which has used `cpu`, has used `share` of CPU time since its last pause. If so, the next pause starts
    /// now.
    pub(crate) fn must_pause(&mut self, cpu: Duration, share: Duration) -> bool {
        let must = cpu.saturating_sub(self.cpu_at_pause) >= share;
        if must {
            self.cpu_at_pause = cpu;
        }
        must
    }

    /// Peak linear memory, in bytes.
    pub(crate) fn memory_peak(&self) -> usize {
        self.memory_peak
    }

    pub(crate) fn host_calls(&self) -> u64 {
        self.host_calls
    }

    /// The number of requests, including refused ones.
    pub(crate) fn requests(&self) -> u32 {
        self.requests
    }

    /// Counts a request. `false` if the limit is exceeded.
    pub(crate) fn request(&mut self) -> bool {
        self.requests = self.requests.saturating_add(1);
        self.requests <= self.request_limit
    }

    pub(crate) fn host_call(&mut self) -> Result<(), ConnectorFault> {
        self.host_calls += 1;
        if self.host_calls > self.host_call_limit {
            return Err(ConnectorFault::HostCalls { limit: self.host_call_limit });
        }
        Ok(())
    }

    /// Charges the bytes of a new sealed value.
    pub(crate) fn sealed(&mut self, bytes: usize) -> Result<(), ConnectorFault> {
        self.can_seal(bytes)?;
        self.sealed += bytes;
        Ok(())
    }

    /// Whether a new sealed value of this size would be within the limit.
    pub(crate) fn can_seal(&self, bytes: usize) -> Result<(), ConnectorFault> {
        if self.sealed.saturating_add(bytes) > self.sealed_limit {
            return Err(ConnectorFault::SealedBytes { limit_bytes: self.sealed_limit });
        }
        Ok(())
    }

    /// Counts a log line of `bytes`, and decides what to do with it.
    pub(crate) fn log(&mut self, bytes: usize) -> LogDecision {
        let left = self.log_byte_limit.saturating_sub(self.log_bytes);
        if self.log_lines < self.log_line_limit && left > 0 {
            self.log_lines += 1;
            self.log_bytes += bytes.min(left);
            return LogDecision::Keep(left);
        }
        if self.log_truncated {
            return LogDecision::Drop;
        }
        self.log_truncated = true;
        LogDecision::Mark
    }
}

impl ResourceLimiter for Meter {
    fn memory_growing(&mut self, current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        let after = self.memory.saturating_add(desired.saturating_sub(current));
        if after > self.memory_limit {
            return Err(ConnectorFault::Memory { limit_bytes: self.memory_limit }.into());
        }
        self.memory = after;
        self.memory_peak = self.memory_peak.max(after);
        Ok(true)
    }

    fn table_growing(&mut self, current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        let after = self.table_elements.saturating_add(desired.saturating_sub(current));
        if after > MAX_TABLE_ELEMENTS {
            return Err(ConnectorFault::Table { limit: MAX_TABLE_ELEMENTS }.into());
        }
        self.table_elements = after;
        Ok(true)
    }

    fn instances(&self) -> usize {
        MAX_CORE_INSTANCES as usize
    }

    fn tables(&self) -> usize {
        MAX_TABLES as usize
    }

    fn memories(&self) -> usize {
        MAX_MEMORIES as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_the_log_are_kept_until_their_number_or_their_bytes_are_used_up() {
        use LogDecision::{Drop, Keep, Mark};
        for (what, log_lines, log_bytes, lines, expected) in [
            ("within both", 3, 10, &[4, 5][..], &[Keep(10), Keep(6)][..]),
            ("one line too many", 2, 10, &[1, 1, 1, 1], &[Keep(10), Keep(9), Mark, Drop]),
            ("the last byte", 9, 10, &[4, 6, 1, 1], &[Keep(10), Keep(6), Mark, Drop]),
            ("a line that is cut", 9, 10, &[4, 60, 1], &[Keep(10), Keep(6), Mark]),
            ("an empty line where no byte is left", 9, 4, &[4, 0], &[Keep(4), Mark]),
        ] {
            let mut meter = Meter::new(&Limits { log_lines, log_bytes, ..Limits::default() });
            let kept: Vec<LogDecision> = lines.iter().map(|bytes| meter.log(*bytes)).collect();
            assert_eq!(kept, expected, "{what}");
        }
    }

    #[test]
    fn each_count_ends_at_its_limit() {
        let limits = Limits { host_calls: 2, requests: 2, sealed_bytes: 10, ..Limits::default() };
        let mut meter = Meter::new(&limits);
        assert_eq!([(); 3].map(|()| meter.host_call().is_ok()), [true, true, false]);
        assert_eq!([(); 3].map(|()| meter.request()), [true, true, false]);
        assert_eq!((meter.host_calls(), meter.requests()), (3, 3));
        assert!(meter.can_seal(10).is_ok() && meter.sealed(6).is_ok());
        let fault = ConnectorFault::SealedBytes { limit_bytes: 10 };
        for bytes in [5, usize::MAX] {
            assert_eq!((meter.can_seal(bytes), meter.sealed(bytes)), (Err(fault.clone()), Err(fault.clone())));
        }
        assert!(meter.sealed(4).is_ok(), "what was refused is not charged");
    }

    #[test]
    fn memory_is_counted_over_all_memories() {
        let mut meter = Meter::new(&Limits { memory_bytes: 100, ..Limits::default() });
        assert!(meter.memory_growing(0, 60, None).is_ok_and(|may| may));
        assert!(meter.memory_growing(0, 40, None).is_ok_and(|may| may), "a second memory");
        assert!(meter.memory_growing(40, 41, None).is_err());
        assert_eq!(meter.memory_peak(), 100);
    }
}
