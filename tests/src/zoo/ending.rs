//! How a hostile guest ends: which rule stops it, if any.

use std::fmt;

use sendbox_sandbox::policy::{CompositionViolation, DenialRule};
use sendbox_sandbox::{ConnectorFault, FailureClass, MalformedRequest, Outcome, SendResult, Violation};

/// How a guest ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ending {
    // No rule stopped it: what it did is allowed, and nothing leaks.
    /// The provider accepted a correct message.
    Accepted,
    /// The guest gave up and returned a failure.
    OwnFailure,
    /// Nobody knows whether the provider acted, and the host says so.
    InDoubt,
    // Resource limits.
    /// It trapped, exited or broke the component's own rules.
    Crash,
    /// It used too much CPU time.
    Cpu,
    /// It exceeded the deadline.
    Deadline,
    /// It used too much memory.
    Memory,
    /// Its stack overflowed.
    Stack,
    /// It called the host too often.
    HostCalls,
    /// It passed too much to the host in one call.
    HostCallSize,
    /// It held too many handles.
    Handles,
    /// Its sealed values had too many bytes.
    SealedBytes,
    /// A sealed value had too many parts.
    SealedPieces,
    // Rules for calls of the host.
    /// It called an import where that is not allowed.
    NotHere,
    /// It read a sealed value without a grant.
    Reveal,
    /// It decoded a value that must not be decoded.
    NotDecodable,
    /// It put a value without bytes into a request.
    Void,
    /// It compared a value that is not a signature.
    NotCheckable,
    /// It compared too often.
    TooManyChecks,
    // Rules for the target of a request.
    /// The host, port, path or method is not granted.
    Reach,
    /// The URL is ambiguous.
    Url,
    /// A secret was sent to a host that it is not bound to.
    Secret,
    /// The message was sent to a host that receives none.
    MessageElsewhere,
    /// A request followed the one with the message.
    AfterMessage,
    /// A request went to another origin after sealed values were sent.
    OtherOrigin,
    /// It made too many requests.
    TooManyRequests,
    // Rules for the contents of a request.
    /// The request is too large.
    Size,
    /// A header is not allowed, or is repeated.
    Header,
    /// The type of the body is not allowed.
    ContentType,
    /// The body or the URL is ambiguous or malformed.
    Unreadable,
    /// The number is missing, repeated, in another format or in another place.
    Recipient,
    /// The content is missing, repeated, extended or in another place.
    Content,
    /// The end user's IP address is in another place.
    ClientIp,
    /// A second field has the name of a declared place.
    NameAgain,
    /// A sealed value is used as a name.
    SealedName,
    /// Sealed bytes would end the field that contains them.
    Structure,
    /// Some digits could be another phone number.
    SecondNumber,
    /// The version was not tested with this request shape.
    Shape,
    // Rules for the result.
    /// The receipt is for a message that was not sent.
    FalseReceipt,
    /// The contract does not allow the result.
    BadAnswer,
}

impl Ending {
    /// The ending of a send.
    pub fn of(report: &SendResult) -> Self {
        match &report.outcome {
            Outcome::Accepted(_) => Self::Accepted,
            Outcome::NotSentDryRun => Self::OwnFailure,
            Outcome::Failed(failure) => match (&failure.fault, failure.class) {
                (Some(fault), _) => Self::of_fault(fault),
                (None, _) if failure.text.contains("did not end within") => Self::Deadline,
                (None, FailureClass::InDoubt) => Self::InDoubt,
                (None, _) => Self::OwnFailure,
            },
        }
    }

    /// The ending for a fault.
    pub fn of_fault(fault: &ConnectorFault) -> Self {
        match fault {
            ConnectorFault::Trap(_) => Self::Crash,
            ConnectorFault::Cpu { .. } => Self::Cpu,
            ConnectorFault::Memory { .. } | ConnectorFault::Table { .. } => Self::Memory,
            ConnectorFault::Stack { .. } => Self::Stack,
            ConnectorFault::HostCalls { .. } => Self::HostCalls,
            ConnectorFault::HostCallSize { .. } => Self::HostCallSize,
            ConnectorFault::Handles { .. } => Self::Handles,
            ConnectorFault::SealedBytes { .. } => Self::SealedBytes,
            ConnectorFault::SealedPieces { .. } => Self::SealedPieces,
            ConnectorFault::ImportRefused(_) => Self::NotHere,
            ConnectorFault::ManifestViolation(violation) => Self::of_violation(violation),
            ConnectorFault::ReceiptWithoutRequest => Self::FalseReceipt,
            ConnectorFault::BadAnswer(_) => Self::BadAnswer,
        }
    }

