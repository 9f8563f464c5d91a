//! What happened during an attempt, as the API shows it. Secrets, codes, phone numbers and texts are masked.

use sendbox_contract::{MaskedRequest, ResourceUse, TraceKind};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::ShapeLine;

/// What happened during an attempt. Secrets, codes, phone numbers and texts are masked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct AttemptDetail {
    /// Why this connection was chosen. Absent for a test number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub route: Option<RouteReason>,
    /// Variables of the template to which the message gave no value. The text kept their placeholders, like `{{app}}`.
    #[schema(required, example = json!(["app"]))]
    pub unfilled_variables: Vec<String>,
    /// What happened, in order.
    #[schema(required)]
    pub trace: Vec<TraceEvent>,
    /// The requests that were sent.
    #[schema(required)]
    pub requests: Vec<SentRequest>,
    /// The request that a rule held back. No part of it was sent.
    pub held_request: Option<SentRequest>,
    /// How the request that was held back differs from those that the version may send.
    pub held_shape: Option<HeldShape>,
    /// What the connector used. `null` while the attempt is in progress.
    pub resource_usage: Option<ResourceUsage>,
    /// The HTTP status with which the provider answered the request that carried the message. `null` without an answer.
    #[schema(minimum = 100, maximum = 599, example = 201)]
    pub response_status: Option<u16>,
    /// The origins to which bytes may have been sent.
    #[schema(required, example = json!(["https://api.twilio.com"]))]
    pub hosts_reached: Vec<String>,
}

/// Why an attempt uses its connection.
///
/// - `active`: it is the active connection.
/// - `country`: the policy routes the country of the number to it.
/// - `fallback`: it is a fallback of the policy.
/// - `retry`: the previous attempt used it, too.
/// - `earlier`: it was chosen before the policy changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "described above")]
pub enum RouteReason {
    Active,
    Country,
    Fallback,
    Retry,
    Earlier,
}

/// A request whose shape the version may not send yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct HeldShape {
    /// The id of the request shape: its SHA-256 in hexadecimal. Approve it by this id.
    #[schema(example = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")]
    pub shape: String,
    /// How it differs from the most similar request that the version may send.
    pub changes: Vec<ShapeLine>,
}

/// A request to a provider, masked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SentRequest {
    /// The HTTP method.
    #[schema(example = "POST")]
    pub method: String,
    /// The URL, with sealed values masked.
    #[schema(example = "https://api.twilio.com/2010-04-01/Accounts/AC…/Messages.json")]
    pub url: String,
    /// The headers in their order, including those that Sendbox adds.
    pub headers: Vec<RequestHeader>,
    /// The body, with sealed values masked.
    #[schema(example = "To=[recipient]&Body=[text]")]
    pub body: String,
    /// Whether the request contains the recipient and the message.
    pub carries_message: bool,
}

/// A header of a request, masked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RequestHeader {
    /// The name of the header.
    #[schema(example = "authorization")]
    pub name: String,
    /// The value, with sealed values masked.
    #[schema(example = "Basic [secret authToken]")]
    pub value: String,
}

impl From<&MaskedRequest> for SentRequest {
    fn from(record: &MaskedRequest) -> Self {
        let header = |(name, value): &(String, String)| RequestHeader { name: name.clone(), value: value.clone() };
        Self {
            method: record.method.clone(),
            url: record.url.clone(),
            headers: record.headers.iter().map(header).collect(),
            body: record.body.clone(),
            carries_message: record.carries_message,
        }
    }
}

/// What a connector used during one send.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ResourceUsage {
    /// The duration of the send, in microseconds.
    #[schema(example = 184_200)]
    pub time_us: u64,
    /// CPU time of the connector and of Sendbox's work for it, in microseconds.
    #[schema(example = 950)]
    pub cpu_us: u64,
    /// Memory of the connector at its peak, in bytes.
    #[schema(example = 1_179_648)]
    pub memory_bytes: u64,
    /// Calls of host functions.
    #[schema(example = 31)]
    pub host_calls: u64,
    /// Requests that were sent or refused.
    #[schema(example = 1)]
    pub requests: u32,
}

impl From<ResourceUse> for ResourceUsage {
    fn from(used: ResourceUse) -> Self {
        let micros = |duration: std::time::Duration| u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        Self {
            time_us: micros(used.time),
            cpu_us: micros(used.cpu),
            memory_bytes: used.memory_bytes as u64,
            host_calls: used.host_calls,
            requests: used.requests,
        }
    }
}

