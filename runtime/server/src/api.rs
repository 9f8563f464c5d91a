//! What every handler is given: the service, and where the server is in its life.

use sendbox_service::Service;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// What every handler is given. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Api {
    /// Does the work.
    pub(crate) service: Service,
    /// Shared by all requests.
    pub(crate) lifecycle: Lifecycle,
}

/// Where the server is in its life.
#[derive(Clone, Default)]
pub(crate) struct Lifecycle {
    /// Set as soon as stopping begins: the server is not ready any more, and ends what it has.
    pub(crate) stopping: CancellationToken,
    /// Set when the time for that has run out: what is still under way is cut.
    pub(crate) cut: CancellationToken,
    /// Requests under way. They outlive their connection, so that a client that goes away stops nothing halfway.
    pub(crate) requests: TaskTracker,
}
