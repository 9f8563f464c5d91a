//! Settings of a tenant: flows, policy, test numbers, blocked and held numbers.

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use sendbox_domain::model::{Flows, Hold, MaskedTestNumbers, Policy, Sensitive, TestNumbers};
use sendbox_service::policy_revision;
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::ApiResult;
use crate::api::Api;
use crate::auth::Authenticated;
use crate::body::JsonBody;
use crate::path::{HoldPath, Path, TenantPath};
use crate::problem::{Conflict, InvalidBody, NotFound, PreconditionFailed, Unauthorized};
use crate::revision::{IfMatchHeader, IfMatchParameter, tagged};

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::default()
        .routes(routes!(retrieve_flows, replace_flows))
        .routes(routes!(retrieve_policy, replace_policy))
        .routes(routes!(retrieve_test_numbers, replace_test_numbers))
        .routes(routes!(unlock_number))
        .routes(routes!(list_holds))
        .routes(routes!(lift_hold))
}

/// Retrieve the flows
///
/// Returns the seven flows and whether each is enabled. Messages and verifications of a disabled flow fail with 409
/// (`flow-disabled`).
#[utoipa::path(get, path = "/v1/tenants/{tenant}/flows", tag = "settings", params(TenantPath),
    responses((status = 200, description = "Every flow.", body = Flows), Unauthorized, NotFound))]
async fn retrieve_flows(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    Path(path): Path<TenantPath>,
) -> ApiResult<Json<Flows>> {
    Ok(Json(api.service.flows(&caller, &path.tenant).await?))
}

/// Replace the flows
///
/// Enables the flows that you set to `true`. A flow that you leave out is disabled.
#[utoipa::path(put, path = "/v1/tenants/{tenant}/flows", tag = "settings", params(TenantPath),
    request_body(content = Flows, description = "The flows to enable.",
        example = json!({"sign-up": true, "sign-in": true, "password-reset": true})),
    responses((status = 200, description = "Every flow, as it is now.", body = Flows), Unauthorized, NotFound, InvalidBody, Conflict))]
async fn replace_flows(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    Path(path): Path<TenantPath>,
    JsonBody(flows): JsonBody<Flows>,
) -> ApiResult<Json<Flows>> {
    Ok(Json(api.service.set_flows(&caller, &path.tenant, flows).await?))
}

/// Retrieve the policy
///
/// Returns the whole policy, defaults included.
#[utoipa::path(get, path = "/v1/tenants/{tenant}/policy", tag = "settings", params(TenantPath),
    responses((status = 200, description = "The policy.", body = Policy,
        headers(("ETag" = String, description = "The revision of the policy, for `If-Match`."))), Unauthorized, NotFound))]
async fn retrieve_policy(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    Path(path): Path<TenantPath>,
) -> ApiResult<Response> {
    let policy = api.service.policy(&caller, &path.tenant).await?;
    Ok(tagged(&policy_revision(&policy), &policy))
}

/// Replace the policy
///
/// Sets codes, limits, countries, spending and delivery. What you leave out returns to its default. The policy applies to messages
/// and verifications that are created from now on.
///
/// Send the `ETag` of the policy that you read in `If-Match`, so that you do not overwrite what somebody else has saved since.
#[utoipa::path(put, path = "/v1/tenants/{tenant}/policy", tag = "settings", params(TenantPath, IfMatchParameter),
    request_body(content = Policy, description = "The whole policy.",
        example = json!({"codes": {"digits": 6, "lifetimeSeconds": 300}, "countries": {"only": ["DK", "DE"]}})),
    responses((status = 200, description = "The policy, as it is now.", body = Policy,
        headers(("ETag" = String, description = "The revision of the policy, for `If-Match`."))),
        Unauthorized, NotFound, InvalidBody, Conflict, PreconditionFailed))]
async fn replace_policy(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    Path(path): Path<TenantPath>,
    IfMatchHeader(if_match): IfMatchHeader,
    JsonBody(policy): JsonBody<Policy>,
) -> ApiResult<Response> {
    let policy = api.service.set_policy_if(&caller, &path.tenant, policy, &if_match).await?;
    Ok(tagged(&policy_revision(&policy), &policy))
}

