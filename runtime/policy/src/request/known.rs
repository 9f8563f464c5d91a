//! Plain values that the host gave to the connector, indexed for searching requests.
//!
//! The index of a connection's configuration is built once for all of its sends. A message has only few values, which are searched
//! one by one: an automaton would cost more to build than it saves.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use aho_corasick::{AhoCorasick, Input, MatchKind};
use memchr::memmem;
use serde_json::Value as Json;

use super::spelling::{normal, plain_letters};

/// Shorter values are found only as a whole field: `5` would be found everywhere.
const INSIDE_MIN: usize = 4;
/// Maximum size of all values that are searched inside other texts, and of one of them, in bytes. Bounds the size of the index.
const INSIDE_BYTES_MAX: usize = 64 * 1024;
const INSIDE_ONE_MAX: usize = 2048;
/// Maximum number of values, including those inside JSON documents. Bounds the search.
const VALUES_MAX: usize = 1024;
/// Up to this number, values are searched one by one.
const FEW: usize = 16;

/// A plain value that the host gave to the connector. It explains digits and literals of a request.
#[derive(Clone)]
pub struct HostValue {
    /// Where the connector got it from: `config from`, `nonce`, `message key`, `template`, `country`, `calling code`, `locale`,
    /// `usage`, `attempt`, `segments`, `units`, `answer`.
    pub name: Cow<'static, str>,
    /// The value as the connector got it.
    pub value: Arc<str>,
}

/// An index of values from the host. Has no `Debug`, because they may be sensitive.
#[derive(Default)]
pub struct HostValues {
    values: Vec<HostValue>,
    /// The value for each spelling; the first one if there are several.
    whole: BTreeMap<Arc<str>, usize>,
    inside: Matcher,
    /// Length of the shortest pattern of `inside`, in bytes.
    shortest: usize,
    /// The value for each pattern of `inside`.
    patterns: Vec<usize>,
    /// Values of 32 hexadecimal digits, which a connector may write as a UUID with version and variant.
    identifiers: Vec<usize>,
    /// Names from the contract, which a connector may write in another case style.
    words: Vec<(String, usize)>,
}

#[derive(Default)]
enum Matcher {
    #[default]
    None,
    Few(Vec<Arc<str>>),
    Many(AhoCorasick),
}

/// A match of a value in a text.
#[derive(Clone, Copy)]
pub(super) struct KnownMatch<'v> {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) name: &'v str,
}

impl HostValues {
    /// Builds an index. If two values are equal, matches have the name of the first.
    #[must_use]
    pub fn new(values: Vec<HostValue>) -> Self {
        let mut spellings = Spellings::default();
        let (mut identifiers, mut words) = (Vec::new(), Vec::new());
        for (index, HostValue { name, value }) in values.iter().enumerate() {
            spellings.add_value(index, value);
            if value.len() == 32 && value.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                identifiers.push(index);
            }
            if matches!(&**name, "usage" | "locale") {
                words.push((plain_letters(value).collect(), index));
            }
        }
        let Spellings { whole, patterns, inside, .. } = spellings;
        let shortest = inside.iter().map(|pattern| pattern.len()).min().unwrap_or_default();
        let inside = match inside.len() {
            0 => Matcher::None,
            1..=FEW => Matcher::Few(inside),
            _ => AhoCorasick::builder()
                .match_kind(MatchKind::LeftmostLongest)
                .build(inside.iter().map(|pattern| &**pattern))
                // If there are more bytes than an automaton can hold, only whole values are explained.
                .map_or(Matcher::None, Matcher::Many),
        };
        Self { values, whole, inside, shortest, patterns, identifiers, words }
    }

    /// The values, as they were given.
    #[must_use]
    pub fn values(&self) -> &[HostValue] {
        &self.values
    }

    /// The name of the value with this spelling.
    pub(super) fn whole(&self, text: &str) -> Option<&str> {
        self.name(*self.whole.get(text)?)
    }

    /// The name of the contract's term that reads like the text.
    pub(super) fn word(&self, text: &str) -> Option<&str> {
        let reads_like = |known: &str| !known.is_empty() && plain_letters(text).eq(known.chars());
        let (_, index) = self.words.iter().find(|(known, _)| reads_like(known))?;
        self.name(*index)
    }

    /// The names and values of 32 hexadecimal digits.
    pub(super) fn identifiers(&self) -> impl Iterator<Item = (&str, &str)> {
        self.identifiers.iter().filter_map(|index| self.values.get(*index)).map(|value| (&*value.value, &*value.name))
    }

    /// Searches a text for the values.
    pub(super) fn search<'v>(&'v self, text: &'v str) -> Search<'v> {
        let next = if text.len() < self.shortest { NextMatch::Nowhere } else { NextMatch::Unknown };
        Search { values: self, text, next, of_each: [None; FEW], is_begun: false }
    }

    fn name(&self, index: usize) -> Option<&str> {
        self.values.get(index).map(|value| &*value.name)
    }
}

