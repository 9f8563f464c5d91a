//! The shape of a request: its literals.
//!
//! A blind connector cannot see what it sends, so the literals of its requests depend on plain values only. A version is pinned to
//! the shapes that it was tested with; a request with another shape is held back for review.
//!
//! One line contains method and URL, and there is one line for each header, query field, form field and value of the body. Sealed
//! values are `[text]`, `[code]`, `[recipient digits]`, `[variable link]`, `[secret apiKey]`, `[signature]`, also inside `[base64
//! …]`. Values from the host are `{config from}`, `{nonce}`, `{time}`, `{lifetime}`, …, so that the next message has the same
//! shape. Brackets and braces of the connector are escaped with a `\`. The order of fields does not matter.
//!
//! Promise: a shape contains no sealed value, because it is derived from compositions only.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// What a request carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Carries {
    /// Nothing of the message.
    Nothing,
    /// The recipient and the message, each exactly once.
    Message,
}

/// The literal skeleton of a request.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequestShape {
    carries: Carries,
    lines: Vec<String>,
}

/// A difference between two shapes, displayed as `- line` or `+ line`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ShapeChange {
    /// Only the old shape has this line.
    Removed(String),
    /// Only the new shape has this line.
    Added(String),
}

impl RequestShape {
    pub(crate) fn new(carries: Carries, lines: Vec<String>) -> Self {
        Self { carries, lines }
    }

    /// What the request carries.
    #[must_use]
    pub fn carries(&self) -> Carries {
        self.carries
    }

    /// The lines: method and URL first, then the fields, sorted.
    #[must_use]
    pub fn lines(&self) -> &[String] {
        &self.lines
    }

    /// The SHA-256 of the lines and of what the request carries. Equal for equal shapes.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(match self.carries {
            Carries::Nothing => "nothing\n",
            Carries::Message => "message\n",
        });
        for line in &self.lines {
            // Lines contain no line breaks, so the encoding is unambiguous.
            hash.update(line);
            hash.update("\n");
        }
        hash.finalize().into()
    }

    /// The lines that only one of the two shapes has: first those of `self`, then those of `new`, each in order.
    #[must_use]
    pub fn diff(&self, new: &Self) -> Vec<ShapeChange> {
        let removed = only_in(&self.lines, &new.lines).map(ShapeChange::Removed);
        let added = only_in(&new.lines, &self.lines).map(ShapeChange::Added);
        removed.chain(added).collect()
    }
}

fn only_in<'l>(these: &'l [String], those: &'l [String]) -> impl Iterator<Item = String> + 'l {
    let mut left: BTreeMap<&str, usize> = BTreeMap::new();
    for line in those {
        *left.entry(line).or_default() += 1;
    }
    these
        .iter()
        .filter(move |line| match left.get_mut(line.as_str()) {
            Some(times @ 1..) => {
                *times -= 1;
                false
            }
            _ => true,
        })
        .cloned()
}

impl fmt::Display for RequestShape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.lines.iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}

impl fmt::Display for ShapeChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Removed(line) => write!(f, "- {line}"),
            Self::Added(line) => write!(f, "+ {line}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(lines: &[&str]) -> RequestShape {
        RequestShape::new(Carries::Message, lines.iter().map(|line| (*line).to_owned()).collect())
    }

    #[test]
    fn differences_line_by_line() {
        let old = shape(&["POST https://a.example/", "form Body = [text]", "form x = 1", "form x = 1"]);
        let new = shape(&["POST https://a.example/", "form Body = [text]", "form Cc = 9", "form x = 1"]);
        let changes: Vec<String> = old.diff(&new).iter().map(ToString::to_string).collect();
        assert_eq!(changes, ["- form x = 1", "+ form Cc = 9"]);
        assert_eq!(old.diff(&old), []);
    }

    #[test]
    fn a_digest_is_that_of_the_lines_and_of_what_is_carried() {
        let one = shape(&["a", "b"]);
        assert_eq!(one.digest(), shape(&["a", "b"]).digest());
        assert_ne!(one.digest(), shape(&["ab"]).digest());
        assert_ne!(one.digest(), RequestShape::new(Carries::Nothing, one.lines().to_vec()).digest());
    }

    #[test]
    fn stored_and_read_again_it_is_the_same() {
        let one = shape(&["POST https://a.example/", "form Body = [text]"]);
        let json = serde_json::to_string(&one).unwrap();
        assert_eq!(json, r#"{"carries":"message","lines":["POST https://a.example/","form Body = [text]"]}"#);
        assert_eq!(serde_json::from_str::<RequestShape>(&json).unwrap(), one);
    }
}
