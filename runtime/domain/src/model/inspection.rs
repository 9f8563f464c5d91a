use std::collections::BTreeSet;

use sendbox_contract::{ContentKind, Shape, Usage};
use sendbox_policy::{HostNeed, Method, OriginPattern, SecretUse};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::{ContentKindName, MessagePlacement, SecretUseName, UsageName};

/// What the file of a version contains, and what its connector says about itself.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct VersionInspection {
    /// The connector's id.
    #[schema(example = "acme-sms")]
    pub id: String,
    /// The version that the author gave it.
    #[schema(example = "1.4.0")]
    pub version: String,
    /// The connector's name.
    #[schema(example = "Acme SMS")]
    pub name: String,
    /// What the connector does, in a sentence.
    #[schema(example = "Sends SMS over Acme's HTTP API.")]
    pub description: String,
    /// The hosts that the connector asks for, and what it sends to each of them.
    pub hosts: Vec<RequestedHost>,
    /// Whether the connector can read sealed values where a grant permits it.
    pub reveals: bool,
    /// Whether the connector can read delivery reports.
    pub reads_reports: bool,
    /// What the connector takes.
    #[schema(value_type = ContentKindName)]
    pub content: ContentKind,
    /// The JSON Schema (2020-12) of the parameters. `writeOnly` marks secrets.
    #[schema(value_type = Object, example = json!({"type": "object", "required": ["authToken"]}))]
    pub parameters_schema: Value,
    /// The parameters that are secrets.
    #[schema(value_type = Vec<String>, example = json!(["authToken"]))]
    pub secrets: BTreeSet<String>,
    /// The usages that the connector supports.
    #[schema(value_type = Vec<UsageName>)]
    pub usages: BTreeSet<Usage>,
    /// The languages that the connector supports (BCP 47). Empty if it supports any.
    #[schema(value_type = Vec<String>, example = json!(["en", "da"]))]
    pub locales: BTreeSet<String>,
    /// Whether the provider makes one message from requests with the same idempotency key.
    pub idempotent: bool,
    /// What the file contains.
    pub file: ComponentFile,
}

/// A host that a connector asks for.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RequestedHost {
    /// The origin. It may contain placeholders for parameters.
    #[schema(value_type = String, example = "https://api.example.com")]
    pub origin: OriginPattern,
    /// The HTTP methods.
    #[schema(value_type = Vec<String>, example = json!(["POST"]))]
    pub methods: Vec<Method>,
    /// The beginning of the paths. Empty if any path is allowed.
    #[schema(example = "/v1/messages")]
    pub path_prefix: String,
    /// The positions of the recipient and the message in a request to this host. Absent if the host receives neither.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<MessagePlacement>,
    /// The secrets that requests to this host may use.
    pub secrets: Vec<RequestedSecret>,
    /// What the host is for, according to the author.
    #[schema(example = "Sends messages.")]
    pub purpose: String,
}

/// A secret that requests to a host may use.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RequestedSecret {
    /// The parameter that is the secret.
    #[schema(example = "authToken")]
    pub key: String,
    /// How requests use the secret.
    #[serde(rename = "use")]
    #[schema(value_type = SecretUseName)]
    pub secret_use: SecretUse,
}

impl RequestedHost {
    /// Describes a host of a manifest.
    pub fn of(need: &HostNeed) -> Self {
        let secret = |key: &str, secret_use| RequestedSecret { key: key.to_owned(), secret_use };
        Self {
            origin: need.origin().clone(),
            methods: need.methods().to_vec(),
            path_prefix: need.path_prefix().to_owned(),
            message: need.message().map(MessagePlacement::of),
            secrets: need.secrets().iter().map(|binding| secret(&binding.key, binding.usage)).collect(),
            purpose: need.purpose().to_owned(),
        }
    }
}

/// What the file of a component contains.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ComponentFile {
    /// The size of the file, in bytes.
    #[schema(example = 184_320)]
    pub bytes: usize,
    /// The interfaces that it imports, with their versions.
    #[schema(value_type = Vec<String>, example = json!(["sendbox:connector/http-outbound@1.0.0"]))]
    pub imports: BTreeSet<String>,
    /// The interfaces that it exports, with their versions.
    #[schema(value_type = Vec<String>, example = json!(["sendbox:connector/connector@1.0.0"]))]
    pub exports: BTreeSet<String>,
    /// The number of core modules.
    #[schema(example = 1)]
    pub modules: usize,
    /// The number of memories, over all modules.
    #[schema(example = 1)]
    pub memories: usize,
    /// The memory that an instance starts with, in bytes.
    #[schema(example = 1_114_112)]
    pub initial_memory: u64,
    /// The number of tables, over all modules.
    #[schema(example = 1)]
    pub tables: usize,
    /// The number of functions, over all modules.
    #[schema(example = 412)]
    pub functions: usize,
    /// The number of custom sections, including those inside modules.
    #[schema(example = 3)]
    pub custom_sections: usize,
    /// The size of all custom sections, in bytes. They are never run.
    #[schema(example = 2048)]
    pub custom_bytes: usize,
}

impl From<&Shape> for ComponentFile {
    fn from(shape: &Shape) -> Self {
        Self {
            bytes: shape.bytes,
            imports: shape.imports.clone(),
            exports: shape.exports.clone(),
            modules: shape.modules,
            memories: shape.memories,
            initial_memory: shape.initial_memory,
            tables: shape.tables,
            functions: shape.functions,
            custom_sections: shape.custom_sections,
            custom_bytes: shape.custom_bytes,
        }
    }
}
