//! Where a request goes: the parts of a path, each with the one shape that it may have.
//!
//! What does not fit the shape cannot exist, so it is not found: `..`, `%2f`, NUL, other alphabets and endless names never get
//! as far as the service.

use axum::extract::{FromRequestParts, Path};
use http::request::Parts;
use sendbox_service::Error;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use utoipa::IntoParams;

use crate::problem::Refusal;

/// The parts of the path, as `T`.
pub(crate) struct At<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for At<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let Path(place) = Path::from_request_parts(parts, state).await.map_err(|_| Error::NotFound("path"))?;
        Ok(Self(place))
    }
}

/// `^[a-z0-9][a-z0-9-]{1,38}[a-z0-9]$`
pub(crate) fn is_tenant(text: &str) -> bool {
    (3..=40).contains(&text.len()) && of(text, b"-") && !text.starts_with('-') && !text.ends_with('-')
}

/// `^[a-z0-9][a-z0-9-]{0,39}$`
fn is_name(text: &str) -> bool {
    (1..=40).contains(&text.len()) && of(text, b"-") && !text.starts_with('-')
}

/// `^[a-z0-9_-]{1,60}$`
fn is_id(text: &str) -> bool {
    (1..=60).contains(&text.len()) && of(text, b"_-")
}

/// `^sha256:[0-9a-f]{64}$`
fn is_digest(text: &str) -> bool {
    text.strip_prefix("sha256:").is_some_and(is_shape)
}

/// `^[0-9a-f]{64}$`
fn is_shape(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

/// `^[A-Za-z0-9_-]{1,64}$`
fn is_token(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    (1..=64).contains(&text.len()) && text.bytes().all(fits)
}

/// Whether it is made of a-z, 0-9 and these.
fn of(text: &str, further: &[u8]) -> bool {
    text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || further.contains(&byte))
}

