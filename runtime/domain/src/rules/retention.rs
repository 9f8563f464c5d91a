//! How long rows are kept.
//!
//! Promises: no setting keeps anything for less than a day.
//!
//! Must not know: how rows are deleted.

use crate::model::Timestamp;

/// Milliseconds in a day.
const DAY_MS: u64 = 24 * 3600 * 1000;
/// The counts of statistics are kept for at least this many days: more than a year, and no shorter than the messages that they count.
const MIN_COUNT_DAYS: u32 = 400;

/// The settings. The default is 30 days, and 400 for the audit log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Days after which messages and verifications are deleted.
    pub days: u32,
    /// Days after which entries of the audit log are deleted.
    pub audit_days: u32,
}

impl Default for Retention {
    fn default() -> Self {
        Self { days: 30, audit_days: 400 }
    }
}

impl Retention {
    /// The time since which messages and verifications are kept.
    pub fn messages_since(self, now: Timestamp) -> Timestamp {
        days_before(now, self.days)
    }

    /// The time since which the counts of statistics are kept.
    pub fn counts_since(self, now: Timestamp) -> Timestamp {
        days_before(now, self.days.max(MIN_COUNT_DAYS))
    }

    /// The time since which the audit log is kept.
    pub fn audit_since(self, now: Timestamp) -> Timestamp {
        days_before(now, self.audit_days)
    }
}

fn days_before(now: Timestamp, days: u32) -> Timestamp {
    now.minus_millis(u64::from(days.max(1)) * DAY_MS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_has_its_own_minimum() {
        let now = Timestamp(1_795_464_000_000);
        for (days, audit_days, expected) in
            [(30, 400, [30, 400, 400]), (7, 90, [7, 400, 90]), (0, 0, [1, 400, 1]), (500, 3650, [500, 500, 3650])]
        {
            let kept = Retention { days, audit_days };
            let since = [kept.messages_since(now), kept.counts_since(now), kept.audit_since(now)];
            let found = since.map(|at| now.millis_since(at) / DAY_MS);
            assert_eq!(found, expected, "{kept:?}");
        }
    }
}
