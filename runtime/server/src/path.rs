//! The parameters of a path, each a type that carries its own pattern.
//!
//! A segment that does not match its pattern cannot name anything, so it is not found: `..`, `%2f`, NUL, other alphabets and
//! endless names never reach the service. The document describes a parameter from the same type.

use axum::extract::{self, FromRequestParts};
use http::request::Parts;
use sendbox_domain::rules::policy;
use sendbox_service::Error;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use utoipa::IntoParams;
use utoipa::openapi::Required;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, Type};

use crate::problem::ApiError;

/// The parameters of the path, as `T`.
pub(crate) struct Path<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Path<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let path = extract::Path::from_request_parts(parts, state).await.map_err(|_| Error::NotFound("path"))?;
        Ok(Self(path.0))
    }
}

/// Whether a tenant could have this id.
pub(crate) fn is_tenant(text: &str) -> bool {
    policy::tenant_id(text).is_ok()
}

fn is_connection_name(text: &str) -> bool {
    policy::connection_name(text).is_ok()
}

fn is_id(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-".contains(&byte);
    (1..=60).contains(&text.len()) && text.bytes().all(allowed)
}

fn is_sha256(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

fn is_digest(text: &str) -> bool {
    text.strip_prefix("sha256:").is_some_and(is_sha256)
}

fn is_token(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
}

/// Defines segments: type, description, pattern, example, and the function that checks what the pattern says.
macro_rules! segments {
    ($($name:ident, $description:literal, $pattern:literal, $example:literal, $fits:path;)*) => {
        $(#[doc = $description]
        #[derive(Deserialize)]
        #[serde(try_from = "String")]
        pub(crate) struct $name(String);

        impl $name {
            fn parameter(name: &str) -> Parameter {
                let schema = ObjectBuilder::new().schema_type(Type::String).pattern(Some($pattern));
                ParameterBuilder::new()
                    .name(name)
                    .parameter_in(ParameterIn::Path)
                    .required(Required::True)
                    .description(Some($description))
                    .schema(Some(schema))
                    .example(Some($example.into()))
                    .build()
            }
        }

        impl TryFrom<String> for $name {
            type Error = &'static str;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                if $fits(&text) { Ok(Self(text)) } else { Err("does not match its pattern") }
            }
        }

        impl std::ops::Deref for $name {
            type Target = str;

            fn deref(&self) -> &str {
                &self.0
            }
        })*

        /// Pattern, example and check of every segment.
        #[cfg(test)]
        const SEGMENTS: &[(&str, &str, fn(&str) -> bool)] = &[$(($pattern, $example, $fits)),*];
    };
}

segments! {
    TenantId, "The id of the tenant.", "^[a-z0-9][a-z0-9-]{1,38}[a-z0-9]$", "acme", is_tenant;
    ConnectionName, "The name of the connection.", "^[a-z0-9][a-z0-9-]{0,39}$", "main", is_connection_name;
    ConnectorId, "The id of the connector.", "^[a-z0-9_-]{1,60}$", "acme-sms", is_id;
    MessageId, "The id of the message.", "^[a-z0-9_-]{1,60}$", "m7k3x9q2v5t8w4n6p1r0d", is_id;
    VerificationId, "The id of the verification.", "^[a-z0-9_-]{1,60}$", "v7k3x9q2v5t8w4n6p1r0d", is_id;
    KeyId, "The id of the key, which is not its secret.", "^[a-z0-9_-]{1,60}$", "k7k3x9q2v5t8w4n6p1r0d", is_id;
    HoldId, "The id of the hold.", "^[a-z0-9_-]{1,60}$", "h7k3x9q2v5t8w4n6p1r0d", is_id;
    WebhookEndpointId, "The id of the webhook endpoint.", "^[a-z0-9_-]{1,60}$", "w7k3x9q2v5t8w4n6p1r0d", is_id;
    EventId, "The id of the event.", "^[a-z0-9_-]{1,60}$", "e7k3x9q2v5t8w4n6p1r0d", is_id;
    ProblemName, "The last segment of a problem's `type`.", "^[a-z0-9_-]{1,60}$", "limit-reached", is_id;
    Digest, "The digest of the version: the SHA-256 of its file.", "^sha256:[0-9a-f]{64}$",
        "sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae", is_digest;
    ShapeId, "The id of the request shape: its SHA-256.", "^[0-9a-f]{64}$",
        "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", is_sha256;
    IngressName, "The name of the ingress.", "^[a-z0-9][a-z0-9-]{0,39}$", "supabase", is_connection_name;
    CallbackToken, "The secret in the address of a callback or an ingress.", "^[A-Za-z0-9_-]{1,64}$", "Qm9vLXRoaXMtaXMtMTI4YQ", is_token;
}

