//! Which of its two forms a request is read from.

/// What is being read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    /// Compositions, written with private characters for what is sealed.
    Written,
    /// The bytes as they will leave.
    Bytes,
}
