//! One attempt of a message: it is sent, its result is stored, and the rules decide what follows.

use std::sync::Arc;
use std::time::Duration;

use sendbox_domain::AttemptRecord;
use sendbox_domain::model::{AttemptOutcome, Decision, DecisionCode, MessageStatus, Timestamp};
use sendbox_domain::phone;
use sendbox_domain::rules::attempt as rules;
use sendbox_domain::rules::breaker::{BreakerEvent, RetryBudget};
use sendbox_domain::rules::retry::{self, NextStep, Situation};
use sendbox_domain::rules::subscriptions::Subscriptions;
use sendbox_sandbox::{
    FailureClass, MayLeave, Message as SandboxMessage, Party, RecordedFailure, RequestSent, Revocation, SendRequest,
};
use sendbox_store::rows::{AttemptRow, Lease, MessageRow, TenantRow};
use sendbox_store::{Done, Tx, attempts, tenants};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::connections::cached_connection::ReadyConnection;
use crate::connections::ready_connection::VersionAffinity;
use crate::delivery_reports::receiver;
use crate::error::{Error, Result};
use crate::leases::HeldLease;
use crate::lock::lock;
use crate::releases::request_shapes::{ObservedShape, RecordedShapes, held_shape};
use crate::sending::attempt_result::{AttemptEnd, AttemptResult, count_unproven};
use crate::sending::holds;
use crate::sending::message_end::end;
use crate::sending::payload::Payload;
use crate::sending::routing::routes;
use crate::sending::sender::Sender;
use crate::sending::unsent::{self, is_unsent};
use crate::service::Service;
use crate::vault::{TenantKey, random_fraction};
use crate::webhooks::outbox;

/// Maximum number of tries to store the result of an attempt while the store is unavailable.
const MAX_FINISH_TRIES: u32 = 20;
/// The first of those tries also store the observed shapes.
const FINISH_TRIES_WITH_SHAPES: u32 = 3;

/// A message as it is stored, with all its attempts.
#[derive(Clone)]
pub(crate) struct StoredMessage {
    pub(crate) row: MessageRow,
    pub(crate) journal: Vec<AttemptRow>,
    /// Whether delivery reports had arrived before the result of the last attempt was stored.
    pub(crate) has_reports: bool,
}

impl StoredMessage {
    /// A message without attempts.
    pub(crate) fn new(row: MessageRow) -> Self {
        Self { row, journal: Vec::new(), has_reports: false }
    }
}

/// An attempt that is on disk and was not sent yet.
pub(crate) struct StartedAttempt {
    pub(crate) sender: Sender,
    pub(crate) message: SandboxMessage,
    pub(crate) attempt: AttemptRow,
    /// The stored shapes of the version; `None` for a built-in connector.
    pub(crate) recorded_shapes: Option<RecordedShapes>,
    /// The message, with the attempts before this one.
    pub(crate) stored: StoredMessage,
    /// The key of the message's tenant.
    pub(crate) key: TenantKey,
    /// Who wants to know of its end.
    pub(crate) subscriptions: Subscriptions,
}

/// An attempt that was sent, and whose result is not stored yet.
struct SentAttempt {
    connection: Arc<ReadyConnection>,
    attempt: AttemptRow,
    stored: StoredMessage,
    lease: Lease,
    key: TenantKey,
    subscriptions: Subscriptions,
    result: AttemptResult,
    observed_shapes: Vec<ObservedShape>,
    /// Whether nothing left because the message has expired or is no longer wanted, or this process may have lost it.
    is_revoked: bool,
}

/// A failed attempt, with the facts that the rules need beside the message.
struct FailedAttempt<'a> {
    attempt: &'a AttemptRow,
    failure: &'a RecordedFailure,
    /// Whether the provider sends one message for a repeated idempotency key.
    idempotent: bool,
    /// All attempts of the message, including this one.
    journal: &'a [AttemptRow],
}

impl Service {
    pub(crate) fn with_retry_budget<T>(&self, tenant: &str, call: impl FnOnce(&mut RetryBudget) -> T) -> T {
        call(lock(&self.inner.retry_budgets).entry(tenant.to_owned()).or_default())
    }

