//! Describes enums of the contract and the policy in the OpenAPI document. Those crates know nothing about the document.

use std::borrow::Cow;

use sendbox_contract::{ContentKind, FailureClass, Party, RequestSent, TextEncoding};
use sendbox_policy::{RecipientForm, SecretUse};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

/// Defines schemas: the describing type, the schema's name, the enum with all its variants, and the description.
macro_rules! described {
    ($($name:ident, $schema:literal, $enum:ident [$($variant:ident)*], $description:literal;)*) => {
        $(#[doc = concat!("The schema of [`", stringify!($enum), "`].")]
        pub struct $name;

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                // A variant that is missing from the list does not compile.
                let name = |variant: $enum| match variant {
                    $($enum::$variant => serde_json::to_value(variant).unwrap_or_default(),)*
                };
                let names = [$($enum::$variant),*].map(name);
                let schema = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(names));
                schema.description(Some($description)).build().into()
            }
        }

        impl ToSchema for $name {
            fn name() -> Cow<'static, str> {
                Cow::Borrowed($schema)
            }
        })*
    };
}

described! {
    FailureClassName, "FailureClass", FailureClass [
        NotSent RateLimited QuotaExceeded ProviderUnavailable InDoubt InvalidRequest TemplateRejected ContentRejected
        SenderRejected AuthenticationFailed ConfigurationInvalid InsufficientBalance AccountSuspended InvalidRecipient
        RecipientUnsubscribed RecipientBlocked UnsupportedDestination FraudBlocked Unknown ConnectorFault Unavailable
    ], "Why a message was not sent or not delivered. `in-doubt` means that nobody knows whether it was sent, `connector-fault` that \
        the connector misbehaved, and `unavailable` that Sendbox could not run the connector.";
    PartyName, "Party", Party [Connector Policy Network Provider Host],
        "Who failed: the `connector`, a `policy` of the operator or the tenant, the `network`, the `provider`, or the `host`, which \
        is Sendbox itself.";
    RequestSentName, "RequestSent", RequestSent [No Maybe Yes],
        "Whether the request with the message was sent: certainly `no`; `maybe`, because no complete answer arrived; or `yes`, and the \
        provider answered.";
    ContentKindName, "ContentKind", ContentKind [Text Template Variables],
        "What a connector takes: the rendered `text`, a `template` of the provider with variables, or the `variables` alone.";
    TextEncodingName, "TextEncoding", TextEncoding [Gsm7 Ucs2],
        "How a text is transmitted: `gsm7` fits 160 characters into one segment, `ucs2` fits 70.";
    RecipientFormName, "RecipientFormat", RecipientForm [E164 Digits National],
        "How a request contains the recipient's number: `e164` (`+4512345678`), `digits` (`4512345678`) or `national` (`12345678`).";
    SecretUseName, "SecretUse", SecretUse [SigningOnly Sent],
        "How a request uses a secret: `signing-only` signs the request with it and never sends it, `sent` sends it, as it is or encoded.";
}
