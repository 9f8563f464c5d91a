//! Finds possible phone numbers in text that a connector wrote.
//!
//! A lenient parser drops everything but digits, and so does this: 7 digits of any script, with anything but letters between them,
//! are a number. Up to two letters between two digits are ignored as well (`1x900x555x0199`). Each field is checked as its parser
//! returns it, and again after each of a few rounds of unescaping.
//!
//! Text from the host ([`Explanations`]) is neither a number nor part of one, unless it touches digits of the connector.
//!
//! Must not know: where in a request a text is.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;

use super::decode;
use super::explain::Explanations;
use super::slot::{Slot, Slots, TextPiece, is_reserved};
use super::spelling::normal;
use crate::composition::{Composition, Encoding, Mark, Piece};

/// The shortest phone numbers, including the calling code, have 7 digits.
const DIGITS_MIN: usize = 7;
/// Maximum number of letters between two digits of one number.
const LETTERS_MAX: usize = 2;
/// Maximum length to which a number's decimal expansion is written out.
const EXPANSION_MAX: usize = 400;

/// Stands for a sealed value with at least one byte, which the connector cannot choose.
const SEPARATOR: char = '\u{10_FFFC}';
/// Stands for a word from the host.
const WORD: char = '\u{10_FFFD}';
/// Stands for digits from the host; their count is added to it.
const DIGITS: u32 = 0x10_0000;
const DIGITS_LAST: u32 = 0x10_FFFB;

pub(super) struct NumberScan<'e, 'r> {
    explained: &'e Explanations<'r>,
}

impl<'e, 'r> NumberScan<'e, 'r> {
    pub(super) fn new(explained: &'e Explanations<'r>) -> Self {
        Self { explained }
    }

    /// The number of digits of a suspicious number in a text.
    pub(super) fn text(&self, text: &str, slots: &Slots<'_>) -> Option<usize> {
        if is_plain_and_short_of_digits(text, slots) || self.explained.is_harmless(text) {
            return None;
        }
        let mut plain = String::with_capacity(text.len());
        for piece in slots.pieces(text) {
            match piece {
                TextPiece::Literal(literal) => plain.extend(own(literal)),
                TextPiece::Slot(Slot::Mark(mark)) => plain.extend(placeholder(mark)),
                TextPiece::Slot(Slot::Encoded(encoding, inner)) => {
                    if let Some(digits) = self.encoded(encoding, inner, &mut plain) {
                        return Some(digits);
                    }
                }
            }
        }
        for _ in 0..=decode::ROUNDS {
            let marked = self.mark(&normal(&plain));
            if let Some(digits) = longest(&marked) {
                return Some(digits);
            }
            let next = decode::once(&marked);
            if next == marked {
                return None;
            }
            plain = next;
        }
        None
    }

    /// The same for a JSON number, by its value and as written.
    pub(super) fn number(&self, number: &str) -> Option<usize> {
        let expanded = expansion(number);
        if self.explained.is_harmless(number) || self.explained.is_harmless(&expanded) {
            return None;
        }
        let mantissa = number.split(['e', 'E']).next().unwrap_or_default();
        let written = mantissa.bytes().filter(u8::is_ascii_digit).count();
        Some(expanded.len().max(written)).filter(|digits| *digits >= DIGITS_MIN)
    }

    /// Writes out text that was encoded as a whole. Its own digits have already been checked; but two encodings can produce new
    /// digits.
    fn encoded(&self, encoding: Encoding, inner: &Composition, plain: &mut String) -> Option<usize> {
        for piece in inner.pieces() {
            match piece {
                Piece::Literal(literal) => {
                    if let Some(digits) = self.digits_made_by(encoding, literal) {
                        return Some(digits);
                    }
                    plain.extend(own(literal));
                }
                Piece::Mark(mark) => plain.extend(placeholder(mark)),
                Piece::Encoded(encoding, inner) => {
                    if let Some(digits) = self.encoded(*encoding, inner, plain) {
                        return Some(digits);
                    }
                }
            }
        }
        None
    }

    /// The longest run of digits that an encoding produces from a literal. Base64 depends on what comes before, so all three
    /// alignments are checked.
    fn digits_made_by(&self, encoding: Encoding, literal: &str) -> Option<usize> {
        let alignments = match encoding {
            Encoding::Hex => 0..1,
            Encoding::Base64 | Encoding::Base64Url => 0..3,
            Encoding::Percent | Encoding::Form | Encoding::JsonString | Encoding::Xml => return None,
        };
        let marked = self.mark(&literal.chars().filter(|c| u32::from(*c) < DIGITS).collect::<String>());
        marked
            .split(|c: char| u32::from(c) >= DIGITS)
            .flat_map(|own| {
                alignments.clone().map(move |before| {
                    let bytes = own.as_bytes();
                    let written = match encoding {
                        Encoding::Hex => hex::encode(bytes),
                        _ => STANDARD_NO_PAD
                            .encode([[0; 2].as_slice().get(..before).unwrap_or_default(), bytes].concat()),
                    };
                    written.split(|c: char| !c.is_ascii_digit()).map(str::len).max().unwrap_or_default()
                })
            })
            .find(|digits| *digits >= DIGITS_MIN)
    }

