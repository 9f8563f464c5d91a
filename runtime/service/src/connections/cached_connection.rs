//! Ready connections, and the entries of the cache that holds them between sends.

use std::collections::HashMap;
use std::sync::Arc;

use sendbox_domain::field_error::FieldErrors;
use sendbox_domain::model::Timestamp;
use sendbox_domain::plan::ConnectionConfig;
use sendbox_policy::EffectiveGrant;
use sendbox_sandbox::{Connector, Parameters};

use crate::releases::pinned_shapes::ConnectionShapes;

/// A connection, ready to send. Has no `Debug`: it holds secrets.
pub(crate) struct ReadyConnection {
    pub(crate) name: String,
    pub(crate) connector_id: String,
    pub(crate) revision: u64,
    pub(crate) connector: Connector,
    pub(crate) parameters: Arc<Parameters>,
    /// Whether Sendbox filled the callback URL into the parameters.
    pub(crate) filled: bool,
    pub(crate) grant: Arc<EffectiveGrant>,
    /// Only its templates are used; the parameters are in `parameters`.
    pub(crate) config: ConnectionConfig,
    /// When the version was uploaded. A rehearsal runs with this as its current time.
    pub(crate) version_at: Timestamp,
    /// The request shapes that it may send.
    pub(crate) shapes: ConnectionShapes,
}

/// A connection in the cache, with the versions of its connector that were used.
pub(crate) struct CachedConnection {
    pub(super) revision: u64,
    /// When its row was created and updated. The revision is not enough: a connection that was deleted and created again starts at
    /// revision 1.
    pub(super) row_times: (i64, i64),
    /// By digest: the ready connection, or the errors that prevent it.
    pub(super) versions: HashMap<String, Result<Arc<ReadyConnection>, FieldErrors>>,
}
