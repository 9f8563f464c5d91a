//! Looks for what could be a phone number in the text that a connector wrote.
//!
//! A candidate is 7 to 15 digits (E.164's most), of any script, with separators between them, that are not part of an
//! identifier with ASCII letters. The text is read as it is on the wire and again after each round of percent-decoding and
//! JSON unescaping, because we do not know how deep the provider reads.
//!
//! Must not know: marks' meaning. A mark that cannot be empty separates; one that can be does not.

use percent_encoding::percent_decode_str;

use super::structure::Component;
use super::{Composition, Mark, MessageRule, Piece};

const DIGITS_MIN: usize = 7;
/// ITU-T E.164 section 6.1.
const DIGITS_MAX: usize = 15;
/// How often an escape is undone: once for the provider, once for JSON inside a form value, once for good measure.
const ROUNDS: usize = 3;
/// How far a timestamp may be from our clock. Providers allow 5 to 15 minutes.
const CLOCK_MS: u64 = 15 * 60 * 1000;
const DAY_MS: u64 = 24 * 60 * 60 * 1000;
/// Characters that may stand between two groups of one number.
const GAP_MAX: usize = 4;
/// Groups that touch, at most. No text of a provider's has more, and each costs a look at every known string.
const RUN_MAX: usize = 64;
/// Stands for a sealed thing that holds at least one byte.
const SEPARATOR: char = '\0';
/// Stands for a sealed thing that could be empty, so that it must not hide that two groups touch.
const JOINER: char = '\u{200B}';

pub(super) struct NumberScan<'r> {
    known: &'r [String],
    now_ms: u64,
    /// Yesterday, today and tomorrow in UTC, as `YYYYMMDD`.
    days: [String; 3],
}

/// One run of digits, as byte positions in the text.
#[derive(Clone, Copy)]
struct Group {
    start: usize,
    end: usize,
    digits: usize,
    /// Whether only a gap lies between this group and the one before it.
    joined: bool,
    explained: bool,
}

impl<'r> NumberScan<'r> {
    pub(super) fn new(rule: &MessageRule<'r>) -> Self {
        let now_ms = rule.now_unix_ms;
        let days =
            [now_ms.saturating_sub(DAY_MS), now_ms, now_ms.saturating_add(DAY_MS)].map(|ms| compact_date(ms / DAY_MS));
        Self { known: rule.known, now_ms, days }
    }

    /// How many digits the first suspicious number has.
    pub(super) fn find(&self, component: Component, value: &Composition) -> Option<usize> {
        let mut text = String::new();
        write(value, &mut text);
        let percent_first = match component {
            Component::Url => {
                text = without_authority(&text);
                true
            }
            Component::Header => false,
            // JSON and XML are not percent-decoded by anyone, so their raw text counts too.
            Component::Body => !text.trim_start().starts_with(['{', '[', '"', '<']),
        };
        if percent_first {
            text = percent(&text);
        }
        for _ in 0..=ROUNDS {
            if let Some(digits) = self.suspicious(&text) {
                return Some(digits);
            }
            let next = unescape_json(&percent(&text));
            if next == text {
                return None;
            }
            text = next;
        }
        None
    }

    /// Run by run, so that a long text of numbers costs no more than its first suspicious one.
    fn suspicious(&self, text: &str) -> Option<usize> {
        let mut all = groups(text);
        let mut rest = all.as_mut_slice();
        while !rest.is_empty() {
            let length = rest.iter().skip(1).take_while(|group| group.joined).count() + 1;
            let (run, after) = rest.split_at_mut_checked(length)?;
            if run.len() > RUN_MAX {
                return Some(DIGITS_MAX);
            }
            self.explain(text, run);
            if let Some(digits) = longest_number(run) {
                return Some(digits);
            }
            rest = after;
        }
        None
    }