    fn of_violation(violation: &Violation) -> Self {
        match violation {
            Violation::Denied(denial) => match denial.rule {
                DenialRule::SecretNotBound { .. } => Self::Secret,
                DenialRule::MessageNotForHost => Self::MessageElsewhere,
                _ => Self::Reach,
            },
            Violation::Reveal(_) => Self::Reveal,
            Violation::Malformed(malformed) => Self::of_malformed(malformed),
            Violation::LongParameter { malformed, .. } => Self::of_malformed(malformed),
            Violation::Composition(composition) => Self::of_composition(composition),
            Violation::AfterMessage => Self::AfterMessage,
            Violation::OtherOrigin => Self::OtherOrigin,
            Violation::TooManyRequests { .. } => Self::TooManyRequests,
            Violation::NoRequestHere => Self::NotHere,
            Violation::NotDecodable => Self::NotDecodable,
            Violation::Void(_) => Self::Void,
            Violation::NotCheckable => Self::NotCheckable,
            Violation::TooManyChecks { .. } => Self::TooManyChecks,
            Violation::Shape(_) => Self::Shape,
        }
    }

    fn of_malformed(malformed: &MalformedRequest) -> Self {
        match malformed {
            MalformedRequest::Size { .. }
            | MalformedRequest::BodySize { .. }
            | MalformedRequest::UrlSize { .. }
            | MalformedRequest::Headers { .. }
            | MalformedRequest::HeaderSize { .. } => Self::Size,
            MalformedRequest::Header(_) => Self::Header,
            MalformedRequest::UrlText
            | MalformedRequest::UrlEncoding
            | MalformedRequest::UrlCharacters
            | MalformedRequest::UrlScheme
            | MalformedRequest::UrlAuthority
            | MalformedRequest::Url
            | MalformedRequest::UrlCredentials
            | MalformedRequest::UrlFragment => Self::Url,
        }
    }

    fn of_composition(composition: &CompositionViolation) -> Self {
        use CompositionViolation as Broken;
        match composition {
            Broken::NoRecipient
            | Broken::RecipientTwice(_)
            | Broken::RecipientFormat { .. }
            | Broken::RecipientPlace { .. }
            | Broken::RecipientList { .. } => Self::Recipient,
            Broken::NoMessage
            | Broken::MessageTwice(_)
            | Broken::WrongContent(_)
            | Broken::LeftoverWithoutMessage
            | Broken::ContentPlace { .. }
            | Broken::ContentAdded { .. } => Self::Content,
            Broken::NoPlaces => Self::MessageElsewhere,
            Broken::ClientIpPlace => Self::ClientIp,
            Broken::NameAgain { .. } => Self::NameAgain,
            Broken::SealedOutsideValue(_) => Self::SealedName,
            Broken::Url(_) | Broken::Malformed { .. } => Self::Unreadable,
            Broken::ContentType => Self::ContentType,
            Broken::BytesDiffer(_) | Broken::TooManyPieces(_) => Self::Structure,
            Broken::SecondNumber { .. } => Self::SecondNumber,
        }
    }

    /// Whether no rule stopped the guest.
    pub fn is_allowed(self) -> bool {
        matches!(self, Self::Accepted | Self::OwnFailure | Self::InDoubt)
    }
}

/// The text in the column "stopped by".
impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Accepted => "allowed: the message goes where it should, and nothing leaks",
            Self::OwnFailure => "allowed: it gives up, and nothing leaks",
            Self::InDoubt => "allowed: in doubt, whatever it claims",
            Self::Crash => "it crashes, and its instance is dropped",
            Self::Cpu => "the CPU limit",
            Self::Deadline => "the time limit of a send",
            Self::Memory => "the memory limit",
            Self::Stack => "the stack limit",
            Self::HostCalls => "the limit on host calls",
            Self::HostCallSize => "the size limit of a host call",
            Self::Handles => "the limit on handles",
            Self::SealedBytes => "the budget of sealed bytes",
            Self::SealedPieces => "the limit on parts of a sealed value",
            Self::NotHere => "an import that must not be called here",
            Self::Reveal => "no grant to read sealed values",
            Self::NotDecodable => "only a whole secret or received value is decoded",
            Self::Void => "a value without bytes is not put into a request",
            Self::NotCheckable => "only a signature is compared, and only with a received value",
            Self::TooManyChecks => "eight comparisons in one callback",
            Self::Reach => "the host, path and method are granted",
            Self::Url => "a URL has one spelling",
            Self::Secret => "a secret goes only to its host, in its form",
            Self::MessageElsewhere => "a host without declared places receives nothing of the message",
            Self::AfterMessage => "nothing follows the message",
            Self::OtherOrigin => "one origin after sealed values were sent",
            Self::TooManyRequests => "the limit on requests",
            Self::Size => "the size limit of a request",
            Self::Header => "only allowed headers, each once",
            Self::ContentType => "a body of one known type, in UTF-8",
            Self::Unreadable => "an ambiguous request does not leave",
            Self::Recipient => "the number is the whole value of its place, once",
            Self::Content => "the content is the whole value of its place, once",
            Self::ClientIp => "the end user's IP address is at its place only",
            Self::NameAgain => "no second field with the name of a declared place",
            Self::SealedName => "a sealed value is never a name",
            Self::Structure => "sealed bytes do not change the structure of a request",
            Self::SecondNumber => "no other digits that could be a phone number",
            Self::Shape => "only request shapes that the version was tested with",
            Self::FalseReceipt => "a receipt needs a message that left",
            Self::BadAnswer => "a result that the contract allows",
        })
    }
}
