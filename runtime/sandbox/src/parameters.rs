//! A connection's parameters: bounded, validated against the connector's schema, with defaults filled in and secrets separated.
//!
//! The bounds hold whatever the schema says. The cost of a send and of validation is calculated from them (see
//! [`sendbox_contract::schema`]).

mod wording;

use std::collections::BTreeMap;
use std::sync::Arc;

use jsonschema::ValidationError;
use jsonschema::error::ValidationErrorKind;
use memchr::memmem;
use sendbox_contract::schema::Schema;
use sendbox_contract::text::one_line;
use sendbox_contract::{FaultKind, Metadata, ParameterError, ParameterFault, schema};
use sendbox_policy::{Encoding, HostValue, HostValues, Label, Mark};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use crate::egress::scrub::{Needle, needles};
use crate::sealed::{SECRET_BOUND, Sealed, encode_bytes};

/// Maximum size of a secret, in bytes. What a connector makes from secrets is charged by this, not by their actual size.
pub const SECRET_BYTES: usize = SECRET_BOUND;
/// Maximum size of a plain parameter as the connector reads it, in bytes.
const PLAIN_BYTES: usize = 4096;
/// Maximum number of parameters of a connection.
const PARAMETERS: usize = 64;
/// Maximum length of a parameter's name, in bytes.
const NAME_BYTES: usize = 128;
/// Maximum number of faults that are reported at once.
const FAULTS: usize = 64;
/// Maximum length of a fault's message, in bytes. A schema can list many allowed values.
const MESSAGE_BYTES: usize = 500;
/// Maximum length of a fault's bound, in bytes; a longer one is left out.
const BOUND_BYTES: usize = 2000;

/// A fault at the field that has to change, without its value.
fn fault(metadata: &Metadata, error: &ValidationError<'_>) -> ParameterFault {
    let at = error.instance_path().to_string();
    match error.kind() {
        ValidationErrorKind::Required { property } => {
            let name = property.as_str().unwrap_or_default().replace('~', "~0").replace('/', "~1");
            ParameterFault::new(format!("{at}/{name}"), FaultKind::Required, "is missing", None)
        }
        ValidationErrorKind::AnyOf { context } | ValidationErrorKind::OneOfNotValid { context }
            if !missing(context).is_empty() =>
        {
            let names = missing(context).join(", ");
            let message = format!("one of these is needed: {names}");
            ParameterFault::new(at, FaultKind::OneRequired, message, Some(names))
        }
        _ if metadata.secret_keys.iter().any(|key| at == format!("/{key}")) => {
            ParameterFault::new(at, FaultKind::Secret, "is not a valid value for this secret", None)
        }
        // The validator's own message quotes the value, and is written for people who know JSON Schema. For the whole object it would
        // quote every secret, including stored ones; and the value of a plain field may be a secret that was entered there by mistake.
        _ => {
            let description = metadata.parameters_schema.pointer(&format!("/properties{at}/description"));
            let description = description.and_then(Value::as_str).filter(|_| !at.is_empty());
            let fault = wording::of(error.kind(), description);
            ParameterFault {
                field: at,
                message: one_line(&fault.message, MESSAGE_BYTES),
                bound: fault.bound.filter(|bound| bound.len() <= BOUND_BYTES),
                ..fault
            }
        }
    }
}

/// What the alternatives of a schema lack, each once.
fn missing(alternatives: &[Vec<ValidationError<'_>>]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for error in alternatives.iter().flatten() {
        if let ValidationErrorKind::Required { property: Value::String(name) } = error.kind()
            && !names.contains(name)
        {
            names.push(name.clone());
        }
    }
    names
}

/// Validated parameters of a connection, with the schema's defaults filled in. Created by [`Connector::parameters`]. Has no
/// `Debug`, because it contains secrets.
///
/// [`Connector::parameters`]: crate::Connector::parameters
#[derive(Default)]
pub struct Parameters {
    plain: BTreeMap<String, String>,
    secrets: BTreeMap<String, Zeroizing<String>>,
    /// An index of the plain parameters for searching requests, built once for all sends of the connection.
    known: HostValues,
    /// The secrets in the encodings of responses, built once for all sends of the connection.
    needles: Vec<Arc<Needle>>,
    /// Whether anything besides the secrets is hidden from people.
    hides: bool,
}

impl Parameters {
    pub(crate) fn check(metadata: &Metadata, schema: &Schema, value: &Value) -> Result<Self, ParameterError> {
        let Some(given) = value.as_object() else {
            let fault = ParameterFault::new("", FaultKind::Type, "must be an object", Some("object".to_owned()));
            return Err(ParameterError(vec![fault]));
        };
        check_bounds(metadata, value)?;
        let filled = Value::Object(with_defaults(&metadata.parameters_schema, given));
        check_bounds(metadata, &filled)?;
        let faults: Vec<ParameterFault> =
            schema.iter_errors(&filled).take(FAULTS).map(|error| fault(metadata, &error)).collect();
        if !faults.is_empty() {
            return Err(ParameterError(faults));
        }
        let mut parameters = Self::default();
        for (key, value) in filled.as_object().into_iter().flatten() {
            let Some(text) = text_of(value) else { continue };
            if metadata.secret_keys.contains(key) {
                // An empty secret counts as not set.
                if text.is_empty() {
                    continue;
                }
                parameters.secrets.insert(key.clone(), Zeroizing::new(text));
            } else {
                parameters.plain.insert(key.clone(), text);
            }
        }
        let known = parameters.plain.iter().filter(|(_, value)| !value.is_empty());
        let known =
            known.map(|(key, value)| HostValue { name: format!("config {key}").into(), value: value.as_str().into() });
        parameters.known = HostValues::new(known.collect());
        parameters.needles = parameters
            .secrets
            .iter()
            .flat_map(|(key, secret)| needles(secret.as_bytes(), Some(&Label::Secret(key.as_str().into()))))
            .map(Arc::new)
            .collect();
        Ok(parameters)
    }

