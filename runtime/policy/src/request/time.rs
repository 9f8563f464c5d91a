//! The host's time, in the formats that providers require.
//!
//! Promise: only a time close to the host's own is recognised, and only as a whole. A phone number that looks like a time would
//! have to be one of few, and cannot be chosen.

/// Maximum difference between a timestamp and our clock. Providers allow 5 to 15 minutes.
const CLOCK_MS: u64 = 15 * 60 * 1000;
const DAY_MS: u64 = 24 * 60 * 60 * 1000;
const MINUTE_MS: i64 = 60 * 1000;

/// The host's clock: Unix time in milliseconds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clock(pub(super) u64);

impl Clock {
    /// The length of a time or date near this clock at the start of `text`, in bytes. It must not be part of a longer number.
    pub(super) fn prefix(self, text: &str) -> Option<usize> {
        let bytes = text.as_bytes();
        let length = self.date_and_time(bytes).or_else(|| self.unix(bytes))?;
        (!bytes.get(length).is_some_and(u8::is_ascii_digit)).then_some(length)
    }

    /// Whether a number is this time in seconds or milliseconds.
    pub(super) fn is_unix(self, number: u64) -> bool {
        let near = |ms: u64| ms.abs_diff(self.0) <= CLOCK_MS;
        near(number) || number.checked_mul(1000).is_some_and(near)
    }

    fn unix(self, bytes: &[u8]) -> Option<usize> {
        let length = bytes.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let number = number(bytes, 0, length).filter(|_| matches!(length, 10 | 13))?;
        self.is_unix(number).then_some(length)
    }

    /// `2026-11-23`, `20261123`, and each followed by a time: `T08:16:41.123Z`, ` 08:16:41`, `T081641Z`, `081641`, `+08:00`.
    fn date_and_time(self, bytes: &[u8]) -> Option<usize> {
        let dashed = bytes.get(4) == Some(&b'-');
        let (month_at, day_at, date_length) = if dashed { (5, 8, 10) } else { (4, 6, 8) };
        if dashed && bytes.get(7) != Some(&b'-') {
            return None;
        }
        let day = days_from_civil(number(bytes, 0, 4)?, number(bytes, month_at, 2)?, number(bytes, day_at, 2)?)?;
        let today = self.0 / DAY_MS;
        if day.abs_diff(today) > 1 {
            return None;
        }
        let time = self.time_after(bytes, date_length, day);
        let continues = bytes.get(date_length).is_some_and(u8::is_ascii_digit);
        time.or((!continues).then_some(date_length))
    }

    /// The end of a time after a date, if there is one and it is near this clock.
    fn time_after(self, bytes: &[u8], at: usize, day: u64) -> Option<usize> {
        let at = if matches!(bytes.get(at), Some(b'T' | b't' | b' ')) { at + 1 } else { at };
        let hour = number(bytes, at, 2).filter(|hour| *hour < 24)?;
        let colon = bytes.get(at + 2) == Some(&b':');
        let step = if colon { 3 } else { 2 };
        let minute = number(bytes, at + step, 2).filter(|minute| *minute < 60)?;
        let second = number(bytes, at + 2 * step, 2).filter(|second| *second < 60)?;
        if colon && bytes.get(at + 5) != Some(&b':') {
            return None;
        }
        let mut end = at + 2 * step + 2;
        if bytes.get(end) == Some(&b'.') {
            let fraction = bytes.iter().skip(end + 1).take_while(|byte| byte.is_ascii_digit()).count();
            end += if (1..=9).contains(&fraction) { 1 + fraction } else { 0 };
        }
        let (offset_minutes, end) = offset(bytes, end);
        let local = i64::try_from(day * DAY_MS + ((hour * 60 + minute) * 60 + second) * 1000).ok()?;
        let utc = u64::try_from(local - offset_minutes * MINUTE_MS).ok()?;
        (utc.abs_diff(self.0) <= CLOCK_MS).then_some(end)
    }
}

