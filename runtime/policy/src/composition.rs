//! What a request is made of, and whether it carries the recipient and the message exactly once.
//!
//! A connector that nobody trusts writes the request around values that it cannot read. Three things could go wrong: it
//! aims the message at somebody else (a second number, digits glued to the number), it sends something else (words around
//! the text), or it sends twice. So the sandbox keeps, beside the bytes of every value, a [`Composition`]: literal text and
//! [`Mark`]s where something sealed stands. [`RequestView::judge`] reads the compositions of URL, headers and body.
//!
//! Promises: a request passes only if
//! - it carries recipient and message exactly once each, or nothing of either;
//! - each of them is a whole value: a query or form value, a path segment, a header, a JSON string or number, an XML element
//!   or attribute, also nested (JSON inside a form value). A number may have `+`, `00` or its calling code before it;
//! - no list or repeated key holds something beside the recipient;
//! - no other text, in any of those encodings, holds what could be a phone number, unless the host itself gave it to the
//!   connector (`known`) or it is the time or a date.
//!
//! What it cannot see: a number that the connector encodes in a way that we do not undo (base64, digits as words, a
//! provider's own address book), a number of fewer than 7 digits, one glued to ASCII letters, one that is spelt like a date
//! (`2010-04-01`), and a provider's parameter that makes it add words of its own. Multipart bodies are refused: their values
//! stand between line breaks. Limits per prefix and the journal stand behind this.
//!
//! Must not know: the bytes. Violations show places and counts, never text.

mod number;
mod structure;

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use number::NumberScan;
use structure::{Alone, Component};

/// In which form a recipient's number stands.
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

/// One piece of a composition.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Piece {
    /// Text that the connector wrote.
    Literal(String),
    /// Something sealed.
    Mark(Mark),
    /// A composition that was encoded as a whole. Its text is kept as it was before, so that what was escaped on the wire
    /// (an `&` inside a form value) is not mistaken for structure.
    Encoded(Composition),
}

/// What a value is made of, in order. Adjacent literals are one; nothing stands for the empty value.
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
            (_, Piece::Encoded(inner)) if inner.pieces.is_empty() => {}
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

    /// The composition of the encoded value. To be called on every encoding, whichever it is.
    #[must_use]
    pub fn encoded(&self) -> Self {
        match self.pieces.as_slice() {
            // To wrap one thing that is already one thing adds nothing, and chains of encodings stay flat.
            [Piece::Mark(_) | Piece::Encoded(_)] | [] => self.clone(),
            _ => Self { pieces: vec![Piece::Encoded(self.clone())] },
        }
    }

    /// The composition of the decoded value, whose bytes are given. `None` when it must not be decoded: only what is all
    /// literal, or one whole secret, or one opaque thing, can be told afterwards. Otherwise a connector could write a number
    /// in base64, seal it, and have the host decode it past the eyes of this module.
    #[must_use]
    pub fn decoded(&self, bytes: &[u8]) -> Option<Self> {
        match self.pieces.as_slice() {
            [Piece::Mark(Mark::Secret(_) | Mark::Opaque)] => Some(self.clone()),
            _ => {
                let mut marks = 0;
                self.for_each_mark(&mut |_| marks += 1);
                (marks == 0).then(|| Self::literal(&String::from_utf8_lossy(bytes)))
            }
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
                Piece::Encoded(inner) => 1 + inner.len(),
                Piece::Literal(_) | Piece::Mark(_) => 1,
            })
            .sum()
    }

    /// Whether this is the empty value.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// Calls `visit` with every mark, nested ones included.
    fn for_each_mark(&self, visit: &mut impl FnMut(&Mark)) {
        for piece in &self.pieces {
            match piece {
                Piece::Literal(_) => {}
                Piece::Mark(mark) => visit(mark),
                Piece::Encoded(inner) => inner.for_each_mark(visit),
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

/// A request, as its compositions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RequestView {
    /// The absolute URL.
    pub url: Composition,
    /// Names and values, in order.
    pub headers: Vec<(String, Composition)>,
    /// The body, empty for none.
    pub body: Composition,
}

/// What the host knows of the message that is being sent. Has no `Debug`: `known` may hold what logs must not.
#[derive(Clone)]
pub struct MessageRule<'k> {
    /// What the connector was given.
    pub content: ContentKind,
    /// The recipient's calling code without `+`, `45`. Empty for none.
    pub calling_code: String,
    /// Clear strings that the host gave to the connector: plain parameters, template ids, the idempotency key, the nonce.
    pub known: &'k [String],
    /// The host's clock, Unix time in milliseconds.
    pub now_unix_ms: u64,
}

/// What a request carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carries {
    /// Nothing of the message.
    Nothing,
    /// The recipient and the message, each once.
    Message,
}

/// Where in a request.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum RequestPart {
    /// The URL.
    Url,
    /// The header of this name.
    Header(String),
    /// The body.
    Body,
}

impl std::fmt::Display for RequestPart {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Url => f.write_str("the URL"),
            // The guest chose the name, so its digits are a channel like any other.
            Self::Header(name) if number::is_harmless_name(name) => write!(f, "the header `{name}`"),
            Self::Header(_) => f.write_str("a header"),
            Self::Body => f.write_str("the body"),
        }
    }
}

