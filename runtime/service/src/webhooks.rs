//! Webhooks: events of a tenant, and the endpoints that they are sent to.

pub(crate) mod deliverer;
pub(crate) mod endpoints;
pub(crate) mod events;
pub(crate) mod outbox;
pub(crate) mod outgoing_request;
pub(crate) mod secret;
pub(crate) mod status_callback;
pub(crate) mod turns;
