//! The audit: who changed what.

use axum::Json;
use axum::extract::State;
use sendbox_domain::model::{AuditEntry, AuditFilter, Page};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Answer;
use crate::api::Api;
use crate::auth::Authenticated;
use crate::place::{At, OfTenant};
use crate::problem::{BadQuery, Refused, Unfound};
use crate::query::Query;

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::default().routes(routes!(list_audit)).routes(routes!(list_platform_audit))
}

/// List the changes of a tenant
#[utoipa::path(get, path = "/v1/tenants/{tenant}/audit", tag = "audit", params(OfTenant, AuditFilter),
    responses((status = 200, description = "A page of them.", body = Page<AuditEntry>), Refused, Unfound, BadQuery))]
async fn list_audit(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    At(place): At<OfTenant>,
    Query(filter): Query<AuditFilter>,
) -> Answer<Json<Page<AuditEntry>>> {
    Ok(Json(api.service.audit(&caller, Some(&place.tenant), filter).await?))
}

/// List the changes of all tenants and of the platform
///
/// Needs the platform key.
#[utoipa::path(get, path = "/v1/audit", tag = "audit", params(AuditFilter),
    responses((status = 200, description = "A page of them.", body = Page<AuditEntry>), Refused, BadQuery))]
async fn list_platform_audit(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    Query(filter): Query<AuditFilter>,
) -> Answer<Json<Page<AuditEntry>>> {
    Ok(Json(api.service.audit(&caller, None, filter).await?))
}
