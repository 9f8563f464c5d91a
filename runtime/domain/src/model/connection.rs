use std::borrow::Cow;
use std::collections::BTreeMap;

use sendbox_contract::{TextEncoding, Usage};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::openapi::schema::{ObjectBuilder, SchemaType};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::{Hint, ResourceUsage, Sensitive, SentRequest, TextEncodingName, Timestamp, TraceEvent, UsageName};
use crate::text::TextSize;

/// A template of a connection.
#[derive(ToSchema)]
#[allow(dead_code, reason = "only described: connectors and Logto spell templates in several ways")]
pub struct Template {
    /// The usage that the template is for. `generic` is used where a usage has no template of its own.
    #[schema(value_type = UsageName, example = "sign-in")]
    usage: Usage,
    /// The language that the template is for (BCP 47). Without it, the template is used for every language that has none of its own.
    #[schema(max_length = 35, example = "en")]
    locale: Option<String>,
    /// The text, with `{{code}}` where the code goes. For connectors that take texts.
    #[schema(example = "{{code}} is your code to sign in.")]
    content: Option<String>,
    /// The provider's own template. For connectors that take templates.
    #[schema(value_type = ProviderTemplate, required = false, example = json!("SMS_154950909"))]
    template: Option<Value>,
}

/// The schema of a provider's own template.
struct ProviderTemplate;

impl PartialSchema for ProviderTemplate {
    fn schema() -> RefOr<Schema> {
        let text = "A template at the provider, as the connector's `templateSchema` describes it: often its id as a string, or an \
                    object if the connector needs more than an id.";
        ObjectBuilder::new().schema_type(SchemaType::AnyValue).description(Some(text)).build().into()
    }
}

impl ToSchema for ProviderTemplate {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("ProviderTemplate")
    }
}

/// What became of a test message.
///
/// - `accepted`: the provider accepted it.
/// - `failed`: it was not sent.
/// - `in-doubt`: nobody knows whether it was sent.
/// - `dry-run`: nothing was sent, as requested.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "described above")]
pub enum TestOutcome {
    Accepted,
    Failed,
    InDoubt,
    DryRun,
}

/// A connection to save. A secret that you leave out keeps its stored value, as long as the connector and the hosts that it may be sent to
/// stay the same.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ConnectionInput {
    /// The id of a connector in the catalogue.
    #[schema(example = "twilio")]
    pub connector: String,
    /// Parameters that match the connector's `parametersSchema`. Secrets are written here and never returned; `null` removes one.
    #[schema(value_type = Object, example = json!({"accountSID": "AC…", "authToken": "…", "fromMessagingServiceSID": "MG…"}))]
    pub parameters: Map<String, Value>,
    /// The templates, one for each usage and locale. `generic` is used where a usage has none. Logto's spelling is accepted as well.
    #[schema(value_type = Vec<Template>)]
    #[serde(default)]
    pub templates: Value,
    /// Whether the connection gets a new callback URL, because somebody else knows the old one. The old one stops working at once; where
    /// the new one is not set automatically, enter it at the provider.
    #[serde(default)]
    #[schema(example = false)]
    pub rotate_callback_url: bool,
}

/// A connection, without its secrets.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "name": "main",
    "connector": "twilio",
    "connectorDigest": "sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae",
    "parameters": {"accountSID": "AC…", "fromMessagingServiceSID": "MG…"},
    "secrets": {"authToken": "2026-11-23T20:21:33Z"},
    "templates": [{"usage": "generic", "content": "{{code}} is your code."}],
    "neededVariables": [],
    "active": true,
    "testedAt": "2026-11-23T20:24:01Z",
    "deliveryReports": {
        "supported": true,
        "callbackUrl": "https://sms.example.com/reports/acme/main/Qm9vLXRoaXMtaXMtMTI4YQ",
        "automatic": true,
        "reason": null,
    },
    "revision": 3,
    "createdAt": "2026-11-23T20:21:33Z",
    "updatedAt": "2026-11-23T20:23:10Z",
}))]
pub struct Connection {
    /// The connection's name, unique in the tenant.
    #[schema(example = "main")]
    pub name: String,
    /// The id of the connector.
    #[schema(example = "twilio")]
    pub connector: String,
    /// The digest of the connector's version that the next message is sent with, unless a canary takes it.
    #[schema(example = "sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae")]
    pub connector_digest: String,
    /// The parameters that are not secrets.
    #[schema(value_type = Object, example = json!({"accountSID": "AC…", "fromMessagingServiceSID": "MG…"}))]
    pub parameters: Map<String, Value>,
    /// The names of the secrets that are set, each with the time when it was set.
    #[schema(example = json!({"authToken": "2026-11-23T20:21:33Z"}))]
    pub secrets: BTreeMap<String, Timestamp>,
    /// The templates.
    #[schema(value_type = Vec<Template>)]
    pub templates: Value,
    /// Variables of its texts that each message must bring in `variables`. What a message does not bring keeps its placeholder, like
    /// `{{app}}`.
    #[schema(example = json!(["app"]))]
    pub needed_variables: Vec<String>,
    /// Whether this connection sends the tenant's messages.
    pub active: bool,
    /// When the provider last accepted a test message of exactly this configuration. `null` if it has not yet.
    pub tested_at: Option<Timestamp>,
    /// How the provider reports whether messages were delivered.
    pub delivery_reports: super::ConnectionReports,
    /// A number that increases with every change.
    #[schema(example = 3)]
    pub revision: u64,
    /// When the connection was created.
    pub created_at: Timestamp,
    /// When the connection was last changed.
    pub updated_at: Timestamp,
}

