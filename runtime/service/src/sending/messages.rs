//! Messages: accepting, storing, sending and reading them.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use sendbox_domain::field_error::FieldErrors;
use sendbox_domain::model::{
    Attempt, Flow, Message, MessageStatus, Mode, NewMessage, PlatformData, Scope, SendFailure, Timestamp, Verification,
};
use sendbox_domain::phone;
use sendbox_domain::plan::plan;
use sendbox_domain::rules::quota::Quota;
use sendbox_domain::{locale, message_fields};
use sendbox_store::rows::{AttemptRow, ConnectionRow, MessageRow, ReportRow, TenantRow};
use sendbox_store::{Done, Tx, attempts, ingresses, messages, processes, reports};
use zeroize::Zeroizing;

use crate::access::caller::Caller;
use crate::clock::timeout;
use crate::connections::ready_connection::VersionAffinity;
use crate::delivery_reports::receiver::{delivery, reports_by_attempt};
use crate::error::{Error, Result};
use crate::id;
use crate::sending::admission;
use crate::sending::admission::{Charge, admit, recipient_hash};
use crate::sending::attempt::StoredMessage;
use crate::sending::delivery::{self, ClaimedMessage, PendingMessage, PlannedConnection, Step, next_step};
use crate::sending::idempotency::check_idempotency_key;
use crate::sending::message_request::{MessageRequest, Repeats};
use crate::sending::payload::{OutgoingMessage, Payload, message_request, wiped, wiped_variables};
use crate::sending::request_fields::RequestFields;
use crate::sending::routing::{check_flow, routes};
use crate::sending::unsent::is_unsent;
use crate::service::Service;
use crate::tenants::settings;
use crate::vault::TenantKey;
use crate::webhooks::outbox;

/// The time after which a message may be created again when too many are in progress.
const QUEUE_RETRY_SECONDS: u64 = 10;

/// What became of a request to send a message.
pub(crate) enum AcceptedMessage {
    /// The idempotency key was used before; `first` is the message of that request.
    Repeated {
        first: String,
    },
    /// The message is to a test number: it is stored, and never sent.
    Test(Box<Message>),
    Admitted(Box<AdmittedMessage>),
}

/// A message that is stored.
pub(crate) struct AdmittedMessage {
    row: MessageRow,
    /// A synchronous message, which this process has claimed, and what to do with it. `None`: the message is left to the worker.
    next: Option<(ClaimedMessage, Step)>,
    /// When the next message of this usage to this number can be admitted.
    pub(crate) next_at: Timestamp,
}

impl AdmittedMessage {
    /// Whether it has ended already, and nothing of it will leave.
    pub(crate) fn is_unsent(&self) -> bool {
        is_unsent(&self.row)
    }
}

/// An error after a message was stored. It must not say that nothing was: a client would ask for a second message.
fn after_acceptance(error: Error) -> Error {
    match error {
        Error::StoreUnavailable | Error::Busy => Error::StoreUncertain,
        other => other,
    }
}