/// The state of the search for the next value.
#[derive(Clone, Copy)]
enum NextMatch<'v> {
    Unknown,
    At(KnownMatch<'v>),
    Nowhere,
}

/// The values in a text, from left to right. Reads the text once per value if there are few, and once in total if there are many.
pub(super) struct Search<'v> {
    values: &'v HostValues,
    text: &'v str,
    next: NextMatch<'v>,
    /// The next position of each value, if there are few.
    of_each: [Option<usize>; FEW],
    is_begun: bool,
}

impl<'v> Search<'v> {
    /// The first value that starts at `from` or later, and the longest of those. `from` must never decrease.
    pub(super) fn next(&mut self, from: usize) -> Option<KnownMatch<'v>> {
        match self.next {
            NextMatch::At(found) if found.start >= from => return Some(found),
            NextMatch::Nowhere => return None,
            NextMatch::At(_) | NextMatch::Unknown => {}
        }
        let found = match &self.values.inside {
            Matcher::None => None,
            Matcher::Few(patterns) => self.one_by_one(patterns, from),
            Matcher::Many(automaton) => automaton
                .find(Input::new(self.text).range(from..))
                .map(|found| (found.start(), found.end(), found.pattern().as_usize())),
        };
        let found = found.and_then(|(start, end, pattern)| {
            let name = self.values.name(*self.values.patterns.get(pattern)?)?;
            Some(KnownMatch { start, end, name })
        });
        self.next = found.map_or(NextMatch::Nowhere, NextMatch::At);
        found
    }

    fn one_by_one(&mut self, patterns: &[Arc<str>], from: usize) -> Option<(usize, usize, usize)> {
        let rest = self.text.as_bytes().get(from..)?;
        let find = |pattern: &str| memmem::find(rest, pattern.as_bytes()).map(|at| from + at);
        let is_begun = std::mem::replace(&mut self.is_begun, true);
        let mut first: Option<(usize, usize, usize)> = None;
        for ((index, pattern), next) in patterns.iter().enumerate().zip(&mut self.of_each) {
            if !is_begun || next.is_some_and(|start| start < from) {
                *next = find(pattern);
            }
            let Some(start) = *next else { continue };
            let end = start + pattern.len();
            if first.is_none_or(|(first, longest, _)| start < first || (start == first && end > longest)) {
                first = Some((start, end, index));
            }
        }
        first
    }
}

/// Collects the spellings of values.
#[derive(Default)]
struct Spellings {
    whole: BTreeMap<Arc<str>, usize>,
    inside: Vec<Arc<str>>,
    patterns: Vec<usize>,
    inside_bytes: usize,
}

impl Spellings {
    /// Adds a value and, if it is a JSON document, every string and number in it.
    fn add_value(&mut self, index: usize, value: &Arc<str>) {
        self.add_text(index, value, Some(value));
        if value.starts_with(['{', '['])
            && let Ok(document) = serde_json::from_str::<Json>(value)
        {
            let mut left = vec![document];
            while let Some(next) = left.pop() {
                match next {
                    Json::String(text) => self.add_text(index, &text, None),
                    Json::Number(number) => self.add_text(index, &number.to_string(), None),
                    Json::Array(items) => left.extend(items),
                    Json::Object(members) => left.extend(members.into_iter().map(|(_, value)| value)),
                    Json::Null | Json::Bool(_) => {}
                }
            }
        }
    }

