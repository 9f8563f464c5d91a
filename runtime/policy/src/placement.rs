//! The positions of the message in a request: declared by the connector, shown to a person, and checked on every request.
//!
//! Promises: every existing [`MessagePlaces`] is valid, even if it was deserialised: every path is short and unambiguous.
//!
//! Must not know: requests. [`crate::request`] checks them.

use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::composition::{ContentKind, RecipientForm};

/// Maximum number of steps in a path. JSON in a form value in JSON is the deepest nesting that any provider needs.
pub const STEPS_MAX: usize = 4;
/// Maximum length of a name, pointer or element path in a step, in bytes.
pub const NAME_MAX: usize = 256;

/// A step on the path to a value in a request, from the outside in.
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
    /// A JSON pointer (RFC 6901). A token `*` stands for any one name or index.
    Json(String),
    /// A path of element names, `/request/to`.
    Xml(String),
}

impl Step {
    /// Whether this step can parse a value that another step found. Each step can come first, in which case `Form`, `Json` and
    /// `Xml` parse the body.
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
            Self::Json(pointer) if !is_pointer(pointer) => Err(PlacementError::Pointer(pointer.clone())),
            Self::Xml(path) if !path.starts_with('/') || path.split('/').skip(1).any(str::is_empty) => {
                Err(PlacementError::ElementPath(path.clone()))
            }
            _ => Ok(()),
        }
    }
}

/// Whether a text is a JSON pointer (RFC 6901), with `~` only in `~0` and `~1`.
fn is_pointer(text: &str) -> bool {
    text.starts_with('/') && text.split('~').skip(1).all(|rest| rest.starts_with(['0', '1']))
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

/// Why a declared position is invalid.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PlacementError {
    /// There are no steps, or too many.
    #[error("a place has 1 to {STEPS_MAX} steps")]
    Steps,
    /// A step cannot be at this point of the path.
    #[error("`query`, `path-segment` and `header` may only be the first step of a place")]
    Order,
    /// A name is empty, too long or not printable.
    #[error("a step of a place needs a name of 1 to {NAME_MAX} printable bytes")]
    Name,
    /// Connectors may not set this header.
    #[error("the header `{0}` may not be set by a connector")]
    Header(String),
    /// The text is not a JSON pointer.
    #[error("`{0}` is not a JSON pointer (RFC 6901); it starts with `/`")]
    Pointer(String),
    /// The text is not a path of element names.
    #[error("`{0}` is not a path of XML element names, such as `/request/to`")]
    ElementPath(String),
    /// A wildcard in the path to a single value.
    #[error("a `*` stands for the names of variables; recipient, text and client address have one place each")]
    Wildcard,
    /// Two things are declared at the same position.
    #[error("recipient, content and client address need places of their own")]
    Shared,
}

/// A path from a request to a value in it, with at least one step.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "Vec<Step>", into = "Vec<Step>")]
pub struct Place(Vec<Step>);

impl Place {
    /// Validates a path.
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

    /// Whether one of its steps contains a `*`, for any name.
    fn has_wildcard(&self) -> bool {
        self.0.iter().any(|step| matches!(step, Step::Json(pointer) if pointer.split('/').any(|token| token == "*")))
    }

    /// Whether the other position is this one or inside it.
    fn contains(&self, other: &Self) -> bool {
        let Some((last, before)) = self.0.split_last() else { return true };
        let others = other.0.split_at_checked(before.len()).filter(|(others, _)| *others == before);
        match (last, others.and_then(|(_, rest)| rest.first())) {
            (_, None) => false,
            (Step::Json(mine), Some(Step::Json(theirs))) => {
                let mut tokens = mine.split('/').zip(theirs.split('/'));
                mine.split('/').count() <= theirs.split('/').count()
                    && tokens.all(|(mine, theirs)| mine == theirs || mine == "*" || theirs == "*")
            }
            (Step::Xml(mine), Some(Step::Xml(theirs))) => {
                mine == theirs || theirs.strip_prefix(mine.as_str()).is_some_and(|rest| rest.starts_with('/'))
            }
            (mine, Some(theirs)) => mine == theirs,
        }
    }