    /// Sends an attempt that is on disk, unless the token is cancelled before the message leaves, and stores its result. Returns the
    /// message as it is stored then; `None` when the result could not be stored, or another process has taken over.
    pub(crate) async fn run_attempt(
        &self,
        started: StartedAttempt,
        lease: &HeldLease,
        cancelled: CancellationToken,
    ) -> Option<StoredMessage> {
        let StartedAttempt { sender, message, attempt, recorded_shapes, stored, key, subscriptions } = started;
        let Sender { connection, release, withdrawn, .. } = sender;
        if attempt.number == 1 {
            // Not in the unit that has stored it, which may have been repeated.
            self.with_retry_budget(&attempt.tenant, |budget| budget.first_attempt(self.now()));
        }
        let pinned = self.pinned_shapes(&attempt.tenant, &connection, recorded_shapes.as_ref()).await;
        let mut observed = Vec::new();
        let mut is_held = false;
        let result = match pinned {
            Err(error) => AttemptResult::not_attempted(error.to_string()),
            Ok(pinned) => {
                let left = stored.row.expires_at.millis_since(self.now());
                let revocation = Revocation {
                    expires_at: Some(Instant::now() + Duration::from_millis(left)),
                    cancelled: cancelled.clone(),
                    may_leave: Some(self.may_leave(lease, stored.row.expires_at, cancelled.clone())),
                };
                let request = SendRequest {
                    owner: attempt.tenant.clone(),
                    parameters: Arc::clone(&connection.parameters),
                    grant: Arc::clone(&connection.grant),
                    message,
                    pinned: pinned.clone(),
                    dry_run: None,
                    withdrawn,
                    revocation: Some(revocation),
                };
                let result = self.inner.calls.send(&connection.connector, request).await;
                is_held = held_shape(&result).is_some();
                let shapes = (recorded_shapes.as_ref(), pinned.as_deref());
                observed = self.observed_shapes(&attempt, &connection, shapes, &result);
                AttemptResult::from(result)
            }
        };
        // Nothing left, because nobody wants the message any more, or it may be another's: that says nothing about the provider.
        let is_revoked = result.failure().is_some_and(|failure| {
            rules::is_revoked(failure.request_sent, cancelled.is_cancelled(), stored.row.expires_at, self.now())
        });
        let event = match result.failure() {
            None => BreakerEvent::Success,
            Some(_) if is_revoked => BreakerEvent::Ignore,
            // Only requests of this shape are held back; others may still be sent with this version.
            Some(_) if is_held => BreakerEvent::Ignore,
            Some(failure) => retry::breaker_event(failure.class, failure.request_sent),
        };
        self.record_breaker_event(&attempt.tenant, &connection, event, self.now());
        let may_be_the_version = result.failure().is_some() && !is_revoked;
        let sent = Arc::new(SentAttempt {
            connection,
            attempt,
            stored,
            lease: lease.lease().clone(),
            key,
            subscriptions,
            result,
            observed_shapes: observed,
            is_revoked,
        });
        for number in 1..=MAX_FINISH_TRIES {
            // Shapes that cannot be stored must not prevent the result from being stored.
            let with_shapes = number <= FINISH_TRIES_WITH_SHAPES;
            let (service, attempt) = (self.clone(), Arc::clone(&sent));
            let finished = self.write(self.completion_store_of(&sent.attempt.tenant), move |tx| {
                let (service, sent) = (service.clone(), Arc::clone(&attempt));
                Box::pin(async move { service.finish_attempt(tx, &sent, with_shapes).await })
            });
            match finished.await {
                Ok(stored) => {
                    // Not in the unit, which may be repeated.
                    let decision = stored.as_ref().and_then(|stored| stored.journal.last()?.decision.as_ref());
                    if decision.is_some_and(|it| matches!(it.code, DecisionCode::Retry | DecisionCode::RetrySameKey)) {
                        self.with_retry_budget(&sent.attempt.tenant, |budget| budget.take(self.now()));
                    }
                    if with_shapes {
                        Self::mark_shapes_recorded(&sent.connection, &sent.observed_shapes);
                    }
                    // Enough failures roll the version back.
                    if let Some((scope, connector)) = release.filter(|_| may_be_the_version) {
                        self.inner.release_monitor.suspect(scope, connector);
                    }
                    return stored;
                }
                Err(error) => {
                    // The whole unit is repeated. If it was committed after all, the repetition changes nothing.
                    tracing::error!(message = sent.attempt.message, number, %error, "the result of an attempt could not be written");
                    self.inner.clock.timer(Duration::from_millis(u64::from(number) * 100)).await;
                }
            }
        }
        None
    }

