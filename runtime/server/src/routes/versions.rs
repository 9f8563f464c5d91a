//! Versions of the connectors of all tenants: uploaded, compared, tried on a share, activated, taken back.
//!
//! The same operations for one tenant stand in `tenant_versions.rs`.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use sendbox_domain::model::{
    Approval, CanaryStart, ConnectorVersion, Release, RollbackRequest, VersionActivated, VersionActivation,
};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Answer, located};
use crate::api::Api;
use crate::auth::Authenticated;
use crate::body::{JsonBody, WasmBody};
use crate::place::{At, OfConnector, OfUpload, OfVersion};
use crate::problem::{BadBody, Opposed, Refused, Unfound};

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::default()
        .routes(routes!(upload_connector))
        .routes(routes!(read_upload, delete_upload))
        .routes(routes!(list_versions))
        .routes(routes!(read_version))
        .routes(routes!(approve_version))
        .routes(routes!(read_release))
        .routes(routes!(try_version, end_trial))
        .routes(routes!(activate_version))
        .routes(routes!(roll_back))
}

/// Upload a connector for all tenants
///
/// The body is the file of a component. It is kept, and checked in the background: inspected, compiled in a child process
/// with bounds, and asked what it is. `Location` says where to watch that. The same file again is the same version. The
/// first version of a connector is active at once; a further one sends nothing until it is tried or activated. Needs the
/// platform key.
#[utoipa::path(post, path = "/v1/connectors", tag = "versions",
    request_body(content = String, content_type = "application/wasm", description = "The component."),
    responses(
        (status = 200, description = "It was there already.", body = ConnectorVersion),
        (status = 202, description = "It is kept, and checked.", body = ConnectorVersion, headers(("Location" = String, description = "Its path."))),
        Refused, BadBody, Opposed,
    ))]
async fn upload_connector(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    WasmBody(component): WasmBody,
) -> Answer<Response> {
    let (version, is_there) = api.service.upload(&caller, None, &component).await?;
    let path = format!("/v1/connector-uploads/{}", version.digest);
    Ok(if is_there { Json(version).into_response() } else { located(StatusCode::ACCEPTED, &path, &version) })
}

/// Watch an upload
///
/// How far its check has come, and what it found. Needs the platform key.
#[utoipa::path(get, path = "/v1/connector-uploads/{digest}", tag = "versions", params(OfUpload),
    responses((status = 200, description = "The version.", body = ConnectorVersion), Refused, Unfound))]
async fn read_upload(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    At(place): At<OfUpload>,
) -> Answer<Json<ConnectorVersion>> {
    Ok(Json(api.service.uploaded(&caller, None, &place.digest).await?))
}

/// Delete a version
///
/// Refused while it sends, is tried or stays ready, or a connection needs it. The last version of a connector that no
/// connection uses goes with the connector. Needs the platform key.
#[utoipa::path(delete, path = "/v1/connector-uploads/{digest}", tag = "versions", params(OfUpload),
    responses((status = 204, description = "It is gone."), Refused, Unfound, Opposed))]
async fn delete_upload(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    At(place): At<OfUpload>,
) -> Answer<StatusCode> {
    api.service.delete_version(&caller, None, &place.digest).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// List the versions of a connector
///
/// Newest first. Needs the platform key.
#[utoipa::path(get, path = "/v1/connectors/{id}/versions", tag = "versions", params(OfConnector),
    responses((status = 200, description = "All of them.", body = Vec<ConnectorVersion>), Refused, Unfound, Opposed))]
async fn list_versions(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    At(place): At<OfConnector>,
) -> Answer<Json<Vec<ConnectorVersion>>> {
    Ok(Json(api.service.versions(&caller, None, &place.id).await?))
}

/// Read a version
///
/// With what it may do that the active version may not, what else differs, and which connections do not fit it. Needs the
/// platform key.
#[utoipa::path(get, path = "/v1/connectors/{id}/versions/{digest}", tag = "versions", params(OfVersion),
    responses((status = 200, description = "The version.", body = ConnectorVersion), Refused, Unfound, Opposed))]
