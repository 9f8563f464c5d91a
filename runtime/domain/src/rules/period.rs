//! The period of statistics, and its buckets.
//!
//! Promises
//! - a period consists of full hours (UTC), of which the current one has not ended, because messages are counted by the hour;
//! - buckets begin with the hour or the day (UTC), and together cover the period without gaps;
//! - there are never more than [`MAX_BUCKETS`].
//!
//! Must not know: what is counted.

use crate::field_error::{FieldError, FieldErrors};
use crate::model::{Bucket, StatisticsFilter, Timestamp};

const HOUR_MS: u64 = 3_600_000;
const DAY_MS: u64 = 24 * HOUR_MS;
/// The default length of a period.
const DEFAULT_MS: u64 = DAY_MS;
/// Maximum length of a period: a quarter.
const MAX_PERIOD_MS: u64 = 92 * DAY_MS;
/// Maximum length of a period with hourly buckets.
const MAX_HOURLY_PERIOD_MS: u64 = 31 * DAY_MS;
/// Maximum length of a period that has hourly buckets by default.
const HOURLY_BY_DEFAULT_MS: u64 = 3 * DAY_MS;

/// Maximum number of buckets: 31 days by hour, and one more if the period begins within an hour.
pub const MAX_BUCKETS: usize = 31 * 24 + 1;

/// A period of time, divided into buckets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    /// The first millisecond of the period: a full hour.
    pub from: Timestamp,
    /// The first millisecond after the period: a full hour, or the current time.
    pub to: Timestamp,
    /// The length of the buckets.
    pub bucket: Bucket,
}

impl Period {
    /// The period for a filter, with defaults filled in.
    ///
    /// # Errors
    /// The invalid query parameter.
    pub fn of(filter: &StatisticsFilter, now: Timestamp) -> Result<Self, FieldErrors> {
        let wrong = |field: &str, text: &str| Err(FieldErrors(vec![FieldError::new(field, text)]));
        let to = filter.to.unwrap_or(now);
        let from = filter.from.unwrap_or_else(|| to.minus_millis(DEFAULT_MS));
        if from.0 < 0 {
            return wrong(if filter.from.is_some() { "from" } else { "to" }, "lies before all messages");
        }
        if from >= to {
            return wrong("from", "must be earlier than `to`, which is now when it is not given");
        }
        let length = to.millis_since(from);
        if length > MAX_PERIOD_MS {
            return wrong("from", "must be at most 92 days before `to`, which is now when it is not given");
        }
        let default = if length <= HOURLY_BY_DEFAULT_MS { Bucket::Hour } else { Bucket::Day };
        let bucket = filter.bucket.unwrap_or(default);
        if bucket == Bucket::Hour && length > MAX_HOURLY_PERIOD_MS {
            return wrong("bucket", "must be `day` for more than 31 days");
        }
        // Nothing is created after `now`, so a period up to now is complete.
        let end = hour_of(to.plus_millis(HOUR_MS - 1)).min(now).max(to);
        Ok(Self { from: hour_of(from), to: end, bucket })
    }

    /// What was created since then, by the hour, counted from the first full hour.
    pub fn since(from: Timestamp) -> (Timestamp, Timestamp) {
        (hour_of(from.plus_millis(HOUR_MS - 1)), Timestamp(i64::MAX))
    }

    /// The length of a bucket, in milliseconds.
    pub fn width(&self) -> u64 {
        match self.bucket {
            Bucket::Hour => HOUR_MS,
            Bucket::Day => DAY_MS,
        }
    }

    /// The start of each bucket, in order.
    pub fn starts(&self) -> impl Iterator<Item = Timestamp> {
        let width = self.width();
        let first = self.from.minus_millis(self.from.millis_since(Timestamp(0)) % width);
        let to = self.to;
        (0_u64..).map(move |index| first.plus_millis(index * width)).take(MAX_BUCKETS).take_while(move |at| *at < to)
    }
}

