use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Scope, Sensitive, Timestamp};

/// Somebody who signs in to the console.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SignIn {
    /// The platform key, or a key of a tenant.
    #[schema(value_type = String, max_length = 256, example = "sbx_k1_…")]
    pub key: Sensitive,
}

/// Who asks, and what they may do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SessionView {
    /// Whose key it is.
    pub who: SessionOf,
    /// The tenant, for a key of one.
    pub tenant: Option<String>,
    /// The key's id, for a key of a tenant.
    pub key: Option<String>,
    /// What the key may do. The platform key may do everything, for every tenant.
    pub scopes: BTreeSet<Scope>,
    /// To be sent as `X-CSRF-Token` with everything but GET. Absent without a session.
    pub csrf_token: Option<String>,
    /// When the session ends at the latest. It ends after an hour without a request, too. Absent without a session.
    pub expires_at: Option<Timestamp>,
}

/// Whose key it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SessionOf {
    /// The platform's.
    Platform,
    /// A tenant's.
    Tenant,
}
