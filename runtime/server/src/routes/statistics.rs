//! How a tenant did, and what needs a person: what an overview shows.

use axum::Json;
use axum::extract::State;
use sendbox_domain::model::{Statistics, StatisticsFilter};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Answer;
use crate::api::Api;
use crate::auth::Authenticated;
use crate::place::{At, OfTenant};
use crate::problem::{BadQuery, Refused, Unfound};
use crate::query::Query;

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::default().routes(routes!(read_statistics))
}

/// Say how a tenant did
///
/// Messages, verifications, failures and latency of a time, in total and by hour or day of UTC; and what needs a person now.
/// Absent parameters: the last 24 hours by hour.
#[utoipa::path(get, path = "/v1/tenants/{tenant}/statistics", tag = "statistics", params(OfTenant, StatisticsFilter),
    responses((status = 200, description = "What was counted.", body = Statistics), Refused, Unfound, BadQuery))]
async fn read_statistics(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    At(place): At<OfTenant>,
    Query(filter): Query<StatisticsFilter>,
) -> Answer<Json<Statistics>> {
    Ok(Json(api.service.statistics(&caller, &place.tenant, filter).await?))
}
