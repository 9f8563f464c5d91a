//! The requests of a version, by their shapes: listed, and approved when one was held back. For all tenants and for one.

use axum::Json;
use axum::extract::State;
use sendbox_domain::model::VersionShape;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Answer;
use crate::api::Api;
use crate::auth::Authenticated;
use crate::place::{At, OfShape, OfTenantShape, OfTenantVersion, OfVersion};
use crate::problem::{Opposed, Refused, Unfound};

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::default()
        .routes(routes!(list_shapes))
        .routes(routes!(approve_shape))
        .routes(routes!(list_tenant_shapes))
        .routes(routes!(approve_tenant_shape))
}

/// List the requests of a version
///
/// A connector cannot see what it sends, so what is literal in its requests follows from what it is told. Each request has a
/// shape: method, URL and fields, with sealed values and what Sendbox gave to the connector named. A version may send what it
/// was rehearsed, tested and tried with; a request of another shape is held back, listed first, and shown with the lines
/// that differ. Those of all tenants are listed. Needs the platform key.
#[utoipa::path(get, path = "/v1/connectors/{id}/versions/{digest}/shapes", tag = "versions", params(OfVersion),
    responses((status = 200, description = "All of them.", body = Vec<VersionShape>), Refused, Unfound, Opposed))]
async fn list_shapes(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    At(place): At<OfVersion>,
) -> Answer<Json<Vec<VersionShape>>> {
    Ok(Json(api.service.version_shapes(&caller, None, &place.id, &place.digest).await?))
}

/// Approve a request that was held back
///
/// For all tenants: from the next attempt on, the version may send requests of this shape. Needs the platform key.
#[utoipa::path(post, path = "/v1/connectors/{id}/versions/{digest}/shapes/{shape}/approve", tag = "versions", params(OfShape),
    responses((status = 200, description = "It is approved.", body = VersionShape), Refused, Unfound, Opposed))]
async fn approve_shape(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    At(place): At<OfShape>,
) -> Answer<Json<VersionShape>> {
    Ok(Json(api.service.approve_shape(&caller, None, &place.id, &place.digest, &place.shape).await?))
}

/// List the requests of a version
///
/// Those of this tenant, and those that all tenants may send. A request of a shape with which the version was not rehearsed,
/// tested or tried is held back, listed first, and shown with the lines that differ.
#[utoipa::path(get, path = "/v1/tenants/{tenant}/connectors/{id}/versions/{digest}/shapes", tag = "versions", params(OfTenantVersion),
    responses((status = 200, description = "All of them.", body = Vec<VersionShape>), Refused, Unfound, Opposed))]
async fn list_tenant_shapes(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    At(place): At<OfTenantVersion>,
) -> Answer<Json<Vec<VersionShape>>> {
    Ok(Json(api.service.version_shapes(&caller, Some(&place.tenant), &place.id, &place.digest).await?))
}

/// Approve a request that was held back
///
/// For this tenant alone: from the next attempt on, the version may send requests of this shape.
#[utoipa::path(post, path = "/v1/tenants/{tenant}/connectors/{id}/versions/{digest}/shapes/{shape}/approve", tag = "versions", params(OfTenantShape),
    responses((status = 200, description = "It is approved.", body = VersionShape), Refused, Unfound, Opposed))]
async fn approve_tenant_shape(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    At(place): At<OfTenantShape>,
) -> Answer<Json<VersionShape>> {
    Ok(Json(api.service.approve_shape(&caller, Some(&place.tenant), &place.id, &place.digest, &place.shape).await?))
}
