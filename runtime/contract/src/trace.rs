//! The trace of a call, for diagnosis: which host calls a connector made, what was sent (masked), and what came back.
//!
//! It contains nothing sealed: values appear as `[recipient]`, `[text]`, `[code]` or `[secret NAME]`, and texts from guests and
//! providers have been scrubbed.

use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An event of a trace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TraceEvent {
    /// Microseconds since the send began.
    pub at_us: u64,
    /// What happened.
    #[serde(flatten)]
    pub what: TraceKind,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum TraceKind {
    /// A fresh instance was started.
    Instantiated,
    /// A parameter was read. Its value is never recorded.
    Config {
        /// The parameter's key.
        key: String,
        /// Whether it was read as a secret.
        secret: bool,
    },
    /// A sealed value was created.
    Sealed {
        /// The operation.
        operation: SealedOperation,
    },
    /// The connector read a sealed value in plain text, as a grant permits.
    Revealed {
        /// The labels of the value: what it was made from.
        labels: String,
    },
    /// A request passed the rules and is being sent.
    Request {
        /// The HTTP method.
        method: String,
        /// The URL, with sealed parts masked.
        url: String,
        /// Whether the request contains the recipient and the message.
        carries_message: bool,
    },
    /// A request was refused. No part of it was sent.
    Refused {
        /// The rule, and the line that would allow the request.
        reason: String,
    },
    /// The provider answered.
    Response {
        /// The HTTP status.
        status: u16,
        /// The size of the decoded body after scrubbing, in bytes.
        body_bytes: usize,
        /// The address that the host connected to.
        peer: String,
        /// The beginning of the body if it is text: at most 2 KiB, scrubbed, and without long runs of digits.
        body: String,
    },
    /// The provider did not answer.
    NoResponse {
        /// Why there was no answer.
        reason: String,
    },
    /// The connector logged a line.
    Log {
        /// The level, according to the connector.
        level: LogLevel,
        /// The line, escaped and scrubbed.
        message: String,
    },
    /// Further log lines were dropped.
    LogTruncated,
    /// The connector returned or was terminated.
    Returned {
        /// `receipt`, a failure class, or the fault that terminated it.
        result: String,
    },
}

/// An operation on sealed values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "the functions of wit/connector/v1/sealed.wit")]
pub enum SealedOperation {
    Concat,
    Encode,
    Digest,
    Hmac,
    Decode,
}

impl SealedOperation {
    /// The operation's name, like `concat`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Concat => "concat",
            Self::Encode => "encode",
            Self::Digest => "digest",
            Self::Hmac => "hmac",
            Self::Decode => "decode",
        }
    }
}

/// The level of a log line. `Stderr` is output on standard error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "the names are the documentation")]
pub enum LogLevel {
    Debug,
    Info,
    Warn,
    Error,
    Stderr,
}

impl LogLevel {
    /// The level's name, like `warn`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
            Self::Stderr => "stderr",
        }
    }
}

/// A request for display, with sealed parts masked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MaskedRequest {
    /// The HTTP method.
    pub method: String,
    /// The URL, with sealed parts masked.
    pub url: String,
    /// The headers in order, including those that the host adds.
    pub headers: Vec<(String, String)>,
    /// The body, with sealed parts masked.
    pub body: String,
    /// Whether the request contains the recipient and the message.
    pub carries_message: bool,
}

/// The resources that a call used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ResourceUse {
    /// The time from the request for a slot to the outcome.
    #[serde(rename = "timeUs", serialize_with = "micros", deserialize_with = "from_micros")]
    pub time: Duration,
    /// CPU time of the guest and of the host's work for it, without the exchange with the provider.
    #[serde(rename = "cpuUs", serialize_with = "micros", deserialize_with = "from_micros")]
    pub cpu: Duration,
    /// Peak linear memory, in bytes.
    pub memory_bytes: usize,
    /// The number of host calls.
    pub host_calls: u64,
    /// The number of requests, sent or refused.
    pub requests: u32,
}

fn micros<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(u64::try_from(duration.as_micros()).unwrap_or(u64::MAX))
}

fn from_micros<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    u64::deserialize(deserializer).map(Duration::from_micros)
}
