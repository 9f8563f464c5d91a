//! What follows an attempt (`docs/retries.md`): the same connection again, the next one, or nothing.
//!
//! Two counts bound a message. `attempts` are calls of a connector, of which most can be known to have sent nothing.
//! `physical` are those that may have become a message: no attempt begins once there are as many as the tenant allows.
//!
//! Promises
//! - never more than `most_messages` physical messages, even if a connector lies about what its provider answered; never an
//!   attempt after expiry; always an end;
//! - once one attempt is in doubt, only the policy `prefer-delivery` lets another connection send too. The same connection
//!   may repeat it if its provider makes one message of a repeated key;
//! - a number that refuses messages, and a suspicion of fraud, end it everywhere;
//! - every decision says why, as data and in a sentence that is made of it.
//!
//! Must not know: which connection comes next, where messages are kept, what time it is.

use sendbox_contract::{FailureClass, RequestSent};

use super::breaker::BreakerEvent;
use crate::model::{
    AttemptOutcome, Cause as Row, DecisionCode, DecisionValues, DecisionView, InDoubt, MessageStatus, NoFallback,
    NotAgain, Timestamp,
};

/// Attempts of one connection for one message at most.
pub const MOST_TRIES: u32 = 3;
/// Attempts of one message at most, over all connections.
pub const MOST_ATTEMPTS: u32 = 6;
/// The first pause before another try, at most; each further one is at most twice as long.
const FIRST_PAUSE_MS: u32 = 500;
/// A provider that wants a longer pause than this is left for another connection, if there is one: a user is waiting.
const PATIENCE_MS: u64 = 5_000;

/// An attempt that failed, and all that the next step depends on.
#[derive(Clone, Debug)]
pub struct Situation {
    /// How the attempt failed.
    pub class: FailureClass,
    /// Whether bytes of the message had left.
    pub request_sent: RequestSent,
    /// Seconds that the provider asks to wait.
    pub retry_after: Option<u32>,
    /// Attempts of this connection for this message, this one included.
    pub tries_here: u32,
    /// Attempts of all connections for this message, this one included.
    pub attempts: u32,
    /// Those of them for which [`may_be_a_message`] holds, this one included.
    pub physical: u32,
    /// Attempts, this one included, whose bytes had all left and of which only the connector says that they were refused: the
    /// host saw no refusal of HTTP. They count towards the bound, since nobody trusts a connector with it.
    pub unproven: u32,
    /// `delivery.mostMessages` of the tenant.
    pub most_messages: u32,
    /// `delivery.inDoubt` of the tenant.
    pub in_doubt: InDoubt,
    /// Whether the provider of this connection makes one message of a repeated key.
    pub idempotent: bool,
    /// Whether there is a further connection that could send.
    pub has_fallback: bool,
    /// Whether that connection has a text or a template of its own, so that what this provider refused is not what it gets.
    pub fallback_has_own_template: bool,
    /// Whether the connection has another version of its connector that this message has not met: the one that this version
    /// replaces, or is to replace.
    pub has_other_version: bool,
    /// When the attempt ended.
    pub now: Timestamp,
    /// From when on nothing is sent.
    pub expires_at: Timestamp,
    /// Whether the retry budget has room. Asked only for another try of the same connection: a fallback must be able to
    /// carry everything.
    pub may_retry: bool,
    /// 0 to 1, by chance: how much of the pause is waited.
    pub jitter: f64,
}

/// What is done next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// The same connection, with the same idempotency key and code. This takes from the retry budget.
    Again {
        /// Not before. Before expiry.
        at: Timestamp,
    },
    /// The same connection with the other version of its connector, at once.
    OtherVersion,
    /// The next connection, at once.
    Fallback,
    /// Nothing; the message ends like this.
    Stop(MessageStatus),
}

/// What is done next, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// What.
    pub next: Next,
    /// For people and programs.
    pub reason: DecisionView,
}