    /// Marks the groups that the host itself gave, and times and dates.
    fn explain(&self, text: &str, groups: &mut [Group]) {
        for first in 0..groups.len() {
            let mut total = 0;
            for last in first..groups.len() {
                let (Some(from), Some(to)) = (groups.get(first).copied(), groups.get(last).copied()) else { break };
                total += to.digits;
                if (last > first && !to.joined) || total > DIGITS_MAX {
                    break;
                }
                let joined_before = from.joined;
                let joined_after = groups.get(last + 1).is_some_and(|next| next.joined);
                let explained = total >= DIGITS_MIN
                    && text.get(from.start..to.end).is_some_and(|span| {
                        self.is_known(span)
                            || (!joined_before
                                && !text.get(..from.start).is_some_and(|before| before.ends_with('+'))
                                && self.is_time(span, text.get(to.end..).unwrap_or_default(), joined_after))
                    });
                if explained && let Some(span) = groups.get_mut(first..=last) {
                    span.iter_mut().for_each(|group| group.explained = true);
                }
            }
        }
    }

    /// Whether the host gave these very characters, not as part of a longer number.
    fn is_known(&self, span: &str) -> bool {
        self.known.iter().any(|known| {
            known.match_indices(span).any(|(at, _)| {
                let before = known.get(..at).and_then(|text| text.chars().next_back());
                let after = known.get(at + span.len()..).and_then(|text| text.chars().next());
                !before.is_some_and(char::is_numeric) && !after.is_some_and(char::is_numeric)
            })
        })
    }

    fn is_time(&self, span: &str, after: &str, joined_after: bool) -> bool {
        let fraction = after.starts_with('.');
        // In a form, `+` is a space.
        let clock = after.strip_prefix([' ', '+']).and_then(|rest| rest.get(2..3)) == Some(":");
        let near = |ms: u64| ms.abs_diff(self.now_ms) <= CLOCK_MS;
        match span.len() {
            8 if !joined_after => self.days.iter().any(|day| day == span),
            14 if !joined_after => span.get(..8).is_some_and(|day| self.days.iter().any(|today| today == day)),
            10 if span.contains('-') => is_dashed_date(span) && (!joined_after || clock),
            10 if !joined_after || fraction => {
                span.parse::<u64>().ok().and_then(|seconds| seconds.checked_mul(1000)).is_some_and(near)
            }
            13 if !joined_after || fraction => span.parse().is_ok_and(near),
            _ => false,
        }
    }
}

/// The most digits that unexplained neighbours make together, when that could be a number.
fn longest_number(run: &[Group]) -> Option<usize> {
    run.split(|group| group.explained)
        .flat_map(|groups| {
            (0..groups.len()).flat_map(|first| {
                groups.iter().skip(first).scan(0, |total, group| {
                    *total += group.digits;
                    (*total <= DIGITS_MAX).then_some(*total)
                })
            })
        })
        .filter(|digits| *digits >= DIGITS_MIN)
        .max()
}

/// A header's name that a message may repeat: it has few digits.
pub(super) fn is_harmless_name(name: &str) -> bool {
    name.chars().filter(|c| c.is_numeric()).count() < DIGITS_MIN && name.chars().all(|c| c.is_ascii_graphic())
}

fn write(value: &Composition, text: &mut String) {
    for piece in value.pieces() {
        match piece {
            Piece::Literal(literal) => text.push_str(literal),
            Piece::Encoded(inner) => write(inner, text),
            Piece::Mark(Mark::Recipient(_) | Mark::Text | Mark::Code | Mark::Opaque) => text.push(SEPARATOR),
            Piece::Mark(Mark::Variable(_) | Mark::ClientIp | Mark::Secret(_)) => text.push(JOINER),
        }
    }
}

/// The authority is judged by the grant, and ports and literal addresses are digits.
fn without_authority(url: &str) -> String {
    match url.split_once("://") {
        Some((_, rest)) => rest.find(['/', '?', '#']).and_then(|at| rest.get(at..)).unwrap_or_default().to_owned(),
        None => url.to_owned(),
    }
}

fn percent(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// Undoes `\uXXXX` and the one-character escapes, wherever they stand.
fn unescape_json(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, escape)) = rest.split_once('\\') {
        plain.push_str(before);
        let code = escape
            .strip_prefix(['u', 'U'])
            .and_then(|digits| digits.get(..4))
            .filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
            .and_then(|digits| u32::from_str_radix(digits, 16).ok());
        if let Some(code) = code {
            plain.push(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
            rest = escape.get(5..).unwrap_or_default();
        } else {
            let mut chars = escape.chars();
            match chars.next() {
                Some(c @ ('"' | '\\' | '/')) => plain.push(c),
                Some('n' | 'r' | 't' | 'b' | 'f') => plain.push(' '),
                Some(c) => plain.extend(['\\', c]),
                None => plain.push('\\'),
            }
            rest = chars.as_str();
        }
    }
    plain.push_str(rest);
    plain
}

