//! From an untrusted file to runnable code.
//!
//! The checks are ordered by cost: size, kind (a component, and neither a core module nor precompiled code), structure (what it
//! imports, exports and contains), then compilation or the authenticated cache. The structure of an unknown file is read and the
//! file is compiled in a child process with limits, if the embedder provides one ([`Compiler`](compile::Compiler)).
//!
//! The digest of the file identifies the version of a connector, here and everywhere else.

pub(crate) mod cache;
pub(crate) mod compile;
pub(crate) mod error;
pub(crate) mod shape;

pub use self::error::ArtifactError;
