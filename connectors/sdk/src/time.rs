//! A date and time in UTC as signatures need it. There is no clock: the time is
//! [`Attempt::started_at`](crate::Attempt::started_at), so that each attempt has its own and a test does not depend on the
//! day.

/// A date and time in UTC, in whole seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Utc {
    unix_seconds: u64,
}

impl Utc {
    /// From Unix time in milliseconds, rounded down to whole seconds.
    #[must_use]
    pub const fn from_millis(milliseconds: u64) -> Self {
        Self { unix_seconds: milliseconds / 1000 }
    }

    /// Unix time in seconds.
    #[must_use]
    pub const fn unix_seconds(self) -> u64 {
        self.unix_seconds
    }

    /// The date: `2019-02-25`.
    #[must_use]
    pub fn date(self) -> String {
        let (year, month, day) = civil(self.unix_seconds / 86_400);
        format!("{year:04}-{month:02}-{day:02}")
    }

    /// Date and time in ISO 8601: `2019-02-25T16:44:25Z`.
    #[must_use]
    pub fn timestamp(self) -> String {
        let second = self.unix_seconds % 86_400;
        format!("{}T{:02}:{:02}:{:02}Z", self.date(), second / 3600, second / 60 % 60, second % 60)
    }
}

/// Year, month and day, given the days since 1970-01-01. Years begin in March here, so that the leap day is the last.
const fn civil(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let january_or_february = if month <= 2 { 1 } else { 0 };
    (year_of_era + era * 400 + january_or_february, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_and_times() {
        for (seconds, want) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_078_099_200, "2004-03-01T00:00:00Z"),
            (1_551_113_065, "2019-02-25T16:44:25Z"),
            (1_735_689_599, "2024-12-31T23:59:59Z"),
            (4_107_542_399, "2100-02-28T23:59:59Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
        ] {
            let time = Utc::from_millis(seconds * 1000 + 999);
            assert_eq!((time.timestamp().as_str(), time.date().as_str()), (want, &want[..10]));
            assert_eq!(time.unix_seconds(), seconds);
        }
    }
}
