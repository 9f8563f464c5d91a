//! Which version of a connector sends: active, canary, previous.
//!
//! [`Versions`] is the release for one scope: a tenant, or all tenants without a release of their own.
//!
//! Promises
//! - a release is one value that changes as a whole: there is never a moment with two active versions or with none;
//! - a message is always on the same side of a canary, and raising the percentage keeps all messages that were in it;
//! - a message stays with the version that it began with, including retries, until that version has drained, is rolled back, or has
//!   failed the message for a reason of its own;
//! - a version that was rolled back never becomes active again automatically.
//!
//! Must not know: stores, connections, what a version can do.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::model::{Canary, Rollback, Timestamp, VersionFault, VersionRole};

/// The default period in which a new active version is rolled back automatically if it misbehaves: an hour.
pub const AUTO_ROLLBACK_SECONDS: u32 = 3600;
/// The longest such period: a week.
pub const MAX_AUTO_ROLLBACK_SECONDS: u32 = 604_800;
/// The default period in which messages may continue with the previous version.
pub const DRAIN_SECONDS: u32 = 10;
/// The longest drain: a minute. No send takes longer, and a code that arrives later is useless.
pub const MAX_DRAIN_SECONDS: u32 = 60;

/// Maximum number of draining versions. Beyond it, the oldest no longer drains.
const MAX_DRAINING: usize = 200;

/// The versions that send, for one scope.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Versions {
    /// The digest of the version that sends.
    pub active: String,
    /// The digest of the version that was active before. It stays ready.
    pub previous: Option<String>,
    /// The version that gets a percentage of the messages.
    pub canary: Option<Canary>,
    /// When `active` was activated.
    pub activated_at: Timestamp,
    /// Until when `active` is rolled back automatically if it misbehaves.
    pub auto_rollback_until: Timestamp,
    /// Versions that are draining, newest first, each once.
    #[serde(default)]
    pub draining: Vec<DrainingVersion>,
    /// The last rollback.
    pub last_rollback: Option<Rollback>,
    /// Whether these are the versions of a tenant that did not decide on them: a version for all tenants failed it, and was withdrawn
    /// from it alone. Such a release ends with the next activation for all tenants.
    #[serde(default)]
    pub is_withdrawal: bool,
}

/// A version that no longer takes new messages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DrainingVersion {
    /// The digest of the version.
    pub digest: String,
    /// Until when messages that began with it may continue with it.
    pub until: Timestamp,
}

/// Why a change of a release is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReleaseError {
    /// The version is already active.
    #[error("this version is active already")]
    AlreadyActive,
    /// There is no previous version to roll back to.
    #[error("there is no version before this one to go back to")]
    NoPrevious,
    /// There is no canary to stop.
    #[error("no version is being tried")]
    NoCanary,
    /// The percentage of a canary is out of range.
    #[error("must be from 1 to 99; activate the version to send everything with it")]
    InvalidPercent,
}

impl Versions {
    /// The release of a connector's first version. It is active at once: there is no version to compare it with, and nothing uses it before a
    /// connection is set up.
    pub fn first(digest: String, now: Timestamp) -> Self {
        Self {
            active: digest,
            previous: None,
            canary: None,
            activated_at: now,
            auto_rollback_until: now,
            draining: Vec::new(),
            last_rollback: None,
            is_withdrawal: false,
        }
    }

    /// The role of a version.
    pub fn role(&self, digest: &str) -> VersionRole {
        if self.active == digest {
            VersionRole::Active
        } else if self.canary.as_ref().is_some_and(|canary| canary.digest == digest) {
            VersionRole::Canary
        } else if self.previous.as_deref() == Some(digest) {
            VersionRole::Previous
        } else {
            VersionRole::Available
        }
    }

