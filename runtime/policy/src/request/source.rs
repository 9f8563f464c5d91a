//! The two representations that a request is parsed from.

/// What is being parsed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    /// Compositions, with private characters in place of sealed values.
    Written,
    /// The bytes that will be sent.
    Bytes,
}
