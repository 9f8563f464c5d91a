//! The provider, and the network on the way to it, in place of the sandbox.
//!
//! It keeps what the sandbox promises: a message that is revoked before its first byte does not leave, and an outcome says whether it
//! may have left. What has left is written down here, and compared with the database at that moment.

use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use futures_util::future::BoxFuture;
use sendbox_sandbox::policy::PinnedShapes;
use sendbox_sandbox::{
    Callback, CallbackError, Connector, DeliveryReport, DeliveryState, Failure, FailureClass, LoadError, Message,
    Outcome, Parameters, Party, Receipt, Rehearsal, RehearsalError, ReportRefusal, RequestSent, ResourceUse,
    Revocation, SendRequest, SendResult,
};
use sendbox_service::ConnectorCalls;
use sendbox_store::rows::{AttemptRow, Lease, MessageRow, VerificationRow};
use sendbox_store::{Store, attempts, messages, verifications};

use super::faults::Fault;
use super::run_state::{RunState, SentMessage, Shared, Who, lock, wait};

/// How long a send takes at most, in milliseconds.
const SEND_MS: u64 = 10_000;
/// How many messages one request may cause, in the policies of all tenants.
pub(super) const MAX_MESSAGES: usize = 2;

pub(super) struct Provider {
    pub(super) run_state: Shared,
    pub(super) who: Who,
    pub(super) observer: Store,
    pub(super) connector: Connector,
}

/// What becomes of a request.
#[derive(Clone, Copy)]
enum Fate {
    Accepted,
    ResetBeforeBytes,
    ResetAfterBytes { is_delivered: bool },
    Stalled { is_delivered: bool },
    Refused,
    RateLimited,
}

impl Fate {
    fn choose(run_state: &mut RunState) -> (Self, u64) {
        let delay =
            if run_state.provider_fault(Fault::SlowProvider, 8) { run_state.random.u64(1_000..9_000) } else { 0 };
        let fate = if run_state.provider_fault(Fault::ResetBeforeBytes, 12) {
            Self::ResetBeforeBytes
        } else if run_state.provider_fault(Fault::ResetAfterBytes, 12) {
            Self::ResetAfterBytes { is_delivered: true }
        } else if run_state.provider_fault(Fault::LostAfterBytes, 16) {
            Self::ResetAfterBytes { is_delivered: false }
        } else if run_state.provider_fault(Fault::StalledProvider, 16) {
            Self::Stalled { is_delivered: run_state.chance(2) }
        } else if run_state.provider_fault(Fault::Refusal, 16) {
            Self::Refused
        } else if run_state.provider_fault(Fault::RateLimited, 12) {
            Self::RateLimited
        } else {
            Self::Accepted
        };
        (fate, delay)
    }

    fn is_delivered(self) -> bool {
        match self {
            Self::Accepted => true,
            Self::ResetAfterBytes { is_delivered } | Self::Stalled { is_delivered } => is_delivered,
            Self::ResetBeforeBytes | Self::Refused | Self::RateLimited => false,
        }
    }
}

/// A message as it is stored, with what decides whether it may leave.
struct Stored {
    row: MessageRow,
    journal: Vec<AttemptRow>,
    verification: Option<VerificationRow>,
}

/// The result of a future that waits for nothing.
pub(super) fn now<T>(future: impl Future<Output = T>) -> T {
    match std::pin::pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("the observer waits for nothing"),
    }
}

impl Provider {
    fn stored(&self, tenant: &str, id: &str) -> Option<Stored> {
        now(async {
            let mut tx = self.observer.begin_read().await.expect("a read");
            let row = messages::get(&mut tx, tenant, id).await.expect("a read")?;
            let journal = attempts::list(&mut tx, tenant, id).await.expect("a read");
            let verification = match &row.verification {
                Some(verification) => verifications::get(&mut tx, tenant, verification).await.expect("a read"),
                None => None,
            };
            Some(Stored { row, journal, verification })
        })
    }

