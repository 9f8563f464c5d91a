//! Delivers a stored message: attempt after attempt, each stored before anything is sent, until the message is final.
//!
//! The journal: `queued` → an attempt starts (on disk) → bytes may leave → the attempt finishes as *accepted*, *rejected* or *in
//! doubt* (on disk) → the rules decide what follows. After a crash between any two of these, the next process reads the state
//! correctly: an attempt that was started and not finished is in doubt, and counts as a physical message.
//!
//! A lease says which process works on a message. Every write is guarded by it, so that a process that slept through its lease
//! changes nothing.

use std::sync::Arc;
use std::time::Duration;

use sendbox_domain::AttemptRecord;
use sendbox_domain::model::{AttemptOutcome, MessageStatus, Timestamp, VerificationStatus};
use sendbox_domain::phone;
use sendbox_domain::plan::plan;
use sendbox_domain::rules::breaker::{BreakerEvent, RetryBudget};
use sendbox_domain::rules::retry::{self, NextStep, Situation};
use sendbox_sandbox::{FailureClass, Message as SandboxMessage, Party, RecordedFailure, RequestSent, SendRequest};
use sendbox_store::rows::{AttemptRow, MessageRow, TenantRow};
use sendbox_store::{self, Tx, attempts, messages, tenants, verifications};

use crate::connections::cached_connection::ReadyConnection;
use crate::connections::ready_connection::VersionAffinity;
use crate::delivery_reports::receiver;
use crate::error::{Error, Result};
use crate::lock::lock;
use crate::releases::request_shapes::{ObservedShape, RecordedShapes, held_shape};
use crate::sending::attempt_result::{AttemptEnd, AttemptResult, count_unproven};
use crate::sending::message_end::{end, end_before_attempt};
use crate::sending::messages::LEASE_SECONDS;
use crate::sending::payload::{Payload, message_request};
use crate::sending::routing::{route_reason, routes};
use crate::sending::sender::Sender;
use crate::sending::{admission, holds};
use crate::service::Service;
use crate::vault::random;

/// A retry that is due within this time is waited for here; a later one is left to the worker.
const MAX_WAIT_MS: u64 = 10_000;
/// An attempt sends nothing when it was stored longer ago than this: the process was suspended, and does not know what has
/// happened since.
const MAX_START_DELAY_MS: u64 = 20_000;
/// Maximum number of failures to start an attempt while the store is unavailable. The tries last about as long as the lease.
const MAX_START_FAILURES: u32 = 100;
/// Maximum number of tries to store the result of an attempt while the store is unavailable.
const MAX_FINISH_TRIES: u32 = 20;
/// The first of those tries also store the observed shapes.
const FINISH_TRIES_WITH_SHAPES: u32 = 3;

/// What to do next with a message.
enum Step {
    Send(Box<StartedAttempt>),
    WaitUntil(Timestamp),
    Done,
}

/// An attempt that is on disk and was not sent yet.
struct StartedAttempt {
    sender: Sender,
    message: SandboxMessage,
    attempt: AttemptRow,
    /// The stored shapes of the version; `None` for a built-in connector.
    recorded_shapes: Option<RecordedShapes>,
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
    /// Delivers a message that this process has leased, until it is final or the lease is released.
    pub(crate) async fn deliver(&self, tenant: &str, id: &str) {
        let mut has_attempted = false;
        let mut failures = 0;
        loop {
            if has_attempted && self.inner.stopping.is_cancelled() {
                // The grace period of a shutdown is long enough for one attempt, not for two. The next one is made after a
                // restart, or by another process.
                self.release_lease(tenant, id).await;
                return;
            }
            let step = match self.start_attempt(tenant, id).await {
                Ok(step) => step,
                Err(error) if failures < MAX_START_FAILURES && !self.inner.stopping.is_cancelled() => {
                    failures += 1;
                    tracing::error!(message = id, %error, "an attempt could not be started; retrying");
                    tokio::time::sleep(Duration::from_millis(500)).await;
                    continue;
                }
                Err(error) => {
                    // The lease expires, and a worker claims the message again.
                    tracing::error!(message = id, %error, "an attempt could not be started");
                    return;
                }
            };
            match step {
                Step::Done => return,
                Step::WaitUntil(at) => {
                    let wait = at.millis_since(self.now());
                    if wait > MAX_WAIT_MS {
                        self.release_lease(tenant, id).await;
                        return;
                    }
                    tokio::select! {
                        () = tokio::time::sleep(Duration::from_millis(wait)) => {}
                        () = self.inner.stopping.cancelled() => {
                            self.release_lease(tenant, id).await;
                            return;
                        }
                    }
                }
                Step::Send(attempt) => {
                    has_attempted = true;
                    self.run_attempt(*attempt).await;
                }
            }
        }
    }

