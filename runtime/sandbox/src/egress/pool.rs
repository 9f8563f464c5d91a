//! Which sends share connections.

use std::sync::Arc;

/// Connections are shared only within one key.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct PoolKey {
    /// Whose sends these are.
    pub(crate) owner: Arc<str>,
    /// Which connector, by digest.
    pub(crate) revision: Arc<str>,
}
