//! The trace of a call, for people: which host calls a connector made, what left (masked), what came back.
//!
//! Nothing sealed is in it: values show as `[recipient]`, `[text]`, `[code]`, `[secret NAME]`, and texts that a guest or a
//! provider wrote went through the scrubber first.

use serde::Serialize;

/// One line of a trace.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TraceEvent {
    /// Microseconds since the send began.
    pub at_us: u64,
    /// What happened.
    #[serde(flatten)]
    pub what: TraceKind,
}

/// What happened.
#[derive(Clone, Debug, Serialize)]
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
        /// `concat`, `encode`, `digest`, `hmac`, `decode`.
        operation: &'static str,
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
        /// `debug`, `info`, `warn`, `error`, or `stderr`.
        level: &'static str,
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
