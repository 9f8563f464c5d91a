//! The input of the judgement: a request as compositions, the same request as bytes, and what the host knows about the message.

use super::known::HostValues;
use crate::composition::{Composition, ContentKind, Mark};
use crate::manifest::Method;

/// What the host knows about the message that is being sent. Has no `Debug`, because `known` may contain sensitive values.
#[derive(Clone)]
pub struct MessageRule<'k> {
    /// The kind of content that the connector got.
    pub content: ContentKind,
    /// All plain values that the host gave to the connector. If two are equal, matches have the name of the first.
    pub known: Vec<&'k HostValues>,
    /// The lifetime of the code in seconds, from the start of this attempt.
    pub lifetime_seconds: u32,
    /// When this attempt began: Unix time in milliseconds.
    pub now_unix_ms: u64,
}

/// A request as compositions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestView {
    /// The method.
    pub method: Method,
    /// The absolute URL.
    pub url: Composition,
    /// The names and values of the headers, in order.
    pub headers: Vec<(String, Composition)>,
    /// The body. Empty if there is none.
    pub body: Composition,
}

/// The same request as bytes, to confirm that they have the structure that was judged. Has no `Debug`, because the bytes are in
/// plain text.
pub struct RequestBytes<'a> {
    /// The absolute URL that will be sent.
    pub url: &'a str,
    /// The names and values of the headers, in the order of [`RequestView::headers`].
    pub headers: &'a [(&'a str, &'a [u8])],
    /// The body. Empty if there is none.
    pub body: &'a [u8],
    /// The bytes that a mark of the message stands for.
    pub value_of: &'a dyn Fn(&Mark) -> Option<&'a [u8]>,
}
