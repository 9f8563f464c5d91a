//! The result of an attempt, converted from the sandbox's result into what the journal stores.

use sendbox_domain::AttemptRecord;
use sendbox_domain::model::{AttemptOutcome, HeldShape, ShapeLine};
use sendbox_domain::rules::retry;
use sendbox_sandbox::{FailureClass, Outcome, Party, RecordedFailure, RequestSent, SendResult};
use sendbox_store::rows::AttemptRow;

use crate::releases::request_shapes::held_shape;

/// How an attempt ended.
pub(crate) enum AttemptEnd {
    /// The provider accepted the message.
    Accepted {
        /// The provider's id of the message.
        provider_message_id: Option<String>,
    },
    /// The message was not accepted, or nobody knows whether it was.
    Failed {
        /// Why.
        failure: RecordedFailure,
        /// Whether the connector's own code misbehaved.
        misbehaved: bool,
    },
}

/// The result of an attempt.
pub(crate) struct AttemptResult {
    pub(crate) end: AttemptEnd,
    /// Details that are shown to users.
    pub(crate) record: AttemptRecord,
    /// The HTTP status with which the request that carried the message was answered, as the host saw it.
    pub(crate) response_status: Option<u16>,
}

impl AttemptResult {
    /// An attempt that was stored, and that this machine could not make.
    pub(crate) fn not_attempted(reason: String) -> Self {
        let failure = RecordedFailure::before_sending(FailureClass::Unavailable, Party::Host, reason);
        Self {
            end: AttemptEnd::Failed { failure, misbehaved: false },
            record: AttemptRecord::default(),
            response_status: None,
        }
    }

    /// The outcome, as the journal stores it.
    pub(crate) fn outcome(&self) -> AttemptOutcome {
        self.failure().map_or(AttemptOutcome::Accepted, |failure| retry::outcome(failure.class, failure.request_sent))
    }

    pub(crate) fn failure(&self) -> Option<&RecordedFailure> {
        match &self.end {
            AttemptEnd::Accepted { .. } => None,
            AttemptEnd::Failed { failure, .. } => Some(failure),
        }
    }

    pub(crate) fn provider_message_id(&self) -> Option<&str> {
        match &self.end {
            AttemptEnd::Accepted { provider_message_id } => provider_message_id.as_deref(),
            AttemptEnd::Failed { .. } => None,
        }
    }

    pub(crate) fn misbehaved(&self) -> bool {
        matches!(self.end, AttemptEnd::Failed { misbehaved: true, .. })
    }
}

impl From<SendResult> for AttemptResult {
    fn from(result: SendResult) -> Self {
        let held_shape = held_shape(&result).map(|held| HeldShape {
            shape: hex::encode(held.shape.digest()),
            changes: held.changes.iter().cloned().map(ShapeLine::from).collect(),
        });
        let record = AttemptRecord {
            unfilled_variables: Vec::new(),
            route: None,
            requests: result.requests.iter().map(Into::into).collect(),
            held_request: result.held_back.as_ref().map(Into::into),
            held_shape,
            resource_use: Some(result.used),
            hosts_reached: result.hosts_reached,
            trace: result.trace,
        };
        let response_status = result.message_status;
        let end = match result.outcome {
            Outcome::Accepted(receipt) => AttemptEnd::Accepted { provider_message_id: receipt.message_id },
            Outcome::Failed(failure) => {
                AttemptEnd::Failed { failure: RecordedFailure::from(&failure), misbehaved: failure.is_misbehaviour() }
            }
            // Attempts are never dry runs.
            Outcome::NotSentDryRun => return Self::not_attempted("the send was a dry run".to_owned()),
        };
        Self { end, record, response_status }
    }
}

/// The number of attempts of which only the connector claims that they were rejected.
pub(crate) fn count_unproven(journal: &[AttemptRow]) -> usize {
    let is_unproven = |attempt: &&AttemptRow| {
        let sent = attempt.failure.as_ref().map_or(RequestSent::No, |failure| failure.request_sent);
        attempt.outcome.is_some_and(|outcome| retry::is_unproven(outcome, sent, attempt.response_status))
    };
    journal.iter().filter(is_unproven).count()
}
