//! What follows an attempt (`docs/retries.md`): the same connection again, the next one, or nothing.
//!
//! Two counts bound a message. `attempts` counts calls of a connector, most of which are known to have sent nothing.
//! `physical_messages` counts attempts that may have sent a message: no attempt begins once there are as many as the tenant allows.
//!
//! Promises
//! - there are never more than `max_messages` physical messages, even if a connector lies about the provider's response; no attempt begins
//!   after expiry; every message comes to an end;
//! - once an attempt is in doubt, another connection may send only with the policy `prefer-delivery`. The same connection may try again if
//!   its provider makes one message from requests with the same idempotency key;
//! - a number that refuses messages or a suspicion of fraud stops all connections;
//! - every decision says why, as data and in a sentence that is derived from it.
//!
//! Must not know: which connection comes next, where messages are stored, what time it is.

use sendbox_contract::{FailureClass, RequestSent};

use super::breaker::BreakerEvent;
use crate::model::{
    AttemptOutcome, Cause, Decision, DecisionCode, DecisionValues, InDoubt, MessageStatus, NoFallback, NotAgain,
    Timestamp,
};

/// Maximum number of attempts of one connection for one message.
pub const MAX_TRIES: u32 = 3;
/// Maximum number of attempts for one message, across all connections.
pub const MAX_ATTEMPTS: u32 = 6;
/// Maximum pause before the first retry. It doubles with each further retry.
const FIRST_DELAY_MS: u32 = 500;
/// If a provider asks for a longer pause than this, the next connection is tried instead, because a user is waiting.
const MAX_WAIT_MS: u64 = 5_000;

/// A failed attempt, and everything that the next step depends on.
#[derive(Clone, Debug)]
pub struct Situation {
    /// How the attempt failed.
    pub class: FailureClass,
    /// Whether the request with the message was sent.
    pub request_sent: RequestSent,
    /// How many seconds the provider asks to wait.
    pub retry_after: Option<u32>,
    /// Attempts of this connection for this message, including this one.
    pub tries_here: u32,
    /// Attempts of all connections for this message, including this one.
    pub attempts: u32,
    /// How many of them [`may_have_been_sent`], including this one.
    pub physical_messages: u32,
    /// Attempts, including this one, that were sent and of which only the connector says that they were refused: the host saw no HTTP error.
    /// They count towards the bound, because connectors are not trusted.
    pub unproven: u32,
    /// `delivery.maxMessages` of the tenant's policy.
    pub max_messages: u32,
    /// `delivery.inDoubt` of the tenant's policy.
    pub in_doubt: InDoubt,
    /// Whether the provider makes one message from requests with the same idempotency key.
    pub idempotent: bool,
    /// Whether there is another connection that could send.
    pub has_fallback: bool,
    /// Whether that connection has a different text or template, so that it does not send what this provider refused.
    pub fallback_has_own_template: bool,
    /// Whether there is another version of the connector that has not tried this message: the one that this version replaces, or is about to
    /// replace.
    pub has_other_version: bool,
    /// When the attempt ended.
    pub now: Timestamp,
    /// When the message expires. Nothing is sent afterwards.
    pub expires_at: Timestamp,
    /// Whether the retry budget permits a retry. Applies to retries of the same connection only: a fallback must be able to take over
    /// everything.
    pub may_retry: bool,
    /// A random factor from 0 to 1 for the pause.
    pub jitter: f64,
}

/// What to do after a failed attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NextStep {
    /// Try the same connection again, with the same idempotency key and code. Takes from the retry budget.
    Retry {
        /// When to try. Always before expiry.
        at: Timestamp,
    },
    /// Try the same connection with the other version of its connector, immediately.
    OtherVersion,
    /// Try the next connection, immediately.
    Fallback,
    /// Stop, with this status of the message.
    Stop(MessageStatus),
}

/// What to do next, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetryDecision {
    /// The next step.
    pub next: NextStep,
    /// The reason, as the API shows it.
    pub reason: Decision,
}