    /// What must hold when the first byte of a message leaves. Returns the connection over which it leaves.
    fn check(
        &self,
        run_state: &RunState,
        tenant: &str,
        message: &Message,
        lease: Option<&Lease>,
    ) -> Result<String, String> {
        let id = &message.idempotency_key;
        let number = message.attempt.number;
        let Some(Stored { row, journal, verification }) = self.stored(tenant, id) else {
            return Err(format!("P3: {id} leaves and is not stored"));
        };
        let Some(attempt) = journal.iter().find(|attempt| attempt.number == number) else {
            return Err(format!("P4: attempt {number} of {id} leaves and is not in the journal"));
        };
        if attempt.finished_at.is_some() {
            return Err(format!("P4: attempt {number} of {id} leaves after it has ended as {:?}", attempt.outcome));
        }
        if row.physical_messages == 0 {
            return Err(format!("P4: attempt {number} of {id} leaves and is not counted"));
        }
        if row.lease.as_ref() != lease {
            return Err(format!("lease: attempt {number} of {id} leaves after another process has leased it"));
        }
        let now = run_state.now(self.who.slot);
        if now >= row.expires_at {
            return Err(format!("P5: {id} leaves {} ms after it has expired", now.millis_since(row.expires_at)));
        }
        if let Some(verification) = &verification
            && run_state.ended.get(&verification.id) == Some(&self.who)
        {
            return Err(format!("P5: {id} leaves after a client was told that {} has ended", verification.id));
        }
        if run_state.obsolete.get(id) == Some(&self.who) {
            return Err(format!("P5: {id} leaves after a client was told of a later code"));
        }
        let earlier = || run_state.sent.iter().filter(|sent| sent.message == *id);
        let code = message.code.as_ref().map(|code| code.as_str()).unwrap_or_default();
        if earlier().any(|sent| sent.code != code || sent.to != *message.recipient.e164) {
            return Err(format!("P6: {id} leaves with another code or to another number than before"));
        }
        if earlier().any(|sent| sent.attempt == number) {
            return Err(format!("P4: attempt {number} of {id} leaves twice"));
        }
        Ok(attempt.connection.clone())
    }

    async fn turn(&self, what: &'static str) {
        let turn = lock(&self.run_state).turn(self.who, what);
        wait(turn).await;
    }

    async fn outcome(&self, tenant: &str, message: Message, revocation: Revocation) -> (Outcome, Option<u16>) {
        let id = message.idempotency_key.clone();
        let attempt = message.attempt.number;
        let stored = self.stored(tenant, &id);
        if stored.is_none() && !lock(&self.run_state).dead.contains(&self.who) {
            lock(&self.run_state).violate(Some(self.who), format!("P3: {id} is to be sent, and is not stored"));
        }
        let lease = stored.and_then(|stored| stored.row.lease);
        lock(&self.run_state).record(Some(self.who), format_args!("{id}/{attempt} is at the sandbox"));
        // A slot, an instance, a name to resolve, a connection.
        tokio::select! {
            biased;
            () = revocation.cancelled.cancelled() => {}
            () = self.turn("sandbox") => {}
        }
        self.first_byte(tenant, &message, &revocation, lease.as_ref()).await
    }

    /// From the moment before the first byte to the end.
    async fn first_byte(
        &self,
        tenant: &str,
        message: &Message,
        revocation: &Revocation,
        lease: Option<&Lease>,
    ) -> (Outcome, Option<u16>) {
        let id = &message.idempotency_key;
        let attempt = message.attempt.number;
        let is_revoked =
            revocation.cancelled.is_cancelled() || revocation.may_leave.as_ref().is_some_and(|may_leave| !may_leave());
        let is_dead = lock(&self.run_state).dead.contains(&self.who);
        if is_dead {
            return std::future::pending().await;
        }
        let (fate, delay, provider_id) = {
            let mut run_state = lock(&self.run_state);
            if is_revoked {
                run_state.record(Some(self.who), format_args!("{id}/{attempt} is revoked, nothing leaves"));
                return (failed(FailureClass::NotSent, Party::Host, RequestSent::No), None);
            }
            let (fate, delay) = Fate::choose(&mut run_state);
            if matches!(fate, Fate::ResetBeforeBytes) {
                run_state.record(Some(self.who), format_args!("{id}/{attempt} finds no connection, nothing leaves"));
                return (failed(FailureClass::ProviderUnavailable, Party::Network, RequestSent::No), None);
            }
            let connection = self.check(&run_state, tenant, message, lease).unwrap_or_else(|violated| {
                run_state.violate(Some(self.who), violated);
                String::new()
            });
            let provider_id = format!("SM{:06}", run_state.sent.len());
            run_state.record(
                Some(self.who),
                format_args!(
                    "{id}/{attempt} LEAVES, {} reaches the phone",
                    if fate.is_delivered() { "and" } else { "never" }
                ),
            );
            run_state.tally.sent += 1;
            run_state.sent.push(SentMessage {
                message: id.clone(),
                attempt,
                connection,
                to: message.recipient.e164.to_string(),
                code: message.code.as_ref().map(|code| code.to_string()).unwrap_or_default(),
                is_delivered: fate.is_delivered(),
                provider_id: provider_id.clone(),
            });
            if run_state.sent.iter().filter(|sent| sent.message == *id && sent.is_delivered).count() > MAX_MESSAGES {
                run_state
                    .violate(Some(self.who), format!("P4: {id} has reached the phone more than {MAX_MESSAGES} times"));
            }
            (fate, delay, provider_id)
        };
        if delay > 0 {
            let slow = lock(&self.run_state).timer(self.who, delay);
            wait(slow).await;
        }
        if let Fate::Stalled { .. } = fate {
            let deadline = lock(&self.run_state).timer(self.who, SEND_MS - delay);
            wait(deadline).await;
        } else {
            self.turn("response").await;
        }
        let (outcome, status, text) = match fate {
            Fate::Accepted => {
                let receipt = Receipt { message_id: Some(provider_id), status: None, segments: None, price: None };
                (Outcome::Accepted(receipt), Some(201), "accepted")
            }
            Fate::ResetAfterBytes { .. } | Fate::Stalled { .. } | Fate::ResetBeforeBytes => {
                (failed(FailureClass::InDoubt, Party::Network, RequestSent::Maybe), None, "no response")
            }
            Fate::Refused => {
                (failed(FailureClass::ContentRejected, Party::Provider, RequestSent::Yes), Some(400), "refused")
            }
            Fate::RateLimited => {
                (failed(FailureClass::RateLimited, Party::Provider, RequestSent::Yes), Some(429), "rate limited")
            }
        };
        lock(&self.run_state).record(Some(self.who), format_args!("{id}/{attempt} ends: {text}"));
        (outcome, status)
    }
}

