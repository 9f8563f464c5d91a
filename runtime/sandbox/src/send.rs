//! One send: a slot, a fresh instance, one deadline, an honest outcome.

use std::sync::Arc;
use std::time::Duration;

use sendbox_contract::message::{Content, Message};
use sendbox_contract::text::one_line;
use sendbox_contract::{
    ConnectorFault, DeliveryReport, Failure, FailureClass, LogLevel, Outcome, Party, Receipt, ReportRefusal,
    RequestSent, ResourceUse, TraceEvent, TraceKind,
};
use sendbox_policy::{ContentKind as RuleContent, EffectiveGrant, HostValue, HostValues, Limits, PinnedShapes};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use wasmtime::Trap;
use wasmtime::component::ResourceTableError;

use crate::Sandbox;
use crate::abi::RawFailure;
use crate::call::{CallState, DryRun, Outside, Phase, RequestRecord, Rule, store};
use crate::connector::Connector;
use crate::egress::{EgressErrorKind, PoolKey};
use crate::host::http_outbound::DryRunEnds;
use crate::parameters::Parameters;
use crate::report::Callback;
use crate::sealed::{ADDRESS_BOUND, CODE_BOUND, NUMBER_BOUND, VARIABLE_BOUND, text_bound};

/// What to send, with what, and how far it may reach. What one call owns.
pub struct SendRequest {
    /// Whose send this is. Connections are shared only within one owner.
    pub owner: String,
    /// The connection's parameters.
    pub parameters: Arc<Parameters>,
    /// What the connector may reach.
    pub grant: Arc<EffectiveGrant>,
    /// The message.
    pub message: Message,
    /// The shapes that the request with the message may have. `None` lets any shape out.
    pub pinned: Option<Arc<PinnedShapes>>,
    /// Let no byte out, and show what would have left.
    pub dry_run: Option<DryRun>,
    /// When it is cancelled the send ends within moments, with an honest outcome: its version is no longer wanted.
    pub withdrawn: Option<CancellationToken>,
}

/// What became of one send, and what happened on the way. Holds nothing sealed, but [`RequestRecord::clear`] where a dry
/// run asked for it.
pub struct SendReport {
    /// What became of it.
    pub outcome: Outcome,
    /// What it used.
    pub used: ResourceUse,
    /// What passed the rules, masked.
    pub requests: Vec<RequestRecord>,
    /// The request that a rule held back, masked. Nothing of it left.
    pub held_back: Option<RequestRecord>,
    /// Origins to which bytes may have left.
    pub hosts_reached: Vec<String>,
    /// What happened, in order.
    pub trace: Vec<TraceEvent>,
}

/// A callback that could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReportError {
    /// The connector exports no `delivery-reports`.
    #[error("this connector reads no delivery reports")]
    NotSupported,
    /// No instance became free in time. The same callback may be read later.
    #[error("no instance became free to read the callback")]
    NoPlace,
    /// The connector did not come to its end in time, and had CPU left: the machine is busy, or it waits for something. The same
    /// callback may be read later.
    #[error("the callback was not read within {limit_ms} ms")]
    OutOfTime {
        /// Milliseconds allowed.
        limit_ms: u64,
    },
    /// The connector says no.
    #[error(transparent)]
    Refused(#[from] ReportRefusal),
    /// The connector misbehaved.
    #[error("the connector failed to read the callback: {0}")]
    Fault(ConnectorFault),
}

impl Sandbox {
    /// Hands one message to one connector, in an instance of its own.
    ///
    /// Always returns: whatever the connector or the provider does, there is an outcome within the limits.
    pub async fn send(&self, connector: &Connector, request: SendRequest) -> SendReport {
        let deadline = Instant::now() + Duration::from_millis(self.limits.send_ms);
        let message = Arc::new(request.message);
        let message_key = message.key_for(&request.owner);
        let rule = message_rule(&message, &message_key);
        let withdrawn = request.withdrawn.unwrap_or_default();
        let parameters = request.parameters;
        let mut state = CallState::new(Phase::Send, Arc::clone(&self.limits), parameters, Some(Arc::clone(&message)));
        if let Some(failure) = too_large(&message) {
            return report(state, Outcome::Failed(failure));
        }
        let place = tokio::select! {
            biased;
            () = withdrawn.cancelled() => return report(state, Outcome::Failed(withdrawn_before())),
            place = tokio::time::timeout_at(deadline, self.places.acquire()) => place,
        };
        let Ok(Ok(_place)) = place else {
            let outcome = Outcome::Failed(no_place());
            return report(state, outcome);
        };
        state.outside = Some(Outside {
            egress: Arc::clone(&self.egress),
            grant: request.grant,
            rule,
            pinned: request.pinned,
            pool: PoolKey { owner: request.owner.into(), revision: connector.revision() },
            deadline,
            dry_run: request.dry_run,
        });
        let mut store = store(&self.engine, state);
        let cpu = Arc::clone(&store.data().meter.cpu);
        let call = cpu.count(connector.abi().send(&mut store, &message, &message_key));
        let end = tokio::select! {
            biased;
            result = call => End::Returned(result),
            () = withdrawn.cancelled() => End::Withdrawn,
            () = tokio::time::sleep_until(deadline) => End::OutOfTime,
        };
        // The store is taken apart here, whatever happened: no instance is used twice.
        let mut state = store.into_data();
        state.settle();
        let written = state.wasi.written();
        for line in written.lines() {
            state.keep_line(LogLevel::Stderr, line);
        }
        let outcome = outcome(&mut state, end);
        report(state, outcome)
    }

