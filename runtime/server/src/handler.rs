//! What responds to requests: before the service has started, a few routes that say so; then all routes.
//!
//! Connections outlive the start: one that was accepted before it can be used after it.

use std::sync::{Arc, OnceLock};

use axum::Router;
use axum::routing::get;

use crate::api::Shared;
use crate::problem::{ApiError, Kind};
use crate::routes;

/// Cheap to clone.
#[derive(Clone)]
pub(crate) struct Handler {
    starting: Router,
    started: Arc<OnceLock<Router>>,
}

impl Handler {
    /// Until the service has started: `/healthz` succeeds, and every other request is refused as `starting`.
    pub(crate) fn starting(shared: &Shared) -> Self {
        let router = Router::new().route("/healthz", get(async || routes::OK)).fallback(async || starting());
        Self { starting: routes::with_layers(router, shared.clone()), started: Arc::default() }
    }

    /// From now on, this router responds.
    pub(crate) fn set(&self, router: Router) {
        // A service starts once.
        let _ = self.started.set(router);
    }

    pub(crate) fn router(&self) -> &Router {
        self.started.get().unwrap_or(&self.starting)
    }
}

fn starting() -> ApiError {
    ApiError::of(Kind::Starting, Kind::Starting.meaning())
}