    /// The steps, from the outside in.
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

/// The positions of the message in a request to one host.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "MessagePlacesRepr", into = "MessagePlacesRepr")]
pub struct MessagePlaces {
    recipient_format: RecipientForm,
    recipient: Place,
    content: Place,
    client_ip: Option<Place>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct MessagePlacesRepr {
    recipient_format: RecipientForm,
    recipient: Place,
    content: Place,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    client_ip: Option<Place>,
}

impl MessagePlaces {
    /// Declares the positions.
    ///
    /// # Errors
    /// [`PlacementError::Shared`] if two of them are the same or one is inside another, [`PlacementError::Wildcard`] for a `*` in
    /// the path to the recipient or the client address.
    pub fn new(
        recipient_format: RecipientForm,
        recipient: Place,
        content: Place,
        client_ip: Option<Place>,
    ) -> Result<Self, PlacementError> {
        let others = [Some(&recipient), client_ip.as_ref()];
        if others.into_iter().flatten().any(Place::has_wildcard) {
            return Err(PlacementError::Wildcard);
        }
        let shared = |one: &Place, other: &Place| one.contains(other) || other.contains(one);
        let client_ip_shared =
            client_ip.as_ref().is_some_and(|place| shared(place, &recipient) || shared(place, &content));
        if shared(&recipient, &content) || client_ip_shared {
            return Err(PlacementError::Shared);
        }
        Ok(Self { recipient_format, recipient, content, client_ip })
    }

    /// Checks that the positions match the content kind: a text has one position.
    ///
    /// # Errors
    /// [`PlacementError::Wildcard`]
    pub fn check_content(&self, content: ContentKind) -> Result<(), PlacementError> {
        if content == ContentKind::Text && self.content.has_wildcard() {
            return Err(PlacementError::Wildcard);
        }
        Ok(())
    }

    /// The positions as a sentence for a connector with this content kind: the number goes into the form field `To`, the text into
    /// the form field `Body`.
    #[must_use]
    pub fn sentence(&self, content: ContentKind) -> String {
        let Self { recipient_format: _, recipient, content: place, client_ip } = self;
        let what = match content {
            ContentKind::Text => "the text",
            ContentKind::Template => "the template's variables",
            ContentKind::Variables => "the variables",
        };
        let address = client_ip.as_ref().map(|place| format!(", the end user's address into {place}"));
        format!("the number goes into {recipient}, {what} into {place}{}", address.unwrap_or_default())
    }

    /// The format of the number.
    #[must_use]
    pub fn recipient_format(&self) -> RecipientForm {
        self.recipient_format
    }

    /// The position of the number.
    #[must_use]
    pub fn recipient(&self) -> &Place {
        &self.recipient
    }

    /// The position of the text or the variables.
    #[must_use]
    pub fn content(&self) -> &Place {
        &self.content
    }

    /// The position of the end user's address, if it may be sent at all.
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

impl TryFrom<MessagePlacesRepr> for MessagePlaces {
    type Error = PlacementError;

