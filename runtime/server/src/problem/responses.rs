//! How the OpenAPI document describes problems: once for each status, and in groups that a route names.

use std::collections::BTreeMap;

use utoipa::IntoResponses;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{ContentBuilder, Ref, RefOr, Response, ResponseBuilder};

use super::{Kind, PROBLEM_JSON};

/// The refusals of a group, by reference to the one description of each status.
fn group(statuses: &[u16]) -> BTreeMap<String, RefOr<Response>> {
    let refer = |status: &u16| (status.to_string(), Ref::from_response_name(response_name(*status)).into());
    statuses.iter().map(refer).collect()
}

/// `Problem404`
fn response_name(status: u16) -> String {
    format!("Problem{status}")
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
    let lines: Vec<_> = kinds.iter().map(|kind| format!("`{}`: {}", kind.name(), kind.meaning())).collect();
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
    let mut response = ResponseBuilder::new().description(lines.join("\n\n")).content(PROBLEM_JSON, content);
    let header = |kind: Type, description: &str| {
        HeaderBuilder::new().schema(Some(ObjectBuilder::new().schema_type(kind))).description(Some(description)).build()
    };
    if [409, 429, 503].contains(&status) {
        response = response.header("Retry-After", header(Type::Integer, "Seconds, where waiting helps."));
    }
    if status == 401 {
        response = response.header("WWW-Authenticate", header(Type::String, "`Bearer`"));
    }
    response.build()
}

/// A group of refusals, to be named in `responses(…)` of a route.
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
    /// Any route that needs a key.
    Refused: 401 403 500 503;
    /// Any route without one.
    Failed: 500 503;
    /// A path with an id in it.
    Unfound: 404;
    /// A body.
    BadBody: 400 408 413 415 422;
    /// A query.
    BadQuery: 422;
    /// A change.
    Opposed: 409;
    /// A limit on the way in.
    Limits: 429;
    /// A message that the provider did not take.
    Unsent: 424;
    /// A verification that has ended.
    Ended: 410;
}
