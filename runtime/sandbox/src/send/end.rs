//! Determines the outcome of a send from what the guest returned and what the host observed. Pure.

use sendbox_contract::{ConnectorFault, Failure, FailureClass, Outcome, Party, Price, Receipt, RequestSent};

use crate::abi::interface::RawFailure;
use crate::call::CallState;
use crate::call::fault::fault_of;
use crate::egress::EgressErrorKind;
use crate::host::http_outbound::DryRunEnds;

/// How a call ended.
pub(super) enum End {
    Returned(wasmtime::Result<Result<Receipt, RawFailure>>),
    Withdrawn,
    OutOfTime,
}

/// The outcome: what the guest returned, checked against what the host observed.
pub(super) fn outcome(state: &CallState, end: End) -> Outcome {
    match end {
        End::Returned(Ok(Ok(receipt))) => accepted(state, receipt),
        End::Returned(Ok(Err(failure))) => Outcome::Failed(failed(state, failure)),
        End::Returned(Err(error)) if state.exchanges.dry_run_done && error.downcast_ref::<DryRunEnds>().is_some() => {
            Outcome::NotSentDryRun
        }
        End::Returned(Err(error)) => {
            // A violation that ended the send explains it; an earlier one that did not end it explains a crash.
            let fault = match error.downcast_ref::<ConnectorFault>() {
                Some(fault) => fault.clone(),
                None => violation_of(state).unwrap_or_else(|| fault_of(&error, &state.limits)),
            };
            Outcome::Failed(scrubbed(state, Failure::fault(fault, state.exchanges.message_sent)))
        }
        End::Withdrawn => Outcome::Failed(withdrawn_under_way(state)),
        End::OutOfTime => Outcome::Failed(out_of_time(state)),
    }
}

fn accepted(state: &CallState, receipt: Receipt) -> Outcome {
    match state.exchanges.message_sent {
        RequestSent::Yes => Outcome::Accepted(Receipt {
            message_id: receipt.message_id.map(|id| state.message_id(&id)),
            status: receipt.status.map(|status| state.scrubber.clean(&status)),
            segments: receipt.segments,
            price: receipt.price.map(|price| Price {
                amount: state.scrubber.clean(&price.amount),
                currency: state.scrubber.clean(&price.currency),
            }),
        }),
        sent => {
            let fault = violation_of(state).unwrap_or(ConnectorFault::ReceiptWithoutRequest);
            Outcome::Failed(Failure::fault(fault, sent))
        }
    }
}

fn failed(state: &CallState, failure: RawFailure) -> Failure {
    let sent = state.exchanges.message_sent;
    // A violation takes precedence over what the connector returned, as long as nothing was sent.
    if sent == RequestSent::No
        && let Some(fault) = violation_of(state)
    {
        return Failure::fault(fault, sent);
    }
    let text = failure.text.map(|text| state.scrubber.clean(&text)).filter(|text| !text.is_empty());
    let class = match (failure.class, sent) {
        // There was no complete response, so nobody can know, whatever the connector says.
        (_, RequestSent::Maybe) => FailureClass::InDoubt,
        // A request that was never sent cannot be in doubt.
        (FailureClass::InDoubt, RequestSent::No) => FailureClass::NotSent,
        (class, _) => class,
    };
    let network = state.exchanges.network_error.as_ref().filter(|_| sent != RequestSent::Yes);
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
        provider_code: failure.provider_code.map(|code| state.scrubber.clean(&code)),
        // At most a day: nobody waits longer for a provider.
        retry_after: failure.retry_after.map(|seconds| seconds.min(86_400)),
        fault: None,
    }
}

fn out_of_time(state: &CallState) -> Failure {
    let sent = state.exchanges.message_sent;
    let (class, party) = match sent {
        RequestSent::Maybe => (FailureClass::InDoubt, Party::Provider),
        RequestSent::Yes => (FailureClass::InDoubt, Party::Connector),
        // No request was in progress, so only the connector can have used up the time.
        RequestSent::No if state.meter.requests() == 0 => (FailureClass::NotSent, Party::Connector),
        RequestSent::No => (FailureClass::NotSent, Party::Network),
    };
    let text = state.exchanges.network_error.as_ref().map_or_else(
        || format!("the send did not end within {} ms", state.limits.send_ms),
        |error| error.message.clone(),
    );
    Failure { class, party, request_sent: sent, text, provider_code: None, retry_after: None, fault: None }
}

fn violation_of(state: &CallState) -> Option<ConnectorFault> {
    state.violation.clone().map(|violation| ConnectorFault::ManifestViolation(Box::new(violation)))
}

