use std::collections::BTreeMap;
use std::fmt;

use sendbox_contract::FailureClass;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{HeldRequests, IncompatibleConnection, Owner, Timestamp, VersionRole};

/// A version that sends a percentage of the messages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Canary {
    /// The digest of the version.
    #[schema(example = "sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae")]
    pub digest: String,
    /// The percentage of the messages.
    #[schema(example = 10)]
    pub percent: u8,
    /// When the canary was started. Changing the percentage does not change it.
    pub started_at: Timestamp,
}

/// A rollback from one version to another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Rollback {
    /// When it happened.
    pub rolled_back_at: Timestamp,
    /// The digest of the version that was rolled back.
    #[schema(example = "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")]
    pub from: String,
    /// The digest of the version that sends instead.
    #[schema(example = "sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae")]
    pub to: String,
    /// Why it was rolled back.
    #[schema(example = "7 of its 8 attempts failed")]
    pub reason: String,
    /// Whether Sendbox rolled it back automatically.
    pub automatic: bool,
    /// Why, as a code with values. Absent if a person rolled it back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<VersionFault>,
}

/// Why a version was rolled back automatically: a code, and the values in its sentence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "code", content = "values", rename_all = "kebab-case")]
pub enum VersionFault {
    /// It trapped, exceeded a limit or broke its manifest.
    Misbehaved {
        /// The number of attempts in which it misbehaved.
        #[schema(example = 2)]
        faults: u64,
        /// The number of its attempts.
        #[schema(example = 8)]
        attempts: u64,
    },
    /// Most of its attempts failed, and no other version had any.
    MostlyFailed {
        /// The number of its attempts that failed.
        #[schema(example = 7)]
        failed: u64,
        /// The number of its attempts.
        #[schema(example = 8)]
        attempts: u64,
    },
    /// It failed significantly more often than the previous version.
    FailedMore {
        /// The percentage of its attempts that failed, averaged over the tenants.
        #[schema(example = 40)]
        percent: u64,
        /// The number of its attempts.
        #[schema(example = 120)]
        attempts: u64,
        /// The percentage of the previous version's attempts that failed.
        #[schema(example = 3)]
        before: u64,
        /// The number of attempts of the previous version.
        #[serde(rename = "attemptsBefore")]
        #[schema(example = 900)]
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

/// Which versions of a connector send, for one tenant or for all tenants without a release of their own.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Release {
    /// The id of the connector.
    #[schema(example = "acme-sms")]
    pub connector: String,
    /// Who owns the connector.
    pub owner: Owner,
    /// The id of the tenant that the release applies to. `null` for the release of all tenants.
    #[schema(example = "acme")]
    pub tenant: Option<String>,
    /// The digest of the active version: the one that sends.
    #[schema(example = "sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae")]
    pub active: String,
    /// The digest of the previous version, which is ready to take over again. `null` if there is none.
    #[schema(example = "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")]
    pub previous: Option<String>,
    /// The canary. `null` if there is none.
    pub canary: Option<Canary>,
    /// A number that increases with every change. Send it with a change to make it fail with 409 if somebody else has changed the
    /// release in between.
    #[schema(example = 4)]
    pub generation: u64,
    /// When the active version was activated.
    pub activated_at: Timestamp,
    /// Until when the active version is rolled back automatically if it misbehaves.
    pub auto_rollback_until: Timestamp,
    /// The last rollback. `null` if there was none.
    pub last_rollback: Option<Rollback>,
    /// How the versions compare since the canary was started, or the active version activated. `null` if there is nothing to compare.
    pub comparison: Option<Comparison>,
    /// Versions with requests that were held back and that nobody has approved.
    #[serde(default)]
    #[schema(required)]
    pub held_requests: Vec<HeldRequests>,
}

/// Versions side by side.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Comparison {
    /// The beginning of the period.
    pub since: Timestamp,
    /// The versions.
    pub versions: Vec<ComparedVersion>,
}

/// How a version performed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ComparedVersion {
    /// The digest of the version.
    #[schema(example = "sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae")]
    pub digest: String,
    /// The role of the version.
    pub role: VersionRole,
    /// Attempts that have ended. The newest 100,000 are counted.
    #[schema(example = 120)]
    pub attempts: u64,
    /// Attempts whose message the provider accepted.
    #[schema(example = 117)]
    pub accepted: u64,
    /// Attempts that may or may not have sent the message.
    #[schema(example = 1)]
    pub in_doubt: u64,
    /// Attempts that certainly did not send the message.
    #[schema(example = 2)]
    pub rejected: u64,
    /// Attempts in which the connector trapped, exceeded a limit or violated its manifest.
    #[schema(example = 0)]
    pub faults: u64,
    /// `accepted` divided by `attempts`. `null` without attempts.
    #[schema(example = 0.975)]
    pub success_rate: Option<f64>,
    /// The number of attempts by failure class.
    #[schema(value_type = BTreeMap<String, u64>, example = json!({"invalid-recipient": 2}))]
    pub failures: BTreeMap<FailureClass, u64>,
    /// The duration of the newest 1,000 attempts, in milliseconds. `null` without attempts.
    pub latency_ms: Option<Latency>,
}

