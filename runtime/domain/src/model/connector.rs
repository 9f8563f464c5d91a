use sendbox_policy::{MessagePlaces, RecipientForm};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// A connector of the catalogue.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConnectorSummary {
    /// What a connection names.
    #[schema(example = "twilio")]
    pub id: String,
    /// Whose it is.
    pub owner: super::Owner,
    /// For people.
    pub name: String,
    /// The author's own version.
    pub version: String,
    /// `sha256:…`: the version that counts.
    pub digest: String,
    /// One sentence.
    pub description: String,
    /// An SVG document.
    pub logo: Option<String>,
    /// What it takes: `text`, `template`, `variables`.
    #[schema(value_type = String)]
    pub content: sendbox_contract::ContentKind,
    /// Origins that it may reach, as patterns.
    pub hosts: Vec<String>,
    /// Whether it could read what it sends, if a grant let it.
    pub reveals: bool,
}

/// All there is to know of a connector before it is set up.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConnectorDetail {
    /// The card.
    #[serde(flatten)]
    pub summary: ConnectorSummary,
    /// Markdown.
    pub readme: String,
    /// JSON Schema 2020-12 of the parameters. `writeOnly` marks secrets.
    #[schema(value_type = Object)]
    pub parameters_schema: Value,
    /// JSON Schema of a provider's template, for connectors that take `template`.
    #[schema(value_type = Option<Object>)]
    pub template_schema: Option<Value>,
    /// What it may reach, with which secrets, and why.
    pub reach: Vec<HostReach>,
    /// Usages that it supports.
    #[schema(value_type = Vec<String>)]
    pub usages: Vec<sendbox_contract::Usage>,
    /// BCP 47 tags; empty for any.
    pub locales: Vec<String>,
    /// Whether a repeated idempotency key is one message at the provider.
    pub idempotent: bool,
    /// Whether it reads delivery reports.
    pub reads_reports: bool,
    /// A starting point for `templates`: texts in every language that comes with Sendbox, for connectors that take texts.
    #[schema(value_type = Vec<Object>)]
    pub default_templates: Vec<Value>,
}

/// Where a request carries the message. The host takes it only there, as whole values.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MessagePlacement {
    /// How the number is written: `e164` (`+4512345678`), `digits` (`4512345678`) or `national` (`12345678`).
    #[schema(value_type = String, example = "e164")]
    pub recipient_format: RecipientForm,
    /// Where the number stands, in words.
    #[schema(example = "the form field `To`")]
    pub recipient: String,
    /// Where the text, or each variable, stands, in words.
    #[schema(example = "the form field `Body`")]
    pub content: String,
    /// Where the end user's address stands, in words, when the connector passes it on.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "the JSON value `/ip`")]
    pub client_ip: Option<String>,
}

impl MessagePlacement {
    pub fn of(places: &MessagePlaces) -> Self {
        Self {
            recipient_format: places.recipient_format(),
            recipient: places.recipient().to_string(),
            content: places.content().to_string(),
            client_ip: places.client_ip().map(ToString::to_string),
        }
    }
}

/// One host that a connector may reach.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct HostReach {
    /// `https://api.twilio.com`
    pub origin: String,
    /// `POST`
    pub methods: Vec<String>,
    /// `/2010-04-01/`
    pub path_prefix: String,
    /// Where a request to this host carries the message. Absent for a host that receives nothing of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<MessagePlacement>,
    /// Parameters that are secrets and go there.
    pub secrets: Vec<String>,
    /// The author's reason.
    pub purpose: String,
}
