//! Whether an attempt may begin, whether its message may leave, and how a message ends that gets no further attempt.
//!
//! What follows a failed attempt is in [`super::retry`].
//!
//! Promises
//! - nothing leaves after expiry, or under a lease that is not held;
//! - there are never more attempts that may have sent a message than the policy allows, whatever a connector says;
//! - a message that may have been sent is never reported as unsent.
//!
//! Must not know: stores, leases, what time it is.

use sendbox_contract::RequestSent;

use crate::model::{AttemptOutcome, MessageStatus, Timestamp};

/// Whether a message has expired.
pub fn has_expired(expires_at: Timestamp, now: Timestamp) -> bool {
    now >= expires_at
}

/// Whether one more attempt may begin. `physical_messages`: attempts that may have sent the message. `unproven`: attempts of which only
/// the connector says that they were refused.
pub fn may_begin(physical_messages: u32, unproven: usize, max_messages: u32) -> bool {
    let possible = usize::try_from(physical_messages).unwrap_or(usize::MAX).saturating_add(unproven);
    possible < usize::try_from(max_messages).unwrap_or(usize::MAX)
}

/// Whether a message may leave: this process has its lease, and the message has not expired, which no timer tells after a suspension of
/// the machine. Asked when the first byte is about to leave.
pub fn may_leave(is_held: bool, expires_at: Timestamp, now: Timestamp) -> bool {
    is_held && !has_expired(expires_at, now)
}

/// Whether an attempt failed because nobody wants the message any more, or it may be another process's: that says nothing about the
/// provider, and the next step finds out how the message ends.
pub fn is_revoked(request_sent: RequestSent, is_cancelled: bool, expires_at: Timestamp, now: Timestamp) -> bool {
    request_sent == RequestSent::No && (is_cancelled || has_expired(expires_at, now))
}

/// The number of physical messages after an attempt, which was counted as one when it began.
pub fn physical_messages_after(outcome: AttemptOutcome, physical_messages: u32) -> u32 {
    match outcome {
        AttemptOutcome::Rejected => physical_messages.saturating_sub(1),
        AttemptOutcome::Accepted | AttemptOutcome::InDoubt => physical_messages,
    }
}

/// The status of a message that gets no further attempt: in doubt, if an earlier one may have reached the recipient.
pub fn final_status(otherwise: MessageStatus, physical_messages: u32) -> MessageStatus {
    if physical_messages > 0 { MessageStatus::InDoubt } else { otherwise }
}

/// Whether a message has ended, and has certainly not left.
pub fn is_unsent(status: MessageStatus, physical_messages: u32) -> bool {
    status.is_final() && physical_messages == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_leaves_before_expiry_and_under_a_lease() {
        let at = Timestamp;
        for (is_held, now, leaves) in [(true, 99, true), (true, 100, false), (true, 101, false), (false, 99, false)] {
            assert_eq!(may_leave(is_held, at(100), at(now)), leaves, "{is_held} {now}");
        }
    }

    #[test]
    fn an_attempt_begins_while_there_is_room_for_its_message() {
        for (physical, unproven, max, begins) in
            [(0, 0, 1, true), (1, 0, 1, false), (0, 1, 1, false), (1, 0, 2, true), (1, 1, 2, false), (2, 0, 2, false)]
        {
            assert_eq!(may_begin(physical, unproven, max), begins, "{physical} {unproven} {max}");
        }
    }

    #[test]
    fn only_what_has_not_left_is_revoked() {
        use RequestSent::{Maybe, No, Yes};
        for (sent, cancelled, now, revoked) in [
            (No, true, 1, true),
            (No, false, 100, true),
            (No, false, 99, false),
            (Maybe, true, 1, false),
            (Yes, true, 100, false),
        ] {
            assert_eq!(
                is_revoked(sent, cancelled, Timestamp(100), Timestamp(now)),
                revoked,
                "{sent:?} {cancelled} {now}"
            );
        }
    }

    #[test]
    fn what_may_have_left_ends_in_doubt() {
        use MessageStatus::{Cancelled, Expired, InDoubt, Queued};
        assert_eq!(final_status(Expired, 0), Expired);
        assert_eq!(final_status(Cancelled, 1), InDoubt);
        assert!(is_unsent(Expired, 0) && !is_unsent(InDoubt, 1) && !is_unsent(Queued, 0));
        let after = |outcome| physical_messages_after(outcome, 2);
        let ends = [AttemptOutcome::Accepted, AttemptOutcome::InDoubt, AttemptOutcome::Rejected].map(after);
        assert_eq!(ends, [2, 2, 1]);
    }
}
