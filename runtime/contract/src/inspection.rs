//! What is known of a component before anything is granted to it.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::metadata::Metadata;

/// The interface with which a connector reads sealed values in clear, where a grant lets it.
pub const REVEAL: &str = "sendbox:connector/reveal";
/// The interface of a connector that reads delivery reports.
pub const DELIVERY_REPORTS: &str = "sendbox:connector/delivery-reports";

/// What a file holds, and what its connector says about itself: what a person reads before granting anything.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Inspection {
    /// `sha256:…`
    pub digest: String,
    /// What the file holds.
    pub shape: Shape,
    /// What the connector says about itself.
    pub metadata: Metadata,
    /// Whether it imports `reveal`, and can read sealed values where a grant allows it.
    pub reveals: bool,
    /// Whether it reads delivery reports.
    pub reads_reports: bool,
}

/// What a component imports, exports and holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Shape {
    /// Bytes of the file.
    pub bytes: usize,
    /// Interfaces that it imports, with versions.
    pub imports: BTreeSet<String>,
    /// Interfaces that it exports, with versions.
    pub exports: BTreeSet<String>,
    /// Core modules inside.
    pub modules: usize,
    /// Memories over all modules.
    pub memories: usize,
    /// Bytes of memory that it starts with.
    pub initial_memory: u64,
    /// Tables over all modules.
    pub tables: usize,
    /// Functions over all modules.
    pub functions: usize,
    /// Custom sections, inside modules too.
    pub custom_sections: usize,
    /// Bytes of all custom sections. They are never run.
    pub custom_bytes: usize,
}

impl Shape {
    /// Whether it can read sealed values, if a grant lets it.
    pub fn reveals(&self) -> bool {
        self.imports.iter().any(|import| without_version(import) == REVEAL)
    }

    /// Whether it reads delivery reports.
    pub fn reads_reports(&self) -> bool {
        self.exports.iter().any(|export| without_version(export) == DELIVERY_REPORTS)
    }
}

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

/// `wasi:io/error@0.2.6` → `wasi:io/error`
pub fn without_version(name: &str) -> &str {
    name.split_once('@').map_or(name, |(name, _)| name)
}
