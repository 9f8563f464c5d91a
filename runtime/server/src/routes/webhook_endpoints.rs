//! Webhook endpoints of a tenant.

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use sendbox_domain::model::{Event, IssuedWebhookEndpoint, NewWebhookEndpoint, WebhookEndpoint, WebhookEndpointChange};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{ApiResult, with_location};
use crate::api::Api;
use crate::auth::Authenticated;
use crate::body::JsonBody;
use crate::path::{Path, TenantPath, WebhookEndpointPath};
use crate::problem::{Conflict, InvalidBody, NotFound, Unauthorized};

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::default()
        .routes(routes!(create_webhook_endpoint, list_webhook_endpoints))
        .routes(routes!(retrieve_webhook_endpoint, update_webhook_endpoint, delete_webhook_endpoint))
        .routes(routes!(retrieve_webhook_secret))
        .routes(routes!(rotate_webhook_secret))
        .routes(routes!(test_webhook_endpoint))
}

/// Create a webhook endpoint
///
/// Sends events of the tenant to your URL, signed as Standard Webhooks defines it. The response contains the secret with which you verify
/// the signature.
///
/// The URL must be `https`, on port 443 and with a public address, unless the operator allows more. Redirects are not followed. An event is
/// delivered when you respond with a 2xx status within 15 seconds. Otherwise it is sent again, up to nine times over three days, with the
/// same `webhook-id`. Events of one message arrive in order. After five days without a successful attempt the endpoint is disabled.
#[utoipa::path(post, path = "/v1/tenants/{tenant}/webhook-endpoints", tag = "webhooks", params(TenantPath),
    request_body(content = NewWebhookEndpoint, description = "The endpoint to create.",
        example = json!({"name": "sign-in backend", "url": "https://example.com/webhooks/sendbox", "events": ["message.delivered", "message.undelivered"]})),
    responses(
        (status = 201, description = "The endpoint, with its secret.", body = IssuedWebhookEndpoint,
            headers(("Location" = String, description = "The path of the endpoint."))),
        Unauthorized, NotFound, InvalidBody, Conflict,
    ))]
async fn create_webhook_endpoint(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    Path(path): Path<TenantPath>,
    JsonBody(new): JsonBody<NewWebhookEndpoint>,
) -> ApiResult<Response> {
    let issued = api.service.create_webhook_endpoint(&caller, &path.tenant, new).await?;
    let location = format!("/v1/tenants/{}/webhook-endpoints/{}", &*path.tenant, issued.endpoint.id);
    Ok(with_location(StatusCode::CREATED, &location, &issued))
}

/// List webhook endpoints
///
/// Returns every webhook endpoint of the tenant, without its secret.
#[utoipa::path(get, path = "/v1/tenants/{tenant}/webhook-endpoints", tag = "webhooks", params(TenantPath),
    responses((status = 200, description = "Every endpoint, without its secret.", body = Vec<WebhookEndpoint>), Unauthorized, NotFound))]
async fn list_webhook_endpoints(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    Path(path): Path<TenantPath>,
) -> ApiResult<Json<Vec<WebhookEndpoint>>> {
    Ok(Json(api.service.webhook_endpoints(&caller, &path.tenant).await?))
}

/// Retrieve a webhook endpoint
///
/// Returns one webhook endpoint, without its secret.
#[utoipa::path(get, path = "/v1/tenants/{tenant}/webhook-endpoints/{endpoint}", tag = "webhooks", params(WebhookEndpointPath),
    responses((status = 200, description = "The endpoint, without its secret.", body = WebhookEndpoint), Unauthorized, NotFound))]
async fn retrieve_webhook_endpoint(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    Path(path): Path<WebhookEndpointPath>,
) -> ApiResult<Json<WebhookEndpoint>> {
    Ok(Json(api.service.webhook_endpoint(&caller, &path.tenant, &path.endpoint).await?))
}

/// Update a webhook endpoint
///
/// Changes what the body names. Events that wait when an endpoint is disabled are cancelled; you can send them again.
#[utoipa::path(patch, path = "/v1/tenants/{tenant}/webhook-endpoints/{endpoint}", tag = "webhooks", params(WebhookEndpointPath),
    request_body(content = WebhookEndpointChange, description = "What to change.", example = json!({"enabled": true})),
    responses((status = 200, description = "The updated endpoint.", body = WebhookEndpoint), Unauthorized, NotFound, InvalidBody, Conflict))]
async fn update_webhook_endpoint(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    Path(path): Path<WebhookEndpointPath>,
    JsonBody(change): JsonBody<WebhookEndpointChange>,
) -> ApiResult<Json<WebhookEndpoint>> {
    Ok(Json(api.service.change_webhook_endpoint(&caller, &path.tenant, &path.endpoint, change).await?))
}

/// Delete a webhook endpoint
///
/// Nothing more is sent to it. Its events stay in the list until they expire.
#[utoipa::path(delete, path = "/v1/tenants/{tenant}/webhook-endpoints/{endpoint}", tag = "webhooks", params(WebhookEndpointPath),
    responses((status = 204, description = "The endpoint was deleted."), Unauthorized, NotFound, Conflict))]
async fn delete_webhook_endpoint(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    Path(path): Path<WebhookEndpointPath>,
) -> ApiResult<StatusCode> {
    api.service.delete_webhook_endpoint(&caller, &path.tenant, &path.endpoint).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Retrieve a webhook secret
///
/// Returns the endpoint with the secret that its events are signed with. Requires the scope `manage`.
#[utoipa::path(get, path = "/v1/tenants/{tenant}/webhook-endpoints/{endpoint}/secret", tag = "webhooks", params(WebhookEndpointPath),
    responses((status = 200, description = "The endpoint, with its secret.", body = IssuedWebhookEndpoint), Unauthorized, NotFound))]
async fn retrieve_webhook_secret(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    Path(path): Path<WebhookEndpointPath>,
) -> ApiResult<Json<IssuedWebhookEndpoint>> {
    Ok(Json(api.service.webhook_secret(&caller, &path.tenant, &path.endpoint).await?))
}

/// Rotate a webhook secret
///
/// Gives the endpoint a new secret, which the response contains. For 24 hours events have two signatures, of the new secret and of the
/// previous one, so that you can replace it without losing an event.
#[utoipa::path(post, path = "/v1/tenants/{tenant}/webhook-endpoints/{endpoint}/rotate", tag = "webhooks", params(WebhookEndpointPath),
    responses((status = 200, description = "The endpoint, with its new secret.", body = IssuedWebhookEndpoint), Unauthorized, NotFound, Conflict))]
async fn rotate_webhook_secret(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    Path(path): Path<WebhookEndpointPath>,
) -> ApiResult<Json<IssuedWebhookEndpoint>> {
    Ok(Json(api.service.rotate_webhook_secret(&caller, &path.tenant, &path.endpoint).await?))
}

/// Test a webhook endpoint
///
/// Sends an event of the type `webhook-endpoint.tested` to this endpoint. Retrieve the event to see what became of it.
#[utoipa::path(post, path = "/v1/tenants/{tenant}/webhook-endpoints/{endpoint}/test", tag = "webhooks", params(WebhookEndpointPath),
    responses((status = 202, description = "The event, which is being sent.", body = Event), Unauthorized, NotFound, Conflict))]
async fn test_webhook_endpoint(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    Path(path): Path<WebhookEndpointPath>,
) -> ApiResult<(StatusCode, Json<Event>)> {
    let event = api.service.test_webhook_endpoint(&caller, &path.tenant, &path.endpoint).await?;
    Ok((StatusCode::ACCEPTED, Json(event)))
}