/// A part of a path, which has this shape.
macro_rules! part {
    ($(#[$doc:meta])* $name:ident, $fits:path) => {
        $(#[$doc])*
        #[derive(Deserialize)]
        #[serde(try_from = "String")]
        pub(crate) struct $name(String);

        impl TryFrom<String> for $name {
            type Error = &'static str;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                if $fits(&text) { Ok(Self(text)) } else { Err("is not there") }
            }
        }

        impl std::ops::Deref for $name {
            type Target = str;

            fn deref(&self) -> &str {
                &self.0
            }
        }
    };
}

part!(
    /// A tenant's id.
    TenantId, is_tenant
);
part!(
    /// A connection's name.
    Name, is_name
);
part!(
    /// What the service made up, or a connector's id.
    Id, is_id
);
part!(
    /// A version of a connector.
    Digest, is_digest
);

part!(
    /// A shape of requests.
    Shape, is_shape
);

part!(
    /// What an address for reports ends in.
    Token, is_token
);

/// `/reports/{tenant}/{connection}/{token}`. No part of the document: it is the providers' own, not the API's.
#[derive(Deserialize)]
pub(crate) struct OfReceiver {
    pub(crate) tenant: TenantId,
    pub(crate) connection: Name,
    pub(crate) token: Token,
}

/// `/v1/tenants/{tenant}…`
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct OfTenant {
    /// The tenant's id.
    #[param(value_type = String, pattern = "^[a-z0-9][a-z0-9-]{1,38}[a-z0-9]$", example = "acme")]
    pub(crate) tenant: TenantId,
}

/// `/v1/tenants/{tenant}/connections/{name}`
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct OfConnection {
    /// The tenant's id.
    #[param(value_type = String, pattern = "^[a-z0-9][a-z0-9-]{1,38}[a-z0-9]$", example = "acme")]
    pub(crate) tenant: TenantId,
    /// The connection's name in this tenant.
    #[param(value_type = String, pattern = "^[a-z0-9][a-z0-9-]{0,39}$", example = "main")]
    pub(crate) name: Name,
}

/// `/v1/tenants/{tenant}/…/{id}`
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct OfRecord {
    /// The tenant's id.
    #[param(value_type = String, pattern = "^[a-z0-9][a-z0-9-]{1,38}[a-z0-9]$", example = "acme")]
    pub(crate) tenant: TenantId,
    /// The id from the answer that made it.
    #[param(value_type = String, pattern = "^[a-z0-9_-]{1,60}$")]
    pub(crate) id: Id,
}

/// `/v1/tenants/{tenant}/keys/{key}…`
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct OfKey {
    /// The tenant's id.
    #[param(value_type = String, pattern = "^[a-z0-9][a-z0-9-]{1,38}[a-z0-9]$", example = "acme")]
    pub(crate) tenant: TenantId,
    /// The key's id, not its secret.
    #[param(value_type = String, pattern = "^[a-z0-9_-]{1,60}$")]
    pub(crate) key: Id,
}

/// `/v1/tenants/{tenant}/holds/{hold}`
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct OfHold {
    /// The tenant's id.
    #[param(value_type = String, pattern = "^[a-z0-9][a-z0-9-]{1,38}[a-z0-9]$", example = "acme")]
    pub(crate) tenant: TenantId,
    /// The hold's id.
    #[param(value_type = String, pattern = "^[a-z0-9_-]{1,60}$")]
    pub(crate) hold: Id,
}

/// `/v1/connectors/{id}`
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct OfConnector {
    /// The connector's id in the catalogue.
    #[param(value_type = String, pattern = "^[a-z0-9_-]{1,60}$", example = "twilio")]
    pub(crate) id: Id,
}

/// `/v1/connectors/{id}/versions/{digest}…`
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct OfVersion {
    /// The connector's id.
    #[param(value_type = String, pattern = "^[a-z0-9_-]{1,60}$", example = "acme-sms")]
    pub(crate) id: Id,
    /// The version.
    #[param(value_type = String, pattern = "^sha256:[0-9a-f]{64}$")]
    pub(crate) digest: Digest,
}

/// `/v1/connectors/{id}/versions/{digest}/shapes/{shape}…`
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct OfShape {
    /// The connector's id.
    #[param(value_type = String, pattern = "^[a-z0-9_-]{1,60}$", example = "acme-sms")]
    pub(crate) id: Id,
    /// The version.
    #[param(value_type = String, pattern = "^sha256:[0-9a-f]{64}$")]
    pub(crate) digest: Digest,
    /// The shape of the request.
    #[param(value_type = String, pattern = "^[0-9a-f]{64}$")]
    pub(crate) shape: Shape,
}

/// `/v1/connector-uploads/{digest}`
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct OfUpload {
    /// The file.
    #[param(value_type = String, pattern = "^sha256:[0-9a-f]{64}$")]
    pub(crate) digest: Digest,
}

/// `/v1/tenants/{tenant}/connectors/{id}…`
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct OfTenantConnector {
    /// The tenant's id.
    #[param(value_type = String, pattern = "^[a-z0-9][a-z0-9-]{1,38}[a-z0-9]$", example = "acme")]
    pub(crate) tenant: TenantId,
    /// The connector's id.
    #[param(value_type = String, pattern = "^[a-z0-9_-]{1,60}$", example = "acme-sms")]
    pub(crate) id: Id,
}

/// `/v1/tenants/{tenant}/connectors/{id}/versions/{digest}…`
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct OfTenantVersion {
    /// The tenant's id.
    #[param(value_type = String, pattern = "^[a-z0-9][a-z0-9-]{1,38}[a-z0-9]$", example = "acme")]
    pub(crate) tenant: TenantId,
    /// The connector's id.
    #[param(value_type = String, pattern = "^[a-z0-9_-]{1,60}$", example = "acme-sms")]
    pub(crate) id: Id,
    /// The version.
    #[param(value_type = String, pattern = "^sha256:[0-9a-f]{64}$")]
    pub(crate) digest: Digest,
}

/// `/v1/tenants/{tenant}/connectors/{id}/versions/{digest}/shapes/{shape}…`
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct OfTenantShape {
    /// The tenant's id.
    #[param(value_type = String, pattern = "^[a-z0-9][a-z0-9-]{1,38}[a-z0-9]$", example = "acme")]
    pub(crate) tenant: TenantId,
    /// The connector's id.
    #[param(value_type = String, pattern = "^[a-z0-9_-]{1,60}$", example = "acme-sms")]
    pub(crate) id: Id,
    /// The version.
    #[param(value_type = String, pattern = "^sha256:[0-9a-f]{64}$")]
    pub(crate) digest: Digest,
    /// The shape of the request.
    #[param(value_type = String, pattern = "^[0-9a-f]{64}$")]
    pub(crate) shape: Shape,
}

/// `/v1/tenants/{tenant}/connector-uploads/{digest}`
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct OfTenantUpload {
    /// The tenant's id.
    #[param(value_type = String, pattern = "^[a-z0-9][a-z0-9-]{1,38}[a-z0-9]$", example = "acme")]
    pub(crate) tenant: TenantId,
    /// The file.
    #[param(value_type = String, pattern = "^sha256:[0-9a-f]{64}$")]
    pub(crate) digest: Digest,
}

/// `/problems/{name}`
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct OfProblem {
    /// The last part of a problem's `type`.
    #[param(value_type = String, pattern = "^[a-z0-9_-]{1,60}$", example = "limited")]
    pub(crate) name: Id,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes() {
        for (text, tenant, name, id) in [
            ("acme", true, true, true),
            ("a", false, true, true),
            ("a-b", true, true, true),
            ("-ab", false, false, true),
            ("ab-", false, true, true),
            ("a_b", false, false, true),
            ("..", false, false, false),
            ("a/b", false, false, false),
            ("a\0b", false, false, false),
            ("Acme", false, false, false),
            ("ä-ä", false, false, false),
            ("", false, false, false),
            (&"a".repeat(40), true, true, true),
            (&"a".repeat(41), false, false, true),
            (&"a".repeat(61), false, false, false),
        ] {
            assert_eq!((is_tenant(text), is_name(text), is_id(text)), (tenant, name, id), "{text:?}");
        }
    }
}