/// The beginning of the hour of this time.
fn hour_of(at: Timestamp) -> Timestamp {
    at.minus_millis(at.millis_since(Timestamp(0)) % HOUR_MS)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-23T20:00:00Z
    const NOW: Timestamp = Timestamp(1_795_464_000_000);

    fn at(text: &str) -> Timestamp {
        serde_json::from_value(serde_json::json!(text)).unwrap()
    }

    fn of(from: &str, to: &str, bucket: Option<Bucket>) -> Result<Period, FieldErrors> {
        let read = |text: &str| (!text.is_empty()).then(|| at(text));
        Period::of(&StatisticsFilter { from: read(from), to: read(to), bucket }, NOW)
    }

    #[test]
    fn what_is_asked_for_is_read() {
        use Bucket::{Day, Hour};
        for (from, to, bucket, expected) in [
            // From, to, how it is parted; how many buckets, where the first and the last begin.
            ("", "", None, (Hour, 24, "2026-11-22T20:00:00Z", "2026-11-23T19:00:00Z")),
            ("", "2026-11-01T00:30:00Z", None, (Hour, 25, "2026-10-31T00:00:00Z", "2026-11-01T00:00:00Z")),
            ("2026-11-23T19:59:59.999Z", "", None, (Hour, 1, "2026-11-23T19:00:00Z", "2026-11-23T19:00:00Z")),
            ("2026-11-20T20:00:00Z", "", None, (Hour, 72, "2026-11-20T20:00:00Z", "2026-11-23T19:00:00Z")),
            ("2026-11-20T19:59:59Z", "", None, (Day, 4, "2026-11-20T00:00:00Z", "2026-11-23T00:00:00Z")),
            ("2026-11-22T23:59:59Z", "", Some(Day), (Day, 2, "2026-11-22T00:00:00Z", "2026-11-23T00:00:00Z")),
            // A leap day, and a month that is none of ours.
            (
                "2028-02-28T00:00:00Z",
                "2028-03-01T00:00:00Z",
                Some(Day),
                (Day, 2, "2028-02-28T00:00:00Z", "2028-02-29T00:00:00Z"),
            ),
            ("2026-08-23T20:00:00Z", "", None, (Day, 93, "2026-08-23T00:00:00Z", "2026-11-23T00:00:00Z")),
            (
                "2026-10-23T20:30:00Z",
                "2026-11-23T20:30:00Z",
                Some(Hour),
                (Hour, 745, "2026-10-23T20:00:00Z", "2026-11-23T20:00:00Z"),
            ),
            (
                "1970-01-01T00:00:00Z",
                "1970-01-01T00:00:01Z",
                None,
                (Hour, 1, "1970-01-01T00:00:00Z", "1970-01-01T00:00:00Z"),
            ),
            (
                "9999-12-31T23:00:00Z",
                "9999-12-31T23:59:59Z",
                None,
                (Hour, 1, "9999-12-31T23:00:00Z", "9999-12-31T23:00:00Z"),
            ),
        ] {
            let period = of(from, to, bucket).unwrap();
            let starts: Vec<Timestamp> = period.starts().collect();
            let (expected_bucket, count, first, last) = expected;
            assert_eq!((period.bucket, starts.len()), (expected_bucket, count), "{from} {to}");
            assert_eq!((starts[0], starts[count - 1]), (at(first), at(last)), "{from} {to}");
            assert!(starts.len() <= MAX_BUCKETS);
            // Without a gap.
            assert!(starts[0] <= period.from && period.from < starts[0].plus_millis(period.width()));
            assert!(starts[count - 1] < period.to && period.to <= starts[count - 1].plus_millis(period.width()));
            assert!(starts.windows(2).all(|two| two[0].plus_millis(period.width()) == two[1]));
        }
    }

    #[test]
    fn a_period_consists_of_full_hours() {
        for (from, to, first, end) in [
            ("2026-11-23T18:20:00Z", "2026-11-23T18:40:00Z", "2026-11-23T18:00:00Z", "2026-11-23T19:00:00Z"),
            ("2026-11-23T18:00:00Z", "2026-11-23T19:00:00Z", "2026-11-23T18:00:00Z", "2026-11-23T19:00:00Z"),
            ("2026-11-23T18:59:59.999Z", "2026-11-23T19:00:00.001Z", "2026-11-23T18:00:00Z", "2026-11-23T20:00:00Z"),
            // No later than now, unless that was asked for.
            ("2026-11-23T19:30:00Z", "", "2026-11-23T19:00:00Z", "2026-11-23T20:00:00Z"),
            ("2026-11-23T19:30:00Z", "2026-11-23T20:10:00Z", "2026-11-23T19:00:00Z", "2026-11-23T20:10:00Z"),
        ] {
            let period = of(from, to, None).unwrap();
            assert_eq!((period.from, period.to), (at(first), at(end)), "{from} {to}");
        }
        let within_an_hour = Timestamp(NOW.0 - 1);
        assert_eq!(Period::since(within_an_hour).0, NOW);
        assert_eq!(Period::since(NOW).0, NOW);
    }

    #[test]
    fn what_cannot_be_is_named() {
        for (from, to, bucket, field) in [
            ("2026-11-23T20:00:00Z", "", None, "from"),
            ("2026-11-23T20:00:01Z", "", None, "from"),
            ("2026-11-23T20:00:00Z", "2026-11-23T19:00:00Z", None, "from"),
            ("2026-08-23T19:59:59Z", "", None, "from"),
            ("0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", None, "from"),
            ("1969-12-31T23:59:59Z", "1970-01-01T00:00:00Z", None, "from"),
            ("", "1970-01-01T12:00:00Z", None, "to"),
            ("2026-10-23T19:59:59Z", "", Some(Bucket::Hour), "bucket"),
        ] {
            let FieldErrors(errors) = of(from, to, bucket).unwrap_err();
            assert_eq!((errors.len(), errors[0].field.as_str()), (1, field), "{from} {to}");
        }
    }
}
