//! What a connector says about itself, validated.
//!
//! Metadata comes from the guest, so it is not trusted. It is bounded here, its schemas are checked and compiled (see
//! [`crate::schema`]), and its hosts become a [`Manifest`]. Invalid metadata is refused at installation, with all faults at once.

mod origin_parameters;
mod shown;

use std::collections::BTreeSet;
use std::sync::Arc;

use sendbox_policy::{
    ContentKind, HostNeed, Limits, Manifest, MessagePlaces, Method, OriginPattern, Place, RecipientForm, SecretBinding,
    SecretUse, Step,
};
use serde::Serialize;
use serde_json::Value;

use self::shown::Shown;
use crate::message::Usage;
use crate::schema::{self, Schema};

/// Maximum size of a code that is checked against `x-code`, in bytes. A longer code never matches.
const CODE_BYTES: usize = 64;
/// Maximum number of hosts.
const HOSTS: usize = 16;
/// Maximum size of a tenant's template, in bytes.
const TEMPLATE_BYTES: usize = 16 << 10;

/// The declared positions of recipient and message, as the guest wrote them.
#[allow(missing_docs, reason = "described in wit/connector/v1")]
#[derive(Clone, Debug)]
pub struct RawPlaces {
    pub recipient_format: RecipientForm,
    pub recipient: Vec<Step>,
    pub content: Vec<Step>,
    pub client_ip: Option<Vec<Step>>,
}

/// One host need, as the guest wrote it.
#[allow(missing_docs, reason = "described in wit/connector/v1")]
#[derive(Clone, Debug)]
pub struct RawHostNeed {
    pub origin: String,
    pub methods: Vec<String>,
    pub path_prefix: String,
    pub message: Option<RawPlaces>,
    pub secrets: Vec<(String, SecretUse)>,
    pub purpose: String,
}

/// Metadata, as the guest wrote it.
#[allow(missing_docs, reason = "described in wit/connector/v1")]
#[derive(Clone, Debug)]
pub struct RawMetadata {
    pub id: String,
    pub version: String,
    pub name: String,
    pub description: String,
    pub readme: String,
    pub logo: Option<String>,
    pub parameters_schema: String,
    pub content: ContentKind,
    pub template_schema: Option<String>,
    pub hosts: Vec<RawHostNeed>,
    pub usages: Vec<Usage>,
    pub locales: Vec<String>,
    pub idempotent: bool,
}

/// What a connector is and needs, validated.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Metadata {
    /// The id, which identifies the connector across versions: `twilio`.
    pub id: String,
    /// The author's version, for display. The host identifies a version by its [`Digest`](crate::Digest).
    pub version: String,
    /// The display name.
    pub name: String,
    /// What the connector does, in one sentence.
    pub description: String,
    /// How to set it up at the provider, in Markdown.
    pub readme: String,
    /// The logo, as an SVG document.
    pub logo: Option<String>,
    /// The JSON Schema (2020-12) of the parameters.
    pub parameters_schema: Value,
    /// The kind of content that the connector takes.
    pub content: ContentKind,
    /// The JSON Schema of a template, for the content kind `template`.
    pub template_schema: Option<Value>,
    /// The hosts that it needs, and what it sends to each.
    #[serde(skip)]
    pub manifest: Manifest,
    /// The supported usages.
    pub usages: Vec<Usage>,
    /// The supported languages (BCP 47). Empty for any.
    pub locales: Vec<String>,
    /// Whether the provider makes one message from requests with the same idempotency key.
    pub idempotent: bool,
    /// The names of the parameters that are secrets (`writeOnly`).
    pub secret_keys: BTreeSet<String>,
    /// The validators that are compiled from the schemas above.
    #[serde(skip)]
    pub validators: Validators,
}

/// Compiled checks for codes and templates. `Default` accepts everything.
#[derive(Clone, Debug, Default)]
pub struct Validators {
    template: Option<Arc<Schema>>,
    code: Option<Arc<Schema>>,
}

/// The metadata is invalid. Contains all faults.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the connector's metadata is invalid: {}", .0.join("; "))]
pub struct MetadataError(pub Vec<String>);

