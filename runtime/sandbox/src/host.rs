//! The functions that a guest can call, one file per interface of the contract.
//!
//! Each interface has a view that borrows only what it may access of a call: `log` cannot reach the message, `config` cannot reach
//! the grant. A module of [`crate::abi`] implements the host traits of a major version on these views, by forwarding to their
//! methods.

pub(crate) mod config;
pub(crate) mod http_outbound;
pub(crate) mod log;
pub(crate) mod reveal;
pub(crate) mod sealed;
pub(crate) mod signature;
pub(crate) mod wasi;
