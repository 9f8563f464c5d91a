//! Verifications: Sendbox makes the code, sends it, and checks it.

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use sendbox_domain::model::{Check, NewVerification, Resend, Verification};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Answer, located};
use crate::api::Api;
use crate::auth::Authenticated;
use crate::body::{JsonBody, OptionalJsonBody};
use crate::idempotency::{IdempotencyHeader, IdempotencyKey};
use crate::place::{At, OfRecord, OfTenant};
use crate::problem::{BadBody, Ended, Limits, Opposed, Refused, Unfound, Unsent};

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::default()
        .routes(routes!(start_verification))
        .routes(routes!(read_verification))
        .routes(routes!(check_verification))
        .routes(routes!(resend_verification))
        .routes(routes!(cancel_verification))
}

/// Start a verification
///
/// Makes a code and sends it. It takes the place of an earlier one of the same number and usage. Keep the `id`: the code is
/// checked against it. When the message was not sent (424), the verification stays open for a resend.
#[utoipa::path(post, path = "/v1/tenants/{tenant}/verifications", tag = "verifications", params(OfTenant, IdempotencyHeader),
    request_body(content = NewVerification, example = json!({"to": "+4512345678", "usage": "sign-in", "locale": "en"})),
    responses(
        (status = 201, description = "It is started.", body = Verification,
            headers(("Location" = String, description = "Its path."))),
        Refused, Unfound, BadBody, Opposed, Unsent, Limits,
    ))]
async fn start_verification(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    At(place): At<OfTenant>,
    IdempotencyKey(key): IdempotencyKey,
    JsonBody(new): JsonBody<NewVerification>,
) -> Answer<Response> {
    let verification = api.service.start_verification(&caller, &place.tenant, new, key.as_deref()).await?;
    let path = format!("/v1/tenants/{}/verifications/{}", &*place.tenant, verification.id);
    Ok(located(StatusCode::CREATED, &path, &verification))
}

/// Read a verification
#[utoipa::path(get, path = "/v1/tenants/{tenant}/verifications/{id}", tag = "verifications", params(OfRecord),
    responses((status = 200, description = "The verification.", body = Verification), Refused, Unfound))]
async fn read_verification(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    At(place): At<OfRecord>,
) -> Answer<Json<Verification>> {
    Ok(Json(api.service.verification(&caller, &place.tenant, &place.id).await?))
}

/// Check a code
///
/// **Only a 2xx answer means that the code was right.** Everything else means that it was not, or could not be checked: 422 for
/// a wrong code, 410 when the verification has ended, 429 when too many codes of this number were wrong. A right code is right
/// once.
#[utoipa::path(post, path = "/v1/tenants/{tenant}/verifications/{id}/check", tag = "verifications", params(OfRecord),
    request_body(content = Check, example = json!({"code": "123456"})),
    responses(
        (status = 200, description = "The code was right; the verification is approved.", body = Verification),
        Refused, Unfound, BadBody, Opposed, Ended, Limits,
    ))]
async fn check_verification(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    At(place): At<OfRecord>,
    JsonBody(check): JsonBody<Check>,
) -> Answer<Json<Verification>> {
    Ok(Json(api.service.check_verification(&caller, &place.tenant, &place.id, check).await?))
}

/// Send a new code
///
/// When the user asks for one. The code before ends.
#[utoipa::path(post, path = "/v1/tenants/{tenant}/verifications/{id}/resend", tag = "verifications", params(OfRecord),
    request_body(content = Option<Resend>, example = json!({"mode": "sync"})),
    responses(
        (status = 200, description = "A new code is sent.", body = Verification),
        Refused, Unfound, BadBody, Opposed, Ended, Unsent, Limits,
    ))]
async fn resend_verification(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    At(place): At<OfRecord>,
    OptionalJsonBody(resend): OptionalJsonBody<Resend>,
) -> Answer<Json<Verification>> {
    Ok(Json(api.service.resend_verification(&caller, &place.tenant, &place.id, resend).await?))
}

/// End a verification
///
/// Its code is worth nothing any more, and what was not sent yet is not sent.
#[utoipa::path(post, path = "/v1/tenants/{tenant}/verifications/{id}/cancel", tag = "verifications", params(OfRecord),
    responses((status = 200, description = "It is cancelled.", body = Verification), Refused, Unfound, Opposed, Ended))]
async fn cancel_verification(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    At(place): At<OfRecord>,
) -> Answer<Json<Verification>> {
    Ok(Json(api.service.cancel_verification(&caller, &place.tenant, &place.id).await?))
}
