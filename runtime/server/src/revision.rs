//! `ETag` and `If-Match`: a change is saved only if nobody else has changed the same thing since it was read.

use axum::Json;
use axum::extract::FromRequestParts;
use axum::response::{IntoResponse, Response};
use http::HeaderValue;
use http::header::{ETAG, IF_MATCH};
use http::request::Parts;
use sendbox_domain::{FieldCode, FieldError, FieldErrors};
use sendbox_service::{Error, IfMatch};
use serde::Serialize;
use utoipa::IntoParams;

use crate::problem::ApiError;

/// The condition of the header `If-Match`.
pub(crate) struct IfMatchHeader(pub(crate) IfMatch);

impl<S: Sync> FromRequestParts<S> for IfMatchHeader {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let mut revisions = Vec::new();
        let mut is_given = false;
        for header in parts.headers.get_all(IF_MATCH) {
            is_given = true;
            let list = header.to_str().map_err(|_| invalid())?;
            if list.trim() == "*" {
                return Ok(Self(IfMatch::Any));
            }
            for tag in list.split(',') {
                revisions.push(revision(tag.trim()).ok_or_else(invalid)?);
            }
        }
        Ok(Self(if is_given { IfMatch::OneOf(revisions) } else { IfMatch::Unconditional }))
    }
}

/// The revision in an entity tag. Proxies that compress make a tag weak; the content is the same.
fn revision(tag: &str) -> Option<String> {
    let quoted = tag.strip_prefix("W/").unwrap_or(tag);
    let revision = quoted.strip_prefix('"')?.strip_suffix('"')?;
    (!revision.contains('"')).then(|| revision.to_owned())
}

fn invalid() -> ApiError {
    let error = FieldError::new("If-Match", "must be the `ETag` of a response, with its quotation marks, or `*`");
    Error::Invalid(FieldErrors(vec![error.coded(FieldCode::Form, &[])])).into()
}

/// A response with the `ETag` of what it returns.
pub(crate) fn tagged<T: Serialize>(revision: &str, value: &T) -> Response {
    with_tag(revision, Json(value).into_response())
}

/// Adds an `ETag`.
pub(crate) fn with_tag(revision: &str, mut response: Response) -> Response {
    if let Ok(tag) = HeaderValue::from_str(&format!("\"{revision}\"")) {
        response.headers_mut().insert(ETAG, tag);
    }
    response
}

/// Describes the header in the OpenAPI document.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[allow(dead_code, reason = "only described, never built")]
pub(crate) struct IfMatchParameter {
    /// The `ETag` of the response that the change was made from. If somebody else has changed it since then, nothing is saved, and the
    /// request fails with 412 (`precondition-failed`). `*` requires that it exists. Without the header, it is replaced whatever it is.
    #[param(rename = "If-Match", value_type = String, required = false, max_length = 200, example = "\"5f0c1e9b2a7d4c33\"")]
    if_match: Option<String>,
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    async fn read(values: &[&str]) -> Option<IfMatch> {
        let request = values.iter().fold(Request::builder(), |request, value| request.header(IF_MATCH, *value));
        let (mut parts, ()) = request.body(()).unwrap().into_parts();
        IfMatchHeader::from_request_parts(&mut parts, &()).await.ok().map(|header| header.0)
    }

    #[tokio::test]
    async fn tags_of_every_form_are_read() {
        let one_of = |revisions: &[&str]| Some(IfMatch::OneOf(revisions.iter().map(|one| (*one).to_owned()).collect()));
        for (values, condition) in [
            (&[][..], Some(IfMatch::Unconditional)),
            (&["*"], Some(IfMatch::Any)),
            (&["\"a\""], one_of(&["a"])),
            (&["W/\"a\""], one_of(&["a"])),
            (&["\"a\", \"b\""], one_of(&["a", "b"])),
            (&["\"a\"", "\"b\""], one_of(&["a", "b"])),
            (&["a"], None),
            (&[""], None),
            (&["\"a"], None),
            (&["\"a\"b\""], None),
        ] {
            assert_eq!(read(values).await, condition, "{values:?}");
        }
    }
}
