//! Machine code that may be trusted.

/// Machine code that a compiler of this process's own made. Only the [parent](super::parent) makes one.
pub(crate) struct OwnCode(Vec<u8>);

impl OwnCode {
    /// What the child wrote into its pipe.
    pub(super) fn from_child(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }
}