impl Service {
    /// Sends a code that the caller made. Returns the message when a provider accepted it, when its outcome is in doubt, or when
    /// it is still in progress (asynchronous, or another attempt is due).
    ///
    /// # Errors
    /// [`Error::NotSent`] with the message, when it was accepted and could not be sent. Before that: [`Error::Invalid`],
    /// [`Error::FlowDisabled`], [`Error::NoticesDisabled`], [`Error::NoActiveConnection`], [`Error::CountryNotAllowed`], [`Error::Limited`],
    /// [`Error::IdempotencyMismatch`], [`Error::IdempotencyInFlight`].
    pub async fn send_message(
        &self,
        caller: &Caller,
        tenant: &str,
        new: NewMessage,
        idempotency_key: Option<&str>,
    ) -> Result<Message> {
        caller.may(tenant, &[Scope::Send])?;
        check_idempotency_key(idempotency_key)?;
        self.require_running()?;
        let platform_data = PlatformData { reference: new.reference, metadata: new.metadata };
        // Before the request queues for a writer.
        let fields = RequestFields {
            to: &new.to,
            client_ip: new.client_ip.as_ref(),
            code: new.code.as_ref(),
            text: new.text.as_ref(),
            lifetime_seconds: new.lifetime_seconds,
            variables: &new.variables,
            platform_data: &platform_data,
        };
        let (recipient, client_ip) = fields.read()?;
        let (mode, wait) =
            (new.mode, new.wait_ms.map_or(message_fields::MAX_WAIT, |wait| Duration::from_millis(wait.into())));
        message_fields::check_wait(wait).map_err(|error| FieldErrors(vec![error]))?;
        let request = MessageRequest {
            tenant: tenant.to_owned(),
            id: id::ordered("m", self.now())?,
            recipient: Arc::new(recipient),
            client_ip,
            usage: new.usage,
            locale: new.locale.as_deref().and_then(locale::understood),
            code: new.code,
            text: new.text,
            variables: new.variables,
            lifetime_seconds: new.lifetime_seconds,
            mode,
            repeats: Repeats::ByKey(idempotency_key.map(str::to_owned)),
            call: None,
            platform_data,
            status_callback: None,
        };
        match self.accept_request(request).await? {
            AcceptedMessage::Repeated { first } => self.replay_response(tenant, &first, mode, None).await,
            AcceptedMessage::Test(message) => Ok(*message),
            AcceptedMessage::Admitted(admitted) => self.dispatch(*admitted, None, wait).await,
        }
    }

    /// Stores what is asked for, unless it was asked for before.
    pub(crate) async fn accept_request(&self, request: MessageRequest) -> Result<AcceptedMessage> {
        self.require_room(&request.tenant, request.mode)?;
        let (service, request) = (self.clone(), Arc::new(request));
        let store = self.store_of(&request.tenant);
        let accepted = self.write(store, move |tx| {
            let (service, request) = (service.clone(), Arc::clone(&request));
            Box::pin(async move { service.accept_message(tx, &request).await })
        });
        accepted.await
    }

    /// Stores a message, and for a synchronous one its first attempt.
    async fn accept_message(&self, tx: &mut Tx, request: &MessageRequest) -> Result<Done<AcceptedMessage>> {
        let MessageRequest { tenant, id, recipient, client_ip, usage, mode, .. } = request;
        let (row, active) = self.sending_tenant(tx, tenant).await?;
        let key = self.tenant_key(&row)?;
        let lifetime_seconds = request.lifetime_seconds.unwrap_or(row.policy.codes.lifetime_seconds);
        let claim = request.repeats.claim(&key, request, lifetime_seconds);
        if let Some(first) = claim.claim(tx, tenant, &key, id, self.now()).await? {
            if !request.repeats.sends_again_what_failed() || !self.has_failed(tx, tenant, &first).await? {
                return Ok(Done::Rollback(AcceptedMessage::Repeated { first }));
            }
            claim.set_resource(tx, tenant, &key, id, self.now()).await?;
        }
        check_flow(&row, *usage)?;
        if request.code.is_none() && !row.policy.notices.enabled {
            return Err(Error::NoticesDisabled);
        }
        let outgoing = OutgoingMessage {
            payload: Payload {
                to: Zeroizing::new(recipient.e164.to_string()),
                code: request.code.as_ref().map(wiped),
                text: request.text.as_ref().map(wiped),
                variables: wiped_variables(&request.variables),
                client_ip: client_ip.map(|ip| Zeroizing::new(ip.to_string())),
                lifetime_seconds,
            },
            recipient: Arc::clone(recipient),
            usage: *usage,
            locale: request.locale.clone(),
            verification: None,
            mode: *mode,
            platform_data: request.platform_data.clone(),
            status_callback: request.status_callback.clone(),
        };
        if let Some(call) = &request.call {
            ingresses::insert_call(tx, call).await?;
        }
        let test_numbers = settings::test_numbers(&row, &key)?;
        if test_numbers.iter().any(|(number, _)| *number == *outgoing.recipient.e164) {
            let message = self.record_test_message(tx, &row, &key, id, outgoing).await?;
            return Ok(Done::Commit(AcceptedMessage::Test(Box::new(message))));
        }
        let admitted = self.admit_message(tx, (&row, active), &key, id, outgoing, *client_ip).await?;
        Ok(Done::Commit(AcceptedMessage::Admitted(Box::new(admitted))))
    }