    /// Whether a message may leave: this process has its lease, and the message has not expired, which no timer tells after a
    /// suspension of the machine. If it may not, its send is cancelled.
    fn may_leave(&self, lease: &HeldLease, expires_at: Timestamp, cancelled: CancellationToken) -> MayLeave {
        let (is_held, clock) = (lease.condition(), Arc::clone(&self.inner.clock));
        Arc::new(move || {
            let may_leave = rules::may_leave(is_held(), expires_at, clock.now());
            if !may_leave {
                cancelled.cancel();
            }
            may_leave
        })
    }

    /// Stores the result of an attempt, and what follows.
    async fn finish_attempt(
        &self,
        tx: &mut Tx,
        sent: &SentAttempt,
        with_shapes: bool,
    ) -> Result<Done<Option<StoredMessage>>> {
        let now = self.now();
        let SentAttempt { connection, attempt, stored, lease, key, subscriptions, result, observed_shapes, is_revoked } =
            sent;
        let StoredMessage { mut row, mut journal, .. } = stored.clone();
        let outcome = result.outcome();
        let provider_id = result.provider_message_id().map(|id| receiver::provider_id(key, &attempt.connection, id));
        if let Some(id) = &provider_id {
            // A delivery report of this message may arrive before this transaction is committed.
            sendbox_store::reports::lock(tx, id).await?;
        }
        let mut finished = AttemptRow {
            finished_at: Some(now),
            outcome: Some(outcome),
            failure: result.failure().cloned(),
            record: Some(AttemptRecord {
                route: attempt.record.as_ref().and_then(|record| record.route),
                unfilled_variables: attempt
                    .record
                    .as_ref()
                    .map(|record| record.unfilled_variables.clone())
                    .unwrap_or_default(),
                ..result.record.clone()
            }),
            response_status: result.response_status,
            fault: result.misbehaved(),
            provider_id,
            ..attempt.clone()
        };
        row.physical_messages = rules::physical_messages_after(outcome, row.physical_messages);
        row.provider_message_id = result.provider_message_id().map(str::to_owned);
        let is_fraud = result.failure().is_some_and(|failure| failure.class == FailureClass::FraudBlocked);
        let mut tenant = None;
        match &result.end {
            AttemptEnd::Accepted { .. } => end(&mut row, MessageStatus::Accepted, None),
            AttemptEnd::Failed { .. } if *is_revoked => {
                // The next step finds out how the message ends.
                row.failure.clone_from(&finished.failure);
                row.status = MessageStatus::Queued;
                row.next_attempt_at = Some(now);
            }
            AttemptEnd::Failed { failure, .. } => {
                // Read now: its policy may have changed since the attempt began.
                let Some(current) = tenants::get(tx, &attempt.tenant).await? else { return Ok(Done::Rollback(None)) };
                let idempotent = connection.connector.metadata().idempotent;
                journal.push(finished.clone());
                let failed = FailedAttempt { attempt: &finished, failure, idempotent, journal: &journal };
                finished.decision = Some(self.decide(tx, &current, &mut row, failed, now).await?);
                journal.pop();
                tenant = Some(current);
            }
        }
        // Whoever gives something back locks the limits before the counts of statistics, as a message that ends when it is accepted.
        let gives_back = tenant.filter(|_| is_unsent(&row));
        if !attempts::finish_with_message(tx, &finished, &row, lease, gives_back.is_some()).await? {
            // Already finished, usually by another process, as in doubt. Then only the log has the real outcome.
            tracing::warn!(
                message = row.id,
                outcome = outcome.as_str(),
                "an attempt finished after its lease was lost"
            );
            return Ok(Done::Rollback(None));
        }
        if let Some(sealed) = stored.row.payload.as_ref().filter(|_| is_fraud)
            && let Ok(recipient) = phone::recipient(&Payload::open(key, &row.id, sealed)?.to)
        {
            let hold = holds::hold(tx, key, &row, &recipient, now).await?;
            outbox::hold_created(tx, subscriptions, &hold, now).await?;
        }
        if row.physical_messages > 0 {
            unsent::end_earlier_codes(tx, &row).await?;
        }
        // Before what was reported of it.
        outbox::message_ended(tx, subscriptions, &row, now).await?;
        // On PostgreSQL in one statement with the end of earlier codes.
        let has_reports = receiver::claim_waiting_reports(tx, &finished, subscriptions, now).await?;
        if let Some(tenant) = gives_back {
            unsent::give_back(tx, &tenant, key, &row, stored.row.payload.as_deref(), now).await?;
        }
        if with_shapes {
            self.record_shapes(tx, (&attempt.connector, &attempt.digest), observed_shapes).await?;
        }
        journal.push(finished);
        Ok(Done::Commit(Some(StoredMessage { row, journal, has_reports })))
    }

