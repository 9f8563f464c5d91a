use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// A tested connection to be copied from this development tenant to a production tenant. Without `confirm` nothing is
/// changed, and the answer says what would be.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Promotion {
    /// The connection of this tenant.
    pub connection: String,
    /// The production tenant.
    pub to: String,
    /// Its name there; the same when absent.
    #[serde(rename = "as")]
    pub name: Option<String>,
    /// Where the secrets come from.
    #[serde(default)]
    pub secrets: PromotedSecrets,
    /// Parameters of the production account, secrets included: they go over those of the development connection.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub parameters: Map<String, Value>,
    /// The `confirm` of the diff: changes exactly what that diff showed, or is refused.
    pub confirm: Option<String>,
}

/// Where the secrets of a promoted connection come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PromotedSecrets {
    /// Those of the development connection, encrypted anew for the production tenant.
    #[default]
    Copy,
    /// `parameters` must hold all of them.
    Ask,
}

/// What a promotion changes, or has changed.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PromotionReport {
    /// Whether it was done.
    pub applied: bool,
    /// Give it back to do it. Absent once done.
    pub confirm: Option<String>,
    /// The production tenant.
    pub to: String,
    /// The connection's name there.
    pub connection: String,
    /// Whether a connection of that name is there already, and is replaced.
    pub replaces: bool,
    /// Whether it is the one that sends there: then the change takes effect with the next send.
    pub active: bool,
    /// What differs, by JSON pointer.
    pub changes: Vec<Change>,
}

/// One difference.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Change {
    /// A JSON pointer, like `/parameters/accountSID` or `/templates/sign-in/da`.
    pub field: String,
    /// Absent when it is new. Of a secret only whether it is set.
    pub before: Option<Value>,
    /// Absent when it is removed. Of a secret only whether it is set.
    pub after: Option<Value>,
}
