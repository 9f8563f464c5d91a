//! What is known about a component before anything is granted to it.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::metadata::Metadata;

/// The interface that lets a connector read sealed values in plain text where a grant permits it.
pub const REVEAL: &str = "sendbox:connector/reveal";
/// The interface that a connector exports if it reads delivery reports.
pub const DELIVERY_REPORTS: &str = "sendbox:connector/delivery-reports";

/// What a file contains and what its connector says about itself, for review before anything is granted.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Inspection {
    /// The digest of the file: `sha256:…`.
    pub digest: String,
    /// The structure of the file.
    pub shape: Shape,
    /// What the connector says about itself.
    pub metadata: Metadata,
    /// Whether it imports `reveal`, so that it can read sealed values where a grant permits it.
    pub reveals: bool,
    /// Whether it reads delivery reports.
    pub reads_reports: bool,
}

/// The structure of a component: what it imports, exports and contains.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Shape {
    /// The size of the file, in bytes.
    pub bytes: usize,
    /// The imported interfaces, with versions.
    pub imports: BTreeSet<String>,
    /// The exported interfaces, with versions.
    pub exports: BTreeSet<String>,
    /// The number of core modules.
    pub modules: usize,
    /// The number of memories, over all modules.
    pub memories: usize,
    /// The initial size of all memories, in bytes.
    pub initial_memory: u64,
    /// The number of tables, over all modules.
    pub tables: usize,
    /// The number of functions, over all modules.
    pub functions: usize,
    /// The number of custom sections, including those inside modules.
    pub custom_sections: usize,
    /// The size of all custom sections, in bytes. They are never executed.
    pub custom_bytes: usize,
}

impl Shape {
    /// Whether it can read sealed values where a grant permits it.
    pub fn reveals(&self) -> bool {
        self.imports.iter().any(|import| without_version(import) == REVEAL)
    }

    /// Whether it reads delivery reports.
    pub fn reads_reports(&self) -> bool {
        self.exports.iter().any(|export| without_version(export) == DELIVERY_REPORTS)
    }
}

/// The SHA-256 digest of a component file.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest([u8; 32]);

impl Digest {
    /// The digest of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// The digest as 64 hexadecimal digits.
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

/// Strips the version from an interface name: `wasi:io/error@0.2.6` → `wasi:io/error`.
pub fn without_version(name: &str) -> &str {
    name.split_once('@').map_or(name, |(name, _)| name)
}
