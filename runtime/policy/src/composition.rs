//! What a value is made of.
//!
//! An untrusted connector builds requests from values that it cannot read. So the sandbox keeps a [`Composition`] with the bytes of
//! every value: literal text, and [`Mark`]s in place of sealed values. [`crate::request`] judges requests by their compositions.
//!
//! Promise: text that a connector wrote is always a literal here, however it was sealed, joined, encoded or decoded.
//!
//! Must not know: the bytes of sealed values.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// The format of a recipient's number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RecipientForm {
    /// E.164, like `+4512345678`.
    E164,
    /// E.164 without the `+`, like `4512345678`.
    Digits,
    /// The national significant number, like `12345678`.
    National,
}

impl fmt::Display for RecipientForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::E164 => "e164",
            Self::Digits => "digits",
            Self::National => "national",
        })
    }
}

/// A sealed value in a composition.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Mark {
    /// The recipient's number.
    Recipient(RecipientForm),
    /// The rendered text.
    Text,
    /// The one-time code, for connectors that get variables.
    Code,
    /// Another variable of the message.
    Variable(Arc<str>),
    /// The end user's IP address.
    ClientIp,
    /// A secret.
    Secret(Arc<str>),
    /// A digest or an HMAC, from which nothing can be read back.
    Opaque,
}

/// An encoding of bytes as text, as in `encoding` of the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Encoding {
    /// RFC 4648 section 4, with padding.
    Base64,
    /// RFC 4648 section 5, without padding.
    Base64Url,
    /// Lower-case hexadecimal.
    Hex,
    /// RFC 3986, for everything but the unreserved characters.
    Percent,
    /// The WHATWG serialiser of form data.
    Form,
    /// The inside of a JSON string literal.
    JsonString,
    /// The text of an XML element or attribute, with entities.
    Xml,
}

/// A piece of a composition.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Piece {
    /// Text that the connector wrote.
    Literal(String),
    /// A sealed value.
    Mark(Mark),
    /// Literals and marks that were encoded as a whole. Their text is kept as it was before, so that escaped characters (an `&`
    /// inside a form value) are not mistaken for structure.
    Encoded(Encoding, Composition),
}

/// What a value is made of, in order. Adjacent literals are merged, and the empty value has no pieces.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Composition {
    pieces: Vec<Piece>,
}

impl Composition {
    /// The empty value.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A literal text.
    #[must_use]
    pub fn literal(text: &str) -> Self {
        let mut value = Self::new();
        value.push(Piece::Literal(text.to_owned()));
        value
    }

    /// A single mark.
    #[must_use]
    pub fn mark(mark: Mark) -> Self {
        Self { pieces: vec![Piece::Mark(mark)] }
    }

    /// Appends a piece. Empty pieces are ignored.
    pub fn push(&mut self, piece: Piece) {
        match (self.pieces.last_mut(), piece) {
            (Some(Piece::Literal(last)), Piece::Literal(text)) => last.push_str(&text),
            (_, Piece::Literal(text)) if text.is_empty() => {}
            (_, Piece::Encoded(_, inner)) if inner.pieces.is_empty() => {}
            (_, piece) => self.pieces.push(piece),
        }
    }

    /// Appends another composition.
    pub fn extend(&mut self, other: &Self) {
        other.pieces.iter().for_each(|piece| self.push(piece.clone()));
    }

    /// The composition of a digest or an HMAC: one [`Mark::Opaque`].
    #[must_use]
    pub fn hashed(&self) -> Self {
        Self::mark(Mark::Opaque)
    }

    /// The composition of the encoded value. `bytes` is the result of the encoding. It is read only if nothing sealed is in the
    /// value, so that digits that an encoding produces (hexadecimal of control characters) are seen.
    #[must_use]
    pub fn encoded(&self, encoding: Encoding, bytes: &[u8]) -> Self {
        match self.pieces.as_slice() {
            // Encoding a single mark again adds no information, and chains of encodings stay flat.
            [Piece::Mark(_)] | [] => self.clone(),
            _ if self.has_marks() => Self { pieces: vec![Piece::Encoded(encoding, self.clone())] },
            _ => Self::literal(&String::from_utf8_lossy(bytes)),
        }
    }

    /// The composition of the decoded value, whose bytes are given. `None` if it must not be decoded: the result is known only for
    /// literals, for one whole secret and for one opaque value. Otherwise a connector could write a number in base64, seal it, and
    /// have the host decode it unseen.
    #[must_use]
    pub fn decoded(&self, bytes: &[u8]) -> Option<Self> {
        match self.pieces.as_slice() {
            [Piece::Mark(Mark::Secret(_) | Mark::Opaque)] => Some(self.clone()),
            _ => (!self.has_marks()).then(|| Self::literal(&String::from_utf8_lossy(bytes))),
        }
    }

