//! What may be kept of a provider's reports, and what they come to.
//!
//! Promises
//! - a report changes what is shown and counted of a message, and nothing else;
//! - what is kept of a time holds no number of a person.
//!
//! Must not know: providers, the store.

use sendbox_contract::DeliveryState;

use crate::model::Timestamp;

/// How long a report waits for its attempt, in milliseconds: the provider's answer is written down within seconds.
pub const WAITS_MS: u64 = 3_600_000;
/// Reports of one connection that wait at most.
pub const MOST_WAITING: u32 = 1000;
/// Reports in one call of a provider at most. Those that collect send up to 500.
pub const MOST_OF_A_CALL: usize = 1000;
/// Calls at once at most, however many the sandbox has places for.
const MOST_AT_ONCE: usize = 8;
/// Calls at once for one connection.
pub const OF_ONE_CONNECTION: usize = 2;
/// An instant in digits is believed when it is at most so far from now.
const NEAR_MS: u64 = 7 * 24 * 3_600_000;

/// Calls that are worked on at once: at most an eighth of the sandbox's places, since the others are for messages.
pub fn most_at_once(places: usize) -> usize {
    (places / 8).clamp(1, MOST_AT_ONCE)
}

/// The report that says how far a message has come: of those that say the same, the first.
pub fn furthest<'a, T>(reports: impl IntoIterator<Item = &'a T>, state: impl Fn(&T) -> DeliveryState) -> Option<&'a T> {
    reports.into_iter().reduce(|before, report| {
        let reached = state(before);
        if reached.then(state(report)) == reached { before } else { report }
    })
}

/// The provider's own time, if it is certainly one. A connector reads numbers blind, and passes on whatever is where a time
/// should be: that may be a person's number.
pub fn provider_time(text: &str, now: Timestamp) -> Option<String> {
    (is_written_out(text) || is_near(text, now)).then(|| text.to_owned())
}

/// `2026-11-23 08:03:04`, with `T` instead of the space, a fraction and an offset where there are such.
fn is_written_out(text: &str) -> bool {
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

/// Seconds or milliseconds since 1970, near to now.
fn is_near(text: &str, now: Timestamp) -> bool {
    let scale = match text.len() {
        10 => 1000,
        13 => 1,
        _ => return false,
    };
    let plain = text.bytes().all(|byte| byte.is_ascii_digit());
    let Some(at) = text.parse::<i64>().ok().filter(|_| plain) else { return false };
    (at * scale).abs_diff(now.0) <= NEAR_MS
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
            assert_eq!(furthest(&reports, |report| report.1).copied(), expected, "{reports:?}");
        }
    }

    #[test]
    fn reports_leave_most_places_to_messages() {
        for (places, most) in [(1, 1), (8, 1), (16, 2), (64, 8), (1000, 8)] {
            assert_eq!(most_at_once(places), most);
        }
    }
}
