//! What one call has used, and the limits that end it.

use std::sync::Arc;
use std::time::Duration;

use sendbox_contract::ConnectorFault;
use sendbox_policy::Limits;
use wasmtime::ResourceLimiter;

use super::cpu::CpuClock;
use crate::engine::{MAX_CORE_INSTANCES, MAX_MEMORIES, MAX_TABLE_ELEMENTS, MAX_TABLES};

/// Counts, and says no.
pub(crate) struct Meter {
    memory_limit: usize,
    host_call_limit: u64,
    sealed_limit: usize,
    log_line_limit: usize,
    log_byte_limit: usize,
    /// Over all memories: a component may have several, and each alone would pass.
    memory: usize,
    pub(crate) memory_peak: usize,
    table_elements: usize,
    /// What the guest, and the host for it, has used of the CPU.
    pub(crate) cpu: Arc<CpuClock>,
    /// The same when the guest last had to pause.
    pub(crate) cpu_at_pause: Duration,
    pub(crate) host_calls: u64,
    pub(crate) sealed: usize,
    pub(crate) requests: u32,
    log_lines: usize,
    log_bytes: usize,
    log_truncated: bool,
}

/// Whether a log line may be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LogRoom {
    /// Keep this many bytes of it.
    Keep(usize),
    /// The first that is dropped: leave one mark.
    Mark,
    /// Dropped.
    Drop,
}

impl Meter {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            memory_limit: limits.memory_bytes,
            host_call_limit: limits.host_calls,
            sealed_limit: limits.sealed_bytes,
            log_line_limit: limits.log_lines,
            log_byte_limit: limits.log_bytes,
            memory: 0,
            memory_peak: 0,
            table_elements: 0,
            cpu: CpuClock::new(),
            cpu_at_pause: Duration::ZERO,
            host_calls: 0,
            sealed: 0,
            requests: 0,
            log_lines: 0,
            log_bytes: 0,
            log_truncated: false,
        }
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
        self.sealed = self.sealed.saturating_add(bytes);
        if self.sealed > self.sealed_limit {
            return Err(ConnectorFault::SealedBytes { limit_bytes: self.sealed_limit });
        }
        Ok(())
    }

    /// Whether a log line of `bytes` may be kept.
    pub(crate) fn log(&mut self, bytes: usize) -> LogRoom {
        let left = self.log_byte_limit.saturating_sub(self.log_bytes);
        if self.log_lines < self.log_line_limit && left > 0 {
            self.log_lines += 1;
            self.log_bytes += bytes.min(left);
            return LogRoom::Keep(left);
        }
        if self.log_truncated {
            return LogRoom::Drop;
        }
        self.log_truncated = true;
        LogRoom::Mark
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
