//! Request bodies: JSON, limited in size and time, and parsed strictly.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, Request};
use http::HeaderMap;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use sendbox_domain::{FieldError, FieldErrors};
use sendbox_service::Error;
use serde::de::DeserializeOwned;
use serde_json::error::Category;
use tokio::time::timeout;

use crate::api::Api;
use crate::body_budget::{NoRoom, SMALL};
use crate::decode::{Document, Flaw, Json};
use crate::log::RequestContext;
use crate::problem::{ApiError, Kind};

/// The largest body with the templates of a connection, in bytes.
pub(crate) const LARGE: usize = 512 * 1024;
/// A body has to arrive within this time.
const READ_WITHIN: Duration = Duration::from_secs(30);

/// The body, as `T`.
pub(crate) struct JsonBody<T, const LIMIT: usize = SMALL>(pub(crate) T);

impl<S: Sync, T: DeserializeOwned, const LIMIT: usize> FromRequest<S> for JsonBody<T, LIMIT> {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ApiError> {
        check_type(request.headers())?;
        Ok(Self(read(&collect(request, LIMIT).await?)?))
    }
}

/// The body, as `T`, or the default where there is none. `null` counts as none, as the document says of every `Option`.
pub(crate) struct OptionalJsonBody<T>(pub(crate) T);

impl<S: Sync, T: DeserializeOwned + Default> FromRequest<S> for OptionalJsonBody<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ApiError> {
        let is_json = check_type(request.headers());
        let bytes = collect(request, SMALL).await?;
        if bytes.is_empty() {
            return Ok(Self(T::default()));
        }
        is_json?;
        Ok(Self(read::<Option<T>>(&bytes)?.unwrap_or_default()))
    }
}

/// The body, as the file of a connector: `application/wasm`, up to the operator's limit for components.
pub(crate) struct WasmBody(pub(crate) Bytes);

impl FromRequest<Api> for WasmBody {
    type Rejection = ApiError;

    async fn from_request(request: Request, api: &Api) -> Result<Self, ApiError> {
        if !is_type(request.headers(), "application/wasm") {
            let text = "the body must be the file of a component, with `Content-Type: application/wasm`";
            return Err(ApiError::of(Kind::UnsupportedMediaType, text));
        }
        Ok(Self(collect(request, api.service.component_bytes()).await?))
    }
}

/// `application/json`, with any parameters.
fn check_type(headers: &HeaderMap) -> Result<(), ApiError> {
    if is_type(headers, "application/json") {
        Ok(())
    } else {
        Err(ApiError::of(Kind::UnsupportedMediaType, "the body must be JSON, with `Content-Type: application/json`"))
    }
}

fn is_type(headers: &HeaderMap, expected: &str) -> bool {
    let content_type = headers.get(CONTENT_TYPE).and_then(|header| header.to_str().ok()).unwrap_or_default();
    content_type.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(expected)
}

/// The body as it is, of any type.
pub(crate) async fn raw(request: Request) -> Result<Bytes, ApiError> {
    collect(request, SMALL).await
}

/// Reads the whole body. A body is not read if its declared length is too large, or if there is no memory left for it. A body of
/// unknown length reserves as much memory as it may have bytes.
async fn collect(request: Request, limit: usize) -> Result<Bytes, ApiError> {
    let too_large =
        || ApiError::of(Kind::BodyTooLarge, format!("the body of this operation may have up to {} KiB", limit / 1024));
    let announced = request.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > limit as u64) {
        return Err(too_large());
    }
    if let Some(context) = request.extensions().get::<RequestContext>() {
        let bytes = announced.and_then(|length| usize::try_from(length).ok()).unwrap_or(limit);
        context.reserve_body(bytes).map_err(|no_room| match no_room {
            NoRoom::OfOwner => ApiError::from(Error::TooManyRequests { retry_after: 1 }),
            NoRoom::OfAll => ApiError::from(Error::Busy),
        })?;
    }
    let body: Limited<Body> = Limited::new(request.into_body(), limit);
    match timeout(READ_WITHIN, body.collect()).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_large()),
        Ok(Err(_)) => Err(ApiError::of(Kind::BadRequest, "the body ended too early")),
        Err(_) => Err(ApiError::of(
            Kind::RequestTimeout,
            format!("the body did not arrive within {} s", READ_WITHIN.as_secs()),
        )),
    }
}

