//! Operations that need no key: the server's version, its health, its OpenAPI document, and its problem types.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use sendbox_service::Error;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::ApiResult;
use crate::api::Api;
use crate::console;
use crate::path::{Path, ProblemPath};
use crate::problem::{Kind, NotFound, ProblemType, ServerError};

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::default()
        .routes(routes!(retrieve_server))
        .routes(routes!(check_liveness))
        .routes(routes!(check_readiness))
        .routes(routes!(retrieve_openapi_document))
        .routes(routes!(list_problem_types))
        .routes(routes!(retrieve_problem_type))
}

/// The routes of the listener for health checks.
pub(super) fn health_routes() -> Router<Api> {
    Router::new().route("/healthz", get(check_liveness)).route("/readyz", get(check_readiness))
}

/// The server, and where to go from here.
#[derive(Serialize, ToSchema)]
struct Server {
    /// Always `sendbox`.
    #[schema(example = "sendbox")]
    name: &'static str,
    /// The server's version.
    #[schema(example = "0.1.0")]
    version: &'static str,
    /// The path of this document.
    #[schema(example = "/openapi.json")]
    openapi: &'static str,
    /// The path of the API reference.
    #[schema(example = "/docs")]
    docs: &'static str,
    /// The path of the console.
    #[schema(example = "/console/")]
    console: &'static str,
}

/// The health of the server.
#[derive(Serialize, ToSchema)]
pub(crate) struct Health {
    /// Always `ok`: an unhealthy server responds with 503 or not at all.
    #[schema(example = "ok")]
    status: &'static str,
}

/// The response of a healthy server.
pub(crate) const OK: Json<Health> = Json(Health { status: "ok" });

/// Retrieve the server
///
/// Returns the server's version and the paths of its document, reference and console. A browser is redirected to the console.
#[utoipa::path(get, path = "/", tag = "server", responses((status = 200, description = "The server.", body = Server), ServerError))]
async fn retrieve_server(headers: HeaderMap) -> Response {
    if console::wants_html(&headers) {
        return console::redirect(console::PATH);
    }
    let server = Server {
        name: "sendbox",
        version: env!("CARGO_PKG_VERSION"),
        openapi: "/openapi.json",
        docs: "/docs",
        console: console::PATH,
    };
    Json(server).into_response()
}

/// Check liveness
///
/// Succeeds while the process is running. It depends on nothing else, not even on the store: use it to decide whether to restart
/// the process.
#[utoipa::path(get, path = "/healthz", tag = "server", responses((status = 200, description = "The process is running.", body = Health), ServerError))]
async fn check_liveness() -> Json<Health> {
    OK
}

/// Check readiness
///
/// Succeeds while the store accepts writes, its master key is known, the connectors are loaded and the server is neither starting nor
/// stopping: use it to decide whether to route requests here. The store is tested with a write, at most once a second.
#[utoipa::path(get, path = "/readyz", tag = "server", responses((status = 200, description = "The server accepts requests.", body = Health), ServerError))]
async fn check_readiness(State(api): State<Api>) -> ApiResult<Json<Health>> {
    if api.shared.lifecycle.leaving.is_cancelled() {
        return Err(Error::Stopping.into());
    }
    api.service.ready().await?;
    Ok(OK)
}

/// Retrieve the OpenAPI document
///
/// Returns this document (OpenAPI 3.1).
#[utoipa::path(get, path = "/openapi.json", tag = "server",
    responses((status = 200, description = "This document.", body = Object, content_type = "application/json"), ServerError))]
async fn retrieve_openapi_document(State(api): State<Api>) -> ([(http::HeaderName, &'static str); 1], &'static str) {
    ([(CONTENT_TYPE, "application/json")], &api.document.json)
}

/// List problem types
///
/// Returns every `type` that a problem document can have, with its meaning and what to do.
#[utoipa::path(get, path = "/problems", tag = "server",
    responses((status = 200, description = "Every type of problem.", body = Vec<ProblemType>), ServerError))]
async fn list_problem_types() -> Json<Vec<ProblemType>> {
    Json(Kind::ALL.iter().map(|kind| kind.describe()).collect())
}

/// Retrieve a problem type
///
/// The `type` of a problem document is the path of this operation, so you can follow it.
#[utoipa::path(get, path = "/problems/{name}", tag = "server", params(ProblemPath),
    responses((status = 200, description = "What the problem means, and what to do.", body = ProblemType), NotFound, ServerError))]
async fn retrieve_problem_type(Path(path): Path<ProblemPath>) -> ApiResult<Json<ProblemType>> {
    let kind = Kind::ALL.iter().find(|kind| kind.name() == &*path.name).ok_or(Error::NotFound("problem"))?;
    Ok(Json(kind.describe()))
}
