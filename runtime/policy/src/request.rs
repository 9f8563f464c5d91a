//! Whether a request is the one message that it says it is.
//!
//! A connector that nobody trusts writes the request around values that it cannot read. It could aim the message at somebody
//! else, add words to it, or make two messages of one. So the connector declares where recipient and content stand
//! ([`MessagePlaces`]), a person sees that, and every request is read as its provider will read it: the body with a real parser
//! for its content type, the query as a query.
//!
//! [`RequestView::judge`] reads the [`Composition`]s alone, so its answer never depends on what is sealed. It promises that a
//! request passes only if
//! - it carries nothing of the message, or recipient and content exactly once, each as the whole value of its declared place;
//! - no other field of the request has the name of such a place;
//! - no text that the connector wrote, in any spelling that a lenient provider reads, could be a telephone number, unless the
//!   host itself gave it to the connector, or it is the time or a date.
//!
//! [`RequestView::confirm`] then reads the bytes in the same way, and promises that they have the fields that were judged: a
//! sealed value whose own bytes would end a field changes the number of fields, and the request does not leave.
//!
//! What it cannot see: a number in an encoding of the connector's own, one spelt with letters, one of fewer than 7 digits, and a
//! provider's parameter that makes it add words. [`RequestShape`] is for those: what is literal in a request is pinned.
//!
//! Must not know: hosts, grants, sizes. Violations show places and counts, never text.

mod confirm;
mod decode;
mod explain;
mod known;
mod message_check;
mod number;
mod outline;
mod parse;
mod parse_json;
mod parse_xml;
mod reading;
mod readings;
mod slot;
mod spelling;
mod time;
mod tree;

use thiserror::Error;

use crate::composition::{Composition, ContentKind, Mark, RecipientForm};
use crate::manifest::Method;
use crate::placement::{MessagePlaces, Place};
use crate::shape::RequestShape;

use explain::Explained;
use number::NumberScan;
use reading::Reading;
use tree::Value;

pub use known::{HostValue, HostValues};
pub use readings::ShapeReadings;

/// What the host knows of the message that is being sent. Has no `Debug`: `known` may hold what logs must not.
#[derive(Clone)]
pub struct MessageRule<'k> {
    /// What the connector was given.
    pub content: ContentKind,
    /// Everything in clear that the host gave to the connector. Of two values that are the same, the first names what is found.
    pub known: Vec<&'k HostValues>,
    /// How long the code lives, from the start of this attempt.
    pub lifetime_seconds: u32,
    /// When this attempt began, Unix time in milliseconds.
    pub now_unix_ms: u64,
}

/// A request, as its compositions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestView {
    /// The method.
    pub method: Method,
    /// The absolute URL.
    pub url: Composition,
    /// Names and values, in order.
    pub headers: Vec<(String, Composition)>,
    /// The body, empty for none.
    pub body: Composition,
}

/// The same request in bytes, to prove that they have the structure that was judged. Has no `Debug`: the bytes are in clear.
pub struct RequestBytes<'a> {
    /// The absolute URL, as it will leave.
    pub url: &'a str,
    /// Names and values, in the order of [`RequestView::headers`].
    pub headers: &'a [(&'a str, &'a [u8])],
    /// The body, empty for none.
    pub body: &'a [u8],
    /// The bytes that a mark of the message stands for.
    pub value_of: &'a dyn Fn(&Mark) -> Option<&'a [u8]>,
}

/// What a request carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Carries {
    /// Nothing of the message.
    Nothing,
    /// The recipient and the message, each once.
    Message,
}

/// A request that passed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judged {
    /// What it carries.
    pub carries: Carries,
    /// What is literal in it.
    pub shape: RequestShape,
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
            Self::Header(name) if name.chars().filter(|c| c.is_numeric()).count() < 7 => {
                write!(f, "the header `{name}`")
            }
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
    /// The recipient in another format than the declared one.
    #[error("the request carries the number as `{found}`, and the metadata declares `{declared}`")]
    RecipientFormat {
        /// What the metadata says.
        declared: RecipientForm,
        /// What the request holds.
        found: RecipientForm,
    },
    /// The message, to a host for which no places are declared.
    #[error("the request carries the message, and the metadata declares no places (`message`) for it at this host")]
    NoPlaces,
    /// The recipient is not what stands at its place.
    #[error(
        "the number is not the whole value of its declared place, {declared}; place it there, encoded as that part of a request \
         needs it, with nothing beside it"
    )]
    RecipientPlace {
        /// What the metadata says.
        declared: Place,
    },
    /// Text, code or variable is not what stands at its place.
    #[error(
        "the content is not the whole value of its declared place, {declared}; place it there, encoded as that part of a \
         request needs it, with no words beside it"
    )]
    ContentPlace {
        /// What the metadata says.
        declared: Place,
    },
    /// The end user's address is elsewhere, or may not be sent.
    #[error("the end user's address is not the whole value of a place that the metadata declares for it")]
    ClientIpPlace,
    /// A list on the way to the recipient has other elements.
    #[error(
        "the list at the declared place of the number, {declared}, has {elements} elements; send one message at a time"
    )]
    RecipientList {
        /// What the metadata says.
        declared: Place,
        /// How many.
        elements: usize,
    },
    /// Another field has the name of a declared place.
    #[error("another field of the request has the name of the declared place {declared}; a provider could read either")]
    NameAgain {
        /// The place whose name occurs again.
        declared: Place,
    },
    /// A literal at a place of variables that the host did not give.
    #[error("at the declared place of the variables, {declared}, stands a text of the connector's own; leave it out")]
    ContentAdded {
        /// What the metadata says.
        declared: Place,
    },
    /// A sealed value where a name, the method or the host stands, or where nothing is read (a comment).
    #[error("{0} holds a sealed value that is not part of a value; place it as a value")]
    SealedOutsideValue(RequestPart),
    /// The URL cannot be read in one way only.
    #[error("the URL {0}")]
    Url(&'static str),
    /// A body of a type that cannot be read.
    #[error(
        "a body needs one `Content-Type`: `application/json`, `application/x-www-form-urlencoded`, `application/xml` or \
         `text/xml`, with no parameter but `charset=utf-8`"
    )]
    ContentType,
    /// A part that its parser refuses.
    #[error("{place} cannot be read: {why}")]
    Malformed {
        /// Where.
        place: RequestPart,
        /// What is wrong.
        why: &'static str,
    },
    /// The bytes have other fields, or other values, than what was judged.
    #[error(
        "a sealed value changes the structure of {0}, or is not encoded as its place needs it; encode it with the host's \
         `encode` (`form`, `percent`, `json-string`)"
    )]
    BytesDiffer(RequestPart),
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