    /// The versions that must stay loaded.
    pub fn in_use(&self, now: Timestamp) -> impl Iterator<Item = &str> {
        let canary = self.canary.as_ref().map(|canary| canary.digest.as_str());
        let draining = self.draining.iter().filter(move |draining| now < draining.until);
        let draining = draining.map(|draining| draining.digest.as_str());
        [Some(self.active.as_str()), canary, self.previous.as_deref()].into_iter().flatten().chain(draining)
    }

    /// Whether a message may begin with this version.
    pub fn sends(&self, digest: &str) -> bool {
        matches!(self.role(digest), VersionRole::Active | VersionRole::Canary)
    }

    /// The versions to try for a message, best first. An empty `message` never gets the canary.
    ///
    /// `begun_with` is the version that the message began with, `excluded` are versions that failed it for a reason of their own, and
    /// `saved_with` is the version that its connection was saved with, for connections that are incompatible with newer ones.
    pub fn candidates<'a>(
        &'a self,
        message: &str,
        begun_with: Option<&'a str>,
        excluded: &[&str],
        saved_with: &'a str,
        now: Timestamp,
    ) -> Vec<&'a str> {
        let begun_with = begun_with.filter(|digest| self.may_continue(digest, now));
        let is_in = |canary: &&Canary| !message.is_empty() && is_in_canary(canary, message);
        let canary = self.canary.as_ref().filter(is_in).map(|canary| canary.digest.as_str());
        let all = [begun_with, canary, Some(self.active.as_str()), self.previous.as_deref(), Some(saved_with)];
        let mut found: Vec<&str> = Vec::new();
        for digest in all.into_iter().flatten() {
            if !excluded.contains(&digest) && !found.contains(&digest) {
                found.push(digest);
            }
        }
        found
    }

    /// Whether a message that began with this version may continue with it, including retries.
    pub fn may_continue(&self, digest: &str, now: Timestamp) -> bool {
        let drains = |draining: &DrainingVersion| draining.digest == digest && now < draining.until;
        self.sends(digest) || self.draining.iter().any(drains)
    }

    /// The draining versions with one added, and without those that have finished.
    fn draining_with(&self, digest: &str, seconds: u32, now: Timestamp) -> Vec<DrainingVersion> {
        let new = DrainingVersion { digest: digest.to_owned(), until: now.plus_seconds(seconds.into()) };
        let others = self.draining.iter().filter(|other| other.digest != digest && now < other.until).cloned();
        std::iter::once(new).chain(others).take(MAX_DRAINING).collect()
    }

    /// The version to try when this one has failed a message: the active one for a canary, and the previous one for an active version that can
    /// still be rolled back automatically.
    pub fn alternative_to(&self, digest: &str, now: Timestamp) -> Option<&str> {
        match self.role(digest) {
            VersionRole::Canary => Some(&self.active),
            VersionRole::Active if now < self.auto_rollback_until => self.previous.as_deref(),
            VersionRole::Active => None,
            // The version was rolled back while the message was in progress.
            VersionRole::Previous | VersionRole::Available => Some(&self.active),
        }
    }

    /// Starts a canary, or changes its percentage.
    ///
    /// # Errors
    /// [`ReleaseError::AlreadyActive`], [`ReleaseError::InvalidPercent`].
    pub fn start_canary(&self, digest: &str, percent: u8, now: Timestamp) -> Result<Self, ReleaseError> {
        if !(1..=99).contains(&percent) {
            return Err(ReleaseError::InvalidPercent);
        }
        if self.active == digest {
            return Err(ReleaseError::AlreadyActive);
        }
        let same = self.canary.as_ref().filter(|canary| canary.digest == digest);
        let started_at = same.map_or(now, |canary| canary.started_at);
        let other = self.canary.as_ref().filter(|canary| canary.digest != digest);
        Ok(Self {
            draining: match other {
                Some(other) => self.draining_with(&other.digest, DRAIN_SECONDS, now),
                None => self.draining.clone(),
            },
            canary: Some(Canary { digest: digest.to_owned(), percent, started_at }),
            is_withdrawal: false,
            ..self.clone()
        })
    }

    /// Ends the canary. With a `fault`, this is an automatic rollback.
    ///
    /// # Errors
    /// [`ReleaseError::NoCanary`].
    pub fn end_canary(&self, fault: Option<VersionFault>, now: Timestamp) -> Result<Self, ReleaseError> {
        let canary = self.canary.as_ref().ok_or(ReleaseError::NoCanary)?;
        // A version that misbehaves gets no time to continue.
        let drain = if fault.is_some() { 0 } else { DRAIN_SECONDS };
        let rollback = fault.map(|fault| RollbackReason::from(fault).rollback(&canary.digest, &self.active, now));
        Ok(Self {
            canary: None,
            draining: self.draining_with(&canary.digest, drain, now),
            last_rollback: rollback.or_else(|| self.last_rollback.clone()),
            is_withdrawal: false,
            ..self.clone()
        })
    }

    /// Activates a version. Ends its canary; a canary of another version continues.
    ///
    /// # Errors
    /// [`ReleaseError::AlreadyActive`].
    pub fn activate(&self, digest: &str, watch: u32, drain: u32, now: Timestamp) -> Result<Self, ReleaseError> {
        if self.active == digest {
            return Err(ReleaseError::AlreadyActive);
        }
        Ok(Self {
            active: digest.to_owned(),
            previous: Some(self.active.clone()),
            canary: self.canary.clone().filter(|canary| canary.digest != digest),
            activated_at: now,
            auto_rollback_until: now.plus_seconds(watch.into()),
            draining: self.draining_with(&self.active, drain, now),
            last_rollback: self.last_rollback.clone(),
            is_withdrawal: false,
        })
    }

    /// Rolls back to the previous version. The version that was rolled back does not become the previous one, so another rollback cannot
    /// activate it again.
    ///
    /// # Errors
    /// [`ReleaseError::NoPrevious`].
    pub fn roll_back(&self, reason: RollbackReason, now: Timestamp) -> Result<Self, ReleaseError> {
        let previous = self.previous.clone().ok_or(ReleaseError::NoPrevious)?;
        let drain = if matches!(reason, RollbackReason::Fault(_)) { 0 } else { DRAIN_SECONDS };
        let rollback = reason.rollback(&self.active, &previous, now);
        Ok(Self {
            draining: self.draining_with(&self.active, drain, now),
            canary: self.canary.clone().filter(|canary| canary.digest != previous),
            active: previous,
            previous: None,
            activated_at: now,
            auto_rollback_until: now,
            last_rollback: Some(rollback),
            is_withdrawal: false,
        })
    }
}

