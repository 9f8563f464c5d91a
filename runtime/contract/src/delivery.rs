//! Delivery reports: what a provider says about a message that it accepted.

use serde::{Deserialize, Serialize};

use crate::failure::FailureClass;

/// The delivery states of a message, in the order in which they can be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "the names are the documentation")]
pub enum DeliveryState {
    Unknown,
    Queued,
    Sent,
    Expired,
    Rejected,
    Undelivered,
    Delivered,
}

impl DeliveryState {
    /// All states, in order.
    pub const ALL: [Self; 7] =
        [Self::Unknown, Self::Queued, Self::Sent, Self::Expired, Self::Rejected, Self::Undelivered, Self::Delivered];

    /// The state's name in the API, like `undelivered`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Queued => "queued",
            Self::Sent => "sent",
            Self::Expired => "expired",
            Self::Rejected => "rejected",
            Self::Undelivered => "undelivered",
            Self::Delivered => "delivered",
        }
    }

    /// Whether the message will certainly not be delivered.
    #[must_use]
    pub fn is_undelivered(self) -> bool {
        matches!(self, Self::Expired | Self::Rejected | Self::Undelivered)
    }

    /// The state after a further report. Reports can be repeated and arrive out of order, so the result does not depend on their
    /// order: a message never goes back to an earlier state, and one that was delivered stays delivered.
    #[must_use]
    pub fn then(self, reported: Self) -> Self {
        self.max(reported)
    }
}

/// A provider's report about one message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DeliveryReport {
    /// The provider's message id, as in the receipt.
    pub message_id: String,
    /// The reported state.
    pub state: DeliveryState,
    /// Why the message was not delivered.
    pub class: Option<FailureClass>,
    /// The provider's error code.
    pub provider_code: Option<String>,
    /// The provider's explanation.
    pub text: Option<String>,
    /// The provider's time of the event, as written in the callback.
    pub at: Option<String>,
    /// Whether the callback had a signature that is right under a secret of the connection, as the host saw it.
    pub signed: bool,
}

/// Why a callback is not accepted as a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReportRefusal {
    /// The signature is missing or invalid.
    #[error("the callback is not signed by the provider; nothing was changed")]
    NotAuthentic,
    /// The callback is not a report of this provider.
    #[error("the callback is no delivery report of this provider; nothing was changed")]
    Malformed,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_has_one_name() {
        for state in DeliveryState::ALL {
            assert_eq!(serde_json::to_value(state).unwrap(), state.as_str());
        }
    }

    #[test]
    fn a_message_never_goes_back() {
        use DeliveryState::{Delivered, Expired, Queued, Rejected, Sent, Undelivered, Unknown};
        for (order, end) in [
            (vec![Queued, Sent, Delivered], Delivered),
            (vec![Delivered, Sent, Queued], Delivered),
            (vec![Sent, Undelivered, Sent], Undelivered),
            (vec![Sent, Rejected, Queued], Rejected),
            (vec![Expired, Unknown], Expired),
            (vec![Undelivered, Delivered], Delivered),
        ] {
            assert_eq!(order.iter().fold(Unknown, |state, report| state.then(*report)), end, "{order:?}");
        }
    }
}
