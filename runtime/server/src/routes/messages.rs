//! Messages with codes that the platform made.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use sendbox_domain::model::{Message, MessageFilter, MessageStatus, NewMessage, Page};
use sendbox_service::Error;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Answer, located};
use crate::api::Api;
use crate::auth::Authenticated;
use crate::body::JsonBody;
use crate::idempotency::{IdempotencyHeader, IdempotencyKey};
use crate::place::{At, OfRecord, OfTenant};
use crate::problem::{BadBody, BadQuery, Limits, Opposed, Refused, Unfound, Unsent};
use crate::query::Query;

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::default().routes(routes!(send_message, list_messages)).routes(routes!(read_message))
}

/// Send a message
///
/// With a code that the platform made and will check itself. 200 means that a provider took it. With 202 it is on disk and its
/// outcome is open (`queued`, `sending`), or nobody will ever know (`in-doubt`): read it at `Location`.
#[utoipa::path(post, path = "/v1/tenants/{tenant}/messages", tag = "messages", params(OfTenant, IdempotencyHeader),
    request_body(content = NewMessage, example = json!({"to": "+4512345678", "usage": "sign-in", "code": "123456", "locale": "en"})),
    responses(
        (status = 200, description = "A provider took it.", body = Message),
        (status = 202, description = "It is on record, and its outcome is open or unknown.", body = Message,
            headers(("Location" = String, description = "Its path."))),
        Refused, Unfound, BadBody, Opposed, Unsent, Limits,
    ))]
async fn send_message(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    At(place): At<OfTenant>,
    IdempotencyKey(key): IdempotencyKey,
    JsonBody(new): JsonBody<NewMessage>,
) -> Answer<Response> {
    let message = api.service.send_message(&caller, &place.tenant, new, key.as_deref()).await?;
    match message.status {
        MessageStatus::Accepted => Ok(Json(message).into_response()),
        MessageStatus::Queued | MessageStatus::Sending | MessageStatus::InDoubt => {
            let path = format!("/v1/tenants/{}/messages/{}", &*place.tenant, message.id);
            Ok(located(StatusCode::ACCEPTED, &path, &message))
        }
        MessageStatus::Failed | MessageStatus::Expired | MessageStatus::Cancelled => {
            Err(Error::NotSent { message: Box::new(message), verification: None }.into())
        }
    }
}

/// List messages
///
/// Those of verifications included.
#[utoipa::path(get, path = "/v1/tenants/{tenant}/messages", tag = "messages", params(OfTenant, MessageFilter),
    responses((status = 200, description = "A page of them.", body = Page<Message>), Refused, Unfound, BadQuery))]
async fn list_messages(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    At(place): At<OfTenant>,
    Query(filter): Query<MessageFilter>,
) -> Answer<Json<Page<Message>>> {
    Ok(Json(api.service.messages(&caller, &place.tenant, filter).await?))
}

/// Read a message
///
/// With every attempt, and what was sent in each, masked.
#[utoipa::path(get, path = "/v1/tenants/{tenant}/messages/{id}", tag = "messages", params(OfRecord),
    responses((status = 200, description = "The message.", body = Message), Refused, Unfound))]
async fn read_message(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    At(place): At<OfRecord>,
) -> Answer<Json<Message>> {
    Ok(Json(api.service.message(&caller, &place.tenant, &place.id).await?))
}