    fn try_from(written: MessagePlacesRepr) -> Result<Self, PlacementError> {
        Self::new(written.recipient_format, written.recipient, written.content, written.client_ip)
    }
}

impl From<MessagePlaces> for MessagePlacesRepr {
    fn from(places: MessagePlaces) -> Self {
        Self {
            recipient_format: places.recipient_format,
            recipient: places.recipient,
            content: places.content,
            client_ip: places.client_ip,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(json: &str) -> Result<Place, String> {
        serde_json::from_str(json).map_err(|error| error.to_string())
    }

    #[test]
    fn places_in_words() {
        for (json, words) in [
            (r#"[{"form":"To"}]"#, "the form field `To`"),
            (
                r#"[{"query":"TemplateParam"},{"json":"/*"}]"#,
                "the JSON value `/*` in the query parameter `TemplateParam`",
            ),
            (r#"[{"json":"/recipients/0/msisdn"}]"#, "the JSON value `/recipients/0/msisdn`"),
            (r#"[{"json":"/a~0b~1c"}]"#, "the JSON value `/a~0b~1c`"),
            (r#"[{"xml":"/request/to"}]"#, "the XML element `/request/to`"),
            (r#"[{"path-segment":2}]"#, "segment 2 of the path"),
            (r#"[{"header":"X-To"}]"#, "the header `x-to`"),
            (
                r#"[{"form":"a"},{"json":"/b"},{"xml":"/c"},{"form":"d"}]"#,
                "the form field `d` in the XML element `/c` in the JSON value `/b` in the form field `a`",
            ),
        ] {
            assert_eq!(place(json).unwrap().to_string(), words);
        }
    }

    #[test]
    fn what_is_no_place() {
        for (json, complaint) in [
            ("[]", "1 to 4 steps"),
            (r#"[{"form":"a"},{"form":"b"},{"form":"c"},{"form":"d"},{"form":"e"}]"#, "1 to 4 steps"),
            (r#"[{"form":"a"},{"query":"b"}]"#, "may only be the first"),
            (r#"[{"form":"a"},{"header":"x-b"}]"#, "may only be the first"),
            (r#"[{"form":"a"},{"path-segment":1}]"#, "may only be the first"),
            (r#"[{"form":""}]"#, "1 to 256 printable bytes"),
            (r#"[{"query":"a\nb"}]"#, "1 to 256 printable bytes"),
            (r#"[{"header":"Host"}]"#, "may not be set"),
            (r#"[{"header":"x_to"}]"#, "may not be set"),
            (r#"[{"json":"to"}]"#, "not a JSON pointer"),
            (r#"[{"json":"/a~2"}]"#, "not a JSON pointer"),
            (r#"[{"json":"/a~"}]"#, "not a JSON pointer"),
            (r#"[{"xml":"request"}]"#, "not a path of XML"),
            (r#"[{"xml":"/request//to"}]"#, "not a path of XML"),
            (r#"[{"xml":"/"}]"#, "not a path of XML"),
            (r#"[{"cookie":"a"}]"#, "unknown variant"),
        ] {
            let error = place(json).unwrap_err();
            assert!(error.contains(complaint), "{json}: {error}");
        }
        assert!(place(&format!(r#"[{{"form":"{}"}}]"#, "a".repeat(256))).is_ok());
        assert!(place(&format!(r#"[{{"form":"{}"}}]"#, "a".repeat(257))).is_err());
    }

    fn places(recipient: &str, content: &str, client_ip: &str) -> Result<MessagePlaces, PlacementError> {
        let client_ip = (!client_ip.is_empty()).then(|| place(client_ip).unwrap());
        MessagePlaces::new(RecipientForm::Digits, place(recipient).unwrap(), place(content).unwrap(), client_ip)
    }

    #[test]
    fn each_of_the_three_has_a_place_of_its_own() {
        let json = |pointer: &str| format!(r#"[{{"json":"{pointer}"}}]"#);
        let inside = |name: &str, pointer: &str| format!(r#"[{{"form":"{name}"}},{{"json":"{pointer}"}}]"#);
        for (recipient, content, client_ip, expected) in [
            (json("/to"), json("/text"), String::new(), Ok(())),
            (json("/to"), json("/p/*"), json("/ip"), Ok(())),
            (json("/p/to"), json("/p/text"), String::new(), Ok(())),
            (inside("a", "/to"), inside("a", "/text"), String::new(), Ok(())),
            (inside("a", "/to"), inside("b", "/to"), String::new(), Ok(())),
            (json("/to"), json("/to"), String::new(), Err(PlacementError::Shared)),
            (json("/a"), json("/a/b"), String::new(), Err(PlacementError::Shared)),
            (json("/a/b"), json("/a"), String::new(), Err(PlacementError::Shared)),
            (json("/to"), json("/*"), String::new(), Err(PlacementError::Shared)),
            (json("/to"), json("/text"), json("/to"), Err(PlacementError::Shared)),
            (json("/to"), json("/p/*"), json("/p/ip"), Err(PlacementError::Shared)),
            (inside("a", "/to"), r#"[{"form":"a"}]"#.to_owned(), String::new(), Err(PlacementError::Shared)),
            (
                r#"[{"xml":"/r/a"}]"#.to_owned(),
                r#"[{"xml":"/r/a/b"}]"#.to_owned(),
                String::new(),
                Err(PlacementError::Shared),
            ),
            (r#"[{"xml":"/r/a"}]"#.to_owned(), r#"[{"xml":"/r/ab"}]"#.to_owned(), String::new(), Ok(())),
            (json("/*"), json("/text/a"), String::new(), Err(PlacementError::Wildcard)),
            (json("/to"), json("/text"), json("/x/*"), Err(PlacementError::Wildcard)),
        ] {
            assert_eq!(
                places(&recipient, &content, &client_ip).map(drop),
                expected,
                "{recipient} {content} {client_ip}"
            );
        }
    }

    #[test]
    fn a_text_has_one_place() {
        let any = places(r#"[{"json":"/to"}]"#, r#"[{"json":"/p/*"}]"#, "").unwrap();
        assert_eq!(any.check_content(ContentKind::Text), Err(PlacementError::Wildcard));
        assert_eq!(any.check_content(ContentKind::Variables), Ok(()));
        let one = places(r#"[{"json":"/to"}]"#, r#"[{"json":"/p/text"}]"#, "").unwrap();
        assert_eq!(one.check_content(ContentKind::Text), Ok(()));
    }

    #[test]
    fn in_one_sentence() {
        let places = places(r#"[{"form":"To"}]"#, r#"[{"form":"Body"}]"#, r#"[{"query":"ip"}]"#).unwrap();
        assert_eq!(
            places.sentence(ContentKind::Text),
            "the number goes into the form field `To`, the text into the form field `Body`, the end user's address into the query \
             parameter `ip`"
        );
        let json = serde_json::to_string(&places).unwrap();
        assert_eq!(serde_json::from_str::<MessagePlaces>(&json).unwrap(), places);
        for bad in [json.replace("client_ip", "address"), json.replace("digits", "local"), json.replace("Body", "To")] {
            assert!(serde_json::from_str::<MessagePlaces>(&bad).is_err(), "{bad}");
        }
    }
}