    /// Whether a message was certainly not sent, and never will be.
    async fn has_failed(&self, tx: &mut Tx, tenant: &str, message: &str) -> Result<bool> {
        Ok(messages::get(tx, tenant, message).await?.is_none_or(|row| row.status == MessageStatus::Failed))
    }

    /// Refuses a synchronous message while too many sends of the tenant are waiting: its caller would wait in vain.
    pub(crate) fn require_room(&self, tenant: &str, mode: Mode) -> Result<()> {
        if mode == Mode::Sync && self.inner.sandbox.is_busy_for(tenant) {
            self.inner.refused_sends.count();
            return Err(Error::Busy);
        }
        Ok(())
    }

    /// Validates, admits and stores a message of a tenant with this active connection. A synchronous message is leased by this process,
    /// and its first attempt starts; an asynchronous one is left to the worker.
    pub(crate) async fn admit_message(
        &self,
        tx: &mut Tx,
        (tenant, active): (&TenantRow, Option<ConnectionRow>),
        key: &TenantKey,
        id: &str,
        outgoing: OutgoingMessage,
        client_ip: Option<IpAddr>,
    ) -> Result<AdmittedMessage> {
        let now = self.now();
        let country = outgoing.recipient.country.clone();
        let name = routes(tenant, country.as_deref()).into_iter().next().ok_or(Error::NoActiveConnection)?;
        let affinity = VersionAffinity { message: id, ..VersionAffinity::default() };
        let candidates = match active.filter(|active| active.name == name) {
            Some(active) => self.candidates_for(tx, active, affinity).await?,
            None => self.candidate_versions(tx, tenant, &name, affinity).await?.ok_or(Error::NoActiveConnection)?,
        };
        let connection = self.first_compatible(tx, tenant, &candidates).await?;
        // Planned now, so that all errors are found before anything is stored.
        let request = message_request(tenant, id, outgoing.usage, outgoing.locale.clone(), &outgoing.payload, 1)?;
        let plan = plan(&connection.config, request, connection.connector.metadata())?;
        let segments = plan.size.as_ref().map(|size| size.segments);
        let request = admission::AdmissionRequest {
            tenant,
            key,
            recipient: &outgoing.recipient,
            client_ip,
            connection: &name,
            usage: outgoing.usage,
            is_notice: outgoing.payload.code.is_none(),
            segments: segments.unwrap_or(1),
        };
        let admission = admit(tx, &request, now).await?;
        let claim = (outgoing.mode == Mode::Sync).then(|| self.inner.leases.claim());
        if claim.is_none() {
            require_queue(tx, &tenant.id).await?;
        }
        let mut row = MessageRow {
            connection: Some(name),
            segments,
            price_micros: admission.price_micros,
            payload: Some(outgoing.payload.seal(key, id)?),
            lease: claim.as_ref().map(|claim| claim.lease().clone()),
            ..message_row(tenant, key, id, &outgoing, now)
        };
        let Some(claim) = claim else {
            messages::insert(tx, &row).await?;
            return Ok(AdmittedMessage { row, next: None, next_at: admission.next_at });
        };
        let claimed = self.hold_message(&claim, &row);
        let message = PendingMessage {
            tenant,
            key,
            payload: &outgoing.payload,
            row: &mut row,
            journal: &[],
            planned: Some((candidates, PlannedConnection { connection, plan })),
        };
        let prepared = self.prepare_attempt(tx, message, now).await?;
        let mut next_at = admission.next_at;
        if is_unsent(&row) {
            let charge = Charge {
                recipient: &outgoing.recipient,
                client_ip,
                usage: row.usage,
                is_notice: outgoing.payload.code.is_none(),
                price_micros: row.price_micros,
                at: now,
            };
            next_at = admission::refund(tx, tenant, key, &charge, now).await?.unwrap_or(next_at);
        }
        messages::insert(tx, &row).await?;
        outbox::message_ended(tx, &tenant.subscriptions, &row, now).await?;
        let stored = StoredMessage::new(row.clone());
        let next = match prepared {
            Some(prepared) => Step::Send(Box::new(prepared.store(tx, stored).await?)),
            None => next_step(stored, now),
        };
        Ok(AdmittedMessage { row, next: Some((claimed, next)), next_at })
    }

