//! When an event is sent to a webhook endpoint, and when its endpoint is disabled.
//!
//! Promises
//! - the pauses between attempts grow, over three days, and each is a random moment longer, so that not all events come at once;
//! - an endpoint can make a pause longer, up to a day, and never shorter;
//! - an endpoint is disabled only after five days in which no attempt has succeeded, or when it says that it is gone.
//!
//! Must not know: how events are sent.

use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;

use crate::model::Timestamp;

const SECOND: u64 = 1000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// The pauses after failed attempts, in milliseconds: those that Standard Webhooks recommends.
const PAUSES: [u64; 9] =
    [5 * SECOND, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR];
/// Maximum pause that an endpoint can ask for, in milliseconds.
const MAX_RETRY_AFTER: u64 = DAY;
/// The status of an endpoint that is gone for ever, and wants no more events.
const GONE: u16 = 410;
/// How long an endpoint may fail until it is disabled, in milliseconds.
const DISABLED_AFTER: u64 = 5 * DAY;
/// Maximum number of attempts to send an event to a status callback: over two and a half hours. A message has ended long before.
pub const MAX_CALLBACK_ATTEMPTS: u32 = 5;
/// How long the previous secret of an endpoint signs beside the new one, in seconds.
pub const PREVIOUS_SECRET_SECONDS: u64 = 24 * 3600;
/// How long events are kept, in milliseconds.
pub const KEPT_MS: u64 = 7 * DAY;
/// Maximum number of events of a tenant. The oldest are deleted when there are more.
pub const MAX_EVENTS: u32 = 100_000;
/// Maximum number of attempts that are kept for an event and an endpoint.
pub const MAX_ATTEMPTS_KEPT: usize = 20;
/// Maximum length of the URL of an endpoint, in characters.
pub const MAX_URL: usize = 2000;

/// When to try again after so many failed attempts. `jitter`, from 0 to 1, is how much of a tenth is added to the pause. `None`: never.
pub fn next_attempt(failed_attempts: u32, now: Timestamp, jitter: f64) -> Option<Timestamp> {
    let index = usize::try_from(failed_attempts).ok()?.checked_sub(1)?;
    let pause = *PAUSES.get(index)?;
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "a share")]
    let extra = ((pause / 10) as f64 * jitter.clamp(0.0, 1.0)) as u64;
    Some(now.plus_millis(pause + extra))
}

/// When an endpoint wants the next attempt: its `Retry-After`, as seconds or as a date (RFC 9110, section 10.2.3), and at most a day from
/// now. `None`: it cannot be read.
pub fn retry_after(header: &str, now: Timestamp) -> Option<Timestamp> {
    let is_number = !header.is_empty() && header.bytes().all(|byte| byte.is_ascii_digit());
    let pause = if is_number {
        // A number that is too large for this is longer than a day.
        header.parse::<u64>().map_or(u64::MAX, |seconds| seconds.saturating_mul(SECOND))
    } else {
        let written = header.strip_suffix("GMT").map(|date| format!("{date}+0000"))?;
        let at = OffsetDateTime::parse(&written, &Rfc2822).ok()?.unix_timestamp().saturating_mul(1000);
        u64::try_from(at.saturating_sub(now.0)).unwrap_or(0)
    };
    Some(now.plus_millis(pause.min(MAX_RETRY_AFTER)))
}

/// Whether an endpoint says that it is gone, and wants no more events.
pub fn is_gone(status: u16) -> bool {
    status == GONE
}

/// Whether an event has reached its endpoint: a 2xx status. A redirect is not followed, and counts as a failure.
pub fn is_delivered(status: u16) -> bool {
    (200..300).contains(&status)
}

/// Whether an endpoint that has been failing since then is disabled.
pub fn is_to_be_disabled(failing_since: Timestamp, now: Timestamp) -> bool {
    now.millis_since(failing_since) >= DISABLED_AFTER
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table() {
        let now = Timestamp(1_795_464_000_000);
        for (failed, least) in [
            (1, 5 * SECOND),
            (2, 5 * MINUTE),
            (3, 30 * MINUTE),
            (4, 2 * HOUR),
            (5, 5 * HOUR),
            (6, 10 * HOUR),
            (7, 14 * HOUR),
            (8, 20 * HOUR),
            (9, 24 * HOUR),
        ] {
            assert_eq!(next_attempt(failed, now, 0.0), Some(now.plus_millis(least)), "{failed}");
            assert_eq!(next_attempt(failed, now, 1.0), Some(now.plus_millis(least + least / 10)), "{failed}");
            assert_eq!(next_attempt(failed, now, 7.0), next_attempt(failed, now, 1.0), "{failed}");
        }
        assert_eq!([0, 10, 11, u32::MAX].map(|failed| next_attempt(failed, now, 0.5)), [None; 4]);
    }

    #[test]
    fn an_endpoint_can_ask_for_a_longer_pause_of_at_most_a_day() {
        // Mon, 23 Nov 2026 20:00:00 GMT
        let now = Timestamp(1_795_464_000_000);
        for (header, pause) in [
            ("0", Some(0)),
            ("120", Some(2 * MINUTE)),
            ("86400", Some(DAY)),
            ("86401", Some(DAY)),
            ("99999999999999999999999999", Some(DAY)),
            ("Mon, 23 Nov 2026 20:01:00 GMT", Some(MINUTE)),
            ("Mon, 23 Nov 2026 19:00:00 GMT", Some(0)),
            ("Fri, 31 Dec 2100 23:59:59 GMT", Some(DAY)),
            ("", None),
            ("-1", None),
            ("1.5", None),
            ("soon", None),
            ("GMT", None),
            ("Mon, 23 Nov 2026 20:01:00 +0100", None),
        ] {
            assert_eq!(retry_after(header, now), pause.map(|pause| now.plus_millis(pause)), "{header}");
        }
    }

    #[test]
    fn only_a_2xx_status_is_a_success() {
        for (status, delivered) in [(199, false), (200, true), (204, true), (299, true), (300, false), (410, false)] {
            assert_eq!(is_delivered(status), delivered, "{status}");
        }
    }

    #[test]
    fn an_endpoint_is_disabled_after_five_days() {
        let since = Timestamp(1_795_464_000_000);
        assert!(!is_to_be_disabled(since, since.plus_millis(DISABLED_AFTER - 1)));
        assert!(is_to_be_disabled(since, since.plus_millis(DISABLED_AFTER)));
        // A clock that was set back.
        assert!(!is_to_be_disabled(since, since.minus_millis(1)));
    }
}