    /// Releases the lease, so that a worker of any process continues when the message is due.
    async fn release_lease(&self, tenant: &str, id: &str) {
        let released = async {
            let mut tx = self.inner.store.begin().await?;
            if let Some(mut row) = messages::lock(&mut tx, tenant, id).await?
                && row.lease_owner.as_deref() == Some(&self.inner.owner)
            {
                row.lease_owner = None;
                row.lease_until = None;
                messages::update(&mut tx, &row, Some(&self.inner.owner)).await?;
                tx.commit().await?;
            }
            Ok::<_, Error>(())
        };
        if let Err(error) = released.await {
            tracing::warn!(message = id, %error, "a lease could not be released; it will expire");
        }
        self.inner.due.notify_one();
    }

    /// Stores the start of an attempt, or finds that none may start now.
    async fn start_attempt(&self, tenant: &str, id: &str) -> Result<Step> {
        let owner = self.inner.owner.as_str();
        let mut tx = self.inner.store.begin().await?;
        let Some(mut row) = messages::lock(&mut tx, tenant, id).await? else { return Ok(Step::Done) };
        if row.status.is_final() || row.lease_owner.as_deref() != Some(owner) {
            return Ok(Step::Done);
        }
        let Some(tenant_row) = tenants::get(&mut tx, tenant).await? else { return Ok(Step::Done) };
        let now = self.now();
        let step = self.prepare_attempt(&mut tx, &tenant_row, &mut row, now).await?;
        if row.status.is_final() && row.physical_messages == 0 {
            admission::refund(&mut tx, &tenant_row, &row).await?;
        }
        if !messages::update(&mut tx, &row, Some(owner)).await? {
            return Ok(Step::Done);
        }
        tx.commit().await?;
        Ok(step)
    }

