//! Verifications: Sendbox makes the code, sends it, and checks it.

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use sendbox_domain::model::{
    Check, NewVerification, Page, Resend, Verification, VerificationFilter, VerificationSearch,
};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{ApiResult, with_location};
use crate::api::Api;
use crate::auth::Authenticated;
use crate::body::{JsonBody, OptionalJsonBody, fields_of_body};
use crate::idempotency::{IdempotencyHeader, IdempotencyKey};
use crate::path::{Path, TenantPath, VerificationPath};
use crate::problem::{
    Conflict, FailedDependency, Gone, InvalidBody, InvalidQuery, NotFound, TooManyRequests, Unauthorized,
};
use crate::query::Query;

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::default()
        .routes(routes!(create_verification, list_verifications))
        .routes(routes!(search_verifications))
        .routes(routes!(retrieve_verification))
        .routes(routes!(check_verification))
        .routes(routes!(resend_verification))
        .routes(routes!(cancel_verification))
}

/// Create a verification
///
/// Makes a code and sends it. Keep the `id`: you check the code against it. A pending verification of the same number and usage is
/// superseded as soon as the message may have been sent.
///
/// - **201**: the verification is pending, and its message was accepted or is on its way (`message.status`).
/// - **424**: the message was not sent. The verification in the response is still pending: resend its code, or cancel it.
/// - **Any other 4xx**: nothing was stored and nothing was sent.
#[utoipa::path(post, path = "/v1/tenants/{tenant}/verifications", tag = "verifications", params(TenantPath, IdempotencyHeader),
    request_body(content = NewVerification, description = "Whom to verify, and why.",
        example = json!({"to": "+4512345678", "usage": "sign-in", "locale": "en"})),
    responses(
        (status = 201, description = "The verification is pending.", body = Verification,
            headers(("Location" = String, description = "The path of the verification."))),
        Unauthorized, NotFound, InvalidBody, Conflict, FailedDependency, TooManyRequests,
    ))]
async fn create_verification(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    Path(path): Path<TenantPath>,
    IdempotencyKey(key): IdempotencyKey,
    JsonBody(new): JsonBody<NewVerification>,
) -> ApiResult<Response> {
    let verification = api.service.start_verification(&caller, &path.tenant, new, key.as_deref()).await?;
    let location = format!("/v1/tenants/{}/verifications/{}", &*path.tenant, verification.id);
    Ok(with_location(StatusCode::CREATED, &location, &verification))
}

/// List verifications
///
/// Returns verifications, newest first. To find those of a phone number, search verifications.
#[utoipa::path(get, path = "/v1/tenants/{tenant}/verifications", tag = "verifications", params(TenantPath, VerificationFilter),
    responses((status = 200, description = "A page of verifications.", body = Page<Verification>), Unauthorized, NotFound, InvalidQuery))]
async fn list_verifications(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    Path(path): Path<TenantPath>,
    Query(filter): Query<VerificationFilter>,
) -> ApiResult<Json<Page<Verification>>> {
    Ok(Json(api.service.verifications(&caller, &path.tenant, filter, None).await?))
}

/// Search verifications
///
/// Returns the verifications of a phone number, newest first. The number is in the body of the request, because URLs are logged on their
/// way.
#[utoipa::path(post, path = "/v1/tenants/{tenant}/verifications/search", tag = "verifications", params(TenantPath),
    request_body(content = VerificationSearch, description = "The number, and other filters.",
        example = json!({"to": "+4512345678"})),
    responses((status = 200, description = "A page of verifications.", body = Page<Verification>), Unauthorized, NotFound, InvalidBody))]
async fn search_verifications(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    Path(path): Path<TenantPath>,
    JsonBody(search): JsonBody<VerificationSearch>,
) -> ApiResult<Json<Page<Verification>>> {
    let (to, filter) = search.split();
    Ok(Json(api.service.verifications(&caller, &path.tenant, filter, Some(to)).await.map_err(fields_of_body)?))
}

