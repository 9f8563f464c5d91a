//! Ready connections, as the service keeps them between sends.

use std::collections::HashMap;
use std::sync::Arc;

use sendbox_domain::model::Timestamp;
use sendbox_domain::plan::ConnectionConfig;
use sendbox_domain::problem::Problems;
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
    /// Whether the address of its reports is among them by itself.
    pub(crate) filled: bool,
    pub(crate) grant: Arc<EffectiveGrant>,
    /// Only the templates; the parameters stand above.
    pub(crate) config: ConnectionConfig,
    /// When the version came: the present of its rehearsal.
    pub(crate) version_at: Timestamp,
    /// What it may send.
    pub(crate) shapes: ConnectionShapes,
}

/// A connection in the cache, with each version of its connector that was asked for.
pub(crate) struct CachedConnection {
    pub(super) revision: u64,
    /// When its row was written: a connection that was deleted and made again begins again with revision 1.
    pub(super) made_at: (i64, i64),
    /// By digest: ready, or what does not fit.
    pub(super) versions: HashMap<String, Result<Arc<ReadyConnection>, Problems>>,
}
