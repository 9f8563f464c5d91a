//! The trace of a call, for people: which host calls a connector made, what left (masked), what came back.
//!
//! Nothing sealed is in it: values show as `[recipient]`, `[text]`, `[code]`, `[secret NAME]`, and texts that a guest or a
//! provider wrote went through the scrubber first.

use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// One line of a trace.
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
    /// A fresh instance stood.
    Instantiated,
    /// A parameter was read. Never its value.
    Config {
        /// The parameter's key.
        key: String,
        /// Whether it was asked for as a secret.
        secret: bool,
    },
    /// A sealed value was made.
    Sealed {
        /// Which.
        operation: SealedOperation,
    },
    /// The connector read a sealed value in clear, by its grant.
    Revealed {
        /// What it was made of.
        labels: String,
    },
    /// A request passed the rules and goes out.
    Request {
        /// `POST`
        method: String,
        /// Masked.
        url: String,
        /// Whether it carries the message.
        carries_message: bool,
    },
    /// A request was refused. Nothing left.
    Refused {
        /// Which rule, and the line that would allow it.
        reason: String,
    },
    /// The provider answered.
    Response {
        /// HTTP status.
        status: u16,
        /// Bytes of the decoded body, once it is scrubbed.
        body_bytes: usize,
        /// The address that was dialled.
        peer: String,
        /// How the answer begins, as far as it is text: at most 2 KiB, scrubbed, and without long runs of digits.
        body: String,
    },
    /// No answer came.
    NoResponse {
        /// Why.
        reason: String,
    },
    /// The connector wrote a line.
    Log {
        /// How serious the connector says it is.
        level: LogLevel,
        /// Escaped and scrubbed.
        message: String,
    },
    /// Lines were dropped from here on.
    LogTruncated,
    /// The connector returned, or was ended.
    Returned {
        /// `receipt`, a failure class, or the fault.
        result: String,
    },
}

/// What a connector did with sealed values.
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
    /// `concat`
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

/// How serious a line of a connector's log is; `stderr` is what it wrote there.
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
    /// `warn`
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

/// A request as people see it: sealed parts are masked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MaskedRequest {
    /// `POST`
    pub method: String,
    /// Sealed parts masked.
    pub url: String,
    /// Names and values, in their order, with those that the host adds.
    pub headers: Vec<(String, String)>,
    /// Sealed parts masked.
    pub body: String,
    /// Whether it carries recipient and message.
    pub carries_message: bool,
}

/// What one call used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ResourceUse {
    /// From the request for a slot to the outcome.
    #[serde(rename = "timeUs", serialize_with = "micros", deserialize_with = "from_micros")]
    pub time: Duration,
    /// CPU of the guest, and of the host's work for it; the exchange with a provider not counted.
    #[serde(rename = "cpuUs", serialize_with = "micros", deserialize_with = "from_micros")]
    pub cpu: Duration,
    /// Bytes of linear memory at the peak.
    pub memory_bytes: usize,
    /// Calls of the host.
    pub host_calls: u64,
    /// Requests made or refused.
    pub requests: u32,
}

fn micros<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(u64::try_from(duration.as_micros()).unwrap_or(u64::MAX))
}

fn from_micros<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    u64::deserialize(deserializer).map(Duration::from_micros)
}
