use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Timestamp;

/// What a key permits, for its own tenant only.
///
/// - `manage`: configure keys, connections, flows and the policy, and send test messages. Includes `read`.
/// - `send`: create messages, and retrieve each by its id.
/// - `verify`: create and check verifications, and retrieve each by its id.
/// - `read`: retrieve everything that `manage` can change, messages and the audit log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// Configure keys, connections, flows and the policy, and send test messages. Includes `read`.
    Manage,
    /// Create messages, and retrieve each by its id.
    Send,
    /// Create and check verifications, and retrieve each by its id.
    Verify,
    /// Retrieve everything that `manage` can change, messages and the audit log.
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

/// A key to create.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewKey {
    /// A name to recognize the key by: 1 to 80 characters.
    #[schema(min_length = 1, max_length = 80, example = "sign-in backend")]
    pub name: String,
    /// What the key permits: at least one scope.
    #[schema(min_items = 1)]
    pub scopes: BTreeSet<Scope>,
    /// When the key expires. Without it, the key never expires.
    pub expires_at: Option<Timestamp>,
}

/// How a key is rotated.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct KeyRotation {
    /// How many seconds the previous secret keeps working: up to 604800, a week. Defaults to 0.
    #[serde(default)]
    #[schema(maximum = 604800, example = 3600)]
    pub grace_seconds: u64,
}

/// A key, without its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Key {
    /// The key's id, which is also part of its secret.
    #[schema(example = "k7k3x9q2v5t8w4n6p1r0d")]
    pub id: String,
    /// The key's name.
    #[schema(example = "sign-in backend")]
    pub name: String,
    /// What the key permits.
    pub scopes: BTreeSet<Scope>,
    /// When the key was created.
    pub created_at: Timestamp,
    /// When the key was last rotated. `null` if it never was.
    pub rotated_at: Option<Timestamp>,
    /// When the previous secret stops working. `null` if there is none.
    pub previous_secret_expires_at: Option<Timestamp>,
    /// When the key expires. `null` if it never does.
    pub expires_at: Option<Timestamp>,
}

/// A key with its secret, which is shown only once.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct IssuedKey {
    /// The key.
    #[serde(flatten)]
    pub key: Key,
    /// The secret: send it as `Authorization: Bearer …`. Sendbox stores a hash of it only.
    #[schema(example = "sbx_k7k3x9q2v5t8w4n6p1r0d_…")]
    pub secret: String,
}