async fn read_version(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    At(place): At<OfVersion>,
) -> Answer<Json<ConnectorVersion>> {
    Ok(Json(api.service.version(&caller, None, &place.id, &place.digest).await?))
}

/// Approve a version that may do more
///
/// For all tenants. `confirm` is that of the difference which was read: another difference needs another approval. Needs
/// the platform key.
#[utoipa::path(post, path = "/v1/connectors/{id}/versions/{digest}/approval", tag = "versions", params(OfVersion),
    request_body(content = Approval, example = json!({"confirm": "5e1f…"})),
    responses((status = 200, description = "It is approved.", body = ConnectorVersion), Refused, Unfound, BadBody, Opposed))]
async fn approve_version(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    At(place): At<OfVersion>,
    JsonBody(approval): JsonBody<Approval>,
) -> Answer<Json<ConnectorVersion>> {
    Ok(Json(api.service.approve_version(&caller, None, &place.id, &place.digest, approval).await?))
}

/// Say which versions send
///
/// With the versions side by side: attempts, failures, latency. Needs the platform key.
#[utoipa::path(get, path = "/v1/connectors/{id}/release", tag = "versions", params(OfConnector),
    responses((status = 200, description = "What sends.", body = Release), Refused, Unfound, Opposed))]
async fn read_release(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    At(place): At<OfConnector>,
) -> Answer<Json<Release>> {
    Ok(Json(api.service.release(&caller, None, &place.id).await?))
}

/// Try a version on a share of the messages
///
/// Of all tenants. Which messages is decided by their ids, so that all tries of one meet one version. It is taken back by
/// itself when it traps, exceeds a limit, violates its manifest or fails more than the active one. Needs the platform key.
#[utoipa::path(put, path = "/v1/connectors/{id}/release/canary", tag = "versions", params(OfConnector),
    request_body(content = CanaryStart, example = json!({"digest": "sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae", "percent": 10})),
    responses((status = 200, description = "It is tried.", body = Release), Refused, Unfound, BadBody, Opposed))]
async fn try_version(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    At(place): At<OfConnector>,
    JsonBody(start): JsonBody<CanaryStart>,
) -> Answer<Json<Release>> {
    Ok(Json(api.service.start_canary(&caller, None, &place.id, start).await?))
}

/// End the trial of a version
///
/// Everything goes to the active version again. Needs the platform key.
#[utoipa::path(delete, path = "/v1/connectors/{id}/release/canary", tag = "versions", params(OfConnector),
    responses((status = 200, description = "It is ended.", body = Release), Refused, Unfound, Opposed))]
async fn end_trial(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    At(place): At<OfConnector>,
) -> Answer<Json<Release>> {
    Ok(Json(api.service.end_canary(&caller, None, &place.id).await?))
}

/// Activate a version
///
/// For all tenants, with the next message. Messages that are under way may end with the version before, which stays ready.
/// Connections that do not fit the version stay with one that they fit, and are named. Needs the platform key.
#[utoipa::path(post, path = "/v1/connectors/{id}/release/activations", tag = "versions", params(OfConnector),
    request_body(content = VersionActivation, example = json!({"digest": "sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae"})),
    responses((status = 200, description = "It sends.", body = VersionActivated), Refused, Unfound, BadBody, Opposed))]
async fn activate_version(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    At(place): At<OfConnector>,
    JsonBody(activation): JsonBody<VersionActivation>,
) -> Answer<Json<VersionActivated>> {
    Ok(Json(api.service.activate_version(&caller, None, &place.id, activation).await?))
}

/// Take the active version back
///
/// The one before sends again, with the next message. Needs the platform key.
#[utoipa::path(post, path = "/v1/connectors/{id}/release/rollbacks", tag = "versions", params(OfConnector),
    request_body(content = RollbackRequest, example = json!({"reason": "two providers have complained"})),
    responses((status = 200, description = "The one before sends.", body = Release), Refused, Unfound, BadBody, Opposed))]
async fn roll_back(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    At(place): At<OfConnector>,
    JsonBody(request): JsonBody<RollbackRequest>,
) -> Answer<Json<Release>> {
    Ok(Json(api.service.roll_back(&caller, None, &place.id, request).await?))
}