impl Cause {
    fn new(class: FailureClass, request_sent: RequestSent) -> Self {
        use FailureClass as Class;
        match (class, request_sent) {
            // These stop everything, whether or not the request was sent; that is in the count of physical messages.
            (Class::InvalidRecipient | Class::RecipientUnsubscribed | Class::RecipientBlocked, _) => Self::Recipient,
            (Class::FraudBlocked, _) => Self::Fraud,
            // Without a complete response nobody knows what the provider did, whatever the connector says.
            (_, RequestSent::Maybe) => Self::InDoubt,
            // Nothing was sent, so nothing is in doubt.
            (Class::NotSent | Class::Unavailable | Class::InDoubt | Class::Unknown, RequestSent::No) => Self::NotSent,
            // It was sent, and only the connector says what happened, if anything at all.
            (
                Class::NotSent | Class::Unavailable | Class::InDoubt | Class::Unknown | Class::ConnectorFault,
                RequestSent::Yes,
            ) => Self::InDoubt,
            // The provider did not accept it this time, or was not reached.
            (Class::RateLimited | Class::ProviderUnavailable, _) => Self::NotSent,
            (Class::InvalidRequest | Class::TemplateRejected | Class::ContentRejected | Class::SenderRejected, _) => {
                Self::Content
            }
            (
                Class::QuotaExceeded
                | Class::AuthenticationFailed
                | Class::ConfigurationInvalid
                | Class::InsufficientBalance
                | Class::AccountSuspended,
                _,
            ) => Self::Account,
            (Class::UnsupportedDestination, _) => Self::Destination,
            (Class::ConnectorFault, RequestSent::No) => Self::Fault,
        }
    }
}

impl Cause {
    /// Whether a new version of the connector could be to blame, so that another version may succeed.
    fn may_be_caused_by_version(self) -> bool {
        matches!(self, Self::Content | Self::Account | Self::Fault)
    }
}

/// Whether a version that certainly did not send a message, and failed with this class, is not tried for that message again.
pub fn excludes_version(class: FailureClass) -> bool {
    Cause::new(class, RequestSent::No).may_be_caused_by_version()
}

/// Whether a failed attempt may have sent the message after all.
pub fn may_have_been_sent(class: FailureClass, request_sent: RequestSent) -> bool {
    Cause::new(class, request_sent) == Cause::InDoubt || request_sent == RequestSent::Maybe
}

/// Whether only the connector says that an attempt was refused after the request was sent. `response_status` is the HTTP status that the
/// host saw: a 4xx is a refusal by the provider.
pub fn is_unproven(outcome: AttemptOutcome, request_sent: RequestSent, response_status: Option<u16>) -> bool {
    outcome == AttemptOutcome::Rejected
        && request_sent != RequestSent::No
        && !response_status.is_some_and(|status| (400..500).contains(&status))
}

/// The outcome of a failed attempt, as the journal records it.
pub fn outcome(class: FailureClass, request_sent: RequestSent) -> AttemptOutcome {
    if may_have_been_sent(class, request_sent) { AttemptOutcome::InDoubt } else { AttemptOutcome::Rejected }
}

/// What a failed attempt means for the circuit breaker. A success is [`BreakerEvent::Success`].
pub fn breaker_event(class: FailureClass, request_sent: RequestSent) -> BreakerEvent {
    if class == FailureClass::Unavailable {
        // This machine had no capacity, which says nothing about the provider.
        return BreakerEvent::Ignore;
    }
    match Cause::new(class, request_sent) {
        Cause::NotSent | Cause::InDoubt => BreakerEvent::Failure,
        Cause::Account | Cause::Fault => BreakerEvent::OpenAtOnce,
        Cause::Content | Cause::Recipient | Cause::Destination | Cause::Fraud => BreakerEvent::Ignore,
    }
}

