//! Why a request may not be sent.

use std::fmt;

use thiserror::Error;

use crate::composition::{ContentKind, RecipientForm};
use crate::placement::Place;

/// A part of a request.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum RequestPart {
    /// The URL.
    Url,
    /// The header of this name.
    Header(String),
    /// The body.
    Body,
}

impl fmt::Display for RequestPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url => f.write_str("the URL"),
            // The guest chose the name, so its digits could be used to smuggle out data.
            Self::Header(name) if name.chars().filter(|c| c.is_numeric()).count() < 7 => {
                write!(f, "the header `{name}`")
            }
            Self::Header(_) => f.write_str("a header"),
            Self::Body => f.write_str("the body"),
        }
    }
}

/// Why a request may not be sent. Nothing was sent.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CompositionViolation {
    /// The request contains the message, but no recipient.
    #[error("the request carries the message, but not the recipient; place the recipient once")]
    NoRecipient,
    /// The request contains the recipient more than once.
    #[error("the request carries the recipient {0} times; place it once")]
    RecipientTwice(usize),
    /// The request contains the recipient, but no message.
    #[error("the request carries the recipient, but not the message; place the message once")]
    NoMessage,
    /// The request contains the message more than once.
    #[error("the request carries the message {0} times; place it once")]
    MessageTwice(usize),
    /// The request contains a part of another content kind than the connector declared.
    #[error("the request carries a part of the message that is not of the connector's content kind `{0:?}`")]
    WrongContent(ContentKind),
    /// The request contains a variable or the end user's address, but no message.
    #[error("the request carries a variable or the client's address, but neither message nor recipient")]
    LeftoverWithoutMessage,
    /// The recipient is in another format than declared.
    #[error("the request carries the number as `{found}`, and the metadata declares `{declared}`")]
    RecipientFormat {
        /// The format that the metadata declares.
        declared: RecipientForm,
        /// The format in the request.
        found: RecipientForm,
    },
    /// The request contains the message, but no positions are declared for this host.
    #[error("the request carries the message, and the metadata declares no places (`message`) for it at this host")]
    NoPlaces,
    /// The recipient is not the whole value at its declared position.
    #[error(
        "the number is not the whole value of its declared place, {declared}; place it there, encoded as that part of a request \
         needs it, with nothing beside it"
    )]
    RecipientPlace {
        /// The declared position.
        declared: Place,
    },
    /// The text, the code or a variable is not the whole value at its declared position.
    #[error(
        "the content is not the whole value of its declared place, {declared}; place it there, encoded as that part of a \
         request needs it, with no words beside it"
    )]
    ContentPlace {
        /// The declared position.
        declared: Place,
    },
    /// The end user's address is in another position, or may not be sent.
    #[error("the end user's address is not the whole value of a place that the metadata declares for it")]
    ClientIpPlace,
    /// A list that contains the recipient has other elements.
    #[error(
        "the list at the declared place of the number, {declared}, has {elements} elements; send one message at a time"
    )]
    RecipientList {
        /// The declared position.
        declared: Place,
        /// The number of elements.
        elements: usize,
    },
    /// Another field has the name of a declared position.
    #[error("another field of the request has the name of the declared place {declared}; a provider could read either")]
    NameAgain {
        /// The position whose name occurs again.
        declared: Place,
    },
    /// A literal of the connector at the position of the variables.
    #[error("at the declared place of the variables, {declared}, stands a text of the connector's own; leave it out")]
    ContentAdded {
        /// The declared position.
        declared: Place,
    },
    /// A sealed value in a name, in the host, or where nothing is parsed (a comment).
    #[error("{0} holds a sealed value that is not part of a value; place it as a value")]
    SealedOutsideValue(RequestPart),
    /// The URL is ambiguous.
    #[error("the URL {0}")]
    Url(&'static str),
    /// The body has a type that cannot be parsed.
    #[error(
        "a body needs one `Content-Type`: `application/json`, `application/x-www-form-urlencoded`, `application/xml` or \
         `text/xml`, with no parameter but `charset=utf-8`"
    )]
    ContentType,
    /// A part of the request does not parse.
    #[error("{part} cannot be read: {why}")]
    Malformed {
        /// The part of the request.
        part: RequestPart,
        /// What is wrong.
        why: &'static str,
    },
    /// The bytes have other fields or other values than what was judged.
    #[error(
        "a sealed value changes the structure of {0}, or is not encoded as its place needs it; encode it with the host's \
         `encode` (`form`, `percent`, `json-string`)"
    )]
    BytesDiffer(RequestPart),
    /// Digits in plain text that could be a second phone number.
    #[error("{part} holds {digits} digits in clear that could be a second phone number; take numbers from a parameter")]
    SecondNumber {
        /// The number of digits.
        digits: usize,
        /// The part of the request.
        part: RequestPart,
    },
    /// There are more sealed values in one part than can be told apart.
    #[error("{0} is made of too many sealed values")]
    TooManyPieces(RequestPart),
}

impl CompositionViolation {
    /// Replaces the header name that is shown. The connector chose it, so it must be scrubbed before it is displayed.
    #[must_use]
    pub fn map_header(self, rename: impl FnOnce(String) -> String) -> Self {
        let renamed = |part: RequestPart| match part {
            RequestPart::Header(name) => RequestPart::Header(rename(name)),
            other => other,
        };
        match self {
            Self::SealedOutsideValue(part) => Self::SealedOutsideValue(renamed(part)),
            Self::Malformed { part, why } => Self::Malformed { part: renamed(part), why },
            Self::BytesDiffer(part) => Self::BytesDiffer(renamed(part)),
            Self::SecondNumber { digits, part } => Self::SecondNumber { digits, part: renamed(part) },
            Self::TooManyPieces(part) => Self::TooManyPieces(renamed(part)),
            other => other,
        }
    }
}