impl Metadata {
    /// Checks a tenant's template against [`template_schema`](Self::template_schema). `template` is what the connector gets: a
    /// template id as it is, or other JSON in compact form.
    ///
    /// # Errors
    /// What is wrong with it, as a sentence.
    pub fn check_template(&self, template: &str) -> Result<(), String> {
        let Some(validator) = &self.validators.template else { return Ok(()) };
        if template.len() > TEMPLATE_BYTES {
            return Err(format!("the template entry has {} bytes; {TEMPLATE_BYTES} are allowed", template.len()));
        }
        let text = Value::String(template.to_owned());
        let value = match serde_json::from_str::<Value>(template) {
            // A template id may consist of digits only.
            Ok(value) if !validator.is_valid(&text) => value,
            _ => text,
        };
        schema::check_value(&value).map_err(|bound| format!("the template entry {bound}"))?;
        // If the schema has alternatives, the validator only says that none matches; the description says what is expected.
        let wanted = self.template_schema.as_ref().and_then(|schema| schema.get("description")?.as_str());
        validator.validate(&value).map_err(|error| match wanted {
            Some(wanted) => format!("{error}. Wanted: {wanted}"),
            None => error.to_string(),
        })
    }

    /// Whether the provider accepts such a code: whether it matches `x-code` in the schema of the parameters.
    pub fn takes_code(&self, code: &str) -> bool {
        if code.len() > CODE_BYTES {
            return false;
        }
        let code = Value::String(code.to_owned());
        self.validators.code.as_ref().is_none_or(|validator| validator.is_valid(&code))
    }

    /// Validates a guest's metadata and compiles the schema of its parameters.
    ///
    /// # Errors
    /// All faults of the metadata.
    pub fn check(raw: RawMetadata, limits: &Limits) -> Result<(Self, Schema), MetadataError> {
        let mut faults = Vec::new();
        check_sizes(&raw, limits, &mut faults);
        let is_bounded = faults.is_empty();
        if raw.id.len() < 3
            || raw.id.len() > 64
            || !raw.id.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        {
            faults.push("`id` must be 3 to 64 of a-z, 0-9 and `-`".to_owned());
        }
        if raw.name.trim().is_empty() {
            faults.push("`name` is empty".to_owned());
        }
        if raw.usages.is_empty() {
            faults.push("`usages` is empty".to_owned());
        }
        let (parameters_schema, schema) = match schema::compile("parameters-schema", &raw.parameters_schema) {
            Ok((value, schema)) => (value, Some(schema)),
            Err(fault) => {
                faults.push(fault);
                (Value::Null, None)
            }
        };
        let (template_schema, template) =
            match raw.template_schema.as_deref().map(|text| schema::compile("template-schema", text)).transpose() {
                Ok(compiled) => compiled.map(|(value, schema)| (value, Arc::new(schema))).unzip(),
                Err(fault) => {
                    faults.push(fault);
                    (None, None)
                }
            };
        if is_bounded {
            let lines = [("name", raw.name.as_str()), ("version", &raw.version)].into_iter();
            let locales = raw.locales.iter().map(|tag| ("locales", tag.as_str()));
            let purposes = raw.hosts.iter().map(|need| ("purpose", need.purpose.as_str()));
            faults.extend(shown::faults(&Shown {
                lines: lines.chain(locales).chain(purposes).collect(),
                description: &raw.description,
                readme: &raw.readme,
                schemas: [&parameters_schema, template_schema.as_ref().unwrap_or(&Value::Null)],
            }));
        }
        let code = match parameters_schema.get("x-code").map(|schema| schema::compile("x-code", &schema.to_string())) {
            None => None,
            Some(Ok((_, schema))) => Some(Arc::new(schema)),
            Some(Err(fault)) => {
                faults.push(fault);
                None
            }
        };
        let secret_keys = secret_keys(&parameters_schema);
        let manifest = manifest(&raw.hosts, &secret_keys, &mut faults);
        faults.extend(origin_parameters::faults(&manifest, &parameters_schema));
        for need in manifest.hosts() {
            let fault = need.message().and_then(|places| places.check_content(raw.content).err());
            faults.extend(fault.map(|error| format!("host `{}`: {error}", need.origin())));
        }
        match schema {
            Some(schema) if faults.is_empty() => Ok((
                Self {
                    id: raw.id,
                    version: raw.version,
                    name: raw.name,
                    description: raw.description,
                    readme: raw.readme,
                    logo: raw.logo,
                    parameters_schema,
                    content: raw.content,
                    template_schema,
                    manifest,
                    usages: raw.usages,
                    locales: raw.locales,
                    idempotent: raw.idempotent,
                    secret_keys,
                    validators: Validators { template, code },
                },
                schema,
            )),
            _ => Err(MetadataError(faults)),
        }
    }
}

