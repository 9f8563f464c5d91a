//! What is wrong with a connection's parameters, as texts and codes.

use serde::Serialize;

/// The parameters do not match the connector's schema. Contains all faults.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the parameters are invalid: {}", .0.iter().map(|fault| format!("{}: {}", if fault.field.is_empty() { "/" } else { &fault.field }, fault.message)).collect::<Vec<_>>().join("; "))]
pub struct ParameterError(pub Vec<ParameterFault>);

/// A fault in the parameters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ParameterFault {
    /// JSON pointer into the parameters (`/authToken`). Empty for the whole object.
    pub field: String,
    /// What is wrong, as a phrase that follows the field's name. Never contains the value of a secret.
    pub message: String,
    /// The kind of the fault.
    pub kind: FaultKind,
    /// What the schema requires: a length, a number, a pattern, or names separated by `, `. Never a value that was given.
    pub bound: Option<String>,
    /// Further values that the kind depends on, by name. Never a value that was given.
    pub details: Vec<(&'static str, String)>,
}

impl ParameterFault {
    /// A fault without further values.
    pub fn new(field: impl Into<String>, kind: FaultKind, message: impl Into<String>, bound: Option<String>) -> Self {
        Self { field: field.into(), message: message.into(), kind, bound, details: Vec::new() }
    }
}

/// The kind of a fault, by the JSON Schema keyword that is violated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FaultKind {
    /// `required`, reported at the missing member.
    Required,
    /// `anyOf` or `oneOf` whose alternatives each lack a member. The bound names the members.
    OneRequired,
    /// A secret is invalid. No details are given for secrets.
    Secret,
    /// `type`.
    Type,
    /// `enum` or `const`.
    Enum,
    /// A `pattern` for URLs. The bound is how they may begin, separated by `, `.
    Url,
    /// A `pattern` that lists characters. The details are `prefix`, `characters`, `min` and `max`, as far as there are any.
    Characters,
    /// A `pattern` for visible ASCII characters. The details are `min` and `max`, as far as there are any.
    VisibleAscii,
    /// Another `pattern`, or alternatives (`anyOf`, `oneOf`), none of which fits.
    Form,
    /// A schema that allows nothing: the parameter does not go with others.
    Excluded,
    /// `format`.
    Format,
    /// `minLength`.
    MinLength,
    /// `maxLength`.
    MaxLength,
    /// `minimum`.
    Minimum,
    /// `maximum`.
    Maximum,
    /// `minItems`.
    MinItems,
    /// `maxItems`.
    MaxItems,
    /// `additionalProperties`.
    Unknown,
    /// Another keyword.
    Other,
}
