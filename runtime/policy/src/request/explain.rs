//! What the host itself gave to the connector, found again in a request.
//!
//! Both judgements use it: digits that the host gave are no second number, and a literal that the host gave has a name in the
//! shape of a request.
//!
//! Promise: a value explains text only where it stands whole, and is no part of a longer number.

use std::collections::BTreeMap;

use aho_corasick::{AhoCorasick, MatchKind};
use serde_json::Value as Json;
use unicode_normalization::UnicodeNormalization as _;

use super::time::{Clock, is_api_version};
use super::{HostValue, MessageRule};

/// Shorter values are found only where they are the whole of a field: `5` would be found everywhere.
const INSIDE_MIN: usize = 4;
/// Longer values are found between letters, too: they cannot be there by chance.
const CERTAIN_MIN: usize = 16;
/// Values of all JSON documents that the host gave, at most. Bounds the search.
const VALUES_MAX: usize = 1024;

pub(super) struct Explained<'r> {
    /// Where each value is from; of two that are the same, the first.
    whole: BTreeMap<String, &'r str>,
    inside: Option<AhoCorasick>,
    /// The names of the patterns of `inside`.
    names: Vec<&'r str>,
    /// 32 hexadecimal digits, which a connector may write as a UUID, with version and variant set.
    identifiers: Vec<(&'r str, &'r str)>,
    /// Words of the contract that a connector may write in another style.
    words: Vec<(String, &'r str)>,
    pub(super) clock: Clock,
    lifetime_seconds: u64,
}

/// A stretch of text that the host gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span<'r> {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) name: &'r str,
}

const TIME: &str = "time";
const LIFETIME: &str = "lifetime";

impl<'r> Explained<'r> {
    pub(super) fn new(rule: &MessageRule<'r>) -> Self {
        let mut explained = Self {
            whole: BTreeMap::new(),
            inside: None,
            names: Vec::new(),
            identifiers: Vec::new(),
            words: Vec::new(),
            clock: Clock(rule.now_unix_ms),
            lifetime_seconds: rule.lifetime_seconds.into(),
        };
        let mut patterns = Vec::new();
        for HostValue { name, value } in rule.known {
            explained.add(name, value, &mut patterns);
        }
        // Without patterns, or with more bytes than an automaton can hold, only whole values are explained.
        explained.inside = AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(&patterns).ok();
        explained
    }