    async fn prepare_attempt(
        &self,
        tx: &mut Tx,
        tenant: &TenantRow,
        row: &mut MessageRow,
        now: Timestamp,
    ) -> Result<Step> {
        let journal = attempts::list(tx, &tenant.id, &row.id).await?;
        if let Some(unfinished) = journal.iter().find(|attempt| attempt.finished_at.is_none()) {
            // The process that started it is gone: nobody knows what the provider received.
            self.recover(tx, tenant, row, unfinished.clone(), &journal, now).await?;
            return Ok(next_step(row, now));
        }
        if let Some(status) = self.obsolete_status(tx, row, now).await? {
            let text = match status {
                MessageStatus::Expired => "its code expired before it could be sent",
                _ => "its verification ended, or sent a later code, before it could be sent",
            };
            end_before_attempt(
                row,
                status,
                Some(RecordedFailure::before_sending(FailureClass::NotSent, Party::Host, text.to_owned())),
            );
            return Ok(Step::Done);
        }
        if let Some(at) = row.next_attempt_at.filter(|at| *at > now) {
            return Ok(Step::WaitUntil(at));
        }
        let Some(sender) = self.sender(tx, tenant, row, &journal, now).await? else { return Ok(Step::Done) };
        let connection = &sender.connection;
        let sealed =
            row.payload.as_deref().ok_or_else(|| Error::Internal("a message has lost its payload".to_owned()))?;
        let payload = Payload::open(&self.tenant_key(tenant)?, &row.id, sealed)?;
        let number = row.attempts + 1;
        let request = message_request(tenant, &row.id, row.usage, row.locale.clone(), &payload, number)?;
        let plan = match plan(&connection.config, request, connection.connector.metadata()) {
            Ok(plan) => plan,
            Err(errors) => {
                let failure = RecordedFailure::before_sending(
                    FailureClass::ConfigurationInvalid,
                    Party::Policy,
                    errors.to_string(),
                );
                end_before_attempt(row, MessageStatus::Failed, Some(failure));
                return Ok(Step::Done);
            }
        };
        // The rules enforce this bound after each attempt; it is enforced again right before a send.
        let possible_messages =
            usize::try_from(row.physical_messages).unwrap_or(usize::MAX).saturating_add(count_unproven(&journal));
        if possible_messages >= usize::try_from(tenant.policy.delivery.max_messages).unwrap_or(usize::MAX) {
            let failure = row.failure.take();
            end_before_attempt(row, MessageStatus::Failed, failure);
            return Ok(Step::Done);
        }
        if row.physical_messages > 0 && !admission::charge_again(tx, tenant, row, now).await? {
            end_before_attempt(row, MessageStatus::InDoubt, None);
            return Ok(Step::Done);
        }
        let previous_connection = journal.last().map(|attempt| attempt.connection.as_str());
        let route = route_reason(tenant, row.country.as_deref(), &connection.name, previous_connection);
        let attempt = AttemptRow {
            tenant: tenant.id.clone(),
            message: row.id.clone(),
            number,
            connection: connection.name.clone(),
            connector: connection.connector_id.clone(),
            digest: connection.connector.digest().to_string(),
            started_at: now,
            finished_at: None,
            outcome: None,
            failure: None,
            decision: None,
            record: Some(AttemptRecord { route: Some(route), ..AttemptRecord::default() }),
            response_status: None,
            fault: false,
            provider_id: None,
        };
        let recorded_shapes = match &sender.release {
            Some((scope, _)) => {
                Some(self.recorded_shapes(tx, &tenant.id, connection, (scope, sender.is_canary)).await?)
            }
            None => None,
        };
        attempts::insert(tx, &attempt).await?;
        if number == 1 {
            self.with_retry_budget(&tenant.id, |budget| budget.first_attempt(now));
        }
        row.status = MessageStatus::Sending;
        row.attempts = number;
        // Assumed until the outcome is known.
        row.physical_messages += 1;
        row.connection = Some(connection.name.clone());
        row.next_attempt_at = None;
        row.lease_until = Some(now.plus_seconds(LEASE_SECONDS));
        Ok(Step::Send(Box::new(StartedAttempt { sender, message: plan.message, attempt, recorded_shapes })))
    }

    /// The status to end with, if the message must no longer be sent.
    async fn obsolete_status(&self, tx: &mut Tx, row: &MessageRow, now: Timestamp) -> Result<Option<MessageStatus>> {
        if now >= row.expires_at {
            return Ok(Some(MessageStatus::Expired));
        }
        let Some(id) = &row.verification else { return Ok(None) };
        let verification = verifications::get(tx, &row.tenant, id).await?;
        let current = verification
            .is_some_and(|it| it.status == VerificationStatus::Pending && it.message.as_deref() == Some(&row.id));
        Ok((!current).then_some(MessageStatus::Cancelled))
    }

    fn with_retry_budget<T>(&self, tenant: &str, call: impl FnOnce(&mut RetryBudget) -> T) -> T {
        call(lock(&self.inner.retry_budgets).entry(tenant.to_owned()).or_default())
    }

