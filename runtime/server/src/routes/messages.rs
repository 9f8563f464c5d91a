//! Messages that carry a code of the platform.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use sendbox_domain::model::{Message, MessageFilter, MessageSearch, MessageStatus, NewMessage, Page};
use sendbox_service::Error;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{ApiResult, with_location};
use crate::api::Api;
use crate::auth::Authenticated;
use crate::body::{JsonBody, fields_of_body};
use crate::idempotency::{IdempotencyHeader, IdempotencyKey};
use crate::path::{MessagePath, Path, TenantPath};
use crate::problem::{Conflict, FailedDependency, InvalidBody, InvalidQuery, NotFound, TooManyRequests, Unauthorized};
use crate::query::Query;

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::default()
        .routes(routes!(create_message, list_messages))
        .routes(routes!(search_messages))
        .routes(routes!(retrieve_message))
        .routes(routes!(cancel_message))
}

/// Create a message
///
/// Sends a code that your platform made and will check itself. To let Sendbox make and check the code, create a verification
/// instead.
///
/// - **200**: a provider accepted the message.
/// - **202**: the message is stored and its outcome is open (`queued`, `sending`) or will never be known (`in-doubt`). Retrieve it
///   at the `Location`.
/// - **424**: the message is stored and was not sent. `message.failure` says who failed and what to do.
/// - **Any other 4xx**: nothing was stored and nothing was sent.
/// - **503**: with `store-unavailable` nothing was stored; with `outcome-unknown` the message may have been stored, so repeat the
///   request with the same `Idempotency-Key`.
///
/// One request causes no more physical messages than the policy's `maxMessages`, over retries, fallbacks and crashes. Nothing is
/// sent after the code has expired.
#[utoipa::path(post, path = "/v1/tenants/{tenant}/messages", tag = "messages", params(TenantPath, IdempotencyHeader),
    request_body(content = NewMessage, description = "The message to send.",
        example = json!({"to": "+4512345678", "usage": "sign-in", "code": "123456", "locale": "en"})),
    responses(
        (status = 200, description = "A provider accepted the message.", body = Message),
        (status = 202, description = "The message is stored, and its outcome is open or unknown.", body = Message,
            headers(("Location" = String, description = "The path of the message."))),
        Unauthorized, NotFound, InvalidBody, Conflict, FailedDependency, TooManyRequests,
    ))]
async fn create_message(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    Path(path): Path<TenantPath>,
    IdempotencyKey(key): IdempotencyKey,
    JsonBody(new): JsonBody<NewMessage>,
) -> ApiResult<Response> {
    let message = api.service.send_message(&caller, &path.tenant, new, key.as_deref()).await?;
    match message.status {
        MessageStatus::Accepted => Ok(Json(message).into_response()),
        MessageStatus::Queued | MessageStatus::Sending | MessageStatus::InDoubt => {
            let location = format!("/v1/tenants/{}/messages/{}", &*path.tenant, message.id);
            Ok(with_location(StatusCode::ACCEPTED, &location, &message))
        }
        MessageStatus::Failed | MessageStatus::Expired | MessageStatus::Cancelled => {
            Err(Error::NotSent { message: Box::new(message), verification: None }.into())
        }
    }
}

/// List messages
///
/// Returns messages, newest first, including those of verifications. Attempts are listed without their details; retrieve a message
/// to see its requests and traces. To find the messages to a phone number, search messages.
#[utoipa::path(get, path = "/v1/tenants/{tenant}/messages", tag = "messages", params(TenantPath, MessageFilter),
    responses((status = 200, description = "A page of messages.", body = Page<Message>), Unauthorized, NotFound, InvalidQuery))]
async fn list_messages(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    Path(path): Path<TenantPath>,
    Query(filter): Query<MessageFilter>,
) -> ApiResult<Json<Page<Message>>> {
    Ok(Json(api.service.messages(&caller, &path.tenant, filter).await?))
}

/// Search messages
///
/// Returns the messages to a phone number, newest first. The number is in the body of the request, because URLs are logged on their way.
#[utoipa::path(post, path = "/v1/tenants/{tenant}/messages/search", tag = "messages", params(TenantPath),
    request_body(content = MessageSearch, description = "The number, and other filters.", example = json!({"to": "+4512345678"})),
    responses((status = 200, description = "A page of messages.", body = Page<Message>), Unauthorized, NotFound, InvalidBody))]
async fn search_messages(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    Path(path): Path<TenantPath>,
    JsonBody(search): JsonBody<MessageSearch>,
) -> ApiResult<Json<Page<Message>>> {
    let (to, filter) = search.split();
    Ok(Json(api.service.messages_to(&caller, &path.tenant, filter, Some(to)).await.map_err(fields_of_body)?))
}

/// Cancel a message
///
/// Ends a message that waits for its first or next attempt: nothing more of it is sent, and it gives back what it took of the limits. If an
/// earlier attempt may have reached the recipient, its status becomes `in-doubt` instead of `cancelled`. Cancelling a cancelled message
/// changes nothing.
///
/// While an attempt is in progress, and when the message has ended otherwise, the request fails with 409. To cancel the message of a
/// verification, cancel the verification.
#[utoipa::path(post, path = "/v1/tenants/{tenant}/messages/{id}/cancel", tag = "messages", params(MessagePath),
    responses((status = 200, description = "The message, as it is now.", body = Message), Unauthorized, NotFound, Conflict))]
async fn cancel_message(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    Path(path): Path<MessagePath>,
) -> ApiResult<Json<Message>> {
    Ok(Json(api.service.cancel_message(&caller, &path.tenant, &path.id).await?))
}

/// Retrieve a message
///
/// Returns the message with every attempt: why the connection was chosen, what was requested, what the provider answered, and what
/// was decided. Secrets, codes, texts and phone numbers are masked.
#[utoipa::path(get, path = "/v1/tenants/{tenant}/messages/{id}", tag = "messages", params(MessagePath),
    responses((status = 200, description = "The message, with the details of every attempt.", body = Message), Unauthorized, NotFound))]
async fn retrieve_message(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    Path(path): Path<MessagePath>,
) -> ApiResult<Json<Message>> {
    Ok(Json(api.service.message(&caller, &path.tenant, &path.id).await?))
}
