use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::Timestamp;

/// One change: who made it, what changed, before and after. Holds no secret, code or full phone number.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuditEntry {
    /// The entry's id. Later entries have higher ids.
    #[schema(example = "1042")]
    pub id: String,
    /// The tenant that was changed; `null` for the platform.
    #[schema(example = "acme")]
    pub tenant: Option<String>,
    /// When the change was made.
    pub created_at: Timestamp,
    /// Who made the change: `platform` for the platform key, `key:` and its id for a key, `sendbox` for Sendbox itself.
    #[schema(example = "key:k7k3x9q2v5t8w4n6p1r0d")]
    pub actor: String,
    /// The name that the key had at the time. `null` for who has no key.
    #[schema(example = "backend")]
    pub actor_name: Option<String>,
    /// What was done.
    #[schema(example = "connection.save")]
    pub action: String,
    /// What was changed: a kind and an id.
    #[schema(example = "connection:main")]
    pub target: String,
    /// The values that changed, before the change. `null` if the target is new.
    #[schema(example = json!({"connector": "http"}))]
    pub before: Option<Value>,
    /// The values that changed, after the change. `null` if the target was deleted.
    #[schema(example = json!({"connector": "twilio"}))]
    pub after: Option<Value>,
}

/// The audit entries to list.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub struct AuditFilter {
    /// List entries of this action only.
    #[param(max_length = 60, example = "connection.save")]
    pub action: Option<String>,
    /// The number of entries on a page. Defaults to 50.
    #[param(minimum = 1, maximum = 200, example = 50)]
    pub limit: Option<u32>,
    /// The `nextCursor` of the previous page. Leave it out for the first page.
    #[param(max_length = 200, example = "1795465293250-m7k3x9q2v5t8w4n6p1r0d")]
    pub cursor: Option<String>,
}
