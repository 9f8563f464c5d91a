//! Which version of a connector sends: active, canary, previous.
//!
//! A [`Versions`] is what is decided for one scope: a tenant, or all tenants that have no decision of their own.
//!
//! Promises
//! - one value decides, and it changes as a whole: there is no moment with two active versions, or with none;
//! - the same message meets the same side of a canary however often it is asked, and a larger share keeps all that the
//!   smaller one had;
//! - a message stays with the version that it began with, its retries included, until that version has drained, is taken back,
//!   or has refused the message for a reason of its own;
//! - a version that was rolled back never sends again by itself.
//!
//! Must not know: stores, connections, what a version can do.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::model::{Canary, Rollback, Standing, Timestamp, VersionFault};

/// How long the active version is watched, unless said otherwise: an hour.
pub const WATCH_SECONDS: u32 = 3600;
/// A week.
pub const LONGEST_WATCH_SECONDS: u32 = 604_800;
/// How long messages may go on with the version before, unless said otherwise.
pub const DRAIN_SECONDS: u32 = 10;
/// A minute: no send takes longer, and a code that comes later helps nobody.
pub const LONGEST_DRAIN_SECONDS: u32 = 60;

/// Versions that drain at most. Beyond, the oldest has drained.
const MAX_DRAINING: usize = 200;

/// Which versions send, for one scope.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Versions {
    /// Sends.
    pub active: String,
    /// Sent before, and stays ready.
    pub previous: Option<String>,
    /// Is tried on a share.
    pub canary: Option<Canary>,
    /// When `active` became it.
    pub activated_at: Timestamp,
    /// Until then `active` is taken back by itself.
    pub watched_until: Timestamp,
    /// Versions that send no more, and until when messages that began on them may go on. Newest first, each once.
    #[serde(default)]
    pub draining: Vec<Draining>,
    /// The last version that was taken back.
    pub last_rollback: Option<Rollback>,
}

/// A version that sends no more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Draining {
    /// Which.
    pub digest: String,
    /// Until then what is under way may end.
    pub until: Timestamp,
}

/// Why a change is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReleaseError {
    /// The active version cannot be its own canary.
    #[error("this version is active already")]
    AlreadyActive,
    /// There is nothing to go back to.
    #[error("there is no version before this one to go back to")]
    NoPrevious,
    /// There is nothing to stop.
    #[error("no version is being tried")]
    NoCanary,
    /// Of a hundred.
    #[error("must be from 1 to 99; activate the version to send everything with it")]
    Percent,
}

impl Versions {
    /// The first version of a connector sends at once: nothing was there that it could differ from, and nothing uses it before
    /// a connection is set up.
    pub fn first(digest: String, now: Timestamp) -> Self {
        Self {
            active: digest,
            previous: None,
            canary: None,
            activated_at: now,
            watched_until: now,
            draining: Vec::new(),
            last_rollback: None,
        }
    }

    /// What a version is used for.
    pub fn standing(&self, digest: &str) -> Standing {
        if self.active == digest {
            Standing::Active
        } else if self.canary.as_ref().is_some_and(|canary| canary.digest == digest) {
            Standing::Canary
        } else if self.previous.as_deref() == Some(digest) {
            Standing::Previous
        } else {
            Standing::Available
        }
    }

    /// The versions that must stay ready.
    pub fn kept(&self, now: Timestamp) -> impl Iterator<Item = &str> {
        let canary = self.canary.as_ref().map(|canary| canary.digest.as_str());
        let draining = self.draining.iter().filter(move |draining| now < draining.until);
        let draining = draining.map(|draining| draining.digest.as_str());
        [Some(self.active.as_str()), canary, self.previous.as_deref()].into_iter().flatten().chain(draining)
    }

    /// Whether a message may begin on this version now.
    pub fn sends(&self, digest: &str) -> bool {
        matches!(self.standing(digest), Standing::Active | Standing::Canary)
    }

