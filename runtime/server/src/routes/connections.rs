//! Connections: connectors that a tenant has set up.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use sendbox_domain::model::{Connection, ConnectionInput, Deletion};
use sendbox_service::connection_revision;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{ApiResult, with_location};
use crate::api::Api;
use crate::auth::Authenticated;
use crate::body::{JsonBody, LARGE};
use crate::path::{ConnectionPath, Path, TenantPath};
use crate::problem::{Conflict, InvalidBody, InvalidQuery, NotFound, PreconditionFailed, Unauthorized};
use crate::query::Query;
use crate::revision::{IfMatchHeader, IfMatchParameter, tagged, with_tag};

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::default().routes(routes!(list_connections)).routes(routes!(
        retrieve_connection,
        save_connection,
        delete_connection
    ))
}

/// List connections
///
/// Returns every connection of the tenant by name. Secrets are never returned; `secrets` says which are set, and since when.
#[utoipa::path(get, path = "/v1/tenants/{tenant}/connections", tag = "connections", params(TenantPath),
    responses((status = 200, description = "Every connection, without its secrets.", body = Vec<Connection>), Unauthorized, NotFound))]
async fn list_connections(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    Path(path): Path<TenantPath>,
) -> ApiResult<Json<Vec<Connection>>> {
    Ok(Json(api.service.connections(&caller, &path.tenant).await?))
}

/// Retrieve a connection
///
/// Returns one connection. Secrets are never returned; `secrets` says which are set, and since when.
#[utoipa::path(get, path = "/v1/tenants/{tenant}/connections/{name}", tag = "connections", params(ConnectionPath),
    responses((status = 200, description = "The connection, without its secrets.", body = Connection,
        headers(("ETag" = String, description = "The revision of the connection, for `If-Match`."))), Unauthorized, NotFound))]
async fn retrieve_connection(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    Path(path): Path<ConnectionPath>,
) -> ApiResult<Response> {
    let connection = api.service.connection(&caller, &path.tenant, &path.name).await?;
    Ok(tagged(&revision_of(&connection), &connection))
}

fn revision_of(connection: &Connection) -> String {
    connection_revision(connection.revision, connection.created_at)
}

/// Save a connection
///
/// Creates the connection, or replaces the one with this name. A secret that you leave out keeps its stored value as long as the
/// connector stays the same. Saving does not activate a connection; if it is already active, the change applies to the next
/// message.
///
/// Send the `ETag` of the connection that you read in `If-Match`, so that you do not overwrite what somebody else has saved since.
///
/// If the parameters or templates do not fit the connector, the request fails with 422 and lists every field that is wrong.
#[utoipa::path(put, path = "/v1/tenants/{tenant}/connections/{name}", tag = "connections",
    params(ConnectionPath, IfMatchParameter),
    request_body(content = ConnectionInput, description = "The whole connection.", example = json!({
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
        (status = 200, description = "The connection was replaced.", body = Connection,
            headers(("ETag" = String, description = "The revision of the connection, for `If-Match`."))),
        (status = 201, description = "The connection was created.", body = Connection,
            headers(
                ("Location" = String, description = "The path of the connection."),
                ("ETag" = String, description = "The revision of the connection, for `If-Match`."),
            )),
        Unauthorized, NotFound, InvalidBody, Conflict, PreconditionFailed,
    ))]
async fn save_connection(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    Path(path): Path<ConnectionPath>,
    IfMatchHeader(if_match): IfMatchHeader,
    JsonBody(input): JsonBody<ConnectionInput, LARGE>,
) -> ApiResult<Response> {
    let (connection, is_new) =
        api.service.save_connection_if(&caller, &path.tenant, &path.name, input, &if_match).await?;
    let response = if is_new {
        let location = format!("/v1/tenants/{}/connections/{}", &*path.tenant, connection.name);
        with_location(StatusCode::CREATED, &location, &connection)
    } else {
        Json(&connection).into_response()
    };
    Ok(with_tag(&revision_of(&connection), response))
}

/// Delete a connection
///
/// Deletes the connection and its secrets. If it is active and enabled flows depend on it, the request fails with 409
/// (`connection-in-use`) unless you set `force=true`.
#[utoipa::path(delete, path = "/v1/tenants/{tenant}/connections/{name}", tag = "connections", params(ConnectionPath, Deletion),
    responses((status = 204, description = "The connection was deleted."), Unauthorized, NotFound, InvalidQuery, Conflict))]
async fn delete_connection(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    Path(path): Path<ConnectionPath>,
    Query(deletion): Query<Deletion>,
) -> ApiResult<StatusCode> {
    api.service.delete_connection(&caller, &path.tenant, &path.name, deletion).await?;
    Ok(StatusCode::NO_CONTENT)
}
