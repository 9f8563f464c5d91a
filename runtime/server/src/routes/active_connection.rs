//! The connection that sends, and promoting one to production.

use axum::Json;
use axum::extract::State;
use sendbox_domain::model::{Activation, ActiveConnection, Promotion, PromotionReport};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::ApiResult;
use crate::api::Api;
use crate::auth::Authenticated;
use crate::body::{JsonBody, LARGE};
use crate::path::{Path, TenantPath};
use crate::problem::{Conflict, InvalidBody, NotFound, Unauthorized};

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::default()
        .routes(routes!(retrieve_active_connection, activate_connection))
        .routes(routes!(promote_connection))
}

/// Retrieve the active connection
///
/// Returns the connection that sends this tenant's messages, and the enabled flows that depend on it. `name` is `null` until you
/// activate one.
#[utoipa::path(get, path = "/v1/tenants/{tenant}/active-connection", tag = "connections", params(TenantPath),
    responses(
        (status = 200, description = "The active connection and the flows that depend on it.", body = ActiveConnection),
        Unauthorized, NotFound,
    ))]
async fn retrieve_active_connection(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    Path(path): Path<TenantPath>,
) -> ApiResult<Json<ActiveConnection>> {
    Ok(Json(api.service.active_connection(&caller, &path.tenant).await?))
}

/// Activate a connection
///
/// Makes a saved connection the one that sends, from the next message on. Messages that are already in progress stay with the
/// connection that they began with. The response names the connection that was active before.
#[utoipa::path(put, path = "/v1/tenants/{tenant}/active-connection", tag = "connections", params(TenantPath),
    request_body(content = Activation, description = "The connection to activate.", example = json!({"name": "main"})),
    responses(
        (status = 200, description = "The connection is active.", body = ActiveConnection),
        Unauthorized, NotFound, InvalidBody, Conflict,
    ))]
async fn activate_connection(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    Path(path): Path<TenantPath>,
    JsonBody(activation): JsonBody<Activation>,
) -> ApiResult<Json<ActiveConnection>> {
    Ok(Json(api.service.activate(&caller, &path.tenant, activation).await?))
}

/// Promote a connection
///
/// Copies a connection of this development tenant to a production tenant. Requires the platform key.
///
/// Send the request without `confirmationToken` first: nothing changes, and the response lists what would change together with a
/// token. Send it again with that token to apply exactly those changes. If anything has changed in between, the second request
/// fails with 409 (`diff-changed`).
#[utoipa::path(post, path = "/v1/tenants/{tenant}/promotions", tag = "connections", params(TenantPath),
    request_body(content = Promotion, description = "What to promote, and where to.",
        example = json!({"connection": "main", "targetTenant": "acme-live"})),
    responses(
        (status = 200, description = "What would change, or has changed.", body = PromotionReport),
        Unauthorized, NotFound, InvalidBody, Conflict,
    ))]
async fn promote_connection(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    Path(path): Path<TenantPath>,
    JsonBody(promotion): JsonBody<Promotion, LARGE>,
) -> ApiResult<Json<PromotionReport>> {
    Ok(Json(api.service.promote(&caller, &path.tenant, promotion).await?))
}