    fn add(&mut self, name: &'r str, value: &'r str, patterns: &mut Vec<String>) {
        self.add_text(name, value, patterns);
        if value.len() == 32 && value.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            self.identifiers.push((value, name));
        }
        if matches!(name, "usage" | "locale") {
            self.words.push((plain_word(value), name));
        }
        if value.starts_with(['{', '['])
            && let Ok(document) = serde_json::from_str::<Json>(value)
        {
            let mut left = vec![document];
            while let Some(next) = left.pop() {
                match next {
                    Json::String(text) => self.add_text(name, &text, patterns),
                    Json::Number(number) => self.add_text(name, &number.to_string(), patterns),
                    Json::Array(items) => left.extend(items),
                    Json::Object(members) => left.extend(members.into_iter().map(|(_, value)| value)),
                    Json::Null | Json::Bool(_) => {}
                }
            }
        }
    }

    fn add_text(&mut self, name: &'r str, text: &str, patterns: &mut Vec<String>) {
        let without_plus = text.strip_prefix('+').filter(|rest| rest.bytes().all(|byte| byte.is_ascii_digit()));
        for text in [Some(text), without_plus].into_iter().flatten().filter(|text| !text.is_empty()) {
            for spelling in [text.to_owned(), normal(text)] {
                if self.whole.len() >= VALUES_MAX || self.whole.contains_key(&spelling) {
                    continue;
                }
                if spelling.chars().count() >= INSIDE_MIN {
                    patterns.push(spelling.clone());
                    self.names.push(name);
                }
                self.whole.insert(spelling, name);
            }
        }
    }

    /// Where the whole text is from.
    pub(super) fn whole(&self, text: &str) -> Option<&'r str> {
        if let Some(name) = self.whole.get(text) {
            return Some(name);
        }
        if !text.is_empty() && self.clock.prefix(text) == Some(text.len()) {
            return Some(TIME);
        }
        if text.bytes().all(|byte| byte.is_ascii_digit()) && text.parse().is_ok_and(|number| self.is_lifetime(number)) {
            return Some(LIFETIME);
        }
        let word = plain_word(text);
        self.words.iter().find(|(known, _)| !known.is_empty() && *known == word).map(|(_, name)| *name)
    }

    /// Whether the whole text holds no number: the host gave it, or it is a date like an API's version.
    pub(super) fn is_harmless(&self, text: &str) -> bool {
        self.whole(text).is_some() || is_api_version(text)
    }

    /// Seconds, milliseconds or minutes, begun or full.
    pub(super) fn is_lifetime(&self, number: u64) -> bool {
        let seconds = self.lifetime_seconds;
        seconds > 0
            && [seconds, seconds.saturating_mul(1000), seconds / 60, seconds.div_ceil(60)].contains(&number)
            && number > 0
    }

    /// What in the text is from the host, in order, without overlaps.
    pub(super) fn spans(&self, text: &str) -> Vec<Span<'r>> {
        let mut spans = Vec::new();
        let mut at = 0;
        let found = self.inside.iter().flat_map(|automaton| automaton.find_iter(text));
        for found in found.filter(|found| stands_alone(text, found.start(), found.end())) {
            self.others(text, at, found.start(), &mut spans);
            if let Some(name) = self.names.get(found.pattern().as_usize()) {
                spans.push(Span { start: found.start(), end: found.end(), name });
            }
            at = found.end();
        }
        self.others(text, at, text.len(), &mut spans);
        spans
    }

    /// Times and UUIDs between two values.
    fn others(&self, text: &str, from: usize, to: usize, spans: &mut Vec<Span<'r>>) {
        let bytes = text.as_bytes();
        let mut at = from;
        while at < to {
            let before = at.checked_sub(1).and_then(|before| bytes.get(before)).copied();
            let starts_word = !before.is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'+');
            let rest = text.get(at..to).filter(|rest| starts_word && rest.starts_with(|c: char| c.is_ascii_hexdigit()));
            let found = rest.and_then(|rest| {
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

    /// One of the identifiers as 8-4-4-4-12. Version and variant (the 13th and the 17th digit) may be another one's.
    fn uuid(&self, text: &str) -> Option<&'r str> {
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
        self.identifiers.iter().find(|(known, _)| same(known)).map(|(_, name)| *name)
    }
}

const UUID_LENGTH: usize = 36;

/// Whether what is found is a word of its own.
fn stands_alone(text: &str, start: usize, end: usize) -> bool {
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

/// Letters and digits in lower case: `SignIn` is `sign-in`.
fn plain_word(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// Compatibility forms as what they look like (NFKC), without what cannot be seen.
pub(super) fn normal(text: &str) -> String {
    text.nfkc().filter(|c| !is_invisible(*c)).collect()
}

/// Combining marks, and letters and format characters that show nothing (Unicode's `Default_Ignorable_Code_Point`).
fn is_invisible(c: char) -> bool {
    unicode_normalization::char::is_combining_mark(c)
        || matches!(c,
            '\u{AD}' | '\u{34F}' | '\u{61C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}' | '\u{180B}'..='\u{180F}'
            | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{3164}'
            | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{FFA0}' | '\u{FFF0}'..='\u{FFFB}'
            | '\u{1BCA0}'..='\u{1BCA3}' | '\u{1D173}'..='\u{1D17A}' | '\u{E0000}'..='\u{E0FFF}')
}
