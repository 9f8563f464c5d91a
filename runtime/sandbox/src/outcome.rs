//! What became of one send.
//!
//! An outcome says four things, so that nobody has to guess: what failed, who failed, whether bytes of the message had
//! left, and what to do. Whether bytes left is the host's own finding; a connector cannot talk it away.

use std::fmt;

use sendbox_policy::{CompositionViolation, Denial, DenialRule, HeaderRefusal, RequestShape, ShapeChange};
use serde::{Deserialize, Serialize};

use crate::sealed::{NotDecodable, Void};

/// The provider took the message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Receipt {
    /// The provider's id of the message.
    pub message_id: Option<String>,
    /// The provider's own word for the state.
    pub status: Option<String>,
    /// Parts, as the provider counted them.
    pub segments: Option<u32>,
    /// What it cost, when the provider says so.
    pub price: Option<Price>,
}

/// What a message cost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Price {
    /// Decimal, as the provider wrote it.
    pub amount: String,
    /// ISO 4217, or the provider's own unit.
    pub currency: String,
}

/// Whether bytes of the request that carries the message have left this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RequestSent {
    /// Certainly none.
    No,
    /// Some or all, and no complete answer came: the provider may have acted.
    Maybe,
    /// All of them, and the provider answered.
    Yes,
}

/// Who failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Party {
    /// The code of the connector.
    Connector,
    /// The rules of operator or tenant stopped it.
    Policy,
    /// Name resolution, connection or TLS.
    Network,
    /// The provider.
    Provider,
    /// Sendbox itself or its machine.
    Host,
}

/// What a failed send means for the next step (`DESIGN.md` 6). The first nineteen are the contract's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
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
    /// The connector trapped, broke a limit, lied or reached beyond its grant.
    ConnectorFault,
    /// Sendbox could not run it: no free instance, no random bytes.
    Unavailable,
}

impl FailureClass {
    /// `rate-limited`
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

