//! How a connector misbehaved, with one case for each limit and each rule that ends a call.

use std::sync::Arc;

use sendbox_policy::{CompositionViolation, Denial, DenialRule, Encoding, HeaderRefusal, RequestShape, ShapeChange};

/// A malformed request, whatever it carries. The actual size is never given, because it would reveal the size of sealed values.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MalformedRequest {
    /// The request is too large in total.
    #[error("the request has more than {limit} bytes over all its parts")]
    Size {
        /// Maximum number of bytes.
        limit: usize,
    },
    /// The body is too large.
    #[error("the request body has more than {limit} bytes")]
    BodySize {
        /// Maximum number of bytes.
        limit: usize,
    },
    /// The URL is too long.
    #[error("the URL has more than {limit} bytes")]
    UrlSize {
        /// Maximum number of bytes.
        limit: usize,
    },
    /// There are too many headers.
    #[error("the request has more than {limit} headers")]
    Headers {
        /// Maximum number of headers.
        limit: usize,
    },
    /// The headers are too large in total.
    #[error("the request headers have more than {limit} bytes")]
    HeaderSize {
        /// Maximum number of bytes.
        limit: usize,
    },
    /// A header is not allowed.
    #[error(transparent)]
    Header(#[from] HeaderRefusal),
    /// The URL is not valid UTF-8.
    #[error("the URL is not text")]
    UrlText,
    /// A sealed part of the URL is not percent-encoded.
    #[error("a sealed part of the URL is not encoded; encode it with `percent`")]
    UrlEncoding,
    /// The URL contains control characters, spaces or backslashes.
    #[error("the URL holds control characters, spaces or backslashes")]
    UrlCharacters,
    /// The URL does not begin with exactly `https://`.
    #[error("the URL does not begin with `https://`")]
    UrlScheme,
    /// There is a sealed part before the path of the URL.
    #[error("a sealed part stands in the scheme, host or port of the URL")]
    UrlAuthority,
    /// The URL does not parse.
    #[error("the URL does not parse")]
    Url,
    /// The URL contains a user name or a password.
    #[error("the URL holds a user name or password; use an Authorization header")]
    UrlCredentials,
    /// The URL contains a fragment.
    #[error("the URL holds a fragment")]
    UrlFragment,
}

/// The rule that a connector violated. The violation ended the send, and no part of the request was sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// The request is outside of the manifest or the grant, or contains a value that its host must not receive.
    #[error("{0}")]
    Denied(#[from] Denial),
    /// The request does not contain the recipient and the message exactly once, as whole values in their declared positions.
    #[error("{0}")]
    Composition(#[from] CompositionViolation),
    /// The request is malformed.
    #[error("{0}")]
    Malformed(#[from] MalformedRequest),
    /// The request is too large because of a parameter of the connection. The tenant entered it and has to correct it.
    #[error("{malformed}; shorten the parameter `{key}`")]
    LongParameter {
        /// The key of the parameter.
        key: Arc<str>,
        /// What is too large.
        malformed: MalformedRequest,
    },
    /// A request with the message may already have been sent in this call.
    #[error("a further request after the one with the message; one send is one message, and nothing follows it")]
    AfterMessage,
    /// Sealed values have already been sent to another origin in this call.
    #[error(
        "a request to another origin after sealed values have left to the first; a send that has sealed values out stays there"
    )]
    OtherOrigin,
    /// The call made too many requests.
    #[error("more than the {limit} requests that one send may make")]
    TooManyRequests {
        /// Maximum number of requests.
        limit: u32,
    },
    /// A request during a call that must not make any: reading a callback.
    #[error("a request where none may be made")]
    NoRequestHere,
    /// A value was decoded that must not be decoded.
    #[error("{}", NotDecodable)]
    NotDecodable,
    /// A value without bytes was used in a request.
    #[error("{0}")]
    Void(Void),
    /// A comparison other than between a signature under a secret and a received value.
    #[error("a comparison that is not between a signature under a secret and one received value")]
    NotCheckable,
    /// Too many signature checks while reading one callback.
    #[error("more than the {limit} signature checks that reading one callback may take")]
    TooManyChecks {
        /// Maximum number of checks.
        limit: u32,
    },
    /// The shape of the request is not one that this version was tested with.
    #[error("{0}")]
    Shape(Box<HeldShape>),
    /// The connector tried to reveal a value without a grant for it.
    #[error("{0}")]
    Reveal(Denial),
}

