//! The result of one send.
//!
//! An outcome says what failed, who failed, whether the request was sent, and what to do. Whether it was sent is observed by the
//! host; a connector cannot dispute it.

use serde::Serialize;

use crate::failure::Failure;

/// The result of one send.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// The provider accepted the message.
    Accepted(Receipt),
    /// The provider did not accept the message, or nobody knows.
    Failed(Failure),
    /// A dry run, which stopped before anything was sent.
    NotSentDryRun,
}

/// The provider's acceptance of a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Receipt {
    /// The provider's id of the message.
    pub message_id: Option<String>,
    /// The provider's name for the status.
    pub status: Option<String>,
    /// The number of segments according to the provider.
    pub segments: Option<u32>,
    /// The price, if the provider gives one.
    pub price: Option<Price>,
}

/// The price of a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Price {
    /// The decimal amount, as the provider wrote it.
    pub amount: String,
    /// The currency (ISO 4217), or the provider's own unit.
    pub currency: String,
}
