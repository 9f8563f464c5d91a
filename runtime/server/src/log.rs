//! What goes with every request: an id, one log line, the headers of every answer, and that it is ended.
//!
//! The line names the route by its template and the caller by its key's id. It never holds the path, the query, a header or
//! a body: they may hold numbers, codes, keys and the token of an address for reports.

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
use crate::problem::{self, Kind, Refusal};
use crate::{drain, place};

/// The header with the request's id.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// What a handler leaves behind for the log line.
#[derive(Clone, Default)]
pub(crate) struct Trail(Arc<OnceLock<String>>);

impl Trail {
    /// Notes who asked.
    pub(crate) fn actor(&self, caller: &Caller) {
        let actor = match caller {
            Caller::Platform => "platform".to_owned(),
            Caller::Key { key, .. } => format!("key:{key}"),
        };
        // A request has one caller.
        let _ = self.0.set(actor);
    }
}

/// Goes with a request from its head to its answer.
pub(crate) async fn accompany(State(lifecycle): State<Lifecycle>, mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let id = new_id();
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let tenant = tenant(&mut request).await;
    let trail = Trail::default();
    request.extensions_mut().insert(trail.clone());

    let (parts, body) = request.into_parts();
    let (body, rest) = drain::lend(body, &parts.headers);
    let answer = to_the_end(&lifecycle, next, Request::from_parts(parts, body)).await;
    if let Some(rest) = rest {
        rest.drain().await;
    }
    let mut response = problem::render(answer, &method, &id);

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
        actor = trail.0.get(),
        "request"
    );
    response
}

/// Runs the handler in a task of its own, so that a client that goes away stops nothing halfway. Only the end of the server's
/// patience does.
async fn to_the_end(lifecycle: &Lifecycle, next: Next, request: Request) -> Response {
    let cut = lifecycle.cut.clone();
    let task = lifecycle.requests.spawn(async move {
        tokio::select! {
            biased;
            response = next.run(request) => response,
            () = cut.cancelled() => Refusal::from(Error::Stopping).into_response(),
        }
    });
    match task.await {
        Ok(response) => response,
        Err(_) => panicked(),
    }
}

/// What a panic is answered with: nothing of what it said.
pub(crate) fn panicked() -> Response {
    tracing::error!("a request panicked");
    Refusal::of(Kind::Internal, Kind::Internal.meaning()).into_response()
}

/// The tenant of the path, if it has the shape of one.
async fn tenant(request: &mut Request) -> Option<String> {
    let parts = request.extract_parts::<RawPathParams>().await.ok()?;
    let tenant = parts.iter().find_map(|(name, value)| (name == "tenant").then_some(value))?;
    place::is_tenant(tenant).then(|| tenant.to_owned())
}

/// The method, if it is one that a route could take. What else stands there is the client's own text.
fn method_name(method: &Method) -> &str {
    match *method {
        Method::GET | Method::HEAD | Method::POST | Method::PUT | Method::PATCH | Method::DELETE | Method::OPTIONS => {
            method.as_str()
        }
        _ => "other",
    }
}

/// 64 random bits. A request is answered even when there is no randomness to be had.
fn new_id() -> String {
    let mut bytes = [0; 8];
    if getrandom::fill(&mut bytes).is_err() {
        return "none".to_owned();
    }
    hex::encode(bytes)
}
