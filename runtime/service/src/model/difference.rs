use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One thing in which two versions of a connector differ.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DifferenceLine {
    /// In words.
    pub text: String,
    /// What it is.
    pub code: DifferenceCode,
    /// What the words are made of; which there are, the code says.
    pub values: BTreeMap<String, String>,
}

/// What differs between two versions. Lists have `, ` between their parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DifferenceCode {
    /// A host is reached: `methods`, `place`, `purpose`.
    HostNew,
    /// It is not any more.
    HostGone,
    /// Further methods are used: `methods`, `place`.
    MethodNew,
    /// They are not any more.
    MethodGone,
    /// Further paths of a known host are reached: `methods`, `place`.
    PathsNew,
    /// They are not any more.
    PathsGone,
    /// The message and the recipient go there: `methods`, `place`.
    MessageNew,
    /// They do not any more.
    MessageGone,
    /// A secret is sent: `secret`, `methods`, `place`.
    SecretSentNew,
    /// It is not any more.
    SecretSentGone,
    /// A secret signs requests: `secret`, `methods`, `place`.
    SecretSignsNew,
    /// It does not any more.
    SecretSignsGone,
    /// It can read what is sealed, where a grant lets it.
    RevealsNew,
    /// It cannot any more.
    RevealsGone,
    /// The author's version: `before`, `after`.
    Version,
    /// A parameter that must be given: `parameter`.
    ParameterNewRequired,
    /// A parameter that may be given: `parameter`.
    ParameterNewOptional,
    /// A secret that must be given: `parameter`.
    SecretNewRequired,
    /// A secret that may be given: `parameter`.
    SecretNewOptional,
    /// A parameter is gone: `parameter`.
    ParameterGone,
    /// A parameter must be given now: `parameter`.
    ParameterRequired,
    /// A parameter is a secret now: `parameter`.
    ParameterSecret,
    /// A parameter is no secret any more: `parameter`.
    ParameterOpen,
    /// A parameter is described otherwise: `parameter`.
    ParameterChanged,
    /// It takes something else, and templates must be written anew: `before`, `after`, each `text`, `template` or `variables`.
    Content,
    /// It supports further usages: `usages`.
    UsagesNew,
    /// It does not any more.
    UsagesGone,
    /// It names further languages: `locales`.
    LocalesNew,
    /// It does not any more.
    LocalesGone,
    /// It reads delivery reports.
    ReportsNew,
    /// It does not any more.
    ReportsGone,
    /// A repeated key is one message at the provider.
    IdempotentNew,
    /// It is not any more.
    IdempotentGone,
}

impl DifferenceLine {
    /// A sentence, and the values that it was made of.
    pub fn new(code: DifferenceCode, text: impl Into<String>, values: &[(&str, &str)]) -> Self {
        let values = values.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Self { text: text.into(), code, values }
    }
}
