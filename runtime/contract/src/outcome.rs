//! What became of one send.
//!
//! An outcome says four things, so that nobody has to guess: what failed, who failed, whether bytes of the message had left,
//! and what to do. Whether bytes left is the host's own finding; a connector cannot talk it away.

use serde::Serialize;

use crate::failure::Failure;

/// What became of one send.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// The provider took the message.
    Accepted(Receipt),
    /// It did not, or nobody can know.
    Failed(Failure),
    /// A dry run stopped before the first byte.
    NotSentDryRun,
}

/// The provider took the message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Receipt {
    /// The provider's id of the message.
    pub message_id: Option<String>,
    /// The provider's own word for the state.
    pub status: Option<String>,
    /// Parts, as the provider counted them.
    pub segments: Option<u32>,
    /// What it cost, when the provider says so.
    pub price: Option<Price>,
}

/// What a message cost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Price {
    /// Decimal, as the provider wrote it.
    pub amount: String,
    /// ISO 4217, or the provider's own unit.
    pub currency: String,
}