/// Why a request may not leave. Nothing was sent.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CompositionViolation {
    /// The message without a recipient.
    #[error("the request carries the message, but not the recipient; place the recipient once")]
    NoRecipient,
    /// The recipient more than once.
    #[error("the request carries the recipient {0} times; place it once")]
    RecipientTwice(usize),
    /// The recipient without a message.
    #[error("the request carries the recipient, but not the message; place the message once")]
    NoMessage,
    /// The message more than once.
    #[error("the request carries the message {0} times; place it once")]
    MessageTwice(usize),
    /// A part of another content kind than the connector declared.
    #[error("the request carries a part of the message that is not of the connector's content kind `{0:?}`")]
    WrongContent(ContentKind),
    /// A variable or the client's address, with no message.
    #[error("the request carries a variable or the client's address, but neither message nor recipient")]
    LeftoverWithoutMessage,
    /// The recipient does not stand alone.
    #[error(
        "the recipient does not stand alone in {0}; make it a whole value (form, JSON, path segment), with nothing but `+`, \
         `00` or its calling code before it, and encode values with the host's `encode`"
    )]
    RecipientAltered(RequestPart),
    /// The message does not stand alone.
    #[error("the message does not stand alone in {0}; make it a whole value and add no words to it")]
    MessageAltered(RequestPart),
    /// What could be a second phone number, in clear.
    #[error(
        "{place} holds {digits} digits in clear that could be a second phone number; take numbers from a parameter"
    )]
    SecondNumber {
        /// How many digits.
        digits: usize,
        /// Where.
        place: RequestPart,
    },
    /// More sealed values in one place than can be told apart.
    #[error("{0} is made of too many sealed values")]
    TooManyPieces(RequestPart),
}

#[derive(Default, Clone, Copy)]
struct Counts {
    recipient: usize,
    text: usize,
    code: usize,
    other: usize,
    variables: usize,
}

impl Counts {
    fn add(&mut self, value: &Composition) {
        value.for_each_mark(&mut |mark| match mark {
            Mark::Recipient(_) => self.recipient += 1,
            Mark::Text => self.text += 1,
            Mark::Code => self.code += 1,
            Mark::Variable(_) => self.variables += 1,
            Mark::ClientIp => self.other += 1,
            Mark::Secret(_) | Mark::Opaque => {}
        });
    }

    fn message(&self, content: ContentKind) -> usize {
        if content == ContentKind::Text { self.text } else { self.code }
    }
}

impl RequestView {
    /// Judges the whole request.
    ///
    /// # Errors
    /// The first [`CompositionViolation`]; nothing may be sent then.
    pub fn judge(&self, rule: &MessageRule<'_>) -> Result<Carries, CompositionViolation> {
        let carries = self.count(rule)?;
        let scan = NumberScan::new(rule);
        for (place, component, value) in self.components() {
            if carries == Carries::Message {
                stands_alone(&place, component, value, rule)?;
            }
            if let Some(digits) = scan.find(component, value) {
                return Err(CompositionViolation::SecondNumber { digits, place });
            }
        }
        for (name, _) in &self.headers {
            if let Some(digits) = scan.find(Component::Header, &Composition::literal(name)) {
                return Err(CompositionViolation::SecondNumber { digits, place: RequestPart::Header(name.clone()) });
            }
        }
        Ok(carries)
    }

    fn count(&self, rule: &MessageRule<'_>) -> Result<Carries, CompositionViolation> {
        let mut counts = Counts::default();
        self.components().for_each(|(_, _, value)| counts.add(value));
        let wrong = match rule.content {
            ContentKind::Text => counts.code > 0 || counts.variables > 0,
            ContentKind::Template | ContentKind::Variables => counts.text > 0,
        };
        if wrong {
            return Err(CompositionViolation::WrongContent(rule.content));
        }
        match (counts.recipient, counts.message(rule.content)) {
            (0, 0) if counts.variables + counts.other > 0 => Err(CompositionViolation::LeftoverWithoutMessage),
            (0, 0) => Ok(Carries::Nothing),
            (1, 1) => Ok(Carries::Message),
            (0, _) => Err(CompositionViolation::NoRecipient),
            (r @ 2.., _) => Err(CompositionViolation::RecipientTwice(r)),
            (_, 0) => Err(CompositionViolation::NoMessage),
            (_, m) => Err(CompositionViolation::MessageTwice(m)),
        }
    }

    fn components(&self) -> impl Iterator<Item = (RequestPart, Component, &Composition)> {
        std::iter::once((RequestPart::Url, Component::Url, &self.url))
            .chain(self.headers.iter().map(|(name, value)| (RequestPart::Header(name.clone()), Component::Header, value)))
            .chain(std::iter::once((RequestPart::Body, Component::Body, &self.body)))
    }
}

fn stands_alone(
    place: &RequestPart,
    component: Component,
    value: &Composition,
    rule: &MessageRule<'_>,
) -> Result<(), CompositionViolation> {
    let mut counts = Counts::default();
    counts.add(value);
    let (recipients, messages) = (counts.recipient, counts.message(rule.content));
    if recipients + messages == 0 {
        return Ok(());
    }
    let alone =
        Alone::find(component, value, rule).ok_or_else(|| CompositionViolation::TooManyPieces(place.clone()))?;
    if alone.recipients != recipients {
        Err(CompositionViolation::RecipientAltered(place.clone()))
    } else if alone.messages != messages {
        Err(CompositionViolation::MessageAltered(place.clone()))
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests;
