//! Who sends the next attempt of a message: which connection, with which version of its connector.
//!
//! Applies the rules of `rules/retry.rs`, `rules/breaker.rs` and `rules/release.rs` to the settings of a tenant.

use std::sync::Arc;

use sendbox_domain::field_error::FieldErrors;
use sendbox_domain::model::{AttemptOutcome, InDoubt, MessageStatus, Mode, Timestamp, VersionRole};
use sendbox_domain::rules::breaker::{self, BreakerDecision, BreakerEvent};
use sendbox_domain::rules::retry;
use sendbox_sandbox::{FailureClass, Party, RecordedFailure};
use sendbox_store::Tx;
use sendbox_store::rows::{AttemptRow, MessageRow, TenantRow};
use tokio_util::sync::CancellationToken;

use crate::connections::cached_connection::ReadyConnection;
use crate::connections::ready_connection::{CandidateVersions, VersionAffinity};
use crate::error::{Error, Result};
use crate::lock::lock;
use crate::releases::monitor_state::ReleaseKey;
use crate::sending::message_end::end_before_attempt;
use crate::sending::routing::routes;
use crate::service::{BreakerKey, Service};
use crate::vault::random_fraction;

/// Maximum number of breakers. Only connections that have failed have one. When it is reached all are dropped, which is simple and
/// rare.
const MAX_BREAKERS: usize = 10_000;

/// The connection and version that send an attempt.
pub(crate) struct Sender {
    pub(crate) connection: Arc<ReadyConnection>,
    /// The release that chose the version; `None` for a built-in connector.
    pub(crate) release: Option<ReleaseKey>,
    pub(crate) is_canary: bool,
    /// Cancelled when the version has drained. `None` for a built-in connector, and for a version that is neither active nor a
    /// canary nor draining.
    pub(crate) withdrawn: Option<CancellationToken>,
}

/// Who sends the next attempt of a message.
pub(crate) enum NextSender {
    Ready(Sender),
    /// Nobody now: the message is queued until a breaker lets messages through again.
    Waiting,
    /// Nobody: the message has ended.
    Ended,
}

/// Whether a connection can send now.
enum Availability {
    Ready(Sender),
    BreakerOpen { until: Timestamp },
    Deleted,
    Incompatible(FieldErrors),
}

/// The versions that a message was tried with on one connection, by digest.
struct VersionHistory<'a> {
    /// The version of the last attempt.
    current: Option<&'a str>,
    /// Versions that rejected it for a reason that other versions may not have.
    rejected: Vec<&'a str>,
    /// All versions.
    tried: Vec<&'a str>,
}

impl<'a> VersionHistory<'a> {
    fn of_connection(connection: &str, journal: &'a [AttemptRow]) -> Self {
        let here = || journal.iter().filter(|attempt| attempt.connection == connection);
        let is_rejected = |attempt: &&AttemptRow| {
            attempt.outcome == Some(AttemptOutcome::Rejected)
                && attempt.failure.as_ref().is_some_and(|failure| retry::excludes_version(failure.class))
        };
        Self {
            current: here().next_back().map(|attempt| attempt.digest.as_str()),
            rejected: here().filter(is_rejected).map(|attempt| attempt.digest.as_str()).collect(),
            tried: here().map(|attempt| attempt.digest.as_str()).collect(),
        }
    }
}

fn breaker_key(tenant: &str, connection: &ReadyConnection) -> BreakerKey {
    (tenant.to_owned(), connection.name.clone(), connection.revision, connection.connector.digest())
}

impl Service {
    /// The sender of the next attempt: the chosen connection, or the first fallback that can send. When none can because of open
    /// breakers, the message waits; when none can for another reason, it ends. `candidates`: the versions of the chosen connection,
    /// if they are known.
    #[allow(clippy::too_many_arguments, reason = "everything that decides it")]
    pub(crate) async fn sender(
        &self,
        tx: &mut Tx,
        tenant: &TenantRow,
        row: &mut MessageRow,
        journal: &[AttemptRow],
        mut candidates: Option<CandidateVersions>,
        now: Timestamp,
    ) -> Result<NextSender> {
        let names = routes(tenant, row.country.as_deref());
        let chosen = row.connection.clone().into_iter();
        let is_tried = |name: &String| journal.iter().any(|attempt| attempt.connection == *name);
        // The message may have been sent and the tenant prefers silence: only the connection that the rules chose may send.
        let no_fallback = row.physical_messages > 0 && tenant.policy.delivery.in_doubt == InDoubt::PreferSilence;
        let others =
            names.into_iter().filter(|name| !no_fallback && row.connection.as_ref() != Some(name) && !is_tried(name));
        let mut reason = None;
        let mut open_until: Option<Timestamp> = None;
        let invalid_configuration =
            |text: String| RecordedFailure::before_sending(FailureClass::ConfigurationInvalid, Party::Policy, text);
        for name in chosen.chain(others) {
            let known = candidates.take();
            match self.availability(tx, tenant, &row.id, &name, journal, known, now).await? {
                Availability::Ready(sender) => return Ok(NextSender::Ready(sender)),
                Availability::BreakerOpen { until } => {
                    open_until = Some(open_until.map_or(until, |earlier| earlier.min(until)));
                    let seconds = until.seconds_from(now);
                    let text = format!(
                        "the connection `{name}` is paused for {seconds} s after repeated failures, and no fallback could take over"
                    );
                    let failure = RecordedFailure::before_sending(FailureClass::ProviderUnavailable, Party::Host, text);
                    reason = Some(RecordedFailure { retry_after: u32::try_from(seconds).ok(), ..failure });
                }
                Availability::Deleted => {
                    reason.get_or_insert_with(|| invalid_configuration(format!("the connection `{name}` was deleted")));
                }
                Availability::Incompatible(errors) => {
                    let text = format!("the connection `{name}` is incompatible with its connector: {errors}");
                    reason.get_or_insert_with(|| invalid_configuration(text));
                }
            }
        }
        // The caller of a synchronous message that was not tried yet is told at once, and can choose.
        let may_wait = row.mode == Mode::Async || row.attempts > 0;
        if let Some(until) = open_until.filter(|_| may_wait)
            && let Some(at) = breaker::resume_at(until, now, row.expires_at, random_fraction()?)
        {
            row.status = MessageStatus::Queued;
            row.next_attempt_at = Some(at);
            return Ok(NextSender::Waiting);
        }
        end_before_attempt(row, MessageStatus::Failed, reason);
        Ok(NextSender::Ended)
    }

