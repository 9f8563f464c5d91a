//! Where a request carries the message: declared by the connector, shown to a person, checked on every request.
//!
//! Promises: a [`MessagePlaces`] that exists is valid, also when it was read from JSON: every path is short and unambiguous.
//!
//! Must not know: requests. [`crate::composition`] looks for what stands there.

use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::composition::RecipientForm;

/// Steps of one path at most: JSON in a form value in JSON is the deepest that any provider asks for.
pub const STEPS_MAX: usize = 4;
/// Bytes of a step's name, pointer or element path at most.
pub const NAME_MAX: usize = 256;

/// One step on the way from a request to a value in it, from the outside in.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// The value of a query parameter.
    Query(String),
    /// A segment of the path, from 0.
    PathSegment(u32),
    /// The value of a header; the name in lower case.
    Header(String),
    /// The value of a form field.
    Form(String),
    /// A JSON pointer (RFC 6901); a token `*` stands for any one name or position.
    Json(String),
    /// A path of element names, `/request/to`.
    Xml(String),
}

impl Step {
    /// Whether this step can read a value that another step found. Each can be the first: then `Form`, `Json` and `Xml` read the
    /// body.
    fn may_follow(&self) -> bool {
        matches!(self, Self::Form(_) | Self::Json(_) | Self::Xml(_))
    }

    fn check(&self) -> Result<(), PlacementError> {
        let name = match self {
            Self::PathSegment(_) => return Ok(()),
            Self::Query(name) | Self::Header(name) | Self::Form(name) | Self::Json(name) | Self::Xml(name) => name,
        };
        if name.is_empty() || name.len() > NAME_MAX || name.chars().any(char::is_control) {
            return Err(PlacementError::Name);
        }
        match self {
            Self::Header(name) if crate::header::check_name(name).is_err() => Err(PlacementError::Header(name.clone())),
            Self::Json(pointer) if !pointer.starts_with('/') => Err(PlacementError::Pointer(pointer.clone())),
            Self::Xml(path) if !path.starts_with('/') || path.split('/').skip(1).any(str::is_empty) => {
                Err(PlacementError::ElementPath(path.clone()))
            }
            _ => Ok(()),
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Query(name) => write!(f, "the query parameter `{name}`"),
            Self::PathSegment(index) => write!(f, "segment {index} of the path"),
            Self::Header(name) => write!(f, "the header `{name}`"),
            Self::Form(name) => write!(f, "the form field `{name}`"),
            Self::Json(pointer) => write!(f, "the JSON value `{pointer}`"),
            Self::Xml(path) => write!(f, "the XML element `{path}`"),
        }
    }
}

/// What is wrong with a declared place.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PlacementError {
    /// No step, or too many.
    #[error("a place has 1 to {STEPS_MAX} steps")]
    Steps,
    /// A step that cannot stand there.
    #[error("`query`, `path-segment` and `header` may only be the first step of a place")]
    Order,
    /// A name that is empty, too long or unprintable.
    #[error("a step of a place needs a name of 1 to {NAME_MAX} printable bytes")]
    Name,
    /// A header that no connector may set.
    #[error("the header `{0}` may not be set by a connector")]
    Header(String),
    /// No JSON pointer.
    #[error("`{0}` is not a JSON pointer (RFC 6901); it starts with `/`")]
    Pointer(String),
    /// No path of element names.
    #[error("`{0}` is not a path of XML element names, such as `/request/to`")]
    ElementPath(String),
    /// The same place declared for two things.
    #[error("recipient, content and client address need places of their own")]
    Shared,
}

/// A path from a request to one value in it. At least one step.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "Vec<Step>", into = "Vec<Step>")]
pub struct Place(Vec<Step>);

impl Place {
    /// Judges a path.
    ///
    /// # Errors
    /// A [`PlacementError`] that names the rule.
    pub fn new(steps: impl IntoIterator<Item = Step>) -> Result<Self, PlacementError> {
        let steps: Vec<Step> = steps
            .into_iter()
            .map(|step| match step {
                Step::Header(name) => Step::Header(name.to_ascii_lowercase()),
                other => other,
            })
            .collect();
        if steps.is_empty() || steps.len() > STEPS_MAX {
            return Err(PlacementError::Steps);
        }
        if !steps.iter().skip(1).all(Step::may_follow) {
            return Err(PlacementError::Order);
        }
        steps.iter().try_for_each(Step::check)?;
        Ok(Self(steps))
    }

    /// From the outside in.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        &self.0
    }
}

impl TryFrom<Vec<Step>> for Place {
    type Error = PlacementError;

    fn try_from(steps: Vec<Step>) -> Result<Self, PlacementError> {
        Self::new(steps)
    }
}

impl From<Place> for Vec<Step> {
    fn from(place: Place) -> Self {
        place.0
    }
}

/// `the JSON value `/code` in the query parameter `TemplateParam``
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, step) in self.0.iter().rev().enumerate() {
            if index > 0 {
                f.write_str(" in ")?;
            }
            write!(f, "{step}")?;
        }
        Ok(())
    }
}

/// Where a request to one host carries the message.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "WrittenPlaces", into = "WrittenPlaces")]
pub struct MessagePlaces {
    recipient_format: RecipientForm,
    recipient: Place,
    content: Place,
    client_ip: Option<Place>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenPlaces {
    recipient_format: RecipientForm,
    recipient: Place,
    content: Place,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    client_ip: Option<Place>,
}

impl MessagePlaces {
    /// Puts places together.
    ///
    /// # Errors
    /// [`PlacementError::Shared`] when two of them are the same.
    pub fn new(
        recipient_format: RecipientForm,
        recipient: Place,
        content: Place,
        client_ip: Option<Place>,
    ) -> Result<Self, PlacementError> {
        if recipient == content || client_ip.as_ref().is_some_and(|place| *place == recipient || *place == content) {
            return Err(PlacementError::Shared);
        }
        Ok(Self { recipient_format, recipient, content, client_ip })
    }

    /// In which form the number goes out.
    #[must_use]
    pub fn recipient_format(&self) -> RecipientForm {
        self.recipient_format
    }

    /// Where the number stands.
    #[must_use]
    pub fn recipient(&self) -> &Place {
        &self.recipient
    }

    /// Where the text, or each variable, stands.
    #[must_use]
    pub fn content(&self) -> &Place {
        &self.content
    }

    /// Where the end user's address stands, if it may stand anywhere.
    #[must_use]
    pub fn client_ip(&self) -> Option<&Place> {
        self.client_ip.as_ref()
    }
}

/// the number (e164) goes into the form field `To`, the message into the form field `Body`
impl fmt::Display for MessagePlaces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { recipient_format, recipient, content, client_ip } = self;
        write!(f, "the number ({recipient_format}) goes into {recipient}, the message into {content}")?;
        match client_ip {
            Some(place) => write!(f, ", the end user's address into {place}"),
            None => Ok(()),
        }
    }
}

impl TryFrom<WrittenPlaces> for MessagePlaces {
    type Error = PlacementError;

    fn try_from(written: WrittenPlaces) -> Result<Self, PlacementError> {
        Self::new(written.recipient_format, written.recipient, written.content, written.client_ip)
    }
}

impl From<MessagePlaces> for WrittenPlaces {
    fn from(places: MessagePlaces) -> Self {
        Self {
            recipient_format: places.recipient_format,
            recipient: places.recipient,
            content: places.content,
            client_ip: places.client_ip,
        }
    }
}
