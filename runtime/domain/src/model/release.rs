use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{HeldRequests, Owner, Standing, Timestamp, Unfit};

/// A version that is tried on a share of the sends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Canary {
    /// Which version.
    pub digest: String,
    /// Of a hundred messages.
    pub percent: u8,
    /// Since when. A change of the share keeps it.
    pub started_at: Timestamp,
}

/// A version was taken back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Rollback {
    /// When.
    pub at: Timestamp,
    /// Which version.
    pub from: String,
    /// Which one sends instead.
    pub to: String,
    /// Why, in words.
    pub reason: String,
    /// Whether Sendbox itself did it.
    pub automatic: bool,
    /// Why, as data; absent where a person did it, or it was done before there was any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<VersionFault>,
}

/// Why a version was taken back by itself: a code, and the values that its sentence is made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "code", content = "values", rename_all = "kebab-case")]
pub enum VersionFault {
    /// It trapped, exceeded a limit or broke its manifest.
    Misbehaved {
        /// In how many attempts.
        faults: u64,
        /// Of how many.
        attempts: u64,
    },
    /// Most of its attempts failed, and no other version did any.
    MostlyFailed {
        /// How many.
        failed: u64,
        /// Of how many.
        attempts: u64,
    },
    /// It failed clearly more often than the version before.
    FailedMore {
        /// Of a hundred attempts: the mean over the tenants.
        percent: u64,
        /// Its attempts.
        attempts: u64,
        /// Of a hundred attempts of the version before.
        before: u64,
        /// The attempts of that one.
        #[serde(rename = "attemptsBefore")]
        attempts_before: u64,
    },
}

impl VersionFault {
    /// `misbehaved`
    pub fn code(&self) -> &'static str {
        match self {
            Self::Misbehaved { .. } => "misbehaved",
            Self::MostlyFailed { .. } => "mostly-failed",
            Self::FailedMore { .. } => "failed-more",
        }
    }
}

impl fmt::Display for VersionFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Misbehaved { faults, attempts } => {
                write!(f, "it misbehaved in {faults} of {attempts} attempts; see their traces")
            }
            Self::MostlyFailed { failed, attempts } => write!(f, "{failed} of its {attempts} attempts failed"),
            Self::FailedMore { percent, attempts, before, attempts_before } => write!(
                f,
                "{percent} % of its {attempts} attempts failed, {before} % of the {attempts_before} of the version before"
            ),
        }
    }
}

/// Which versions of a connector send, for one tenant or for all that have no release of their own.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Release {
    /// The connector's id.
    pub connector: String,
    /// Whose the connector is.
    pub owner: Owner,
    /// The tenant whose sends this decides; absent where it is all tenants'.
    pub tenant: Option<String>,
    /// The version that sends.
    pub active: String,
    /// The one before, ready to take over again.
    pub previous: Option<String>,
    /// The one that is tried.
    pub canary: Option<Canary>,
    /// Grows with every change. Give it back with a change, and it is refused if somebody else was faster.
    pub generation: u64,
    /// When the active version became it.
    pub activated_at: Timestamp,
    /// Until then the active version is taken back by itself when it misbehaves.
    pub watched_until: Timestamp,
    /// The last version that was taken back.
    pub last_rollback: Option<Rollback>,
    /// How the versions did since the canary, or the active version, began.
    pub comparison: Option<Comparison>,
    /// Versions of which requests were held back that nobody has approved.
    #[serde(default)]
    pub held: Vec<HeldRequests>,
}

/// Versions side by side.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Comparison {
    /// Attempts from then on count.
    pub since: Timestamp,
    /// Each version.
    pub sides: Vec<Side>,
}

/// How a version did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Side {
    /// Which version.
    pub digest: String,
    /// What it is used for.
    pub standing: Standing,
    /// Attempts that have ended: the newest 100,000 are counted.
    pub attempts: u64,
    /// Of those: the provider took the message.
    pub accepted: u64,
    /// Nobody knows.
    pub in_doubt: u64,
    /// Certainly not sent.
    pub rejected: u64,
    /// The connector trapped, exceeded a limit or broke its manifest.
    pub faults: u64,
    /// `accepted` of `attempts`; absent without attempts.
    pub success_rate: Option<f64>,
    /// Failure classes and how often.
    pub failures: BTreeMap<String, u64>,
    /// Milliseconds from the beginning to the end of an attempt, over the newest 1,000. Absent without attempts.
    pub latency_ms: Option<Latency>,
}

/// Percentiles, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Latency {
    /// Half of the attempts were faster.
    pub p50: u64,
    /// 95 of 100.
    pub p95: u64,
    /// 99 of 100.
    pub p99: u64,
}

impl Latency {
    /// Of durations in any order. `None` without any.
    pub fn of(mut durations: Vec<u64>) -> Option<Self> {
        durations.sort_unstable();
        let at = |percent: usize| {
            // Nearest rank.
            let rank = (durations.len() * percent).div_ceil(100).max(1);
            durations.get(rank - 1).copied()
        };
        Some(Self { p50: at(50)?, p95: at(95)?, p99: at(99)? })
    }
}

/// A share of the sends for a version.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CanaryStart {
    /// Which version.
    #[schema(pattern = "^sha256:[0-9a-f]{64}$")]
    pub digest: String,
    /// Of a hundred messages: 1 to 99. Which ones is decided by the message, so that all its tries meet one version.
    #[schema(minimum = 1, maximum = 99)]
    pub percent: u8,
    /// `generation` of the release that this was decided on. When it has changed since, nothing is done.
    pub generation: Option<u64>,
}

/// A version that is to send from now on.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct VersionActivation {
    /// Which version.
    #[schema(pattern = "^sha256:[0-9a-f]{64}$")]
    pub digest: String,
    /// As in a canary.
    pub generation: Option<u64>,
    /// For so long the version is taken back by itself when it traps, exceeds a limit, violates its manifest or fails more
    /// than the one before: 0 to 604800, else 3600.
    #[schema(minimum = 0, maximum = 604800)]
    pub watch_seconds: Option<u32>,
    /// For so long messages that began on the version before may go on with it, retries included; then they are ended: 0 to
    /// 60, else 10.
    #[schema(minimum = 0, maximum = 60)]
    pub drain_seconds: Option<u32>,
}

/// What an activation did.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct VersionActivated {
    /// As it is now.
    pub release: Release,
    /// Connections that do not fit the version and stay with one that they fit, with what to change. At most 100.
    pub held_back: Vec<Unfit>,
}

/// The active version is to be taken back.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RollbackRequest {
    /// As in a canary.
    pub generation: Option<u64>,
    /// Why, for the audit.
    #[schema(max_length = 200)]
    pub reason: Option<String>,
}
