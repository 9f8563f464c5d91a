use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One difference between two versions of a connector.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Difference)]
pub struct DifferenceLine {
    /// The difference as a sentence.
    #[schema(example = "new host: POST https://api2.example.com, any path")]
    pub message: String,
    /// The difference for programs.
    pub code: DifferenceCode,
    /// The values in the sentence. Which there are depends on the code. Lists are joined with `, `.
    #[schema(example = json!({"methods": "POST", "target": "https://api2.example.com, any path"}))]
    pub values: BTreeMap<String, String>,
}

/// What differs between two versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DifferenceCode {
    /// A host is reached: `methods`, `target`, `purpose`.
    HostNew,
    /// It is not any more.
    HostGone,
    /// Further methods are used: `methods`, `target`.
    MethodNew,
    /// They are not any more.
    MethodGone,
    /// Further paths of a known host are reached: `methods`, `target`.
    PathsNew,
    /// They are not any more.
    PathsGone,
    /// The message and the recipient go there: `methods`, `target`; and where they stand in a request: `format` of the number,
    /// `recipient`, `content`, `clientIp`.
    MessageNew,
    /// They do not any more.
    MessageGone,
    /// The message and the recipient stand elsewhere in a request: as above.
    PlacementNew,
    /// They do not stand there any more.
    PlacementGone,
    /// A secret is sent: `secret`, `methods`, `target`.
    SecretSentNew,
    /// It is not any more.
    SecretSentGone,
    /// A secret signs requests: `secret`, `methods`, `target`.
    SecretSignsNew,
    /// It does not any more.
    SecretSignsGone,
    /// It can read what is sealed, where a grant lets it.
    RevealsNew,
    /// It cannot any more.
    RevealsGone,
    /// Its name: `before`, `after`.
    Name,
    /// Its description: `before`, `after`.
    Description,
    /// Its README is another one.
    Readme,
    /// Its logo is another one, new or gone.
    Logo,
    /// What a host is for, by the author: `target`, `before`, `after`.
    Purpose,
    /// The author's version: `before`, `after`.
    Version,
    /// The author's version is the same, though the file differs: `version`.
    VersionSame,
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
    /// A parameter need not be given any more: `parameter`.
    ParameterOptional,
    /// A parameter is a secret now: `parameter`.
    ParameterSecret,
    /// A parameter is no secret any more, and would be handed over in clear: `parameter`.
    ParameterOpen,
    /// Other keywords of a parameter's schema differ: `parameter`, `keywords`.
    ParameterChanged,
    /// A parameter has a default: `parameter`, `after`.
    DefaultNew,
    /// A parameter has another default: `parameter`, `before`, `after`.
    DefaultChanged,
    /// A parameter has no default any more: `parameter`, `before`.
    DefaultGone,
    /// Sendbox fills a parameter in that was left empty: `parameter`, `fill`.
    FillNew,
    /// It does not any more: `parameter`, `fill`.
    FillGone,
    /// The schema of the parameters differs beside the parameters themselves: `keywords`.
    SchemaChanged,
    /// The schema of a template differs.
    TemplateChanged,
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
    /// One connection would reach this: `target`.
    ConnectionReachNew,
    /// One connection would not reach this any more: `target`.
    ConnectionReachGone,
    /// The messages of one connection would go there: `target`.
    ConnectionMessageNew,
    /// A secret of one connection would go there: `secret`, `target`.
    ConnectionSecretNew,
    /// A default would fill in a parameter of one connection: `parameter`, `after`.
    ConnectionDefaultNew,
    /// A default that fills in a parameter of one connection would not any more: `parameter`, `before`.
    ConnectionDefaultGone,
    /// Sendbox would fill in a parameter of one connection: `parameter`.
    ConnectionFillNew,
    /// A stored secret of one connection would not be handed over, since the version has no such parameter: `secret`.
    ConnectionSecretGone,
}

impl DifferenceLine {
    /// A sentence, and the values in it.
    pub fn new(code: DifferenceCode, message: impl Into<String>, values: &[(&str, &str)]) -> Self {
        let values = values.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Self { message: message.into(), code, values }
    }
}

impl DifferenceCode {
    /// Whether it is about what people read of a version, and not about what the version can do.
    pub fn is_presentation(self) -> bool {
        matches!(self, Self::Name | Self::Description | Self::Readme | Self::Logo | Self::Purpose)
    }
}