    /// Decides what follows a failed attempt. Updates the message row, and returns the decision, which is stored with the attempt.
    async fn decide(
        &self,
        tx: &mut Tx,
        tenant: &TenantRow,
        row: &mut MessageRow,
        failed: FailedAttempt<'_>,
        now: Timestamp,
    ) -> Result<Decision> {
        let FailedAttempt { attempt, failure, idempotent, journal } = failed;
        let is_tried = |name: &String| journal.iter().any(|attempt| attempt.connection == *name);
        let fallback = routes(tenant, row.country.as_deref()).into_iter().find(|name| !is_tried(name));
        let fallback = match fallback {
            // A connection that is missing, or incompatible with its connector, does not count as a fallback.
            Some(name) => match self.ready_connection(tx, tenant, &name, VersionAffinity::default()).await {
                Ok(connection) => connection,
                Err(Error::Invalid(_)) => None,
                Err(other) => return Err(other),
            },
            None => None,
        };
        let has_other_version = self.has_other_version(tx, tenant, attempt, journal, now).await?;
        let tries_here = journal.iter().filter(|other| other.connection == attempt.connection).count();
        let delivery = &tenant.policy.delivery;
        let situation = Situation {
            class: failure.class,
            request_sent: failure.request_sent,
            retry_after: failure.retry_after,
            tries_here: u32::try_from(tries_here).unwrap_or(u32::MAX),
            attempts: row.attempts,
            physical_messages: row.physical_messages,
            unproven: u32::try_from(count_unproven(journal)).unwrap_or(u32::MAX),
            max_messages: delivery.max_messages,
            in_doubt: delivery.in_doubt,
            idempotent,
            has_fallback: fallback.is_some(),
            // Each connection has its own templates.
            fallback_has_own_template: fallback.is_some(),
            has_other_version,
            now,
            expires_at: row.expires_at,
            may_retry: self.with_retry_budget(&tenant.id, |budget| budget.has(now)),
            jitter: random_fraction()?,
        };
        let decision = retry::decide(&situation);
        row.failure.clone_from(&attempt.failure);
        match decision.next {
            NextStep::Stop(status) => {
                let failure = row.failure.take();
                end(row, status, failure);
            }
            NextStep::Retry { at } => {
                row.status = MessageStatus::Queued;
                row.next_attempt_at = Some(at);
            }
            NextStep::OtherVersion => {
                row.status = MessageStatus::Queued;
                row.next_attempt_at = Some(now);
            }
            NextStep::Fallback => {
                row.status = MessageStatus::Queued;
                row.next_attempt_at = Some(now);
                row.connection = fallback.map(|fallback| fallback.name.clone());
            }
        }
        Ok(decision.reason)
    }

    /// Finishes an attempt that another process started and did not finish: it is in doubt, and the rules decide what follows.
    /// Returns the attempt as it is stored then.
    pub(crate) async fn recover(
        &self,
        tx: &mut Tx,
        tenant: &TenantRow,
        row: &mut MessageRow,
        unfinished: AttemptRow,
        journal: &[AttemptRow],
        now: Timestamp,
    ) -> Result<AttemptRow> {
        let failure = RecordedFailure {
            request_sent: RequestSent::Maybe,
            ..RecordedFailure::before_sending(
                FailureClass::InDoubt,
                Party::Host,
                "the process ended while the attempt was in progress".to_owned(),
            )
        };
        // Read from the version that sent: another version may differ.
        let idempotent = match self.resolve_connector(tx, &tenant.id, &unfinished.connector).await? {
            Some(resolved) => {
                let version = self.version_of(tx, &resolved, &unfinished.digest).await?;
                version.is_some_and(|connector| connector.metadata().idempotent)
            }
            None => false,
        };
        let mut finished = AttemptRow {
            finished_at: Some(now),
            outcome: Some(AttemptOutcome::InDoubt),
            failure: Some(failure.clone()),
            ..unfinished
        };
        let failed = FailedAttempt { attempt: &finished, failure: &failure, idempotent, journal };
        finished.decision = Some(self.decide(tx, tenant, row, failed, now).await?);
        attempts::finish(tx, &finished).await?;
        Ok(finished)
    }
}
