//! The reference page: Swagger UI for `/openapi.json`. All its files come from this server.

use std::sync::Arc;

use axum::Router;
use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use sendbox_service::Error;
use utoipa_swagger_ui::Config;

use crate::api::Api;
use crate::problem::ApiError;

/// Only this origin, and only what the page needs. Swagger UI sets styles on its elements and has its icons as `data:` URLs; its
/// script needs neither `eval` nor inline code.
const CSP: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
                   connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The files of Swagger UI that the page needs.
const VENDORED: [(&str, &str); 2] =
    [("swagger-ui.css", "text/css; charset=utf-8"), ("swagger-ui-bundle.js", "text/javascript; charset=utf-8")];

pub(crate) fn routes() -> Router<Api> {
    Router::new().route("/docs", get(page)).route("/docs/{file}", get(asset))
}

async fn page() -> Response {
    let content_type = (CONTENT_TYPE, "text/html; charset=utf-8");
    ([content_type, (CONTENT_SECURITY_POLICY, CSP)], include_str!("docs/index.html")).into_response()
}

async fn asset(file: Result<Path<String>, PathRejection>) -> Result<Response, ApiError> {
    let not_found = || ApiError::from(Error::NotFound("path"));
    let Path(file) = file.map_err(|_| not_found())?;
    if file == "start.js" {
        return Ok(asset_response("text/javascript; charset=utf-8", include_str!("docs/start.js").as_bytes().to_vec()));
    }
    let (name, content_type) = VENDORED.into_iter().find(|(name, _)| *name == file).ok_or_else(not_found)?;
    let vendored = utoipa_swagger_ui::serve(name, Arc::new(Config::default())).ok().flatten().ok_or_else(not_found)?;
    Ok(asset_response(content_type, vendored.bytes.into_owned()))
}

/// A file that changes only when the server does.
fn asset_response(content_type: &'static str, bytes: Vec<u8>) -> Response {
    let headers =
        [(CONTENT_TYPE, content_type), (CACHE_CONTROL, "public, max-age=3600"), (CONTENT_SECURITY_POLICY, CSP)];
    (headers, bytes).into_response()
}