/// The connection to activate.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Activation {
    /// The name of the connection.
    #[schema(example = "main")]
    pub name: String,
}

/// The active connection: the one that sends.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ActiveConnection {
    /// The name of the connection; `null` if none is active.
    #[schema(example = "main")]
    pub name: Option<String>,
    /// The connection that was active before, in the response to an activation.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "backup")]
    pub previous: Option<String>,
    /// The enabled flows, which depend on the connection.
    pub flows: Vec<super::Flow>,
}

/// How a connection is deleted.
#[derive(Clone, Copy, Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct Deletion {
    /// Delete the connection even if it is active and enabled flows depend on it.
    #[serde(default)]
    pub force: bool,
}

/// A test message. The connection need not be saved, and the test does not save it.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ConnectionTest {
    /// A saved connection to test. If you also give `parameters` or `templates`, they replace the saved ones; secrets that you leave
    /// out are taken from the saved connection.
    #[schema(example = "main")]
    pub connection: Option<String>,
    /// A connector of the catalogue, if you name no saved connection.
    #[schema(example = "twilio")]
    pub connector: Option<String>,
    /// The digest of a version of an uploaded connector, which need not be active. Defaults to the active version.
    #[schema(max_length = 71, example = "sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae")]
    pub version: Option<String>,
    /// Parameters, as in a connection.
    #[schema(value_type = Option<Object>, example = json!({"accountSID": "AC…"}))]
    pub parameters: Option<Map<String, Value>>,
    /// Templates, as in a connection.
    #[schema(value_type = Option<Vec<Template>>)]
    pub templates: Option<Value>,
    /// The phone number to send to, in E.164 format.
    #[schema(value_type = String, pattern = "^\\+[1-9][0-9]{6,14}$", example = "+4512345678")]
    pub to: Sensitive,
    /// The usage whose template is sent. Defaults to `generic`.
    #[schema(value_type = Option<UsageName>)]
    pub usage: Option<Usage>,
    /// The language of the message (BCP 47).
    #[schema(max_length = 35, example = "en")]
    pub locale: Option<String>,
    /// Show the requests that would be sent, and send nothing.
    #[serde(default)]
    pub dry_run: bool,
}

/// The outcome of a test, with everything that happened on the way. Secrets, codes, phone numbers and texts are masked.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TestReport {
    /// What became of the message.
    pub outcome: TestOutcome,
    /// Why the message was not sent. `null` if it was accepted, and for a dry run.
    pub failure: Option<super::SendFailure>,
    /// The provider's id of the message. `null` if it was not accepted, or the provider gives none.
    #[schema(example = "SM4f1e8d7c9a0b4e3f")]
    pub provider_message_id: Option<String>,
    /// The size of the text. `null` if the provider composes the text.
    pub size: Option<TextSize>,
    /// Variables of the template that have no value.
    #[schema(example = json!(["app"]))]
    pub unknown_variables: Vec<String>,
    /// What happened, in order.
    pub trace: Vec<TraceEvent>,
    /// The requests that were sent, or would be in a dry run.
    pub requests: Vec<SentRequest>,
    /// What the connector used.
    pub resource_usage: ResourceUsage,
}

/// A text to preview.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PreviewRequest {
    /// The text of a template, with `{{code}}` where the code goes.
    #[schema(max_length = 8192, example = "{{code}} is your code for {{app}}.")]
    pub content: String,
    /// The language of the message (BCP 47).
    #[schema(max_length = 35, example = "en")]
    pub locale: Option<String>,
    /// Values of the other variables. The code is made up.
    #[schema(example = json!({"app": "Acme"}))]
    #[serde(default)]
    pub variables: BTreeMap<String, String>,
}

/// A template as the recipient sees it, with its size.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Preview {
    /// The rendered text, with a made-up code of the tenant's length.
    #[schema(example = "123456 is your code for Acme.")]
    pub text: String,
    /// How the text is encoded.
    #[schema(value_type = TextEncodingName)]
    pub encoding: TextEncoding,
    /// The number of segments, which are what providers bill.
    #[schema(example = 1)]
    pub segments: u32,
    /// The length of the text: septets in `gsm7`, UTF-16 code units in `ucs2`.
    #[schema(example = 29)]
    pub units: u32,
    /// Characters that GSM 03.38 does not have. A single one makes the whole text `ucs2`.
    #[schema(example = json!(["ó"]))]
    pub outside_gsm7: Vec<String>,
    /// Variables of the text that have no value.
    #[schema(example = json!(["app"]))]
    pub unknown_variables: Vec<String>,
    /// What would make the text cheaper.
    pub hints: Vec<Hint>,
    /// The price of a message by the tenant's price list, in millionths of its currency. `null` without a price list.
    #[schema(example = 80000)]
    pub price_micros: Option<u64>,
}
