//! What is wrong with an input: all of it, by field, without the values.

use std::collections::BTreeMap;
use std::fmt;

use sendbox_contract::{FaultKind, ParameterFault};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// An invalid field of an input.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = FieldError)]
pub struct FieldError {
    /// The field: a JSON pointer into the body (`/templates/0/content`), or the name of a query parameter or header. Empty for the
    /// whole body.
    #[schema(example = "/name")]
    pub field: String,
    /// What is wrong with the field. It never quotes the value.
    #[schema(example = "must be given")]
    pub message: String,
    /// The cause for programs. Absent for uncommon causes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<FieldCode>,
    /// The values that the code depends on, such as a bound. Lists are joined with `, `.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schema(example = json!({"bound": "80"}))]
    pub values: BTreeMap<String, String>,
}

/// Why a field is invalid. Most codes have `bound` in `values`: what is expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FieldCode {
    /// It is missing.
    Required,
    /// One of the members that `bound` names is needed.
    OneRequired,
    /// The value of a secret does not fit.
    Secret,
    /// It is stored as a secret, and the version of the connector would read it in clear.
    SecretUnsealed,
    /// It is of another type than `bound`.
    Type,
    /// It is none of `bound`.
    Enum,
    /// It does not fit the regular expression `bound`.
    Pattern,
    /// It is not of the format `bound`, such as `uri`.
    Format,
    /// It has fewer characters than `bound`.
    MinLength,
    /// It has more characters than `bound`.
    MaxLength,
    /// It is below `bound`.
    Minimum,
    /// It is above `bound`.
    Maximum,
    /// It is not from `min` to `max`.
    Range,
    /// It has fewer entries than `bound`.
    MinItems,
    /// It has more entries than `bound`.
    MaxItems,
    /// It has a member that is not known, or is one.
    Unknown,
    /// It is empty.
    Empty,
    /// It is there twice.
    Duplicate,
    /// It has passed.
    InPast,
    /// It holds a character that cannot be seen.
    Hidden,
    /// It begins or ends with white space.
    Space,
    /// No name: `min` to `max` of a-z, 0-9 and `-`, and not `-` at the beginning or, for an id, at the end.
    Name,
    /// No language tag.
    LanguageTag,
    /// No number that can get a message.
    PhoneNumber,
    /// No address of IP.
    IpAddress,
    /// No code: `min` to `max` letters and digits.
    CodeFormat,
    /// No code of a test number: `min` to `max` digits.
    Digits,
    /// No domain.
    Domain,
    /// No country.
    Country,
    /// No currency.
    Currency,
    /// No connection of the tenant.
    UnknownConnection,
    /// A secret that is to be given anew.
    SecretRequired,
    /// Templates are missing for the usages of `bound`.
    TemplatesMissing,
    /// `generic` has no template without a locale.
    TemplateFallback,
    /// There is one for the same usage and locale.
    TemplateDuplicate,
    /// A text without `{{code}}`.
    TemplateNoCode,
    /// A template of the provider where the connector needs a text.
    TemplateNotText,
    /// A text where the connector needs a template of the provider.
    TemplateNotProvider,
}

impl FieldError {
    /// An error of one field.
    pub fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { field: field.into(), message: message.into(), code: None, values: BTreeMap::new() }
    }

    /// The same, with its cause for programs.
    #[must_use]
    pub fn coded(self, code: FieldCode, values: &[(&str, &str)]) -> Self {
        let values = values.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Self { code: Some(code), values, ..self }
    }

    /// What is wrong with a parameter.
    pub fn of_parameter(fault: ParameterFault) -> Self {
        let error = Self::new(format!("/parameters{}", fault.field), fault.message);
        let code = match fault.kind {
            FaultKind::Required => FieldCode::Required,
            FaultKind::OneNeeded => FieldCode::OneRequired,
            FaultKind::Secret => FieldCode::Secret,
            FaultKind::Type => FieldCode::Type,
            FaultKind::Enum => FieldCode::Enum,
            FaultKind::Pattern => FieldCode::Pattern,
            FaultKind::Format => FieldCode::Format,
            FaultKind::MinLength => FieldCode::MinLength,
            FaultKind::MaxLength => FieldCode::MaxLength,
            FaultKind::Minimum => FieldCode::Minimum,
            FaultKind::Maximum => FieldCode::Maximum,
            FaultKind::MinItems => FieldCode::MinItems,
            FaultKind::MaxItems => FieldCode::MaxItems,
            FaultKind::Unknown => FieldCode::Unknown,
            FaultKind::Other => return error,
        };
        let bound = fault.bound.as_deref().map(|bound| ("bound", bound));
        error.coded(code, bound.as_slice())
    }
}

impl fmt::Display for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.field.is_empty() { f.write_str(&self.message) } else { write!(f, "{}: {}", self.field, self.message) }
    }
}

/// Everything that is wrong with an input. Never empty.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
pub struct FieldErrors(pub Vec<FieldError>);

impl FieldErrors {
    /// `Ok` when nothing is wrong.
    ///
    /// # Errors
    /// What is wrong.
    pub fn none_or(errors: Vec<FieldError>) -> Result<(), Self> {
        if errors.is_empty() { Ok(()) } else { Err(Self(errors)) }
    }
}
