//! From a message on record to its end: attempt after attempt, each written down before anything leaves.
//!
//! The journal: `queued` → an attempt begins (on disk) → bytes may leave → the attempt ends as *accepted*, *rejected* or *in
//! doubt* (on disk) → the rules say what follows. A crash between any two of these leaves a state that the next process
//! reads right: an attempt that began and did not end is in doubt, and counts as a physical message.
//!
//! A lease says who works on a message. What is written is fenced by it, so that a process that slept through its lease
//! changes nothing.

use std::sync::Arc;
use std::time::Duration;

use sendbox_domain::AttemptRecord;
use sendbox_domain::model::{AttemptOutcome, MessageStatus, Timestamp, VerificationStatus};
use sendbox_domain::phone;
use sendbox_domain::plan::plan;
use sendbox_domain::rules::breaker::{BreakerEvent, RetryBudget};
use sendbox_domain::rules::retry::{self, Next, Situation};
use sendbox_sandbox::{FailureClass, Message as SandboxMessage, Party, RecordedFailure, RequestSent, SendRequest};
use sendbox_store::rows::{AttemptRow, MessageRow, TenantRow};
use sendbox_store::{self, Tx, attempts, messages, tenants, verifications};

use crate::connections::cached_connection::ReadyConnection;
use crate::connections::ready_connection::VersionAffinity;
use crate::delivery_reports::receiver;
use crate::error::{Error, Result};
use crate::lock::lock;
use crate::releases::request_shapes::{ObservedShape, RecordedShapes, held_shape};
use crate::sending::attempt_result::{AttemptEnd, AttemptResult, unproven};
use crate::sending::message_end::{end, end_before_attempt};
use crate::sending::messages::LEASE_SECONDS;
use crate::sending::payload::{Payload, request};
use crate::sending::routing::{route, routes};
use crate::sending::sender::Sender;
use crate::sending::{admission, holds};
use crate::service::Service;
use crate::vault::random;

/// A retry that is due sooner is waited for here; a later one is left to the worker.
const WAITED_FOR_MS: u64 = 10_000;
/// How long after its beginning was written an attempt may still let bytes out. A process that slept longer does not know
/// what has happened since.
const FRESH_MS: u64 = 20_000;
/// How often the beginning of an attempt is tried, while the store is away: for as long as the lease lasts.
const BEGINNINGS: u32 = 100;
/// How often the end of an attempt is tried to be written, while the store is away.
const WRITES: u32 = 20;
/// In how many of those what was seen of its version is written along.
const WRITES_WITH_SHAPES: u32 = 3;

/// What to do next with a message.
enum Step {
    Send(Box<StartedAttempt>),
    WaitUntil(Timestamp),
    Over,
}

/// An attempt that is on disk.
struct StartedAttempt {
    sender: Sender,
    message: SandboxMessage,
    attempt: AttemptRow,
    /// What is on record of the requests of an uploaded version.
    on_record: Option<RecordedShapes>,
}

/// An attempt that failed, with what the rules ask of it beside the message.
struct FailedAttempt<'a> {
    attempt: &'a AttemptRow,
    failure: &'a RecordedFailure,
    /// Whether the provider makes one message of a repeated key.
    idempotent: bool,
    /// All attempts of the message, this one included.
    done: &'a [AttemptRow],
}

impl Service {
    /// Works on a message that this process holds, until it is final or somebody else's turn.
    pub(crate) async fn deliver(&self, tenant: &str, id: &str) {
        let mut begun = false;
        let mut failures = 0;
        loop {
            if begun && self.inner.stopping.is_cancelled() {
                // One attempt has its end within the grace of a stop, and a second one has not. It is begun after the next
                // start, or by another process.
                self.let_go(tenant, id).await;
                return;
            }
            let step = match self.begin_attempt(tenant, id).await {
                Ok(step) => step,
                Err(error) if failures < BEGINNINGS && !self.inner.stopping.is_cancelled() => {
                    failures += 1;
                    tracing::error!(message = id, %error, "an attempt could not begin; it is tried again");
                    tokio::time::sleep(Duration::from_millis(500)).await;
                    continue;
                }
                Err(error) => {
                    // The lease ends, and the worker takes the message up again.
                    tracing::error!(message = id, %error, "an attempt could not begin");
                    return;
                }
            };
            match step {
                Step::Over => return,
                Step::WaitUntil(at) => {
                    let wait = at.millis_since(self.now());
                    if wait > WAITED_FOR_MS {
                        self.let_go(tenant, id).await;
                        return;
                    }
                    tokio::select! {
                        () = tokio::time::sleep(Duration::from_millis(wait)) => {}
                        () = self.inner.stopping.cancelled() => {
                            self.let_go(tenant, id).await;
                            return;
                        }
                    }
                }
                Step::Send(attempt) => {
                    begun = true;
                    self.attempt(*attempt).await;
                }
            }
        }
    }

