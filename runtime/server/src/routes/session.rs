//! Sessions of the console: a key is exchanged for a cookie that no script can read.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header::SET_COOKIE;
use http::{HeaderMap, StatusCode};
use sendbox_domain::model::{Session, SignIn};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::ApiResult;
use crate::api::Api;
use crate::auth::SignedIn;
use crate::body::JsonBody;
use crate::problem::{InvalidBody, TooManyRequests, Unauthorized};
use crate::session::{self, Transport};

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::default().routes(routes!(create_session, retrieve_session, delete_session))
}

/// Create a session
///
/// Signs in to the console: the response sets a cookie that stands in for the key. Only pages of this server can use it; programs
/// send the key itself. The session ends after twelve hours, after an hour without a request, when it is deleted, or with the key.
///
/// Over a network without TLS the request fails with 403 (`insecure-transport`).
#[utoipa::path(post, path = "/v1/session", tag = "session",
    request_body(content = SignIn, description = "The key to sign in with.", example = json!({"key": "sbx_k1_…"})),
    responses(
        (status = 201, description = "You are signed in.", body = Session,
            headers(("Set-Cookie" = String, description = "The session's cookie."))),
        Unauthorized, InvalidBody, TooManyRequests,
    ))]
async fn create_session(
    State(api): State<Api>,
    transport: Transport,
    JsonBody(sign_in): JsonBody<SignIn>,
) -> ApiResult<Response> {
    let (secret, view) = api.service.open_session(sign_in).await?;
    let cookie = session::set(secret.expose(), transport)?;
    Ok((StatusCode::CREATED, [(SET_COOKIE, cookie)], Json(view)).into_response())
}

/// Retrieve the session
///
/// Returns whose credentials the request was sent with, and what they permit. Works with a session and with a key.
#[utoipa::path(get, path = "/v1/session", tag = "session",
    responses((status = 200, description = "The caller and its scopes.", body = Session), Unauthorized))]
async fn retrieve_session(signed_in: SignedIn) -> Json<Session> {
    Json(signed_in.view)
}

/// Delete the session
///
/// Signs out: the session ends immediately and the response clears the cookie. With a key instead of a session, nothing happens.
#[utoipa::path(delete, path = "/v1/session", tag = "session",
    responses((status = 204, description = "There is no session any more."), Unauthorized))]
async fn delete_session(State(api): State<Api>, signed_in: SignedIn, headers: HeaderMap) -> ApiResult<Response> {
    if let Some(cookie) = &signed_in.cookie {
        api.service.close_session(&signed_in.caller, cookie).await?;
    }
    Ok((StatusCode::NO_CONTENT, [(SET_COOKIE, session::clear(&headers)?)]).into_response())
}
