//! What a guest can call, one file per interface of the contract.
//!
//! These are methods on [`CallState`](crate::call::CallState), written once. A module of [`crate::abi`] forwards a major
//! version of the contract to them.

mod config;
pub(crate) mod http_outbound;
mod log;
mod reveal;
pub(crate) mod sealed;
mod signature;
pub(crate) mod wasi;
