//! Delivers a stored message: attempt after attempt, each stored before anything is sent, until the message is final.
//!
//! The journal: `queued` → an attempt starts (on disk) → bytes may leave → the attempt finishes as *accepted*, *rejected* or *in
//! doubt* (on disk) → the rules decide what follows. After a crash between any two of these, the next process reads the state
//! correctly: an attempt that was started and not finished is in doubt, and counts as a physical message. Each step is one unit of
//! work, so a message that is accepted at its first attempt takes two commits: one that stores it with the attempt, and one that
//! stores the result.
//!
//! A lease says which process works on a message. Every write is guarded by it, so that a process that slept through its lease
//! changes nothing; and nothing is sent while this process cannot know that it still has the lease.

use std::sync::Arc;
use std::time::Duration;

use sendbox_domain::AttemptRecord;
use sendbox_domain::model::{MessageStatus, Timestamp, VerificationStatus};
use sendbox_domain::plan::{Plan, plan};
use sendbox_domain::rules::attempt;
use sendbox_domain::rules::subscriptions::Subscriptions;
use sendbox_sandbox::{FailureClass, Message as SandboxMessage, Party, RecordedFailure};
use sendbox_store::rows::{AttemptRow, Lease, MessageRow, TenantRow};
use sendbox_store::{Done, Tx, attempts, buckets, messages, tenants, verifications};

use crate::connections::cached_connection::ReadyConnection;
use crate::connections::ready_connection::CandidateVersions;
use crate::error::{Error, Result};
use crate::leases::{Claim, HeldLease, LeasedRow};
use crate::releases::request_shapes::RecordedShapes;
use crate::sending::admission;
use crate::sending::attempt::{StartedAttempt, StoredMessage};
use crate::sending::attempt_result::count_unproven;
use crate::sending::message_end::end_before_attempt;
use crate::sending::payload::{Payload, message_request};
use crate::sending::routing::route_reason;
use crate::sending::sender::{NextSender, Sender};
use crate::sending::sends_in_progress::RegisteredSend;
use crate::sending::unsent::{self, is_unsent};
use crate::service::Service;
use crate::vault::TenantKey;
use crate::webhooks::outbox;

/// For a synchronous message, a retry that is due within this time is waited for; a later one is left to the worker.
pub(crate) const MAX_WAIT: Duration = Duration::from_secs(10);
/// Maximum number of failures to start an attempt while the store is unavailable. Then the message is left to the worker.
const MAX_START_FAILURES: u32 = 100;

/// What to do next with a message.
pub(crate) enum Step {
    Send(Box<StartedAttempt>),
    WaitUntil(Timestamp),
    /// The message is final, and is as it is stored; or (`None`) it is not this process that works on it.
    Done(Option<Box<StoredMessage>>),
}

/// A message that this process has claimed.
pub(crate) struct ClaimedMessage {
    pub(crate) lease: HeldLease,
    pub(crate) registered: RegisteredSend,
}

/// A message for which an attempt is prepared.
pub(crate) struct PendingMessage<'a> {
    pub(crate) tenant: &'a TenantRow,
    pub(crate) key: &'a TenantKey,
    pub(crate) payload: &'a Payload,
    pub(crate) row: &'a mut MessageRow,
    pub(crate) journal: &'a [AttemptRow],
    /// For a new message: the versions of the chosen connection, and the plan for one of them.
    pub(crate) planned: Option<(CandidateVersions, PlannedConnection)>,
}

/// A connection, with the plan of a message that it is to send.
pub(crate) struct PlannedConnection {
    pub(crate) connection: Arc<ReadyConnection>,
    pub(crate) plan: Plan,
}

/// An attempt that is not stored yet.
pub(crate) struct PreparedAttempt {
    sender: Sender,
    message: SandboxMessage,
    attempt: AttemptRow,
    recorded_shapes: Option<RecordedShapes>,
    key: TenantKey,
    subscriptions: Subscriptions,
}

impl PreparedAttempt {
    /// Stores the attempt. Its message is stored already.
    pub(crate) async fn store(self, tx: &mut Tx, stored: StoredMessage) -> Result<StartedAttempt> {
        let Self { sender, message, attempt, recorded_shapes, key, subscriptions } = self;
        attempts::insert(tx, &attempt).await?;
        Ok(StartedAttempt { sender, message, attempt, recorded_shapes, stored, key, subscriptions })
    }
}

impl Service {
    /// Holds a message that is claimed in this transaction.
    pub(crate) fn hold_message(&self, claim: &Claim, row: &MessageRow) -> ClaimedMessage {
        let lease = claim.hold(LeasedRow::Message { tenant: row.tenant.clone(), id: row.id.clone() });
        let registered = self.inner.sends.register(row, lease.lost());
        ClaimedMessage { lease, registered }
    }