/// A request whose shape is not pinned for its version.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the request is not shaped like one that this version was tested to send: {}", .changes.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
pub struct HeldShape {
    /// The shape of the request that was held back.
    pub shape: RequestShape,
    /// How it differs from the most similar pinned shape.
    pub changes: Vec<ShapeChange>,
}

impl Violation {
    /// Rewrites every text that the connector influenced, such as hosts and header names.
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

/// How a connector misbehaved. Each limit has its own case.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConnectorFault {
    /// A wasm trap: `unreachable`, an out-of-bounds access, a division by zero or the like.
    #[error("the connector crashed: {0}")]
    Trap(String),
    /// The CPU budget of the send was exceeded.
    #[error("the connector used more than its {limit_ms} ms of CPU")]
    Cpu {
        /// The budget, in milliseconds.
        limit_ms: u64,
    },
    /// The memory limit was exceeded.
    #[error("the connector asked for more than its {limit_bytes} bytes of memory")]
    Memory {
        /// Maximum number of bytes, over all memories.
        limit_bytes: usize,
    },
    /// The limit of table elements was exceeded.
    #[error("the connector asked for more than {limit} table elements")]
    Table {
        /// Maximum number of elements, over all tables.
        limit: usize,
    },
    /// The stack overflowed.
    #[error("the connector used more than its {limit_bytes} bytes of stack")]
    Stack {
        /// The size of the stack, in bytes.
        limit_bytes: usize,
    },
    /// Too many host calls.
    #[error("the connector called the host more than {limit} times")]
    HostCalls {
        /// Maximum number of calls.
        limit: u64,
    },
    /// Too much data in one host call.
    #[error("the connector handed more than {limit_bytes} bytes to one host call")]
    HostCallSize {
        /// Maximum number of bytes.
        limit_bytes: usize,
    },
    /// Too many live handles.
    #[error("the connector holds more than {limit} handles")]
    Handles {
        /// Maximum number of handles.
        limit: usize,
    },
    /// Sealed operations produced too many bytes.
    #[error("the connector made more than {limit_bytes} bytes of sealed values")]
    SealedBytes {
        /// Maximum number of bytes.
        limit_bytes: usize,
    },
    /// A sealed value has too many parts.
    #[error("the connector made a sealed value of more than {limit} parts")]
    SealedPieces {
        /// Maximum number of parts, including nested ones.
        limit: usize,
    },
    /// An import was called where none may be called (in `metadata`).
    #[error("the connector called `{0}` where no import may be called")]
    ImportRefused(&'static str),
    /// A rule of the manifest, the grant or the composition was violated.
    #[error("{0}")]
    ManifestViolation(Box<Violation>),
    /// A receipt although the request with the message was never sent.
    #[error("the connector reported success, but no request with the message has left")]
    ReceiptWithoutRequest,
    /// The connector returned something that the contract does not allow.
    #[error("the connector's answer is invalid: {0}")]
    BadAnswer(String),
}

impl ConnectorFault {
    /// Whether the connector only asked for what its manifest declares, and the operator or the tenant does not permit it. That is
    /// not a fault of its code, and no reason to roll a version back.
    pub(crate) fn is_settings_denial(&self) -> bool {
        self.is_denied_by_settings() || self.is_invalid_parameter()
    }

    /// Whether a secret is not in the encoding that the connector expects, or a parameter is too long for its request. The tenant entered
    /// both.
    fn is_invalid_parameter(&self) -> bool {
        let Self::ManifestViolation(violation) = self else { return false };
        matches!(&**violation, Violation::Void(Void::Secret { .. }) | Violation::LongParameter { .. })
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

/// Why a sealed value has no bytes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Void {
    /// `json-string` or `xml` of bytes that are not UTF-8.
    #[error("a sealed value that is not text was encoded as JSON or XML")]
    NotText,
    /// `decode` of a secret with another encoding. The tenant entered it and has to correct it.
    #[error("the secret `{key}` is not written in {}", name(*.encoding))]
    Secret {
        /// The key of the parameter.
        key: Arc<str>,
        /// The expected encoding.
        encoding: Encoding,
    },
    /// `decode` of a received value with another encoding.
    #[error("a received value is not written in {}", name(*.0))]
    Received(Encoding),
}

/// The encoding's display name.
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

/// `decode` of something that is neither one whole secret nor one whole received value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the connector decoded a value that is neither one secret nor one received value")]
pub struct NotDecodable;