    /// The pieces in order.
    #[must_use]
    pub fn pieces(&self) -> &[Piece] {
        &self.pieces
    }

    /// The number of pieces, including nested ones, for the limit on what a connector may build.
    #[must_use]
    pub fn len(&self) -> usize {
        self.pieces
            .iter()
            .map(|piece| match piece {
                Piece::Encoded(_, inner) => 1 + inner.len(),
                Piece::Literal(_) | Piece::Mark(_) => 1,
            })
            .sum()
    }

    /// Whether this is the empty value.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// Whether it contains any marks.
    fn has_marks(&self) -> bool {
        self.pieces.iter().any(|piece| match piece {
            Piece::Literal(_) => false,
            Piece::Mark(_) => true,
            Piece::Encoded(_, inner) => inner.has_marks(),
        })
    }

    /// Calls `visit` for every mark, including nested ones.
    pub(crate) fn for_each_mark(&self, visit: &mut impl FnMut(&Mark)) {
        for piece in &self.pieces {
            match piece {
                Piece::Literal(_) => {}
                Piece::Mark(mark) => visit(mark),
                Piece::Encoded(_, inner) => inner.for_each_mark(visit),
            }
        }
    }
}

/// The kind of content that a connector takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ContentKind {
    /// A rendered text.
    Text,
    /// A template of the provider, with variables.
    Template,
    /// The variables only.
    Variables,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joined(pieces: &[Piece]) -> Composition {
        let mut value = Composition::new();
        pieces.iter().for_each(|piece| value.push(piece.clone()));
        value
    }

    fn literal(text: &str) -> Piece {
        Piece::Literal(text.to_owned())
    }

    #[test]
    fn literals_that_touch_are_one() {
        let mut value = Composition::literal("a");
        value.extend(&Composition::literal("b"));
        value.extend(&Composition::new());
        value.push(literal(""));
        assert_eq!(value.pieces(), [literal("ab")]);
        assert_eq!(Composition::literal(""), Composition::new());
    }

    #[test]
    fn what_an_encoding_leaves() {
        let secret = Piece::Mark(Mark::Secret("k".into()));
        let mixed = joined(&[literal("a:"), secret.clone()]);
        let encoded = mixed.encoded(Encoding::Base64, b"not looked at");
        assert_eq!(encoded.pieces(), [Piece::Encoded(Encoding::Base64, mixed)]);
        assert_eq!(encoded.encoded(Encoding::Form, b"").len(), 4);
        assert_eq!(joined(std::slice::from_ref(&secret)).encoded(Encoding::Hex, b"").pieces(), [secret]);
        assert_eq!(Composition::new().encoded(Encoding::Hex, b""), Composition::new());
        // Nothing sealed had a part in it: it is the text that it becomes.
        assert_eq!(Composition::literal("E\u{12}").encoded(Encoding::Hex, b"4512"), Composition::literal("4512"));
        assert_eq!(joined(&[literal("a"), Piece::Mark(Mark::Text)]).hashed().pieces(), [Piece::Mark(Mark::Opaque)]);
    }

    /// What a literal becomes is looked at; a secret stays a secret; what is mixed cannot be told apart.
    #[test]
    fn what_may_be_decoded() {
        let secret = || Piece::Mark(Mark::Secret("k".into()));
        let decoded = |pieces: &[Piece]| joined(pieces).decoded(b"4598765432");
        assert_eq!(decoded(&[literal("NDU5ODc2NTQzMg==")]), Some(Composition::literal("4598765432")));
        assert_eq!(decoded(&[secret()]), Some(joined(&[secret()])));
        assert_eq!(decoded(&[Piece::Mark(Mark::Opaque)]), Some(Composition::mark(Mark::Opaque)));
        for mixed in [
            vec![literal("NDU5"), secret()],
            vec![secret(), secret()],
            vec![Piece::Encoded(Encoding::Hex, joined(&[literal("a"), secret()]))],
            vec![Piece::Mark(Mark::Recipient(RecipientForm::E164))],
            vec![Piece::Mark(Mark::Code)],
            vec![Piece::Mark(Mark::Text)],
            vec![Piece::Mark(Mark::Variable("link".into()))],
            vec![Piece::Mark(Mark::ClientIp)],
        ] {
            assert_eq!(decoded(&mixed), None, "{mixed:?}");
        }
    }
}