    /// What a person should do next.
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

/// A request that is malformed, whatever it carries. No size is told: what is measured of sealed bytes would be, too.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MalformedRequest {
    /// All parts together.
    #[error("the request has more than {limit} bytes over all its parts")]
    Size {
        /// Bytes.
        limit: usize,
    },
    /// The body.
    #[error("the request body has more than {limit} bytes")]
    BodySize {
        /// Bytes.
        limit: usize,
    },
    /// The URL.
    #[error("the URL has more than {limit} bytes")]
    UrlSize {
        /// Bytes.
        limit: usize,
    },
    /// The headers' number.
    #[error("the request has more than {limit} headers")]
    Headers {
        /// Headers.
        limit: usize,
    },
    /// The headers' bytes.
    #[error("the request headers have more than {limit} bytes")]
    HeaderSize {
        /// Bytes.
        limit: usize,
    },
    /// One header.
    #[error(transparent)]
    Header(#[from] HeaderRefusal),
    /// Bytes that are no text.
    #[error("the URL is not text")]
    UrlText,
    /// A sealed part that is not encoded.
    #[error("a sealed part of the URL is not encoded; encode it with `percent`")]
    UrlEncoding,
    /// Control characters, spaces, backslashes.
    #[error("the URL holds control characters, spaces or backslashes")]
    UrlCharacters,
    /// Another spelling of the scheme.
    #[error("the URL does not begin with `https://`")]
    UrlScheme,
    /// A sealed part before the path.
    #[error("a sealed part stands in the scheme, host or port of the URL")]
    UrlAuthority,
    /// No URL.
    #[error("the URL does not parse")]
    Url,
    /// A user name or a password.
    #[error("the URL holds a user name or password; use an Authorization header")]
    UrlCredentials,
    /// A fragment.
    #[error("the URL holds a fragment")]
    UrlFragment,
}

/// Which rule the connector broke. It ended the send, and nothing of the request left.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// Outside manifest or grant, or a value aimed at a host that may not have it.
    #[error("{0}")]
    Denied(#[from] Denial),
    /// The request does not carry recipient and message exactly once, as whole values at their declared places.
    #[error("{0}")]
    Composition(#[from] CompositionViolation),
    /// Sizes, headers, URL.
    #[error("{0}")]
    Malformed(#[from] MalformedRequest),
    /// The request with the message may have left already in this send.
    #[error("a further request after the one with the message; one send is one message, and nothing follows it")]
    AfterMessage,
    /// Sealed values have gone to one origin already in this send.
    #[error(
        "a request to another origin after sealed values have left to the first; a send that has sealed values out stays there"
    )]
    OtherOrigin,
    /// More requests than one send may make.
    #[error("more than the {limit} requests that one send may make")]
    TooManyRequests {
        /// Requests.
        limit: u32,
    },
    /// A request where none may be made: while a callback is read.
    #[error("a request where none may be made")]
    NoRequestHere,
    /// Something was decoded that may not be.
    #[error("{}", NotDecodable)]
    NotDecodable,
    /// A value without bytes was placed in a request.
    #[error("{0}")]
    Void(Void),
    /// A comparison of something else than a signature under a secret with a received value.
    #[error("a comparison that is not between a signature under a secret and one received value")]
    NotCheckable,
    /// More comparisons than one callback needs.
    #[error("more than the {limit} signature checks that reading one callback may take")]
    TooManyChecks {
        /// Checks.
        limit: u32,
    },
    /// The request's literal skeleton is none that this version was tested to send.
    #[error("{0}")]
    Shape(Box<HeldShape>),
    /// A value was to be revealed that the grant does not name.
    #[error("{0}")]
    Reveal(Denial),
}

/// A request whose shape is none of those that are pinned for its version.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the request is not shaped like one that this version was tested to send: {}", .changes.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
pub struct HeldShape {
    /// The shape that was held back.
    pub shape: RequestShape,
    /// How it differs from the nearest pinned one.
    pub changes: Vec<ShapeChange>,
}

impl Violation {
    /// The same with every text that the connector had a part in (a host, a header's name) rewritten.
    pub(crate) fn map_texts(self, rewrite: impl Fn(&str) -> String) -> Self {
        let denial = |denial: Denial| Denial {
            sentence: rewrite(&denial.sentence),
            allow_line: rewrite(&denial.allow_line),
            ..denial
        };
        match self {
            Self::Denied(it) => Self::Denied(denial(it)),
            Self::Reveal(it) => Self::Reveal(denial(it)),
            Self::Malformed(MalformedRequest::Header(it)) => Self::Malformed(MalformedRequest::Header(match it {
                HeaderRefusal::NotAllowed { name } => HeaderRefusal::NotAllowed { name: rewrite(&name) },
                HeaderRefusal::Twice { name } => HeaderRefusal::Twice { name: rewrite(&name) },
                other => other,
            })),
            Self::Composition(it) => Self::Composition(it.map_header(|name| rewrite(&name))),
            other => other,
        }
    }
}

/// How a connector misbehaved. Each limit has its own.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConnectorFault {
    /// `unreachable`, out of bounds, division by zero and the like.
    #[error("the connector crashed: {0}")]
    Trap(String),
    /// The CPU budget of the send is used up.
    #[error("the connector used more than its {limit_ms} ms of CPU")]
    Cpu {
        /// Milliseconds.
        limit_ms: u64,
    },
    /// Memory over all memories.
    #[error("the connector asked for more than its {limit_bytes} bytes of memory")]
    Memory {
        /// Bytes.
        limit_bytes: usize,
    },
    /// Elements over all tables.
    #[error("the connector asked for more than {limit} table elements")]
    Table {
        /// Elements.
        limit: usize,
    },
    /// Recursion without end.
    #[error("the connector used more than its {limit_bytes} bytes of stack")]
    Stack {
        /// Bytes.
        limit_bytes: usize,
    },
    /// Too many calls of the host.
    #[error("the connector called the host more than {limit} times")]
    HostCalls {
        /// Calls.
        limit: u64,
    },
    /// Too much data handed to the host in one call.
    #[error("the connector handed more than {limit_bytes} bytes to one host call")]
    HostCallSize {
        /// Bytes.
        limit_bytes: usize,
    },
    /// Too many handles alive.
    #[error("the connector holds more than {limit} handles")]
    Handles {
        /// Handles.
        limit: usize,
    },
    /// Too many bytes made by sealed operations.
    #[error("the connector made more than {limit_bytes} bytes of sealed values")]
    SealedBytes {
        /// Bytes.
        limit_bytes: usize,
    },
    /// Too many parts in one sealed value.
    #[error("the connector made a sealed value of more than {limit} parts")]
    SealedPieces {
        /// Parts, nested ones included.
        limit: usize,
    },
    /// An import was called where none may be (in `metadata`).
    #[error("the connector called `{0}` where no import may be called")]
    ImportRefused(&'static str),
    /// A rule of manifest, grant or composition was broken.
    #[error("{0}")]
    ManifestViolation(Box<Violation>),
    /// A receipt for a message that never left.
    #[error("the connector reported success, but no request with the message has left")]
    ReceiptWithoutRequest,
    /// What it returned is not what the contract allows.
    #[error("the connector's answer is invalid: {0}")]
    BadAnswer(String),
}

impl ConnectorFault {
    /// Whether the connector only asked for what its manifest says, and operator or tenant do not allow it: no fault of its
    /// code, and no reason to take a version back.
    fn is_of_settings(&self) -> bool {
        self.is_denied_by_settings() || self.is_of_a_secret()
    }