    /// Stores a message to a test number, which is never sent.
    async fn record_test_message(
        &self,
        tx: &mut Tx,
        tenant: &TenantRow,
        key: &TenantKey,
        id: &str,
        outgoing: OutgoingMessage,
    ) -> Result<Message> {
        let now = self.now();
        let row =
            MessageRow { status: MessageStatus::Accepted, test: true, ..message_row(tenant, key, id, &outgoing, now) };
        messages::insert(tx, &row).await?;
        outbox::message_ended(tx, &tenant.subscriptions, &row, now).await?;
        Ok(view(row, Vec::new(), Vec::new()))
    }

    /// Sends a synchronous message, or wakes the worker for an asynchronous one, and returns the message: with its outcome, if that comes
    /// within `wait`.
    ///
    /// # Errors
    /// [`Error::NotSent`].
    pub(crate) async fn dispatch(
        &self,
        admitted: AdmittedMessage,
        verification: Option<&str>,
        wait: Duration,
    ) -> Result<Message> {
        let AdmittedMessage { row, next, .. } = admitted;
        let Some((claimed, next)) = next else {
            self.inner.due.notify_one();
            // The result is the accepted message; its outcome is not awaited.
            return Ok(view(row, Vec::new(), Vec::new()));
        };
        let (tenant, id) = (row.tenant, row.id);
        // In a task of its own: a client that disconnects must not cancel a send.
        let (service, at) = (self.clone(), (tenant.clone(), id.clone()));
        let sending = self
            .inner
            .work
            .spawn(async move { service.deliver(&at.0, &at.1, claimed, Some(next), delivery::MAX_WAIT).await });
        let message = match timeout(&*self.inner.clock, wait, sending).await {
            Some(Ok(Some(stored))) if !stored.has_reports => view(stored.row, stored.journal, Vec::new()),
            _ => self.read_message(&tenant, &id).await.map_err(after_acceptance)?,
        };
        self.outcome(&tenant, message, verification).await.map_err(after_acceptance)
    }

    /// The response to a repeated request with the same idempotency key.
    pub(crate) async fn replay_response(
        &self,
        tenant: &str,
        id: &str,
        mode: Mode,
        verification: Option<&str>,
    ) -> Result<Message> {
        let mut tx = self.store_of(tenant).begin_read().await?;
        let row = messages::get(&mut tx, tenant, id).await?.ok_or(Error::NotFound("message"))?;
        let is_leased = processes::holds(&mut tx, row.lease.as_ref()).await?;
        drop(tx);
        if mode == Mode::Async {
            return self.read_message(tenant, id).await;
        }
        if !row.status.is_final() && is_leased {
            return Err(Error::IdempotencyInFlight);
        }
        let message = self.read_message(tenant, id).await?;
        self.outcome(tenant, message, verification).await
    }

    /// The message, or an error when it was not sent.
    async fn outcome(&self, tenant: &str, message: Message, verification: Option<&str>) -> Result<Message> {
        match message.status {
            MessageStatus::Failed | MessageStatus::Expired | MessageStatus::Cancelled => {
                let verification: Option<Box<Verification>> = match verification {
                    Some(id) => Some(Box::new(self.read_verification(tenant, id).await?)),
                    None => None,
                };
                Err(Error::NotSent { message: Box::new(message), verification })
            }
            _ => Ok(message),
        }
    }

