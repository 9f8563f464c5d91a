use sendbox_policy::ShapeChange;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Timestamp;

/// Where the shape of a request was seen first, or who approved it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ShapeOrigin {
    /// In a rehearsal: dry runs with made-up messages, before a connection sends for the first time with a version.
    Rehearsed,
    /// In a test message.
    Test,
    /// In a message of a canary.
    Canary,
    /// In the first message of a version of which nothing could be rehearsed.
    First,
    /// In a message that was held back.
    Held,
    /// In a message that was held back, and somebody approved it.
    Approved,
}

impl ShapeOrigin {
    /// `canary`
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Rehearsed => "rehearsed",
            Self::Test => "test",
            Self::Canary => "canary",
            Self::First => "first",
            Self::Held => "held",
            Self::Approved => "approved",
        }
    }

    /// Whether a shape from there may be sent by every connection. What was rehearsed may be sent by the connection that it
    /// was rehearsed with, and is rehearsed again by others.
    pub fn is_pinned(self) -> bool {
        matches!(self, Self::Test | Self::Canary | Self::First | Self::Approved)
    }
}

/// A line that was added to a request, or is gone from it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ShapeLine {
    /// Whether it is new; otherwise it is gone.
    pub added: bool,
    /// The line. Nothing sealed is in it.
    #[schema(example = "json /validity = \"{lifetime}\"")]
    pub line: String,
}

impl From<ShapeChange> for ShapeLine {
    fn from(change: ShapeChange) -> Self {
        match change {
            ShapeChange::Removed(line) => Self { added: false, line },
            ShapeChange::Added(line) => Self { added: true, line },
        }
    }
}

/// What is literal in a request that a version makes: one line for the method and the URL, then one for each field. Sealed values
/// read `[text]`, `[recipient digits]`, `[secret apiKey]`; what Sendbox gave to the connector reads `{config from}`, `{time}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct VersionShape {
    /// SHA-256 of the shape, in hexadecimal: its name.
    #[schema(example = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")]
    pub shape: String,
    /// Where it was seen.
    pub origin: ShapeOrigin,
    /// The request, line by line.
    #[schema(example = json!(["POST https://api.example.com/send", "json /text = \"[text]\"", "json /to = \"[recipient digits]\""]))]
    pub lines: Vec<String>,
    /// How it differs from the nearest request that may be sent; for a version that does not send, from the nearest request of
    /// the active version. Empty when there is nothing to compare it with.
    pub changes: Vec<ShapeLine>,
    /// How many requests had this shape; those that were sent without being held against anything are not counted.
    pub requests: u64,
    /// When it was seen first.
    pub first_seen: Timestamp,
    /// When it was seen last.
    pub last_seen: Timestamp,
    /// Who approved it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approved_by: Option<String>,
}

/// Requests of a version that were held back and that nobody has approved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct HeldRequests {
    /// Which version.
    pub digest: String,
    /// How many shapes.
    pub shapes: u64,
}
