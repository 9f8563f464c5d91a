//! Ingresses of a tenant: addresses at which identity platforms send messages. The addresses themselves are in `ingress_calls.rs`.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use sendbox_domain::model::{AddressRotation, Ingress, IngressCall, IngressInput};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{ApiResult, with_location};
use crate::api::Api;
use crate::auth::Authenticated;
use crate::body::{JsonBody, OptionalJsonBody};
use crate::path::{IngressPath, Path, TenantPath};
use crate::problem::{Conflict, InvalidBody, NotFound, Unauthorized};

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::default()
        .routes(routes!(list_ingresses))
        .routes(routes!(save_ingress, retrieve_ingress, delete_ingress))
        .routes(routes!(rotate_ingress_address))
        .routes(routes!(list_ingress_calls))
}

/// List ingresses
///
/// Returns every ingress of the tenant, by name. Addresses and secrets are shown to keys with the scope `manage`.
#[utoipa::path(get, path = "/v1/tenants/{tenant}/ingresses", tag = "ingresses", params(TenantPath),
    responses((status = 200, description = "Every ingress, by name.", body = Vec<Ingress>), Unauthorized, NotFound))]
async fn list_ingresses(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    Path(path): Path<TenantPath>,
) -> ApiResult<Json<Vec<Ingress>>> {
    Ok(Json(api.service.ingresses(&caller, &path.tenant).await?))
}

/// Save an ingress
///
/// Creates the ingress, or replaces its settings. It keeps its address and, unless others are given, its secrets. The response contains
/// the address, the secrets, and how to set up the platform.
#[utoipa::path(put, path = "/v1/tenants/{tenant}/ingresses/{ingress}", tag = "ingresses", params(IngressPath),
    request_body(content = IngressInput, description = "The ingress.", example = json!({"kind": "supabase"})),
    responses(
        (status = 200, description = "The ingress was replaced.", body = Ingress),
        (status = 201, description = "The ingress was created.", body = Ingress,
            headers(("Location" = String, description = "The path of the ingress."))),
        Unauthorized, NotFound, InvalidBody, Conflict,
    ))]
async fn save_ingress(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    Path(path): Path<IngressPath>,
    JsonBody(input): JsonBody<IngressInput>,
) -> ApiResult<Response> {
    let (ingress, is_new) = api.service.save_ingress(&caller, &path.tenant, &path.ingress, input).await?;
    if !is_new {
        return Ok(Json(ingress).into_response());
    }
    let location = format!("/v1/tenants/{}/ingresses/{}", &*path.tenant, ingress.name);
    Ok(with_location(StatusCode::CREATED, &location, &ingress))
}

/// Retrieve an ingress
///
/// Returns the ingress. Its address and secrets are shown to keys with the scope `manage`.
#[utoipa::path(get, path = "/v1/tenants/{tenant}/ingresses/{ingress}", tag = "ingresses", params(IngressPath),
    responses((status = 200, description = "The ingress.", body = Ingress), Unauthorized, NotFound))]
async fn retrieve_ingress(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    Path(path): Path<IngressPath>,
) -> ApiResult<Json<Ingress>> {
    Ok(Json(api.service.ingress(&caller, &path.tenant, &path.ingress).await?))
}

/// Delete an ingress
///
/// Calls of its address get 404 from now on.
#[utoipa::path(delete, path = "/v1/tenants/{tenant}/ingresses/{ingress}", tag = "ingresses", params(IngressPath),
    responses((status = 204, description = "The ingress was deleted."), Unauthorized, NotFound, Conflict))]
async fn delete_ingress(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    Path(path): Path<IngressPath>,
) -> ApiResult<StatusCode> {
    api.service.delete_ingress(&caller, &path.tenant, &path.ingress).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Rotate an address
///
/// Gives the ingress a new address. The previous one stops working immediately, or after `graceSeconds`. The body is optional.
#[utoipa::path(post, path = "/v1/tenants/{tenant}/ingresses/{ingress}/rotate-address", tag = "ingresses", params(IngressPath),
    request_body(content = Option<AddressRotation>, description = "How long the previous address keeps working.",
        example = json!({"graceSeconds": 3600})),
    responses((status = 200, description = "The ingress, with its new address.", body = Ingress), Unauthorized, NotFound, InvalidBody, Conflict))]
async fn rotate_ingress_address(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    Path(path): Path<IngressPath>,
    OptionalJsonBody(rotation): OptionalJsonBody<AddressRotation>,
) -> ApiResult<Json<Ingress>> {
    Ok(Json(api.service.rotate_ingress_address(&caller, &path.tenant, &path.ingress, rotation).await?))
}

/// List calls of an ingress
///
/// Returns the newest 100 calls, newest first: what became of each, and why it was refused. Numbers are masked. Of calls that caused no
/// message, up to five a second are recorded.
#[utoipa::path(get, path = "/v1/tenants/{tenant}/ingresses/{ingress}/calls", tag = "ingresses", params(IngressPath),
    responses((status = 200, description = "The newest calls.", body = Vec<IngressCall>), Unauthorized, NotFound))]
async fn list_ingress_calls(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    Path(path): Path<IngressPath>,
) -> ApiResult<Json<Vec<IngressCall>>> {
    Ok(Json(api.service.ingress_calls(&caller, &path.tenant, &path.ingress).await?))
}
