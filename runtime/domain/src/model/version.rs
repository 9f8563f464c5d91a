use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Difference, Timestamp, VersionInspection};
use crate::field_error::FieldError;

/// Who owns a connector.
///
/// - `built-in`: it comes with Sendbox.
/// - `all-tenants`: it was uploaded for all tenants.
/// - `tenant`: it was uploaded by one tenant, and no other tenant sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Owner {
    /// It comes with Sendbox.
    BuiltIn,
    /// Uploaded for all tenants.
    AllTenants,
    /// Uploaded by one tenant. No other sees it.
    Tenant,
}

/// The state of an uploaded file.
///
/// - `checking`: it is stored, and is being inspected and compiled.
/// - `ready`: it can be activated.
/// - `refused`: it cannot run; `refusal` says why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum VersionState {
    /// It is stored, and is being inspected and compiled.
    Checking,
    /// It can be activated.
    Ready,
    /// It cannot run.
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

/// The role of a version.
///
/// - `active`: it sends.
/// - `canary`: it sends a percentage of the messages.
/// - `previous`: it was active before, and is ready to take over again.
/// - `available`: it can be activated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum VersionRole {
    /// It sends.
    Active,
    /// It sends a percentage of the messages.
    Canary,
    /// It was active before, and is ready to take over again.
    Previous,
    /// It can be activated.
    Available,
}

impl VersionRole {
    /// `canary`
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Canary => "canary",
            Self::Previous => "previous",
            Self::Available => "available",
        }
    }
}

/// The progress of the check of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Progress {
    /// The current step, from 1.
    #[schema(example = 2)]
    pub step: u32,
    /// The number of steps.
    #[schema(example = 3)]
    pub steps: u32,
    /// What the current step does.
    #[schema(example = "compiling")]
    pub activity: String,
}

/// A version of an uploaded connector, identified by the digest of its file.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConnectorVersion {
    /// The id of the connector. `null` until the file was read.
    #[schema(example = "acme-sms")]
    pub connector: Option<String>,
    /// The version's digest: the SHA-256 of its file.
    #[schema(example = "sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae")]
    pub digest: String,
    /// The version that the author gave it. `null` until the file was read.
    #[schema(example = "1.4.0")]
    pub version: Option<String>,
    /// Who owns the connector.
    pub owner: Owner,
    /// The state of the file.
    pub state: VersionState,
    /// The progress of the check. `null` once it has ended.
    pub progress: Option<Progress>,
    /// Why the version cannot run, and what to do. `null` unless it was refused.
    #[schema(example = "the file is not a component; build it for wasm32-wasip2")]
    pub refusal: Option<String>,
    /// The size of the file, in bytes.
    #[schema(example = 184_320)]
    pub bytes: u64,
    /// When the file was uploaded.
    pub uploaded_at: Timestamp,
    /// Who uploaded the file: `platform`, or `key:` and the id of a key.
    #[schema(example = "platform")]
    pub uploaded_by: String,
    /// The role of the version. `null` until it is ready.
    pub role: Option<VersionRole>,
    /// What the file contains and what the connector says about itself. `null` until the file was read.
    pub inspection: Option<VersionInspection>,
    /// How the version differs from the active one. Only when you retrieve one version, and `null` for the active one.
    pub difference: Option<VersionDifference>,
}

/// Whether a version may do more than the active one.
///
/// - `wider`: it may do more, or presents itself differently, and needs an approval.
/// - `narrower`: it may do less.
/// - `equal`: it may do the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Reach {
    /// It may do more, or presents itself differently, and needs an approval.
    Wider,
    /// It may do less.
    Narrower,
    /// It may do the same.
    Equal,
}

/// How a version differs from the active one.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct VersionDifference {
    /// The digest of the active version.
    #[schema(example = "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")]
    pub from: String,
    /// The digest of this version.
    #[schema(example = "sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae")]
    pub to: String,
    /// Whether this version may do more than the active one.
    pub reach: Reach,
    /// What needs an approval: what the version may newly do, and how it newly presents itself.
    pub wider: Vec<Difference>,
    /// What the version no longer does.
    pub narrower: Vec<Difference>,
    /// Everything else: parameters, defaults, usages, languages, content.
    pub other: Vec<Difference>,
    /// The version's README in Markdown, if it changed. Otherwise `null`.
    #[schema(example = "# Acme SMS\n\nSends over Acme's HTTP API.")]
    pub readme: Option<String>,
    /// Whether the version needs an approval that nobody has given yet.
    pub needs_approval: bool,
    /// Send it to approve exactly this difference.
    #[schema(example = "5e1f8d7c9a0b4e3f")]
    pub confirmation_token: String,
    /// When the difference was approved. `null` if it was not.
    pub approved_at: Option<Timestamp>,
    /// Who approved it: `platform`, or `key:` and the id of a key. `null` if nobody did.
    #[schema(example = "platform")]
    pub approved_by: Option<String>,
    /// What would change for the connections that would use the version, with their own parameters: the hosts that they would reach,
    /// and the parameters that would be filled in. Connections for which nothing changes are left out. At most 100.
    pub connections: Vec<ConnectionDifference>,
    /// The connections whose parameters or templates are incompatible with this version, or whose secrets were not given for the hosts to
    /// which it would send them. Activating it does not break them: they stay with a version that is compatible. At most 100.
    pub incompatible_connections: Vec<IncompatibleConnection>,
}

/// What would change for one connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConnectionDifference {
    /// The id of the tenant.
    #[schema(example = "acme")]
    pub tenant: String,
    /// The name of the connection.
    #[schema(example = "main")]
    pub connection: String,
    /// What would change.
    pub lines: Vec<Difference>,
}

/// A connection that is incompatible with a version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct IncompatibleConnection {
    /// The id of the tenant.
    #[schema(example = "acme")]
    pub tenant: String,
    /// The name of the connection.
    #[schema(example = "main")]
    pub connection: String,
    /// What is wrong with the connection.
    pub errors: Vec<FieldError>,
}

/// An approval of the difference that you reviewed.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Approval {
    /// The `confirmationToken` of the difference.
    #[schema(max_length = 64, example = "5e1f8d7c9a0b4e3f")]
    pub confirmation_token: String,
}