fn scrubbed(state: &CallState, failure: Failure) -> Failure {
    Failure { text: state.scrubber.clean(&failure.text), ..failure }
}

pub(super) fn no_free_slot() -> Failure {
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

/// The message expired, or was cancelled, before its request began.
pub(super) fn revoked_before() -> Failure {
    Failure {
        class: FailureClass::NotSent,
        text: "the message has expired or was cancelled, or its sender may not send it any more".into(),
        ..withdrawn_before()
    }
}

pub(super) fn withdrawn_before() -> Failure {
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
    let class = match state.exchanges.message_sent {
        RequestSent::No => FailureClass::NotSent,
        RequestSent::Maybe | RequestSent::Yes => FailureClass::InDoubt,
    };
    Failure {
        class,
        request_sent: state.exchanges.message_sent,
        text: "this version of the connector was withdrawn while the send was under way".into(),
        ..withdrawn_before()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use sendbox_policy::Limits;

    use super::*;
    use crate::call::host_call::Phase;
    use crate::fixture::message;

    /// A call of which the guest has seen an answer.
    fn state(sent: RequestSent) -> CallState {
        let limits = Arc::new(Limits::default());
        let mut state = CallState::new(Phase::Send, limits, Arc::default(), Some(Arc::new(message())));
        state.scrubber.guest_learned();
        state.exchanges.message_sent = sent;
        state
    }

    fn receipt(text: &str) -> Receipt {
        let price = Price { amount: text.to_owned(), currency: text.to_owned() };
        Receipt { message_id: Some(text.into()), status: Some(text.into()), segments: None, price: Some(price) }
    }

    fn failure(class: FailureClass, text: &str) -> RawFailure {
        RawFailure { class, provider_code: Some(text.into()), text: Some(text.into()), retry_after: None }
    }

    fn failed_with(sent: RequestSent, class: FailureClass) -> Failure {
        match outcome(&state(sent), End::Returned(Ok(Err(failure(class, "no"))))) {
            Outcome::Failed(failure) => failure,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_receipt_counts_only_when_the_provider_answered() {
        for (sent, expected) in [
            (RequestSent::Yes, None),
            (RequestSent::Maybe, Some(FailureClass::InDoubt)),
            (RequestSent::No, Some(FailureClass::ConnectorFault)),
        ] {
            let class = match outcome(&state(sent), End::Returned(Ok(Ok(receipt("id"))))) {
                Outcome::Accepted(accepted) => {
                    assert_eq!(accepted, receipt("id"));
                    None
                }
                Outcome::Failed(failure) => {
                    assert_eq!(failure.fault, Some(ConnectorFault::ReceiptWithoutRequest));
                    assert_eq!(failure.request_sent, sent);
                    Some(failure.class)
                }
                Outcome::NotSentDryRun => panic!("no dry run"),
            };
            assert_eq!(class, expected, "{sent:?}");
        }
    }

    #[test]
    fn whether_the_message_left_outranks_what_the_guest_calls_a_failure() {
        use FailureClass::{InDoubt, InvalidRecipient, NotSent, RateLimited};
        for (sent, class, expected) in [
            (RequestSent::Maybe, InvalidRecipient, InDoubt),
            (RequestSent::Maybe, NotSent, InDoubt),
            (RequestSent::No, InDoubt, NotSent),
            (RequestSent::No, InvalidRecipient, InvalidRecipient),
            (RequestSent::Yes, RateLimited, RateLimited),
        ] {
            assert_eq!(failed_with(sent, class).class, expected, "{class} with {sent:?}");
        }
    }

    /// Whoever reads an outcome is a person, or a journal that people read.
    #[test]
    fn nothing_sealed_is_in_an_outcome() {
        for sealed in ["407193", "+4512345678", "45 12 34 56 78", "Your code is 407193"] {
            let shown = |end: End| match outcome(&state(RequestSent::Yes), end) {
                Outcome::Accepted(Receipt { message_id, status, price, .. }) => {
                    let price = price.unwrap();
                    vec![message_id.unwrap(), status.unwrap(), price.amount, price.currency]
                }
                Outcome::Failed(failure) => vec![failure.text, failure.provider_code.unwrap_or_default()],
                Outcome::NotSentDryRun => panic!("no dry run"),
            };
            for end in [
                End::Returned(Ok(Ok(receipt(sealed)))),
                End::Returned(Ok(Err(failure(FailureClass::Unknown, sealed)))),
                End::Returned(Err(wasmtime::Error::msg(format!("panicked: {sealed}")))),
            ] {
                for text in shown(end) {
                    assert!(!text.contains(sealed), "{text}");
                }
            }
        }
    }
}
