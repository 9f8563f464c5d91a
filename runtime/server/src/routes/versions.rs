//! Versions of uploaded connectors, for all tenants and for one: upload, comparison, canary, activation, rollback.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use sendbox_domain::model::{
    Approval, CanaryStart, ConnectorVersion, Release, RollbackRequest, VersionActivated, VersionActivation,
};
use sendbox_service::Error;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::scope::{in_a_tenant, in_both_scopes};
use super::{ApiResult, with_location};
use crate::api::Api;
use crate::auth::Authenticated;
use crate::body::{JsonBody, WasmBody};
use crate::path::{ConnectorPath, Path, ScopePath, UploadPath, VersionPath};
use crate::problem::{Conflict, InvalidBody, NotFound, Unauthorized};

const ALL_TENANTS: &str = "Applies to all tenants. Requires the platform key.";
const ONE_TENANT: &str = "Applies to this tenant only.";

pub(super) fn routes() -> OpenApiRouter<Api> {
    in_both_scopes(operations, ALL_TENANTS, ONE_TENANT)
        .merge(in_a_tenant(OpenApiRouter::default().routes(routes!(reset_release)), ONE_TENANT))
}

fn operations() -> OpenApiRouter<Api> {
    OpenApiRouter::default()
        .routes(routes!(upload_connector))
        .routes(routes!(retrieve_upload, delete_upload))
        .routes(routes!(list_versions))
        .routes(routes!(retrieve_version))
        .routes(routes!(approve_version))
        .routes(routes!(retrieve_release))
        .routes(routes!(start_canary, end_canary))
        .routes(routes!(activate_version))
        .routes(routes!(roll_back_connector))
}

/// Upload a connector
///
/// The body is the file of a WebAssembly component. It is stored and then checked in the background: inspected, compiled in a
/// confined child process, and asked for its metadata. Poll the `Location` until `state` is `ready` or `refused`. Uploading the
/// same file again returns the same version.
///
/// The first version of a connector is activated automatically. A further version sends nothing until you activate it or start a
/// canary.
#[utoipa::path(post, path = "/connectors", tag = "versions", params(ScopePath),
    request_body(content = String, content_type = "application/wasm", description = "The file of the component."),
    responses(
        (status = 200, description = "This file was uploaded before.", body = ConnectorVersion),
        (status = 202, description = "The file is stored and will be checked.", body = ConnectorVersion,
            headers(("Location" = String, description = "The path of the upload."))),
        Unauthorized, InvalidBody, Conflict,
    ))]
async fn upload_connector(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    Path(path): Path<ScopePath>,
    WasmBody(component): WasmBody,
) -> ApiResult<Response> {
    let (version, is_known) = api.service.upload(&caller, path.tenant(), &component).await?;
    if is_known {
        return Ok(Json(version).into_response());
    }
    let scope = path.tenant().map_or_else(|| "/v1".to_owned(), |tenant| format!("/v1/tenants/{tenant}"));
    Ok(with_location(StatusCode::ACCEPTED, &format!("{scope}/connector-uploads/{}", version.digest), &version))
}

/// Retrieve an upload
///
/// Returns the version with the progress of its check, and then its result: `inspection` when it is `ready`, `refusal` when it is
/// `refused`.
#[utoipa::path(get, path = "/connector-uploads/{digest}", tag = "versions", params(UploadPath),
    responses((status = 200, description = "The uploaded version.", body = ConnectorVersion), Unauthorized, NotFound))]
async fn retrieve_upload(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    Path(path): Path<UploadPath>,
) -> ApiResult<Json<ConnectorVersion>> {
    Ok(Json(api.service.uploaded(&caller, path.tenant(), &path.digest).await?))
}

/// Delete an upload
///
/// Deletes a version. The request fails with 409 while the version is active, a canary or the previous version, and while a
/// connection needs it. Deleting the last version of a connector that no connection uses deletes the connector.
#[utoipa::path(delete, path = "/connector-uploads/{digest}", tag = "versions", params(UploadPath),
    responses((status = 204, description = "The version was deleted."), Unauthorized, NotFound, Conflict))]
async fn delete_upload(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    Path(path): Path<UploadPath>,
) -> ApiResult<StatusCode> {
    api.service.delete_version(&caller, path.tenant(), &path.digest).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// List versions
///
/// Returns the versions of a connector, newest first, with the role that each has.
#[utoipa::path(get, path = "/connectors/{id}/versions", tag = "versions", params(ConnectorPath),
    responses((status = 200, description = "Every version of the connector.", body = Vec<ConnectorVersion>), Unauthorized, NotFound, Conflict))]
async fn list_versions(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    Path(path): Path<ConnectorPath>,
) -> ApiResult<Json<Vec<ConnectorVersion>>> {
    Ok(Json(api.service.versions(&caller, path.tenant(), &path.id).await?))
}

/// Retrieve a version
///
/// Returns the version with its `difference` from the active one: what it may newly do, what else changed, what that means for each
/// connection, and which connections are incompatible with it.
#[utoipa::path(get, path = "/connectors/{id}/versions/{digest}", tag = "versions", params(VersionPath),
    responses((status = 200, description = "The version and its difference.", body = ConnectorVersion), Unauthorized, NotFound, Conflict))]
async fn retrieve_version(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    Path(path): Path<VersionPath>,
) -> ApiResult<Json<ConnectorVersion>> {
    Ok(Json(api.service.version(&caller, path.tenant(), &path.id, &path.digest).await?))
}

