//! Ending a message: its final status, and the fields that are cleared.

use sendbox_contract::RecordedFailure;
use sendbox_domain::model::MessageStatus;
use sendbox_domain::rules::attempt;
use sendbox_store::rows::MessageRow;

/// Ends a message and wipes its payload, so that nothing that was needed to send it is kept.
pub(crate) fn end(row: &mut MessageRow, status: MessageStatus, failure: Option<RecordedFailure>) {
    row.status = status;
    row.failure = failure;
    row.payload = None;
    row.next_attempt_at = None;
    row.lease = None;
}

/// Ends a message that gets no further attempt. If an earlier attempt may have reached the recipient, the message ends in doubt
/// with that attempt's failure, and never as unsent.
pub(crate) fn end_before_attempt(row: &mut MessageRow, status: MessageStatus, failure: Option<RecordedFailure>) {
    let failure = if row.physical_messages > 0 { row.failure.take().or(failure) } else { failure };
    let status = attempt::final_status(status, row.physical_messages);
    end(row, status, failure);
}
