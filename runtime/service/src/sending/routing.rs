//! Which connections of a tenant may send a message, and in which order.

use sendbox_domain::model::{Flow, RouteReason};
use sendbox_sandbox::Usage;
use sendbox_store::rows::TenantRow;

use crate::error::{Error, Result};

/// Refuses a usage whose flow is disabled.
pub(crate) fn check_flow(tenant: &TenantRow, usage: Usage) -> Result<()> {
    match Flow::of(usage) {
        Some(flow) if !tenant.flows.is_on(flow) => Err(Error::FlowDisabled(flow)),
        _ => Ok(()),
    }
}

/// The connections for a number, in the order in which they are tried: the route of its country or else the active connection,
/// then the fallbacks.
pub(crate) fn routes(tenant: &TenantRow, country: Option<&str>) -> Vec<String> {
    let delivery = &tenant.policy.delivery;
    let routed = country.and_then(|country| delivery.routes.get(country)).or(tenant.active_connection.as_ref());
    let mut names: Vec<String> = routed.cloned().into_iter().collect();
    if !names.is_empty() {
        for name in &delivery.fallbacks {
            if !names.contains(name) {
                names.push(name.clone());
            }
        }
    }
    names
}

/// Why an attempt uses its connection.
pub(crate) fn route_reason(
    tenant: &TenantRow,
    country: Option<&str>,
    name: &str,
    previous: Option<&str>,
) -> RouteReason {
    let delivery = &tenant.policy.delivery;
    let routed = country.and_then(|country| delivery.routes.get(country));
    match routed {
        _ if previous == Some(name) => RouteReason::Retry,
        Some(routed) if routed == name => RouteReason::Country,
        None if tenant.active_connection.as_deref() == Some(name) => RouteReason::Active,
        _ if delivery.fallbacks.iter().any(|fallback| fallback == name) => RouteReason::Fallback,
        _ => RouteReason::Earlier,
    }
}
