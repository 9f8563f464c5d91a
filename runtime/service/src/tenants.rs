//! Tenants: what they are, and what they decide about flows, policy and test numbers.

pub(crate) mod lifecycle;
pub(crate) mod settings;
