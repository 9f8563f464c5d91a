//! Tenants. Only the platform makes, lists and deletes them.

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use sendbox_domain::model::{NewTenant, Page, PageRequest, Tenant, TenantChange};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Answer, located};
use crate::api::Api;
use crate::auth::Authenticated;
use crate::body::JsonBody;
use crate::place::{At, OfTenant};
use crate::problem::{BadBody, BadQuery, Opposed, Refused, Unfound};
use crate::query::Query;

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::default().routes(routes!(create_tenant, list_tenants)).routes(routes!(
        read_tenant,
        change_tenant,
        delete_tenant
    ))
}

/// Make a tenant
///
/// A `production` tenant starts closed: no country is allowed, and no flow is on. Needs the platform key.
#[utoipa::path(post, path = "/v1/tenants", tag = "tenants",
    request_body(content = NewTenant, example = json!({"id": "acme", "name": "Acme", "environment": "development"})),
    responses(
        (status = 201, description = "It is made.", body = Tenant, headers(("Location" = String, description = "Its path."))),
        Refused, BadBody, Opposed,
    ))]
async fn create_tenant(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    JsonBody(new): JsonBody<NewTenant>,
) -> Answer<Response> {
    let tenant = api.service.create_tenant(&caller, new).await?;
    Ok(located(StatusCode::CREATED, &format!("/v1/tenants/{}", tenant.id), &tenant))
}

/// List the tenants
///
/// Needs the platform key.
#[utoipa::path(get, path = "/v1/tenants", tag = "tenants", params(PageRequest),
    responses((status = 200, description = "A page of them.", body = Page<Tenant>), Refused, BadQuery))]
async fn list_tenants(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    Query(page): Query<PageRequest>,
) -> Answer<Json<Page<Tenant>>> {
    Ok(Json(api.service.tenants(&caller, page).await?))
}

/// Read a tenant
#[utoipa::path(get, path = "/v1/tenants/{tenant}", tag = "tenants", params(OfTenant),
    responses((status = 200, description = "The tenant.", body = Tenant), Refused, Unfound))]
async fn read_tenant(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    At(place): At<OfTenant>,
) -> Answer<Json<Tenant>> {
    Ok(Json(api.service.tenant(&caller, &place.tenant).await?))
}

/// Rename a tenant
#[utoipa::path(patch, path = "/v1/tenants/{tenant}", tag = "tenants", params(OfTenant),
    request_body(content = TenantChange, example = json!({"name": "Acme Ltd"})),
    responses((status = 200, description = "As it is now.", body = Tenant), Refused, Unfound, BadBody, Opposed))]
async fn change_tenant(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    At(place): At<OfTenant>,
    JsonBody(change): JsonBody<TenantChange>,
) -> Answer<Json<Tenant>> {
    Ok(Json(api.service.change_tenant(&caller, &place.tenant, change).await?))
}

/// Delete a tenant
///
/// With its keys, connections, secrets and messages. Needs the platform key.
#[utoipa::path(delete, path = "/v1/tenants/{tenant}", tag = "tenants", params(OfTenant),
    responses((status = 204, description = "It is gone."), Refused, Unfound, Opposed))]
async fn delete_tenant(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    At(place): At<OfTenant>,
) -> Answer<StatusCode> {
    api.service.delete_tenant(&caller, &place.tenant).await?;
    Ok(StatusCode::NO_CONTENT)
}
