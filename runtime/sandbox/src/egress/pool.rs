//! Which sends share connections.

use std::sync::Arc;

/// Connections are shared only within one key.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct PoolKey {
    /// The owner of the sends.
    pub(crate) owner: Arc<str>,
    /// The digest of the connector.
    pub(crate) revision: Arc<str>,
}
