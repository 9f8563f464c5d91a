//! What every host function may do, whatever its interface: count the call, trace it, and end it if a rule is violated.

use sendbox_contract::{ConnectorFault, TraceKind, Violation};

use super::meter::Meter;
use super::scrubber::LazyScrubber;
use crate::trace::Trace;

/// The export that runs. Determines which imports work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// `metadata`: no imports of the contract work.
    Metadata,
    /// `send`: all imports work except `signature`.
    Send,
    /// `parse` of delivery reports: all imports work except `http-outbound`.
    Report,
}

/// The part of a call that all interfaces share. It cannot weaken anything: meters only go up, the trace only grows, and the
/// scrubber only learns of more to mask.
pub(crate) struct HostCall<'a> {
    pub(crate) phase: Phase,
    pub(crate) meter: &'a mut Meter,
    pub(crate) trace: &'a mut Trace,
    pub(crate) scrubber: &'a mut LazyScrubber,
}

impl HostCall<'_> {
    /// Counts a call of an import, and refuses it during `metadata`.
    pub(crate) fn enter(&mut self, import: &'static str) -> wasmtime::Result<()> {
        if self.phase == Phase::Metadata {
            return Err(ConnectorFault::ImportRefused(import).into());
        }
        self.meter.host_call()?;
        Ok(())
    }

    /// The error that ends the call for a violated rule.
    pub(crate) fn broke(&mut self, violation: impl Into<Violation>) -> wasmtime::Error {
        let violation = violation.into().map_texts(|text| self.scrubber.for_people(text));
        self.trace.push(TraceKind::Refused { reason: self.scrubber.for_people(&violation.to_string()) });
        ConnectorFault::ManifestViolation(Box::new(violation)).into()
    }
}
