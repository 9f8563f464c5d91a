//! The middleware of every request: an id, one log line, the headers of every response, and completion even when the client
//! disconnects.
//!
//! The line names the route by its template and the caller by its key's id. It never holds the path, the query, a header or
//! a body: they may hold phone numbers, codes, keys and the token of a callback URL.

use std::net::IpAddr;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use axum::RequestExt;
use axum::extract::{MatchedPath, RawPathParams, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderName, HeaderValue, Method};
use sendbox_service::{AdmittedRequest, Caller, Error};

use crate::api::{Lifecycle, Shared};
use crate::body_budget::{BodyBudget, BodyOwner, BodyPermit, NoRoom};
use crate::peers::{Client, Counted};
use crate::problem::{self, ApiError, Kind};
use crate::{drain, path};

/// The header with the request's id.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The most points that can be spent at once; what is left of them; and the seconds until all of them are there again.
const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit-limit");
const RATE_REMAINING: HeaderName = HeaderName::from_static("ratelimit-remaining");
const RATE_RESET: HeaderName = HeaderName::from_static("ratelimit-reset");

/// What becomes known of a request while it is handled, and what it holds until it ends.
#[derive(Clone)]
pub(crate) struct RequestContext(Arc<Known>);

struct Known {
    bodies: Arc<BodyBudget>,
    client: Option<IpAddr>,
    /// As one of the requests in progress of its client.
    _counted: Option<Counted>,
    /// It is set once the caller is authenticated.
    caller: OnceLock<KnownCaller>,
    admitted: OnceLock<AdmittedRequest>,
    body: OnceLock<BodyPermit>,
}

struct KnownCaller {
    /// For the log line.
    actor: Option<String>,
    owner: BodyOwner,
}

impl RequestContext {
    fn new(bodies: Arc<BodyBudget>, client: Option<IpAddr>, counted: Option<Counted>) -> Self {
        let (caller, admitted, body) = <(OnceLock<_>, OnceLock<_>, OnceLock<_>)>::default();
        Self(Arc::new(Known { bodies, client, _counted: counted, caller, admitted, body }))
    }

    pub(crate) fn set_caller(&self, caller: &Caller) {
        let owner = match caller {
            Caller::Platform => BodyOwner::Platform,
            Caller::Key { tenant, .. } => BodyOwner::Tenant(tenant.clone()),
        };
        // A request has one caller.
        let _ = self.0.caller.set(KnownCaller { actor: Some(caller.actor()), owner });
    }

    /// The request is a provider's callback with the token of a tenant.
    pub(crate) fn set_tenant(&self, tenant: &str) {
        let _ = self.0.caller.set(KnownCaller { actor: None, owner: BodyOwner::Tenant(tenant.to_owned()) });
    }

    /// Counts the request as in progress until its end.
    pub(crate) fn hold(&self, admitted: AdmittedRequest) {
        // A request is admitted once.
        let _ = self.0.admitted.set(admitted);
    }

    /// Reserves memory for the body until the request ends.
    pub(crate) fn reserve_body(&self, bytes: usize) -> Result<(), NoRoom> {
        let owner = self.0.caller.get().map_or(BodyOwner::Client(self.0.client), |caller| caller.owner.clone());
        // A request has one body.
        let _ = self.0.body.set(self.0.bodies.reserve(owner, bytes)?);
        Ok(())
    }
}

/// Handles a request from its head to its response.
pub(crate) async fn middleware(State(shared): State<Shared>, mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let id = new_id();
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let tenant = tenant(&mut request).await;
    let client = request.extensions().get::<Client>().and_then(|client| client.0);
    let counted = client.map(|client| shared.clients.add(client));
    let has_too_many = matches!(counted, Some(None));
    let context = RequestContext::new(shared.bodies, client, counted.flatten());
    request.extensions_mut().insert(context.clone());

    let (parts, body) = request.into_parts();
    let (body, unread) = drain::share(body, &parts.headers);
    let response = if has_too_many {
        ApiError::from(Error::TooManyRequests { retry_after: 1 }).into_response()
    } else {
        run_to_completion(&shared.lifecycle, next, Request::from_parts(parts, body), context.clone()).await
    };
    if let Some(unread) = unread {
        unread.drain().await;
    }
    let mut response = problem::render(response, &method, &id);

    let headers = response.headers_mut();
    if let Some(remaining) = context.0.admitted.get().and_then(AdmittedRequest::remaining) {
        headers.insert(RATE_LIMIT, remaining.max.into());
        headers.insert(RATE_REMAINING, remaining.points.into());
        headers.insert(RATE_RESET, remaining.refilled_in.into());
    }
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
        actor = context.0.caller.get().and_then(|caller| caller.actor.as_deref()),
        "request"
    );
    response
}

/// Runs the handler in a task of its own, so that a client that disconnects interrupts nothing. Only the end of the server's grace
/// period does.
async fn run_to_completion(lifecycle: &Lifecycle, next: Next, request: Request, context: RequestContext) -> Response {
    let abort = lifecycle.abort.clone();
    let task = lifecycle.requests.spawn(async move {
        // What the request holds is released when it has ended, not when its client goes away.
        let _context = context;
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