    /// The versions for a message, best first; an empty one is none, and meets no trial. `held`: the one that it began with. `left`: those that refused it for a reason
    /// of their own. `own`: the one that its connection was saved with, for a connection that does not fit the newer ones.
    pub fn candidates<'a>(
        &'a self,
        message: &str,
        held: Option<&'a str>,
        left: &[&str],
        own: &'a str,
        now: Timestamp,
    ) -> Vec<&'a str> {
        let held = held.filter(|digest| self.may_go_on(digest, now));
        let chosen = |canary: &&Canary| !message.is_empty() && is_chosen(canary, message);
        let tried = self.canary.as_ref().filter(chosen).map(|canary| canary.digest.as_str());
        let all = [held, tried, Some(self.active.as_str()), self.previous.as_deref(), Some(own)];
        let mut found: Vec<&str> = Vec::new();
        for digest in all.into_iter().flatten() {
            if !left.contains(&digest) && !found.contains(&digest) {
                found.push(digest);
            }
        }
        found
    }

    /// Whether a message that began on this version may go on with it, further tries included.
    pub fn may_go_on(&self, digest: &str, now: Timestamp) -> bool {
        let drains = |draining: &Draining| draining.digest == digest && now < draining.until;
        self.sends(digest) || self.draining.iter().any(drains)
    }

    /// The versions that drain, with one more, and without those that have drained.
    fn drained(&self, digest: &str, seconds: u32, now: Timestamp) -> Vec<Draining> {
        let new = Draining { digest: digest.to_owned(), until: now.plus_seconds(seconds.into()) };
        let others = self.draining.iter().filter(|other| other.digest != digest && now < other.until).cloned();
        std::iter::once(new).chain(others).take(MAX_DRAINING).collect()
    }

    /// The version that a message of this one can turn to, when this one has refused it: the active one for a canary, the one
    /// before for an active one that is still watched.
    pub fn instead_of(&self, digest: &str, now: Timestamp) -> Option<&str> {
        match self.standing(digest) {
            Standing::Canary => Some(&self.active),
            Standing::Active if now < self.watched_until => self.previous.as_deref(),
            Standing::Active => None,
            // It was taken back while the message was under way.
            Standing::Previous | Standing::Available => Some(&self.active),
        }
    }

    /// Tries a version on a share of the messages, or changes the share.
    ///
    /// # Errors
    /// [`ReleaseError::AlreadyActive`], [`ReleaseError::Percent`].
    pub fn try_on(&self, digest: &str, percent: u8, now: Timestamp) -> Result<Self, ReleaseError> {
        if !(1..=99).contains(&percent) {
            return Err(ReleaseError::Percent);
        }
        if self.active == digest {
            return Err(ReleaseError::AlreadyActive);
        }
        let same = self.canary.as_ref().filter(|canary| canary.digest == digest);
        let started_at = same.map_or(now, |canary| canary.started_at);
        let other = self.canary.as_ref().filter(|canary| canary.digest != digest);
        Ok(Self {
            draining: match other {
                Some(other) => self.drained(&other.digest, DRAIN_SECONDS, now),
                None => self.draining.clone(),
            },
            canary: Some(Canary { digest: digest.to_owned(), percent, started_at }),
            ..self.clone()
        })
    }

    /// Ends the trial. `fault`: when it is taken back by itself and not only ended.
    ///
    /// # Errors
    /// [`ReleaseError::NoCanary`].
    pub fn end_canary(&self, fault: Option<VersionFault>, now: Timestamp) -> Result<Self, ReleaseError> {
        let canary = self.canary.as_ref().ok_or(ReleaseError::NoCanary)?;
        // Whoever misbehaves is not given time to go on misbehaving.
        let drain = if fault.is_some() { 0 } else { DRAIN_SECONDS };
        let rollback = fault.map(|fault| Reason::from(fault).rollback(&canary.digest, &self.active, now));
        Ok(Self {
            canary: None,
            draining: self.drained(&canary.digest, drain, now),
            last_rollback: rollback.or_else(|| self.last_rollback.clone()),
            ..self.clone()
        })
    }

    /// Makes a version the one that sends. A trial of it is over; a trial of another one goes on.
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
            watched_until: now.plus_seconds(watch.into()),
            draining: self.drained(&self.active, drain, now),
            last_rollback: self.last_rollback.clone(),
        })
    }

    /// Goes one version back. What was taken back is no longer ready to take over: a further rollback cannot bring it again.
    ///
    /// # Errors
    /// [`ReleaseError::NoPrevious`].
    pub fn roll_back(&self, reason: Reason, now: Timestamp) -> Result<Self, ReleaseError> {
        let previous = self.previous.clone().ok_or(ReleaseError::NoPrevious)?;
        let drain = if matches!(reason, Reason::Fault(_)) { 0 } else { DRAIN_SECONDS };
        let rollback = reason.rollback(&self.active, &previous, now);
        Ok(Self {
            draining: self.drained(&self.active, drain, now),
            canary: self.canary.clone().filter(|canary| canary.digest != previous),
            active: previous,
            previous: None,
            activated_at: now,
            watched_until: now,
            last_rollback: Some(rollback),
        })
    }
}

/// Why a version is taken back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// A person wants it, and says why.
    Person(String),
    /// Sendbox itself has found a fault.
    Fault(VersionFault),
}

impl From<VersionFault> for Reason {
    fn from(fault: VersionFault) -> Self {
        Self::Fault(fault)
    }
}

impl Reason {
    fn rollback(self, from: &str, to: &str, at: Timestamp) -> Rollback {
        let (reason, fault) = match self {
            Self::Person(reason) => (reason, None),
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

/// Whether the canary gets this message: by a hash of both, so that two canaries after one another meet different messages.
fn is_chosen(canary: &Canary, message: &str) -> bool {
    let hash = Sha256::new().chain_update(canary.digest.as_bytes()).chain_update(message.as_bytes()).finalize();
    let number = hash.first_chunk::<8>().map_or(0, |bytes| u64::from_be_bytes(*bytes));
    number % 100 < u64::from(canary.percent)
}

#[cfg(test)]
mod tests;
