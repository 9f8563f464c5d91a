use sendbox_policy::ShapeChange;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Timestamp;

/// Where a request shape was first seen, and whether it was approved.
///
/// - `rehearsed`: in a rehearsal, which is a dry run with made-up messages before a connection first sends with a version.
/// - `test`: in a test message.
/// - `canary`: in a message of a canary.
/// - `first`: in the first message of a version that could not be rehearsed.
/// - `held`: in a message that was held back.
/// - `approved`: in a message that was held back, and somebody approved the shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ShapeOrigin {
    /// In a rehearsal: a dry run with made-up messages before a connection first sends with a version.
    Rehearsed,
    /// In a test message.
    Test,
    /// In a message of a canary.
    Canary,
    /// In the first message of a version that could not be rehearsed.
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

    /// Whether every connection may send a shape of this origin. A rehearsed shape may be sent only by the connection that it was
    /// rehearsed with; other connections rehearse again.
    pub fn is_pinned(self) -> bool {
        matches!(self, Self::Test | Self::Canary | Self::First | Self::Approved)
    }
}

/// A line that was added to or removed from a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ShapeLine {
    /// Whether the line was added; otherwise it was removed.
    pub added: bool,
    /// The line. It contains no sealed value.
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

/// The shape of a request: everything in it but the values that the connector cannot read and those that Sendbox passed to it. Sealed
/// values appear as `[text]`, `[recipient digits]` or `[secret apiKey]`, and values that Sendbox passed to the connector as
/// `{config from}` or `{time}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = RequestShape)]
pub struct VersionShape {
    /// The shape's id: its SHA-256 in hexadecimal.
    #[schema(example = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")]
    pub id: String,
    /// Where the shape was first seen, and whether it was approved.
    pub origin: ShapeOrigin,
    /// The shape, line by line: the method and the URL, then the fields.
    #[schema(example = json!(["POST https://api.example.com/send", "json /text = \"[text]\"", "json /to = \"[recipient digits]\""]))]
    pub lines: Vec<String>,
    /// How the shape differs from the most similar one that the version may send, or, if the version does not send yet, that the
    /// active version may send. Empty if there is nothing to compare it with.
    pub changes: Vec<ShapeLine>,
    /// How many requests had this shape, not counting those that were sent without a comparison.
    #[schema(example = 3)]
    pub requests: u64,
    /// When the shape was first seen.
    pub first_seen_at: Timestamp,
    /// When the shape was last seen.
    pub last_seen_at: Timestamp,
    /// Who approved the shape: `platform`, or `key:` and the id of a key. Absent if nobody did.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "key:k7k3x9q2v5t8w4n6p1r0d")]
    pub approved_by: Option<String>,
}

/// A version with requests that were held back and that nobody has approved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct HeldRequests {
    /// The digest of the version.
    #[schema(example = "sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae")]
    pub digest: String,
    /// The number of request shapes.
    #[schema(example = 1)]
    pub shapes: u64,
}