fn is_token(c: char) -> bool {
    c.is_ascii_alphabetic() || c.is_numeric() || matches!(c, '-' | '_' | '.')
}

fn is_gap(c: char) -> bool {
    matches!(c, ' ' | '\t' | '-' | '.' | '(' | ')' | '+')
        || matches!(
            c,
            '\u{A0}' | '\u{AD}' | '\u{2000}'..='\u{2015}' | '\u{202F}' | '\u{2060}' | '\u{2212}' | '\u{3000}'
        )
        || matches!(c, '\u{FEFF}' | '\u{FF0D}' | '\u{FF0E}')
}

/// The digit groups of every token that is no identifier.
fn groups(text: &str) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    let mut rest = text;
    let mut offset = 0;
    while let Some(start) = rest.find(is_token) {
        let token = rest.get(start..).unwrap_or_default();
        let length = token.find(|c: char| !is_token(c)).unwrap_or(token.len());
        let token = token.get(..length).unwrap_or_default();
        let before = text.get(..offset + start).unwrap_or_default();
        let numeric = match token.find(|c: char| c.is_ascii_alphabetic()) {
            None => token,
            // `+` says number, whatever follows, unless it stands inside a longer word (base64).
            Some(letter)
                if before.strip_suffix('+').is_some_and(|b| !b.ends_with(|c: char| c.is_ascii_alphanumeric())) =>
            {
                token.get(..letter).unwrap_or_default()
            }
            Some(_) => "",
        };
        for (at, run) in digit_runs(numeric) {
            let start = offset + start + at;
            let joined = groups.last().is_some_and(|last| {
                text.get(last.end..start).is_some_and(|gap| gap.chars().count() <= GAP_MAX && gap.chars().all(is_gap))
            });
            let significant = run.trim_start_matches('0').chars().count();
            let all = run.chars().count();
            let digits = if all > DIGITS_MAX { significant } else { all };
            groups.push(Group { start, end: start + run.len(), digits, joined, explained: false });
        }
        offset += start + length;
        rest = text.get(offset..).unwrap_or_default();
    }
    groups
}

fn digit_runs(token: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut at = 0;
    token.split(|c: char| !c.is_numeric()).filter_map(move |run| {
        let start = at;
        // Separators inside a token (`-`, `_`, `.`) are one byte.
        at += run.len() + 1;
        (!run.is_empty()).then_some((start, run))
    })
}

/// `2010-04-01`: API versions are dates.
fn is_dashed_date(span: &str) -> bool {
    let mut parts = span.split('-');
    let mut next = |length: usize| parts.next().filter(|part| part.len() == length)?.parse::<u16>().ok();
    let (year, month, day) = (next(4), next(2), next(2));
    parts.next().is_none()
        && year.is_some_and(|year| (1990..=2100).contains(&year))
        && month.is_some_and(|month| (1..=12).contains(&month))
        && day.is_some_and(|day| (1..=31).contains(&day))
}

/// `YYYYMMDD` of a day since 1970-01-01 (H. Hinnant, «chrono-compatible low-level date algorithms», `civil_from_days`).
fn compact_date(days: u64) -> String {
    let shifted = days.saturating_add(719_468);
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    format!("{year:04}{month:02}{day:02}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates() {
        for (days, date) in
            [(0, "19700101"), (59, "19700301"), (11_016, "20000229"), (19_782, "20240229"), (20_780, "20261123")]
        {
            assert_eq!(compact_date(days), date);
        }
    }

    #[test]
    fn json_escapes() {
        for (escaped, plain) in [
            (r"\u0034\u0035", "45"),
            (r#"\"a\/b"#, "\"a/b"),
            (r"\\u0034", r"\u0034"),
            (r"a\", r"a\"),
            (r"\u00", r"\u00"),
        ] {
            assert_eq!(unescape_json(escaped), plain);
        }
    }
}
