//! Every route, one file for each resource. A handler turns HTTP into one call of the service, and back.

mod active_connection;
mod audit;
mod connection_tests;
mod connections;
mod connectors;
mod delivery_reports;
mod events;
mod ingress_calls;
mod ingresses;
mod keys;
mod messages;
mod request_shapes;
mod scope;
mod server;
mod session;
mod settings;
mod statistics;
mod tenants;
#[cfg(test)]
mod tests;
mod verifications;
mod versions;
mod webhook_endpoints;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use http::header::LOCATION;
use http::{HeaderValue, StatusCode};
use sendbox_service::Error;
use tower_http::catch_panic::CatchPanicLayer;
use utoipa_axum::router::OpenApiRouter;

pub(crate) use self::scope::operations;
pub(crate) use self::server::OK;
use crate::api::{Api, Shared};
use crate::problem::{ApiError, Kind};
use crate::{console, docs, log};

/// What a handler returns.
pub(crate) type ApiResult<T> = Result<T, ApiError>;

/// The routes that the document describes.
pub(crate) fn documented() -> OpenApiRouter<Api> {
    OpenApiRouter::default()
        .merge(server::routes())
        .merge(connectors::routes())
        .merge(versions::routes())
        .merge(request_shapes::routes())
        .merge(tenants::routes())
        .merge(keys::routes())
        .merge(connections::routes())
        .merge(active_connection::routes())
        .merge(connection_tests::routes())
        .merge(ingresses::routes())
        .merge(settings::routes())
        .merge(messages::routes())
        .merge(verifications::routes())
        .merge(webhook_endpoints::routes())
        .merge(events::routes())
        .merge(statistics::routes())
        .merge(audit::routes())
        .merge(session::routes())
}

/// The whole server: the documented routes, the reference page, the console, the callbacks of providers, the calls of identity
/// platforms, and the embedder's `extra` routes.
pub(crate) fn router(api: Api, extra: Router) -> Router {
    let (router, _) = documented().split_for_parts();
    let shared = api.shared.clone();
    let router = router
        .merge(docs::routes())
        .merge(console::routes())
        .merge(delivery_reports::routes())
        .merge(ingress_calls::routes())
        .merge(extra.with_state(()));
    with_middleware(router, shared).with_state(api)
}

/// What the listener for health checks serves.
pub(crate) fn health_router(api: Api) -> Router {
    let shared = api.shared.clone();
    with_middleware(server::health_routes(), shared).with_state(api)
}

/// Adds what applies to every request, including one that matches no route.
pub(crate) fn with_middleware<S: Clone + Send + Sync + 'static>(router: Router<S>, shared: Shared) -> Router<S> {
    let router = router
        .fallback(async || ApiError::from(Error::NotFound("path")))
        .method_not_allowed_fallback(async || ApiError::of(Kind::MethodNotAllowed, Kind::MethodNotAllowed.remedy()));
    with_layers(router, shared)
}

/// Adds the layers of every request, whatever responds to it.
pub(crate) fn with_layers<S: Clone + Send + Sync + 'static>(router: Router<S>, shared: Shared) -> Router<S> {
    router.layer(CatchPanicLayer::custom(|_| log::panicked())).layer(from_fn_with_state(shared, log::middleware))
}

/// A response with a `Location`. The path consists of checked segments.
fn with_location<T: serde::Serialize>(status: StatusCode, path: &str, value: &T) -> Response {
    let mut response = (status, axum::Json(value)).into_response();
    if let Ok(path) = HeaderValue::from_str(path) {
        response.headers_mut().insert(LOCATION, path);
    }
    response
}