/// Why a version is rolled back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RollbackReason {
    /// A person rolled it back, for this reason.
    Manual(String),
    /// Sendbox rolled it back automatically.
    Fault(VersionFault),
}

impl From<VersionFault> for RollbackReason {
    fn from(fault: VersionFault) -> Self {
        Self::Fault(fault)
    }
}

impl RollbackReason {
    fn rollback(self, from: &str, to: &str, at: Timestamp) -> Rollback {
        let (reason, fault) = match self {
            Self::Manual(reason) => (reason, None),
            Self::Fault(fault) => (fault.to_string(), Some(fault)),
        };
        Rollback {
            rolled_back_at: at,
            from: from.to_owned(),
            to: to.to_owned(),
            reason,
            automatic: fault.is_some(),
            fault,
        }
    }
}

/// Whether the canary gets this message. Decided by a hash of both, so that successive canaries get different messages.
fn is_in_canary(canary: &Canary, message: &str) -> bool {
    let hash = Sha256::new().chain_update(canary.digest.as_bytes()).chain_update(message.as_bytes()).finalize();
    let number = hash.first_chunk::<8>().map_or(0, |bytes| u64::from_be_bytes(*bytes));
    number % 100 < u64::from(canary.percent)
}

#[cfg(test)]
mod tests;
