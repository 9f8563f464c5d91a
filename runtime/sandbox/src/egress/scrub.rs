//! Takes what the host sealed out of what comes back.
//!
//! Providers echo: Twilio answers with the number and the text, a misconfigured proxy with the credentials. A connector
//! must not learn them that way, nor may they reach a log. The scrubber knows every sealed root of a send in the encodings
//! that answers are written in. It guards against accident; what holds against a provider that conspires with a connector
//! is the grant (see `wit/README.md`).

use std::sync::Arc;

use memchr::memmem;
use zeroize::Zeroizing;

use crate::sealed::{Encoding, encode_bytes};

/// Shorter values are not looked for: they would tear holes into every answer, and are no secrets.
const SHORTEST: usize = 4;

/// What stands for a sealed text.
const MASK: &[u8] = b"[sealed]";
/// What stands for a sealed run of digits: inside a JSON number it must stay a number.
const DIGIT_MASK: &[u8] = b"0";

/// A value in one of the encodings in which an answer may hold it.
pub(crate) struct Needle {
    bytes: Zeroizing<Vec<u8>>,
}

impl Needle {
    fn new(bytes: Vec<u8>) -> Self {
        Self { bytes: Zeroizing::new(bytes) }
    }
}

/// All needles of one value. Made once for a connection's secrets, and per send for a message.
pub(crate) fn needles(value: &[u8]) -> Vec<Needle> {
    let mut forms: Vec<Vec<u8>> = Vec::new();
    if value.len() < SHORTEST {
        return Vec::new();
    }
    let mut add = |form: Vec<u8>| {
        if form.len() >= SHORTEST && !forms.contains(&form) {
            forms.push(form);
        }
    };
    add(value.to_vec());
    let encoded = |encoding| encode_bytes(value, encoding).unwrap_or_default();
    // Letters and digits are written the same everywhere but in binary-to-text encodings.
    if !value.iter().all(u8::is_ascii_alphanumeric) {
        [Encoding::JsonString, Encoding::Form, Encoding::Percent].map(encoded).into_iter().for_each(&mut add);
        if let Ok(text) = std::str::from_utf8(value) {
            let json = json_ascii(text);
            add(json.replace('/', "\\/").into_bytes());
            add(json.into_bytes());
            add(html(text).into_bytes());
        }
    }
    [Encoding::Base64, Encoding::Base64Url, Encoding::Hex].map(encoded).into_iter().for_each(&mut add);
    forms.into_iter().map(Needle::new).collect()
}

/// Knows what must not come back.
#[derive(Default)]
pub(crate) struct Scrubber {
    /// Longest first, so that a whole is masked before its parts.
    needles: Vec<Arc<Needle>>,
    /// Runs of digits that are masked even when written with separators.
    numbers: Vec<Zeroizing<Vec<u8>>>,
}

impl Scrubber {
    /// Adds a value in all encodings in which an answer may hold it.
    pub(crate) fn add(&mut self, value: &[u8]) {
        if !self.knows(value) {
            needles(value).into_iter().for_each(|needle| self.insert(Arc::new(needle)));
        }
    }

    /// Adds needles that were made before.
    pub(crate) fn add_made(&mut self, made: &[Arc<Needle>]) {
        made.iter().for_each(|needle| self.insert(Arc::clone(needle)));
    }

    /// Adds a number: also masked when written as `+45 12 34 56 78`.
    pub(crate) fn add_number(&mut self, digits: &str) {
        self.add(digits.as_bytes());
        if digits.len() >= 7 {
            self.numbers.push(Zeroizing::new(digits.as_bytes().to_vec()));
        }
    }

    /// Adds one value as it is.
    pub(crate) fn add_exact(&mut self, value: &[u8]) {
        if value.len() >= SHORTEST && !self.knows(value) {
            self.insert(Arc::new(Needle::new(value.to_vec())));
        }
    }

    fn knows(&self, value: &[u8]) -> bool {
        self.needles.iter().any(|known| known.bytes.as_slice() == value)
    }

    fn insert(&mut self, needle: Arc<Needle>) {
        let at = self.needles.partition_point(|known| known.bytes.len() >= needle.bytes.len());
        self.needles.insert(at, needle);
    }

    /// The same bytes without anything sealed.
    pub(crate) fn scrub(&self, bytes: &[u8]) -> Vec<u8> {
        let mut clean = bytes.to_vec();
        for needle in &self.needles {
            if clean.len() >= needle.bytes.len() && memmem::find(&clean, &needle.bytes).is_some() {
                clean = replace(&clean, needle);
            }
        }
        self.scrub_separated(clean)
    }