/// Approve a version
///
/// A version that may do more than the active one, or presents itself differently, sends nothing until somebody approves that.
/// Send the `confirmationToken` of the difference that you reviewed. If the difference has changed since, the request fails with
/// 409 (`diff-changed`).
#[utoipa::path(post, path = "/connectors/{id}/versions/{digest}/approval", tag = "versions", params(VersionPath),
    request_body(content = Approval, description = "The difference to approve.",
        example = json!({"confirmationToken": "5e1f8d7c9a0b4e3f"})),
    responses((status = 200, description = "The version is approved.", body = ConnectorVersion), Unauthorized, NotFound, InvalidBody, Conflict))]
async fn approve_version(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    Path(path): Path<VersionPath>,
    JsonBody(approval): JsonBody<Approval>,
) -> ApiResult<Json<ConnectorVersion>> {
    Ok(Json(api.service.approve_version(&caller, path.tenant(), &path.id, &path.digest, approval).await?))
}

/// Retrieve the release
///
/// The release says which versions of a connector send: the active one, a canary, and the previous one, which can take over again.
/// It also compares how they perform. A `tenant` of `null` means that the release is the one of all tenants.
#[utoipa::path(get, path = "/connectors/{id}/release", tag = "versions", params(ConnectorPath),
    responses((status = 200, description = "The release.", body = Release), Unauthorized, NotFound, Conflict))]
async fn retrieve_release(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    Path(path): Path<ConnectorPath>,
) -> ApiResult<Json<Release>> {
    Ok(Json(api.service.release(&caller, path.tenant(), &path.id).await?))
}

/// Reset the release
///
/// Ends the tenant's own release of a connector that belongs to all tenants. From the next message on, the tenant follows the
/// release of all tenants again.
#[utoipa::path(delete, path = "/connectors/{id}/release", tag = "versions", params(ConnectorPath),
    responses((status = 200, description = "The release that applies now.", body = Release), Unauthorized, NotFound, Conflict))]
async fn reset_release(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    Path(path): Path<ConnectorPath>,
) -> ApiResult<Json<Release>> {
    let tenant = path.tenant().ok_or(Error::NotFound("path"))?;
    Ok(Json(api.service.delete_own_release(&caller, tenant, &path.id).await?))
}

/// Start a canary
///
/// Sends a percentage of the messages with another version. The message's id decides, so that all attempts of one message use one
/// version. Starting a canary that is already running changes its percentage.
///
/// The canary ends automatically when it traps, exceeds a limit, violates its manifest, or fails more often than the active
/// version. A message that it refuses for a reason of its own is sent with the active version.
#[utoipa::path(put, path = "/connectors/{id}/release/canary", tag = "versions", params(ConnectorPath),
    request_body(content = CanaryStart, description = "The version and its percentage.",
        example = json!({"digest": "sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae", "percent": 10})),
    responses((status = 200, description = "The canary is running.", body = Release), Unauthorized, NotFound, InvalidBody, Conflict))]
async fn start_canary(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    Path(path): Path<ConnectorPath>,
    JsonBody(start): JsonBody<CanaryStart>,
) -> ApiResult<Json<Release>> {
    Ok(Json(api.service.start_canary(&caller, path.tenant(), &path.id, start).await?))
}

/// End the canary
///
/// Every message is sent with the active version again.
#[utoipa::path(delete, path = "/connectors/{id}/release/canary", tag = "versions", params(ConnectorPath),
    responses((status = 200, description = "The canary has ended.", body = Release), Unauthorized, NotFound, Conflict))]
async fn end_canary(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    Path(path): Path<ConnectorPath>,
) -> ApiResult<Json<Release>> {
    Ok(Json(api.service.end_canary(&caller, path.tenant(), &path.id).await?))
}

/// Activate a version
///
/// The version sends from the next message on. Messages in progress may finish with the version before, which stays ready to take
/// over again. Connections that are incompatible with the version stay with one that fits them, and are listed in the response.
///
/// The version is rolled back automatically if it misbehaves within `autoRollbackSeconds`.
#[utoipa::path(post, path = "/connectors/{id}/release/activations", tag = "versions", params(ConnectorPath),
    request_body(content = VersionActivation, description = "The version to activate.",
        example = json!({"digest": "sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae"})),
    responses((status = 200, description = "The version is active.", body = VersionActivated), Unauthorized, NotFound, InvalidBody, Conflict))]
async fn activate_version(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    Path(path): Path<ConnectorPath>,
    JsonBody(activation): JsonBody<VersionActivation>,
) -> ApiResult<Json<VersionActivated>> {
    Ok(Json(api.service.activate_version(&caller, path.tenant(), &path.id, activation).await?))
}

/// Roll back a connector
///
/// Makes the previous version the active one again, from the next message on. If there is no previous version, the request fails
/// with 409.
#[utoipa::path(post, path = "/connectors/{id}/release/rollbacks", tag = "versions", params(ConnectorPath),
    request_body(content = RollbackRequest, description = "Why, for the audit log.",
        example = json!({"reason": "two providers have complained"})),
    responses((status = 200, description = "The previous version is active.", body = Release), Unauthorized, NotFound, InvalidBody, Conflict))]
async fn roll_back_connector(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    Path(path): Path<ConnectorPath>,
    JsonBody(request): JsonBody<RollbackRequest>,
) -> ApiResult<Json<Release>> {
    Ok(Json(api.service.roll_back(&caller, path.tenant(), &path.id, request).await?))
}
