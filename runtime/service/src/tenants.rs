//! Tenants: what they are, and what they decide about flows, policy and test numbers.

pub(crate) mod management;
pub(crate) mod settings;