/// Retrieve a verification
///
/// Returns its status, what is left of its tries and resends, and when its code expires. The code itself is never returned.
#[utoipa::path(get, path = "/v1/tenants/{tenant}/verifications/{id}", tag = "verifications", params(VerificationPath),
    responses((status = 200, description = "The verification.", body = Verification), Unauthorized, NotFound))]
async fn retrieve_verification(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    Path(path): Path<VerificationPath>,
) -> ApiResult<Json<Verification>> {
    Ok(Json(api.service.verification(&caller, &path.tenant, &path.id).await?))
}

/// Check a verification
///
/// **Only a 2xx response means that the code was right.** A right code is right once.
///
/// - **200**: the code was right, and the verification is `approved`.
/// - **422** (`wrong-code`): the code was wrong and the try was counted. Ask the user again while `triesLeft` is above 0.
/// - **410**: the verification has ended. Create a new one.
/// - **429**: too many codes of this number were wrong.
///
/// If you lose a response, repeat the request with its `Idempotency-Key`: you get the same result, and the try is counted once.
#[utoipa::path(post, path = "/v1/tenants/{tenant}/verifications/{id}/check", tag = "verifications", params(VerificationPath, IdempotencyHeader),
    request_body(content = Check, description = "The code that the user entered.", example = json!({"code": "123456"})),
    responses(
        (status = 200, description = "The code was right; the verification is approved.", body = Verification),
        Unauthorized, NotFound, InvalidBody, Conflict, Gone, TooManyRequests,
    ))]
async fn check_verification(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    Path(path): Path<VerificationPath>,
    IdempotencyKey(key): IdempotencyKey,
    JsonBody(check): JsonBody<Check>,
) -> ApiResult<Json<Verification>> {
    Ok(Json(api.service.check_verification(&caller, &path.tenant, &path.id, check, key.as_deref()).await?))
}

/// Resend a verification
///
/// Makes a new code and sends it. The previous code stops working as soon as the message may have been sent; while the message is on its
/// way both codes work, and a check counts as a try of both. You can resend a `pending` or `exhausted` verification from
/// `resendAvailableAt` on, while `sendsLeft` is above 0. The body is optional.
///
/// If the message was not sent, the request fails with 424, and the previous code still works, with the tries and the time that it had
/// left.
#[utoipa::path(post, path = "/v1/tenants/{tenant}/verifications/{id}/resend", tag = "verifications", params(VerificationPath, IdempotencyHeader),
    request_body(content = Option<Resend>, description = "How to resend.", example = json!({"mode": "sync"})),
    responses(
        (status = 200, description = "A new code was made, and its message was accepted or is on its way.", body = Verification),
        Unauthorized, NotFound, InvalidBody, Conflict, Gone, FailedDependency, TooManyRequests,
    ))]
async fn resend_verification(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    Path(path): Path<VerificationPath>,
    IdempotencyKey(key): IdempotencyKey,
    OptionalJsonBody(resend): OptionalJsonBody<Resend>,
) -> ApiResult<Json<Verification>> {
    Ok(Json(api.service.resend_verification(&caller, &path.tenant, &path.id, resend, key.as_deref()).await?))
}

/// Cancel a verification
///
/// Ends the verification: its code stops working, and a message that has not been sent yet is not sent. If it has already ended
/// otherwise, the request fails with 410.
#[utoipa::path(post, path = "/v1/tenants/{tenant}/verifications/{id}/cancel", tag = "verifications", params(VerificationPath),
    responses((status = 200, description = "The verification is cancelled.", body = Verification), Unauthorized, NotFound, Conflict, Gone))]
async fn cancel_verification(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    Path(path): Path<VerificationPath>,
) -> ApiResult<Json<Verification>> {
    Ok(Json(api.service.cancel_verification(&caller, &path.tenant, &path.id).await?))
}