    /// Sends an attempt that is on disk, and stores its result.
    async fn run_attempt(&self, started: StartedAttempt) {
        let StartedAttempt { sender, message, attempt, recorded_shapes } = started;
        let Sender { connection, release, withdrawn, .. } = sender;
        let pinned = self.pinned_shapes(&attempt.tenant, &connection, recorded_shapes.as_ref()).await;
        let start_delay_ms = self.now().millis_since(attempt.started_at);
        let mut observed = Vec::new();
        let mut is_held = false;
        let result = match pinned {
            Err(error) => AttemptResult::not_attempted(error.to_string()),
            Ok(_) if start_delay_ms > MAX_START_DELAY_MS => AttemptResult::not_attempted(
                "this machine stood still between writing the attempt down and sending it".to_owned(),
            ),
            Ok(pinned) => {
                let request = SendRequest {
                    owner: attempt.tenant.clone(),
                    parameters: Arc::clone(&connection.parameters),
                    grant: Arc::clone(&connection.grant),
                    message,
                    pinned: pinned.clone(),
                    dry_run: None,
                    withdrawn,
                };
                let result = self.inner.sandbox.send(&connection.connector, request).await;
                is_held = held_shape(&result).is_some();
                let shapes = (recorded_shapes.as_ref(), pinned.as_deref());
                observed = self.observed_shapes(&attempt, &connection, shapes, &result);
                AttemptResult::from(result)
            }
        };
        let event = match result.failure() {
            None => BreakerEvent::Success,
            // Only requests of this shape are held back; others may still be sent with this version.
            Some(_) if is_held => BreakerEvent::Ignore,
            Some(failure) => retry::breaker_event(failure.class, failure.request_sent),
        };
        self.record_breaker_event(&attempt.tenant, &connection, event, self.now());
        for number in 1..=MAX_FINISH_TRIES {
            // Shapes that cannot be stored must not prevent the result from being stored.
            let observed = if number <= FINISH_TRIES_WITH_SHAPES { observed.as_slice() } else { &[] };
            match self.finish_attempt(&connection, &attempt, &result, observed).await {
                Ok(()) => {
                    Self::mark_shapes_recorded(&connection, observed);
                    // Enough failures roll the version back.
                    if let Some((scope, connector)) = release.filter(|_| result.failure().is_some()) {
                        self.inner.release_monitor.suspect(scope, connector);
                    }
                    return;
                }
                Err(error) => {
                    // The whole transaction is repeated. If it was committed after all, the repetition changes nothing.
                    tracing::error!(message = attempt.message, number, %error, "the result of an attempt could not be written");
                    tokio::time::sleep(Duration::from_millis(u64::from(number) * 100)).await;
                }
            }
        }
    }

    async fn finish_attempt(
        &self,
        connection: &ReadyConnection,
        attempt: &AttemptRow,
        result: &AttemptResult,
        observed: &[ObservedShape],
    ) -> Result<()> {
        let now = self.now();
        let mut tx = self.inner.store.begin().await?;
        let Some(tenant) = tenants::get(&mut tx, &attempt.tenant).await? else { return Ok(()) };
        let outcome = result.outcome();
        let provider_id = match result.provider_message_id() {
            Some(id) => Some(receiver::provider_id(&self.tenant_key(&tenant)?, &attempt.connection, id)),
            None => None,
        };
        if let Some(id) = &provider_id {
            // A delivery report of this message may arrive before this transaction is committed.
            sendbox_store::reports::lock(&mut tx, id).await?;
        }
        let Some(mut row) = messages::lock(&mut tx, &attempt.tenant, &attempt.message).await? else { return Ok(()) };
        let finished = AttemptRow {
            finished_at: Some(now),
            outcome: Some(outcome),
            failure: result.failure().cloned(),
            record: Some(AttemptRecord {
                route: attempt.record.as_ref().and_then(|record| record.route),
                ..result.record.clone()
            }),
            response_status: result.response_status,
            fault: result.misbehaved(),
            provider_id,
            ..attempt.clone()
        };
        if !attempts::finish(&mut tx, &finished).await? || row.lease_owner.as_deref() != Some(&self.inner.owner) {
            // Already finished, usually by another process, as in doubt. Then only the log has the real outcome.
            tracing::warn!(
                message = row.id,
                outcome = outcome.as_str(),
                "an attempt finished after its lease was lost"
            );
            return Ok(());
        }
        if outcome == AttemptOutcome::Rejected {
            row.physical_messages = row.physical_messages.saturating_sub(1);
        }
        row.provider_message_id = result.provider_message_id().map(str::to_owned);
        receiver::claim_waiting_reports(&mut tx, &finished, now).await?;
        let is_fraud = result.failure().is_some_and(|failure| failure.class == FailureClass::FraudBlocked);
        if let Some(sealed) = row.payload.as_ref().filter(|_| is_fraud) {
            let key = self.tenant_key(&tenant)?;
            if let Ok(recipient) = phone::recipient(&Payload::open(&key, &row.id, sealed)?.to) {
                holds::hold(&mut tx, &key, &row, &recipient, now).await?;
            }
        }
        match &result.end {
            AttemptEnd::Accepted { .. } => end(&mut row, MessageStatus::Accepted, None),
            AttemptEnd::Failed { failure, .. } => {
                let journal = attempts::list(&mut tx, &tenant.id, &row.id).await?;
                let idempotent = connection.connector.metadata().idempotent;
                let failed = FailedAttempt { attempt: &finished, failure, idempotent, journal: &journal };
                self.decide(&mut tx, &tenant, &mut row, failed, now).await?;
            }
        }
        if row.status.is_final() && row.physical_messages == 0 {
            admission::refund(&mut tx, &tenant, &row).await?;
        }
        messages::update(&mut tx, &row, Some(&self.inner.owner)).await?;
        self.record_shapes(&mut tx, (&attempt.connector, &attempt.digest), observed).await?;
        Ok(tx.commit().await?)
    }

