//! Why a send failed: the class that decides what follows, who failed, and whether the request with the message was sent.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::fault::ConnectorFault;

/// A send that ended without a receipt.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Failure {
    /// The class, which decides what follows.
    pub class: FailureClass,
    /// Who failed.
    pub party: Party,
    /// Whether the request with the message was sent.
    pub request_sent: RequestSent,
    /// What happened, as a sentence. Contains no sealed values.
    pub text: String,
    /// The provider's error code.
    pub provider_code: Option<String>,
    /// How many seconds to wait before the next try, if the provider said so.
    pub retry_after: Option<u32>,
    /// How the connector misbehaved, if it did.
    #[serde(skip)]
    pub fault: Option<ConnectorFault>,
}

impl Failure {
    /// The failure for a connector that misbehaved, before or after the request was sent.
    pub fn fault(fault: ConnectorFault, request_sent: RequestSent) -> Self {
        let party = match fault {
            ConnectorFault::ManifestViolation(_) => Party::Policy,
            _ => Party::Connector,
        };
        // Once the request was sent, only the connector could tell what the provider did with it. Whoever is to blame, the outcome
        // is in doubt, and another try could send a second message.
        let class = match request_sent {
            RequestSent::No if fault.is_settings_denial() => FailureClass::ConfigurationInvalid,
            RequestSent::No => FailureClass::ConnectorFault,
            RequestSent::Maybe | RequestSent::Yes => FailureClass::InDoubt,
        };
        Self {
            class,
            party,
            request_sent,
            text: fault.to_string(),
            provider_code: None,
            retry_after: None,
            fault: Some(fault),
        }
    }
}

impl Failure {
    /// Whether the connector's code misbehaved: it trapped, exceeded a limit or violated its manifest. That is a reason to roll a
    /// version back.
    pub fn is_misbehaviour(&self) -> bool {
        self.fault.as_ref().is_some_and(|fault| !fault.is_settings_denial())
    }

    /// What to do next.
    pub fn advice(&self) -> &'static str {
        advice(self.class, self.is_denied_by_settings())
    }

    fn is_denied_by_settings(&self) -> bool {
        self.fault.as_ref().is_some_and(ConnectorFault::is_denied_by_settings)
    }
}

/// A failure as it is stored: what the rules and people need, without the details of a fault that only the process that saw it has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RecordedFailure {
    /// The class, which decides what follows.
    pub class: FailureClass,
    /// Who failed.
    pub party: Party,
    /// Whether the request with the message was sent.
    pub request_sent: RequestSent,
    /// What happened, as a sentence. Contains no sealed values.
    pub text: String,
    /// The provider's error code.
    pub provider_code: Option<String>,
    /// How many seconds to wait before the next try, if the provider said so.
    pub retry_after: Option<u32>,
    /// Whether the connector only asked for what its manifest declares, and the operator or the tenant does not permit it.
    #[serde(default)]
    pub denied_by_settings: bool,
}

impl RecordedFailure {
    /// A failure that Sendbox detected before anything was sent.
    pub fn before_sending(class: FailureClass, party: Party, text: String) -> Self {
        Self {
            class,
            party,
            request_sent: RequestSent::No,
            text,
            provider_code: None,
            retry_after: None,
            denied_by_settings: false,
        }
    }

    /// What to do next.
    pub fn advice(&self) -> &'static str {
        advice(self.class, self.denied_by_settings)
    }
}

impl From<&Failure> for RecordedFailure {
    fn from(failure: &Failure) -> Self {
        Self {
            class: failure.class,
            party: failure.party,
            request_sent: failure.request_sent,
            text: failure.text.clone(),
            provider_code: failure.provider_code.clone(),
            retry_after: failure.retry_after,
            denied_by_settings: failure.is_denied_by_settings(),
        }
    }
}

/// What to do next. A rule of the operator or the tenant is theirs to change; everything else follows from the class.
fn advice(class: FailureClass, denied_by_settings: bool) -> &'static str {
    if denied_by_settings {
        return "add the line above to the tenant's grant or the operator's policy, if the connector may do that";
    }
    class.advice()
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.class, self.text)
    }
}

