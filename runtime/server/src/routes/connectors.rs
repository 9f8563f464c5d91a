//! The catalogue of connectors, for all tenants and for one.

use axum::Json;
use axum::extract::State;
use sendbox_domain::model::{ConnectorDetail, ConnectorSummary};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::ApiResult;
use super::scope::in_both_scopes;
use crate::api::Api;
use crate::auth::Authenticated;
use crate::path::{ConnectorPath, Path, ScopePath};
use crate::problem::{NotFound, Unauthorized};

pub(super) fn routes() -> OpenApiRouter<Api> {
    in_both_scopes(
        operations,
        "Covers the connectors that are built in and those that were uploaded for all tenants.",
        "Also covers the tenant's own connectors, which no other tenant can see.",
    )
}

fn operations() -> OpenApiRouter<Api> {
    OpenApiRouter::default().routes(routes!(list_connectors)).routes(routes!(retrieve_connector))
}

/// List connectors
///
/// Returns the connectors that a connection can name. Each is a WebAssembly component that talks to one provider.
#[utoipa::path(get, path = "/connectors", tag = "connectors", params(ScopePath),
    responses((status = 200, description = "The catalogue.", body = Vec<ConnectorSummary>), Unauthorized))]
async fn list_connectors(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    Path(path): Path<ScopePath>,
) -> ApiResult<Json<Vec<ConnectorSummary>>> {
    Ok(Json(api.service.connectors(&caller, path.tenant()).await?))
}

/// Retrieve a connector
///
/// Returns what you need to set a connector up: its README, the JSON Schema of its parameters, the hosts that it reaches and why,
/// and templates to start from. The active version is described.
#[utoipa::path(get, path = "/connectors/{id}", tag = "connectors", params(ConnectorPath),
    responses((status = 200, description = "The connector.", body = ConnectorDetail), Unauthorized, NotFound))]
async fn retrieve_connector(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    Path(path): Path<ConnectorPath>,
) -> ApiResult<Json<ConnectorDetail>> {
    Ok(Json(api.service.connector(&caller, path.tenant(), &path.id).await?))
}