    /// Lets a connector read a provider's callback.
    ///
    /// # Errors
    /// When it reads none, the callback is not authentic or malformed, or the connector misbehaves. A caller changes
    /// nothing then.
    pub async fn parse_report(
        &self,
        connector: &Connector,
        parameters: Arc<Parameters>,
        callback: &Callback,
    ) -> Result<Vec<DeliveryReport>, ReportError> {
        if !connector.abi().reads_reports() {
            return Err(ReportError::NotSupported);
        }
        let deadline = Instant::now() + Duration::from_millis(self.limits.send_ms);
        let Ok(Ok(_place)) = tokio::time::timeout_at(deadline, self.places.acquire()).await else {
            return Err(ReportError::NoPlace);
        };
        let mut state = CallState::new(Phase::Report, Arc::clone(&self.limits), parameters, None);
        // A provider may have sent the connection's own secrets along, and whatever the connector makes of a callback is read by
        // people.
        state.learned = true;
        let mut store = store(&self.engine, state);
        let cpu = Arc::clone(&store.data().meter.cpu);
        match tokio::time::timeout_at(deadline, cpu.count(connector.abi().parse(&mut store, callback))).await {
            Ok(Ok(Ok(reports))) => Ok(reports.into_iter().map(|report| clean_report(store.data(), report)).collect()),
            Ok(Ok(Err(refusal))) => Err(refusal.into()),
            Ok(Err(error)) => Err(ReportError::Fault(fault_of(&error, &self.limits))),
            Err(_) => Err(ReportError::OutOfTime { limit_ms: self.limits.send_ms }),
        }
    }
}

fn clean_report(state: &CallState, report: DeliveryReport) -> DeliveryReport {
    DeliveryReport {
        message_id: state.message_id(&report.message_id),
        provider_code: report.provider_code.map(|code| state.clean(&code)),
        text: report.text.map(|text| state.clean(&text)),
        at: report.at.map(|at| state.clean(&at)),
        ..report
    }
}

/// What the host gives to the connector in clear of a message.
fn message_rule(message: &Message, message_key: &str) -> Rule {
    let mut known: Vec<HostValue> = Vec::new();
    let mut add = |name: &'static str, value: &str| {
        if !value.is_empty() {
            known.push(HostValue { name: name.into(), value: value.into() });
        }
    };
    add("message key", message_key);
    add("nonce", &message.attempt.nonce);
    add("calling code", &message.recipient.calling_code);
    add("country", message.recipient.country.as_deref().unwrap_or_default());
    // `pt-BR`, and `pt`: providers often know the language alone.
    let subtags = |tag: &str| tag.rsplit_once('-').map(|(shorter, _)| shorter.to_owned());
    for tag in std::iter::successors(message.locale.clone(), |tag| subtags(tag)) {
        add("locale", &tag);
    }
    add("usage", message.usage.as_str());
    add("attempt", &message.attempt.number.to_string());
    if let Content::Text { segments, units, .. } = &message.content {
        add("segments", &segments.to_string());
        add("units", &units.to_string());
    }
    if let Content::Template { template, .. } = &message.content {
        add("template", template);
    }
    Rule {
        content: match &message.content {
            Content::Text { .. } => RuleContent::Text,
            Content::Template { .. } => RuleContent::Template,
            Content::Variables(_) => RuleContent::Variables,
        },
        known: HostValues::new(known),
        lifetime_seconds: message.lifetime_seconds,
        now_unix_ms: message.attempt.started_at,
    }
}