    /// Decides what follows a failed attempt. Updates the message row, and stores the decision with the attempt.
    async fn decide(
        &self,
        tx: &mut Tx,
        tenant: &TenantRow,
        row: &mut MessageRow,
        failed: FailedAttempt<'_>,
        now: Timestamp,
    ) -> Result<()> {
        let FailedAttempt { attempt, failure, idempotent, journal } = failed;
        let is_tried = |name: &String| journal.iter().any(|attempt| attempt.connection == *name);
        let fallback = routes(tenant, row.country.as_deref()).into_iter().find(|name| !is_tried(name));
        let fallback = match fallback {
            // A connection that is missing, or incompatible with its connector, does not count as a fallback.
            Some(name) => self.ready_connection(tx, tenant, &name, VersionAffinity::default()).await.ok().flatten(),
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
            jitter: f64::from(random::<1>()?.first().copied().unwrap_or(0)) / 255.0,
        };
        let decision = retry::decide(&situation);
        attempts::annotate(tx, &tenant.id, &row.id, attempt.number, &decision.reason).await?;
        row.failure.clone_from(&attempt.failure);
        match decision.next {
            NextStep::Stop(status) => {
                let failure = row.failure.take();
                end(row, status, failure);
            }
            NextStep::Retry { at } => {
                self.with_retry_budget(&tenant.id, |budget| budget.take(now));
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
        Ok(())
    }

    /// Finishes an attempt that another process started and did not finish: it is in doubt, and the rules decide what follows.
    async fn recover(
        &self,
        tx: &mut Tx,
        tenant: &TenantRow,
        row: &mut MessageRow,
        unfinished: AttemptRow,
        journal: &[AttemptRow],
        now: Timestamp,
    ) -> Result<()> {
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
        let finished = AttemptRow {
            finished_at: Some(now),
            outcome: Some(AttemptOutcome::InDoubt),
            failure: Some(failure.clone()),
            ..unfinished
        };
        attempts::finish(tx, &finished).await?;
        let failed = FailedAttempt { attempt: &finished, failure: &failure, idempotent, journal };
        self.decide(tx, tenant, row, failed, now).await
    }
}

/// What to do with a message after the rules have decided.
fn next_step(row: &MessageRow, now: Timestamp) -> Step {
    match row.next_attempt_at {
        _ if row.status.is_final() => Step::Done,
        at => Step::WaitUntil(at.unwrap_or(now)),
    }
}
