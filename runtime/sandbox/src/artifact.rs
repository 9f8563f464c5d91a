//! From a file that nobody trusts to code that may run.
//!
//! In this order, each step before the next costs anything: size, kind (a component, and neither a core module nor
//! somebody's precompiled code), shape (what it imports, exports and holds), compilation or the authenticated cache.
//!
//! The digest of the file is the version of the connector, here and everywhere else.

pub(crate) mod cache;
pub(crate) mod shape;

use std::fmt;

use sha2::{Digest as _, Sha256};

pub use self::shape::Shape;

/// SHA-256 of a component file.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest([u8; 32]);

impl Digest {
    /// The digest of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// 64 hexadecimal digits.
    pub fn hex(&self) -> String {
        hex::encode(self.0)
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sha256:{}", self.hex())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Why a file is no connector. Each refusal has its own.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ArtifactError {
    /// Over the limit of the component's size.
    #[error(
        "the file has {bytes} bytes; a connector may have {limit}. Build with `opt-level = 3, lto = \"fat\", strip = true`"
    )]
    TooLarge {
        /// Bytes of the file.
        bytes: usize,
        /// Bytes allowed.
        limit: usize,
    },
    /// Not WebAssembly.
    #[error("the file is not WebAssembly: {0}")]
    NotWasm(String),
    /// A core module.
    #[error(
        "the file is a core module, not a component; build for `wasm32-wasip2`, or wrap it with `wasm-tools component new`"
    )]
    CoreModule,
    /// Code that somebody has compiled already.
    #[error("the file is precompiled machine code; only components are taken, and compiled here")]
    Precompiled,
    /// Cut off, or malformed inside.
    #[error("the file is malformed at byte {offset}: {reason}")]
    Malformed {
        /// Where.
        offset: usize,
        /// What.
        reason: String,
    },
    /// It imports something that is not offered.
    #[error("the component imports `{import}`, which is not offered to connectors. {hint}")]
    ForbiddenImport {
        /// The import, without its version.
        import: String,
        /// What to do.
        hint: &'static str,
    },
    /// It does not export a connector.
    #[error(
        "the component does not export `{expected}`; build it against the world `blind-connector` of `wit/connector/v1`"
    )]
    WrongWorld {
        /// What is missing.
        expected: String,
    },
    /// Components inside it that run code of their own.
    #[error("the component is composed of other components; a connector is one")]
    Composed,
    /// A count over its limit.
    #[error("the component has {count} {what}; {limit} are allowed")]
    Shape {
        /// Of what.
        what: &'static str,
        /// How many.
        count: usize,
        /// How many are allowed.
        limit: usize,
    },
    /// The compiler refused it.
    #[error("the component does not compile: {0}")]
    Compile(String),
    /// It exports a connector, but not with the contract's types.
    #[error("the component does not fit the contract: {0}")]
    Contract(String),
}
