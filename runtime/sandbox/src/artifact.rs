//! From a file that nobody trusts to code that may run.
//!
//! In this order, each step before the next costs anything: size, kind (a component, and neither a core module nor
//! somebody's precompiled code), shape (what it imports, exports and holds), compilation or the authenticated cache.
//! Shape and compilation of a file that was never seen run in a child process with limits, where the embedder gives one
//! ([`Compiler`](compile::Compiler)).
//!
//! The digest of the file is the version of the connector, here and everywhere else.

pub(crate) mod cache;
pub(crate) mod compile;
pub(crate) mod error;
pub(crate) mod shape;

pub use self::error::ArtifactError;
