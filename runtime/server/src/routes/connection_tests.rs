//! Tests before saving: a test message over a connection, and a preview of a template.

use axum::Json;
use axum::extract::State;
use sendbox_domain::model::{ConnectionTest, Preview, PreviewRequest, TestReport};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::ApiResult;
use crate::api::Api;
use crate::auth::Authenticated;
use crate::body::{JsonBody, LARGE};
use crate::path::{Path, TenantPath};
use crate::problem::{Conflict, InvalidBody, NotFound, TooManyRequests, Unauthorized};

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::default().routes(routes!(test_connection)).routes(routes!(preview_template))
}

/// Test a connection
///
/// Sends a test message over a saved connection, over one that exists only in this request, or over a saved one with other
/// parameters or templates. With `dryRun` nothing is sent, and the response shows the requests that would be.
///
/// The status is 200 whatever becomes of the message: `outcome` says whether the provider accepted it, and `trace` says what
/// happened on the way. Test messages count towards the limits and do not appear in the list of messages.
#[utoipa::path(post, path = "/v1/tenants/{tenant}/connection-tests", tag = "connections", params(TenantPath),
    request_body(content = ConnectionTest, description = "The connection to test, and the recipient.",
        example = json!({"connection": "main", "to": "+4512345678", "usage": "sign-in"})),
    responses(
        (status = 200, description = "The outcome of the test.", body = TestReport),
        Unauthorized, NotFound, InvalidBody, Conflict, TooManyRequests,
    ))]
async fn test_connection(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    Path(path): Path<TenantPath>,
    JsonBody(test): JsonBody<ConnectionTest, LARGE>,
) -> ApiResult<Json<TestReport>> {
    Ok(Json(api.service.test_connection(&caller, &path.tenant, test).await?))
}

/// Preview a template
///
/// Renders a text as the recipient would see it, with its encoding, its segments, its price, and hints that would make it cheaper.
/// Nothing is sent or saved.
#[utoipa::path(post, path = "/v1/tenants/{tenant}/template-previews", tag = "connections", params(TenantPath),
    request_body(content = PreviewRequest, description = "The text to preview.",
        example = json!({"content": "{{code}} is your code for {{app}}.", "variables": {"app": "Acme"}})),
    responses((status = 200, description = "The rendered text and its size.", body = Preview), Unauthorized, NotFound, InvalidBody))]
async fn preview_template(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    Path(path): Path<TenantPath>,
    JsonBody(request): JsonBody<PreviewRequest>,
) -> ApiResult<Json<Preview>> {
    Ok(Json(api.service.preview(&caller, &path.tenant, request).await?))
}
