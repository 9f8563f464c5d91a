//! Takes what the host sealed out of what comes back.
//!
//! Providers echo: Twilio answers with the number and the text, a misconfigured proxy with the credentials. A connector
//! must not learn them that way, nor may they reach a log. The scrubber knows every sealed root of a send in the encodings
//! that answers are written in. It guards against accident; what holds against a provider that conspires with a connector
//! is the grant (see `wit/README.md`).
//!
//! There are two readers, and two rules:
//! - **the guest** gets an answer without what was sent to that origin in this send, and nothing else is taken out: a mask
//!   in the answer of a host that never had the value would say that the host guessed it. A short value of the message counts only
//!   where it is a word of its own; inside a longer one (an id) it is there by chance;
//! - **people** (traces, receipts, errors) get nothing that is sealed in this send, wherever it is.

use std::ops::Range;
use std::sync::Arc;

use memchr::memmem;
use sendbox_policy::{Encoding, Form, Label, LabelKind, Labels};
use zeroize::Zeroizing;

use crate::sealed::encode_bytes;

/// Shorter values are not looked for: they would tear holes into every answer, and are no secrets.
const SHORTEST: usize = 4;

/// Letters and digits that an id has at least, beside what was masked in it.
const SHORTEST_ID: usize = 8;

/// The mask of a sealed value.
const MASK: &[u8] = b"[sealed]";
/// The same where JSON has a number, which must stay one.
const NUMBER_MASK: &[u8] = b"0";

/// Bytes of the longest escape that may come before a word: `\u00e6`.
const ESCAPE: usize = 6;

/// Letters and digits that are shorter than this may be in a longer word by chance.
const CHANCE: usize = 16;

/// A value in one of the encodings in which an answer may hold it.
pub(crate) struct Needle {
    bytes: Zeroizing<Vec<u8>>,
    /// What it belongs to; `None` for a value as it was sent, and for what is only kept from people.
    label: Option<Label>,
    /// Whether it was sent as it is.
    exact: bool,
    /// Whether it is a value, and not another form of one.
    whole: bool,
    /// Whether a secret is in it. A connector may write letters of its own beside one, so it is looked for inside of words too. What
    /// belongs to the message is alone at its place.
    secret: bool,
}

impl Needle {
    fn new(bytes: Vec<u8>, label: Option<Label>) -> Self {
        let secret = matches!(label, Some(Label::Secret(_)));
        Self { bytes: Zeroizing::new(bytes), label, exact: false, whole: false, secret }
    }

    fn is_word(&self) -> bool {
        !self.secret && self.bytes.len() < CHANCE && self.bytes.iter().all(u8::is_ascii_alphanumeric)
    }
}

/// For whom a text is scrubbed.
#[derive(Clone, Copy)]
enum Reader<'l> {
    /// The guest: what of these labels was sent to the origin that answers.
    Guest(&'l Labels),
    /// The host's record of a message's id: everything, but no part of a longer word.
    Words,
    /// People.
    People,
}

impl Reader<'_> {
    fn looks_for(self, needle: &Needle) -> bool {
        match self {
            Self::Guest(labels) => needle.exact || needle.label.as_ref().is_some_and(|label| sent(labels, label)),
            Self::Words | Self::People => true,
        }
    }

    fn takes_parts(self) -> bool {
        matches!(self, Self::People)
    }
}

/// Whether values of this label went out with these labels. A secret that only signed did not; with a text goes its code.
fn sent(labels: &Labels, label: &Label) -> bool {
    match label {
        Label::Secret(key) => labels.secrets().any(|(name, form)| name == &**key && form == Form::Plain),
        Label::Code => labels.has(LabelKind::Code) || labels.has(LabelKind::Text),
        other => labels.contains(other),
    }
}