/// Parses a JSON document. Its syntax is checked first, so that a body that is not JSON gets no errors about fields.
fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiError> {
    let Document(document) = serde_json::from_slice(bytes).map_err(|error| match error.classify() {
        Category::Data => ApiError::from(Error::invalid("", Flaw::message(&error))),
        _ if bytes.is_empty() => ApiError::of(Kind::MalformedJson, "the body is empty; send a JSON object"),
        _ => {
            let position = format!("line {}, column {}", error.line(), error.column());
            ApiError::of(Kind::MalformedJson, format!("the body is not JSON (RFC 8259): see {position}"))
        }
    })?;
    T::deserialize(Json(document)).map_err(|error| error.in_body().into())
}

/// The error of an operation whose parameters are in the query elsewhere, and here in the body: its fields are pointers.
pub(crate) fn fields_of_body(error: Error) -> Error {
    let Error::Invalid(FieldErrors(errors)) = error else { return error };
    let pointed = |error: FieldError| match error.field.starts_with('/') {
        true => error,
        false => FieldError { field: format!("/{}", error.field), ..error },
    };
    Error::Invalid(FieldErrors(errors.into_iter().map(pointed).collect()))
}

#[cfg(test)]
mod tests {
    use sendbox_domain::model::{Check, Flows, NewKey, NewMessage, NewTenant, Policy, Sensitive, TestNumbers};

    use super::*;

    fn refused<T: DeserializeOwned>(body: &str) -> (Kind, String) {
        let error = read::<T>(body.as_bytes()).err().unwrap();
        (error.kind(), error.detail().to_owned())
    }

    #[test]
    fn a_body_that_is_not_json_is_malformed() {
        let deep = "[".repeat(100_000);
        let cases =
            ["", "{", "{\"name\": 1,", "{'a': 1}", "{} {}", "nul", "{\"name\": \"\\ud800\"}", "{\"a\": 1e999}", &deep];
        for body in cases {
            assert_eq!(refused::<NewTenant>(body).0, Kind::MalformedJson, "{body:.40}");
        }
        assert_eq!(read::<NewTenant>(b"{\"name\": \"\xff\"}").err().unwrap().kind(), Kind::MalformedJson);
    }

