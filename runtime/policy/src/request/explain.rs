//! Finds values that the host gave to the connector in a request.
//!
//! Both checks use it: digits from the host are not a second number, and a literal from the host has a name in the shape of a
//! request.
//!
//! Promise: a value explains text only if it occurs as a whole and is not part of a longer number.

use super::known::{HostValues, KnownMatch};
use super::time::{Clock, is_api_version};
use super::view::MessageRule;

/// Values of at least this length are found between letters as well: they cannot occur by chance.
const CERTAIN_MIN: usize = 16;

pub(super) struct Explanations<'r> {
    known: &'r [&'r HostValues],
    pub(super) clock: Clock,
    lifetime_seconds: u64,
}

/// A part of a text that comes from the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span<'r> {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) name: &'r str,
}

const TIME: &str = "time";
const LIFETIME: &str = "lifetime";

impl<'r> Explanations<'r> {
    pub(super) fn new(rule: &'r MessageRule<'r>) -> Self {
        Self { known: &rule.known, clock: Clock(rule.now_unix_ms), lifetime_seconds: rule.lifetime_seconds.into() }
    }

    /// The name of the value that the whole text equals.
    pub(super) fn whole(&self, text: &str) -> Option<&'r str> {
        if let Some(name) = self.known.iter().find_map(|known| known.whole(text)) {
            return Some(name);
        }
        if !text.is_empty() && self.clock.prefix(text) == Some(text.len()) {
            return Some(TIME);
        }
        if text.bytes().all(|byte| byte.is_ascii_digit()) && text.parse().is_ok_and(|number| self.is_lifetime(number)) {
            return Some(LIFETIME);
        }
        self.known.iter().find_map(|known| known.word(text))
    }

    /// Whether the text as a whole cannot be a number: it comes from the host, or is a date like an API version.
    pub(super) fn is_harmless(&self, text: &str) -> bool {
        self.whole(text).is_some() || is_api_version(text)
    }

    /// Whether a number is the lifetime in seconds, milliseconds or minutes, rounded either way.
    pub(super) fn is_lifetime(&self, number: u64) -> bool {
        let seconds = self.lifetime_seconds;
        seconds > 0
            && [seconds, seconds.saturating_mul(1000), seconds / 60, seconds.div_ceil(60)].contains(&number)
            && number > 0
    }

    /// The parts of a text that come from the host, in order and without overlaps.
    pub(super) fn spans<'t>(&'t self, text: &'t str) -> Vec<Span<'t>> {
        let mut searches: Vec<_> = self.known.iter().map(|known| known.search(text)).collect();
        let mut spans = Vec::new();
        // The ends of the text that is explained, and of the text that was searched.
        let (mut explained, mut searched) = (0, 0);
        loop {
            let found = searches.iter_mut().filter_map(|search| search.next(searched));
            let Some(KnownMatch { start, end, name }) = found.reduce(first_and_longest) else { break };
            searched = end;
            if is_separate_word(text, start, end) {
                self.others(text, explained, start, &mut spans);
                spans.push(Span { start, end, name });
                explained = end;
            }
        }
        self.others(text, explained, text.len(), &mut spans);
        spans
    }

    /// Finds times and UUIDs between two values.
    fn others<'t>(&'t self, text: &str, from: usize, to: usize, spans: &mut Vec<Span<'t>>) {
        let bytes = text.as_bytes();
        let mut at = from;
        while at < to {
            if !bytes.get(at).is_some_and(u8::is_ascii_hexdigit) {
                at += 1;
                continue;
            }
            let before = at.checked_sub(1).and_then(|before| bytes.get(before)).copied();
            let starts_word = !before.is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'+');
            let found = text.get(at..to).filter(|_| starts_word).and_then(|rest| {
                let time = self.clock.prefix(rest).map(|length| (length, TIME));
                time.or_else(|| self.uuid(rest).map(|name| (UUID_LENGTH, name)))
            });
            match found {
                Some((length, name)) => {
                    spans.push(Span { start: at, end: at + length, name });
                    at += length;
                }
                None => at += 1,
            }
        }
    }

    /// One of the identifiers as a UUID (8-4-4-4-12). The version and the variant (the 13th and the 17th digit) may differ.
    fn uuid(&self, text: &str) -> Option<&str> {
        let written = text.as_bytes().get(..UUID_LENGTH)?;
        let ends = !text.as_bytes().get(UUID_LENGTH).is_some_and(u8::is_ascii_alphanumeric);
        let dashes = written.iter().enumerate().all(|(at, byte)| (*byte == b'-') == matches!(at, 8 | 13 | 18 | 23));
        if !ends || !dashes {
            return None;
        }
        let digits: Vec<u8> = written.iter().filter(|byte| **byte != b'-').copied().collect();
        let same = |known: &str| {
            digits.iter().zip(known.bytes()).enumerate().all(|(at, (written, known))| match at {
                12 => written.is_ascii_hexdigit(),
                16 => written.is_ascii_hexdigit(),
                _ => written.eq_ignore_ascii_case(&known),
            })
        };
        let mut identifiers = self.known.iter().flat_map(|known| known.identifiers());
        identifiers.find(|(known, _)| same(known)).map(|(_, name)| name)
    }
}

const UUID_LENGTH: usize = 36;

fn first_and_longest<'v>(one: KnownMatch<'v>, other: KnownMatch<'v>) -> KnownMatch<'v> {
    if (other.start, one.end) < (one.start, other.end) { other } else { one }
}

/// Whether a match is a word of its own.
fn is_separate_word(text: &str, start: usize, end: usize) -> bool {
    let before = text.get(..start).and_then(|before| before.chars().next_back());
    let after = text.get(end..).and_then(|after| after.chars().next());
    let found = text.get(start..end).unwrap_or_default();
    let (first, last) = (found.chars().next(), found.chars().next_back());
    let touches = |one: Option<char>, other: Option<char>| match (one, other) {
        (Some(one), Some(other)) => {
            (one.is_numeric() && other.is_numeric())
                || (found.len() < CERTAIN_MIN && one.is_alphanumeric() && other.is_alphanumeric())
        }
        _ => false,
    };
    !touches(before, first) && !touches(last, after)
}

#[cfg(test)]
mod tests {
    use super::super::known::HostValue;
    use super::*;
    use crate::composition::ContentKind;

    /// A connection's values and those of a message are looked for apart, and found as if they were together.
    #[test]
    fn values_of_two_kinds_that_overlap() {
        let values = |given: &[&'static str]| {
            let value = |value: &&'static str| HostValue { name: (*value).into(), value: (*value).into() };
            HostValues::new(given.iter().map(value).collect())
        };
        for (connection, message, found) in [
            (["north-east"], ["east-or-west-or-south"], "north-east"),
            (["east-or-west-or-south"], ["north-east"], "north-east"),
            (["north"], ["north-east"], "north-east"),
            (["north-east"], ["north"], "north-east"),
        ] {
            let (connection, message) = (values(&connection), values(&message));
            let known = vec![&connection, &message];
            let rule = MessageRule { content: ContentKind::Text, known, lifetime_seconds: 0, now_unix_ms: 0 };
            let explained = Explanations::new(&rule);
            let spans = explained.spans("north-east-or-west-or-south");
            assert_eq!(spans.iter().map(|span| span.name).collect::<Vec<_>>(), [found]);
        }
    }
}
