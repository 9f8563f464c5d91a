//! Header values that many providers share: HTTP Basic authentication and `Retry-After`.

use crate::parts;
use crate::sealed::{Encoding, Parts};

/// The value of an `Authorization` header for HTTP Basic authentication (RFC 7617). The user must not contain a colon.
pub fn basic_auth(user: impl Into<Parts>, password: impl Into<Parts>) -> Parts {
    let credentials = parts![user, ":", password].seal();
    parts!["Basic ", credentials.encode(Encoding::Base64)]
}

/// The seconds of a `Retry-After` header (RFC 9110 section 10.2.3): a number, or an HTTP date relative to the response's own
/// `Date` header, so that no clock is needed. `None` when there is no such header or it is malformed.
///
/// Dates are read in the form that senders must write (IMF-fixdate), not in the two obsolete ones.
#[must_use]
pub fn retry_after(headers: &[(String, String)]) -> Option<u32> {
    let value = |name: &str| headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.trim());
    let wait = value("retry-after")?;
    if !wait.is_empty() && wait.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(wait.parse().unwrap_or(u32::MAX));
    }
    let until = unix_seconds(wait)?;
    let now = unix_seconds(value("date")?)?;
    u32::try_from(until.saturating_sub(now).max(0)).ok()
}

/// Reads `Sun, 06 Nov 1994 08:49:37 GMT`.
fn unix_seconds(date: &str) -> Option<i64> {
    let (_, date) = date.split_once(", ")?;
    let mut words = date.split(' ');
    let day: i64 = words.next()?.parse().ok()?;
    let month = match words.next()? {
        "Jan" => 1,
        "Feb" => 2,
        "Mar" => 3,
        "Apr" => 4,
        "May" => 5,
        "Jun" => 6,
        "Jul" => 7,
        "Aug" => 8,
        "Sep" => 9,
        "Oct" => 10,
        "Nov" => 11,
        "Dec" => 12,
        _ => return None,
    };
    let year: i64 = words.next()?.parse().ok().filter(|year| (1970..=9999).contains(year))?;
    let mut clock = words.next()?.split(':').map(|field| field.parse::<i64>().ok());
    let (hour, minute, second) = (clock.next()??, clock.next()??, clock.next()??);
    let in_range = (1..=31).contains(&day)
        && (0..24).contains(&hour)
        && (0..60).contains(&minute)
        && (0..=60).contains(&second)
        && words.next() == Some("GMT")
        && words.next().is_none();
    in_range.then(|| days_from_epoch(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second)
}

/// Days since 1970-01-01 in the Gregorian calendar. Years begin in March here, so that the leap day is the last.
fn days_from_epoch(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn http_dates_are_unix_seconds() {
        for (date, want) in [
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(784_111_777)),
            ("Thu, 01 Jan 1970 00:00:00 GMT", Some(0)),
            ("Thu, 29 Feb 2024 12:00:00 GMT", Some(1_709_208_000)),
            ("Sunday, 06-Nov-94 08:49:37 GMT", None),
            ("Sun, 06 Nov 1994 24:00:00 GMT", None),
            ("Sun, 06 Nov 1994 08:49:37 CET", None),
            ("Sun, 06 Nov -9999999999999 08:49:37 GMT", None),
            ("", None),
        ] {
            assert_eq!(unix_seconds(date), want, "{date}");
        }
    }

    #[test]
    fn retry_after_in_both_forms() {
        let date = ("date", "Sun, 06 Nov 1994 08:49:37 GMT");
        type Headers<'a> = &'a [(&'a str, &'a str)];
        let cases: [(Headers<'_>, Option<u32>); 8] = [
            (&[("retry-after", "30")], Some(30)),
            (&[("retry-after", " 0 ")], Some(0)),
            (&[("retry-after", "99999999999")], Some(u32::MAX)),
            (&[("retry-after", "-1")], None),
            (&[("retry-after", "soon")], None),
            (&[("retry-after", "Sun, 06 Nov 1994 08:50:37 GMT"), date], Some(60)),
            (&[("retry-after", "Sun, 06 Nov 1994 08:00:00 GMT"), date], Some(0)),
            (&[("retry-after", "Sun, 06 Nov 1994 08:50:37 GMT")], None),
        ];
        for (headers, want) in cases {
            let headers: Vec<_> =
                headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            assert_eq!(retry_after(&headers), want, "{headers:?}");
        }
    }
}
