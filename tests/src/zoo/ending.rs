//! How a hostile guest ends: by which rule, or by none.

use std::fmt;

use sendbox_sandbox::policy::{CompositionViolation, DenialRule};
use sendbox_sandbox::{ConnectorFault, FailureClass, MalformedRequest, Outcome, SendResult, Violation};

/// What ended a guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ending {
    // No rule: what it did is allowed, and nothing leaks.
    /// The provider took the message as it should be.
    Accepted,
    /// The guest gave up, and what it says of it is of no use.
    OwnFailure,
    /// Nobody knows whether the provider acted, and the host says so.
    InDoubt,
    // What it used.
    /// It trapped, exited or broke the component's own rules.
    Crash,
    /// CPU.
    Cpu,
    /// Time.
    Deadline,
    /// Memory.
    Memory,
    /// Stack.
    Stack,
    /// Calls of the host.
    HostCalls,
    /// What one call hands to the host.
    HostCallSize,
    /// Handles.
    Handles,
    /// Bytes of sealed values.
    SealedBytes,
    /// Parts of a sealed value.
    SealedPieces,
    // What it called.
    /// An import where none may be called.
    NotHere,
    /// Reading a sealed value.
    Reveal,
    /// Decoding what may not be decoded.
    NotDecodable,
    /// Placing a value that has no bytes.
    Void,
    /// Comparing what is no signature.
    NotCheckable,
    /// Comparing too often.
    TooManyChecks,
    // Where a request goes.
    /// Host, port, path or method.
    Reach,
    /// The spelling of the URL.
    Url,
    /// A secret for another host.
    Secret,
    /// The message for a host that receives none.
    MessageElsewhere,
    /// More than one request after another.
    AfterMessage,
    /// Another origin after sealed values.
    OtherOrigin,
    /// Requests.
    TooManyRequests,
    // What a request is.
    /// Its size.
    Size,
    /// A header.
    Header,
    /// The type of its body.
    ContentType,
    /// A body or a URL that can be read in two ways, or in none.
    Unreadable,
    /// The number: missing, twice, in another format or at another place.
    Recipient,
    /// The content: missing, twice, with something beside it or at another place.
    Content,
    /// The end user's address.
    ClientIp,
    /// A second field of the same name.
    NameAgain,
    /// A sealed value as a name.
    SealedName,
    /// Sealed bytes that would end the field that contains them.
    Structure,
    /// Digits that could be another number.
    SecondNumber,
    /// A shape that the version was not tested to send.
    Shape,
    // What it claims.
    /// A receipt for nothing.
    FalseReceipt,
    /// An answer that the contract does not allow.
    BadAnswer,
}

impl Ending {
    /// Of a whole send.
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

    /// Of a fault.
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

    /// Whether no rule ended it.
    pub fn is_allowed(self) -> bool {
        matches!(self, Self::Accepted | Self::OwnFailure | Self::InDoubt)
    }
}

/// For the column «ended by».
impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Accepted => "allowed: the message goes where it should, and nothing leaks",
            Self::OwnFailure => "allowed: it gives up, and nothing leaks",
            Self::InDoubt => "allowed: in doubt, whatever it claims",
            Self::Crash => "it crashes, and its instance is gone",
            Self::Cpu => "the limit of CPU",
            Self::Deadline => "the time of a send",
            Self::Memory => "the limit of memory",
            Self::Stack => "the limit of stack",
            Self::HostCalls => "the limit of host calls",
            Self::HostCallSize => "the size of one host call",
            Self::Handles => "the limit of handles",
            Self::SealedBytes => "the budget of sealed bytes",
            Self::SealedPieces => "the parts of one sealed value",
            Self::NotHere => "an import that may not be called here",
            Self::Reveal => "no grant to read sealed values",
            Self::NotDecodable => "only one whole secret or received value is decoded",
            Self::Void => "a value without bytes is not placed",
            Self::NotCheckable => "only a signature is compared, with what was received",
            Self::TooManyChecks => "eight comparisons in one callback",
            Self::Reach => "host, path and method are inside the grant",
            Self::Url => "a URL is spelt in one way",
            Self::Secret => "a secret goes to its host, in its form",
            Self::MessageElsewhere => "a host without places receives nothing of the message",
            Self::AfterMessage => "nothing follows the message",
            Self::OtherOrigin => "after sealed values, one origin",
            Self::TooManyRequests => "the requests of a send",
            Self::Size => "the size of a request",
            Self::Header => "the list of headers, each once",
            Self::ContentType => "a body of one known type, in UTF-8",
            Self::Unreadable => "what cannot be read in one way does not leave",
            Self::Recipient => "the number is the whole value of its place, once",
            Self::Content => "the content is the whole value of its place, once",
            Self::ClientIp => "the end user's address at its place",
            Self::NameAgain => "no second field with the name of a place",
            Self::SealedName => "a sealed value is a value, and no name",
            Self::Structure => "sealed bytes do not change what a request holds",
            Self::SecondNumber => "nothing else that could be a number",
            Self::Shape => "the shape that the version was tested to send",
            Self::FalseReceipt => "a receipt for a message that left",
            Self::BadAnswer => "an answer that the contract allows",
        })
    }
}
