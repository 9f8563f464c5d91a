//! Signing in to the console: a key becomes a cookie that no script can read.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header::SET_COOKIE;
use http::{HeaderMap, StatusCode};
use sendbox_domain::model::{SessionView, SignIn};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Answer;
use crate::api::Api;
use crate::auth::SignedIn;
use crate::body::JsonBody;
use crate::problem::{BadBody, Refused};
use crate::session::{self, Transport};

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::default().routes(routes!(open_session, read_session, close_session))
}

/// Sign in
///
/// For pages of this server. The cookie of the answer stands for the key until it is given back, for twelve hours at most, one
/// hour without a request, and no longer than the key itself.
#[utoipa::path(post, path = "/v1/session", tag = "session",
    request_body(content = SignIn, example = json!({"key": "sbx_k1_…"})),
    responses(
        (status = 201, description = "Signed in.", body = SessionView, headers(("Set-Cookie" = String, description = "The session."))),
        Refused, BadBody,
    ))]
async fn open_session(
    State(api): State<Api>,
    transport: Transport,
    JsonBody(sign_in): JsonBody<SignIn>,
) -> Answer<Response> {
    let (secret, view) = api.service.open_session(sign_in).await?;
    let cookie = session::set(secret.expose(), transport)?;
    Ok((StatusCode::CREATED, [(SET_COOKIE, cookie)], Json(view)).into_response())
}

/// Say who asks
///
/// By a session or by a key.
#[utoipa::path(get, path = "/v1/session", tag = "session",
    responses((status = 200, description = "Whose key it is, and what it may do.", body = SessionView), Refused))]
async fn read_session(signed_in: SignedIn) -> Json<SessionView> {
    Json(signed_in.view)
}

/// Sign out
///
/// The session ends at once, and its cookie is taken back. A caller with a key has none to end.
#[utoipa::path(delete, path = "/v1/session", tag = "session",
    responses((status = 204, description = "There is no session any more."), Refused))]
async fn close_session(State(api): State<Api>, signed_in: SignedIn, headers: HeaderMap) -> Answer<Response> {
    if let Some(cookie) = &signed_in.cookie {
        api.service.close_session(&signed_in.caller, cookie).await?;
    }
    Ok((StatusCode::NO_CONTENT, [(SET_COOKIE, session::clear(&headers)?)]).into_response())
}
