//! Events of a tenant.

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use sendbox_domain::model::{Event, EventFilter, EventResend, Page};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::ApiResult;
use crate::api::Api;
use crate::auth::Authenticated;
use crate::body::OptionalJsonBody;
use crate::path::{EventPath, Path, TenantPath};
use crate::problem::{Conflict, InvalidBody, InvalidQuery, NotFound, Unauthorized};
use crate::query::Query;

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::default().routes(routes!(list_events)).routes(routes!(retrieve_event)).routes(routes!(resend_event))
}

/// List events
///
/// Returns events, newest first, with what has become of them at each webhook endpoint. Events are recorded while an enabled endpoint wants
/// them, and kept for 7 days. A tenant has at most 100,000: the oldest are deleted when there are more, and `droppedEvents` of an endpoint
/// counts those that were not delivered by then.
#[utoipa::path(get, path = "/v1/tenants/{tenant}/events", tag = "webhooks", params(TenantPath, EventFilter),
    responses((status = 200, description = "A page of events.", body = Page<Event>), Unauthorized, NotFound, InvalidQuery))]
async fn list_events(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    Path(path): Path<TenantPath>,
    Query(filter): Query<EventFilter>,
) -> ApiResult<Json<Page<Event>>> {
    Ok(Json(api.service.events(&caller, &path.tenant, filter).await?))
}

/// Retrieve an event
///
/// Returns one event, with its attempts at each webhook endpoint.
#[utoipa::path(get, path = "/v1/tenants/{tenant}/events/{event}", tag = "webhooks", params(EventPath),
    responses((status = 200, description = "The event.", body = Event), Unauthorized, NotFound))]
async fn retrieve_event(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    Path(path): Path<EventPath>,
) -> ApiResult<Json<Event>> {
    Ok(Json(api.service.event(&caller, &path.tenant, &path.event).await?))
}

/// Resend an event
///
/// Sends the event again, with the same `webhook-id`: to the endpoint that the body names, or to every enabled endpoint that it was meant
/// for. It has as many attempts as a new event. The body is optional.
#[utoipa::path(post, path = "/v1/tenants/{tenant}/events/{event}/resend", tag = "webhooks", params(EventPath),
    request_body(content = Option<EventResend>, description = "Where to send it.", example = json!({"endpoint": "w7k3x9q2v5t8w4n6p1r0d"})),
    responses((status = 202, description = "The event, which is being sent.", body = Event), Unauthorized, NotFound, InvalidBody, Conflict))]
async fn resend_event(
    State(api): State<Api>,
    Authenticated(caller): Authenticated,
    Path(path): Path<EventPath>,
    OptionalJsonBody(resend): OptionalJsonBody<EventResend>,
) -> ApiResult<(StatusCode, Json<Event>)> {
    let event = api.service.resend_event(&caller, &path.tenant, &path.event, resend).await?;
    Ok((StatusCode::ACCEPTED, Json(event)))
}