/// A message that counts as less than it has: budgets are charged by bounds, so nothing may be longer than its bound.
fn too_large(message: &Message) -> Option<Failure> {
    let (text, variables) = match &message.content {
        Content::Text { text, units, .. } => (text.len() > text_bound(*units), &[] as &[_]),
        Content::Template { variables, .. } | Content::Variables(variables) => (false, variables.as_slice()),
    };
    let what = if text {
        "the text is longer than its units say".to_owned()
    } else if message.code.len() > CODE_BOUND {
        format!("the code has more than {CODE_BOUND} bytes")
    } else if message.client_ip.as_ref().is_some_and(|address| address.len() > ADDRESS_BOUND) {
        format!("the client's address has more than {ADDRESS_BOUND} bytes")
    } else if message.recipient.e164.len() > NUMBER_BOUND || message.recipient.national.len() > NUMBER_BOUND {
        "the recipient's number has more than 15 digits".to_owned()
    } else if variables.iter().any(|variable| variable.value.len() > VARIABLE_BOUND) {
        format!("a variable has more than {VARIABLE_BOUND} bytes")
    } else {
        return None;
    };
    Some(Failure { class: FailureClass::InvalidRequest, text: what, retry_after: None, ..no_place() })
}

fn no_place() -> Failure {
    Failure {
        class: FailureClass::Unavailable,
        party: Party::Host,
        request_sent: RequestSent::No,
        text: "no instance became free in the time of this send".into(),
        provider_code: None,
        retry_after: Some(1),
        fault: None,
    }
}

fn withdrawn_before() -> Failure {
    Failure {
        class: FailureClass::Unavailable,
        party: Party::Host,
        request_sent: RequestSent::No,
        text: "this version of the connector was withdrawn".into(),
        provider_code: None,
        retry_after: None,
        fault: None,
    }
}

fn withdrawn_under_way(state: &CallState) -> Failure {
    let class = match state.message_sent {
        RequestSent::No => FailureClass::NotSent,
        RequestSent::Maybe | RequestSent::Yes => FailureClass::InDoubt,
    };
    Failure {
        class,
        request_sent: state.message_sent,
        text: "this version of the connector was withdrawn while the send was under way".into(),
        ..withdrawn_before()
    }
}

/// How a call ended.
enum End {
    Returned(wasmtime::Result<Result<Receipt, RawFailure>>),
    Withdrawn,
    OutOfTime,
}

/// What the guest said, held against what the host saw.
fn outcome(state: &mut CallState, end: End) -> Outcome {
    match end {
        End::Returned(Ok(Ok(receipt))) => accepted(state, receipt),
        End::Returned(Ok(Err(failure))) => Outcome::Failed(failed(state, failure)),
        End::Returned(Err(error)) if state.dry_run_done && error.downcast_ref::<DryRunEnds>().is_some() => {
            Outcome::NotSentDryRun
        }
        End::Returned(Err(error)) => {
            // A rule that ended the send says why; one that was broken before it, and did not end it, explains a crash.
            let fault = match error.downcast_ref::<ConnectorFault>() {
                Some(fault) => fault.clone(),
                None => violation_of(state).unwrap_or_else(|| fault_of(&error, &state.limits)),
            };
            Outcome::Failed(scrubbed(state, Failure::fault(fault, state.message_sent)))
        }
        End::Withdrawn => Outcome::Failed(withdrawn_under_way(state)),
        End::OutOfTime => Outcome::Failed(out_of_time(state)),
    }
}

fn accepted(state: &CallState, receipt: Receipt) -> Outcome {
    match state.message_sent {
        RequestSent::Yes => Outcome::Accepted(Receipt {
            message_id: receipt.message_id.map(|id| state.message_id(&id)),
            status: receipt.status.map(|status| state.clean(&status)),
            segments: receipt.segments,
            price: receipt.price.map(|price| sendbox_contract::Price {
                amount: state.clean(&price.amount),
                currency: state.clean(&price.currency),
            }),
        }),
        sent => {
            let fault = violation_of(state).unwrap_or(ConnectorFault::ReceiptWithoutRequest);
            Outcome::Failed(Failure::fault(fault, sent))
        }
    }
}

