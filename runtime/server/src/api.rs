//! The state that every handler receives: the service, what all requests share, and the OpenAPI document.

use std::sync::{Arc, LazyLock};

use sendbox_service::Service;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::body_budget::BodyBudget;
use crate::document::Document;
use crate::peers::CountByAddress;

/// The state of every handler. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Api {
    pub(crate) service: Service,
    pub(crate) shared: Shared,
    pub(crate) document: &'static LazyLock<Document>,
}

/// What all requests share.
#[derive(Clone, Default)]
pub(crate) struct Shared {
    pub(crate) lifecycle: Lifecycle,
    pub(crate) bodies: Arc<BodyBudget>,
    /// Requests in progress of each client.
    pub(crate) clients: Arc<CountByAddress>,
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