/// A step of a send.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TraceEvent {
    /// Microseconds since the send began.
    #[schema(example = 1840)]
    pub at_us: u64,
    /// What happened.
    #[serde(flatten)]
    pub step: TraceStep,
}

/// What happened in a step of a send; `event` says which it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
// Fields are renamed one by one because utoipa does not support `rename_all_fields`.
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum TraceStep {
    /// A fresh instance of the connector was started.
    Instantiated,
    /// The connector read a parameter.
    Config {
        /// The name of the parameter.
        #[schema(example = "accountSID")]
        key: String,
        /// Whether it read the parameter as a secret, which it cannot see.
        secret: bool,
    },
    /// The connector composed a value from sealed values, without seeing them.
    Sealed {
        /// The operation: `concat`, `encode`, `digest`, `hmac` or `decode`.
        #[schema(example = "concat")]
        operation: String,
    },
    /// The connector read a sealed value in plain text, as a grant permits.
    Revealed {
        /// The labels of the value: what it was made from.
        #[schema(example = "[recipient]")]
        labels: String,
    },
    /// A request passed the rules and was sent.
    Request {
        /// The HTTP method.
        #[schema(example = "POST")]
        method: String,
        /// The URL, with sealed values masked.
        #[schema(example = "https://api.twilio.com/2010-04-01/Accounts/AC…/Messages.json")]
        url: String,
        /// Whether the request contains the recipient and the message.
        #[serde(rename = "carriesMessage")]
        carries_message: bool,
    },
    /// A rule refused a request. No part of it was sent.
    Refused {
        /// The rule, and what would allow the request.
        #[schema(example = "the host collect.example.com is not in the manifest")]
        reason: String,
    },
    /// The provider answered.
    Response {
        /// The HTTP status.
        #[schema(minimum = 100, maximum = 599, example = 201)]
        status: u16,
        /// The size of the decoded body, in bytes.
        #[serde(rename = "bodyBytes")]
        #[schema(example = 612)]
        body_bytes: u64,
        /// The address that the request was sent to.
        #[schema(example = "203.0.113.7:443")]
        peer: String,
        /// The beginning of the body if it is text: at most 2 KiB, without sealed values and long runs of digits.
        #[schema(example = "{\"sid\":\"SM4f1e\",\"status\":\"queued\"}")]
        body: String,
    },
    /// The provider did not answer.
    NoResponse {
        /// Why there was no answer.
        #[schema(example = "the connection was closed")]
        reason: String,
    },
    /// The connector logged a line.
    Log {
        /// The level: `debug`, `info`, `warn`, `error`, or `stderr`.
        #[schema(example = "info")]
        level: String,
        /// The line, without sealed values.
        #[schema(example = "using the messaging service")]
        message: String,
    },
    /// The connector logged too much, and further lines were dropped.
    LogTruncated,
    /// The connector returned, or was terminated.
    Returned {
        /// `receipt`, a failure class, or the fault that terminated it.
        #[schema(example = "receipt")]
        result: String,
    },
}

impl From<&sendbox_contract::TraceEvent> for TraceEvent {
    fn from(event: &sendbox_contract::TraceEvent) -> Self {
        Self { at_us: event.at_us, step: TraceStep::from(&event.what) }
    }
}

impl From<&TraceKind> for TraceStep {
    fn from(kind: &TraceKind) -> Self {
        match kind.clone() {
            TraceKind::Instantiated => Self::Instantiated,
            TraceKind::Config { key, secret } => Self::Config { key, secret },
            TraceKind::Sealed { operation } => Self::Sealed { operation: operation.as_str().to_owned() },
            TraceKind::Revealed { labels } => Self::Revealed { labels },
            TraceKind::Request { method, url, carries_message } => Self::Request { method, url, carries_message },
            TraceKind::Refused { reason } => Self::Refused { reason },
            TraceKind::Response { status, body_bytes, peer, body } => {
                Self::Response { status, body_bytes: body_bytes as u64, peer, body }
            }
            TraceKind::NoResponse { reason } => Self::NoResponse { reason },
            TraceKind::Log { level, message } => Self::Log { level: level.as_str().to_owned(), message },
            TraceKind::LogTruncated => Self::LogTruncated,
            TraceKind::Returned { result } => Self::Returned { result },
        }
    }
}
