//! Machine code that can be trusted.

/// Machine code from this process's own compiler. Only the [parent](super::parent) creates it.
pub(crate) struct OwnCode(Vec<u8>);

impl OwnCode {
    /// Wraps what the child wrote into its pipe.
    pub(super) fn from_child(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }
}
