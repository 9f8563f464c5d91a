//! The state that every handler receives: the service, the lifecycle of the server, and the OpenAPI document.

use std::sync::LazyLock;

use sendbox_service::Service;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::document::Document;

/// The state of every handler. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Api {
    pub(crate) service: Service,
    pub(crate) lifecycle: Lifecycle,
    pub(crate) document: &'static LazyLock<Document>,
}

/// The lifecycle of the server, shared by all requests.
#[derive(Clone, Default)]
pub(crate) struct Lifecycle {
    /// Cancelled when the server is told to stop: it is not ready any more, and still accepts requests for a while.
    pub(crate) leaving: CancellationToken,
    /// Cancelled when nothing is accepted any more, and the requests in progress are finished.
    pub(crate) stopping: CancellationToken,
    /// Cancelled at the end of the grace period: requests in progress are aborted.
    pub(crate) abort: CancellationToken,
    /// Requests in progress. They outlive their connection, so that a client that disconnects interrupts nothing.
    pub(crate) requests: TaskTracker,
}
