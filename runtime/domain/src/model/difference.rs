use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One difference between two versions of a connector.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Difference {
    /// The difference as a sentence.
    #[schema(example = "new host: POST https://api2.example.com, any path")]
    pub message: String,
    /// The difference as a code.
    pub code: DifferenceCode,
    /// The values in the sentence, depending on the code. Lists are joined with `, `.
    #[schema(example = json!({"methods": "POST", "target": "https://api2.example.com, any path"}))]
    pub values: BTreeMap<String, String>,
}

/// What differs between two versions, and the names in `values`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DifferenceCode {
    /// The version reaches another host: `methods`, `target`, `purpose`.
    HostNew,
    /// The version no longer reaches a host: `methods`, `target`, `purpose`.
    HostGone,
    /// The version uses further methods: `methods`, `target`.
    MethodNew,
    /// The version no longer uses some methods: `methods`, `target`.
    MethodGone,
    /// The version reaches further paths of a known host: `methods`, `target`.
    PathsNew,
    /// The version no longer reaches some paths of a host: `methods`, `target`.
    PathsGone,
    /// The message and the recipient are sent to another target: `methods`, `target`; `format` of the number; and the positions in the
    /// request: `recipient`, `content`, `clientIp`.
    MessageNew,
    /// The message and the recipient are no longer sent to a target. Values as for `message-new`.
    MessageGone,
    /// The message and the recipient are in other positions of the request. Values as for `message-new`.
    PlacementNew,
    /// The message and the recipient are no longer in these positions of the request. Values as for `message-new`.
    PlacementGone,
    /// A secret is sent to another target: `secret`, `methods`, `target`.
    SecretSentNew,
    /// A secret is no longer sent to a target: `secret`, `methods`, `target`.
    SecretSentGone,
    /// A secret signs requests to another target: `secret`, `methods`, `target`.
    SecretSignsNew,
    /// A secret no longer signs requests to a target: `secret`, `methods`, `target`.
    SecretSignsGone,
    /// The version can read sealed values where a grant permits it.
    RevealsNew,
    /// The version can no longer read sealed values.
    RevealsGone,
    /// The connector's name has changed: `before`, `after`.
    Name,
    /// The connector's description has changed: `before`, `after`.
    Description,
    /// The README has changed.
    Readme,
    /// The logo was added, changed or removed.
    Logo,
    /// The author describes the purpose of a host differently: `target`, `before`, `after`.
    Purpose,
    /// The author's version number has changed: `before`, `after`.
    Version,
    /// The author's version number is the same, although the file differs: `version`.
    VersionSame,
    /// A new required parameter: `parameter`.
    ParameterNewRequired,
    /// A new optional parameter: `parameter`.
    ParameterNewOptional,
    /// A new required secret: `parameter`.
    SecretNewRequired,
    /// A new optional secret: `parameter`.
    SecretNewOptional,
    /// A parameter was removed: `parameter`.
    ParameterGone,
    /// A parameter is now required: `parameter`.
    ParameterRequired,
    /// A parameter is now optional: `parameter`.
    ParameterOptional,
    /// A parameter is now a secret: `parameter`.
    ParameterSecret,
    /// A parameter is no longer a secret, and would be passed in plain text: `parameter`.
    ParameterOpen,
    /// Other keywords of a parameter's schema have changed: `parameter`, `keywords`.
    ParameterChanged,
    /// A parameter has a new default: `parameter`, `after`.
    DefaultNew,
    /// The default of a parameter has changed: `parameter`, `before`, `after`.
    DefaultChanged,
    /// A parameter no longer has a default: `parameter`, `before`.
    DefaultGone,
    /// Sendbox fills in a parameter that is left empty: `parameter`, `fill`.
    FillNew,
    /// Sendbox no longer fills in a parameter that is left empty: `parameter`, `fill`.
    FillGone,
    /// The schema has changed outside of the individual parameters: `keywords`.
    SchemaChanged,
    /// The schema of a template has changed.
    TemplateChanged,
    /// The connector takes another kind of content, and templates must be rewritten: `before`, `after`, each `text`, `template` or
    /// `variables`.
    Content,
    /// The connector supports further usages: `usages`.
    UsagesNew,
    /// The connector no longer supports some usages: `usages`.
    UsagesGone,
    /// The connector supports further languages: `locales`.
    LocalesNew,
    /// The connector no longer supports some languages: `locales`.
    LocalesGone,
    /// The connector reads delivery reports.
    ReportsNew,
    /// The connector no longer reads delivery reports.
    ReportsGone,
    /// The provider makes one message from requests with the same idempotency key.
    IdempotentNew,
    /// The provider no longer makes one message from requests with the same idempotency key.
    IdempotentGone,
    /// The connection would reach another target: `target`.
    ConnectionReachNew,
    /// The connection would no longer reach a target: `target`.
    ConnectionReachGone,
    /// The connection's messages would be sent to another target: `target`.
    ConnectionMessageNew,
    /// A secret of the connection would be sent to another target: `secret`, `target`.
    ConnectionSecretNew,
    /// A default would fill in a parameter of the connection: `parameter`, `after`.
    ConnectionDefaultNew,
    /// A default would no longer fill in a parameter of the connection: `parameter`, `before`.
    ConnectionDefaultGone,
    /// Sendbox would fill in a parameter of the connection: `parameter`.
    ConnectionFillNew,
    /// A stored secret of the connection would not be passed on, because the version has no such parameter: `secret`.
    ConnectionSecretGone,
}

impl Difference {
    /// A difference with its sentence and the values in it.
    pub fn new(code: DifferenceCode, message: impl Into<String>, values: &[(&str, &str)]) -> Self {
        let values = values.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Self { message: message.into(), code, values }
    }
}

impl DifferenceCode {
    /// Whether the difference concerns how a version presents itself, rather than what it can do.
    pub fn is_presentation(self) -> bool {
        matches!(self, Self::Name | Self::Description | Self::Readme | Self::Logo | Self::Purpose)
    }
}
