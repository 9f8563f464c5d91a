//! Delivery reports: what is stored of them, how many are accepted, and which one decides the state of a message.
//!
//! Promises
//! - a report changes only how a message is shown and counted;
//! - a stored time never contains a phone number.
//!
//! Must not know: providers, the store.

use sendbox_contract::DeliveryState;

use crate::model::Timestamp;

/// How long a report waits for its attempt, in milliseconds. The provider's response is stored within seconds.
pub const MAX_WAIT_MS: u64 = 3_600_000;
/// Maximum number of waiting reports of one connection.
pub const MAX_WAITING: u32 = 1000;
/// Maximum number of reports in one call. Providers that batch reports send up to 500.
pub const MAX_REPORTS_PER_CALL: usize = 1000;
/// Maximum number of concurrent calls, however many slots the sandbox has.
const MAX_CONCURRENT_CALLS: usize = 8;
/// Maximum number of calls for one connection that are being read or wait for their turn.
pub const MAX_CALLS_PER_CONNECTION: usize = 32;
/// A numeric time is accepted only if it is this close to now.
const MAX_CLOCK_DIFFERENCE_MS: u64 = 7 * 24 * 3_600_000;

/// How many calls run concurrently: an eighth of the sandbox's slots, because the others are for messages, and two if that is less, so
/// that one tenant's calls leave a slot to the others.
pub fn max_concurrent_calls(slots: usize) -> usize {
    (slots / 8).clamp(2, MAX_CONCURRENT_CALLS).min(slots.max(1))
}

/// The report with the most advanced state; among equals, the first.
pub fn most_advanced<'a, T>(
    reports: impl IntoIterator<Item = &'a T>,
    state: impl Fn(&T) -> DeliveryState,
) -> Option<&'a T> {
    reports.into_iter().reduce(|before, report| {
        let reached = state(before);
        if reached.then(state(report)) == reached { before } else { report }
    })
}

/// The provider's time, if it is certainly a time. A connector cannot tell numbers apart and passes on whatever is in the field, which
/// could be a phone number.
pub fn provider_time(text: &str, now: Timestamp) -> Option<String> {
    (is_calendar_time(text) || is_unix_time(text, now)).then(|| text.to_owned())
}

/// Whether a text is a time like `2026-11-23 08:03:04`, optionally with `T` instead of the space, a fraction and an offset.
fn is_calendar_time(text: &str) -> bool {
    let Some((date, rest)) = text.split_at_checked(19) else { return false };
    let fits = date.bytes().zip("0000-00-00T00:00:00".bytes()).all(|(byte, shape)| match shape {
        b'0' => byte.is_ascii_digit(),
        b'T' => byte == b'T' || byte == b' ',
        other => byte == other,
    });
    let (fraction, offset) = match rest.strip_prefix('.') {
        Some(rest) => rest.split_at(rest.bytes().take_while(u8::is_ascii_digit).count()),
        None => ("000", rest),
    };
    let is_offset = |text: &str| {
        text.strip_prefix(['+', '-']).is_some_and(|rest| {
            let digits = rest.replacen(':', "", 1);
            digits.len() == 4 && digits.bytes().all(|byte| byte.is_ascii_digit())
        })
    };
    fits && (1..=6).contains(&fraction.len()) && (offset.is_empty() || offset == "Z" || is_offset(offset.trim_start()))
}

/// Whether a text is a Unix time in seconds or milliseconds that is close to now.
fn is_unix_time(text: &str, now: Timestamp) -> bool {
    let scale = match text.len() {
        10 => 1000,
        13 => 1,
        _ => return false,
    };
    let plain = text.bytes().all(|byte| byte.is_ascii_digit());
    let Some(at) = text.parse::<i64>().ok().filter(|_| plain) else { return false };
    (at * scale).abs_diff(now.0) <= MAX_CLOCK_DIFFERENCE_MS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_kept_and_a_number_is_not() {
        let now = Timestamp(1_795_464_000_000);
        for (text, kept) in [
            ("2026-11-23 08:03:04", true),
            ("2026-11-23T08:03:04Z", true),
            ("2026-11-23T08:03:04.123+08:00", true),
            ("2026-11-23 08:03:04 +0000", true),
            ("1795464000", true),
            ("1795463999123", true),
            // A number in Denmark with its calling code, and one in the United States.
            ("4531415926", false),
            ("14155550100", false),
            ("+4531415926", false),
            ("12:00 45 31 41 59 26", false),
            ("2026-11-23 08:03:04 4531415926", false),
            ("2026-11-23 08:03:04.4531415926", false),
            ("2026-11-23 08:03:04+4531415926", false),
            ("2611230803", false),
            ("", false),
            ("yesterday", false),
            ("2026-11-23 08:03:0\u{664}", false),
        ] {
            assert_eq!(provider_time(text, now).is_some(), kept, "{text}");
        }
    }

    #[test]
    fn the_furthest_report_speaks_for_a_message() {
        use DeliveryState::{Delivered, Queued, Sent, Undelivered};
        for (states, expected) in [
            (vec![], None),
            (vec![Sent], Some((0, Sent))),
            (vec![Sent, Delivered, Queued], Some((1, Delivered))),
            (vec![Undelivered, Sent, Undelivered], Some((0, Undelivered))),
        ] {
            let reports: Vec<(usize, DeliveryState)> = states.into_iter().enumerate().collect();
            assert_eq!(most_advanced(&reports, |report| report.1).copied(), expected, "{reports:?}");
        }
    }

    #[test]
    fn reports_leave_most_places_to_messages() {
        for (places, most) in [(0, 1), (1, 1), (2, 2), (8, 2), (16, 2), (24, 3), (64, 8), (1000, 8)] {
            assert_eq!(max_concurrent_calls(places), most);
        }
    }
}
