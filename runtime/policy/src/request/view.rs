//! What is judged: a request as its compositions, the same request in bytes, and what the host knows of the message.

use super::known::HostValues;
use crate::composition::{Composition, ContentKind, Mark};
use crate::manifest::Method;

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
    /// The bytes of what a mark of the message names.
    pub value_of: &'a dyn Fn(&Mark) -> Option<&'a [u8]>,
}