    #[test]
    fn an_invalid_field_is_named_by_its_pointer_and_not_quoted() {
        let message = |rest: &str| format!(r#"{{"to": "+4512345678", "usage": "sign-in", "code": "987654"{rest}}}"#);
        for ((kind, detail), field, expected) in [
            (refused::<NewTenant>("[]"), "must be", "an object, not an array"),
            (refused::<NewTenant>("null"), "must be", "an object, not null"),
            (refused::<NewTenant>("987654"), "must be", "an object, not a whole number"),
            (refused::<NewTenant>("\"987654\""), "must be", "an object, not a string"),
            (refused::<NewTenant>(r#"["acme", "987654", "development"]"#), "must be", "an object, not an array"),
            (refused::<NewTenant>(r#"{"name": "a"}"#), "/environment: ", "must be given"),
            (
                refused::<NewTenant>(r#"{"name": 987654, "environment": "development"}"#),
                "/name: ",
                "a string, not a whole number",
            ),
            (
                refused::<NewTenant>(r#"{"name": "a", "environment": "987654"}"#),
                "/environment: ",
                "`development`, `production`",
            ),
            (
                refused::<NewTenant>(r#"{"name": "a", "environment": {}}"#),
                "/environment: ",
                "`development`, `production`",
            ),
            (refused::<NewTenant>(r#"{"name": "a", "colour": "987654"}"#), "/colour: ", "is unknown"),
            (refused::<NewTenant>(r#"{"name": "a", "name": "987654"}"#), "must not", "twice"),
            (refused::<NewTenant>(r#"{"name": "a\u0000987654", "environment": "development"}"#), "must not", "U+0000"),
            (refused::<NewTenant>(r#"{"+45987654": 1}"#), "/…: ", "is unknown"),
            (refused::<Check>(r#"{"code": 987654}"#), "/code: ", "a string, not a whole number"),
            (refused::<Check>(r#"{"code": ["987654"]}"#), "/code: ", "a string, not an array"),
            (refused::<NewMessage>(&message(r#", "to": 1"#)), "must not", "twice"),
            (refused::<NewMessage>(&message(r#", "mode": "987654""#)), "/mode: ", "`sync`, `async`"),
            (
                refused::<NewMessage>(&message(r#", "lifetimeSeconds": 9876.54"#)),
                "/lifetimeSeconds: ",
                "not a number with a fraction",
            ),
            (refused::<NewMessage>(&message(r#", "lifetimeSeconds": 98765498765"#)), "/lifetimeSeconds: ", "from 0 to"),
            (refused::<NewMessage>(&message(r#", "lifetimeSeconds": -987654"#)), "/lifetimeSeconds: ", "from 0 to"),
            (
                refused::<NewMessage>(&message(r#", "variables": {"pin": 987654}"#)),
                "/variables/pin: ",
                "a string, not a whole number",
            ),
            (refused::<NewMessage>(&message(r#", "variables": {"987654": 1}"#)), "/variables/…: ", "a string"),
            (refused::<NewKey>(r#"{"name": "a", "scopes": ["read", "987654"]}"#), "/scopes/1: ", "`manage`"),
            (
                refused::<NewKey>(r#"{"name": "a", "scopes": ["read"], "expiresAt": "987654"}"#),
                "/expiresAt: ",
                "RFC 3339",
            ),
            (refused::<Policy>(r#"{"codes": []}"#), "/codes: ", "an object, not an array"),
            (refused::<Policy>(r#"{"codes": [6, 60]}"#), "/codes: ", "an object, not an array"),
            (refused::<Policy>(r#"{"codes": {"digits": 987654}}"#), "/codes/digits: ", "from 0 to 255"),
            (refused::<Policy>(r#"{"codes": {"digitz": 6}}"#), "/codes/digitz: ", "`digits`"),
            (refused::<Flows>(r#"{"sign-in": "987654"}"#), "/sign-in: ", "true or false, not a string"),
            (refused::<Flows>(r#"{"sign-on": true}"#), "/sign-on: ", "`sign-in`"),
            (refused::<TestNumbers>(r#"{"numbers": [{"number": "+45987654"}]}"#), "/numbers/0/code: ", "must be given"),
        ] {
            assert_eq!(kind, Kind::InvalidInput, "{detail}");
            assert!(detail.starts_with(&format!("invalid input: {field}")), "{detail}");
            assert!(detail.contains(expected), "{detail}");
            assert!(!detail.contains("9876") && !detail.contains("+45"), "{detail}");
        }
    }

    #[test]
    fn valid_bodies_are_read() {
        let tenant: NewTenant = read(br#" {"name": "Acme \ud83d\ude00", "environment": "production", "id": null} "#)
            .unwrap_or_else(|_| panic!());
        assert_eq!((tenant.name.as_str(), tenant.id), ("Acme 😀", None));
        let flows: Flows = read(br#"{"sign-in": true, "mfa": false}"#).unwrap_or_else(|_| panic!());
        assert_eq!(flows.0.len(), 2);
        let message = br#"{"to": "+4512345678", "usage": "sign-in", "code": "987654", "variables": {"app": "Acme"}, "lifetimeSeconds": 60}"#;
        let message: NewMessage = read(message).unwrap_or_else(|_| panic!());
        assert_eq!(
            (message.code.as_ref().map_or("", Sensitive::expose), message.lifetime_seconds),
            ("987654", Some(60))
        );
        assert_eq!(read::<Policy>(b"{}").unwrap_or_else(|_| panic!()), Policy::default());
    }

    #[test]
    fn only_json_is_json() {
        for (named, fits) in [
            ("application/json", true),
            ("Application/JSON; charset=utf-8", true),
            ("application/jsonp", false),
            ("text/json", false),
            ("application/x-www-form-urlencoded", false),
            ("", false),
        ] {
            let headers = HeaderMap::from_iter([(CONTENT_TYPE, named.parse().unwrap())]);
            assert_eq!(check_type(&headers).is_ok(), fits, "{named}");
        }
        assert!(check_type(&HeaderMap::new()).is_err());
    }
}