fn failed(class: FailureClass, party: Party, request_sent: RequestSent) -> Outcome {
    let retry_after = (class == FailureClass::RateLimited).then_some(2);
    Outcome::Failed(Failure {
        class,
        party,
        request_sent,
        text: "simulated".to_owned(),
        provider_code: None,
        retry_after,
        fault: None,
    })
}

/// The body of a report, as [`Provider`] reads it.
pub(super) fn report_body(provider_id: &str, state: DeliveryState) -> Vec<u8> {
    format!("{provider_id} {}", state.as_str()).into_bytes()
}

fn report(body: &[u8]) -> Option<DeliveryReport> {
    let (id, state) = std::str::from_utf8(body).ok()?.split_once(' ')?;
    let state = DeliveryState::ALL.into_iter().find(|known| known.as_str() == state)?;
    Some(DeliveryReport {
        message_id: id.to_owned(),
        state,
        class: None,
        provider_code: None,
        text: None,
        at: None,
        signed: true,
    })
}

impl ConnectorCalls for Provider {
    fn run_blocking(&self, work: Box<dyn FnOnce() + Send>) -> BoxFuture<'_, ()> {
        // Here, because a thread would run whenever it likes.
        work();
        Box::pin(std::future::ready(()))
    }

    fn load<'a>(&'a self, _: &'a [u8]) -> BoxFuture<'a, Result<Connector, LoadError>> {
        Box::pin(std::future::ready(Ok(self.connector.clone())))
    }

    fn rehearse<'a>(
        &'a self,
        _: &'a Connector,
        _: &'a Rehearsal,
    ) -> BoxFuture<'a, Result<PinnedShapes, RehearsalError>> {
        Box::pin(std::future::ready(Ok(std::iter::empty().collect())))
    }

    fn send<'a>(&'a self, _: &'a Connector, request: SendRequest) -> BoxFuture<'a, SendResult> {
        Box::pin(async move {
            let revocation = request.revocation.unwrap_or_default();
            let (outcome, message_status) = self.outcome(&request.owner, request.message, revocation).await;
            SendResult {
                outcome,
                used: ResourceUse {
                    time: Duration::ZERO,
                    cpu: Duration::ZERO,
                    memory_bytes: 0,
                    host_calls: 0,
                    requests: 1,
                },
                requests: Vec::new(),
                held_back: None,
                message_status,
                hosts_reached: Vec::new(),
                trace: Vec::new(),
            }
        })
    }

    fn parse_report<'a>(
        &'a self,
        _: &'a Connector,
        _: Arc<Parameters>,
        callback: &'a Callback,
    ) -> BoxFuture<'a, Result<Vec<DeliveryReport>, CallbackError>> {
        let read = report(&callback.body).ok_or(CallbackError::Refused(ReportRefusal::Malformed));
        Box::pin(async move {
            self.turn("report").await;
            read.map(|report| vec![report])
        })
    }
}