    /// Whether a secret is not written in the encoding that the connector expects. The tenant wrote it.
    fn is_of_a_secret(&self) -> bool {
        matches!(self, Self::ManifestViolation(violation) if matches!(&**violation, Violation::Void(Void::Secret { .. })))
    }

    fn is_denied_by_settings(&self) -> bool {
        use DenialRule::{LiteralAddress, NotGrantedByTenant, Port, RefusedByOperator, RevealNotGranted, Scheme};
        let Self::ManifestViolation(violation) = self else { return false };
        let (Violation::Denied(denial) | Violation::Reveal(denial)) = &**violation else { return false };
        matches!(
            denial.rule,
            LiteralAddress | NotGrantedByTenant | Port | RefusedByOperator | RevealNotGranted { .. } | Scheme
        )
    }
}

/// A send that did not end with a receipt.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Failure {
    /// What follows from it.
    pub class: FailureClass,
    /// Who failed.
    pub party: Party,
    /// Whether bytes of the message had left.
    pub request_sent: RequestSent,
    /// What happened, in a sentence. Holds nothing sealed.
    pub text: String,
    /// The provider's own code.
    pub provider_code: Option<String>,
    /// Seconds to wait before the next try, when the provider said so.
    pub retry_after: Option<u32>,
    /// For a misbehaving connector: how.
    #[serde(skip)]
    pub fault: Option<ConnectorFault>,
}

impl Failure {
    /// A connector that misbehaved before anything had left, or after.
    pub(crate) fn fault(fault: ConnectorFault, request_sent: RequestSent) -> Self {
        let party = match fault {
            ConnectorFault::ManifestViolation(_) => Party::Policy,
            _ => Party::Connector,
        };
        // Once bytes of the message have left, nobody but the connector could tell what the provider made of them: the honest
        // outcome is doubt, whoever is to blame. Another try could be a second message.
        let class = match request_sent {
            RequestSent::No if fault.is_of_settings() => FailureClass::ConfigurationInvalid,
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
    /// Whether the connector's own code misbehaved: it trapped, exceeded a limit, or broke its own manifest. A version that does
    /// is not one to keep.
    pub fn is_misbehaviour(&self) -> bool {
        self.fault.as_ref().is_some_and(|fault| !fault.is_of_settings())
    }

    /// What a person should do next. A rule of the operator or the tenant is theirs to change; all else follows from the
    /// class.
    pub fn advice(&self) -> &'static str {
        if self.fault.as_ref().is_some_and(ConnectorFault::is_denied_by_settings) {
            return "add the line above to the tenant's grant or the operator's policy, if the connector may do that";
        }
        self.class.advice()
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.class, self.text)
    }
}

/// What became of one send.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// The provider took the message.
    Accepted(Receipt),
    /// It did not, or it cannot be told.
    Failed(Failure),
    /// A dry run stopped before the first byte.
    NotSentDryRun,
}