    /// Replaces each part of a text that comes from the host by one character.
    fn mark(&self, text: &str) -> String {
        let mut marked = String::with_capacity(text.len());
        let mut at = 0;
        for span in self.explained.spans(text) {
            marked.push_str(text.get(at..span.start).unwrap_or_default());
            let given = text.get(span.start..span.end).unwrap_or_default();
            let digits = given.chars().filter(|c| c.is_numeric()).count();
            let count = u32::try_from(digits).ok().and_then(|digits| char::from_u32(DIGITS + digits));
            marked.push(match count {
                Some(count)
                    if digits > 0 && u32::from(count) <= DIGITS_LAST && !given.contains(char::is_alphabetic) =>
                {
                    count
                }
                _ => WORD,
            });
            at = span.end;
        }
        marked.push_str(text.get(at..).unwrap_or_default());
        marked
    }
}

/// Whether a text has too few digits for a number, and nothing that could be decoded to more of them: no escape, and no character
/// that is equivalent to several digits. The check of most texts ends here.
fn is_plain_and_short_of_digits(text: &str, slots: &Slots<'_>) -> bool {
    let is_plain = |c: char| match c {
        '%' | '\\' | '&' => false,
        c => c.is_ascii() || matches!(slots.get(c), Some(Slot::Mark(_))),
    };
    text.chars().all(is_plain) && text.bytes().filter(u8::is_ascii_digit).count() < DIGITS_MIN
}

/// Text of the connector without the characters that have a meaning here, so that it cannot separate its digits with one.
fn own(literal: &str) -> impl Iterator<Item = char> {
    literal.chars().filter(|c| !is_reserved(*c))
}

/// A value that could be empty must not hide that digits touch; anything else separates them.
fn placeholder(mark: &Mark) -> Option<char> {
    match mark {
        Mark::Recipient(_) | Mark::Text | Mark::Code | Mark::Opaque => Some(SEPARATOR),
        Mark::Variable(_) | Mark::ClientIp | Mark::Secret(_) => None,
    }
}

/// A run of digits that belong together.
#[derive(Default)]
struct DigitRun {
    own: usize,
    /// How many of them end a word (`SHA256`) without a separator.
    of_word: usize,
    given: usize,
    longest: usize,
}

impl DigitRun {
    /// Digits from the host alone are not the connector's; together with the connector's they form a longer number.
    fn end(&mut self) {
        let all = self.own + self.given;
        let lengthens = self.own > self.of_word && self.given > 0;
        if self.own >= DIGITS_MIN || (lengthens && all >= DIGITS_MIN) {
            self.longest = self.longest.max(all);
        }
        *self = Self { longest: self.longest, ..Self::default() };
    }
}

fn longest(text: &str) -> Option<usize> {
    let (mut strict, mut lenient) = (DigitRun::default(), DigitRun::default());
    let mut letters = 0;
    let mut in_word = false;
    for c in text.chars() {
        let code = u32::from(c);
        if c == SEPARATOR || c == WORD {
            strict.end();
            lenient.end();
            letters = 0;
        } else if (DIGITS..=DIGITS_LAST).contains(&code) {
            strict.given += usize::try_from(code - DIGITS).unwrap_or_default();
            lenient.end();
            letters = 0;
        } else if c.is_numeric() {
            strict.own += 1;
            strict.of_word += usize::from(in_word);
            lenient.own += 1;
            letters = 0;
        } else if c.is_alphabetic() {
            strict.end();
            letters += 1;
            if letters > LETTERS_MAX {
                lenient.end();
                in_word = true;
            }
            continue;
        }
        in_word &= c.is_numeric();
    }
    strict.end();
    lenient.end();
    // `%E7%AD%BE` has letters and digits of an escape; the next round checks what it means.
    let lenient = if text.contains('%') { 0 } else { lenient.longest };
    Some(strict.longest.max(lenient)).filter(|longest| *longest > 0)
}

/// The decimal digits of an integral JSON number, or those of its mantissa.
fn expansion(number: &str) -> String {
    let number = number.strip_prefix('-').unwrap_or(number);
    let (mantissa, exponent) = number.split_once(['e', 'E']).unwrap_or((number, "0"));
    let (integer, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let fraction = fraction.trim_end_matches('0');
    let digits = format!("{integer}{fraction}");
    // An exponent that overflows means more digits than any phone number has, or none.
    let exponent = exponent.parse::<i64>().unwrap_or(if exponent.starts_with('-') { i64::MIN } else { i64::MAX });
    let zeros = usize::try_from(exponent).ok().and_then(|exponent| exponent.checked_sub(fraction.len()));
    match zeros {
        Some(zeros) => {
            let written = format!("{digits}{}", "0".repeat(zeros.min(EXPANSION_MAX)));
            written.trim_start_matches('0').to_owned()
        }
        None => digits,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_numbers_by_value() {
        for (number, digits) in [
            ("0", ""),
            ("600", "600"),
            ("-600", "600"),
            ("1.9005550199e10", "19005550199"),
            ("1.9005550199E+10", "19005550199"),
            ("0.019005550199e12", "19005550199"),
            ("19005550199.0", "19005550199"),
            ("190055501990e-1", "190055501990"),
            ("1.9005550199", "19005550199"),
            ("6e5", "600000"),
            ("1.25", "125"),
        ] {
            assert_eq!(expansion(number), digits, "{number}");
        }
        assert!(expansion("1e99999999999999999999").len() > 15);
        assert!(expansion("1e18446744073709551615").len() > 15);
        assert_eq!(expansion("1e-99999999999999999999"), "1");
    }
}
