//! Every route, one file for each word of the domain. A handler turns HTTP into one call of the service, and back.

mod active;
mod audit;
mod connections;
mod connectors;
mod keys;
mod messages;
mod reports;
mod session;
mod settings;
mod shapes;
mod statistics;
mod tenant_versions;
mod tenants;
#[cfg(test)]
mod tests;
mod trials;
mod verifications;
mod versions;
mod website;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use http::header::LOCATION;
use http::{HeaderValue, StatusCode};
use sendbox_service::Error;
use tower_http::catch_panic::CatchPanicLayer;
use utoipa_axum::router::OpenApiRouter;

use crate::api::{Api, Lifecycle};
use crate::problem::{Kind, Refusal};
use crate::{console, docs, log};

/// What a handler answers with.
pub(crate) type Answer<T> = Result<T, Refusal>;

/// All routes that the document describes.
pub(crate) fn described() -> OpenApiRouter<Api> {
    OpenApiRouter::default()
        .merge(website::routes())
        .merge(connectors::routes())
        .merge(versions::routes())
        .merge(tenant_versions::routes())
        .merge(shapes::routes())
        .merge(tenants::routes())
        .merge(keys::routes())
        .merge(connections::routes())
        .merge(active::routes())
        .merge(trials::routes())
        .merge(settings::routes())
        .merge(messages::routes())
        .merge(verifications::routes())
        .merge(statistics::routes())
        .merge(audit::routes())
        .merge(session::routes())
}

/// The whole server: the routes, the reference page, the console, the address of providers, what stands beside them, and what goes with every request.
pub(crate) fn router(api: Api, beside: Router) -> Router {
    let (router, _) = described().split_for_parts();
    let lifecycle = api.lifecycle.clone();
    let router =
        router.merge(docs::routes()).merge(console::routes()).merge(reports::routes()).merge(beside.with_state(()));
    accompanied(router, lifecycle).with_state(api)
}

/// What goes with every request, also with one that meets no route.
pub(crate) fn accompanied<S: Clone + Send + Sync + 'static>(router: Router<S>, lifecycle: Lifecycle) -> Router<S> {
    router
        .fallback(async || Refusal::from(Error::NotFound("path")))
        .method_not_allowed_fallback(async || Refusal::of(Kind::MethodNotAllowed, Kind::MethodNotAllowed.remedy()))
        .layer(CatchPanicLayer::custom(|_| log::panicked()))
        .layer(from_fn_with_state(lifecycle, log::accompany))
}

/// 201, or another status, with where to find what was made. The path is made of parts that have been checked.
fn located<T: serde::Serialize>(status: StatusCode, path: &str, value: &T) -> Response {
    let mut response = (status, axum::Json(value)).into_response();
    if let Ok(path) = HeaderValue::from_str(path) {
        response.headers_mut().insert(LOCATION, path);
    }
    response
}