/// All needles of one value. Made once for a connection's secrets, and per send for a message.
pub(crate) fn needles(value: &[u8], label: Option<&Label>) -> Vec<Needle> {
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
        [Encoding::JsonString, Encoding::Xml, Encoding::Form, Encoding::Percent]
            .map(encoded)
            .into_iter()
            .for_each(&mut add);
        if let Ok(text) = std::str::from_utf8(value) {
            let json = json_ascii(text);
            add(json.replace('/', "\\/").into_bytes());
            add(json.into_bytes());
        }
    }
    [Encoding::Base64, Encoding::Base64Url, Encoding::Hex].map(encoded).into_iter().for_each(&mut add);
    let mut needles: Vec<Needle> = forms.into_iter().map(|form| Needle::new(form, label.cloned())).collect();
    if let Some(as_it_is) = needles.first_mut() {
        as_it_is.whole = true;
    }
    needles
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
    pub(crate) fn add(&mut self, value: &[u8], label: &Label) {
        if !self.knows(value, label) {
            needles(value, Some(label)).into_iter().for_each(|needle| self.insert(Arc::new(needle)));
        }
    }

    /// Adds needles that were made before.
    pub(crate) fn add_made(&mut self, made: &[Arc<Needle>]) {
        made.iter().for_each(|needle| self.insert(Arc::clone(needle)));
    }

    /// Adds a number: also masked when written as `+45 12 34 56 78`.
    pub(crate) fn add_number(&mut self, digits: &str) {
        self.add(digits.as_bytes(), &Label::Recipient);
        if digits.len() >= 7 {
            self.numbers.push(Zeroizing::new(digits.as_bytes().to_vec()));
        }
    }

    /// Adds one value as it was sent, in all encodings in which an answer may repeat it. `labels` says what is in it.
    pub(crate) fn add_exact(&mut self, value: &[u8], labels: &Labels) {
        let secret = labels.has(LabelKind::Secret);
        // What went out as the host gave it is known, and looked for by its label. A form of another value is not a value: its own
        // forms are still to be added.
        let looked_for = |known: &Needle| known.exact || known.label.as_ref().is_some_and(|label| sent(labels, label));
        let knows = |known: &Arc<Needle>| {
            known.whole && known.secret >= secret && known.bytes.as_slice() == value && looked_for(known)
        };
        if !self.needles.iter().any(knows) {
            for needle in needles(value, None) {
                self.insert(Arc::new(Needle { exact: true, secret, ..needle }));
            }
        }
    }

    fn knows(&self, value: &[u8], label: &Label) -> bool {
        let is_it = |known: &Arc<Needle>| known.whole && known.label.as_ref() == Some(label);
        self.needles.iter().any(|known| is_it(known) && known.bytes.as_slice() == value)
    }

    fn insert(&mut self, needle: Arc<Needle>) {
        let at = self.needles.partition_point(|known| known.bytes.len() >= needle.bytes.len());
        self.needles.insert(at, needle);
    }

    /// An answer for the guest: without what went with `sent` to the origin that answers.
    pub(crate) fn for_guest(&self, answer: &[u8], sent: &Labels) -> Vec<u8> {
        self.scrub(answer, Reader::Guest(sent))
    }

    /// The same text without anything sealed, for people.
    pub(crate) fn for_people(&self, text: &str) -> String {
        String::from_utf8_lossy(&self.bytes_for_people(text.as_bytes())).into_owned()
    }

    /// The same bytes without anything sealed, for people.
    pub(crate) fn bytes_for_people(&self, bytes: &[u8]) -> Vec<u8> {
        self.scrub(bytes, Reader::People)
    }

    /// A provider's id of a message, for the record: nothing sealed as a word of its own, and otherwise unchanged.
    pub(crate) fn words(&self, id: &str) -> String {
        String::from_utf8_lossy(&self.scrub(id.as_bytes(), Reader::Words)).into_owned()
    }

    /// The id that the provider wrote, by what of it the guest saw: the one word of `answer` that reads `seen` once it is
    /// scrubbed for the guest. `None` when there is none or several, or when nothing of it but sealed values would be left.
    pub(crate) fn original(&self, answer: &[u8], seen: &str, sent: &Labels) -> Option<String> {
        let mut originals = answer
            .split(|byte| byte.is_ascii_whitespace() || b"\"',;&<>[]{}()=".contains(byte))
            .map(|word| word.strip_prefix(b":").unwrap_or(word))
            .filter(|word| !word.is_empty() && word.len() <= 2 * seen.len() + 64)
            // Most words of an answer end here, before they are scrubbed one by one.
            .filter(|word| may_read(word, seen.as_bytes()))
            .filter(|word| {
                let masked = self.for_guest(word, sent);
                masked.as_slice() == seen.as_bytes() && masked.as_slice() != *word && is_more_than_masks(&masked)
            })
            // A piece of the text that the provider repeats is not an id, whatever the guest calls it.
            .filter(|word| !self.needles.iter().any(|needle| contains(&needle.bytes, word)));
        let first = originals.next()?;
        originals.all(|other| other == first).then(|| String::from_utf8_lossy(first).into_owned())
    }

    fn scrub(&self, bytes: &[u8], reader: Reader<'_>) -> Vec<u8> {
        let letters = Letters::of(bytes);
        let mut found = Found::new(bytes);
        // Most encodings of most values have a letter that an answer does not have at all.
        let is_possible = |needle: &Needle| bytes.len() >= needle.bytes.len() && letters.spell(&needle.bytes);
        let needles = || self.needles.iter().filter(|needle| reader.looks_for(needle) && is_possible(needle));
        let is_word = |needle: &Needle| needle.is_word() && !reader.takes_parts();
        needles().for_each(|needle| found.look_for(&needle.bytes, is_word(needle)));
        if !found.ranges.is_empty() {
            // Words beside a value that was found after them are alone now.
            needles().filter(|needle| is_word(needle)).for_each(|needle| found.look_for(&needle.bytes, true));
        }
        let numbers = match reader {
            Reader::Guest(labels) => labels.has(LabelKind::Recipient),
            Reader::Words | Reader::People => true,
        };
        if numbers {
            found.look_for_separated(&self.numbers);
        }
        found.masked()
    }
}