/// Retrieve the test numbers
///
/// Returns the test numbers, masked and without their codes.
#[utoipa::path(get, path = "/v1/tenants/{tenant}/test-numbers", tag = "settings", params(TenantPath),
    responses((status = 200, description = "The test numbers, masked.", body = MaskedTestNumbers), Unauthorized, NotFound))]
async fn retrieve_test_numbers(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    Path(path): Path<TenantPath>,
) -> ApiResult<Json<MaskedTestNumbers>> {
    Ok(Json(api.service.test_numbers(&caller, &path.tenant).await?))
}

/// Replace the test numbers
///
/// A test number never receives a message, and its fixed code is always right: use it in automated tests of your sign-in. A number
/// that you leave out is removed. A production tenant gets test numbers with the platform key only.
#[utoipa::path(put, path = "/v1/tenants/{tenant}/test-numbers", tag = "settings", params(TenantPath),
    request_body(content = TestNumbers, description = "Every test number, with its code.",
        example = json!({"numbers": [{"number": "+4512345678", "code": "424242"}]})),
    responses(
        (status = 200, description = "The test numbers as they are now, masked.", body = MaskedTestNumbers),
        Unauthorized, NotFound, InvalidBody, Conflict,
    ))]
async fn replace_test_numbers(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    Path(path): Path<TenantPath>,
    JsonBody(numbers): JsonBody<TestNumbers>,
) -> ApiResult<Json<MaskedTestNumbers>> {
    Ok(Json(api.service.set_test_numbers(&caller, &path.tenant, numbers).await?))
}

/// A number to unlock.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Unlock {
    /// The phone number in E.164 format.
    #[schema(value_type = String, pattern = "^\\+[1-9][0-9]{6,14}$", example = "+4512345678")]
    number: Sensitive,
}

/// Unlock a number
///
/// Resets the count of failed checks of a number. After 100 failed checks in 24 hours, over all its verifications and without a right
/// code, the number is locked: checks fail with 429, and no code is sent to it. It opens again when the oldest failures are a day old
/// (`Retry-After`), or when you unlock it.
#[utoipa::path(post, path = "/v1/tenants/{tenant}/unlocks", tag = "settings", params(TenantPath),
    request_body(content = Unlock, description = "The number to unlock.", example = json!({"number": "+4512345678"})),
    responses((status = 204, description = "Codes of this number can be checked again."), Unauthorized, NotFound, InvalidBody, Conflict))]
async fn unlock_number(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    Path(path): Path<TenantPath>,
    JsonBody(unlock): JsonBody<Unlock>,
) -> ApiResult<StatusCode> {
    api.service.unlock_number(&caller, &path.tenant, unlock.number).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// List holds
///
/// A hold stops messages to the thousand numbers that share all but their last three digits, because a provider suspects fraud
/// there. Returns the holds that are in effect, the one that ends last first.
#[utoipa::path(get, path = "/v1/tenants/{tenant}/holds", tag = "settings", params(TenantPath),
    responses((status = 200, description = "The holds that are in effect.", body = Vec<Hold>), Unauthorized, NotFound))]
async fn list_holds(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    Path(path): Path<TenantPath>,
) -> ApiResult<Json<Vec<Hold>>> {
    Ok(Json(api.service.holds(&caller, &path.tenant).await?))
}

/// Lift a hold
///
/// Messages to these numbers are accepted again from now on.
#[utoipa::path(delete, path = "/v1/tenants/{tenant}/holds/{hold}", tag = "settings", params(HoldPath),
    responses((status = 204, description = "The hold was lifted."), Unauthorized, NotFound, Conflict))]
async fn lift_hold(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    Path(path): Path<HoldPath>,
) -> ApiResult<StatusCode> {
    api.service.lift_hold(&caller, &path.tenant, &path.hold).await?;
    Ok(StatusCode::NO_CONTENT)
}
