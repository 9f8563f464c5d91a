//! Who sends the next attempt of a message: which connection, with which version of its connector.
//!
//! The rules are `rules/retry.rs`, `rules/breaker.rs` and `rules/release.rs`; here they meet what is set up.

use std::sync::Arc;

use sendbox_domain::field_error::FieldErrors;
use sendbox_domain::model::{AttemptOutcome, InDoubt, MessageStatus, Standing, Timestamp};
use sendbox_domain::rules::breaker::{Allowed, BreakerEvent};
use sendbox_domain::rules::retry;
use sendbox_sandbox::{FailureClass, Party, RecordedFailure};
use sendbox_store::Tx;
use sendbox_store::rows::{AttemptRow, MessageRow, TenantRow};
use tokio_util::sync::CancellationToken;

use crate::connections::cached_connection::ReadyConnection;
use crate::connections::ready_connection::VersionAffinity;
use crate::error::{Error, Result};
use crate::lock::lock;
use crate::sending::message_end::end_before_attempt;
use crate::sending::routing::routes;
use crate::service::{BreakerKey, Service};

/// Breakers that are kept at most, of connections that have failed. Beyond, all begin anew: simple, and rare.
const MOST_BREAKERS: usize = 10_000;

/// Who sends.
pub(crate) struct Sender {
    pub(crate) prepared: Arc<ReadyConnection>,
    /// Whose release decided the version, and the connector's id; `None` for connectors that come with Sendbox.
    pub(crate) line: Option<(String, String)>,
    /// Whether the version is tried on a share of the messages.
    pub(crate) is_canary: bool,
    /// Cancelled when the version has drained. `None`: it is not one that is replaced.
    pub(crate) withdrawn: Option<CancellationToken>,
}

/// What came of asking a connection.
enum Found {
    Ready(Sender),
    Resting { until: Timestamp },
    Gone,
    Unfit(FieldErrors),
}

/// What the attempts of a message on one connection say of versions.
struct VersionHistory<'a> {
    /// The version of the last attempt.
    held: Option<&'a str>,
    /// Versions that refused it for a reason of their own.
    left: Vec<&'a str>,
    /// All versions.
    all: Vec<&'a str>,
}

impl<'a> VersionHistory<'a> {
    fn on(connection: &str, done: &'a [AttemptRow]) -> Self {
        let here = || done.iter().filter(|attempt| attempt.connection == connection);
        let refused = |attempt: &&AttemptRow| {
            attempt.outcome == Some(AttemptOutcome::Rejected)
                && attempt.failure.as_ref().is_some_and(|failure| retry::leaves_version(failure.class))
        };
        Self {
            held: here().next_back().map(|attempt| attempt.digest.as_str()),
            left: here().filter(refused).map(|attempt| attempt.digest.as_str()).collect(),
            all: here().map(|attempt| attempt.digest.as_str()).collect(),
        }
    }
}

fn breaker_key(tenant: &str, prepared: &ReadyConnection) -> BreakerKey {
    (tenant.to_owned(), prepared.name.clone(), prepared.revision, prepared.connector.digest())
}

impl Service {
    /// The connection for the next attempt: the one that was chosen, or the first fallback that can send. `None`: the message
    /// has ended.
    pub(crate) async fn sender(
        &self,
        tx: &mut Tx,
        tenant: &TenantRow,
        row: &mut MessageRow,
        done: &[AttemptRow],
        now: Timestamp,
    ) -> Result<Option<Sender>> {
        let names = routes(tenant, row.country.as_deref());
        let chosen = row.connection.clone().into_iter();
        let tried = |name: &String| done.iter().any(|attempt| attempt.connection == *name);
        // Something may be out there, and the tenant prefers silence: then only the connection that the rules have chosen.
        let silent = row.physical > 0 && tenant.policy.delivery.in_doubt == InDoubt::PreferSilence;
        let others = names.into_iter().filter(|name| !silent && row.connection.as_ref() != Some(name) && !tried(name));
        let mut reason = None;
        let of_settings =
            |text: String| RecordedFailure::before_sending(FailureClass::ConfigurationInvalid, Party::Policy, text);
        for name in chosen.chain(others) {
            match self.ask(tx, tenant, &row.id, &name, done, now).await? {
                Found::Ready(sender) => return Ok(Some(sender)),
                Found::Resting { until } => {
                    let seconds = until.seconds_from(now);
                    let text = format!(
                        "the connection `{name}` failed too often and rests for {seconds} s; no fallback could take over"
                    );
                    let failure = RecordedFailure::before_sending(FailureClass::ProviderUnavailable, Party::Host, text);
                    reason = Some(RecordedFailure { retry_after: u32::try_from(seconds).ok(), ..failure });
                }
                Found::Gone => {
                    reason.get_or_insert_with(|| of_settings(format!("the connection `{name}` was deleted")));
                }
                Found::Unfit(errors) => {
                    let text = format!("the connection `{name}` does not fit its connector: {errors}");
                    reason.get_or_insert_with(|| of_settings(text));
                }
            }
        }
        end_before_attempt(row, MessageStatus::Failed, reason);
        Ok(None)
    }

