//! Connections: connectors that a tenant has set up, made ready to send, tested and promoted.

pub(crate) mod cached_connection;
pub(crate) mod connection_tests;
pub(crate) mod fingerprint;
pub(crate) mod management;
pub(crate) mod promotions;
pub(crate) mod ready_connection;
pub(crate) mod secret_hosts;
pub(crate) mod settings_validator;
pub(crate) mod stored_parameters;
pub(crate) mod validated_settings;
pub(crate) mod validation;
