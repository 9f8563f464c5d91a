//! What a tenant decides: flows, policy, test numbers; and lifting the limit of a number.

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use sendbox_domain::model::{Flows, Hold, Policy, Sensitive, TestNumbers, TestNumbersView};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Answer;
use crate::api::Api;
use crate::auth::Authenticated;
use crate::body::JsonBody;
use crate::place::{At, OfHold, OfTenant};
use crate::problem::{BadBody, Opposed, Refused, Unfound};

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::default()
        .routes(routes!(read_flows, set_flows))
        .routes(routes!(read_policy, set_policy))
        .routes(routes!(read_test_numbers, set_test_numbers))
        .routes(routes!(unlock_number))
        .routes(routes!(list_holds))
        .routes(routes!(lift_hold))
}

/// Read which flows are on
#[utoipa::path(get, path = "/v1/tenants/{tenant}/flows", tag = "settings", params(OfTenant),
    responses((status = 200, description = "All seven.", body = Flows), Refused, Unfound))]
async fn read_flows(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    At(place): At<OfTenant>,
) -> Answer<Json<Flows>> {
    Ok(Json(api.service.flows(&caller, &place.tenant).await?))
}

/// Switch flows on and off
///
/// A flow that is not named is off.
#[utoipa::path(put, path = "/v1/tenants/{tenant}/flows", tag = "settings", params(OfTenant),
    request_body(content = Flows, example = json!({"sign-up": true, "sign-in": true, "password-reset": true})),
    responses((status = 200, description = "All seven, as they are now.", body = Flows), Refused, Unfound, BadBody, Opposed))]
async fn set_flows(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    At(place): At<OfTenant>,
    JsonBody(flows): JsonBody<Flows>,
) -> Answer<Json<Flows>> {
    Ok(Json(api.service.set_flows(&caller, &place.tenant, flows).await?))
}

/// Read the policy
#[utoipa::path(get, path = "/v1/tenants/{tenant}/policy", tag = "settings", params(OfTenant),
    responses((status = 200, description = "All of it, defaults included.", body = Policy), Refused, Unfound))]
async fn read_policy(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    At(place): At<OfTenant>,
) -> Answer<Json<Policy>> {
    Ok(Json(api.service.policy(&caller, &place.tenant).await?))
}

/// Set the policy
///
/// All of it: what is left out goes back to its default.
#[utoipa::path(put, path = "/v1/tenants/{tenant}/policy", tag = "settings", params(OfTenant),
    request_body(content = Policy, example = json!({"codes": {"digits": 6, "lifetimeSeconds": 300}, "countries": {"only": ["DK", "DE"]}})),
    responses((status = 200, description = "As it is now.", body = Policy), Refused, Unfound, BadBody, Opposed))]
async fn set_policy(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    At(place): At<OfTenant>,
    JsonBody(policy): JsonBody<Policy>,
) -> Answer<Json<Policy>> {
    Ok(Json(api.service.set_policy(&caller, &place.tenant, policy).await?))
}

/// Read the test numbers
#[utoipa::path(get, path = "/v1/tenants/{tenant}/test-numbers", tag = "settings", params(OfTenant),
    responses((status = 200, description = "Masked, and without their codes.", body = TestNumbersView), Refused, Unfound))]
async fn read_test_numbers(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    At(place): At<OfTenant>,
) -> Answer<Json<TestNumbersView>> {
    Ok(Json(api.service.test_numbers(&caller, &place.tenant).await?))
}

/// Set the test numbers
///
/// Numbers that never get a message, each with the code that always fits it: for automated tests of a sign-in. All of them:
/// what is not here is removed.
#[utoipa::path(put, path = "/v1/tenants/{tenant}/test-numbers", tag = "settings", params(OfTenant),
    request_body(content = TestNumbers, example = json!({"numbers": [{"number": "+4512345678", "code": "424242"}]})),
    responses((status = 200, description = "As they are now.", body = TestNumbersView), Refused, Unfound, BadBody, Opposed))]
async fn set_test_numbers(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    At(place): At<OfTenant>,
    JsonBody(numbers): JsonBody<TestNumbers>,
) -> Answer<Json<TestNumbersView>> {
    Ok(Json(api.service.set_test_numbers(&caller, &place.tenant, numbers).await?))
}

/// A number to be unlocked.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Unlock {
    /// E.164, with `+`.
    #[schema(value_type = String, pattern = "^\\+[1-9][0-9]{6,14}$", example = "+4512345678")]
    to: Sensitive,
}

/// Unlock a number
///
/// Lifts the limit of failed checks, which is counted over all codes of a number.
#[utoipa::path(post, path = "/v1/tenants/{tenant}/unlocks", tag = "settings", params(OfTenant),
    request_body(content = Unlock, example = json!({"to": "+4512345678"})),
    responses((status = 204, description = "Codes of this number can be checked again."), Refused, Unfound, BadBody, Opposed))]
async fn unlock_number(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    At(place): At<OfTenant>,
    JsonBody(unlock): JsonBody<Unlock>,
) -> Answer<StatusCode> {
    api.service.unlock_number(&caller, &place.tenant, unlock.to).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// List the holds
///
/// Numbers that nothing is sent to for a while, because a provider suspects fraud there, with the reason and the end.
#[utoipa::path(get, path = "/v1/tenants/{tenant}/holds", tag = "settings", params(OfTenant),
    responses((status = 200, description = "Those that have not ended, the longest first.", body = Vec<Hold>), Refused, Unfound))]
async fn list_holds(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    At(place): At<OfTenant>,
) -> Answer<Json<Vec<Hold>>> {
    Ok(Json(api.service.holds(&caller, &place.tenant).await?))
}

/// Lift a hold
///
/// Messages to these numbers are let in again.
#[utoipa::path(delete, path = "/v1/tenants/{tenant}/holds/{hold}", tag = "settings", params(OfHold),
    responses((status = 204, description = "It is gone."), Refused, Unfound, Opposed))]
async fn lift_hold(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    At(place): At<OfHold>,
) -> Answer<StatusCode> {
    api.service.lift_hold(&caller, &place.tenant, &place.hold).await?;
    Ok(StatusCode::NO_CONTENT)
}
