use std::borrow::Cow;
use std::fmt;

use sendbox_contract::{DeliveryState, FailureClass};
use serde::Serialize;
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::{FailureClassName, Timestamp};

/// The schema of [`DeliveryState`].
pub struct DeliveryStateName;

impl PartialSchema for DeliveryStateName {
    fn schema() -> RefOr<Schema> {
        let names = DeliveryState::ALL.map(DeliveryState::as_str);
        let described = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(names));
        let text = "What the provider reported about a message after it accepted it. A state is never taken back: a message that was \
                    `delivered` stays so, whatever is reported later.";
        described.description(Some(text)).build().into()
    }
}

impl ToSchema for DeliveryStateName {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("DeliveryState")
    }
}

/// The delivery of a message, according to its provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Delivery {
    /// The most advanced state that was reported.
    #[schema(value_type = DeliveryStateName)]
    pub state: DeliveryState,
    /// Why the message was not delivered. Absent if it was, or the provider gave no reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<FailureClassName>, example = "invalid-recipient")]
    pub class: Option<FailureClass>,
    /// The provider's error code.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "30003")]
    pub provider_code: Option<String>,
    /// When Sendbox received the report.
    pub reported_at: Timestamp,
}

/// A delivery report of a provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = DeliveryReport)]
pub struct ReceivedReport {
    /// The reported state.
    #[schema(value_type = DeliveryStateName)]
    pub state: DeliveryState,
    /// Why the message was not delivered. Absent if it was, or the provider gave no reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<FailureClassName>, example = "invalid-recipient")]
    pub class: Option<FailureClass>,
    /// The provider's error code.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "30003")]
    pub provider_code: Option<String>,
    /// The provider's explanation, without phone numbers.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "unreachable destination handset")]
    pub message: Option<String>,
    /// Whether the provider signed the report, with a secret of the connection. If it did not, anyone who knows the callback URL can have
    /// sent it: some providers do not sign, and some sign only once you have entered a secret for it.
    pub signed: bool,
    /// When Sendbox received the report.
    pub reported_at: Timestamp,
    /// The time in the report, in the provider's own format.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2026-11-23 20:21:33")]
    pub provider_time: Option<String>,
}

/// How a connection's provider reports whether messages were delivered.
#[derive(Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConnectionReports {
    /// Whether the connector can read delivery reports.
    pub supported: bool,
    /// The URL that the provider calls. Whoever knows it can send reports, so give it to the provider only. It is returned to keys
    /// with the scope `manage`, and is `null` for others.
    #[schema(example = "https://sms.example.com/reports/acme/main/Qm9vLXRoaXMtaXMtMTI4YQ")]
    pub callback_url: Option<String>,
    /// Whether Sendbox passes the URL to the provider with every message, so that you need not enter it there.
    pub automatic: bool,
    /// Why there is no URL, or why you have to enter it at the provider. `null` if neither is the case.
    #[schema(example = "this server has no public URL; start it with --public-url")]
    pub reason: Option<String>,
}

impl fmt::Debug for ConnectionReports {
    /// Without the URL, which is a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let callback_url = self.callback_url.as_ref().map(|_| "[secret]");
        f.debug_struct("ConnectionReports")
            .field("supported", &self.supported)
            .field("callback_url", &callback_url)
            .field("automatic", &self.automatic)
            .field("reason", &self.reason)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_callback_url() {
        let callback_url = Some("https://sms.example.com/reports/acme/main/hush".to_owned());
        let shown = format!("{:?}", ConnectionReports { supported: true, callback_url, automatic: true, reason: None });
        assert!(shown.contains("supported: true") && !shown.contains("hush"), "{shown}");
    }
}