/// Defines paths from their parameters.
macro_rules! paths {
    ($($(#[$doc:meta])* $name:ident { $($field:ident: $segment:ident),* })*) => {
        $($(#[$doc])*
        #[derive(Deserialize)]
        pub(crate) struct $name {
            $(pub(crate) $field: $segment,)*
        }

        impl IntoParams for $name {
            fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
                vec![$($segment::parameter(stringify!($field))),*]
            }
        })*
    };
}

paths! {
    /// `/v1/tenants/{tenant}…`
    TenantPath { tenant: TenantId }
    /// `/v1/tenants/{tenant}/connections/{name}`
    ConnectionPath { tenant: TenantId, name: ConnectionName }
    /// `/v1/tenants/{tenant}/messages/{id}`
    MessagePath { tenant: TenantId, id: MessageId }
    /// `/v1/tenants/{tenant}/verifications/{id}…`
    VerificationPath { tenant: TenantId, id: VerificationId }
    /// `/v1/tenants/{tenant}/keys/{key}…`
    KeyPath { tenant: TenantId, key: KeyId }
    /// `/v1/tenants/{tenant}/holds/{hold}`
    HoldPath { tenant: TenantId, hold: HoldId }
    /// `/v1/tenants/{tenant}/ingresses/{ingress}…`
    IngressPath { tenant: TenantId, ingress: IngressName }
    /// `/v1/ingress/{token}…`, which the document does not describe.
    IngressCallPath { token: CallbackToken }
    /// `/v1/tenants/{tenant}/webhook-endpoints/{endpoint}…`
    WebhookEndpointPath { tenant: TenantId, endpoint: WebhookEndpointId }
    /// `/v1/tenants/{tenant}/events/{event}…`
    EventPath { tenant: TenantId, event: EventId }
    /// `/problems/{name}`
    ProblemPath { name: ProblemName }
    /// `/reports/{tenant}/{connection}/{token}`, which the document does not describe.
    CallbackPath { tenant: TenantId, connection: ConnectionName, token: CallbackToken }
}

/// Defines paths of both scopes: of all tenants below `/v1`, of one tenant below `/v1/tenants/{tenant}`. The tenant is not among
/// the parameters that they describe: whoever mounts the operations adds it.
macro_rules! scoped_paths {
    ($($(#[$doc:meta])* $name:ident { $($field:ident: $segment:ident),* })*) => {
        $($(#[$doc])*
        #[derive(Deserialize)]
        pub(crate) struct $name {
            tenant: Option<TenantId>,
            $(pub(crate) $field: $segment,)*
        }

        impl $name {
            /// The tenant; `None` for all tenants.
            pub(crate) fn tenant(&self) -> Option<&str> {
                self.tenant.as_deref()
            }
        }

        impl IntoParams for $name {
            fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
                vec![$($segment::parameter(stringify!($field))),*]
            }
        })*
    };
}

scoped_paths! {
    /// `/connectors`
    ScopePath { }
    /// `/connectors/{id}…`
    ConnectorPath { id: ConnectorId }
    /// `/connectors/{id}/versions/{digest}…`
    VersionPath { id: ConnectorId, digest: Digest }
    /// `/connectors/{id}/versions/{digest}/shapes/{shape}…`
    ShapePath { id: ConnectorId, digest: Digest, shape: ShapeId }
    /// `/connector-uploads/{digest}`
    UploadPath { digest: Digest }
}

/// The parameter `{tenant}`, for operations that are mounted below a tenant.
pub(crate) fn tenant_parameter() -> Parameter {
    TenantId::parameter("tenant")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn segments_are_checked() {
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
            assert_eq!((is_tenant(text), is_connection_name(text), is_id(text)), (tenant, name, id), "{text:?}");
        }
    }

    #[test]
    fn the_check_of_a_segment_is_its_pattern() {
        let odd = ["", "a", "ab", "-ab", "ab-", "a_b", "a-b", "..", "a/b", "Ab", "ä", "sha256:ab", "a\n"];
        let long: Vec<String> = (38..=66).map(|length| "a".repeat(length)).collect();
        let digests = [40, 63, 64, 65].map(|length| format!("sha256:{}", "0".repeat(length)));
        for (pattern, example, fits) in SEGMENTS {
            let validator = jsonschema::validator_for(&json!({ "pattern": pattern })).unwrap();
            assert!(fits(example), "{example} does not match {pattern}");
            let texts =
                odd.iter().copied().chain(long.iter().map(String::as_str)).chain(digests.iter().map(String::as_str));
            for text in texts.chain([*example]) {
                assert_eq!(fits(text), validator.is_valid(&json!(text)), "{text:?} and {pattern}");
            }
        }
    }
}