fn failed(state: &CallState, failure: RawFailure) -> Failure {
    let sent = state.message_sent;
    // A broken rule outranks what the connector made of it, as long as nothing left.
    if sent == RequestSent::No
        && let Some(fault) = violation_of(state)
    {
        return Failure::fault(fault, sent);
    }
    let text = failure.text.map(|text| state.clean(&text)).filter(|text| !text.is_empty());
    let class = match (failure.class, sent) {
        // No complete answer came: whatever the connector calls it, nobody can know.
        (_, RequestSent::Maybe) => FailureClass::InDoubt,
        // The provider cannot be in doubt about a request that never left.
        (FailureClass::InDoubt, RequestSent::No) => FailureClass::NotSent,
        (class, _) => class,
    };
    let network = state.network_error.as_ref().filter(|_| sent != RequestSent::Yes);
    let party = match (sent, network) {
        (RequestSent::Yes, _) => Party::Provider,
        (_, Some(error)) if error.kind == EgressErrorKind::AddressRefused => Party::Policy,
        (_, Some(_)) => Party::Network,
        (_, None) => Party::Connector,
    };
    let text = match (text, network) {
        (Some(text), Some(error)) if !text.contains(&error.message) => format!("{text} ({})", error.message),
        (Some(text), _) => text,
        (None, Some(error)) => error.message.clone(),
        (None, None) => "the connector gave no reason".into(),
    };
    Failure {
        class,
        party,
        request_sent: sent,
        text,
        provider_code: failure.provider_code.map(|code| state.clean(&code)),
        // A day: a provider that says more is not waited for.
        retry_after: failure.retry_after.map(|seconds| seconds.min(86_400)),
        fault: None,
    }
}

fn out_of_time(state: &CallState) -> Failure {
    let sent = state.message_sent;
    let (class, party) = match sent {
        RequestSent::Maybe => (FailureClass::InDoubt, Party::Provider),
        RequestSent::Yes => (FailureClass::InDoubt, Party::Connector),
        // No request was under way, so nobody but the connector took the time.
        RequestSent::No if state.meter.requests == 0 => (FailureClass::NotSent, Party::Connector),
        RequestSent::No => (FailureClass::NotSent, Party::Network),
    };
    let text = state.network_error.as_ref().map_or_else(
        || format!("the send did not end within {} ms", state.limits.send_ms),
        |error| error.message.clone(),
    );
    Failure { class, party, request_sent: sent, text, provider_code: None, retry_after: None, fault: None }
}

fn violation_of(state: &CallState) -> Option<ConnectorFault> {
    state.violation.clone().map(|violation| ConnectorFault::ManifestViolation(Box::new(violation)))
}

fn scrubbed(state: &CallState, failure: Failure) -> Failure {
    Failure { text: state.clean(&failure.text), ..failure }
}

/// Which limit or trap ended the guest.
pub(crate) fn fault_of(error: &wasmtime::Error, limits: &Limits) -> ConnectorFault {
    if let Some(fault) = error.downcast_ref::<ConnectorFault>() {
        return fault.clone();
    }
    // WASI's own resources (pollables, streams) share the table, and report it in their own way.
    if let Some(ResourceTableError::Full) = error.downcast_ref::<ResourceTableError>() {
        return ConnectorFault::Handles { limit: limits.handles };
    }
    match error.downcast_ref::<Trap>() {
        Some(Trap::StackOverflow) => ConnectorFault::Stack { limit_bytes: limits.stack_bytes },
        Some(Trap::Interrupt) => ConnectorFault::Cpu { limit_ms: limits.cpu_ms },
        Some(trap) => ConnectorFault::Trap(trap.to_string()),
        None => {
            let text = format!("{error:#}");
            // wasmtime has no type for this one.
            if text.contains("fuel allocated for hostcalls") {
                return ConnectorFault::HostCallSize { limit_bytes: limits.hostcall_fuel };
            }
            ConnectorFault::Trap(one_line(&text, 300))
        }
    }
}

fn report(mut state: CallState, outcome: Outcome) -> SendReport {
    let result = match &outcome {
        Outcome::Accepted(_) => "receipt".to_owned(),
        Outcome::Failed(failure) => failure.class.to_string(),
        Outcome::NotSentDryRun => "dry run".to_owned(),
    };
    state.trace.push(TraceKind::Returned { result });
    let time = state.trace.elapsed();
    SendReport {
        outcome,
        used: ResourceUse {
            time,
            cpu: state.meter.cpu.used(),
            memory_bytes: state.meter.memory_peak,
            host_calls: state.meter.host_calls,
            requests: state.meter.requests,
        },
        requests: state.requests,
        held_back: state.held_back,
        hosts_reached: state.hosts_reached.into_iter().collect(),
        trace: state.trace.into_events(),
    }
}