/// What a failed send means for the next step (see `docs/retries.md`). The first nineteen classes are part of the connector
/// contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "described in wit/connector/v1/types.wit")]
pub enum FailureClass {
    NotSent,
    RateLimited,
    QuotaExceeded,
    ProviderUnavailable,
    InDoubt,
    InvalidRequest,
    TemplateRejected,
    ContentRejected,
    SenderRejected,
    AuthenticationFailed,
    ConfigurationInvalid,
    InsufficientBalance,
    AccountSuspended,
    InvalidRecipient,
    RecipientUnsubscribed,
    RecipientBlocked,
    UnsupportedDestination,
    FraudBlocked,
    Unknown,
    /// The connector trapped, exceeded a limit, violated its manifest or reached beyond its grant.
    ConnectorFault,
    /// Sendbox could not run the connector: there was no free instance or no randomness.
    Unavailable,
}

impl FailureClass {
    /// The class's name in the API, like `rate-limited`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotSent => "not-sent",
            Self::RateLimited => "rate-limited",
            Self::QuotaExceeded => "quota-exceeded",
            Self::ProviderUnavailable => "provider-unavailable",
            Self::InDoubt => "in-doubt",
            Self::InvalidRequest => "invalid-request",
            Self::TemplateRejected => "template-rejected",
            Self::ContentRejected => "content-rejected",
            Self::SenderRejected => "sender-rejected",
            Self::AuthenticationFailed => "authentication-failed",
            Self::ConfigurationInvalid => "configuration-invalid",
            Self::InsufficientBalance => "insufficient-balance",
            Self::AccountSuspended => "account-suspended",
            Self::InvalidRecipient => "invalid-recipient",
            Self::RecipientUnsubscribed => "recipient-unsubscribed",
            Self::RecipientBlocked => "recipient-blocked",
            Self::UnsupportedDestination => "unsupported-destination",
            Self::FraudBlocked => "fraud-blocked",
            Self::Unknown => "unknown",
            Self::ConnectorFault => "connector-fault",
            Self::Unavailable => "unavailable",
        }
    }

    /// What to do next.
    pub fn advice(self) -> &'static str {
        match self {
            Self::NotSent | Self::ProviderUnavailable => "the message was not sent: try again, or use another provider",
            Self::RateLimited => "the message was not sent: try again later, not before the time given",
            Self::QuotaExceeded => "raise the quota at the provider, or use another provider",
            Self::InDoubt => {
                "the provider may have sent the message: look it up there before sending again, or the user gets two"
            }
            Self::InvalidRequest => "check the parameters of the connection against the provider's text",
            Self::TemplateRejected => "check the template and its variables at the provider",
            Self::ContentRejected => "change the text of the template",
            Self::SenderRejected => "use a sender that is approved at the provider for this country",
            Self::AuthenticationFailed => "check the credentials of the connection",
            Self::ConfigurationInvalid => "correct the parameters of the connection",
            Self::InsufficientBalance => "top up the account at the provider",
            Self::AccountSuspended => "settle the account with the provider",
            Self::InvalidRecipient => "ask the user for another number; do not retry this one",
            Self::RecipientUnsubscribed | Self::RecipientBlocked => {
                "this number refuses messages; do not retry and do not use another provider"
            }
            Self::UnsupportedDestination => "enable the country at the provider, or use another provider",
            Self::FraudBlocked => "the provider suspects fraud; do not retry and do not use another provider",
            Self::Unknown => "read the provider's text",
            Self::ConnectorFault => "the connector misbehaved: use another version, and tell its author",
            Self::Unavailable => "try again when the machine has room",
        }
    }
}

impl fmt::Display for FailureClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Whether the request that carries the message has left this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RequestSent {
    /// Nothing of it was sent.
    No,
    /// Some or all of it was sent, but no complete response arrived: the provider may have acted.
    Maybe,
    /// All of it was sent, and the provider responded.
    Yes,
}

/// Who failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Party {
    /// The connector's code.
    Connector,
    /// A rule of the operator or the tenant.
    Policy,
    /// Name resolution, the connection or TLS.
    Network,
    /// The provider.
    Provider,
    /// Sendbox itself or its machine.
    Host,
}

impl RequestSent {
    /// The name in the API, like `maybe`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::No => "no",
            Self::Maybe => "maybe",
            Self::Yes => "yes",
        }
    }
}

impl Party {
    /// The name in the API, like `provider`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Connector => "connector",
            Self::Policy => "policy",
            Self::Network => "network",
            Self::Provider => "provider",
            Self::Host => "host",
        }
    }
}
