//! API keys of a tenant.

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use sendbox_domain::model::{IssuedKey, Key, KeyRotation, NewKey};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::ApiResult;
use crate::api::Api;
use crate::auth::Authenticated;
use crate::body::{JsonBody, OptionalJsonBody};
use crate::path::{KeyPath, Path, TenantPath};
use crate::problem::{Conflict, InvalidBody, NotFound, Unauthorized};

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::default()
        .routes(routes!(create_key, list_keys))
        .routes(routes!(revoke_key))
        .routes(routes!(rotate_key))
}

/// Create a key
///
/// The response contains the secret. It is shown only once: Sendbox stores a hash of it, so keep it somewhere safe.
#[utoipa::path(post, path = "/v1/tenants/{tenant}/keys", tag = "keys", params(TenantPath),
    request_body(content = NewKey, description = "The key to create.", example = json!({"name": "sign-in backend", "scopes": ["verify"]})),
    responses(
        (status = 201, description = "The key, with its secret.", body = IssuedKey),
        Unauthorized, NotFound, InvalidBody, Conflict,
    ))]
async fn create_key(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    Path(path): Path<TenantPath>,
    JsonBody(new): JsonBody<NewKey>,
) -> ApiResult<(StatusCode, Json<IssuedKey>)> {
    Ok((StatusCode::CREATED, Json(api.service.create_key(&caller, &path.tenant, new).await?)))
}

/// List keys
///
/// Returns every key of the tenant, without its secret.
#[utoipa::path(get, path = "/v1/tenants/{tenant}/keys", tag = "keys", params(TenantPath),
    responses((status = 200, description = "Every key, without its secret.", body = Vec<Key>), Unauthorized, NotFound))]
async fn list_keys(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    Path(path): Path<TenantPath>,
) -> ApiResult<Json<Vec<Key>>> {
    Ok(Json(api.service.keys(&caller, &path.tenant).await?))
}

/// Revoke a key
///
/// Requests with this key fail with 401 from now on. Sessions that were created with it end.
#[utoipa::path(delete, path = "/v1/tenants/{tenant}/keys/{key}", tag = "keys", params(KeyPath),
    responses((status = 204, description = "The key was revoked."), Unauthorized, NotFound, Conflict))]
async fn revoke_key(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    Path(path): Path<KeyPath>,
) -> ApiResult<StatusCode> {
    api.service.delete_key(&caller, &path.tenant, &path.key).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Rotate a key
///
/// Gives the key a new secret, which the response contains. The previous secret stops working immediately, or after
/// `graceSeconds`. The body is optional.
#[utoipa::path(post, path = "/v1/tenants/{tenant}/keys/{key}/rotate", tag = "keys", params(KeyPath),
    request_body(content = Option<KeyRotation>, description = "How long the previous secret keeps working.",
        example = json!({"graceSeconds": 3600})),
    responses(
        (status = 200, description = "The key, with its new secret.", body = IssuedKey),
        Unauthorized, NotFound, InvalidBody, Conflict,
    ))]
async fn rotate_key(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    Path(path): Path<KeyPath>,
    OptionalJsonBody(rotation): OptionalJsonBody<KeyRotation>,
) -> ApiResult<Json<IssuedKey>> {
    Ok(Json(api.service.rotate_key(&caller, &path.tenant, &path.key, rotation).await?))
}