    /// A plain parameter: a string as it is, any other JSON value as compact JSON.
    pub(crate) fn plain(&self, key: &str) -> Option<&str> {
        self.plain.get(key).map(String::as_str)
    }

    /// All parameters that are not secrets, by key.
    pub fn plain_values(&self) -> &BTreeMap<String, String> {
        &self.plain
    }

    /// The plain parameters as a request may contain them.
    pub(crate) fn known(&self) -> &HostValues {
        &self.known
    }

    pub(crate) fn secret(&self, key: &str) -> Option<Sealed> {
        let (key, value) = self.secrets.get_key_value(key)?;
        let name: Arc<str> = key.as_str().into();
        Some(Sealed::root(value.as_bytes().to_vec(), SECRET_BOUND, Label::Secret(name.clone()), Mark::Secret(name)))
    }

    /// Masks a value like a secret wherever people see the connection's calls (traces, responses of the provider, log lines of the
    /// connector). For a value that the connector may read, but people who inspect a call may not.
    pub fn hide(&mut self, value: &str) {
        self.hides = true;
        self.needles.extend(needles(value.as_bytes(), None).into_iter().map(Arc::new));
    }

    /// Whether anything besides the secrets is hidden from people.
    pub(crate) fn hides(&self) -> bool {
        self.hides
    }

    /// The parameter that makes a part of a request too long: the longest one in it, if the part would have at least `excess` bytes less
    /// without its parameters. A parameter is found as it is, or encoded for a URL or a body, and counted once.
    pub(crate) fn longest_in(&self, parts: &[&[u8]], excess: usize) -> Option<&str> {
        let plain = self.plain.iter().map(|(key, value)| (key, value.as_bytes()));
        let secrets = self.secrets.iter().map(|(key, value)| (key, value.as_bytes()));
        let found: Vec<(usize, &str)> =
            plain.chain(secrets).map(|(key, value)| (bytes_in(parts, value), key.as_str())).collect();
        let total: usize = found.iter().map(|(bytes, _)| bytes).sum();
        let (_, key) = found.into_iter().max_by_key(|(bytes, _)| *bytes)?;
        (total >= excess).then_some(key)
    }

    pub(crate) fn needles(&self) -> &[Arc<Needle>] {
        &self.needles
    }
}

/// The bytes that a value takes in these parts, in the longest encoding in which it is found.
fn bytes_in(parts: &[&[u8]], value: &[u8]) -> usize {
    let encodings = [Encoding::Percent, Encoding::Form, Encoding::JsonString, Encoding::Xml];
    let encoded = encodings.into_iter().filter_map(|encoding| encode_bytes(value, encoding)).map(Zeroizing::new);
    let forms = encoded.chain([Zeroizing::new(value.to_vec())]);
    let is_found = |form: &Zeroizing<Vec<u8>>| parts.iter().any(|part| memmem::find(part, form).is_some());
    forms.filter(is_found).map(|form| form.len()).max().unwrap_or_default()
}

/// What the connector reads: a string as it is, any other JSON value as compact JSON, nothing for `null`.
fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

/// Checks the bounds of this file, and those of every value that is validated against a schema.
fn check_bounds(metadata: &Metadata, parameters: &Value) -> Result<(), ParameterError> {
    let all = |message: String| ParameterFault::new("", FaultKind::Other, message, None);
    let Some(given) = parameters.as_object() else { return Ok(()) };
    if given.len() > PARAMETERS {
        let message = format!("has {} parameters; {PARAMETERS} are allowed", given.len());
        return Err(ParameterError(vec![all(message)]));
    }
    if let Some(name) = given.keys().find(|name| name.len() > NAME_BYTES) {
        let message = format!("has a parameter with a name of {} bytes; {NAME_BYTES} are allowed", name.len());
        return Err(ParameterError(vec![all(message)]));
    }
    schema::check_value(parameters).map_err(|bound| ParameterError(vec![all(bound)]))?;
    let faults: Vec<ParameterFault> = given
        .iter()
        .filter_map(|(name, value)| {
            let (kind, message, bound) = out_of_bounds(value, metadata.secret_keys.contains(name))?;
            let field = format!("/{}", name.replace('~', "~0").replace('/', "~1"));
            Some(ParameterFault::new(field, kind, message, bound))
        })
        .collect();
    if faults.is_empty() { Ok(()) } else { Err(ParameterError(faults)) }
}

/// Which bound a parameter exceeds, whatever its schema says.
fn out_of_bounds(value: &Value, is_secret: bool) -> Option<(FaultKind, String, Option<String>)> {
    let bytes = match value {
        Value::Null => return None,
        Value::String(text) => text.len(),
        _ if is_secret => return Some((FaultKind::Secret, "must be a string: it is a secret".to_owned(), None)),
        other => other.to_string().len(),
    };
    let most = if is_secret { SECRET_BYTES } else { PLAIN_BYTES };
    (bytes > most)
        .then(|| (FaultKind::MaxLength, format!("has {bytes} bytes; {most} are allowed"), Some(most.to_string())))
}

fn with_defaults(schema: &Value, given: &Map<String, Value>) -> Map<String, Value> {
    let mut filled = given.clone();
    let properties = schema.get("properties").and_then(Value::as_object);
    for (key, property) in properties.into_iter().flatten() {
        if let Some(default) = property.get("default")
            && !filled.contains_key(key)
        {
            filled.insert(key.clone(), default.clone());
        }
    }
    filled
}

#[cfg(test)]
mod tests;
