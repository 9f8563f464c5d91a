//! What became of an attempt: from the sandbox's report to what is written down and shown.

use sendbox_domain::model::{AttemptOutcome, FailureView, ShapeLine};
use sendbox_domain::rules::retry;
use sendbox_sandbox::{Failure, FailureClass, Outcome, Party, RequestSent, SendReport, TraceKind};
use sendbox_store::rows::AttemptRow;
use serde_json::{Value, json};

use crate::releases::request_shapes::held_shape;
use crate::sending::diagnostics::{request_value, trace_values};

/// What became of an attempt.
pub(crate) struct AttemptResult {
    pub(crate) outcome: AttemptOutcome,
    /// Class and whether bytes left, for the rules. `None` when accepted.
    pub(crate) failed: Option<(FailureClass, RequestSent, Option<u32>)>,
    pub(crate) failure: Option<FailureView>,
    pub(crate) provider_message_id: Option<String>,
    pub(crate) detail: Option<Value>,
    /// Whether the connector misbehaved.
    pub(crate) fault: bool,
}

/// A failure, as it is shown and stored.
pub(crate) fn failure_view(failure: &Failure) -> FailureView {
    FailureView {
        class: failure.class.to_string(),
        party: word(&failure.party),
        request_sent: word(&failure.request_sent),
        text: failure.text.clone(),
        provider_code: failure.provider_code.clone(),
        retry_after: failure.retry_after,
        advice: failure.advice().to_owned(),
    }
}

/// The word for a member of one of the sandbox's closed sets.
fn word(value: &impl serde::Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|it| it.as_str().map(str::to_owned)).unwrap_or_default()
}

/// A failure that Sendbox itself finds, before anything left.
pub(crate) fn own_failure(class: FailureClass, party: Party, text: String) -> FailureView {
    let failure = Failure {
        class,
        party,
        request_sent: RequestSent::No,
        text,
        provider_code: None,
        retry_after: None,
        fault: None,
    };
    failure_view(&failure)
}

pub(crate) fn ended(report: SendReport) -> AttemptResult {
    let changes = held_shape(&report).map(|held| {
        json!({
            "shape": hex::encode(held.shape.digest()),
            "changes": held.changes.iter().cloned().map(ShapeLine::from).collect::<Vec<_>>(),
        })
    });
    let detail = json!({
        "trace": trace_values(&report),
        "requests": report.requests.iter().map(request_value).collect::<Vec<_>>(),
        "heldBack": report.held_back.as_ref().map(request_value),
        "heldShape": changes,
        "used": report.used,
        "answered": answered(&report),
        "hostsReached": report.hosts_reached,
    });
    let detail = Some(detail);
    match report.outcome {
        Outcome::Accepted(receipt) => AttemptResult {
            outcome: AttemptOutcome::Accepted,
            failed: None,
            failure: None,
            provider_message_id: receipt.message_id,
            detail,
            fault: false,
        },
        Outcome::Failed(failure) => AttemptResult {
            outcome: retry::outcome(failure.class, failure.request_sent),
            failed: Some((failure.class, failure.request_sent, failure.retry_after)),
            failure: Some(failure_view(&failure)),
            provider_message_id: None,
            detail,
            fault: failure.is_misbehaviour(),
        },
        // Nobody asked for a dry run here.
        Outcome::NotSentDryRun => AttemptResult {
            outcome: AttemptOutcome::Rejected,
            failed: Some((FailureClass::Unavailable, RequestSent::No, None)),
            failure: Some(own_failure(FailureClass::Unavailable, Party::Host, "the send was a dry run".to_owned())),
            provider_message_id: None,
            detail,
            fault: false,
        },
    }
}

/// What was known of an attempt when it began, and what its end adds.
pub(crate) fn joined(begun: Option<&Value>, ended: Option<&Value>) -> Option<Value> {
    let members = [begun, ended].into_iter().flatten().filter_map(Value::as_object);
    let all: serde_json::Map<String, Value> =
        members.flatten().map(|(name, value)| (name.clone(), value.clone())).collect();
    (!all.is_empty()).then_some(Value::Object(all))
}

/// The HTTP status with which the request that carried the message was answered, as the host saw it.
fn answered(report: &SendReport) -> Option<u16> {
    let mut carries = false;
    let mut status = None;
    for event in &report.trace {
        match &event.what {
            TraceKind::Request { carries_message, .. } => carries = *carries_message,
            TraceKind::Response { status: answer, .. } if carries => status = Some(*answer),
            _ => {}
        }
    }
    status
}

/// Attempts that left nothing but the connector's word that they were refused.
pub(crate) fn unproven(done: &[AttemptRow]) -> usize {
    let is_unproven = |attempt: &&AttemptRow| {
        let answered = attempt.detail.as_ref().and_then(|detail| detail.get("answered")).and_then(Value::as_u64);
        let sent = match attempt.failure.as_ref().map(|failure| failure.request_sent.as_str()) {
            Some("no") | None => RequestSent::No,
            Some("maybe") => RequestSent::Maybe,
            Some(_) => RequestSent::Yes,
        };
        let answered = answered.and_then(|status| u16::try_from(status).ok());
        attempt.outcome.is_some_and(|outcome| retry::is_unproven(outcome, sent, answered))
    };
    done.iter().filter(is_unproven).count()
}
