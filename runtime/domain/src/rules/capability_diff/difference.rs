//! The differences between two versions, and the fingerprint of those to approve.

use sha2::{Digest as _, Sha256};

use crate::model::{Difference, Reach};

/// How a version differs from the one in use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CapabilityDiff {
    /// Whether the new version needs an approval.
    pub reach: Reach,
    /// What needs an approval: what the version may newly do, and how it newly presents itself.
    pub wider: Vec<Difference>,
    /// What the version no longer does.
    pub narrower: Vec<Difference>,
    /// Everything else.
    pub other: Vec<Difference>,
}

impl CapabilityDiff {
    /// The fingerprint of exactly this difference of these two versions: 64 hexadecimal digits.
    pub fn fingerprint(&self, from: &str, to: &str) -> String {
        let mut hash = Sha256::new();
        let mut add = |part: &str| {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part.as_bytes());
        };
        add(from);
        add(to);
        for line in &self.wider {
            add(&format!("{:?}", line.code));
            add(&line.values.len().to_string());
            for (name, value) in &line.values {
                add(name);
                add(value);
            }
        }
        hex::encode(hash.finalize())
    }
}
