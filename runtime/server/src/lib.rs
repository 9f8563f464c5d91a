//! The REST API: one `axum` router over the [`Service`], its OpenAPI 3.1 document, and a reference page.
//!
//! Beside it stands the console, `console`: files that use this API and nothing else, in a browser that is signed in by `session`.
//!
//! A request walks one way: `log` gives it an id and writes its one line, `auth` asks the service who calls, `place`, `query`,
//! `idempotency` and `body` turn it into values of the domain, a handler in `routes` calls one method of the service, and
//! `problem` writes down whatever went wrong.
//!
//! Promises
//! - everything that is not 2xx is a problem document (RFC 9457), with a stable `type`;
//! - no answer and no log line quotes what a request held: no code, number, key or text; the logged path is the route's
//!   template;
//! - every route of the API stands in the document, since both come from the same annotation; the one that providers report
//!   to is no part of it;
//! - a request that was taken is ended, even if the client goes away.
//!
//! Must not know: any rule of the domain, the store, the sandbox, the command line.

mod api;
mod auth;
mod body;
mod console;
mod docs;
mod drain;
mod idempotency;
mod log;
mod openapi;
mod place;
mod problem;
mod query;
mod reader;
mod routes;
mod serve;
mod session;

use axum::Router;
use sendbox_service::Service;

use crate::api::{Api, Lifecycle};

pub use self::openapi::openapi;
pub use self::serve::{Listener, ServeError, listen, serve, serve_beside};

/// The whole API over a service: `/v1`, the probes, the document and the reference page. For embedding; [`serve()`] also
/// listens, and stops in order.
pub fn router(service: Service) -> Router {
    routes::router(Api { service, lifecycle: Lifecycle::default() }, Router::new())
}
