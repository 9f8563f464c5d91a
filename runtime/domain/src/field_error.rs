//! Validation errors: every invalid field of an input, reported at once and without the values.

use std::collections::BTreeMap;
use std::fmt;

use sendbox_contract::{FaultKind, ParameterFault};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// An invalid field of an input.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FieldError {
    /// The field: a JSON pointer into the body (`/templates/0/content`), or the name of a query parameter or header. Empty for the
    /// whole body.
    #[schema(example = "/name")]
    pub field: String,
    /// What is wrong with the field. Never quotes the value.
    #[schema(example = "must be given")]
    pub message: String,
    /// The cause as a code. Absent for uncommon causes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<FieldCode>,
    /// The values that the code depends on, such as a bound. Lists are joined with `, `.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schema(example = json!({"bound": "80"}))]
    pub values: BTreeMap<String, String>,
}

/// Why a field is invalid. For most codes, `values` contains `bound`, which is what is expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FieldCode {
    /// The field is missing.
    Required,
    /// At least one of the fields in `bound` is required.
    OneRequired,
    /// The value of a secret is invalid.
    Secret,
    /// The parameter is stored as a secret, but this version of the connector would read it in plain text.
    SecretUnsealed,
    /// The value does not have the type `bound`.
    Type,
    /// The value is not one of `bound`.
    Enum,
    /// The value is not a URL that begins with one of `bound`.
    Url,
    /// The value has other characters than `characters`, or does not begin with `prefix`, or does not have `min` to `max` characters after
    /// it, as far as these are given.
    Characters,
    /// The value has other characters than visible ASCII characters, or does not have `min` to `max` of them, if these are given.
    VisibleAscii,
    /// The value does not have the form that the description of the parameter asks for.
    Form,
    /// The parameter cannot be combined with others that are set.
    Excluded,
    /// The value does not have the format `bound`, such as `uri`.
    Format,
    /// The value has fewer than `bound` characters.
    MinLength,
    /// The value has more than `bound` characters.
    MaxLength,
    /// The value is less than `bound`.
    Minimum,
    /// The value is greater than `bound`.
    Maximum,
    /// The value is not between `min` and `max`.
    Range,
    /// The list has fewer than `bound` entries.
    MinItems,
    /// The list has more than `bound` entries.
    MaxItems,
    /// The field is unknown, or contains an unknown field.
    Unknown,
    /// The value is empty.
    Empty,
    /// The value is a duplicate.
    Duplicate,
    /// The time is in the past.
    InPast,
    /// The value contains an invisible character.
    Hidden,
    /// The value begins or ends with white space.
    Space,
    /// Not a valid name. A name has `min` to `max` characters of a-z, 0-9 and `-`, and does not begin with `-`. An id does not end with
    /// `-` either.
    Name,
    /// Not a language tag (BCP 47).
    LanguageTag,
    /// Not a phone number that can receive messages.
    PhoneNumber,
    /// Not an IP address.
    IpAddress,
    /// Not a valid code. A code has `min` to `max` letters and digits.
    CodeFormat,
    /// Not a valid code for a test number. It has `min` to `max` digits.
    Digits,
    /// Not a domain name.
    Domain,
    /// Not a country code (ISO 3166-1 alpha-2).
    Country,
    /// Not a currency code (ISO 4217).
    Currency,
    /// The tenant has no connection with this name.
    UnknownConnection,
    /// The secret must be entered again.
    SecretRequired,
    /// The secret is stored for other hosts, and must be entered again to be sent to the hosts in `bound`.
    SecretForOtherHosts,
    /// The usages in `bound` have no template.
    TemplatesMissing,
    /// `generic` has no template without a locale.
    TemplateFallback,
    /// Another template has the same usage and locale.
    TemplateDuplicate,
    /// The text does not contain `{{code}}`.
    TemplateNoCode,
    /// The text has `{code}`, `{minutes}` or `{locale}`, with single braces.
    TemplateBraces,
    /// Without its placeholders, the text has more than `bound` characters, which is longer than any message.
    TemplateTooLong,
    /// The connector needs a text, not a provider template.
    TemplateNotText,
    /// The connector needs a provider template, not a text.
    TemplateNotProvider,
}

impl FieldError {
    /// An error without a code.
    pub fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { field: field.into(), message: message.into(), code: None, values: BTreeMap::new() }
    }

    /// Adds a code and the values that it depends on.
    #[must_use]
    pub fn coded(self, code: FieldCode, values: &[(&str, &str)]) -> Self {
        let values = values.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Self { code: Some(code), values, ..self }
    }

    /// The error for a parameter that its schema refuses.
    pub fn of_parameter(fault: ParameterFault) -> Self {
        let error = Self::new(format!("/parameters{}", fault.field), fault.message);
        let code = match fault.kind {
            FaultKind::Required => FieldCode::Required,
            FaultKind::OneRequired => FieldCode::OneRequired,
            FaultKind::Secret => FieldCode::Secret,
            FaultKind::Type => FieldCode::Type,
            FaultKind::Enum => FieldCode::Enum,
            FaultKind::Url => FieldCode::Url,
            FaultKind::Characters => FieldCode::Characters,
            FaultKind::VisibleAscii => FieldCode::VisibleAscii,
            FaultKind::Form => FieldCode::Form,
            FaultKind::Excluded => FieldCode::Excluded,
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
        let details = fault.details.iter().map(|(name, value)| (*name, value.as_str()));
        error.coded(code, &bound.into_iter().chain(details).collect::<Vec<_>>())
    }
}

impl fmt::Display for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.field.is_empty() { f.write_str(&self.message) } else { write!(f, "{}: {}", self.field, self.message) }
    }
}

/// All errors of an input. Never empty.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
pub struct FieldErrors(pub Vec<FieldError>);

impl FieldErrors {
    /// `Ok` if there are no errors.
    ///
    /// # Errors
    /// The errors, if there are any.
    pub fn none_or(errors: Vec<FieldError>) -> Result<(), Self> {
        if errors.is_empty() { Ok(()) } else { Err(Self(errors)) }
    }
}
