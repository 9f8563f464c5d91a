//! The status of a verification, and which of its codes are right.
//!
//! Promises: no code is right after it has expired, or once it was compared as often as the policy says.
//!
//! Must not know: stores, how codes are compared.

use crate::model::{Timestamp, VerificationStatus};

/// The present status. A verification expires and runs out of tries without a write to its row.
pub fn status(
    stored: VerificationStatus,
    (tries, max_tries): (u32, u32),
    expires_at: Timestamp,
    now: Timestamp,
) -> VerificationStatus {
    match stored {
        VerificationStatus::Pending if now >= expires_at => VerificationStatus::Expired,
        VerificationStatus::Pending if tries >= max_tries => VerificationStatus::Exhausted,
        other => other,
    }
}

/// Whether a try that was counted may be compared with the code before the current one. `tries` includes this one.
pub fn is_previous_compared((tries, max_tries): (u32, u32), expires_at: Timestamp, now: Timestamp) -> bool {
    tries <= max_tries && expires_at > now
}

/// Whether a further code may be sent. Also when the tries are used up: failures are counted for the number as well.
pub fn may_resend(status: VerificationStatus) -> bool {
    matches!(status, VerificationStatus::Pending | VerificationStatus::Exhausted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pending_verification_expires_and_is_exhausted() {
        use VerificationStatus::{Approved, Cancelled, Exhausted, Expired, Pending};
        for (stored, tries, now, expected) in [
            (Pending, 2, 99, Pending),
            (Pending, 3, 99, Exhausted),
            (Pending, 2, 100, Expired),
            (Pending, 3, 100, Expired),
            (Approved, 3, 100, Approved),
            (Cancelled, 0, 0, Cancelled),
        ] {
            assert_eq!(
                status(stored, (tries, 3), Timestamp(100), Timestamp(now)),
                expected,
                "{stored:?} {tries} {now}"
            );
        }
    }

    #[test]
    fn the_code_before_is_compared_within_its_own_tries_and_lifetime() {
        for (tries, now, compared) in [(1, 99, true), (3, 99, true), (4, 99, false), (3, 100, false)] {
            assert_eq!(is_previous_compared((tries, 3), Timestamp(100), Timestamp(now)), compared, "{tries} {now}");
        }
    }
}
