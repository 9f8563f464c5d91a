//! Versions of a tenant's connectors: uploaded, compared, tried on a share, activated, taken back.
//!
//! The same operations for all tenants stand in `versions.rs`.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use sendbox_domain::model::{
    Approval, CanaryStart, ConnectorDetail, ConnectorSummary, ConnectorVersion, Release, RollbackRequest,
    VersionActivated, VersionActivation,
};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Answer, located};
use crate::api::Api;
use crate::auth::Authenticated;
use crate::body::{JsonBody, WasmBody};
use crate::place::{At, OfTenant, OfTenantConnector, OfTenantUpload, OfTenantVersion};
use crate::problem::{BadBody, Opposed, Refused, Unfound};

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::default()
        .routes(routes!(list_tenant_connectors, upload_tenant_connector))
        .routes(routes!(read_tenant_connector))
        .routes(routes!(read_tenant_upload, delete_tenant_upload))
        .routes(routes!(list_tenant_versions))
        .routes(routes!(read_tenant_version))
        .routes(routes!(approve_tenant_version))
        .routes(routes!(read_tenant_release, follow_all))
        .routes(routes!(try_tenant_version, end_tenant_trial))
        .routes(routes!(activate_tenant_version))
        .routes(routes!(roll_tenant_back))
}

/// List the connectors of a tenant
///
/// Those that come with Sendbox, those of all tenants, and its own.
#[utoipa::path(get, path = "/v1/tenants/{tenant}/connectors", tag = "connectors", params(OfTenant),
    responses((status = 200, description = "What can be set up.", body = Vec<ConnectorSummary>), Refused, Unfound))]
async fn list_tenant_connectors(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    At(place): At<OfTenant>,
) -> Answer<Json<Vec<ConnectorSummary>>> {
    Ok(Json(api.service.connectors(&caller, Some(&place.tenant)).await?))
}

/// Read a connector of a tenant
///
/// At the version that sends.
#[utoipa::path(get, path = "/v1/tenants/{tenant}/connectors/{id}", tag = "connectors", params(OfTenantConnector),
    responses((status = 200, description = "All there is to know of it.", body = ConnectorDetail), Refused, Unfound))]
async fn read_tenant_connector(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    At(place): At<OfTenantConnector>,
) -> Answer<Json<ConnectorDetail>> {
    Ok(Json(api.service.connector(&caller, Some(&place.tenant), &place.id).await?))
}

/// Upload a connector for a tenant
///
/// The body is the file of a component. It is kept, and checked in the background: inspected, compiled in a child process
/// with bounds, and asked what it is. `Location` says where to watch that. The same file again is the same version. The
/// first version of a connector is active at once; a further one sends nothing until it is tried or activated. No other
/// tenant sees it.
#[utoipa::path(post, path = "/v1/tenants/{tenant}/connectors", tag = "versions", params(OfTenant),
    request_body(content = String, content_type = "application/wasm", description = "The component."),
    responses(
        (status = 200, description = "It was there already.", body = ConnectorVersion),
        (status = 202, description = "It is kept, and checked.", body = ConnectorVersion, headers(("Location" = String, description = "Its path."))),
        Refused, Unfound, BadBody, Opposed,
    ))]
async fn upload_tenant_connector(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    At(place): At<OfTenant>,
    WasmBody(component): WasmBody,
) -> Answer<Response> {
    let (version, is_there) = api.service.upload(&caller, Some(&place.tenant), &component).await?;
    let path = format!("/v1/tenants/{}/connector-uploads/{}", &*place.tenant, version.digest);
    Ok(if is_there { Json(version).into_response() } else { located(StatusCode::ACCEPTED, &path, &version) })
}

/// Watch an upload
///
/// How far its check has come, and what it found.
#[utoipa::path(get, path = "/v1/tenants/{tenant}/connector-uploads/{digest}", tag = "versions", params(OfTenantUpload),
    responses((status = 200, description = "The version.", body = ConnectorVersion), Refused, Unfound))]
async fn read_tenant_upload(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    At(place): At<OfTenantUpload>,
) -> Answer<Json<ConnectorVersion>> {
    Ok(Json(api.service.uploaded(&caller, Some(&place.tenant), &place.digest).await?))
}

/// Delete a version
///
/// Refused while it sends, is tried or stays ready, or a connection needs it. The last version of a connector that no
/// connection uses goes with the connector.
#[utoipa::path(delete, path = "/v1/tenants/{tenant}/connector-uploads/{digest}", tag = "versions", params(OfTenantUpload),
    responses((status = 204, description = "It is gone."), Refused, Unfound, Opposed))]
async fn delete_tenant_upload(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    At(place): At<OfTenantUpload>,
) -> Answer<StatusCode> {
    api.service.delete_version(&caller, Some(&place.tenant), &place.digest).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// List the versions of a connector
///
/// Newest first.
#[utoipa::path(get, path = "/v1/tenants/{tenant}/connectors/{id}/versions", tag = "versions", params(OfTenantConnector),
    responses((status = 200, description = "All of them.", body = Vec<ConnectorVersion>), Refused, Unfound, Opposed))]
async fn list_tenant_versions(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    At(place): At<OfTenantConnector>,
) -> Answer<Json<Vec<ConnectorVersion>>> {
    Ok(Json(api.service.versions(&caller, Some(&place.tenant), &place.id).await?))
}

