//! What needs no key: what this is, whether it works, and what its problems mean.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use sendbox_service::Error;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Answer;
use crate::api::Api;
use crate::place::{At, OfProblem};
use crate::problem::{Failed, Kind, KindView, Unfound};
use crate::{console, openapi};

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::default()
        .routes(routes!(about))
        .routes(routes!(is_alive))
        .routes(routes!(is_ready))
        .routes(routes!(read_openapi))
        .routes(routes!(list_problems))
        .routes(routes!(read_problem))
}

/// What this is.
#[derive(Serialize, ToSchema)]
struct About {
    /// `sendbox`
    #[schema(example = "sendbox")]
    name: &'static str,
    /// The server's version.
    version: &'static str,
    /// Where this document is.
    #[schema(example = "/openapi.json")]
    openapi: &'static str,
    /// Where people read it.
    #[schema(example = "/docs")]
    docs: &'static str,
    /// Where people set it up.
    #[schema(example = "/console/")]
    console: &'static str,
}

/// Whether it works.
#[derive(Serialize, ToSchema)]
struct Health {
    /// `ok`
    #[schema(example = "ok")]
    status: &'static str,
}

const OK: Json<Health> = Json(Health { status: "ok" });

/// Say what this is
///
/// A browser that asks for a page is sent on to the console.
#[utoipa::path(get, path = "/", tag = "server", responses((status = 200, description = "What this is.", body = About), Failed))]
async fn about(headers: HeaderMap) -> Response {
    if console::wants_a_page(&headers) {
        return console::elsewhere(console::PATH);
    }
    let about = About {
        name: "sendbox",
        version: env!("CARGO_PKG_VERSION"),
        openapi: "/openapi.json",
        docs: "/docs",
        console: console::PATH,
    };
    Json(about).into_response()
}

/// Say whether the process lives
///
/// For whatever restarts it. It asks nobody, not even the store.
#[utoipa::path(get, path = "/healthz", tag = "server", responses((status = 200, description = "It lives.", body = Health), Failed))]
async fn is_alive() -> Json<Health> {
    OK
}

/// Say whether requests should be sent here
///
/// The store takes writes, the connectors are loaded, and the server is not stopping. Whether it takes writes is found out by
/// writing, at most once a second.
#[utoipa::path(get, path = "/readyz", tag = "server", responses((status = 200, description = "It is ready.", body = Health), Failed))]
async fn is_ready(State(api): State<Api>) -> Answer<Json<Health>> {
    if api.lifecycle.stopping.is_cancelled() {
        return Err(Error::Stopping.into());
    }
    api.service.ready().await?;
    Ok(OK)
}

/// Read this document
#[utoipa::path(get, path = "/openapi.json", tag = "server",
    responses((status = 200, description = "This document.", body = Object, content_type = "application/json"), Failed))]
async fn read_openapi() -> ([(http::HeaderName, &'static str); 1], &'static str) {
    ([(CONTENT_TYPE, "application/json")], openapi::json())
}

/// List what problems mean
#[utoipa::path(get, path = "/problems", tag = "server",
    responses((status = 200, description = "Every `type` of a problem document.", body = Vec<KindView>), Failed))]
async fn list_problems() -> Json<Vec<KindView>> {
    Json(Kind::ALL.iter().map(|kind| kind.view()).collect())
}

/// Read what a problem means
///
/// The `type` of every problem document is a path of this route.
#[utoipa::path(get, path = "/problems/{name}", tag = "server", params(OfProblem),
    responses((status = 200, description = "What it means, and what to do.", body = KindView), Unfound, Failed))]
async fn read_problem(At(place): At<OfProblem>) -> Answer<Json<KindView>> {
    let kind = Kind::ALL.iter().find(|kind| kind.name() == &*place.name).ok_or(Error::NotFound("problem"))?;
    Ok(Json(kind.view()))
}