    /// Adds a text as it is and in normalised form, and a number also without its `+`. `shared` is the same text, if it is already
    /// stored.
    fn add_text(&mut self, index: usize, text: &str, shared: Option<&Arc<str>>) {
        self.add_spelling(index, text, shared);
        if let Cow::Owned(normal) = normal(text) {
            self.add_spelling(index, &normal, None);
        }
        if let Some(digits) = text.strip_prefix('+').filter(|rest| rest.bytes().all(|byte| byte.is_ascii_digit())) {
            self.add_spelling(index, digits, None);
        }
    }

    fn add_spelling(&mut self, index: usize, spelling: &str, shared: Option<&Arc<str>>) {
        if spelling.is_empty() || self.whole.len() >= VALUES_MAX || self.whole.contains_key(spelling) {
            return;
        }
        let spelling: Arc<str> = shared.map_or_else(|| spelling.into(), Arc::clone);
        self.inside_bytes += spelling.len();
        let fits = spelling.len() <= INSIDE_ONE_MAX && self.inside_bytes <= INSIDE_BYTES_MAX;
        if fits && spelling.chars().count() >= INSIDE_MIN {
            self.inside.push(Arc::clone(&spelling));
            self.patterns.push(index);
        }
        self.whole.insert(spelling, index);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn values(values: &[String]) -> HostValues {
        let value = |value: &String| HostValue { name: value.clone().into(), value: value.as_str().into() };
        HostValues::new(values.iter().map(value).collect())
    }

    fn all(values: &HostValues, text: &str) -> Vec<(usize, usize)> {
        let mut search = values.search(text);
        let (mut found, mut from) = (Vec::new(), 0);
        while let Some(next) = search.next(from) {
            found.push((next.start, next.end));
            from = next.end;
        }
        found
    }

    proptest! {
        /// Few values are looked for one by one, many with an automaton: what is found must not depend on it.
        #[test]
        fn few_and_many_find_the_same(given in prop::collection::vec("[ab]{4,7}", 1..8), text in "[abc]{0,60}") {
            let few = values(&given);
            // Values that the text cannot hold.
            let others = (0..=FEW).map(|number| format!("other {number:02}"));
            let many = values(&given.iter().cloned().chain(others).collect::<Vec<_>>());
            prop_assert!(matches!((&few.inside, &many.inside), (Matcher::Few(_), Matcher::Many(_))));
            prop_assert_eq!(all(&few, &text), all(&many, &text));
        }
    }

    #[test]
    fn the_longest_of_those_that_begin_at_one_place() {
        for others in [0, FEW] {
            for both in [["abcd", "abcdef"], ["abcdef", "abcd"]] {
                let others = (0..others).map(|number| format!("other {number:02}"));
                let given: Vec<String> = both.map(str::to_owned).into_iter().chain(others).collect();
                assert_eq!(all(&values(&given), "x abcdef abcdx"), [(2, 8), (9, 13)]);
            }
        }
    }

    /// What is built for a connection is bounded, whatever its configuration holds.
    #[test]
    fn values_are_counted() {
        let numbered = |count: usize, length: usize| -> Vec<String> {
            (0..count).map(|number| format!("{number:0length$}")).collect()
        };
        let many = values(&numbered(VALUES_MAX + 10, 8));
        assert_eq!((many.whole.len(), many.patterns.len()), (VALUES_MAX, VALUES_MAX));
        let long = values(&numbered(100, INSIDE_ONE_MAX));
        assert_eq!((long.whole.len(), long.patterns.len()), (100, INSIDE_BYTES_MAX / INSIDE_ONE_MAX));
        let longer = values(&numbered(1, INSIDE_ONE_MAX + 1));
        assert_eq!((longer.whole.len(), longer.patterns.len()), (1, 0));
    }

    #[test]
    fn the_search_goes_on_where_it_is_told() {
        for others in [0, FEW] {
            let given: Vec<String> = ["abcd".to_owned(), "cdef".to_owned()]
                .into_iter()
                .chain((0..others).map(|number| format!("other {number:02}")))
                .collect();
            let values = values(&given);
            let mut search = values.search("abcdef");
            assert_eq!(search.next(0).map(|found| found.name), Some("abcd"));
            assert_eq!(search.next(0).map(|found| found.name), Some("abcd"));
            assert_eq!(search.next(1).map(|found| found.name), Some("cdef"));
            assert!(search.next(3).is_none());
        }
    }
}
