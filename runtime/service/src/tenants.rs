//! Tenants, and their settings: flows, policy and test numbers.

pub(crate) mod management;
pub(crate) mod settings;
