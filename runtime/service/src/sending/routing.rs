//! Which connections of a tenant may send a message, and in which order.

use sendbox_domain::model::Flow;
use sendbox_sandbox::Usage;
use sendbox_store::rows::TenantRow;

use crate::error::{Error, Result};

/// Refuses a usage whose flow is switched off.
pub(crate) fn check_flow(tenant: &TenantRow, usage: Usage) -> Result<()> {
    match Flow::of(usage) {
        Some(flow) if !tenant.flows.is_on(flow) => Err(Error::FlowOff(flow)),
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

/// Why an attempt goes over its connection: `retry` of the attempt before it, route of the `country`, the `active`
/// connection, a `fallback`, or `earlier`, which was chosen before the policy changed.
pub(crate) fn route(tenant: &TenantRow, country: Option<&str>, name: &str, before: Option<&str>) -> &'static str {
    let delivery = &tenant.policy.delivery;
    let routed = country.and_then(|country| delivery.routes.get(country));
    match routed {
        _ if before == Some(name) => "retry",
        Some(routed) if routed == name => "country",
        None if tenant.active_connection.as_deref() == Some(name) => "active",
        _ if delivery.fallbacks.iter().any(|fallback| fallback == name) => "fallback",
        _ => "earlier",
    }
}