fn check_sizes(raw: &RawMetadata, limits: &Limits, faults: &mut Vec<String>) {
    let total = raw.readme.len()
        + raw.description.len()
        + raw.parameters_schema.len()
        + raw.logo.as_ref().map_or(0, String::len)
        + raw.template_schema.as_ref().map_or(0, String::len);
    if total > limits.metadata_bytes {
        faults.push(format!("it has {total} bytes; {} are allowed", limits.metadata_bytes));
    }
    for (field, length, most) in [
        ("version", raw.version.len(), 64),
        ("name", raw.name.len(), 80),
        ("description", raw.description.len(), 400),
        ("logo", raw.logo.as_ref().map_or(0, String::len), 32 << 10),
        ("hosts", raw.hosts.len(), HOSTS),
        ("locales", raw.locales.len(), 100),
        ("usages", raw.usages.len(), 9),
    ] {
        if length > most {
            faults.push(format!("`{field}` has {length}; {most} are allowed"));
        }
    }
    if raw.locales.iter().any(|tag| tag.len() > 35) {
        faults.push("a tag in `locales` is too long".to_owned());
    }
}

/// The names of the parameters that the schema marks `writeOnly`.
fn secret_keys(schema: &Value) -> BTreeSet<String> {
    schema
        .get("properties")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .filter(|(_, property)| property.get("writeOnly") == Some(&Value::Bool(true)))
        .map(|(key, _)| key.clone())
        .collect()
}

fn manifest(needs: &[RawHostNeed], secret_keys: &BTreeSet<String>, faults: &mut Vec<String>) -> Manifest {
    let mut hosts = Vec::new();
    for need in needs.iter().take(HOSTS) {
        match host_need(need, secret_keys) {
            Ok(host) => hosts.push(host),
            Err(fault) => faults.push(format!("host `{}`: {fault}", need.origin)),
        }
    }
    Manifest::new(hosts).unwrap_or_else(|error| {
        faults.push(error.to_string());
        Manifest::default()
    })
}

fn places(raw: &RawPlaces) -> Result<MessagePlaces, String> {
    let place = |what: &str, steps: &[Step]| {
        Place::new(steps.iter().cloned()).map_err(|error| format!("the place of the {what}: {error}"))
    };
    let client_ip = raw.client_ip.as_deref().map(|steps| place("client's address", steps)).transpose()?;
    let (recipient, content) = (place("recipient", &raw.recipient)?, place("content", &raw.content)?);
    MessagePlaces::new(raw.recipient_format, recipient, content, client_ip).map_err(|error| error.to_string())
}

fn host_need(need: &RawHostNeed, secret_keys: &BTreeSet<String>) -> Result<HostNeed, String> {
    let origin = OriginPattern::parse(&need.origin).map_err(|error| error.to_string())?;
    let methods = need
        .methods
        .iter()
        .map(|method| method.parse::<Method>().map_err(|error| error.to_string()))
        .collect::<Result<Vec<_>, _>>()?;
    for (key, _) in &need.secrets {
        if !secret_keys.contains(key) {
            return Err(format!("`{key}` is not a `writeOnly` parameter of the schema"));
        }
    }
    let secrets =
        need.secrets.iter().map(|(key, usage)| SecretBinding { key: key.clone(), usage: *usage }).collect::<Vec<_>>();
    HostNeed::new(
        origin,
        methods,
        need.path_prefix.clone(),
        need.message.as_ref().map(places).transpose()?,
        secrets,
        need.purpose.chars().take(200).collect::<String>(),
    )
    .map_err(|error| error.to_string())
}
