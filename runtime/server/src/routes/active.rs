//! The connection that sends, and moving one to production.

use axum::Json;
use axum::extract::State;
use sendbox_domain::model::{Activation, ActiveConnection, Promotion, PromotionReport};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Answer;
use crate::api::Api;
use crate::auth::Authenticated;
use crate::body::{JsonBody, LARGE};
use crate::place::{At, OfTenant};
use crate::problem::{BadBody, Opposed, Refused, Unfound};

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::default()
        .routes(routes!(read_active_connection, activate_connection))
        .routes(routes!(promote_connection))
}

/// Say which connection sends
#[utoipa::path(get, path = "/v1/tenants/{tenant}/active-connection", tag = "connections", params(OfTenant),
    responses((status = 200, description = "Its name, if one is active.", body = ActiveConnection), Refused, Unfound))]
async fn read_active_connection(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    At(place): At<OfTenant>,
) -> Answer<Json<ActiveConnection>> {
    Ok(Json(api.service.active_connection(&caller, &place.tenant).await?))
}

/// Activate a connection
///
/// From the next send on it is the one that sends. Messages that are under way stay with the one before.
#[utoipa::path(put, path = "/v1/tenants/{tenant}/active-connection", tag = "connections", params(OfTenant),
    request_body(content = Activation, example = json!({"name": "main"})),
    responses((status = 200, description = "It is active.", body = ActiveConnection), Refused, Unfound, BadBody, Opposed))]
async fn activate_connection(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    At(place): At<OfTenant>,
    JsonBody(activation): JsonBody<Activation>,
) -> Answer<Json<ActiveConnection>> {
    Ok(Json(api.service.activate(&caller, &place.tenant, activation).await?))
}

/// Promote a connection to a production tenant
///
/// Without `confirm` nothing is changed: the answer shows what would be, and holds the `confirm` to do exactly that. Needs the
/// platform key.
#[utoipa::path(post, path = "/v1/tenants/{tenant}/promotions", tag = "connections", params(OfTenant),
    request_body(content = Promotion, example = json!({"connection": "main", "to": "acme-live"})),
    responses((status = 200, description = "What would change, or has changed.", body = PromotionReport), Refused, Unfound, BadBody, Opposed))]
async fn promote_connection(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    At(place): At<OfTenant>,
    JsonBody(promotion): JsonBody<Promotion, LARGE>,
) -> Answer<Json<PromotionReport>> {
    Ok(Json(api.service.promote(&caller, &place.tenant, promotion).await?))
}
