//! The reference page: Swagger UI over `/openapi.json`. All of it comes from this server; nothing is fetched elsewhere.

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
use crate::problem::Refusal;

/// Only this origin, and nothing at all that the page does not need. Swagger UI writes styles into its elements and has its
/// icons as `data:` URLs; its script needs neither `eval` nor inline code.
const CSP: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
                   connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// What the page needs of Swagger UI.
const VENDORED: [(&str, &str); 2] =
    [("swagger-ui.css", "text/css; charset=utf-8"), ("swagger-ui-bundle.js", "text/javascript; charset=utf-8")];

pub(crate) fn routes() -> Router<Api> {
    Router::new().route("/docs", get(page)).route("/docs/{file}", get(asset))
}

async fn page() -> Response {
    let content_type = (CONTENT_TYPE, "text/html; charset=utf-8");
    ([content_type, (CONTENT_SECURITY_POLICY, CSP)], include_str!("docs/index.html")).into_response()
}

async fn asset(file: Result<Path<String>, PathRejection>) -> Result<Response, Refusal> {
    let not_found = || Refusal::from(Error::NotFound("path"));
    let Path(file) = file.map_err(|_| not_found())?;
    if file == "start.js" {
        return Ok(of_the_page("text/javascript; charset=utf-8", include_str!("docs/start.js").as_bytes().to_vec()));
    }
    let (name, content_type) = VENDORED.into_iter().find(|(name, _)| *name == file).ok_or_else(not_found)?;
    let vendored = utoipa_swagger_ui::serve(name, Arc::new(Config::default())).ok().flatten().ok_or_else(not_found)?;
    Ok(of_the_page(content_type, vendored.bytes.into_owned()))
}

/// A file that changes with the server only.
fn of_the_page(content_type: &'static str, bytes: Vec<u8>) -> Response {
    let headers =
        [(CONTENT_TYPE, content_type), (CACHE_CONTROL, "public, max-age=3600"), (CONTENT_SECURITY_POLICY, CSP)];
    (headers, bytes).into_response()
}