    /// Delivers a message that this process has leased, until it is final, or an attempt is due later than `max_wait`. `next`: what is
    /// already known to be done. Returns the final message; otherwise the lease is released, and a worker of any process continues
    /// when the message is due.
    pub(crate) async fn deliver(
        &self,
        tenant: &str,
        id: &str,
        claimed: ClaimedMessage,
        next: Option<Step>,
        max_wait: Duration,
    ) -> Option<Box<StoredMessage>> {
        let stored = self.deliver_leased(tenant, id, &claimed, next, max_wait).await;
        match &stored {
            Some(_) => claimed.lease.end(),
            None => self.release_lease(tenant, id, claimed.lease).await,
        }
        stored
    }

    async fn deliver_leased(
        &self,
        tenant: &str,
        id: &str,
        claimed: &ClaimedMessage,
        next: Option<Step>,
        max_wait: Duration,
    ) -> Option<Box<StoredMessage>> {
        let mut next = next;
        let mut has_attempted = false;
        let mut failures = 0;
        loop {
            let step = match next.take() {
                Some(step) => step,
                None => match self.start_attempt(tenant, id, &claimed.lease).await {
                    Ok(step) => step,
                    Err(error) if failures < MAX_START_FAILURES && !self.inner.stopping.is_cancelled() => {
                        failures += 1;
                        tracing::error!(message = id, %error, "an attempt could not be started; retrying");
                        self.inner.clock.timer(Duration::from_millis(500)).await;
                        continue;
                    }
                    Err(error) => {
                        tracing::error!(message = id, %error, "an attempt could not be started");
                        return None;
                    }
                },
            };
            match step {
                Step::Done(stored) => return stored,
                Step::WaitUntil(at) => {
                    let wait = Duration::from_millis(at.millis_since(self.now()));
                    // The grace period of a shutdown is long enough for one attempt, not for two. The next one is made after a
                    // restart, or by another process.
                    if wait > max_wait || (has_attempted && self.inner.stopping.is_cancelled()) {
                        return None;
                    }
                    tokio::select! {
                        biased;
                        () = self.inner.clock.timer(wait) => {}
                        () = self.inner.stopping.cancelled() => return None,
                    }
                }
                Step::Send(attempt) => {
                    has_attempted = true;
                    match self.run_attempt(*attempt, &claimed.lease, claimed.registered.attempt()).await {
                        Some(stored) => next = Some(next_step(stored, self.now())),
                        None if self.inner.stopping.is_cancelled() => return None,
                        // The store says who works on it.
                        None => {}
                    }
                }
            }
        }
    }

    /// Releases the lease, unless the message was claimed again.
    async fn release_lease(&self, tenant: &str, id: &str, lease: HeldLease) {
        let store = self.completion_store_of(tenant);
        let (tenant, message, name) = (tenant.to_owned(), id.to_owned(), lease.lease().clone());
        let released = store.write(move |tx| {
            Box::pin(async move { messages::release(tx, &tenant, &message, &name).await.map(Done::Commit) })
        });
        match released.await {
            Ok(_) => lease.end(),
            // Dropped, and released when the store works again.
            Err(error) => tracing::warn!(message = id, %error, "a lease could not be released yet"),
        }
        self.inner.due.notify_one();
    }

    /// Stores the start of an attempt, or finds that none may start now.
    async fn start_attempt(&self, tenant: &str, id: &str, lease: &HeldLease) -> Result<Step> {
        if !self.inner.leases.is_held(lease).await? {
            return Ok(Step::Done(None));
        }
        let store = self.completion_store_of(tenant);
        let (service, tenant, id, lease) = (self.clone(), tenant.to_owned(), id.to_owned(), lease.lease().clone());
        self.write(store, move |tx| {
            let (service, tenant, id, lease) = (service.clone(), tenant.clone(), id.clone(), lease.clone());
            Box::pin(async move { service.start_leased(tx, &tenant, &id, &lease).await })
        })
        .await
    }

    async fn start_leased(&self, tx: &mut Tx, tenant: &str, id: &str, lease: &Lease) -> Result<Done<Step>> {
        let Some(mut row) = messages::lock(tx, tenant, id).await? else { return Ok(Done::Rollback(Step::Done(None))) };
        if row.status.is_final() || row.lease.as_ref() != Some(lease) {
            return Ok(Done::Rollback(Step::Done(None)));
        }
        let Some(tenant) = tenants::get(tx, tenant).await? else { return Ok(Done::Rollback(Step::Done(None))) };
        let now = self.now();
        let sealed = row.payload.clone();
        let mut journal = attempts::list(tx, &tenant.id, &row.id).await?;
        let prepared = if let Some(unfinished) = journal.iter().find(|attempt| attempt.finished_at.is_none()) {
            // The process that started it is gone: nobody knows what the provider received.
            let finished = self.recover(tx, &tenant, &mut row, unfinished.clone(), &journal, now).await?;
            if let Some(attempt) = journal.iter_mut().find(|attempt| attempt.number == finished.number) {
                *attempt = finished;
            }
            None
        } else {
            let key = self.tenant_key(&tenant)?;
            let sealed =
                sealed.as_deref().ok_or_else(|| Error::Internal("a message has lost its payload".to_owned()))?;
            let payload = Payload::open(&key, &row.id, sealed)?;
            let message = PendingMessage {
                tenant: &tenant,
                key: &key,
                payload: &payload,
                row: &mut row,
                journal: &journal,
                planned: None,
            };
            self.prepare_attempt(tx, message, now).await?
        };
        if is_unsent(&row) {
            // Before the counts of statistics, which change with the message.
            buckets::lock(tx, &tenant.id).await?;
        }
        if !messages::update(tx, &row, Some(lease)).await? {
            return Ok(Done::Rollback(Step::Done(None)));
        }
        if is_unsent(&row) {
            unsent::give_back(tx, &tenant, &self.tenant_key(&tenant)?, &row, sealed.as_deref(), now).await?;
        } else if prepared.is_none() && row.physical_messages > 0 {
            unsent::end_earlier_codes(tx, &row).await?;
        }
        outbox::message_ended(tx, &tenant.subscriptions, &row, now).await?;
        let stored = StoredMessage { journal, ..StoredMessage::new(row) };
        Ok(Done::Commit(match prepared {
            Some(prepared) => Step::Send(Box::new(prepared.store(tx, stored).await?)),
            None => next_step(stored, now),
        }))
    }