/// Percentiles of a duration, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Latency {
    /// The median.
    #[schema(example = 180)]
    pub p50: u64,
    /// The 95th percentile.
    #[schema(example = 420)]
    pub p95: u64,
    /// The 99th percentile.
    #[schema(example = 900)]
    pub p99: u64,
}

impl Latency {
    /// The percentiles of unsorted durations; `None` if there are none.
    pub fn of(mut durations: Vec<u64>) -> Option<Self> {
        durations.sort_unstable();
        let at = |percent: usize| {
            // Nearest rank.
            let rank = (durations.len() * percent).div_ceil(100).max(1);
            durations.get(rank - 1).copied()
        };
        Some(Self { p50: at(50)?, p95: at(95)?, p99: at(99)? })
    }

    /// The percentiles of counted durations: `(lower bound of a range, how many)`, in any order. `None` if there are none.
    ///
    /// Up to 16 ms each millisecond is a range, and from there on each doubling is divided into eight. A percentile is the middle of its
    /// range, which is at most a sixteenth off.
    pub fn of_ranges(mut ranges: Vec<(u64, u64)>) -> Option<Self> {
        ranges.sort_unstable();
        let total: u64 = ranges.iter().map(|(_, count)| count).sum();
        let at = |percent: u64| {
            // Nearest rank.
            let rank = total.saturating_mul(percent).div_ceil(100).max(1);
            let mut passed = 0;
            let found = ranges.iter().find(|(_, count)| {
                passed += count;
                passed >= rank
            });
            found.map(|(lower, _)| lower + (range_width(*lower) - 1) / 2)
        };
        Some(Self { p50: at(50)?, p95: at(95)?, p99: at(99)? })
    }
}

/// The width of the range of durations with this lower bound.
fn range_width(lower: u64) -> u64 {
    if lower < 16 { 1 } else { 1 << (lower.ilog2() - 3) }
}

/// A canary to start.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CanaryStart {
    /// The digest of the version.
    #[schema(
        pattern = "^sha256:[0-9a-f]{64}$",
        example = "sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae"
    )]
    pub digest: String,
    /// The percentage of the messages.
    #[schema(minimum = 1, maximum = 99, example = 10)]
    pub percent: u8,
    /// The `generation` of the release that you decided on. If it has changed since, the request fails with 409.
    #[schema(example = 4)]
    pub generation: Option<u64>,
}

/// A version to activate.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct VersionActivation {
    /// The digest of the version.
    #[schema(
        pattern = "^sha256:[0-9a-f]{64}$",
        example = "sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae"
    )]
    pub digest: String,
    /// The `generation` of the release that you decided on. If it has changed since, the request fails with 409.
    #[schema(example = 4)]
    pub generation: Option<u64>,
    /// For how many seconds the version is rolled back automatically if it traps, exceeds a limit, violates its manifest, or fails
    /// more often than the previous one. Defaults to 3600.
    #[schema(minimum = 0, maximum = 604800, example = 3600)]
    pub auto_rollback_seconds: Option<u32>,
    /// For how many seconds messages that began with the previous version may continue with it, including retries. Then they are
    /// ended. Defaults to 10.
    #[schema(minimum = 0, maximum = 60, example = 10)]
    pub drain_seconds: Option<u32>,
}

/// The result of an activation.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct VersionActivated {
    /// The release, as it is now.
    pub release: Release,
    /// Connections that are incompatible with the version and stay with another one, and what to change. At most 100.
    pub incompatible_connections: Vec<IncompatibleConnection>,
}

/// A rollback to make.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RollbackRequest {
    /// The `generation` of the release that you decided on. If it has changed since, the request fails with 409.
    #[schema(example = 4)]
    pub generation: Option<u64>,
    /// Why you roll back, for the audit log.
    #[schema(max_length = 200, example = "two providers have complained")]
    pub reason: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_those_of_the_ranges() {
        let of = |ranges: &[(u64, u64)]| Latency::of_ranges(ranges.to_vec());
        assert_eq!(of(&[]), None);
        assert_eq!(of(&[(0, 1)]), Some(Latency { p50: 0, p95: 0, p99: 0 }));
        assert_eq!(of(&[(15, 9)]), Some(Latency { p50: 15, p95: 15, p99: 15 }));
        // In any order: half of them, 45 of 100, and the rest.
        assert_eq!(of(&[(1024, 5), (3, 50), (480, 45)]), Some(Latency { p50: 3, p95: 495, p99: 1087 }));
        assert_eq!(of(&[(3, 49), (16, 50), (1_048_576, 1)]), Some(Latency { p50: 16, p95: 16, p99: 16 }));
        assert_eq!(of(&[(3, 1), (1_048_576, 1)]), Some(Latency { p50: 3, p95: 1_114_111, p99: 1_114_111 }));
    }
}
