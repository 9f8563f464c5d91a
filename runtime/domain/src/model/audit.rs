use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::Timestamp;

/// One change: who, what, before and after. Holds no secret, code or number.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuditEntry {
    /// Grows with time.
    pub id: String,
    /// The tenant that was changed; absent for the platform.
    pub tenant: Option<String>,
    /// When.
    pub at: Timestamp,
    /// `platform`, or `key:` and the key's id.
    #[schema(example = "key:k1")]
    pub actor: String,
    /// `connection.save`
    #[schema(example = "connection.save")]
    pub action: String,
    /// What was changed, like `connection:main`.
    pub target: String,
    /// What changed, before. Absent when it is new.
    pub before: Option<Value>,
    /// What changed, after. Absent when it is gone.
    pub after: Option<Value>,
}

/// Which entries to list.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub struct AuditFilter {
    /// Only this action.
    #[param(max_length = 60)]
    pub action: Option<String>,
    /// Entries of a page: 1 to 200, else 50.
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u32>,
    /// `next` of the page before.
    #[param(max_length = 200)]
    pub cursor: Option<String>,
}
