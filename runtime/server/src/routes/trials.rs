//! Trying out: a test message of a connection that need not be saved, and a look at a text.

use axum::Json;
use axum::extract::State;
use sendbox_domain::model::{ConnectionTest, Preview, PreviewRequest, TestReport};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Answer;
use crate::api::Api;
use crate::auth::Authenticated;
use crate::body::{JsonBody, LARGE};
use crate::place::{At, OfTenant};
use crate::problem::{BadBody, Limits, Opposed, Refused, Unfound};

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::default().routes(routes!(test_connection)).routes(routes!(preview_template))
}

/// Send a test message
///
/// By a saved connection, by one that is only in this request, or by a mixture. With `dryRun` nothing leaves, and the answer
/// shows what would. Whatever became of the message is in the report: the status is 200 then, too.
#[utoipa::path(post, path = "/v1/tenants/{tenant}/connection-tests", tag = "connections", params(OfTenant),
    request_body(content = ConnectionTest, example = json!({"connection": "main", "to": "+4512345678", "usage": "sign-in"})),
    responses((status = 200, description = "What became of it.", body = TestReport), Refused, Unfound, BadBody, Opposed, Limits))]
async fn test_connection(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    At(place): At<OfTenant>,
    JsonBody(test): JsonBody<ConnectionTest, LARGE>,
) -> Answer<Json<TestReport>> {
    Ok(Json(api.service.test_connection(&caller, &place.tenant, test).await?))
}

/// Look at a text
///
/// As it is on a phone, with what it takes on the air and what would make it cheaper. Nothing is sent or saved.
#[utoipa::path(post, path = "/v1/tenants/{tenant}/template-previews", tag = "connections", params(OfTenant),
    request_body(content = PreviewRequest, example = json!({"content": "{{code}} is your code for {{app}}.", "variables": {"app": "Acme"}})),
    responses((status = 200, description = "The text.", body = Preview), Refused, Unfound, BadBody))]
async fn preview_template(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    At(place): At<OfTenant>,
    JsonBody(request): JsonBody<PreviewRequest>,
) -> Answer<Json<Preview>> {
    Ok(Json(api.service.preview(&caller, &place.tenant, request).await?))
}
