//! The trace of a send, for diagnosis: which host calls a connector made, what was sent (masked), and what came back.
//!
//! A trace never contains sealed values. They appear as `[recipient]`, `[text]`, `[code]` or `[secret NAME]`, and text from a guest
//! or a provider is scrubbed first.

use std::time::{Duration, Instant};

use sendbox_contract::text::one_line;
use sendbox_contract::{TraceEvent, TraceKind};

use crate::digits::{Run, run};

/// Collects events. Bounded, because the host calls of a send are, and each adds one event.
#[derive(Debug)]
pub(crate) struct Trace {
    began: Instant,
    events: Vec<TraceEvent>,
}

impl Trace {
    pub(crate) fn new() -> Self {
        Self { began: Instant::now(), events: Vec::new() }
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    pub(crate) fn push(&mut self, what: TraceKind) {
        self.events
            .push(TraceEvent { at_us: u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX), what });
    }

    pub(crate) fn into_events(self) -> Vec<TraceEvent> {
        self.events
    }
}

/// Maximum size of the part of a response that is shown, in bytes.
const SHOWN: usize = 2048;
/// Minimum number of consecutive digits that could be a code.
const CODE_DIGITS: usize = 6;
/// Minimum number of digits, with or without separators, that could be a phone number.
const NUMBER_DIGITS: usize = 7;
/// Separators between the digits of a number.
const SEPARATORS: &[u8] = b" -.()/";
/// The mask of a long run of digits.
const DIGITS: &str = "[digits]";

/// The beginning of a scrubbed response, for display: on one line, and empty if it is not text. The scrubber knows what was sent; a
/// number or a code that the provider wrote in another form is masked here, like every long run of digits.
pub(crate) fn excerpt(scrubbed: &[u8]) -> String {
    let cut = scrubbed.get(..SHOWN).unwrap_or(scrubbed);
    // A character may have been split.
    let text = match std::str::from_utf8(cut) {
        Ok(text) => text,
        Err(error) if error.valid_up_to() + 4 > SHOWN => {
            cut.get(..error.valid_up_to()).and_then(|valid| std::str::from_utf8(valid).ok()).unwrap_or_default()
        }
        Err(_) => return String::new(),
    };
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(|character: char| character.is_ascii_digit()) {
        let (before, from) = rest.split_at(start);
        let Run { end, in_row, digits } = run(from, SEPARATORS);
        let (end, is_long) = if digits >= NUMBER_DIGITS { (end, true) } else { (in_row, in_row >= CODE_DIGITS) };
        let (numeral, after) = from.split_at(end);
        shown.push_str(before);
        shown.push_str(if is_long { DIGITS } else { numeral });
        rest = after;
    }
    shown.push_str(rest);
    let line = one_line(&shown, SHOWN);
    if scrubbed.len() > SHOWN && !line.ends_with('…') { line + "…" } else { line }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_shown_without_what_could_be_a_number_or_a_code() {
        let cases = [
            (
                r#"{"code":20003,"message":"Authenticate","status":401}"#,
                r#"{"code":20003,"message":"Authenticate","status":401}"#,
            ),
            (r#"{"to":"+45 12 34 56 78"}"#, r#"{"to":"+[digits]"}"#),
            ("your code: 123456, or 12345.", "your code: [digits], or 12345."),
            ("a123456b 555-1234", "a[digits]b [digits]"),
            ("12 34 ok", "12 34 ok"),
            ("12 34 5678 ok", "[digits] ok"),
        ];
        for (answer, shown) in cases {
            assert_eq!(excerpt(answer.as_bytes()), shown, "{answer}");
        }
        assert_eq!(excerpt(&[0x1f, 0x8b, 0xff]), "");
    }

    #[test]
    fn a_long_answer_is_cut_between_characters() {
        let long = "é".repeat(2000);
        let shown = excerpt(long.as_bytes());
        assert_eq!(shown.chars().filter(|character| *character == 'é').count(), 1024);
        assert!(shown.ends_with('…'));
        let odd = format!("a{long}");
        assert_eq!(excerpt(odd.as_bytes()).chars().filter(|character| *character == 'é').count(), 1023);
    }
}
