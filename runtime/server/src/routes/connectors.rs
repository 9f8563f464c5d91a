//! The catalogue.

use axum::Json;
use axum::extract::State;
use sendbox_domain::model::{ConnectorDetail, ConnectorSummary};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Answer;
use crate::api::Api;
use crate::auth::Authenticated;
use crate::place::{At, OfConnector};
use crate::problem::{Refused, Unfound};

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::default().routes(routes!(list_connectors)).routes(routes!(read_connector))
}

/// List the connectors
///
/// Each is a WebAssembly component that speaks with one provider.
#[utoipa::path(get, path = "/v1/connectors", tag = "connectors",
    responses((status = 200, description = "The catalogue.", body = Vec<ConnectorSummary>), Refused))]
async fn list_connectors(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
) -> Answer<Json<Vec<ConnectorSummary>>> {
    Ok(Json(api.service.connectors(&caller, None).await?))
}

/// Read a connector
///
/// With the JSON Schema of its parameters, what it may reach and why, and templates to start from.
#[utoipa::path(get, path = "/v1/connectors/{id}", tag = "connectors", params(OfConnector),
    responses((status = 200, description = "All there is to know of it.", body = ConnectorDetail), Refused, Unfound))]
async fn read_connector(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    At(place): At<OfConnector>,
) -> Answer<Json<ConnectorDetail>> {
    Ok(Json(api.service.connector(&caller, None, &place.id).await?))
}
