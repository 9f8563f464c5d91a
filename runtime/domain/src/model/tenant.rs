use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Timestamp;

/// What a tenant is for. It never changes.
///
/// - `development`: for trying out. Starts open, with every flow enabled, and with 500 messages a day.
/// - `production`: for end users. Starts closed: no country is allowed and no flow is enabled. Connections are promoted to it from
///   development tenants.
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

/// A tenant to create.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewTenant {
    /// The tenant's id: 3 to 40 of a-z, 0-9 and `-`, not beginning or ending with `-`. Without it, an id is generated.
    #[schema(pattern = "^[a-z0-9](?:[a-z0-9-]{1,38})[a-z0-9]$", example = "acme")]
    pub id: Option<String>,
    /// The tenant's name: 1 to 80 characters.
    #[schema(min_length = 1, max_length = 80, example = "Acme")]
    pub name: String,
    /// What the tenant is for.
    pub environment: Environment,
}

/// A change of a tenant.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TenantChange {
    /// The tenant's name: 1 to 80 characters.
    #[schema(min_length = 1, max_length = 80, example = "Acme Ltd")]
    pub name: String,
}

/// A tenant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Tenant {
    /// The tenant's id. It never changes.
    #[schema(example = "acme")]
    pub id: String,
    /// The tenant's name.
    #[schema(example = "Acme")]
    pub name: String,
    /// What the tenant is for.
    pub environment: Environment,
    /// The name of the connection that sends. `null` until one is activated.
    #[schema(example = "main")]
    pub active_connection: Option<String>,
    /// When the tenant was created.
    pub created_at: Timestamp,
}