/// Where sealed values are in a text. What was found first is not looked at again: a mask cannot hold another value, and nothing
/// of a value that was found decides about what is beside it.
struct Found<'b> {
    bytes: &'b [u8],
    /// From where to where, in the order of finding.
    ranges: Vec<Range<usize>>,
    /// For each byte whether it is in a range. Empty as long as nothing was found.
    taken: Vec<bool>,
}

impl<'b> Found<'b> {
    fn new(bytes: &'b [u8]) -> Self {
        Self { bytes, ranges: Vec::new(), taken: Vec::new() }
    }

    fn look_for(&mut self, value: &[u8], whole_words: bool) {
        // Most values are nowhere: a searcher that is made for many answers costs more than this one does.
        let Some(mut from) = memmem::find(self.bytes, value) else { return };
        let finder = memmem::Finder::new(value);
        while let Some(at) = self.bytes.get(from..).and_then(|rest| finder.find(rest)) {
            let range = from + at..from + at + value.len();
            if let Some(taken) = self.last_taken(&range) {
                from = taken + 1;
            } else if !whole_words || self.stands_alone(&range) {
                from = range.end;
                self.take(range);
            } else {
                from = range.start + 1;
            }
        }
    }

    /// Looks for numbers that are written with separators between their digits.
    fn look_for_separated(&mut self, numbers: &[Zeroizing<Vec<u8>>]) {
        let digits = self.bytes.iter().filter(|byte| byte.is_ascii_digit()).count();
        if !numbers.iter().any(|number| number.len() <= digits) {
            return;
        }
        let mut at = 0;
        while let Some(rest) = self.bytes.get(at..).filter(|rest| !rest.is_empty()) {
            let lengths = numbers.iter().filter_map(|number| separated_prefix(rest, number));
            match lengths.map(|length| at..at + length).find(|range| self.last_taken(range).is_none()) {
                Some(range) => {
                    at = range.end;
                    self.take(range);
                }
                None => at += 1,
            }
        }
    }

    fn take(&mut self, range: Range<usize>) {
        self.taken.resize(self.bytes.len(), false);
        self.taken.get_mut(range.clone()).unwrap_or_default().fill(true);
        self.ranges.push(range);
    }

    fn is_taken(&self, at: usize) -> bool {
        self.taken.get(at).copied().unwrap_or_default()
    }

    fn last_taken(&self, range: &Range<usize>) -> Option<usize> {
        let at = self.taken.get(range.clone())?.iter().rposition(|taken| *taken)?;
        Some(range.start + at)
    }

