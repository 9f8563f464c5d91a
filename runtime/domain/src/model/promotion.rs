use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// A connection to copy from this development tenant to a production tenant.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Promotion {
    /// The name of the connection in this tenant.
    #[schema(example = "main")]
    pub connection: String,
    /// The id of the production tenant.
    #[schema(example = "acme-live")]
    pub target_tenant: String,
    /// The name of the connection in the production tenant. Defaults to the same name.
    #[schema(example = "main")]
    pub target_connection: Option<String>,
    /// Where the secrets come from. Defaults to `copy`.
    #[serde(default)]
    pub secrets: PromotedSecrets,
    /// Parameters of the production account, including secrets. They replace those of the development connection.
    #[serde(default)]
    #[schema(value_type = Object, example = json!({"accountSID": "AC…"}))]
    pub parameters: Map<String, Value>,
    /// The token of the report that you reviewed. Without it, nothing changes.
    #[schema(example = "5e1f8d7c9a0b4e3f")]
    pub confirmation_token: Option<String>,
}

/// Where the secrets of a promoted connection come from.
///
/// - `copy`: from the development connection. They are encrypted again for the production tenant.
/// - `ask`: from `parameters`, which must contain all of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PromotedSecrets {
    /// From the development connection. They are encrypted again for the production tenant.
    #[default]
    Copy,
    /// From `parameters`, which must contain all of them.
    Ask,
}

/// What a promotion changes, or has changed.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PromotionReport {
    /// Whether the changes were made.
    pub applied: bool,
    /// Send it as `confirmationToken` to make exactly these changes. `null` once they were made.
    #[schema(example = "5e1f8d7c9a0b4e3f")]
    pub confirmation_token: Option<String>,
    /// The id of the production tenant.
    #[schema(example = "acme-live")]
    pub target_tenant: String,
    /// The name of the connection in the production tenant.
    #[schema(example = "main")]
    pub target_connection: String,
    /// Whether the production tenant already has a connection of this name, which is replaced.
    pub replaces: bool,
    /// Whether that connection is active: then the changes apply to the next message.
    pub active: bool,
    /// What changes.
    pub changes: Vec<Change>,
}

/// One changed value.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Change {
    /// What changes, as a JSON pointer.
    #[schema(example = "/parameters/accountSID")]
    pub field: String,
    /// The value before. `null` if it is new. For a secret, only whether it is set.
    #[schema(example = "AC…")]
    pub before: Option<Value>,
    /// The value after. `null` if it is removed. For a secret, only whether it is set.
    #[schema(example = "AC…")]
    pub after: Option<Value>,
}
