//! Statistics of a tenant: what an overview shows.

use axum::Json;
use axum::extract::State;
use sendbox_domain::model::{Statistics, StatisticsFilter};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::ApiResult;
use crate::api::Api;
use crate::auth::Authenticated;
use crate::path::{Path, TenantPath};
use crate::problem::{InvalidQuery, NotFound, Unauthorized};
use crate::query::Query;

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::default().routes(routes!(retrieve_statistics))
}

/// Retrieve statistics
///
/// Returns messages, verifications, failures and latency over a period, in total and by hour or day (UTC), and alerts about what
/// needs your attention now. Without parameters the period is the last 24 hours, by hour. Messages to test numbers are not
/// counted.
#[utoipa::path(get, path = "/v1/tenants/{tenant}/statistics", tag = "statistics", params(TenantPath, StatisticsFilter),
    responses((status = 200, description = "The statistics of the period.", body = Statistics), Unauthorized, NotFound, InvalidQuery))]
async fn retrieve_statistics(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    Path(path): Path<TenantPath>,
    Query(filter): Query<StatisticsFilter>,
) -> ApiResult<Json<Statistics>> {
    Ok(Json(api.service.statistics(&caller, &path.tenant, filter).await?))
}