/// Decides what follows a failed attempt.
pub fn decide(situation: &Situation) -> RetryDecision {
    let cause = Cause::new(situation.class, situation.request_sent);
    let values = situation.values(cause);
    let decided = |next: NextStep, code: DecisionCode, values: DecisionValues| RetryDecision {
        next,
        reason: Decision::of(code, values),
    };
    let stop = |code: DecisionCode, values: DecisionValues| {
        decided(NextStep::Stop(situation.ending(MessageStatus::Failed)), code, values)
    };
    if matches!(cause, Cause::Recipient | Cause::Fraud) {
        return stop(DecisionCode::NoOtherConnection, values);
    }
    if situation.now >= situation.expires_at {
        let next = NextStep::Stop(situation.ending(MessageStatus::Expired));
        return decided(next, DecisionCode::Expired, values);
    }
    if situation.physical_messages().saturating_add(situation.unproven) >= situation.max_messages {
        let max = Some(situation.max_messages);
        return stop(DecisionCode::MaxMessages, DecisionValues { max, ..values });
    }
    if situation.attempts >= MAX_ATTEMPTS {
        return stop(DecisionCode::MaxAttempts, DecisionValues { max: Some(MAX_ATTEMPTS), ..values });
    }
    if situation.has_other_version && cause.may_be_caused_by_version() && situation.tries_here < MAX_TRIES {
        return decided(NextStep::OtherVersion, DecisionCode::OtherVersion, values);
    }
    let refused = |no_retry: NotAgain, values: DecisionValues| DecisionValues {
        no_retry: Some(no_retry),
        max: (no_retry == NotAgain::MaxTries).then_some(MAX_TRIES),
        ..values
    };
    let retry_at = situation.retry_at(cause);
    let fallback = situation.fallback(cause);
    match (retry_at, fallback) {
        // A user is waiting, so another connection is better than a long pause.
        (Ok(at), Err(_)) => situation.retry(at, values),
        (Ok(at), Ok(())) if cause == Cause::InDoubt || at.millis_since(situation.now) <= MAX_WAIT_MS => {
            situation.retry(at, values)
        }
        (Ok(_), Ok(())) => decided(NextStep::Fallback, DecisionCode::NextConnectionNoPause, values),
        (Err(no_retry), Ok(())) => decided(NextStep::Fallback, DecisionCode::NextConnection, refused(no_retry, values)),
        (Err(no_retry), Err(no_fallback)) => {
            let no_fallback = Some(no_fallback);
            stop(DecisionCode::Nothing, DecisionValues { no_fallback, ..refused(no_retry, values) })
        }
    }
}

impl Situation {
    fn values(&self, cause: Cause) -> DecisionValues {
        DecisionValues { cause, class: self.class, number: None, max: None, no_retry: None, no_fallback: None }
    }

    /// Physical messages including the attempt that just ended, even if the caller did not count it.
    fn physical_messages(&self) -> u32 {
        self.physical_messages.max(may_have_been_sent(self.class, self.request_sent).into())
    }

    /// The final status of the message: in doubt, if any attempt may have sent it.
    fn ending(&self, otherwise: MessageStatus) -> MessageStatus {
        if self.physical_messages() > 0 { MessageStatus::InDoubt } else { otherwise }
    }

    /// When the same connection may try again, or why it may not.
    fn retry_at(&self, cause: Cause) -> Result<Timestamp, NotAgain> {
        match cause {
            Cause::NotSent => {}
            Cause::InDoubt if self.idempotent => {}
            Cause::InDoubt => return Err(NotAgain::SecondMessage),
            _ => return Err(NotAgain::SameEnd),
        }
        if self.physical_messages() > 0 && !self.idempotent && self.in_doubt == InDoubt::PreferSilence {
            return Err(NotAgain::MaybeSecondMessage);
        }
        if self.tries_here >= MAX_TRIES {
            return Err(NotAgain::MaxTries);
        }
        if !self.may_retry {
            return Err(NotAgain::RetryBudget);
        }
        let pause = f64::from(FIRST_DELAY_MS << self.tries_here.saturating_sub(1).min(MAX_TRIES));
        // Casting a float to an integer saturates, and NaN becomes 0.
        let waited = (pause * self.jitter.clamp(0.0, 1.0)) as u64;
        let at = self.now.plus_seconds(self.retry_after.unwrap_or(0).into()).plus_millis(waited);
        if at >= self.expires_at {
            return Err(NotAgain::TooLate);
        }
        Ok(at)
    }

    /// Whether the next connection may try, or why it may not.
    fn fallback(&self, cause: Cause) -> Result<(), NoFallback> {
        if self.physical_messages() > 0 && self.in_doubt == InDoubt::PreferSilence {
            return Err(NoFallback::Silence);
        }
        if !self.has_fallback {
            return Err(NoFallback::None);
        }
        if cause == Cause::Content && !self.fallback_has_own_template {
            return Err(NoFallback::NoTemplate);
        }
        Ok(())
    }

    fn retry(&self, at: Timestamp, values: DecisionValues) -> RetryDecision {
        let safely = self.physical_messages() > 0 && self.idempotent;
        let code = if safely { DecisionCode::RetrySameKey } else { DecisionCode::Retry };
        let number = Some(self.tries_here.saturating_add(1));
        let values = DecisionValues { number, max: Some(MAX_TRIES), ..values };
        RetryDecision { next: NextStep::Retry { at }, reason: Decision::of(code, values) }
    }
}

#[cfg(test)]
mod tests;
