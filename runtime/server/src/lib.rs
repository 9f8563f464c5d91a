//! The REST API: one `axum` router over the [`Service`], its OpenAPI 3.1 document, and a reference page.
//!
//! It also serves the console (`console`): files that use this API and nothing else, in a browser that is signed in by `session`.
//!
//! The life of a request: `log` gives it an id and writes one line, `auth` authenticates the caller, `path`, `query`, `idempotency`
//! and `body` turn it into values of the domain (through `decode`), a handler in `routes` calls one method of the service, and
//! `problem` writes what went wrong.
//!
//! Promises
//! - every response that is not 2xx is a problem document (RFC 9457) with a stable `type`;
//! - no response and no log line quotes the request: no code, phone number, key or text. The logged path is the route's template;
//! - every route of the API is in the document, since both come from the same annotation. Only the callback URLs of providers are
//!   not part of it;
//! - a request that was accepted is completed, even if the client disconnects.
//!
//! Must not know: the store, the sandbox, the command line. It contains no rules of the domain, and calls those that it needs.

mod api;
mod auth;
mod body;
mod body_budget;
mod connection;
mod console;
mod decode;
mod docs;
mod document;
mod drain;
mod handler;
mod idempotency;
mod log;
mod openapi;
mod path;
mod peers;
mod problem;
mod query;
mod revision;
mod routes;
mod serve;
mod session;

use axum::Router;
use sendbox_service::Service;

use crate::api::{Api, Shared};

pub use self::openapi::openapi;
pub use self::peers::TrustedProxies;
pub use self::serve::{Listener, Listeners, ServeError, listen, serve, serve_from_start, serve_with_routes};

/// The API of a service: `/v1`, the health checks, the document, the reference page and the console. For embedding; [`serve()`] also
/// listens and shuts down gracefully.
pub fn router(service: Service) -> Router {
    routes::router(Api { service, shared: Shared::default(), document: &openapi::DOCUMENT }, Router::new())
}