    /// Gives the lease back, so that the worker, here or elsewhere, goes on when it is time.
    async fn let_go(&self, tenant: &str, id: &str) {
        let done = async {
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
        if let Err(error) = done.await {
            tracing::warn!(message = id, %error, "a lease was not given back; it ends by itself");
        }
        self.inner.due.notify_one();
    }

    /// Writes down that an attempt begins, or finds out that none may.
    async fn begin_attempt(&self, tenant: &str, id: &str) -> Result<Step> {
        let owner = self.inner.owner.as_str();
        let mut tx = self.inner.store.begin().await?;
        let Some(mut row) = messages::lock(&mut tx, tenant, id).await? else { return Ok(Step::Over) };
        if row.status.is_final() || row.lease_owner.as_deref() != Some(owner) {
            return Ok(Step::Over);
        }
        let Some(tenant_row) = tenants::get(&mut tx, tenant).await? else { return Ok(Step::Over) };
        let now = self.now();
        let step = self.prepare_attempt(&mut tx, &tenant_row, &mut row, now).await?;
        if row.status.is_final() && row.physical == 0 {
            admission::give_back(&mut tx, &tenant_row, &row).await?;
        }
        if !messages::update(&mut tx, &row, Some(owner)).await? {
            return Ok(Step::Over);
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
        let done = attempts::list(tx, &tenant.id, &row.id).await?;
        if let Some(open) = done.iter().find(|attempt| attempt.finished_at.is_none()) {
            // Whoever began it is gone: nobody knows what the provider got.
            self.recover(tx, tenant, row, open.clone(), &done, now).await?;
            return Ok(after(row, now));
        }
        if let Some(status) = self.ended_otherwise(tx, row, now).await? {
            let text = match status {
                MessageStatus::Expired => "its code expired before it could be sent",
                _ => "its verification ended, or sent a later code, before it could be sent",
            };
            end_before_attempt(
                row,
                status,
                Some(RecordedFailure::before_sending(FailureClass::NotSent, Party::Host, text.to_owned())),
            );
            return Ok(Step::Over);
        }
        if let Some(at) = row.next_attempt_at.filter(|at| *at > now) {
            return Ok(Step::WaitUntil(at));
        }
        let Some(sender) = self.sender(tx, tenant, row, &done, now).await? else { return Ok(Step::Over) };
        let prepared = &sender.prepared;
        let sealed =
            row.payload.as_deref().ok_or_else(|| Error::Internal("a message has lost its payload".to_owned()))?;
        let payload = Payload::open(&self.tenant_key(tenant)?, &row.id, sealed)?;
        let number = row.attempts + 1;
        let asked = request(tenant, &row.id, row.usage, row.locale.clone(), &payload, number)?;
        let plan = match plan(&prepared.config, asked, prepared.connector.metadata()) {
            Ok(plan) => plan,
            Err(errors) => {
                let failure = RecordedFailure::before_sending(
                    FailureClass::ConfigurationInvalid,
                    Party::Policy,
                    errors.to_string(),
                );
                end_before_attempt(row, MessageStatus::Failed, Some(failure));
                return Ok(Step::Over);
            }
        };
        // The rules have said so after each attempt; said again where it counts.
        let left = usize::try_from(row.physical).unwrap_or(usize::MAX).saturating_add(unproven(&done));
        if left >= usize::try_from(tenant.policy.delivery.max_messages).unwrap_or(usize::MAX) {
            let failure = row.failure.take();
            end_before_attempt(row, MessageStatus::Failed, failure);
            return Ok(Step::Over);
        }
        if row.physical > 0 && !admission::charge_again(tx, tenant, row, now).await? {
            end_before_attempt(row, MessageStatus::InDoubt, None);
            return Ok(Step::Over);
        }
        let before = done.last().map(|attempt| attempt.connection.as_str());
        let route = route(tenant, row.country.as_deref(), &prepared.name, before);
        let attempt = AttemptRow {
            tenant: tenant.id.clone(),
            message: row.id.clone(),
            number,
            connection: prepared.name.clone(),
            connector: prepared.connector_id.clone(),
            digest: prepared.connector.digest().to_string(),
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
        let on_record = match &sender.line {
            Some((release, _)) => {
                Some(self.recorded_shapes(tx, &tenant.id, prepared, (release, sender.is_canary)).await?)
            }
            None => None,
        };
        attempts::insert(tx, &attempt).await?;
        if number == 1 {
            self.retry_budget(&tenant.id, |budget| budget.first_attempt(now));
        }
        row.status = MessageStatus::Sending;
        row.attempts = number;
        // Until it is known better.
        row.physical += 1;
        row.connection = Some(prepared.name.clone());
        row.next_attempt_at = None;
        row.lease_until = Some(now.plus_seconds(LEASE_SECONDS));
        Ok(Step::Send(Box::new(StartedAttempt { sender, message: plan.message, attempt, on_record })))
    }

    /// Whether the message must not be sent any more.
    async fn ended_otherwise(&self, tx: &mut Tx, row: &MessageRow, now: Timestamp) -> Result<Option<MessageStatus>> {
        if now >= row.expires_at {
            return Ok(Some(MessageStatus::Expired));
        }
        let Some(id) = &row.verification else { return Ok(None) };
        let verification = verifications::get(tx, &row.tenant, id).await?;
        let current = verification
            .is_some_and(|it| it.status == VerificationStatus::Pending && it.message.as_deref() == Some(&row.id));
        Ok((!current).then_some(MessageStatus::Cancelled))
    }

    fn retry_budget<T>(&self, tenant: &str, ask: impl FnOnce(&mut RetryBudget) -> T) -> T {
        ask(lock(&self.inner.retry_budgets).entry(tenant.to_owned()).or_default())
    }

    /// One attempt that is on disk: sends, and writes down what became of it.
    async fn attempt(&self, begun: StartedAttempt) {
        let StartedAttempt { sender: Sender { prepared, line, withdrawn, .. }, message, attempt, on_record } = begun;
        let pinned = self.pinned_shapes(&attempt.tenant, &prepared, on_record.as_ref()).await;
        let slept = self.now().millis_since(attempt.started_at);
        let mut seen = Vec::new();
        let mut is_held = false;
        let result = match pinned {
            Err(error) => AttemptResult::not_made(error.to_string()),
            Ok(_) if slept > FRESH_MS => AttemptResult::not_made(
                "this machine stood still between writing the attempt down and sending it".to_owned(),
            ),
            Ok(pinned) => {
                let request = SendRequest {
                    owner: attempt.tenant.clone(),
                    parameters: Arc::clone(&prepared.parameters),
                    grant: Arc::clone(&prepared.grant),
                    message,
                    pinned: pinned.clone(),
                    dry_run: None,
                    withdrawn,
                };
                let report = self.inner.sandbox.send(&prepared.connector, request).await;
                is_held = held_shape(&report).is_some();
                seen = self.observed_shapes(&attempt, &prepared, (on_record.as_ref(), pinned.as_deref()), &report);
                AttemptResult::from(report)
            }
        };
        let event = match result.failure() {
            None => BreakerEvent::Success,
            // Messages of another kind go on with this version.
            Some(_) if is_held => BreakerEvent::Ignore,
            Some(failure) => retry::counts_for_breaker(failure.class, failure.request_sent),
        };
        self.record(&attempt.tenant, &prepared, event, self.now());
        for write in 1..=WRITES {
            // What cannot be written beside the end of an attempt does not keep it from being written.
            let seen = if write <= WRITES_WITH_SHAPES { seen.as_slice() } else { &[] };
            match self.finish_attempt(&prepared, &attempt, &result, seen).await {
                Ok(()) => {
                    Self::mark_shapes_recorded(&prepared, seen);
                    // One that failed may have been one too many for its version.
                    if let Some((tenant, connector)) = line.filter(|_| result.failure().is_some()) {
                        self.inner.release_monitor.suspect(tenant, connector);
                    }
                    return;
                }
                Err(error) => {
                    // Written again as a whole: an attempt that is finished already is left alone.
                    tracing::error!(message = attempt.message, write, %error, "the end of an attempt could not be written");
                    tokio::time::sleep(Duration::from_millis(u64::from(write) * 100)).await;
                }
            }
        }
    }

    async fn finish_attempt(
        &self,
        prepared: &ReadyConnection,
        attempt: &AttemptRow,
        result: &AttemptResult,
        seen: &[ObservedShape],
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
            // Its report may be here before this is written.
            sendbox_store::reports::lock(&mut tx, id).await?;
        }
        let Some(mut row) = messages::lock(&mut tx, &attempt.tenant, &attempt.message).await? else { return Ok(()) };
        let ended = AttemptRow {
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
        if !attempts::finish(&mut tx, &ended).await? || row.lease_owner.as_deref() != Some(&self.inner.owner) {
            // Somebody else has taken this attempt for lost. What it was is in the trace of the log alone.
            tracing::warn!(message = row.id, outcome = outcome.as_str(), "an attempt ended after its lease");
            return Ok(());
        }
        if outcome == AttemptOutcome::Rejected {
            row.physical = row.physical.saturating_sub(1);
        }
        row.provider_message_id = result.provider_message_id().map(str::to_owned);
        receiver::claim_waiting_reports(&mut tx, &ended, now).await?;
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
                let done = attempts::list(&mut tx, &tenant.id, &row.id).await?;
                let idempotent = prepared.connector.metadata().idempotent;
                let failed = FailedAttempt { attempt: &ended, failure, idempotent, done: &done };
                self.decide(&mut tx, &tenant, &mut row, failed, now).await?;
            }
        }
        if row.status.is_final() && row.physical == 0 {
            admission::give_back(&mut tx, &tenant, &row).await?;
        }
        messages::update(&mut tx, &row, Some(&self.inner.owner)).await?;
        self.record_shapes(&mut tx, (&attempt.connector, &attempt.digest), seen).await?;
        Ok(tx.commit().await?)
    }

    /// What follows a failed attempt, written into the message and beside the attempt.
    async fn decide(
        &self,
        tx: &mut Tx,
        tenant: &TenantRow,
        row: &mut MessageRow,
        failed: FailedAttempt<'_>,
        now: Timestamp,
    ) -> Result<()> {
        let FailedAttempt { attempt, failure, idempotent, done } = failed;
        let tried = |name: &String| done.iter().any(|done| done.connection == *name);
        let fallback = routes(tenant, row.country.as_deref()).into_iter().find(|name| !tried(name));
        let fallback = match fallback {
            // One that is not there or does not fit is none.
            Some(name) => self.ready_connection(tx, tenant, &name, VersionAffinity::default()).await.ok().flatten(),
            None => None,
        };
        let has_other_version = self.has_other_version(tx, tenant, attempt, done, now).await?;
        let tries_here = done.iter().filter(|done| done.connection == attempt.connection).count();
        let delivery = &tenant.policy.delivery;
        let situation = Situation {
            class: failure.class,
            request_sent: failure.request_sent,
            retry_after: failure.retry_after,
            tries_here: u32::try_from(tries_here).unwrap_or(u32::MAX),
            attempts: row.attempts,
            physical: row.physical,
            unproven: u32::try_from(unproven(done)).unwrap_or(u32::MAX),
            most_messages: delivery.max_messages,
            in_doubt: delivery.in_doubt,
            idempotent,
            has_fallback: fallback.is_some(),
            // Each connection has its own templates.
            fallback_has_own_template: fallback.is_some(),
            has_other_version,
            now,
            expires_at: row.expires_at,
            may_retry: self.retry_budget(&tenant.id, |budget| budget.has(now)),
            jitter: f64::from(random::<1>()?.first().copied().unwrap_or(0)) / 255.0,
        };
        let decision = retry::decide(&situation);
        attempts::annotate(tx, &tenant.id, &row.id, attempt.number, &decision.reason).await?;
        row.failure.clone_from(&attempt.failure);
        match decision.next {
            Next::Stop(status) => {
                let failure = row.failure.take();
                end(row, status, failure);
            }
            Next::Again { at } => {
                self.retry_budget(&tenant.id, |budget| budget.take(now));
                row.status = MessageStatus::Queued;
                row.next_attempt_at = Some(at);
            }
            Next::OtherVersion => {
                row.status = MessageStatus::Queued;
                row.next_attempt_at = Some(now);
            }
            Next::Fallback => {
                row.status = MessageStatus::Queued;
                row.next_attempt_at = Some(now);
                row.connection = fallback.map(|fallback| fallback.name.clone());
            }
        }
        Ok(())
    }

    /// An attempt that began and has no end: in doubt, and the rules say what follows.
    async fn recover(
        &self,
        tx: &mut Tx,
        tenant: &TenantRow,
        row: &mut MessageRow,
        open: AttemptRow,
        done: &[AttemptRow],
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
        // Only the version that sent can say so.
        let idempotent = match self.resolve_connector(tx, &tenant.id, &open.connector).await? {
            Some(line) => {
                let sent = self.version_of(tx, &line, &open.digest).await?;
                sent.is_some_and(|connector| connector.metadata().idempotent)
            }
            None => false,
        };
        let ended = AttemptRow {
            finished_at: Some(now),
            outcome: Some(AttemptOutcome::InDoubt),
            failure: Some(failure.clone()),
            ..open
        };
        attempts::finish(tx, &ended).await?;
        let failed = FailedAttempt { attempt: &ended, failure: &failure, idempotent, done };
        self.decide(tx, tenant, row, failed, now).await
    }
}

/// What to do with a message after the rules have spoken.
fn after(row: &MessageRow, now: Timestamp) -> Step {
    match row.next_attempt_at {
        _ if row.status.is_final() => Step::Over,
        at => Step::WaitUntil(at.unwrap_or(now)),
    }
}
