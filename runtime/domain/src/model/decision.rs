use std::fmt;

use sendbox_contract::FailureClass;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What follows a failed attempt, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DecisionView {
    /// In words.
    pub text: String,
    /// The same as data; absent in what was decided before there was any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<DecisionCode>,
    /// What the words are made of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub values: Option<DecisionValues>,
}

/// What follows a failed attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DecisionCode {
    /// Nothing: no other connection may be tried.
    NoOtherConnection,
    /// Nothing: its time is over.
    Expired,
    /// Nothing: the tenant allows no more than `most` physical messages.
    MostMessages,
    /// Nothing: `most` attempts are the most.
    MostAttempts,
    /// Nothing: `notAgain` and `noFallback` say why.
    Nothing,
    /// The same connection, as try `number` of `most`.
    Again,
    /// The same, with the same key, which its provider makes one message of.
    AgainSameKey,
    /// The version of the connector before the one that is tried.
    OtherVersion,
    /// The next connection; `notAgain` says why not the same.
    NextConnection,
    /// The next connection: the provider asks for a long pause.
    NextConnectionNoPause,
}

/// What a decision is made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DecisionValues {
    /// What happened.
    pub cause: Cause,
    /// The class of the failure.
    #[schema(value_type = String, example = "rate-limited")]
    pub class: FailureClass,
    /// The number of the next try.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number: Option<u32>,
    /// How many there may be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub most: Option<u32>,
    /// Why the same connection does not try again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_again: Option<NotAgain>,
    /// Why no other one does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub no_fallback: Option<NoFallback>,
}

/// What a failed attempt was: the rows of the table in `DESIGN.md` 6.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// Not sent, sure; it may pass later.
    NotSent,
    /// Nobody knows.
    InDoubt,
    /// The provider refused what was to be said, or its sender.
    Content,
    /// Credentials, configuration, balance, account.
    Account,
    /// The number takes no messages.
    Recipient,
    /// This provider does not go there.
    Destination,
    /// Fraud or geo block.
    Fraud,
    /// The connector misbehaved.
    Fault,
}

/// Why the same connection does not try again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum NotAgain {
    /// Its provider would make a second message of another try.
    SecondMessage,
    /// It could.
    MaybeSecondMessage,
    /// It would end the same way.
    SameEnd,
    /// It has tried often enough.
    MostTries,
    /// Too many messages are being tried again.
    RetryBudget,
    /// The pause before it ends too late.
    TooLate,
}

/// Why no other connection tries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum NoFallback {
    /// The tenant prefers silence to a second message.
    Silence,
    /// There is none.
    None,
    /// It has no template of its own.
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
    /// In words; `most` are the tries that a connection has.
    fn words(self, most: u32) -> String {
        match self {
            Self::SecondMessage => "its provider would make a second message of another try".to_owned(),
            Self::MaybeSecondMessage => "another try could be a second message".to_owned(),
            Self::SameEnd => "another try of the same connection would end the same way".to_owned(),
            Self::MostTries => format!("{most} tries are the most for a connection"),
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

impl DecisionView {
    /// What was decided before decisions had codes.
    pub fn only_words(text: String) -> Self {
        Self { text, code: None, values: None }
    }

    /// The sentence is made of the code and the values, so that they cannot differ.
    pub fn of(code: DecisionCode, values: DecisionValues) -> Self {
        let most = values.most.unwrap_or_default();
        let number = values.number.unwrap_or_default();
        let not_again = values.not_again.map(|why| why.words(most)).unwrap_or_default();
        let follows = match code {
            DecisionCode::NoOtherConnection => "no other connection is tried".to_owned(),
            DecisionCode::Expired => "its time is over, and nothing is sent after that".to_owned(),
            DecisionCode::MostMessages => format!("the tenant allows {most} physical messages for a request"),
            DecisionCode::MostAttempts => format!("{most} attempts are the most for a message"),
            DecisionCode::Nothing => {
                let no_fallback = values.no_fallback.map(|why| why.to_string()).unwrap_or_default();
                format!("{not_again}, and {no_fallback}")
            }
            DecisionCode::Again => format!("the same connection tries again (try {number} of {most})"),
            DecisionCode::AgainSameKey => format!(
                "the same connection tries again (try {number} of {most}), with the same key, which its provider makes one \
                 message of"
            ),
            DecisionCode::OtherVersion => {
                "this version of the connector is being tried, so the one before is asked".to_owned()
            }
            DecisionCode::NextConnection => format!("{not_again}, so the next connection is tried"),
            DecisionCode::NextConnectionNoPause => {
                "the provider asks for a long pause, so the next connection is tried".to_owned()
            }
        };
        Self { text: format!("{values}; {follows}"), code: Some(code), values: Some(values) }
    }
}
