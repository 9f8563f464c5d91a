//! One send: a slot, a fresh instance, one deadline, and an outcome that does not depend on trusting the connector.

mod end;

use std::sync::Arc;
use std::time::Duration;

use sendbox_contract::{
    Content, Failure, FailureClass, LogLevel, Message, Outcome, ResourceUse, TraceEvent, TraceKind,
};
use sendbox_policy::{ContentKind as RuleContent, EffectiveGrant, HostValue, HostValues, PinnedShapes};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use self::end::{End, no_free_slot, outcome, revoked_before, withdrawn_before};
use crate::call::host_call::Phase;
use crate::call::outbound::{DryRun, OutboundContext, RequestRecord, Rule};
use crate::call::{CallState, is_heavy, store};
use crate::connector::Connector;
use crate::egress::pool::PoolKey;
use crate::egress::revocation::Revocation;
use crate::parameters::Parameters;
use crate::sandbox::Sandbox;
use crate::sealed::{ADDRESS_BOUND, CODE_BOUND, NUMBER_BOUND, VARIABLE_BOUND, text_bound};

/// A message to send, with the connection to send it through.
pub struct SendRequest {
    /// The owner of the send, as any text. Open connections to a provider are shared only between sends of one owner.
    pub owner: String,
    /// The connection's parameters, from [`Connector::parameters`].
    pub parameters: Arc<Parameters>,
    /// What the connector may reach, from [`Connector::grant`].
    pub grant: Arc<EffectiveGrant>,
    /// The message.
    pub message: Message,
    /// The shapes that the request with the message may have, from [`Sandbox::rehearse`]. `None` allows any shape.
    pub pinned: Option<Arc<PinnedShapes>>,
    /// If present, nothing is sent, and the result shows what would have been.
    pub dry_run: Option<DryRun>,
    /// Cancel it to end the send immediately, for a version of a connector that is no longer wanted. The outcome says whether the
    /// message may have been sent.
    pub withdrawn: Option<CancellationToken>,
    /// Until when the message may leave. `None`: as long as the send lasts.
    pub revocation: Option<Revocation>,
}

/// The result of a send. Contains nothing sealed, except [`RequestRecord::clear`] if a dry run asked for it.
pub struct SendResult {
    /// Whether the provider accepted the message, or why not.
    pub outcome: Outcome,
    /// The resources that the send used.
    pub used: ResourceUse,
    /// The requests that passed the rules, masked, in order.
    pub requests: Vec<RequestRecord>,
    /// The request that a rule held back, masked. No part of it was sent.
    pub held_back: Option<RequestRecord>,
    /// The HTTP status of the response to the request with the message, as the host saw it.
    pub message_status: Option<u16>,
    /// The origins to which bytes may have been sent, like `https://api.example.com`.
    pub hosts_reached: Vec<String>,
    /// What happened, in order. For diagnosis: programs should not depend on it.
    pub trace: Vec<TraceEvent>,
}

impl Sandbox {
    /// Sends a message through a connector, in a fresh instance.
    ///
    /// There is no error: whatever the connector or the provider does, there is an outcome within [`Limits::send_ms`] (see
    /// [`limits`](Self::limits)) after the send has got a slot, for which it waits no longer than that. Slots are shared fairly
    /// between owners. A failed outcome says whether the message may have been sent; only then can another try send it
    /// twice. If the future is dropped, the send ends immediately and nobody learns whether the message was sent: use
    /// [`SendRequest::withdrawn`] instead.
    ///
    /// [`Limits::send_ms`]: sendbox_policy::Limits::send_ms
    pub async fn send(&self, connector: &Connector, request: SendRequest) -> SendResult {
        let time = Duration::from_millis(self.limits.send_ms);
        let message = Arc::new(request.message);
        let message_key = message.key_for(&request.owner);
        let rule = message_rule(&message, &message_key);
        let withdrawn = request.withdrawn.unwrap_or_default();
        let revocation = request.revocation.unwrap_or_default();
        let parameters = request.parameters;
        let mut state = CallState::new(Phase::Send, Arc::clone(&self.limits), parameters, Some(Arc::clone(&message)));
        if let Some(failure) = too_large(&message) {
            return result(state, Outcome::Failed(failure));
        }
        let slot = tokio::select! {
            biased;
            () = withdrawn.cancelled() => return result(state, Outcome::Failed(withdrawn_before())),
            () = revocation.revoked() => return result(state, Outcome::Failed(revoked_before())),
            slot = tokio::time::timeout(time, self.slot(&request.owner)) => slot,
        };
        let Ok(Ok(_slot)) = slot else {
            return result(state, Outcome::Failed(no_free_slot()));
        };
        // The time of a send begins when it has its slot: waiting is not the connector's fault.
        let deadline = Instant::now() + time;
        state.outside = Some(OutboundContext {
            egress: Arc::clone(&self.egress),
            grant: request.grant,
            rule,
            pinned: request.pinned,
            pool: PoolKey { owner: request.owner.into(), revision: connector.revision() },
            deadline,
            revocation,
            dry_run: request.dry_run,
        });
        state.meter.moves_when_heavy();
        let mut store = store(&self.engine, state);
        let cpu = Arc::clone(store.data().meter.cpu());
        let (clock, connector) = (Arc::clone(&cpu), connector.clone());
        let call = async move {
            let call = clock.count(connector.abi().send(&mut store, &message, &message_key));
            let end = tokio::select! {
                biased;
                result = call => End::Returned(result),
                () = withdrawn.cancelled() => End::Withdrawn,
                () = tokio::time::sleep_until(deadline) => End::OutOfTime,
            };
            (store, end)
        };
        let (store, end) = self.heavy_calls.run(call, move || is_heavy(&cpu)).await;
        // The store is destroyed here, whatever happened: no instance is used twice.
        let mut state = store.into_data();
        state.exchanges.settle();
        keep_stderr(&mut state);
        let outcome = outcome(&state, end);
        result(state, outcome)
    }
}

