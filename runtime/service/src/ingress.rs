//! Ingress: addresses at which identity platforms and applications send messages, in the platforms' own formats.

pub(crate) mod authentication;
pub(crate) mod call_log;
pub(crate) mod management;
pub(crate) mod receiver;
pub(crate) mod recorded_calls;
pub(crate) mod secrets;
pub(crate) mod twilio;
