//! Removes sealed values from what comes back.
//!
//! Providers echo values: Twilio responds with the number and the text, a misconfigured proxy with the credentials. A connector
//! must not learn them that way, and they must not reach a log. The scrubber knows every sealed root value of a send in the
//! encodings that responses use. It protects against accidents; the protection against a provider that conspires with a connector
//! is the grant (see `wit/README.md`).
//!
//! There are two readers, and two rules:
//! - **the guest** gets a response without what was sent to that origin in this send, and nothing else is removed: a mask in the
//!   response of a host that never had the value would confirm a guess. A short value of the message counts only as a separate
//!   word; inside a longer one (an id) it is a coincidence;
//! - **people** (traces, receipts, errors) get nothing that is sealed in this send, wherever it occurs.

use std::ops::Range;
use std::sync::Arc;

use memchr::memmem;
use sendbox_policy::{Encoding, Form, Label, LabelKind, Labels};
use zeroize::Zeroizing;

use crate::sealed::encode_bytes;

/// Shorter values are not searched: they would punch holes into every response, and are not secrets.
const MIN_VALUE_BYTES: usize = 4;

/// Minimum number of letters and digits in an id, in addition to what was masked.
const MIN_ID_CHARACTERS: usize = 8;

/// The mask of a sealed value.
const MASK: &[u8] = b"[sealed]";
/// The mask of a JSON number, which must remain a number.
const NUMBER_MASK: &[u8] = b"0";

/// Length of the longest escape that may precede a word, in bytes: `\u00e6`.
const ESCAPE: usize = 6;

/// Values with fewer letters and digits may occur in a longer word by chance.
const MIN_DISTINCTIVE_BYTES: usize = 16;

/// A value in one of the encodings that a response may use.
pub(crate) struct Needle {
    bytes: Zeroizing<Vec<u8>>,
    /// The set of these bytes.
    letters: Letters,
    /// The label of the value. `None` for a value as it was sent, and for what is only hidden from people.
    label: Option<Label>,
    /// Whether it was sent in exactly this form.
    exact: bool,
    /// Whether it is the value itself, and not another form of it.
    whole: bool,
    /// Whether it contains a secret. A connector may write letters next to a secret, so it is searched inside words as well. Values
    /// of the message are always alone at their positions.
    secret: bool,
}

impl Needle {
    fn new(bytes: Vec<u8>, label: Option<Label>) -> Self {
        let secret = matches!(label, Some(Label::Secret(_)));
        let letters = Letters::of(&bytes);
        Self { bytes: Zeroizing::new(bytes), letters, label, exact: false, whole: false, secret }
    }

    fn is_word(&self) -> bool {
        !self.secret && self.bytes.len() < MIN_DISTINCTIVE_BYTES && self.bytes.iter().all(u8::is_ascii_alphanumeric)
    }
}