    /// Whether a connection can send the message now, with the first version that is compatible and whose breaker is closed.
    #[allow(clippy::too_many_arguments, reason = "everything that decides it")]
    async fn availability(
        &self,
        tx: &mut Tx,
        tenant: &TenantRow,
        message: &str,
        name: &str,
        journal: &[AttemptRow],
        known: Option<CandidateVersions>,
        now: Timestamp,
    ) -> Result<Availability> {
        let history = VersionHistory::of_connection(name, journal);
        let affinity = VersionAffinity { message, current: history.current, rejected: &history.rejected };
        let found = match known {
            Some(known) => Ok(Some(known)),
            None => self.candidate_versions(tx, tenant, name, affinity).await,
        };
        let candidates = match found {
            Ok(Some(candidates)) => candidates,
            Ok(None) => return Ok(Availability::Deleted),
            Err(Error::Invalid(errors)) => return Ok(Availability::Incompatible(errors)),
            Err(other) => return Err(other),
        };
        let mut incompatible = None;
        let mut open_until = None;
        for digest in &candidates.digests {
            let connection = match self.ready_connection_at(tx, tenant, &candidates, digest).await {
                Ok(connection) => connection,
                Err(Error::Invalid(errors)) => {
                    incompatible.get_or_insert(errors);
                    continue;
                }
                Err(other) => return Err(other),
            };
            let release = candidates.release();
            if let Some(until) = self.breaker_allows(tenant, &connection, now).wait_until(now) {
                open_until = Some(until);
                // The breaker of a canary or of a newly activated version does not stop the version that it replaces.
                if release.is_some_and(|release| release.versions.alternative_to(digest, now).is_some()) {
                    continue;
                }
                break;
            }
            let withdrawn = release
                .filter(|release| release.versions.may_continue(digest, now))
                .map(|release| self.inner.release_monitor.signal(release, digest));
            let is_canary = release.is_some_and(|release| release.versions.role(digest) == VersionRole::Canary);
            let release = release.map(|release| (release.tenant.clone(), release.connector.clone()));
            return Ok(Availability::Ready(Sender { connection, release, is_canary, withdrawn }));
        }
        Ok(match (open_until, incompatible) {
            (Some(until), _) => Availability::BreakerOpen { until },
            (None, Some(errors)) => Availability::Incompatible(errors),
            (None, None) => Availability::Deleted,
        })
    }

    /// Whether the connection of an attempt has another version that this message was not tried with, and that can take over.
    pub(crate) async fn has_other_version(
        &self,
        tx: &mut Tx,
        tenant: &TenantRow,
        attempt: &AttemptRow,
        journal: &[AttemptRow],
        now: Timestamp,
    ) -> Result<bool> {
        let history = VersionHistory::of_connection(&attempt.connection, journal);
        let candidates =
            match self.candidate_versions(tx, tenant, &attempt.connection, VersionAffinity::default()).await {
                Ok(Some(candidates)) => candidates,
                Ok(None) | Err(Error::Invalid(_)) => return Ok(false),
                Err(other) => return Err(other),
            };
        let other = candidates.release().and_then(|release| release.versions.alternative_to(&attempt.digest, now));
        let Some(other) = other.filter(|other| !history.tried.contains(other)) else { return Ok(false) };
        match self.ready_connection_at(tx, tenant, &candidates, other).await {
            Ok(_) => Ok(true),
            Err(Error::Invalid(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn breaker_allows(&self, tenant: &TenantRow, connection: &ReadyConnection, now: Timestamp) -> BreakerDecision {
        let key = breaker_key(&tenant.id, connection);
        lock(&self.inner.breakers).get_mut(&key).map_or(BreakerDecision::Allow, |breaker| breaker.allows(now))
    }

    /// Records the result of an attempt with the connection's breaker.
    pub(crate) fn record_breaker_event(
        &self,
        tenant: &str,
        connection: &ReadyConnection,
        event: BreakerEvent,
        now: Timestamp,
    ) {
        let key = breaker_key(tenant, connection);
        let mut breakers = lock(&self.inner.breakers);
        if event == BreakerEvent::Success && !breakers.contains_key(&key) {
            return;
        }
        if breakers.len() >= MAX_BREAKERS {
            breakers.clear();
        }
        breakers.entry(key).or_default().record(event, now);
    }
}