impl CompositionViolation {
    /// The same with another name of the header that it shows: a connector chose it, so whoever shows it scrubs it first.
    #[must_use]
    pub fn map_header(self, rename: impl FnOnce(String) -> String) -> Self {
        let part = |part: RequestPart| match part {
            RequestPart::Header(name) => RequestPart::Header(rename(name)),
            other => other,
        };
        match self {
            Self::SealedOutsideValue(place) => Self::SealedOutsideValue(part(place)),
            Self::Malformed { place, why } => Self::Malformed { place: part(place), why },
            Self::BytesDiffer(place) => Self::BytesDiffer(part(place)),
            Self::SecondNumber { digits, place } => Self::SecondNumber { digits, place: part(place) },
            Self::TooManyPieces(place) => Self::TooManyPieces(part(place)),
            other => other,
        }
    }
}

impl RequestView {
    /// Judges the whole request by its compositions.
    ///
    /// # Errors
    /// The first [`CompositionViolation`]; nothing may be sent then.
    pub fn judge(
        &self,
        places: Option<&MessagePlaces>,
        rule: &MessageRule<'_>,
    ) -> Result<Judged, CompositionViolation> {
        let carries = message_check::count(self, rule.content)?;
        self.judge_read(&Reading::of(self)?, carries, places, rule)
    }

    /// Judges the request, and proves that the bytes have the structure that was judged, with one reading for both.
    ///
    /// # Errors
    /// As [`Self::judge`] and [`Self::confirm`].
    pub fn judge_and_confirm(
        &self,
        places: Option<&MessagePlaces>,
        rule: &MessageRule<'_>,
        bytes: &RequestBytes<'_>,
    ) -> Result<Judged, CompositionViolation> {
        let carries = message_check::count(self, rule.content)?;
        let reading = Reading::of(self)?;
        let judged = self.judge_read(&reading, carries, places, rule)?;
        confirm::confirm(&reading, bytes)?;
        Ok(judged)
    }

    fn judge_read(
        &self,
        reading: &Reading<'_>,
        carries: Carries,
        places: Option<&MessagePlaces>,
        rule: &MessageRule<'_>,
    ) -> Result<Judged, CompositionViolation> {
        let explained = Explained::new(rule);
        if carries == Carries::Message {
            message_check::check(reading, places.ok_or(CompositionViolation::NoPlaces)?, rule, &explained)?;
        }
        no_second_number(reading, &explained)?;
        let shape = RequestShape::new(carries, outline::lines(reading, self.method, &explained));
        Ok(Judged { carries, shape })
    }

    /// What is literal in the request, where more is known to be the host's than it was judged by: what an earlier answer said
    /// explains a literal, and never a number.
    ///
    /// # Errors
    /// As [`Self::judge`], when the request cannot be read.
    pub fn shape(&self, rule: &MessageRule<'_>) -> Result<RequestShape, CompositionViolation> {
        let carries = message_check::count(self, rule.content)?;
        let lines = outline::lines(&Reading::of(self)?, self.method, &Explained::new(rule));
        Ok(RequestShape::new(carries, lines))
    }

    /// Every way to read the literals of the request.
    ///
    /// # Errors
    /// As [`Self::judge`], when the request cannot be read.
    pub fn readings(&self, rule: &MessageRule<'_>) -> Result<ShapeReadings, CompositionViolation> {
        Ok(ShapeReadings::of(&Reading::of(self)?, self.method, rule))
    }

    /// Proves that the bytes have the structure that was judged: the same fields, and in each the same literals and exactly
    /// the sealed value of its mark.
    ///
    /// # Errors
    /// The first [`CompositionViolation`]; nothing may be sent then.
    pub fn confirm(&self, bytes: &RequestBytes<'_>) -> Result<(), CompositionViolation> {
        confirm::confirm(&Reading::of(self)?, bytes)
    }
}

fn no_second_number(reading: &Reading<'_>, explained: &Explained<'_>) -> Result<(), CompositionViolation> {
    let scan = NumberScan::new(explained);
    for (id, node) in reading.tree.iter() {
        let found = match &node.value {
            Value::Text(text) | Value::Patched(text) => scan.text(text, &reading.slots),
            Value::Number(number) if !number.contains(slot::is_slot) => scan.number(number),
            _ => None,
        };
        let found = found.or_else(|| node.name.text().and_then(|name| scan.text(name, &reading.slots)));
        if let Some(digits) = found {
            return Err(CompositionViolation::SecondNumber { digits, place: reading.tree.part(id) });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