    /// The same text without anything sealed.
    pub(crate) fn scrub_text(&self, text: &str) -> String {
        String::from_utf8_lossy(&self.scrub(text.as_bytes())).into_owned()
    }

    /// Masks known numbers written with separators between their digits.
    fn scrub_separated(&self, bytes: Vec<u8>) -> Vec<u8> {
        let digits = bytes.iter().filter(|byte| byte.is_ascii_digit()).count();
        if !self.numbers.iter().any(|number| number.len() <= digits) {
            return bytes;
        }
        let mut clean = Vec::with_capacity(bytes.len());
        let mut rest = bytes.as_slice();
        while let Some((first, tail)) = rest.split_first() {
            if first.is_ascii_digit() {
                let matched = self.numbers.iter().find_map(|number| separated_prefix(rest, number));
                if let Some(length) = matched {
                    clean.extend_from_slice(DIGIT_MASK);
                    rest = rest.get(length..).unwrap_or_default();
                    continue;
                }
            }
            clean.push(*first);
            rest = tail;
        }
        clean
    }
}

/// How many bytes at the start of `bytes` spell `number`, with at most two separators between digits.
fn separated_prefix(bytes: &[u8], number: &[u8]) -> Option<usize> {
    let mut position = 0;
    for (index, digit) in number.iter().enumerate() {
        let mut separators = 0;
        while index > 0
            && separators < 2
            && bytes.get(position).is_some_and(|byte| matches!(byte, b' ' | b'-' | b'.' | b'(' | b')' | b'/'))
        {
            position += 1;
            separators += 1;
        }
        if bytes.get(position) != Some(digit) {
            return None;
        }
        position += 1;
    }
    Some(position)
}

fn replace(bytes: &[u8], needle: &Needle) -> Vec<u8> {
    let mask = if needle.bytes.iter().all(u8::is_ascii_digit) { DIGIT_MASK } else { MASK };
    let mut clean = Vec::with_capacity(bytes.len());
    let mut from = 0;
    for at in memmem::find_iter(bytes, &needle.bytes) {
        clean.extend_from_slice(bytes.get(from..at).unwrap_or_default());
        clean.extend_from_slice(mask);
        from = at + needle.bytes.len();
    }
    clean.extend_from_slice(bytes.get(from..).unwrap_or_default());
    clean
}

/// JSON with everything outside ASCII as `\uXXXX`, as many providers write it.
fn json_ascii(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '"' => escaped.push_str("\\\""),
            '\\' => escaped.push_str("\\\\"),
            '\n' => escaped.push_str("\\n"),
            '\r' => escaped.push_str("\\r"),
            '\t' => escaped.push_str("\\t"),
            ' '..='~' => escaped.push(character),
            other => {
                let mut units = [0_u16; 2];
                for unit in other.encode_utf16(&mut units) {
                    escaped.push_str(&format!("\\u{unit:04x}"));
                }
            }
        }
    }
    escaped
}

fn html(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scrubber() -> Scrubber {
        let mut scrubber = Scrubber::default();
        scrubber.add(b"s3cr3t/t\xc3\xb6ken\"");
        scrubber.add(b"482913");
        scrubber.add_number("4512345678");
        scrubber
    }

    #[test]
    fn echoes_are_masked_in_every_encoding() {
        let cases = [
            ("Bearer s3cr3t/töken\"", "Bearer [sealed]"),
            (r#"{"a":"s3cr3t/töken\""}"#, r#"{"a":"[sealed]"}"#),
            (r#"{"a":"s3cr3t/t\u00f6ken\""}"#, r#"{"a":"[sealed]"}"#),
            (r#"{"a":"s3cr3t\/t\u00f6ken\""}"#, r#"{"a":"[sealed]"}"#),
            ("t=s3cr3t%2Ft%C3%B6ken%22&x=1", "t=[sealed]&x=1"),
            ("czNjcjN0L3TDtmtlbiI=", "[sealed]"),
            (r#"{"to":4512345678,"code":"482913"}"#, r#"{"to":0,"code":"0"}"#),
            ("+45 12 34 56 78 / (45) 1234-5678", "+0 / (0"),
            ("nothing here 123", "nothing here 123"),
        ];
        for (input, expected) in cases {
            assert_eq!(scrubber().scrub_text(input), expected, "{input}");
        }
    }

    #[test]
    fn short_values_are_left_alone() {
        let mut scrubber = Scrubber::default();
        scrubber.add(b"abc");
        assert_eq!(scrubber.scrub_text("abcabc"), "abcabc");
    }
}
