//! The problems in the OpenAPI document: described once for each status, and in groups that a route names.

use std::collections::BTreeMap;

use serde_json::json;
use utoipa::IntoResponses;
use utoipa::openapi::example::ExampleBuilder;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{ContentBuilder, Ref, RefOr, Response, ResponseBuilder};

use super::Kind;

/// The media type of a problem document.
pub(crate) const PROBLEM_JSON: &str = "application/problem+json";

/// The responses with these statuses, by reference to the one description of each status.
fn group(statuses: &[u16]) -> BTreeMap<String, RefOr<Response>> {
    statuses.iter().copied().map(reference).collect()
}

fn reference(status: u16) -> (String, RefOr<Response>) {
    (status.to_string(), Ref::from_response_name(response_name(status)).into())
}

/// `Problem404`
fn response_name(status: u16) -> String {
    format!("Problem{status}")
}

/// The status of a resource that does not exist, and its response.
pub(crate) fn not_found_response() -> (String, RefOr<Response>) {
    reference(404)
}

/// The one description of each status that a problem can have, for the document's components.
pub(crate) fn problem_responses() -> BTreeMap<String, RefOr<Response>> {
    let mut kinds = BTreeMap::<u16, Vec<Kind>>::new();
    for kind in Kind::ALL {
        kinds.entry(kind.status().as_u16()).or_default().push(*kind);
    }
    kinds.into_iter().map(|(status, kinds)| (response_name(status), describe(status, &kinds).into())).collect()
}

fn describe(status: u16, kinds: &[Kind]) -> Response {
    let lines: Vec<_> =
        kinds.iter().map(|kind| format!("- `{}`: {} {}", kind.name(), kind.meaning(), kind.remedy())).collect();
    let examples = kinds.iter().map(|kind| {
        let problem = json!({
            "type": kind.path(),
            "title": kind.title(),
            "status": status,
            "detail": kind.meaning(),
            "instance": "urn:sendbox:request:5f0c1e9b2a7d4c33",
        });
        (kind.name(), ExampleBuilder::new().summary(kind.title()).value(Some(problem)).build())
    });
    let content =
        ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).examples_from_iter(examples).build();
    let mut response = ResponseBuilder::new().description(lines.join("\n")).content(PROBLEM_JSON, content);
    let header = |kind: Type, description: &str| {
        HeaderBuilder::new().schema(Some(ObjectBuilder::new().schema_type(kind))).description(Some(description)).build()
    };
    if [409, 429, 503].contains(&status) {
        let description = "Seconds to wait before you repeat the request, where waiting helps.";
        response = response.header("Retry-After", header(Type::Integer, description));
    }
    if status == 401 {
        response = response.header("WWW-Authenticate", header(Type::String, "Always `Bearer`."));
    }
    response.build()
}

/// Groups of problems, to be named in `responses(…)` of a route.
macro_rules! groups {
    ($($(#[$doc:meta])* $name:ident: $($status:literal)*;)*) => {
        $($(#[$doc])*
        pub(crate) struct $name;

        impl IntoResponses for $name {
            fn responses() -> BTreeMap<String, RefOr<Response>> {
                group(&[$($status),*])
            }
        })*
    };
}

groups! {
    /// For every route that needs a key.
    Unauthorized: 401 403 429 500 503;
    /// For every route that needs no key.
    ServerError: 500 503;
    /// For a route with an id in its path.
    NotFound: 404;
    /// For a route with a body.
    InvalidBody: 400 408 413 415 422;
    /// For a route with a query.
    InvalidQuery: 422;
    /// For a route that changes something: its state, and the quotas of the tenant.
    Conflict: 409 429;
    /// For a route to which only limits apply.
    TooManyRequests: 429;
    /// For a route with `If-Match`.
    PreconditionFailed: 412;
    /// For a route that sends a message.
    FailedDependency: 424;
    /// For a route that needs a pending verification.
    Gone: 410;
}
