//! Determines which limit or trap ended a guest.

use sendbox_contract::ConnectorFault;
use sendbox_contract::text::one_line;
use sendbox_policy::Limits;
use wasmtime::Trap;
use wasmtime::component::ResourceTableError;

/// The fault that an error of a call stands for.
pub(crate) fn fault_of(error: &wasmtime::Error, limits: &Limits) -> ConnectorFault {
    if let Some(fault) = error.downcast_ref::<ConnectorFault>() {
        return fault.clone();
    }
    // WASI's own resources (pollables, streams) report a full table in a different way.
    if let Some(ResourceTableError::Full) = error.downcast_ref::<ResourceTableError>() {
        return ConnectorFault::Handles { limit: limits.handles };
    }
    match error.downcast_ref::<Trap>() {
        Some(Trap::StackOverflow) => ConnectorFault::Stack { limit_bytes: limits.stack_bytes },
        Some(Trap::Interrupt) => ConnectorFault::Cpu { limit_ms: limits.cpu_ms },
        Some(trap) => ConnectorFault::Trap(trap.to_string()),
        None => {
            let text = format!("{error:#}");
            // wasmtime has no type for this error.
            if text.contains("fuel allocated for hostcalls") {
                return ConnectorFault::HostCallSize { limit_bytes: limits.hostcall_fuel };
            }
            ConnectorFault::Trap(one_line(&text, 300))
        }
    }
}