    pub(crate) async fn read_message(&self, tenant: &str, id: &str) -> Result<Message> {
        let mut tx = self.store_of(tenant).begin_read().await?;
        let row = messages::get(&mut tx, tenant, id).await?.ok_or(Error::NotFound("message"))?;
        let attempts = attempts::list(&mut tx, tenant, id).await?;
        let reports = reports::list_for(&mut tx, tenant, std::slice::from_ref(&row.id))
            .await?
            .remove(&row.id)
            .unwrap_or_default();
        Ok(view(row, attempts, reports))
    }
}

/// Refuses another message of a tenant that has as many in progress as it may. On PostgreSQL, the limits that were charged are
/// locked, so that no other transaction adds one.
async fn require_queue(tx: &mut Tx, tenant: &str) -> Result<()> {
    let quota = Quota::MessagesInProgress;
    let max = u32::try_from(quota.max()).unwrap_or(u32::MAX);
    if messages::are_in_progress(tx, tenant, max).await? {
        return Err(Error::QuotaReached { quota, retry_after: Some(QUEUE_RETRY_SECONDS) });
    }
    Ok(())
}

fn message_row(
    tenant: &TenantRow,
    key: &TenantKey,
    id: &str,
    outgoing: &OutgoingMessage,
    now: Timestamp,
) -> MessageRow {
    MessageRow {
        id: id.to_owned(),
        tenant: tenant.id.clone(),
        created_at: now,
        expires_at: now.plus_seconds(u64::from(outgoing.payload.lifetime_seconds)),
        usage: outgoing.usage,
        locale: outgoing.locale.clone(),
        recipient_hash: recipient_hash(key, &outgoing.recipient),
        recipient_masked: phone::masked(&outgoing.recipient),
        country: outgoing.recipient.country.clone(),
        payload: None,
        verification: outgoing.verification.clone(),
        status: MessageStatus::Queued,
        mode: outgoing.mode,
        test: false,
        connection: None,
        segments: None,
        provider_message_id: None,
        failure: None,
        attempts: 0,
        physical_messages: 0,
        price_micros: 0,
        next_attempt_at: None,
        lease: None,
        platform_data: outgoing.platform_data.clone(),
        status_callback: outgoing.status_callback.clone(),
    }
}

pub(crate) fn view(row: MessageRow, attempts: Vec<AttemptRow>, reports: Vec<ReportRow>) -> Message {
    let delivery = delivery(&reports);
    let mut reports = reports_by_attempt(reports);
    Message {
        id: row.id,
        status: row.status,
        to: row.recipient_masked,
        country: row.country,
        usage: row.usage,
        flow: Flow::of(row.usage),
        locale: row.locale,
        verification: row.verification,
        reference: row.platform_data.reference,
        metadata: row.platform_data.metadata,
        test: row.test,
        segments: row.segments,
        provider_message_id: row.provider_message_id,
        failure: row.failure.as_ref().map(SendFailure::from),
        delivery,
        attempts: attempts
            .into_iter()
            .map(|attempt| Attempt {
                delivery_reports: reports.remove(&attempt.number).unwrap_or_default(),
                number: attempt.number,
                connection: attempt.connection,
                connector: attempt.connector,
                connector_digest: attempt.digest,
                started_at: attempt.started_at,
                finished_at: attempt.finished_at,
                outcome: attempt.outcome,
                failure: attempt.failure.as_ref().map(SendFailure::from),
                decision: attempt.decision,
                detail: attempt.record.map(|record| record.view(attempt.response_status)),
            })
            .collect(),
        next_attempt_at: row.next_attempt_at.filter(|_| !row.status.is_final()),
        created_at: row.created_at,
        expires_at: row.expires_at,
    }
}
