//! Keys of a tenant.

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use sendbox_domain::model::{IssuedKey, Key, KeyRotation, NewKey};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Answer;
use crate::api::Api;
use crate::auth::Authenticated;
use crate::body::{JsonBody, OptionalJsonBody};
use crate::place::{At, OfKey, OfTenant};
use crate::problem::{BadBody, Opposed, Refused, Unfound};

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::default()
        .routes(routes!(create_key, list_keys))
        .routes(routes!(delete_key))
        .routes(routes!(rotate_key))
}

/// Make a key
///
/// The answer is the only place where its secret is ever shown.
#[utoipa::path(post, path = "/v1/tenants/{tenant}/keys", tag = "keys", params(OfTenant),
    request_body(content = NewKey, example = json!({"name": "sign-in backend", "scopes": ["verify"]})),
    responses((status = 201, description = "The key, with its secret.", body = IssuedKey), Refused, Unfound, BadBody, Opposed))]
async fn create_key(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    At(place): At<OfTenant>,
    JsonBody(new): JsonBody<NewKey>,
) -> Answer<(StatusCode, Json<IssuedKey>)> {
    Ok((StatusCode::CREATED, Json(api.service.create_key(&caller, &place.tenant, new).await?)))
}

/// List the keys
#[utoipa::path(get, path = "/v1/tenants/{tenant}/keys", tag = "keys", params(OfTenant),
    responses((status = 200, description = "All of them, without their secrets.", body = Vec<Key>), Refused, Unfound))]
async fn list_keys(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    At(place): At<OfTenant>,
) -> Answer<Json<Vec<Key>>> {
    Ok(Json(api.service.keys(&caller, &place.tenant).await?))
}

/// Revoke a key
///
/// From the next request on it is unknown.
#[utoipa::path(delete, path = "/v1/tenants/{tenant}/keys/{key}", tag = "keys", params(OfKey),
    responses((status = 204, description = "It is gone."), Refused, Unfound, Opposed))]
async fn delete_key(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    At(place): At<OfKey>,
) -> Answer<StatusCode> {
    api.service.delete_key(&caller, &place.tenant, &place.key).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Give a key a new secret
///
/// The old one ends at once, or after `graceSeconds`. Without a body: at once.
#[utoipa::path(post, path = "/v1/tenants/{tenant}/keys/{key}/rotate", tag = "keys", params(OfKey),
    request_body(content = Option<KeyRotation>, example = json!({"graceSeconds": 3600})),
    responses((status = 200, description = "The key, with its new secret.", body = IssuedKey), Refused, Unfound, BadBody, Opposed))]
async fn rotate_key(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    At(place): At<OfKey>,
    OptionalJsonBody(rotation): OptionalJsonBody<KeyRotation>,
) -> Answer<Json<IssuedKey>> {
    Ok(Json(api.service.rotate_key(&caller, &place.tenant, &place.key, rotation).await?))
}
