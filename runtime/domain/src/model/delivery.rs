use std::borrow::Cow;
use std::fmt;

use sendbox_contract::DeliveryState;
use serde::Serialize;
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::Timestamp;

/// Describes [`DeliveryState`] in the OpenAPI document: the sandbox, whose type it is, knows nothing of that.
pub struct DeliveryStateName;

impl PartialSchema for DeliveryStateName {
    fn schema() -> RefOr<Schema> {
        let names = DeliveryState::ALL.map(DeliveryState::as_str);
        let described = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(names));
        let text = "What a provider says of a message after it took it. A message never goes back: one that was `delivered` \
                    stays so, whatever is reported later.";
        described.description(Some(text)).build().into()
    }
}

impl ToSchema for DeliveryStateName {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("DeliveryState")
    }
}

/// How far a message has come, by what its provider reported.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Delivery {
    /// Where it is.
    #[schema(value_type = DeliveryStateName)]
    pub state: DeliveryState,
    /// Why it was not delivered: one of a closed set, like `invalid-recipient`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class: Option<String>,
    /// The provider's own code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider_code: Option<String>,
    /// When Sendbox was told.
    pub at: Timestamp,
}

/// One report of a provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeliveryReportView {
    /// What it says.
    #[schema(value_type = DeliveryStateName)]
    pub state: DeliveryState,
    /// Why the message was not delivered: one of a closed set, like `invalid-recipient`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class: Option<String>,
    /// The provider's own code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider_code: Option<String>,
    /// The provider's own text, without numbers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// When Sendbox was told.
    pub at: Timestamp,
    /// The provider's own time, as it wrote it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider_at: Option<String>,
}

/// Where a connection's provider reports what became of messages.
#[derive(Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConnectionReports {
    /// Whether the connector reads reports.
    pub supported: bool,
    /// The address for the provider's settings. Whoever knows it may report: tell it to the provider alone. Only whoever may
    /// manage the tenant sees it.
    #[schema(example = "https://sms.example.com/reports/acme/main/Qm9vLXRoaXMtaXMtMTI4YQ")]
    pub address: Option<String>,
    /// Whether Sendbox tells the provider this address with every message, so that nothing has to be set up there.
    pub filled: bool,
    /// Why there is no address, or why it has to be set up by hand.
    pub why: Option<String>,
}

impl fmt::Debug for ConnectionReports {
    /// Without the address, which is a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let address = self.address.as_ref().map(|_| "[secret]");
        f.debug_struct("ConnectionReports")
            .field("supported", &self.supported)
            .field("address", &address)
            .field("filled", &self.filled)
            .field("why", &self.why)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_address() {
        let address = Some("https://sms.example.com/reports/acme/main/hush".to_owned());
        let shown = format!("{:?}", ConnectionReports { supported: true, address, filled: true, why: None });
        assert!(shown.contains("supported: true") && !shown.contains("hush"), "{shown}");
    }
}