/// The reader that a text is scrubbed for.
#[derive(Clone, Copy)]
enum Reader<'l> {
    /// The guest: values with these labels were sent to the origin that responds.
    Guest(&'l Labels),
    /// The host's record of a message id: everything, but not as a part of a longer word.
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

/// Whether values of this label were sent with these labels. A secret that was only used to sign was not; a text includes its code.
fn sent(labels: &Labels, label: &Label) -> bool {
    match label {
        Label::Secret(key) => labels.secrets().any(|(name, form)| name == &**key && form == Form::Plain),
        Label::Code => labels.has(LabelKind::Code) || labels.has(LabelKind::Text),
        other => labels.contains(other),
    }
}

/// All needles of a value. Built once for a connection's secrets, and per send for a message.
pub(crate) fn needles(value: &[u8], label: Option<&Label>) -> Vec<Needle> {
    let mut forms: Vec<Vec<u8>> = Vec::new();
    if value.len() < MIN_VALUE_BYTES {
        return Vec::new();
    }
    let mut add = |form: Vec<u8>| {
        if form.len() >= MIN_VALUE_BYTES && !forms.contains(&form) {
            forms.push(form);
        }
    };
    add(value.to_vec());
    let encoded = |encoding| encode_bytes(value, encoding).unwrap_or_default();
    // Letters and digits look the same in all encodings except binary-to-text ones.
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
    /// Longest first, so that a whole value is masked before its parts.
    needles: Vec<Arc<Needle>>,
    /// Runs of digits that are masked even if they are written with separators.
    numbers: Vec<Zeroizing<Vec<u8>>>,
}

impl Scrubber {
    /// Adds a value in all encodings that a response may use.
    pub(crate) fn add(&mut self, value: &[u8], label: &Label) {
        if !self.knows(value, label) {
            needles(value, Some(label)).into_iter().for_each(|needle| self.insert(Arc::new(needle)));
        }
    }

    /// Adds existing needles.
    pub(crate) fn add_made(&mut self, made: &[Arc<Needle>]) {
        made.iter().for_each(|needle| self.insert(Arc::clone(needle)));
    }

    /// Adds a number, which is also masked if it is written as `+45 12 34 56 78`.
    pub(crate) fn add_number(&mut self, digits: &str) {
        self.add(digits.as_bytes(), &Label::Recipient);
        if digits.len() >= 7 {
            self.numbers.push(Zeroizing::new(digits.as_bytes().to_vec()));
        }
    }

    /// Adds a value as it was sent, in all encodings in which a response may repeat it. `labels` are its labels.
    pub(crate) fn add_exact(&mut self, value: &[u8], labels: &Labels) {
        let secret = labels.has(LabelKind::Secret);
        // A value that was sent as the host provided it is already known, and searched by its label. Another form of a value is not
        // the value itself, so its own forms must still be added.
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

    /// A response for the guest, without the values that were sent with the labels `sent` to the origin that responds.
    pub(crate) fn for_guest(&self, answer: &[u8], sent: &Labels) -> Vec<u8> {
        self.scrub(answer, Reader::Guest(sent))
    }

    /// The text without anything sealed, for display.
    pub(crate) fn for_people(&self, text: &str) -> String {
        String::from_utf8_lossy(&self.bytes_for_people(text.as_bytes())).into_owned()
    }

    /// The bytes without anything sealed, for display.
    pub(crate) fn bytes_for_people(&self, bytes: &[u8]) -> Vec<u8> {
        self.scrub(bytes, Reader::People)
    }

    /// A provider's message id for the record: without sealed values as separate words, and otherwise unchanged.
    pub(crate) fn words(&self, id: &str) -> String {
        String::from_utf8_lossy(&self.scrub(id.as_bytes(), Reader::Words)).into_owned()
    }

    /// The id that the provider wrote, found by what the guest saw of it: the only word of `answer` that equals `seen` after
    /// scrubbing for the guest. `None` if there is none or more than one, or if little but sealed values would be left.
    pub(crate) fn original(&self, answer: &[u8], seen: &str, sent: &Labels) -> Option<String> {
        let mut originals = answer
            .split(|byte| byte.is_ascii_whitespace() || b"\"',;&<>[]{}()=".contains(byte))
            .map(|word| word.strip_prefix(b":").unwrap_or(word))
            .filter(|word| !word.is_empty() && word.len() <= 2 * seen.len() + 64)
            // Most words of a response are rejected here, before they are scrubbed one by one.
            .filter(|word| may_read(word, seen.as_bytes()))
            .filter(|word| {
                let masked = self.for_guest(word, sent);
                masked.as_slice() == seen.as_bytes() && masked.as_slice() != *word && is_more_than_masks(&masked)
            })
            // A piece of a text that the provider repeats is not an id, whatever the guest calls it.
            .filter(|word| !self.needles.iter().any(|needle| contains(&needle.bytes, word)));
        let first = originals.next()?;
        originals.all(|other| other == first).then(|| String::from_utf8_lossy(first).into_owned())
    }

    fn scrub(&self, bytes: &[u8], reader: Reader<'_>) -> Vec<u8> {
        let letters = Letters::of(bytes);
        let mut found = SealedRanges::new(bytes);
        // Most encodings of most values contain a byte that the response does not contain at all.
        let is_possible = |needle: &Needle| bytes.len() >= needle.bytes.len() && letters.include(&needle.letters);
        let needles = || self.needles.iter().filter(|needle| reader.looks_for(needle) && is_possible(needle));
        let is_word = |needle: &Needle| needle.is_word() && !reader.takes_parts();
        needles().for_each(|needle| found.look_for(&needle.bytes, is_word(needle)));
        if !found.ranges.is_empty() {
            // Words next to a value that was found later have become separate.
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

/// The positions of sealed values in a text. They are not searched again: a mask cannot contain another value, and the contents of
/// a value that was found do not affect what is next to it.
struct SealedRanges<'b> {
    bytes: &'b [u8],
    /// The ranges, in the order in which they were found.
    ranges: Vec<Range<usize>>,
    /// Whether each byte is in a range. Empty as long as nothing was found.
    taken: Vec<bool>,
}

impl<'b> SealedRanges<'b> {
    fn new(bytes: &'b [u8]) -> Self {
        Self { bytes, ranges: Vec::new(), taken: Vec::new() }
    }

    fn look_for(&mut self, value: &[u8], whole_words: bool) {
        // Most values do not occur: a searcher that is built for many searches costs more than this.
        let Some(mut from) = memmem::find(self.bytes, value) else { return };
        let finder = memmem::Finder::new(value);
        while let Some(at) = self.bytes.get(from..).and_then(|rest| finder.find(rest)) {
            let range = from + at..from + at + value.len();
            if let Some(taken) = self.last_taken(&range) {
                from = taken + 1;
            } else if !whole_words || self.is_separate_word(&range) {
                from = range.end;
                self.take(range);
            } else {
                from = range.start + 1;
            }
        }
    }

    /// Searches for numbers that are written with separators.
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

    /// The bytes before a range, backwards, up to another range.
    fn before(&self, range: &Range<usize>) -> impl Iterator<Item = u8> {
        let free = (0..range.start).rev().take_while(|at| !self.is_taken(*at));
        free.filter_map(|at| self.bytes.get(at).copied())
    }

    /// The bytes after a range, up to another range.
    fn after(&self, range: &Range<usize>) -> impl Iterator<Item = u8> {
        let free = (range.end..self.bytes.len()).take_while(|at| !self.is_taken(*at));
        free.filter_map(|at| self.bytes.get(at).copied())
    }

    /// Whether a range is a separate word: no letter or digit touches it, except at the end of an escape (`%20`, `\n`, `\u00e6`).
    fn is_separate_word(&self, range: &Range<usize>) -> bool {
        let mut before: Vec<u8> = self.before(range).take(ESCAPE).collect();
        before.reverse();
        let after_word = before.last().is_some_and(u8::is_ascii_alphanumeric) && !ends_with_escape(&before);
        !after_word && !self.after(range).next().is_some_and(|byte| byte.is_ascii_alphanumeric())
    }

    /// Whether a range is at the position of a JSON number: without quotes, between JSON punctuation.
    fn is_bare(&self, range: &Range<usize>) -> bool {
        let is_sign = |byte: &u8| !byte.is_ascii_whitespace();
        self.before(range).find(is_sign).is_some_and(|before| b":[,".contains(&before))
            && self.after(range).find(is_sign).is_some_and(|after| b",]}".contains(&after))
    }

    /// The text with a mask in place of each value. The mask depends on what is next to it, and never on the value or its label:
    /// otherwise a guest could see that two values are the same.
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

/// Most values are too short to contain a word, and are not searched.
fn contains(value: &[u8], word: &[u8]) -> bool {
    value.len() >= word.len() && memmem::find(value, word).is_some()
}

/// The set of bytes in a text, one bit each.
struct Letters([u64; 4]);

impl Letters {
    fn of(text: &[u8]) -> Self {
        let mut bits = [0; 4];
        for byte in text {
            if let Some(bits) = bits.get_mut(usize::from(byte >> 6)) {
                *bits |= 1 << (byte & 63);
            }
        }
        Self(bits)
    }

    /// Whether all bytes of the other text are in this one.
    fn include(&self, other: &Self) -> bool {
        self.0.iter().zip(other.0).all(|(own, other)| other & !own == 0)
    }
}

/// Whether a word may equal `seen` after scrubbing: both ends are either the same byte or a mask.
fn may_read(word: &[u8], seen: &[u8]) -> bool {
    let masks = [MASK, NUMBER_MASK];
    (word.first() == seen.first() || masks.iter().any(|mask| seen.starts_with(mask)))
        && (word.last() == seen.last() || masks.iter().any(|mask| seen.ends_with(mask)))
}

/// Whether enough is left next to the masks to be an id, and not a sealed value with a character or two.
fn is_more_than_masks(masked: &[u8]) -> bool {
    let text = String::from_utf8_lossy(masked).replace("[sealed]", "");
    text.chars().filter(|character| character.is_alphanumeric() && *character != '0').count() >= MIN_ID_CHARACTERS
}

/// Length of the prefix of `bytes` that spells `number`, with at most two separators between digits.
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

/// JSON with all characters outside of ASCII as `\uXXXX`, as many providers write it.
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
