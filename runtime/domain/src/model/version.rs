use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::{DifferenceLine, Timestamp};
use crate::problem::Problem;

/// Whose a connector is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Owner {
    /// It comes with Sendbox, and its version is Sendbox's.
    BuiltIn,
    /// Uploaded for all tenants.
    AllTenants,
    /// Uploaded by one tenant. No other sees it.
    Tenant,
}

/// How far an uploaded file has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum VersionState {
    /// It is on disk, and is inspected, compiled and read.
    Checking,
    /// It may run.
    Ready,
    /// It may not.
    Refused,
}

impl VersionState {
    /// `checking`
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Checking => "checking",
            Self::Ready => "ready",
            Self::Refused => "refused",
        }
    }
}

/// What a version is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// It sends.
    Active,
    /// It is tried on a share of the sends.
    Canary,
    /// It sent before, and stays ready to take over again.
    Previous,
    /// It could be activated.
    Available,
}

/// How far the check of a file has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Progress {
    /// From 1.
    pub step: u32,
    /// Steps in all.
    pub of: u32,
    /// What is being done.
    #[schema(example = "compiling")]
    pub doing: String,
}

/// A version of a connector that was uploaded. The digest of its file is its name.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConnectorVersion {
    /// The connector's id, once the file has been read.
    pub connector: Option<String>,
    /// `sha256:…`
    pub digest: String,
    /// The author's own version, once the file has been read.
    pub version: Option<String>,
    /// Whose it is.
    pub owner: Owner,
    /// How far it has come.
    pub state: VersionState,
    /// While it is checked.
    pub progress: Option<Progress>,
    /// Why it may not run, and what to do.
    pub refusal: Option<String>,
    /// Bytes of the file.
    pub bytes: u64,
    /// When it was uploaded.
    pub uploaded_at: Timestamp,
    /// `platform`, or `key:` and the key's id.
    pub uploaded_by: String,
    /// What it is used for. Absent until it is ready.
    pub standing: Option<Standing>,
    /// What the file holds and says about itself, once it has been read.
    #[schema(value_type = Option<Object>)]
    pub inspection: Option<Value>,
    /// What it may do that the active version may not, and the other way round. Only where one version is read.
    pub difference: Option<VersionDifference>,
}

/// Whether a version may do more than the one in use, or says something else of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Reach {
    /// It may do more, or people read something else of it: somebody must approve it.
    Wider,
    /// Less.
    Narrower,
    /// The same.
    Equal,
}

/// What differs between the version in use and another one.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct VersionDifference {
    /// The active version.
    pub from: String,
    /// This one.
    pub to: String,
    /// Whether it needs an approval.
    pub reach: Reach,
    /// Each thing that needs one: what is newly allowed, and what the version newly says of itself.
    pub wider: Vec<DifferenceLine>,
    /// Each thing that is no longer asked for.
    pub narrower: Vec<DifferenceLine>,
    /// All else: parameters, defaults, usages, languages, what it takes.
    pub other: Vec<DifferenceLine>,
    /// Its README (Markdown, by the author), where that is another one.
    pub readme: Option<String>,
    /// Whether it is wider and nobody has approved that yet.
    pub needs_approval: bool,
    /// Give it back to approve exactly this difference.
    pub confirm: String,
    /// When it was approved.
    pub approved_at: Option<Timestamp>,
    /// By whom.
    pub approved_by: Option<String>,
    /// What would differ for each connection that would use it, with its own parameters filled in: hosts that it would reach, what
    /// would be filled in by default. Connections for which nothing differs are left out. At most 100.
    pub connections: Vec<ConnectionDifference>,
    /// Connections whose parameters or templates do not fit this version. Activation does not break them: they stay with a
    /// version that they fit. At most 100.
    pub unfit: Vec<Unfit>,
}

/// What would differ for one connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConnectionDifference {
    /// Whose.
    pub tenant: String,
    /// Its name.
    pub connection: String,
    /// What would differ.
    pub lines: Vec<DifferenceLine>,
}

/// A connection that does not fit a version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Unfit {
    /// Whose.
    pub tenant: String,
    /// Its name.
    pub connection: String,
    /// What does not fit, by JSON pointer.
    pub problems: Vec<Problem>,
}

/// An approval of exactly the difference that was shown.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Approval {
    /// `confirm` of the difference.
    #[schema(max_length = 64)]
    pub confirm: String,
}
