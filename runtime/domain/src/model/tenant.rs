use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Timestamp;

/// What a tenant is for. Cannot be changed later: `production` starts closed, and promotion runs one way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Environment {
    /// For trying out.
    Development,
    /// For end users.
    Production,
}

impl Environment {
    /// `development`
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Development => "development",
            Self::Production => "production",
        }
    }
}

/// A tenant to be made.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewTenant {
    /// 3 to 40 of a-z, 0-9 and `-`, first and last no `-`. Made up when absent.
    #[schema(pattern = "^[a-z0-9](?:[a-z0-9-]{1,38})[a-z0-9]$", example = "acme")]
    pub id: Option<String>,
    /// For people: 1 to 80 characters.
    #[schema(min_length = 1, max_length = 80, example = "Acme")]
    pub name: String,
    /// What it is for.
    pub environment: Environment,
}

/// What of a tenant can be changed.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TenantChange {
    /// For people: 1 to 80 characters.
    #[schema(min_length = 1, max_length = 80)]
    pub name: String,
}

/// A tenant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Tenant {
    /// Stable.
    #[schema(example = "acme")]
    pub id: String,
    /// For people.
    pub name: String,
    /// What it is for.
    pub environment: Environment,
    /// The connection that sends; absent before the first is activated.
    pub active_connection: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
}