/// Read a version
///
/// With what it may do that the active version may not, what else differs, and which connections do not fit it.
#[utoipa::path(get, path = "/v1/tenants/{tenant}/connectors/{id}/versions/{digest}", tag = "versions", params(OfTenantVersion),
    responses((status = 200, description = "The version.", body = ConnectorVersion), Refused, Unfound, Opposed))]
async fn read_tenant_version(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    At(place): At<OfTenantVersion>,
) -> Answer<Json<ConnectorVersion>> {
    Ok(Json(api.service.version(&caller, Some(&place.tenant), &place.id, &place.digest).await?))
}

/// Approve a version that may do more
///
/// For this tenant. `confirm` is that of the difference which was read: another difference needs another approval.
#[utoipa::path(post, path = "/v1/tenants/{tenant}/connectors/{id}/versions/{digest}/approval", tag = "versions", params(OfTenantVersion),
    request_body(content = Approval, example = json!({"confirm": "5e1f…"})),
    responses((status = 200, description = "It is approved.", body = ConnectorVersion), Refused, Unfound, BadBody, Opposed))]
async fn approve_tenant_version(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    At(place): At<OfTenantVersion>,
    JsonBody(approval): JsonBody<Approval>,
) -> Answer<Json<ConnectorVersion>> {
    Ok(Json(api.service.approve_version(&caller, Some(&place.tenant), &place.id, &place.digest, approval).await?))
}

/// Say which versions send
///
/// With the versions side by side: attempts, failures, latency. `tenant` is absent where the tenant follows what is decided
/// for all.
#[utoipa::path(get, path = "/v1/tenants/{tenant}/connectors/{id}/release", tag = "versions", params(OfTenantConnector),
    responses((status = 200, description = "What sends.", body = Release), Refused, Unfound, Opposed))]
async fn read_tenant_release(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    At(place): At<OfTenantConnector>,
) -> Answer<Json<Release>> {
    Ok(Json(api.service.release(&caller, Some(&place.tenant), &place.id).await?))
}

/// Follow what is decided for all tenants
///
/// The tenant's own decision about a connector of all tenants ends.
#[utoipa::path(delete, path = "/v1/tenants/{tenant}/connectors/{id}/release", tag = "versions", params(OfTenantConnector),
    responses((status = 200, description = "What sends now.", body = Release), Refused, Unfound, Opposed))]
async fn follow_all(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    At(place): At<OfTenantConnector>,
) -> Answer<Json<Release>> {
    Ok(Json(api.service.follow_all(&caller, &place.tenant, &place.id).await?))
}

/// Try a version on a share of the messages
///
/// Of this tenant. Which messages is decided by their ids, so that all tries of one meet one version. It is taken back by
/// itself when it traps, exceeds a limit, violates its manifest or fails more than the active one.
#[utoipa::path(put, path = "/v1/tenants/{tenant}/connectors/{id}/release/canary", tag = "versions", params(OfTenantConnector),
    request_body(content = CanaryStart, example = json!({"digest": "sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae", "percent": 10})),
    responses((status = 200, description = "It is tried.", body = Release), Refused, Unfound, BadBody, Opposed))]
async fn try_tenant_version(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    At(place): At<OfTenantConnector>,
    JsonBody(start): JsonBody<CanaryStart>,
) -> Answer<Json<Release>> {
    Ok(Json(api.service.start_canary(&caller, Some(&place.tenant), &place.id, start).await?))
}

/// End the trial of a version
///
/// Everything goes to the active version again.
#[utoipa::path(delete, path = "/v1/tenants/{tenant}/connectors/{id}/release/canary", tag = "versions", params(OfTenantConnector),
    responses((status = 200, description = "It is ended.", body = Release), Refused, Unfound, Opposed))]
async fn end_tenant_trial(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    At(place): At<OfTenantConnector>,
) -> Answer<Json<Release>> {
    Ok(Json(api.service.end_canary(&caller, Some(&place.tenant), &place.id).await?))
}

/// Activate a version
///
/// For this tenant, with the next message. Messages that are under way may end with the version before, which stays ready.
/// Connections that do not fit the version stay with one that they fit, and are named.
#[utoipa::path(post, path = "/v1/tenants/{tenant}/connectors/{id}/release/activations", tag = "versions", params(OfTenantConnector),
    request_body(content = VersionActivation, example = json!({"digest": "sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae"})),
    responses((status = 200, description = "It sends.", body = VersionActivated), Refused, Unfound, BadBody, Opposed))]
async fn activate_tenant_version(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    At(place): At<OfTenantConnector>,
    JsonBody(activation): JsonBody<VersionActivation>,
) -> Answer<Json<VersionActivated>> {
    Ok(Json(api.service.activate_version(&caller, Some(&place.tenant), &place.id, activation).await?))
}

/// Take the active version back
///
/// The one before sends again, with the next message.
#[utoipa::path(post, path = "/v1/tenants/{tenant}/connectors/{id}/release/rollbacks", tag = "versions", params(OfTenantConnector),
    request_body(content = RollbackRequest, example = json!({"reason": "two providers have complained"})),
    responses((status = 200, description = "The one before sends.", body = Release), Refused, Unfound, BadBody, Opposed))]
async fn roll_tenant_back(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    At(place): At<OfTenantConnector>,
    JsonBody(request): JsonBody<RollbackRequest>,
) -> Answer<Json<Release>> {
    Ok(Json(api.service.roll_back(&caller, Some(&place.tenant), &place.id, request).await?))
}
