//! Tenants. Only the platform creates, lists and deletes them.

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use sendbox_domain::model::{NewTenant, Page, PageRequest, Tenant, TenantChange};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{ApiResult, with_location};
use crate::api::Api;
use crate::auth::Authenticated;
use crate::body::JsonBody;
use crate::path::{Path, TenantPath};
use crate::problem::{Conflict, InvalidBody, InvalidQuery, NotFound, Unauthorized};
use crate::query::Query;

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::default().routes(routes!(create_tenant, list_tenants)).routes(routes!(
        retrieve_tenant,
        update_tenant,
        delete_tenant
    ))
}

/// Create a tenant
///
/// Requires the platform key. A `development` tenant starts open, with every flow enabled. A `production` tenant starts closed: no
/// country is allowed and no flow is enabled until you say so.
#[utoipa::path(post, path = "/v1/tenants", tag = "tenants",
    request_body(content = NewTenant, description = "The tenant to create.",
        example = json!({"id": "acme", "name": "Acme", "environment": "development"})),
    responses(
        (status = 201, description = "The tenant was created.", body = Tenant,
            headers(("Location" = String, description = "The path of the tenant."))),
        Unauthorized, InvalidBody, Conflict,
    ))]
async fn create_tenant(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    JsonBody(new): JsonBody<NewTenant>,
) -> ApiResult<Response> {
    let tenant = api.service.create_tenant(&caller, new).await?;
    Ok(with_location(StatusCode::CREATED, &format!("/v1/tenants/{}", tenant.id), &tenant))
}

/// List tenants
///
/// Returns the tenants. Requires the platform key.
#[utoipa::path(get, path = "/v1/tenants", tag = "tenants", params(PageRequest),
    responses((status = 200, description = "A page of tenants.", body = Page<Tenant>), Unauthorized, InvalidQuery))]
async fn list_tenants(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    Query(page): Query<PageRequest>,
) -> ApiResult<Json<Page<Tenant>>> {
    Ok(Json(api.service.tenants(&caller, page).await?))
}

/// Retrieve a tenant
///
/// Returns one tenant, with the name of its active connection.
#[utoipa::path(get, path = "/v1/tenants/{tenant}", tag = "tenants", params(TenantPath),
    responses((status = 200, description = "The tenant.", body = Tenant), Unauthorized, NotFound))]
async fn retrieve_tenant(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    Path(path): Path<TenantPath>,
) -> ApiResult<Json<Tenant>> {
    Ok(Json(api.service.tenant(&caller, &path.tenant).await?))
}

/// Update a tenant
///
/// Changes the tenant's name. Its id and its environment never change.
#[utoipa::path(patch, path = "/v1/tenants/{tenant}", tag = "tenants", params(TenantPath),
    request_body(content = TenantChange, description = "What to change.", example = json!({"name": "Acme Ltd"})),
    responses((status = 200, description = "The updated tenant.", body = Tenant), Unauthorized, NotFound, InvalidBody, Conflict))]
async fn update_tenant(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    Path(path): Path<TenantPath>,
    JsonBody(change): JsonBody<TenantChange>,
) -> ApiResult<Json<Tenant>> {
    Ok(Json(api.service.change_tenant(&caller, &path.tenant, change).await?))
}

/// Delete a tenant
///
/// Deletes the tenant with its keys, connections, secrets, connectors and messages. This cannot be undone. The id can be used
/// again as soon as all messages are deleted, which may take minutes. Requires the platform key.
#[utoipa::path(delete, path = "/v1/tenants/{tenant}", tag = "tenants", params(TenantPath),
    responses((status = 204, description = "The tenant was deleted."), Unauthorized, NotFound, Conflict))]
async fn delete_tenant(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    Path(path): Path<TenantPath>,
) -> ApiResult<StatusCode> {
    api.service.delete_tenant(&caller, &path.tenant).await?;
    Ok(StatusCode::NO_CONTENT)
}