    /// Prepares the next attempt, and changes the row of the message accordingly. The caller stores both. `None`: the message has
    /// ended, or has to wait.
    pub(crate) async fn prepare_attempt(
        &self,
        tx: &mut Tx,
        message: PendingMessage<'_>,
        now: Timestamp,
    ) -> Result<Option<PreparedAttempt>> {
        let PendingMessage { tenant, key, payload, row, journal, planned } = message;
        // A new message cannot be obsolete.
        if planned.is_none()
            && let Some(status) = self.obsolete_status(tx, row, now).await?
        {
            let text = match status {
                MessageStatus::Expired => "its code expired before it could be sent",
                _ => "its verification ended, or a later code was requested, before it could be sent",
            };
            end_before_attempt(
                row,
                status,
                Some(RecordedFailure::before_sending(FailureClass::NotSent, Party::Host, text.to_owned())),
            );
            return Ok(None);
        }
        if row.next_attempt_at.is_some_and(|at| at > now) {
            return Ok(None);
        }
        let (candidates, planned) = planned.unzip();
        let sender = match self.sender(tx, tenant, row, journal, candidates, now).await? {
            NextSender::Ready(sender) => sender,
            NextSender::Waiting | NextSender::Ended => return Ok(None),
        };
        let connection = &sender.connection;
        let number = row.attempts + 1;
        let plan = match planned {
            Some(planned) if Arc::ptr_eq(&planned.connection, connection) => Ok(planned.plan),
            _ => {
                let request = message_request(tenant, &row.id, row.usage, row.locale.clone(), payload, number)?;
                plan(&connection.config, request, connection.connector.metadata())
            }
        };
        let plan = match plan {
            Ok(plan) => plan,
            Err(errors) => {
                let failure = RecordedFailure::before_sending(
                    FailureClass::ConfigurationInvalid,
                    Party::Policy,
                    errors.to_string(),
                );
                end_before_attempt(row, MessageStatus::Failed, Some(failure));
                return Ok(None);
            }
        };
        // The rules enforce this bound after each attempt; it is enforced again right before a send.
        if !attempt::may_begin(row.physical_messages, count_unproven(journal), tenant.policy.delivery.max_messages) {
            let failure = row.failure.take();
            end_before_attempt(row, MessageStatus::Failed, failure);
            return Ok(None);
        }
        if row.physical_messages > 0 && !admission::charge_again(tx, tenant, row, now).await? {
            end_before_attempt(row, MessageStatus::InDoubt, None);
            return Ok(None);
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
            record: Some(AttemptRecord {
                route: Some(route),
                unfilled_variables: plan.unknown_variables,
                ..AttemptRecord::default()
            }),
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
        row.status = MessageStatus::Sending;
        row.attempts = number;
        // Assumed until the outcome is known.
        row.physical_messages += 1;
        row.connection = Some(connection.name.clone());
        row.next_attempt_at = None;
        Ok(Some(PreparedAttempt {
            sender,
            message: plan.message,
            attempt,
            recorded_shapes,
            key: key.clone(),
            subscriptions: tenant.subscriptions.clone(),
        }))
    }

    /// The status to end with, if the message must no longer be sent.
    async fn obsolete_status(&self, tx: &mut Tx, row: &MessageRow, now: Timestamp) -> Result<Option<MessageStatus>> {
        if attempt::has_expired(row.expires_at, now) {
            return Ok(Some(MessageStatus::Expired));
        }
        let Some(id) = &row.verification else { return Ok(None) };
        let is_current = match verifications::get(tx, &row.tenant, id).await? {
            Some(it) if it.status == VerificationStatus::Pending && it.message.as_deref() == Some(&row.id) => {
                !verifications::has_later_code(tx, &it).await?
            }
            _ => false,
        };
        Ok((!is_current).then_some(MessageStatus::Cancelled))
    }
}

/// What to do with a message after the rules have decided.
pub(crate) fn next_step(stored: StoredMessage, now: Timestamp) -> Step {
    match stored.row.next_attempt_at {
        _ if stored.row.status.is_final() => Step::Done(Some(Box::new(stored))),
        at => Step::WaitUntil(at.unwrap_or(now)),
    }
}