/// An offset (`Z`, `+08:00`, `-0500` or nothing) in minutes, and its end.
fn offset(bytes: &[u8], at: usize) -> (i64, usize) {
    let sign = match bytes.get(at) {
        Some(b'Z' | b'z') => return (0, at + 1),
        Some(b'+') => 1,
        Some(b'-') => -1,
        _ => return (0, at),
    };
    let step = if bytes.get(at + 3) == Some(&b':') { 4 } else { 3 };
    match (number(bytes, at + 1, 2), number(bytes, at + step, 2)) {
        (Some(hours @ 0..=14), Some(minutes @ 0..=59)) => {
            (sign * i64::try_from(hours * 60 + minutes).unwrap_or_default(), at + step + 2)
        }
        _ => (0, at),
    }
}

/// API versions are dates, like `2010-04-01`.
pub(super) fn is_api_version(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() == 10
        && bytes.get(4) == Some(&b'-')
        && bytes.get(7) == Some(&b'-')
        && number(bytes, 0, 4).is_some_and(|year| (1990..=2100).contains(&year))
        && number(bytes, 5, 2).is_some_and(|month| (1..=12).contains(&month))
        && number(bytes, 8, 2).is_some_and(|day| (1..=31).contains(&day))
}

fn number(bytes: &[u8], at: usize, length: usize) -> Option<u64> {
    let digits = bytes.get(at..at.checked_add(length)?)?;
    let digits = digits.iter().all(u8::is_ascii_digit).then_some(digits)?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// Days since 1970-01-01 (H. Hinnant, «chrono-compatible low-level date algorithms», `days_from_civil`).
fn days_from_civil(year: u64, month: u64, day: u64) -> Option<u64> {
    if !(1970..=9999).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let year = if month <= 2 { year - 1 } else { year };
    let (era, year_of_era) = (year / 400, year % 400);
    let shifted_month = (month + 9) % 12;
    let day_of_year = (153 * shifted_month + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    (era * 146_097 + day_of_era).checked_sub(719_468)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-23T08:16:41Z
    const NOW: Clock = Clock(1_795_421_801_000);

    #[test]
    fn days() {
        for ((year, month, day), days) in [
            ((1970, 1, 1), Some(0)),
            ((1970, 3, 1), Some(59)),
            ((2000, 2, 29), Some(11_016)),
            ((2024, 2, 29), Some(19_782)),
            ((2026, 11, 23), Some(20_780)),
            ((1969, 12, 31), None),
            ((2026, 13, 1), None),
            ((2026, 0, 1), None),
            ((2026, 1, 32), None),
        ] {
            assert_eq!(days_from_civil(year, month, day), days, "{year}-{month}-{day}");
        }
    }

    #[test]
    fn times_near_the_clock() {
        for text in [
            "1795421801",
            "1795421801000",
            "1795422701",
            "1795420901",
            "20261123",
            "20261124",
            "20261122",
            "2026-11-23",
            "20261123081641",
            "20261123T081641Z",
            "2026-11-23T08:16:41Z",
            "2026-11-23 08:16:41",
            "2026-11-23T08:16:41.123Z",
            "2026-11-23T16:16:41+08:00",
            "2026-11-23T16:16:41+0800",
            "2026-11-23T03:16:41-05:00",
        ] {
            assert_eq!(NOW.prefix(text), Some(text.len()), "{text}");
            assert_eq!(NOW.prefix(&format!("{text}/x")), Some(text.len()), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_of_ours() {
        for (text, length) in [
            ("1795420900", None),
            ("1795422702", None),
            ("17954218010", None),
            ("1795421801000000", None),
            ("20261121", None),
            ("20261125", None),
            ("2026112311", None),
            ("202611230816411", None),
            ("20261123101641", None),
            ("2026-11-2308", None),
            ("2026-11-23T10:16:41Z", Some(10)),
            ("2026-11-23T16:16:41", Some(10)),
            ("2026-11-23T08:16:41.1234567890", Some(19)),
            ("2026-11-23 19005550199", Some(10)),
            ("", None),
            ("x", None),
        ] {
            assert_eq!(NOW.prefix(text), length, "{text}");
        }
    }

    #[test]
    fn api_versions() {
        for text in ["2010-04-01", "2017-05-25", "2100-12-31"] {
            assert!(is_api_version(text), "{text}");
        }
        for text in [
            "2010-4-1",
            "2010/04/01",
            "2101-01-01",
            "1989-01-01",
            "2010-13-01",
            "2010-00-01",
            "2010-01-32",
            "+2010-04-01",
            "2010-04-01x",
            "",
        ] {
            assert!(!is_api_version(text), "{text}");
        }
    }
}
