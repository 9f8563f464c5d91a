//! The middleware of every request: an id, one log line, the headers of every response, and completion even when the client
//! disconnects.
//!
//! The line names the route by its template and the caller by its key's id. It never holds the path, the query, a header or
//! a body: they may hold phone numbers, codes, keys and the token of a callback URL.

use std::sync::{Arc, OnceLock};
use std::time::Instant;

use axum::RequestExt;
use axum::extract::{MatchedPath, RawPathParams, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderName, HeaderValue, Method};
use sendbox_service::{Caller, Error};

use crate::api::Lifecycle;
use crate::problem::{self, ApiError, Kind};
use crate::{drain, path};

/// The header with the request's id.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The caller in the log line. It is set once the caller is authenticated.
#[derive(Clone, Default)]
pub(crate) struct LogContext(Arc<OnceLock<String>>);

impl LogContext {
    pub(crate) fn set_caller(&self, caller: &Caller) {
        let actor = match caller {
            Caller::Platform => "platform".to_owned(),
            Caller::Key { key, .. } => format!("key:{key}"),
        };
        // A request has one caller.
        let _ = self.0.set(actor);
    }
}

/// Handles a request from its head to its response.
pub(crate) async fn middleware(State(lifecycle): State<Lifecycle>, mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let id = new_id();
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let tenant = tenant(&mut request).await;
    let context = LogContext::default();
    request.extensions_mut().insert(context.clone());

    let (parts, body) = request.into_parts();
    let (body, unread) = drain::share(body, &parts.headers);
    let response = run_to_completion(&lifecycle, next, Request::from_parts(parts, body)).await;
    if let Some(unread) = unread {
        unread.drain().await;
    }
    let mut response = problem::render(response, &method, &id);

    let headers = response.headers_mut();
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if let Ok(value) = HeaderValue::from_str(&id) {
        headers.insert(REQUEST_ID, value);
    }
    tracing::info!(
        method = method_name(&method),
        route = route.as_ref().map_or("none", MatchedPath::as_str),
        status = response.status().as_u16(),
        ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
        request = id,
        tenant,
        actor = context.0.get(),
        "request"
    );
    response
}

/// Runs the handler in a task of its own, so that a client that disconnects interrupts nothing. Only the end of the server's grace
/// period does.
async fn run_to_completion(lifecycle: &Lifecycle, next: Next, request: Request) -> Response {
    let abort = lifecycle.abort.clone();
    let task = lifecycle.requests.spawn(async move {
        tokio::select! {
            biased;
            response = next.run(request) => response,
            () = abort.cancelled() => ApiError::from(Error::Stopping).into_response(),
        }
    });
    match task.await {
        Ok(response) => response,
        Err(_) => panicked(),
    }
}

/// The response to a panic. It quotes nothing of the panic's message.
pub(crate) fn panicked() -> Response {
    tracing::error!("a request panicked");
    ApiError::of(Kind::Internal, Kind::Internal.meaning()).into_response()
}

/// The tenant in the path, if it could be one.
async fn tenant(request: &mut Request) -> Option<String> {
    let parts = request.extract_parts::<RawPathParams>().await.ok()?;
    let tenant = parts.iter().find_map(|(name, value)| (name == "tenant").then_some(value))?;
    path::is_tenant(tenant).then(|| tenant.to_owned())
}

/// The method, if a route could have it. Any other is text that the client made up.
fn method_name(method: &Method) -> &str {
    match *method {
        Method::GET | Method::HEAD | Method::POST | Method::PUT | Method::PATCH | Method::DELETE | Method::OPTIONS => {
            method.as_str()
        }
        _ => "other",
    }
}

/// 64 random bits. A request is handled even when the system has no random numbers.
fn new_id() -> String {
    let mut bytes = [0; 8];
    if getrandom::fill(&mut bytes).is_err() {
        return "none".to_owned();
    }
    hex::encode(bytes)
}
