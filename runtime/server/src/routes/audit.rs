//! The audit log.

use axum::Json;
use axum::extract::State;
use sendbox_domain::model::{AuditEntry, AuditFilter, Page};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::ApiResult;
use crate::api::Api;
use crate::auth::Authenticated;
use crate::path::{Path, TenantPath};
use crate::problem::{InvalidQuery, NotFound, Unauthorized};
use crate::query::Query;

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::default().routes(routes!(list_audit_entries)).routes(routes!(list_platform_audit_entries))
}

/// List audit entries
///
/// Returns the changes of one tenant, newest first: who changed what, and the values before and after. Entries hold no secret,
/// code or full phone number.
#[utoipa::path(get, path = "/v1/tenants/{tenant}/audit", tag = "audit", params(TenantPath, AuditFilter),
    responses((status = 200, description = "A page of audit entries.", body = Page<AuditEntry>), Unauthorized, NotFound, InvalidQuery))]
async fn list_audit_entries(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    Path(path): Path<TenantPath>,
    Query(filter): Query<AuditFilter>,
) -> ApiResult<Json<Page<AuditEntry>>> {
    Ok(Json(api.service.audit(&caller, Some(&path.tenant), filter).await?))
}

/// List audit entries of the platform
///
/// Returns the changes of all tenants and of the platform itself, newest first. Requires the platform key.
#[utoipa::path(get, path = "/v1/audit", tag = "audit", params(AuditFilter),
    responses((status = 200, description = "A page of audit entries.", body = Page<AuditEntry>), Unauthorized, InvalidQuery))]
async fn list_platform_audit_entries(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    Query(filter): Query<AuditFilter>,
) -> ApiResult<Json<Page<AuditEntry>>> {
    Ok(Json(api.service.audit(&caller, None, filter).await?))
}