/// The plain values of a message that the host gives to the connector.
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
    // `pt-BR` and `pt`: providers often support only the language.
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

/// Refuses values that are larger than their bounds, because budgets are charged by bounds.
fn too_large(message: &Message) -> Option<Failure> {
    let (text, variables) = match &message.content {
        Content::Text { text, units, .. } => (text.len() > text_bound(*units), &[] as &[_]),
        Content::Template { variables, .. } | Content::Variables(variables) => (false, variables.as_slice()),
    };
    let what = if text {
        "the text is longer than its units say".to_owned()
    } else if message.code.as_ref().is_some_and(|code| code.len() > CODE_BOUND) {
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
    Some(Failure { class: FailureClass::InvalidRequest, text: what, retry_after: None, ..no_free_slot() })
}

/// Adds what the guest wrote to standard error and output to the trace.
fn keep_stderr(state: &mut CallState) {
    let written = state.wasi.written();
    for line in written.lines() {
        state.log().keep(LogLevel::Stderr, line);
    }
}

fn result(mut state: CallState, outcome: Outcome) -> SendResult {
    let returned = match &outcome {
        Outcome::Accepted(_) => "receipt".to_owned(),
        Outcome::Failed(failure) => failure.class.to_string(),
        Outcome::NotSentDryRun => "dry run".to_owned(),
    };
    state.trace.push(TraceKind::Returned { result: returned });
    let time = state.trace.elapsed();
    SendResult {
        outcome,
        used: ResourceUse {
            time,
            cpu: state.meter.cpu().used(),
            memory_bytes: state.meter.memory_peak(),
            host_calls: state.meter.host_calls(),
            requests: state.meter.requests(),
        },
        requests: state.exchanges.requests,
        held_back: state.exchanges.held_back,
        message_status: state.exchanges.message_status,
        hosts_reached: state.exchanges.hosts_reached.into_iter().collect(),
        trace: state.trace.into_events(),
    }
}

#[cfg(test)]
mod tests {
    use sendbox_policy::Limits;

    use super::*;
    use crate::fixture::message;

    #[test]
    fn what_a_guest_writes_to_standard_error_is_scrubbed_and_marked_as_such() {
        let limits = Arc::new(Limits::default());
        let mut state = CallState::new(Phase::Send, limits, Arc::default(), Some(Arc::new(message())));
        state.scrubber.guest_learned();
        state.wasi.write_to_stderr(b"the code is 407193\nand no more");
        keep_stderr(&mut state);
        let lines: Vec<_> = state.trace.into_events().into_iter().map(|event| event.what).collect();
        let [TraceKind::Log { level: first, message: one }, TraceKind::Log { level: second, message: other }] =
            &lines[..]
        else {
            panic!("{lines:?}")
        };
        assert_eq!([*first, *second], [LogLevel::Stderr, LogLevel::Stderr]);
        assert_eq!([one.as_str(), other.as_str()], ["the code is [sealed]", "and no more"]);
    }
}
