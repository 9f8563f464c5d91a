//! What a value is made of.
//!
//! A connector that nobody trusts writes requests around values that it cannot read. So the sandbox keeps, beside the bytes of
//! every value, a [`Composition`]: literal text, and [`Mark`]s in place of what is sealed. [`crate::request`] judges a
//! request by it.
//!
//! Promise: text that a connector wrote is literal here, however it was sealed, joined, encoded or decoded.
//!
//! Must not know: the bytes of anything sealed.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// The form of a recipient's number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RecipientForm {
    /// `+4512345678`
    E164,
    /// `4512345678`
    Digits,
    /// `12345678`
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

/// Something sealed, at its place in a composition.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Mark {
    /// The recipient's number.
    Recipient(RecipientForm),
    /// The rendered text.
    Text,
    /// The one-time code, where the connector is given variables.
    Code,
    /// Another variable of the message.
    Variable(Arc<str>),
    /// The end user's address.
    ClientIp,
    /// A secret.
    Secret(Arc<str>),
    /// A digest or an HMAC: nothing can be read back from it.
    Opaque,
}

/// How bytes are written down as text, as `encoding` of the contract says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Encoding {
    /// RFC 4648 section 4, padded.
    Base64,
    /// RFC 4648 section 5, not padded.
    Base64Url,
    /// Lower-case hexadecimal.
    Hex,
    /// RFC 3986, everything but the unreserved characters.
    Percent,
    /// The WHATWG form serialiser.
    Form,
    /// The inside of a JSON string literal.
    JsonString,
    /// The text of an XML element or attribute, with entities.
    Xml,
}

/// One piece of a composition.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Piece {
    /// Text that the connector wrote.
    Literal(String),
    /// Something sealed.
    Mark(Mark),
    /// Literals and marks that were encoded as a whole. Their text is kept as it was before, so that what was escaped on the
    /// wire (an `&` inside a form value) is not mistaken for structure.
    Encoded(Encoding, Composition),
}

/// What a value is made of, in order. Adjacent literals are one; the empty value has none.
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

    /// Literal text.
    #[must_use]
    pub fn literal(text: &str) -> Self {
        let mut value = Self::new();
        value.push(Piece::Literal(text.to_owned()));
        value
    }

    /// One sealed thing.
    #[must_use]
    pub fn mark(mark: Mark) -> Self {
        Self { pieces: vec![Piece::Mark(mark)] }
    }

    /// Appends a piece. Empty pieces leave no trace.
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

    /// The composition of the encoded value. `bytes` is what the encoding wrote; it is read only where nothing sealed had a
    /// part in it, so that a number that appears by encoding (hexadecimal of control characters) is seen as the digits that
    /// it is.
    #[must_use]
    pub fn encoded(&self, encoding: Encoding, bytes: &[u8]) -> Self {
        match self.pieces.as_slice() {
            // To wrap one thing that is already one thing adds nothing, and chains of encodings stay flat.
            [Piece::Mark(_)] | [] => self.clone(),
            _ if self.has_marks() => Self { pieces: vec![Piece::Encoded(encoding, self.clone())] },
            _ => Self::literal(&String::from_utf8_lossy(bytes)),
        }
    }

    /// The composition of the decoded value, whose bytes are given. `None` when it must not be decoded: only what is all
    /// literal, or one whole secret, or one opaque thing, can be told afterwards. Otherwise a connector could write a number
    /// in base64, seal it, and have the host decode it past the eyes of this module.
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

    /// How many pieces there are, nested ones included. For the limit on what a connector may build.
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

    /// Whether anything in it is sealed.
    fn has_marks(&self) -> bool {
        self.pieces.iter().any(|piece| match piece {
            Piece::Literal(_) => false,
            Piece::Mark(_) => true,
            Piece::Encoded(_, inner) => inner.has_marks(),
        })
    }

    /// Calls `visit` with every mark, nested ones included.
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

/// What a connector puts into the provider's request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ContentKind {
    /// A finished text.
    Text,
    /// The provider's template id with variables.
    Template,
    /// The bare variables.
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
