//! What every host function may do, whatever its interface: count the call, trace it, and end it for a broken rule.

use sendbox_contract::{ConnectorFault, TraceKind, Violation};

use super::meter::Meter;
use super::scrubber::LazyScrubber;
use crate::trace::Trace;

/// Which export runs. Decides which imports work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// `metadata`: no import of the contract works.
    Metadata,
    /// `send`: all do, except `signature`.
    Send,
    /// `parse` of a delivery report: all do, except `http-outbound`.
    Report,
}

/// The part of a call that every interface shares. It cannot weaken anything: meters only go up, a trace only grows, and the
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

    /// The error of a host function that ends the call for a broken rule.
    pub(crate) fn broke(&mut self, violation: impl Into<Violation>) -> wasmtime::Error {
        let violation = violation.into().map_texts(|text| self.scrubber.for_people(text));
        self.trace.push(TraceKind::Refused { reason: self.scrubber.for_people(&violation.to_string()) });
        ConnectorFault::ManifestViolation(Box::new(violation)).into()
    }
}
