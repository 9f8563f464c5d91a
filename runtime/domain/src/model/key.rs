use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Timestamp;

/// What a key may do, each for its own tenant only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// Set up: keys, connections, flows, policy, tests. Includes `read`.
    Manage,
    /// Send messages with codes of the platform, and read each by its id.
    Send,
    /// Start and check verifications, and read each by its id.
    Verify,
    /// Read everything that `manage` may change, messages and the audit.
    Read,
}

impl Scope {
    /// `manage`
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Manage => "manage",
            Self::Send => "send",
            Self::Verify => "verify",
            Self::Read => "read",
        }
    }
}

/// A key to be made.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewKey {
    /// For people: 1 to 80 characters.
    #[schema(min_length = 1, max_length = 80, example = "sign-in backend")]
    pub name: String,
    /// At least one.
    #[schema(min_items = 1)]
    pub scopes: BTreeSet<Scope>,
    /// When it ends. Absent: never.
    pub expires_at: Option<Timestamp>,
}

/// How a key is rotated.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct KeyRotation {
    /// How long the old secret still works: 0 to 604800 s, else 0.
    #[serde(default)]
    #[schema(maximum = 604800)]
    pub grace_seconds: u64,
}

/// A key, without its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Key {
    /// Stable; it is part of the secret too.
    pub id: String,
    /// For people.
    pub name: String,
    /// What it may do.
    pub scopes: BTreeSet<Scope>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its secret was last changed.
    pub rotated_at: Option<Timestamp>,
    /// Until when the secret before still works.
    pub old_secret_until: Option<Timestamp>,
    /// When it ends.
    pub expires_at: Option<Timestamp>,
}

/// A key with its secret: shown once, kept only as a hash.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct IssuedKey {
    /// The key.
    #[serde(flatten)]
    pub key: Key,
    /// Give it as `Authorization: Bearer …`.
    #[schema(example = "sbx_k1_…")]
    pub secret: String,
}
