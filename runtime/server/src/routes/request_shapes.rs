//! The request shapes of a version, for all tenants and for one: listing them, and approving those that were held back.

use axum::Json;
use axum::extract::State;
use sendbox_domain::model::VersionShape;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::ApiResult;
use super::scope::in_both_scopes;
use crate::api::Api;
use crate::auth::Authenticated;
use crate::path::{Path, ShapePath, VersionPath};
use crate::problem::{Conflict, NotFound, Unauthorized};

pub(super) fn routes() -> OpenApiRouter<Api> {
    in_both_scopes(
        operations,
        "Applies to all tenants. Requires the platform key.",
        "Applies to this tenant only; shapes that are approved for all tenants are listed too.",
    )
}

fn operations() -> OpenApiRouter<Api> {
    OpenApiRouter::default().routes(routes!(list_request_shapes)).routes(routes!(approve_request_shape))
}

/// List request shapes
///
/// A connector cannot read the values that it sends, so the rest of its requests always looks the same. The shape of a request is
/// that rest: method, URL and fields, with a placeholder for every sealed value and for everything that Sendbox passed to the
/// connector.
///
/// A version may send requests of the shapes that were seen in rehearsals, tests and canaries. A request of any other shape is
/// held back. Returns all shapes, those that are held back first, with the lines that differ.
#[utoipa::path(get, path = "/connectors/{id}/versions/{digest}/shapes", tag = "versions", params(VersionPath),
    responses((status = 200, description = "The request shapes of the version.", body = Vec<VersionShape>), Unauthorized, NotFound, Conflict))]
async fn list_request_shapes(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    Path(path): Path<VersionPath>,
) -> ApiResult<Json<Vec<VersionShape>>> {
    Ok(Json(api.service.version_shapes(&caller, path.tenant(), &path.id, &path.digest).await?))
}

/// Approve a request shape
///
/// Lets the version send requests of this shape, from the next attempt on. Review its `changes` first: the provider receives
/// exactly what they show.
#[utoipa::path(post, path = "/connectors/{id}/versions/{digest}/shapes/{shape}/approve", tag = "versions", params(ShapePath),
    responses((status = 200, description = "The shape is approved.", body = VersionShape), Unauthorized, NotFound, Conflict))]
async fn approve_request_shape(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    Path(path): Path<ShapePath>,
) -> ApiResult<Json<VersionShape>> {
    Ok(Json(api.service.approve_shape(&caller, path.tenant(), &path.id, &path.digest, &path.shape).await?))
}