    /// The best version with which a connection can send now.
    async fn ask(
        &self,
        tx: &mut Tx,
        tenant: &TenantRow,
        message: &str,
        name: &str,
        done: &[AttemptRow],
        now: Timestamp,
    ) -> Result<Found> {
        let met = VersionHistory::on(name, done);
        let of = VersionAffinity { message, current: met.held, rejected: &met.left };
        let choice = match self.candidate_versions(tx, tenant, name, of).await {
            Ok(Some(choice)) => choice,
            Ok(None) => return Ok(Found::Gone),
            Err(Error::Invalid(errors)) => return Ok(Found::Unfit(errors)),
            Err(other) => return Err(other),
        };
        let mut unfit = None;
        let mut resting = None;
        for digest in &choice.digests {
            let prepared = match self.ready_connection_at(tx, tenant, &choice, digest).await {
                Ok(prepared) => prepared,
                Err(Error::Invalid(errors)) => {
                    unfit.get_or_insert(errors);
                    continue;
                }
                Err(other) => return Err(other),
            };
            let release = choice.release();
            if let Allowed::No { until } = self.breaker_allows(tenant, &prepared, now) {
                resting = Some(until);
                // A version that is tried or watched, and rests, is no reason for the one that it replaces to rest too.
                if release.is_some_and(|release| release.versions.instead_of(digest, now).is_some()) {
                    continue;
                }
                break;
            }
            let line = release.map(|release| (release.tenant.clone(), release.connector.clone()));
            let withdrawn = release
                .filter(|release| release.versions.may_go_on(digest, now))
                .map(|release| self.inner.release_monitor.signal(release, digest));
            let is_canary = release.is_some_and(|release| release.versions.standing(digest) == Standing::Canary);
            return Ok(Found::Ready(Sender { prepared, line, is_canary, withdrawn }));
        }
        Ok(match (resting, unfit) {
            (Some(until), _) => Found::Resting { until },
            (None, Some(errors)) => Found::Unfit(errors),
            (None, None) => Found::Gone,
        })
    }

    /// Whether the connection of an attempt has another version that this message has not met and that could do better.
    pub(crate) async fn has_other_version(
        &self,
        tx: &mut Tx,
        tenant: &TenantRow,
        attempt: &AttemptRow,
        done: &[AttemptRow],
        now: Timestamp,
    ) -> Result<bool> {
        let met = VersionHistory::on(&attempt.connection, done);
        let choice = match self.candidate_versions(tx, tenant, &attempt.connection, VersionAffinity::default()).await {
            Ok(Some(choice)) => choice,
            Ok(None) | Err(Error::Invalid(_)) => return Ok(false),
            Err(other) => return Err(other),
        };
        let other = choice.release().and_then(|release| release.versions.instead_of(&attempt.digest, now));
        let Some(other) = other.filter(|other| !met.all.contains(other)) else { return Ok(false) };
        match self.ready_connection_at(tx, tenant, &choice, other).await {
            Ok(_) => Ok(true),
            Err(Error::Invalid(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn breaker_allows(&self, tenant: &TenantRow, prepared: &ReadyConnection, now: Timestamp) -> Allowed {
        let key = breaker_key(&tenant.id, prepared);
        lock(&self.inner.breakers).get_mut(&key).map_or(Allowed::Yes, |breaker| breaker.allows(now))
    }

    /// Tells a connection's breaker how an attempt went.
    pub(crate) fn record(&self, tenant: &str, prepared: &ReadyConnection, event: BreakerEvent, now: Timestamp) {
        let key = breaker_key(tenant, prepared);
        let mut breakers = lock(&self.inner.breakers);
        if event == BreakerEvent::Success && !breakers.contains_key(&key) {
            return;
        }
        if breakers.len() >= MOST_BREAKERS {
            breakers.clear();
        }
        breakers.entry(key).or_default().record(event, now);
    }
}
