//! What is wrong with a connection's parameters, for people and for programs.

use serde::Serialize;

/// The parameters do not match the connector's schema. Holds all faults at once.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the parameters are invalid: {}", .0.iter().map(|fault| format!("{}: {}", if fault.field.is_empty() { "/" } else { &fault.field }, fault.message)).collect::<Vec<_>>().join("; "))]
pub struct ParameterError(pub Vec<ParameterFault>);

/// One fault of the parameters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ParameterFault {
    /// JSON pointer into the parameters (`/authToken`); empty for the whole.
    pub field: String,
    /// What is wrong, in words that follow the field's name. Never the value of a secret.
    pub message: String,
    /// Which kind of rule is broken, for programs.
    pub kind: FaultKind,
    /// What the schema asks for: a length, a number, a pattern, or names separated by `, `. Never a value that was given.
    pub bound: Option<String>,
}

/// Kinds of faults, by the keyword of JSON Schema that is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FaultKind {
    /// `required`, at the member that is missing.
    Required,
    /// `anyOf` or `oneOf`, whose alternatives each miss a member; the bound names them.
    OneNeeded,
    /// A secret does not fit; more is not said of secrets.
    Secret,
    /// `type`
    Type,
    /// `enum` or `const`
    Enum,
    /// `pattern`
    Pattern,
    /// `format`
    Format,
    /// `minLength`
    MinLength,
    /// `maxLength`
    MaxLength,
    /// `minimum`
    Minimum,
    /// `maximum`
    Maximum,
    /// `minItems`
    MinItems,
    /// `maxItems`
    MaxItems,
    /// `additionalProperties`
    Unknown,
    /// Another keyword.
    Other,
}
