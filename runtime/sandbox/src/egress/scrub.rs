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
//!   where it stands as a word of its own; inside a longer one (an id) it stands by chance;
//! - **people** (traces, receipts, errors) get nothing that is sealed in this send, wherever it stands.

use std::sync::Arc;

use memchr::memmem;
use sendbox_policy::{Encoding, Form, Label, LabelKind, Labels};
use zeroize::Zeroizing;

use crate::sealed::encode_bytes;

/// Shorter values are not looked for: they would tear holes into every answer, and are no secrets.
const SHORTEST: usize = 4;

/// Letters and digits that an id has at least, beside what was masked in it.
const SHORTEST_ID: usize = 8;

/// What stands for a sealed text.
const MASK: &[u8] = b"[sealed]";
/// What stands for a number or a code as it is: inside a JSON number it must stay a number.
const DIGIT_MASK: &[u8] = b"0";

/// Letters and digits that are shorter than this may stand in a longer word by chance.
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
    /// What stands for it. Follows from what it belongs to, and never from its bytes: a guest reads it.
    mask: &'static [u8],
    /// Whether a secret is in it. A connector may write letters of its own beside one, so it is looked for inside of words too. What
    /// belongs to the message stands alone at its place.
    secret: bool,
}

impl Needle {
    fn new(bytes: Vec<u8>, label: Option<Label>, mask: &'static [u8]) -> Self {
        let secret = matches!(label, Some(Label::Secret(_)));
        Self { bytes: Zeroizing::new(bytes), label, exact: false, whole: false, mask, secret }
    }

    fn is_word(&self) -> bool {
        !self.secret && self.bytes.len() < CHANCE && self.bytes.iter().all(u8::is_ascii_alphanumeric)
    }
}

