use std::collections::BTreeMap;

use sendbox_contract::Usage;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::{HintView, Sensitive, Timestamp, UsageName};
use crate::text::TextSize;

/// A connection to be saved. Replaces the one of that name; a secret that is left out keeps its value, as long as the
/// connector stays the same.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ConnectionInput {
    /// A connector of the catalogue.
    #[schema(example = "twilio")]
    pub connector: String,
    /// By the connector's schema. Secrets are written here and never returned; `null` removes one.
    #[schema(value_type = Object)]
    pub parameters: Map<String, Value>,
    /// `[{"usage", "locale"?, "content"}]`, or with `template` instead of `content` for a provider's own. Logto's spellings
    /// are read too.
    #[schema(value_type = Vec<Object>)]
    #[serde(default)]
    pub templates: Value,
}

/// A connection, without its secrets.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Connection {
    /// Its name in this tenant.
    #[schema(example = "main")]
    pub name: String,
    /// The connector.
    pub connector: String,
    /// `sha256:…`: the version that its next message is sent with, unless another one is being tried.
    pub connector_digest: String,
    /// Those that are no secrets.
    #[schema(value_type = Object)]
    pub parameters: Map<String, Value>,
    /// The secrets that are set, and since when.
    pub secrets: BTreeMap<String, Timestamp>,
    /// As they are used.
    #[schema(value_type = Vec<Object>)]
    pub templates: Value,
    /// Whether it is the one that sends.
    pub active: bool,
    /// When exactly this configuration last sent a test that the provider accepted.
    pub tested_at: Option<Timestamp>,
    /// Where its provider reports what became of messages.
    pub reports: super::ConnectionReports,
    /// Grows with every change.
    pub revision: u64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed.
    pub updated_at: Timestamp,
}

/// Which connection is to send from now on.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Activation {
    /// The connection's name.
    pub name: String,
}

/// The connection that sends.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ActiveConnection {
    /// Its name; absent when none is active.
    pub name: Option<String>,
    /// The one before, when this answer is to a change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous: Option<String>,
    /// Flows that are on and depend on it.
    pub flows: Vec<super::Flow>,
}

/// How a connection is deleted.
#[derive(Clone, Copy, Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct Deletion {
    /// Delete it even if it is active and flows that are on depend on it.
    #[serde(default)]
    pub force: bool,
}

/// A test message of a connection that need not be saved. Nothing is saved but that the test was made.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ConnectionTest {
    /// A saved connection to test. With `parameters` or `templates` beside it: to take the rest from, secrets included.
    pub connection: Option<String>,
    /// A connector of the catalogue, when no saved connection is named.
    pub connector: Option<String>,
    /// A version of an uploaded connector, `sha256:…`, that need not send yet; the active one when absent.
    #[schema(max_length = 71)]
    pub version: Option<String>,
    /// As in a connection.
    #[schema(value_type = Option<Object>)]
    pub parameters: Option<Map<String, Value>>,
    /// As in a connection.
    #[schema(value_type = Option<Vec<Object>>)]
    pub templates: Option<Value>,
    /// Where to.
    #[schema(value_type = String, pattern = "^\\+[1-9][0-9]{6,14}$", example = "+4512345678")]
    pub to: Sensitive,
    /// Which template; `generic` when absent.
    #[schema(value_type = Option<UsageName>)]
    pub usage: Option<Usage>,
    /// BCP 47.
    #[schema(max_length = 35)]
    pub locale: Option<String>,
    /// Show what would leave, and let nothing out.
    #[serde(default)]
    pub dry_run: bool,
}

/// What became of a test, with all that happened on the way. Masked: it holds no secret, code, number or text.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TestReport {
    /// `accepted`, `failed`, `in-doubt` or `dry-run`.
    pub outcome: String,
    /// Why not.
    pub failure: Option<super::FailureView>,
    /// The provider's id of the message.
    pub provider_message_id: Option<String>,
    /// What the text takes on the air, for connectors that take texts.
    #[schema(value_type = Option<Object>)]
    pub size: Option<TextSize>,
    /// Names in the template for which there is no value.
    pub unknown_variables: Vec<String>,
    /// What happened, in order.
    #[schema(value_type = Vec<Object>)]
    pub trace: Vec<Value>,
    /// What was sent, masked.
    #[schema(value_type = Vec<Object>)]
    pub requests: Vec<Value>,
    /// Time, CPU, memory, host calls.
    #[schema(value_type = Object)]
    pub used: Value,
}

/// A text to look at before it is saved.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PreviewRequest {
    /// With `{{code}}`.
    #[schema(max_length = 8192)]
    pub content: String,
    /// BCP 47.
    #[schema(max_length = 35)]
    pub locale: Option<String>,
    /// Further values; the code is an example.
    #[serde(default)]
    pub variables: BTreeMap<String, String>,
}

/// What a template looks like on a phone, and what it takes.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Preview {
    /// With an example code of the tenant's length.
    pub text: String,
    /// `gsm7` or `ucs2`.
    pub encoding: String,
    /// Parts as billed.
    pub segments: u32,
    /// Septets or UTF-16 units.
    pub units: u32,
    /// Characters that are not in GSM 03.38 and make the whole text UCS-2.
    pub outside_gsm7: Vec<String>,
    /// Names for which there is no value.
    pub unknown_variables: Vec<String>,
    /// What would make it cheaper.
    pub hints: Vec<HintView>,
    /// What a message costs by the tenant's price list, in millionths, where there is one.
    pub price_micros: Option<u64>,
}
