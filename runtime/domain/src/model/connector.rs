use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::{ContentKindName, MessagePlacement, Template, UsageName};

/// A connector of the catalogue.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConnectorSummary {
    /// The connector's id, which a connection names.
    #[schema(example = "twilio")]
    pub id: String,
    /// Who owns the connector.
    pub owner: super::Owner,
    /// The connector's name.
    #[schema(example = "Twilio")]
    pub name: String,
    /// The version that the author gave it.
    #[schema(example = "1.4.0")]
    pub version: String,
    /// The digest of the active version: the SHA-256 of its file.
    #[schema(example = "sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae")]
    pub digest: String,
    /// What the connector does, in a sentence.
    #[schema(example = "Sends SMS over Twilio's Programmable Messaging.")]
    pub description: String,
    /// The logo as an SVG document. `null` if there is none.
    #[schema(example = "<svg xmlns=\"http://www.w3.org/2000/svg\"/>")]
    pub logo: Option<String>,
    /// What the connector takes.
    #[schema(value_type = ContentKindName)]
    pub content: sendbox_contract::ContentKind,
    /// The origins that the connector may reach. They may contain placeholders for parameters.
    #[schema(example = json!(["https://api.twilio.com"]))]
    pub hosts: Vec<String>,
    /// Whether the connector can read sealed values where a grant permits it.
    pub reveals: bool,
}

/// A connector with what you need to set it up.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConnectorDetail {
    /// The summary.
    #[serde(flatten)]
    pub summary: ConnectorSummary,
    /// The README in Markdown: how to set the connector up.
    #[schema(example = "# Twilio\n\nCreate a messaging service and …")]
    pub readme: String,
    /// The JSON Schema (2020-12) of the parameters. `writeOnly` marks secrets.
    #[schema(value_type = Object, example = json!({"type": "object", "required": ["accountSID"]}))]
    pub parameters_schema: Value,
    /// The JSON Schema of a provider's template. `null` unless the connector takes templates.
    #[schema(value_type = Option<Object>, example = json!({"type": "object"}))]
    pub template_schema: Option<Value>,
    /// The hosts that the connector reaches, with which secrets, and why.
    pub reach: Vec<HostReach>,
    /// The usages that the connector supports.
    #[schema(value_type = Vec<UsageName>)]
    pub usages: Vec<sendbox_contract::Usage>,
    /// The languages that the connector supports (BCP 47). Empty if it supports any.
    #[schema(example = json!(["en", "da"]))]
    pub locales: Vec<String>,
    /// Whether the provider makes one message from requests with the same idempotency key.
    pub idempotent: bool,
    /// Whether the connector can read delivery reports.
    pub reads_reports: bool,
    /// Templates to start from, in every language that comes with Sendbox. Empty unless the connector takes texts.
    #[schema(value_type = Vec<Template>)]
    pub default_templates: Vec<Value>,
}

/// A host that a connector reaches.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct HostReach {
    /// The origin. It may contain placeholders for parameters.
    #[schema(example = "https://api.twilio.com")]
    pub origin: String,
    /// The HTTP methods.
    #[schema(example = json!(["POST"]))]
    pub methods: Vec<String>,
    /// The beginning of the paths.
    #[schema(example = "/2010-04-01/")]
    pub path_prefix: String,
    /// The positions of the recipient and the message in a request to this host. Absent if the host receives neither.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<MessagePlacement>,
    /// The parameters that are secrets and are sent to this host.
    #[schema(example = json!(["authToken"]))]
    pub secrets: Vec<String>,
    /// What the host is for, according to the author.
    #[schema(example = "Send messages")]
    pub purpose: String,
}