/// Who reads what is scrubbed.
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
    let as_it_is = if matches!(label, Some(Label::Recipient | Label::Code)) { DIGIT_MASK } else { MASK };
    let masks = std::iter::once(as_it_is).chain(std::iter::repeat(MASK));
    let mut needles: Vec<Needle> =
        forms.into_iter().zip(masks).map(|(form, mask)| Needle::new(form, label.cloned(), mask)).collect();
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
        // What went out as the host gave it is known, and looked for by its label. A form of another value is no value: its own
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
        // A text that is nothing but its code is masked as any other text.
        let order = |one: &Needle| (one.bytes.len(), one.mask == MASK);
        let at = self.needles.partition_point(|known| order(known) >= order(&needle));
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
            // A piece of the text that the provider repeats is no id, whatever the guest calls it.
            .filter(|word| !self.needles.iter().any(|needle| contains(&needle.bytes, word)));
        let first = originals.next()?;
        originals.all(|other| other == first).then(|| String::from_utf8_lossy(first).into_owned())
    }

    fn scrub(&self, bytes: &[u8], reader: Reader<'_>) -> Vec<u8> {
        let mut clean = bytes.to_vec();
        let mut letters = Letters::of(&clean);
        for needle in self.needles.iter().filter(|needle| reader.looks_for(needle)) {
            // Most encodings of most values have a letter that an answer does not have at all.
            let is_possible = clean.len() >= needle.bytes.len() && letters.spell(&needle.bytes);
            if is_possible && memmem::find(&clean, &needle.bytes).is_some() {
                clean = replace(&clean, needle, reader.takes_parts());
                letters = Letters::of(&clean);
            }
        }
        let numbers = match reader {
            Reader::Guest(labels) => labels.has(LabelKind::Recipient),
            Reader::Words | Reader::People => true,
        };
        if numbers { self.scrub_separated(clean) } else { clean }
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

/// Whether a word may read `seen` once it is scrubbed: at both ends it has the same byte, or a mask stands there.
fn may_read(word: &[u8], seen: &[u8]) -> bool {
    let masks = [MASK, DIGIT_MASK];
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

fn replace(bytes: &[u8], needle: &Needle, parts: bool) -> Vec<u8> {
    let whole_words = !parts && needle.is_word();
    let mut clean = Vec::with_capacity(bytes.len());
    let mut from = 0;
    for at in memmem::find_iter(bytes, &needle.bytes) {
        let end = at + needle.bytes.len();
        if at < from || (whole_words && !stands_alone(bytes, at, end)) {
            continue;
        }
        clean.extend_from_slice(bytes.get(from..at).unwrap_or_default());
        clean.extend_from_slice(needle.mask);
        from = end;
    }
    clean.extend_from_slice(bytes.get(from..).unwrap_or_default());
    clean
}

/// Whether the bytes from `start` to `end` are a word of their own: no letter or digit touches them, but as the end of an
/// escape (`%20`, `\n`, `\u00e6`).
fn stands_alone(bytes: &[u8], start: usize, end: usize) -> bool {
    let before = bytes.get(..start).unwrap_or_default();
    let after_word = before.last().is_some_and(u8::is_ascii_alphanumeric) && !ends_with_escape(before);
    let before_word = bytes.get(end).is_some_and(u8::is_ascii_alphanumeric);
    !after_word && !before_word
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
mod tests {
    use super::*;

    fn secret() -> Label {
        Label::Secret("token".into())
    }

    fn scrubber() -> Scrubber {
        let mut scrubber = Scrubber::default();
        scrubber.add(b"s3cr3t/t\xc3\xb6ken\"", &secret());
        scrubber.add(b"482913", &Label::Code);
        scrubber.add_number("4512345678");
        scrubber
    }

    fn all() -> Labels {
        Labels::from_iter([secret(), Label::Code, Label::Recipient])
    }

    fn guest(text: &str, sent: &Labels) -> String {
        String::from_utf8(scrubber().for_guest(text.as_bytes(), sent)).unwrap()
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
            ("is%20482913 is\\n482913 \\u00e6482913 _482913_", "is%200 is\\n0 \\u00e60 _0_"),
            ("nothing here 123", "nothing here 123"),
        ];
        for (input, expected) in cases {
            assert_eq!(scrubber().for_people(input), expected, "{input}");
            assert_eq!(guest(input, &all()), expected, "{input}");
        }
    }

    /// A mask tells that the value is known: it may tell so only of what the origin was sent.
    #[test]
    fn the_guest_loses_only_what_was_sent_there() {
        let text = "s3cr3t/töken\" 482913 4512345678";
        for (sent, expected) in [
            (Labels::none(), text),
            (secret().into(), "[sealed] 482913 4512345678"),
            (Labels::from(secret()).signed(), text),
            (Label::Code.into(), "s3cr3t/töken\" 0 4512345678"),
            (Label::Text.into(), "s3cr3t/töken\" 0 4512345678"),
            (Label::Recipient.into(), "s3cr3t/töken\" 482913 0"),
        ] {
            assert_eq!(guest(text, &sent), expected, "{sent:?}");
        }
    }

    #[test]
    fn a_value_as_it_was_sent_is_masked_for_the_guest_too() {
        let mut scrubber = scrubber();
        scrubber.add_exact(b"Basic-abc/def", &secret_labels());
        assert_eq!(scrubber.for_guest(b"got Basic-abc/def", &Labels::none()), b"got [sealed]");
    }

    /// What is known already is looked for by its label, so an answer is read for it once.
    #[test]
    fn a_value_that_went_out_as_it_is_adds_nothing() {
        let mut scrubber = scrubber();
        let known = scrubber.needles.len();
        scrubber.add_exact(b"482913", &Label::Code.into());
        assert_eq!(scrubber.needles.len(), known);
        // Under another label the code's own does not count.
        scrubber.add_exact(b"482913", &Label::Recipient.into());
        assert_eq!(scrubber.for_guest(b"482913", &Labels::none()), MASK);
    }

    fn secret_labels() -> Labels {
        Label::Secret("key".into()).into()
    }

    /// A secret in a header and, encoded, in the body: the second is a form of the first, and is repeated in forms of its own.
    #[test]
    fn a_form_of_a_value_that_was_sent_too_is_masked_in_its_own_forms() {
        let mut scrubber = Scrubber::default();
        scrubber.add_exact(br"a\b-token", &secret_labels());
        scrubber.add_exact(br"a\\b-token", &secret_labels());
        let answer = br#"{"body":"{\"k\":\"a\\\\b-token\"}"}"#;
        let masked = br#"{"body":"{\"k\":\"[sealed]\"}"}"#;
        assert_eq!(scrubber.for_guest(answer, &Labels::none()), masked);
    }

    #[test]
    fn a_text_that_is_its_code_is_masked_as_a_text() {
        for labels in [[Label::Code, Label::Text], [Label::Text, Label::Code]] {
            let mut scrubber = Scrubber::default();
            labels.iter().for_each(|label| scrubber.add(b"482913", label));
            assert_eq!(scrubber.for_guest(b"482913", &Label::Text.into()), b"[sealed]");
            assert_eq!(scrubber.for_guest(b"482913", &Label::Code.into()), b"0");
        }
    }

    /// A code is masked in an id for people only: what the provider wrote is recorded as it is.
    #[test]
    fn a_short_secret_is_masked_beside_letters_too() {
        let mut scrubber = Scrubber::default();
        scrubber.add(b"k7x9", &Label::Secret("key".into()));
        scrubber.add_exact(b"6b377839", &secret_labels());
        scrubber.add_exact(b"7781", &Labels::none());
        let sent = Labels::from(Label::Secret("key".into()));
        for (answer, masked) in [
            ("ak7x9b k7x9k7x9", "a[sealed]b [sealed][sealed]"),
            ("6b3778396b377839", "[sealed][sealed]"),
            ("a7781b 7781", "a7781b [sealed]"),
        ] {
            assert_eq!(scrubber.for_guest(answer.as_bytes(), &sent), masked.as_bytes(), "{answer}");
        }
    }

    #[test]
    fn a_mask_does_not_depend_on_what_it_masks() {
        for value in ["40718265", "k7x9k7x9"] {
            for (label, mask) in [
                (Label::Secret("key".into()), "[sealed]"),
                (Label::Text, "[sealed]"),
                (Label::Code, "0"),
                (Label::Recipient, "0"),
            ] {
                let mut scrubber = Scrubber::default();
                scrubber.add(value.as_bytes(), &label);
                let guest = scrubber.for_guest(value.as_bytes(), &Labels::from(label));
                assert_eq!(guest, mask.as_bytes(), "{value}");
            }
        }
    }

    #[test]
    fn an_id_that_holds_a_code_by_chance_is_left_alone() {
        let id = "e482913d803532";
        assert_eq!(guest(id, &all()), id);
        assert_eq!(scrubber().words(id), id);
        assert_eq!(scrubber().words("482913"), "0");
        assert_eq!(scrubber().for_people(id), "e0d803532");
    }

    #[test]
    fn an_id_that_was_masked_is_found_again() {
        for (answer, seen, original) in [
            (r#"{"id":"ab1d-482913-9c8e"}"#, "ab1d-0-9c8e", Some("ab1d-482913-9c8e")),
            (r#"{"id":ab1d-482913-9c8e}"#, "ab1d-0-9c8e", Some("ab1d-482913-9c8e")),
            (r#"{"id":"ab1d-482913-9c8e","other":"ab1d-4512345678-9c8e"}"#, "ab1d-0-9c8e", None),
            (r#"{"id":"ab1d-482913-9c8e","again":"ab1d-482913-9c8e"}"#, "ab1d-0-9c8e", Some("ab1d-482913-9c8e")),
            (r#"{"text":"G-482913"}"#, "G-0", None),
            (r#"{"code":"482913"}"#, "0", None),
            (r#"{"code":"+482913"}"#, "+0", None),
            (r#"{"id":"m-1"}"#, "m-1", None),
            (r#"{"code":"482913"}"#, "x-0", None),
        ] {
            assert_eq!(scrubber().original(answer.as_bytes(), seen, &all()).as_deref(), original, "{answer}");
        }
    }

    #[test]
    fn short_values_are_left_alone() {
        let mut scrubber = Scrubber::default();
        scrubber.add(b"abc", &Label::Code);
        assert_eq!(scrubber.for_people("abcabc"), "abcabc");
    }
}