    /// What is before, backwards, up to where something else was found.
    fn before(&self, range: &Range<usize>) -> impl Iterator<Item = u8> {
        let free = (0..range.start).rev().take_while(|at| !self.is_taken(*at));
        free.filter_map(|at| self.bytes.get(at).copied())
    }

    /// What is after, up to where something else was found.
    fn after(&self, range: &Range<usize>) -> impl Iterator<Item = u8> {
        let free = (range.end..self.bytes.len()).take_while(|at| !self.is_taken(*at));
        free.filter_map(|at| self.bytes.get(at).copied())
    }

    /// Whether it is a word of its own: no letter or digit touches it, but as the end of an escape (`%20`, `\n`, `\u00e6`).
    fn stands_alone(&self, range: &Range<usize>) -> bool {
        let mut before: Vec<u8> = self.before(range).take(ESCAPE).collect();
        before.reverse();
        let after_word = before.last().is_some_and(u8::is_ascii_alphanumeric) && !ends_with_escape(&before);
        !after_word && !self.after(range).next().is_some_and(|byte| byte.is_ascii_alphanumeric())
    }

    /// Whether it is where JSON has a number: with no quotes, between the signs of JSON.
    fn is_bare(&self, range: &Range<usize>) -> bool {
        let is_sign = |byte: &u8| !byte.is_ascii_whitespace();
        self.before(range).find(is_sign).is_some_and(|before| b":[,".contains(&before))
            && self.after(range).find(is_sign).is_some_and(|after| b",]}".contains(&after))
    }

    /// The text with a mask in place of each value. Which one follows from what is beside it, and never from the value or
    /// from what it belongs to: of two values that are the same, a guest would see that they are.
    fn masked(mut self) -> Vec<u8> {
        if self.ranges.is_empty() {
            return self.bytes.to_vec();
        }
        self.ranges.sort_unstable_by_key(|range| range.start);
        let mut masked = Vec::with_capacity(self.bytes.len());
        let mut at = 0;
        for range in &self.ranges {
            masked.extend_from_slice(self.bytes.get(at..range.start).unwrap_or_default());
            masked.extend_from_slice(if self.is_bare(range) { NUMBER_MASK } else { MASK });
            at = range.end;
        }
        masked.extend_from_slice(self.bytes.get(at..).unwrap_or_default());
        masked
    }
}

/// Most values are too short to hold a word: those are not searched.
fn contains(value: &[u8], word: &[u8]) -> bool {
    value.len() >= word.len() && memmem::find(value, word).is_some()
}

/// Which bytes a text has.
struct Letters([bool; 256]);

impl Letters {
    fn of(text: &[u8]) -> Self {
        let mut has = [false; 256];
        for byte in text {
            if let Some(has) = has.get_mut(usize::from(*byte)) {
                *has = true;
            }
        }
        Self(has)
    }

    fn spell(&self, word: &[u8]) -> bool {
        word.iter().all(|byte| self.0.get(usize::from(*byte)).copied().unwrap_or_default())
    }
}

/// Whether a word may read `seen` once it is scrubbed: at both ends it has the same byte, or a mask is there.
fn may_read(word: &[u8], seen: &[u8]) -> bool {
    let masks = [MASK, NUMBER_MASK];
    (word.first() == seen.first() || masks.iter().any(|mask| seen.starts_with(mask)))
        && (word.last() == seen.last() || masks.iter().any(|mask| seen.ends_with(mask)))
}

/// Whether so much beside the masks is left that it is an id and not a sealed value with a sign or two.
fn is_more_than_masks(masked: &[u8]) -> bool {
    let text = String::from_utf8_lossy(masked).replace("[sealed]", "");
    text.chars().filter(|character| character.is_alphanumeric() && *character != '0').count() >= SHORTEST_ID
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

fn ends_with_escape(text: &[u8]) -> bool {
    match text {
        [.., b'%', first, second] => first.is_ascii_hexdigit() && second.is_ascii_hexdigit(),
        [.., b'\\', b'u', a, b, c, d] => [a, b, c, d].iter().all(|digit| digit.is_ascii_hexdigit()),
        [.., b'\\', b'n' | b'r' | b't'] => true,
        _ => false,
    }
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

#[cfg(test)]
mod tests;
