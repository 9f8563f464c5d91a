//! Connections: connectors that a tenant has set up.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use sendbox_domain::model::{Connection, ConnectionInput, Deletion};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Answer, located};
use crate::api::Api;
use crate::auth::Authenticated;
use crate::body::{JsonBody, LARGE};
use crate::place::{At, OfConnection, OfTenant};
use crate::problem::{BadBody, BadQuery, Opposed, Refused, Unfound};
use crate::query::Query;

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::default().routes(routes!(list_connections)).routes(routes!(
        read_connection,
        save_connection,
        delete_connection
    ))
}

/// List the connections
#[utoipa::path(get, path = "/v1/tenants/{tenant}/connections", tag = "connections", params(OfTenant),
    responses((status = 200, description = "All of them, without their secrets.", body = Vec<Connection>), Refused, Unfound))]
async fn list_connections(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    At(place): At<OfTenant>,
) -> Answer<Json<Vec<Connection>>> {
    Ok(Json(api.service.connections(&caller, &place.tenant).await?))
}

/// Read a connection
#[utoipa::path(get, path = "/v1/tenants/{tenant}/connections/{name}", tag = "connections", params(OfConnection),
    responses((status = 200, description = "The connection, without its secrets.", body = Connection), Refused, Unfound))]
async fn read_connection(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    At(place): At<OfConnection>,
) -> Answer<Json<Connection>> {
    Ok(Json(api.service.connection(&caller, &place.tenant, &place.name).await?))
}

/// Save a connection
///
/// Makes it, or replaces the one of that name. A secret that is left out keeps its value, as long as the connector stays the
/// same. Saving activates nothing; a change of the active connection takes effect with the next send.
#[utoipa::path(put, path = "/v1/tenants/{tenant}/connections/{name}", tag = "connections", params(OfConnection),
    request_body(content = ConnectionInput, example = json!({
        "connector": "twilio",
        "parameters": {"accountSID": "AC…", "authToken": "…", "fromMessagingServiceSID": "MG…"},
        "templates": [
            {"usage": "register", "content": "{{code}} is your code to sign up."},
            {"usage": "sign-in", "content": "{{code}} is your code to sign in."},
            {"usage": "forgot-password", "content": "{{code}} is your code to set a new password."},
            {"usage": "generic", "content": "{{code}} is your code."},
        ],
    })),
    responses(
        (status = 200, description = "It is replaced.", body = Connection),
        (status = 201, description = "It is new.", body = Connection, headers(("Location" = String, description = "Its path."))),
        Refused, Unfound, BadBody, Opposed,
    ))]
async fn save_connection(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    At(place): At<OfConnection>,
    JsonBody(input): JsonBody<ConnectionInput, LARGE>,
) -> Answer<Response> {
    let (connection, new) = api.service.save_connection(&caller, &place.tenant, &place.name, input).await?;
    Ok(if new {
        let path = format!("/v1/tenants/{}/connections/{}", &*place.tenant, connection.name);
        located(StatusCode::CREATED, &path, &connection)
    } else {
        Json(connection).into_response()
    })
}

/// Delete a connection
///
/// With its secrets. Refused while it is active and flows that are on need it, unless `force=true`.
#[utoipa::path(delete, path = "/v1/tenants/{tenant}/connections/{name}", tag = "connections", params(OfConnection, Deletion),
    responses((status = 204, description = "It is gone."), Refused, Unfound, BadQuery, Opposed))]
async fn delete_connection(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    At(place): At<OfConnection>,
    Query(deletion): Query<Deletion>,
) -> Answer<StatusCode> {
    api.service.delete_connection(&caller, &place.tenant, &place.name, deletion).await?;
    Ok(StatusCode::NO_CONTENT)
}
