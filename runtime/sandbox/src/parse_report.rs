//! Lets a connector read a provider's callback.

use std::sync::Arc;
use std::time::Duration;

use sendbox_contract::{ConnectorFault, DeliveryReport, ReportRefusal};
use tokio::time::Instant;

use crate::call::fault::fault_of;
use crate::call::host_call::Phase;
use crate::call::{CallState, store};
use crate::connector::Connector;
use crate::parameters::Parameters;
use crate::report::Callback;
use crate::sandbox::Sandbox;

/// Why a callback was not read. Nothing should be changed then.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallbackError {
    /// The connector does not export `delivery-reports`.
    #[error("this connector reads no delivery reports")]
    NotSupported,
    /// No instance became free in time. The same callback may be read later.
    #[error("no instance became free to read the callback")]
    NoFreeSlot,
    /// The connector did not finish in time although it had CPU time left: the machine is busy, or the connector waits for
    /// something. The same callback may be read later.
    #[error("the callback was not read within {limit_ms} ms")]
    OutOfTime {
        /// Maximum number of milliseconds.
        limit_ms: u64,
    },
    /// The connector refused the callback.
    #[error(transparent)]
    Refused(#[from] ReportRefusal),
    /// The connector misbehaved.
    #[error("the connector failed to read the callback: {0}")]
    Fault(ConnectorFault),
}

/// All callbacks share slots as one owner. The caller bounds them by tenant.
const SLOT_OWNER: &str = "callbacks";

impl Sandbox {
    /// Lets a connector read a provider's callback, in a fresh instance. A callback may contain several reports, or none. A connector
    /// that checks no signature decides by nothing but what is written in the callback: see [`DeliveryReport::signed`].
    ///
    /// # Errors
    /// [`CallbackError`] if the connector does not read callbacks, the callback is not authentic or malformed, or the connector
    /// misbehaves.
    pub async fn parse_report(
        &self,
        connector: &Connector,
        parameters: Arc<Parameters>,
        callback: &Callback,
    ) -> Result<Vec<DeliveryReport>, CallbackError> {
        if !connector.abi().reads_reports() {
            return Err(CallbackError::NotSupported);
        }
        let deadline = Instant::now() + Duration::from_millis(self.limits.send_ms);
        let Ok(Ok(_slot)) = tokio::time::timeout_at(deadline, self.slot(SLOT_OWNER)).await else {
            return Err(CallbackError::NoFreeSlot);
        };
        let mut state = CallState::new(Phase::Report, Arc::clone(&self.limits), parameters, None);
        // A provider may have sent the connection's own secrets along, and people read what the connector makes of a callback.
        state.scrubber.guest_learned();
        let mut store = store(&self.engine, state);
        let cpu = Arc::clone(store.data().meter.cpu());
        match tokio::time::timeout_at(deadline, cpu.count(connector.abi().parse(&mut store, callback))).await {
            Ok(Ok(Ok(reports))) => Ok(reports.into_iter().map(|report| clean_report(store.data(), report)).collect()),
            Ok(Ok(Err(refusal))) => Err(refusal.into()),
            Ok(Err(error)) => Err(CallbackError::Fault(fault_of(&error, &self.limits))),
            Err(_) => Err(CallbackError::OutOfTime { limit_ms: self.limits.send_ms }),
        }
    }
}

fn clean_report(state: &CallState, report: DeliveryReport) -> DeliveryReport {
    DeliveryReport {
        message_id: state.message_id(&report.message_id),
        provider_code: report.provider_code.map(|code| state.scrubber.clean(&code)),
        text: report.text.map(|text| state.scrubber.clean(&text)),
        at: report.at.map(|at| state.scrubber.clean(&at)),
        signed: state.signature_checks.found_right,
        ..report
    }
}
