use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Scope, Sensitive, Timestamp};

/// A sign-in to the console.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SignIn {
    /// The platform key, or a key of a tenant.
    #[schema(value_type = String, max_length = 256, example = "sbx_k1_…")]
    pub key: Sensitive,
}

/// The caller, and what it may do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Session {
    /// Whose key it is.
    pub principal: Principal,
    /// The id of the tenant. `null` for the platform key.
    #[schema(example = "acme")]
    pub tenant: Option<String>,
    /// The id of the key. `null` for the platform key.
    #[schema(example = "k7k3x9q2v5t8w4n6p1r0d")]
    pub key: Option<String>,
    /// What the key permits. The platform key permits everything, for every tenant.
    pub scopes: BTreeSet<Scope>,
    /// Send it as `X-CSRF-Token` with every request but GET. `null` for a caller with a key.
    #[schema(example = "3q2-7w…")]
    pub csrf_token: Option<String>,
    /// When the session ends at the latest. It also ends after an hour without a request. `null` for a caller with a key.
    pub expires_at: Option<Timestamp>,
}

/// Whose key it is: the `platform`'s or a `tenant`'s.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Principal {
    /// The platform's.
    Platform,
    /// A tenant's.
    Tenant,
}
