use std::fmt;

use sendbox_contract::FailureClass;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::FailureClassName;

/// What happens after a failed attempt, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Decision {
    /// The decision as a sentence.
    #[schema(
        example = "the message was certainly not sent (rate-limited); the same connection tries again (try 2 of 3)"
    )]
    pub message: String,
    /// The decision as a code.
    pub code: DecisionCode,
    /// The values in the sentence.
    pub values: DecisionValues,
}

/// What happens after a failed attempt.
///
/// - `no-other-connection`: nothing, because no other connection may be tried.
/// - `expired`: nothing, because the message has expired.
/// - `max-messages`: nothing, because the policy allows `max` physical messages for one request.
/// - `max-attempts`: nothing, because a message has `max` attempts at most.
/// - `nothing`: nothing; `noRetry` and `noFallback` say why.
/// - `retry`: the same connection tries again, as try `number` of `max`.
/// - `retry-same-key`: the same, with the same idempotency key, from which the provider makes one message.
/// - `other-version`: the active version tries instead of the canary, or the previous one instead of the active one.
/// - `next-connection`: the next connection tries; `noRetry` says why the same one does not.
/// - `next-connection-no-pause`: the next connection tries, because the provider asks for a long pause.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DecisionCode {
    /// Nothing, because no other connection may be tried.
    NoOtherConnection,
    /// Nothing, because the message has expired.
    Expired,
    /// Nothing, because the policy allows `max` physical messages for one request.
    MaxMessages,
    /// Nothing, because a message has `max` attempts at most.
    MaxAttempts,
    /// Nothing. `noRetry` and `noFallback` say why.
    Nothing,
    /// The same connection tries again, as try `number` of `max`.
    Retry,
    /// The same connection tries again with the same idempotency key, from which the provider makes one message.
    RetrySameKey,
    /// The active version tries instead of the canary, or the previous one instead of the active one.
    OtherVersion,
    /// The next connection tries. `noRetry` says why the same one does not.
    NextConnection,
    /// The next connection tries, because the provider asks for a long pause.
    NextConnectionNoPause,
}

/// The values of a decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DecisionValues {
    /// What the failure means for a further try.
    pub cause: Cause,
    /// The class of the failure.
    #[schema(value_type = FailureClassName, example = "rate-limited")]
    pub class: FailureClass,
    /// The number of the next try.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 2)]
    pub number: Option<u32>,
    /// How many tries, attempts or messages there may be.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 3)]
    pub max: Option<u32>,
    /// Why the same connection does not try again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub no_retry: Option<NotAgain>,
    /// Why no other connection tries.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub no_fallback: Option<NoFallback>,
}

/// What a failure means for a further try.
///
/// - `not-sent`: the message was certainly not sent, and a later try may succeed.
/// - `in-doubt`: nobody knows whether the message was sent.
/// - `content`: the provider refused the content or the sender.
/// - `account`: credentials, configuration, balance or account must be corrected first.
/// - `recipient`: the number accepts no messages.
/// - `destination`: the provider does not send to this country.
/// - `fraud`: the provider suspects fraud.
/// - `fault`: the connector misbehaved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// The message was certainly not sent, and a later try may succeed.
    NotSent,
    /// Nobody knows whether the message was sent.
    InDoubt,
    /// The provider refused the content or the sender.
    Content,
    /// Credentials, configuration, balance or account must be corrected first.
    Account,
    /// The number accepts no messages.
    Recipient,
    /// The provider does not send to this country.
    Destination,
    /// The provider suspects fraud.
    Fraud,
    /// The connector misbehaved.
    Fault,
}

/// Why the same connection does not try again.
///
/// - `second-message`: the provider would send a second message.
/// - `maybe-second-message`: the provider might send a second message.
/// - `same-end`: another try would fail in the same way.
/// - `max-tries`: the connection has tried often enough.
/// - `retry-budget`: too many messages are being retried.
/// - `too-late`: the message expires before the pause ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum NotAgain {
    /// The provider would send a second message.
    SecondMessage,
    /// The provider might send a second message.
    MaybeSecondMessage,
    /// Another try would fail in the same way.
    SameEnd,
    /// The connection has tried often enough.
    MaxTries,
    /// Too many messages are being retried.
    RetryBudget,
    /// The message expires before the pause ends.
    TooLate,
}

/// Why no other connection tries.
///
/// - `silence`: the policy prefers silence to a second message.
/// - `none`: there is no other connection.
/// - `no-template`: the next connection has no template for the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum NoFallback {
    /// The policy prefers silence to a second message.
    Silence,
    /// There is no other connection.
    None,
    /// The next connection has no template for the message.
    NoTemplate,
}

impl fmt::Display for DecisionValues {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let clause = match self.cause {
            Cause::NotSent => "the message was certainly not sent",
            Cause::InDoubt => "nobody knows whether the message was sent",
            Cause::Content => "the provider refused the message as it was",
            Cause::Account => "the connection cannot send until its settings or account are put right",
            Cause::Recipient => "the number takes no messages",
            Cause::Destination => "the provider does not send to this country",
            Cause::Fraud => "the provider suspects fraud",
            Cause::Fault => "the connector misbehaved before anything was sent",
        };
        write!(f, "{clause} ({})", self.class)
    }
}

impl NotAgain {
    /// The reason as a clause. `max` is the number of tries that a connection has.
    fn clause(self, max: u32) -> String {
        match self {
            Self::SecondMessage => "its provider would make a second message of another try".to_owned(),
            Self::MaybeSecondMessage => "another try could be a second message".to_owned(),
            Self::SameEnd => "another try of the same connection would end the same way".to_owned(),
            Self::MaxTries => format!("{max} tries are the most for a connection"),
            Self::RetryBudget => "too many messages are being tried again".to_owned(),
            Self::TooLate => "the pause before another try ends after its time is over".to_owned(),
        }
    }
}

impl fmt::Display for NoFallback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Silence => "the tenant prefers silence to a second message",
            Self::None => "there is no other connection to try",
            Self::NoTemplate => "the next connection has no template of its own",
        })
    }
}

impl Decision {
    /// A decision. Its sentence is derived from the code and the values, so that they always agree.
    pub fn of(code: DecisionCode, values: DecisionValues) -> Self {
        let max = values.max.unwrap_or_default();
        let number = values.number.unwrap_or_default();
        let no_retry = values.no_retry.map(|why| why.clause(max)).unwrap_or_default();
        let follows = match code {
            DecisionCode::NoOtherConnection => "no other connection is tried".to_owned(),
            DecisionCode::Expired => "its time is over, and nothing is sent after that".to_owned(),
            DecisionCode::MaxMessages => format!("the tenant allows {max} physical messages for a request"),
            DecisionCode::MaxAttempts => format!("{max} attempts are the most for a message"),
            DecisionCode::Nothing => {
                let no_fallback = values.no_fallback.map(|why| why.to_string()).unwrap_or_default();
                format!("{no_retry}, and {no_fallback}")
            }
            DecisionCode::Retry => format!("the same connection tries again (try {number} of {max})"),
            DecisionCode::RetrySameKey => format!(
                "the same connection tries again (try {number} of {max}), with the same key, which its provider makes one \
                 message of"
            ),
            DecisionCode::OtherVersion => {
                "this version of the connector is being tried, so the one before is asked".to_owned()
            }
            DecisionCode::NextConnection => format!("{no_retry}, so the next connection is tried"),
            DecisionCode::NextConnectionNoPause => {
                "the provider asks for a long pause, so the next connection is tried".to_owned()
            }
        };
        Self { message: format!("{values}; {follows}"), code, values }
    }
}
