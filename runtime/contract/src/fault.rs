//! How a connector misbehaved: one case for each limit and each rule that ends its call.

use std::sync::Arc;

use sendbox_policy::{CompositionViolation, Denial, DenialRule, Encoding, HeaderRefusal, RequestShape, ShapeChange};

/// A request that is malformed, whatever it carries. No size is given: it would reveal that of sealed bytes, too.
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
    pub fn map_texts(self, rewrite: impl Fn(&str) -> String) -> Self {
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
    pub(crate) fn is_of_settings(&self) -> bool {
        self.is_denied_by_settings() || self.is_of_a_secret()
    }

    /// Whether a secret is not written in the encoding that the connector expects. The tenant wrote it.
    fn is_of_a_secret(&self) -> bool {
        matches!(self, Self::ManifestViolation(violation) if matches!(&**violation, Violation::Void(Void::Secret { .. })))
    }

    pub(crate) fn is_denied_by_settings(&self) -> bool {
        use DenialRule::{LiteralAddress, NotGrantedByTenant, Port, RefusedByOperator, RevealNotGranted, Scheme};
        let Self::ManifestViolation(violation) = self else { return false };
        let (Violation::Denied(denial) | Violation::Reveal(denial)) = &**violation else { return false };
        matches!(
            denial.rule,
            LiteralAddress | NotGrantedByTenant | Port | RefusedByOperator | RevealNotGranted { .. } | Scheme
        )
    }
}

/// Why a value has no bytes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Void {
    /// `json-string` or `xml` of bytes that are not UTF-8.
    #[error("a sealed value that is not text was encoded as JSON or XML")]
    NotText,
    /// `decode` of a secret that is not so encoded. The tenant gave it, so it is the tenant's to correct.
    #[error("the secret `{key}` is not written in {}", name(*.encoding))]
    Secret {
        /// The parameter's key.
        key: Arc<str>,
        /// What it should be written in.
        encoding: Encoding,
    },
    /// `decode` of a received value that is not so encoded.
    #[error("a received value is not written in {}", name(*.0))]
    Received(Encoding),
}

/// As a person calls it.
fn name(encoding: Encoding) -> &'static str {
    match encoding {
        Encoding::Base64 => "base64",
        Encoding::Base64Url => "base64url",
        Encoding::Hex => "hexadecimal",
        Encoding::Percent => "percent-encoding",
        Encoding::Form => "form encoding",
        Encoding::JsonString => "JSON string escapes",
        Encoding::Xml => "XML entities",
    }
}

/// `decode` was asked of something that is neither one whole secret nor one whole received value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the connector decoded a value that is neither one secret nor one received value")]
pub struct NotDecodable;