impl Row {
    fn of(class: FailureClass, request_sent: RequestSent) -> Self {
        use FailureClass as Class;
        match (class, request_sent) {
            // These end it whatever has left; what left is in the count of physical messages.
            (Class::InvalidRecipient | Class::RecipientUnsubscribed | Class::RecipientBlocked, _) => Self::Recipient,
            (Class::FraudBlocked, _) => Self::Fraud,
            // Without a complete answer nobody knows what the provider did, whatever the connector calls it.
            (_, RequestSent::Maybe) => Self::InDoubt,
            // Nothing had left: there is nothing to be in doubt about.
            (Class::NotSent | Class::Unavailable | Class::InDoubt | Class::Unknown, RequestSent::No) => Self::NotSent,
            // It had left, and nobody but the connector says what became of it, or not even that.
            (
                Class::NotSent | Class::Unavailable | Class::InDoubt | Class::Unknown | Class::ConnectorFault,
                RequestSent::Yes,
            ) => Self::InDoubt,
            // The provider answered that it did not take it now; or was not reached.
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

impl Row {
    /// Whether a new version of the connector could be the reason, where another one would do better.
    fn may_be_the_version(self) -> bool {
        matches!(self, Self::Content | Self::Account | Self::Fault)
    }
}

/// Whether a message that a version has failed with this class, and certainly not sent, does not meet that version again.
pub fn leaves_version(class: FailureClass) -> bool {
    Row::of(class, RequestSent::No).may_be_the_version()
}

/// Whether a failed attempt may have become a message on a phone all the same.
pub fn may_be_a_message(class: FailureClass, request_sent: RequestSent) -> bool {
    Row::of(class, request_sent) == Row::InDoubt || request_sent == RequestSent::Maybe
}

/// Whether only the connector says that an attempt was refused, after all bytes had left. `answered` is the HTTP status that
/// the host saw: a 4xx is the provider's own refusal.
pub fn is_unproven(outcome: AttemptOutcome, request_sent: RequestSent, answered: Option<u16>) -> bool {
    outcome == AttemptOutcome::Rejected
        && request_sent != RequestSent::No
        && !answered.is_some_and(|status| (400..500).contains(&status))
}

/// What the journal says of a failed attempt.
pub fn outcome(class: FailureClass, request_sent: RequestSent) -> AttemptOutcome {
    if may_be_a_message(class, request_sent) { AttemptOutcome::InDoubt } else { AttemptOutcome::Rejected }
}

/// What a failed attempt tells the breaker of its connection. A success is [`BreakerEvent::Success`].
pub fn counts_for_breaker(class: FailureClass, request_sent: RequestSent) -> BreakerEvent {
    if class == FailureClass::Unavailable {
        // This machine had no room: no news of the provider.
        return BreakerEvent::Ignore;
    }
    match Row::of(class, request_sent) {
        Row::NotSent | Row::InDoubt => BreakerEvent::Failure,
        Row::Account | Row::Fault => BreakerEvent::OpenAtOnce,
        Row::Content | Row::Recipient | Row::Destination | Row::Fraud => BreakerEvent::Ignore,
    }
}

/// What follows a failed attempt.
pub fn decide(situation: &Situation) -> Decision {
    let row = Row::of(situation.class, situation.request_sent);
    let values = situation.values(row);
    let decided = |next: Next, code: DecisionCode, values: DecisionValues| Decision {
        next,
        reason: DecisionView::of(code, values),
    };
    let stop = |code: DecisionCode, values: DecisionValues| {
        decided(Next::Stop(situation.ending(MessageStatus::Failed)), code, values)
    };
    if matches!(row, Row::Recipient | Row::Fraud) {
        return stop(DecisionCode::NoOtherConnection, values);
    }
    if situation.now >= situation.expires_at {
        let next = Next::Stop(situation.ending(MessageStatus::Expired));
        return decided(next, DecisionCode::Expired, values);
    }
    if situation.physical().saturating_add(situation.unproven) >= situation.most_messages {
        let max = Some(situation.most_messages);
        return stop(DecisionCode::MaxMessages, DecisionValues { max, ..values });
    }
    if situation.attempts >= MOST_ATTEMPTS {
        return stop(DecisionCode::MaxAttempts, DecisionValues { max: Some(MOST_ATTEMPTS), ..values });
    }
    if situation.has_other_version && row.may_be_the_version() && situation.tries_here < MOST_TRIES {
        return decided(Next::OtherVersion, DecisionCode::OtherVersion, values);
    }
    let refused = |not_again: NotAgain, values: DecisionValues| DecisionValues {
        no_retry: Some(not_again),
        max: (not_again == NotAgain::MaxTries).then_some(MOST_TRIES),
        ..values
    };
    let again = situation.again(row);
    let fallback = situation.fallback(row);
    match (again, fallback) {
        // A user is waiting: a long pause is worth less than another connection.
        (Ok(at), Err(_)) => situation.try_again(at, values),
        (Ok(at), Ok(())) if row == Row::InDoubt || at.millis_since(situation.now) <= PATIENCE_MS => {
            situation.try_again(at, values)
        }
        (Ok(_), Ok(())) => decided(Next::Fallback, DecisionCode::NextConnectionNoPause, values),
        (Err(not_again), Ok(())) => decided(Next::Fallback, DecisionCode::NextConnection, refused(not_again, values)),
        (Err(not_again), Err(no_fallback)) => {
            let no_fallback = Some(no_fallback);
            stop(DecisionCode::Nothing, DecisionValues { no_fallback, ..refused(not_again, values) })
        }
    }
}

impl Situation {
    /// What happened.
    fn values(&self, cause: Row) -> DecisionValues {
        DecisionValues { cause, class: self.class, number: None, max: None, no_retry: None, no_fallback: None }
    }

    /// With the attempt that just ended, even if it was not counted.
    fn physical(&self) -> u32 {
        self.physical.max(may_be_a_message(self.class, self.request_sent).into())
    }

    /// How a message ends: in doubt, if any attempt may have become one.
    fn ending(&self, otherwise: MessageStatus) -> MessageStatus {
        if self.physical() > 0 { MessageStatus::InDoubt } else { otherwise }
    }

    /// When the same connection may try again, or why not.
    fn again(&self, row: Row) -> Result<Timestamp, NotAgain> {
        match row {
            Row::NotSent => {}
            Row::InDoubt if self.idempotent => {}
            Row::InDoubt => return Err(NotAgain::SecondMessage),
            _ => return Err(NotAgain::SameEnd),
        }
        if self.physical() > 0 && !self.idempotent && self.in_doubt == InDoubt::PreferSilence {
            return Err(NotAgain::MaybeSecondMessage);
        }
        if self.tries_here >= MOST_TRIES {
            return Err(NotAgain::MaxTries);
        }
        if !self.may_retry {
            return Err(NotAgain::RetryBudget);
        }
        let pause = f64::from(FIRST_PAUSE_MS << self.tries_here.saturating_sub(1).min(MOST_TRIES));
        // A cast of a float to an integer saturates, and makes 0 of what is no number.
        let waited = (pause * self.jitter.clamp(0.0, 1.0)) as u64;
        let at = self.now.plus_seconds(self.retry_after.unwrap_or(0).into()).plus_millis(waited);
        if at >= self.expires_at {
            return Err(NotAgain::TooLate);
        }
        Ok(at)
    }

    /// Whether the next connection may try, or why not.
    fn fallback(&self, row: Row) -> Result<(), NoFallback> {
        if self.physical() > 0 && self.in_doubt == InDoubt::PreferSilence {
            return Err(NoFallback::Silence);
        }
        if !self.has_fallback {
            return Err(NoFallback::None);
        }
        if row == Row::Content && !self.fallback_has_own_template {
            return Err(NoFallback::NoTemplate);
        }
        Ok(())
    }

    fn try_again(&self, at: Timestamp, values: DecisionValues) -> Decision {
        let safely = self.physical() > 0 && self.idempotent;
        let code = if safely { DecisionCode::RetrySameKey } else { DecisionCode::Retry };
        let number = Some(self.tries_here.saturating_add(1));
        let values = DecisionValues { number, max: Some(MOST_TRIES), ..values };
        Decision { next: Next::Again { at }, reason: DecisionView::of(code, values) }
    }
}

#[cfg(test)]
mod tests;
