//! Problem documents (RFC 9457): the one shape of everything that is not 2xx.
//!
//! A handler returns a [`Refusal`]. It carries the document in the response's extensions; [`render`] writes it down last, when
//! the request's id is known, and makes one for whatever a library answered on its own.

mod kind;
mod responses;

use std::collections::BTreeMap;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, Method, StatusCode};
use sendbox_domain::FieldCode;
use sendbox_domain::model::{Flow, Message, Scope, Verification};
use sendbox_service::Error;
use serde::Serialize;
use utoipa::ToSchema;

pub(crate) use self::kind::{Kind, KindView};
pub(crate) use self::responses::*;

/// The media type of a problem document.
pub(crate) const PROBLEM_JSON: &str = "application/problem+json";

/// What an end user may be told of a limit. The same for every limit, so that it tells nothing about accounts.
const NEUTRAL: &str = "Please try again later.";

/// Why a request was refused (RFC 9457).
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Problem {
    /// `/problems/` and a stable name: what programs should look at. It can be read there, too.
    #[serde(rename = "type")]
    #[schema(example = "/problems/invalid-input")]
    pub(crate) kind: String,
    /// The same for every problem of this type.
    pub(crate) title: &'static str,
    /// The HTTP status.
    #[schema(minimum = 400, maximum = 599)]
    pub(crate) status: u16,
    /// What is wrong here, and what to do. For people.
    pub(crate) detail: String,
    /// The request, as the server's log names it.
    #[schema(example = "urn:sendbox:request:5f0c1e9b2a7d4c33")]
    pub(crate) instance: String,
    /// `invalid-input`: everything that is wrong with the input.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) errors: Option<Vec<FieldError>>,
    /// `limited`: which limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "number-per-hour")]
    pub(crate) limit: Option<&'static str>,
    /// Seconds until the same request could pass. Absent when waiting does not help.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) retry_after: Option<u64>,
    /// `limited`: a neutral sentence that may be shown to an end user.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "Please try again later.")]
    pub(crate) end_user_message: Option<&'static str>,
    /// `flow-off`: which.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) flow: Option<Flow>,
    /// `needed-by-flows`: which.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) flows: Option<Vec<Flow>>,
    /// `scope-missing`: which.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) scope: Option<Scope>,
    /// `country-not-allowed`: which, as ISO 3166-1 alpha-2.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) country: Option<String>,
    /// `wrong-code`: tries left of this code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tries_left: Option<u32>,
    /// `message-not-sent`: the message, which is on record.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) message: Option<Message>,
    /// `message-not-sent`: the verification, which stays open for a resend. `verification-ended`: how it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) verification: Option<Verification>,
}

/// One thing that is wrong with an input.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct FieldError {
    /// A JSON pointer into the body (`/templates/0/content`), or the name of a parameter or header. Empty for the whole.
    #[schema(example = "/name")]
    pub(crate) field: String,
    /// What is wrong and what to do, without the value.
    pub(crate) message: String,
    /// The same for programs, where the cause is a common one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) code: Option<FieldCode>,
    /// What the code is about, such as a bound. Lists have `, ` between their parts.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) values: BTreeMap<String, String>,
}

/// A request that is refused: a problem document in the making.
#[derive(Clone, Debug)]
pub(crate) struct Refusal {
    kind: Kind,
    problem: Box<Problem>,
}

impl Refusal {
    /// Of this kind.
    pub(crate) fn of(kind: Kind, detail: impl Into<String>) -> Self {
        let problem = Problem {
            kind: kind.path(),
            title: kind.title(),
            status: kind.status().as_u16(),
            detail: detail.into(),
            instance: String::new(),
            errors: None,
            limit: None,
            retry_after: kind.retry_after(),
            end_user_message: None,
            flow: None,
            flows: None,
            scope: None,
            country: None,
            tries_left: None,
            message: None,
            verification: None,
        };
        Self { kind, problem: Box::new(problem) }
    }

    /// What stands for an answer of a library.
    fn in_place_of(status: StatusCode) -> Self {
        let kind = match status.as_u16() {
            404 => Kind::NotFound,
            405 => Kind::MethodNotAllowed,
            408 => Kind::RequestTimeout,
            413 => Kind::BodyTooLarge,
            415 => Kind::UnsupportedMediaType,
            300..=499 => Kind::BadRequest,
            _ => Kind::Internal,
        };
        Self::of(kind, kind.meaning())
    }

    #[cfg(test)]
    pub(crate) fn kind(&self) -> Kind {
        self.kind
    }

    #[cfg(test)]
    pub(crate) fn detail(&self) -> &str {
        &self.problem.detail
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        let kind = Kind::of(&error);
        let mut refusal = Self::of(kind, error.to_string());
        let problem = &mut *refusal.problem;
        match error {
            Error::Forbidden(scope) => problem.scope = Some(scope),
            Error::Invalid(problems) => {
                let errors = problems.0.into_iter().map(|one| FieldError {
                    field: one.field,
                    message: one.message,
                    code: one.code,
                    values: one.values,
                });
                problem.errors = Some(errors.collect());
            }
            Error::NeededByFlows(flows) => problem.flows = Some(flows),
            Error::FlowOff(flow) => problem.flow = Some(flow),
            Error::CountryNotAllowed(country) => problem.country = Some(country),
            Error::Limited { limit, retry_after } => {
                problem.limit = Some(limit.as_str());
                problem.retry_after = retry_after;
                problem.end_user_message = Some(NEUTRAL);
            }
            Error::NotSent { message, verification } => {
                problem.message = Some(*message);
                problem.verification = verification.map(|verification| *verification);
            }
            Error::WrongCode { tries_left } => problem.tries_left = Some(tries_left),
            Error::VerificationEnded(verification) => problem.verification = Some(*verification),
            // What Sendbox stumbled over is for its operator.
            Error::Internal(reason) => {
                tracing::error!(reason, "a request failed");
                kind.meaning().clone_into(&mut problem.detail);
            }
            Error::Unauthenticated
            | Error::PlatformOnly
            | Error::NotFound(_)
            | Error::Conflict(_)
            | Error::DiffChanged
            | Error::ApprovalNeeded(_)
            | Error::NoActiveConnection
            | Error::IdempotencyMismatch
            | Error::IdempotencyInFlight
            | Error::StoreUnavailable
            | Error::StoreUncertain
            | Error::ReportNotAuthentic
            | Error::ReportMalformed
            | Error::ReportUnread
            | Error::Busy
            | Error::Stopping => {}
        }
        refusal
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = self.kind.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// Marks an answer that is neither 2xx nor a refusal: a page that is elsewhere, or has not changed.
#[derive(Clone, Copy)]
pub(crate) struct NoRefusal;

/// Writes down what was refused, in whichever way. Leaves every other answer as it is.
pub(crate) fn render(response: Response, method: &Method, request_id: &str) -> Response {
    let (mut parts, body) = response.into_parts();
    let refusal = match parts.extensions.remove::<Refusal>() {
        Some(refusal) => refusal,
        None if parts.status.is_success() || parts.extensions.remove::<NoRefusal>().is_some() => {
            return Response::from_parts(parts, body);
        }
        None => Refusal::in_place_of(parts.status),
    };
    let Refusal { kind, mut problem } = refusal;
    problem.instance = format!("urn:sendbox:request:{request_id}");
    parts.status = kind.status();
    parts.headers.remove(http::header::CONTENT_LENGTH);
    parts.headers.insert(CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
    if let Some(seconds) = problem.retry_after {
        parts.headers.insert(RETRY_AFTER, seconds.into());
    }
    if kind == Kind::Unauthenticated {
        parts.headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    let body = if method == Method::HEAD { Vec::new() } else { serde_json::to_vec(&problem).unwrap_or_default() };
    Response::from_parts(parts, Body::from(body))
}

#[cfg(test)]
mod tests {
    use sendbox_domain::LimitName;

    use super::*;

    fn rendered(error: Error) -> (http::response::Parts, serde_json::Value) {
        let (parts, body) = render(Refusal::from(error).into_response(), &Method::POST, "ab12").into_parts();
        let bytes = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap()
            .block_on(axum::body::to_bytes(body, 1 << 20));
        (parts, serde_json::from_slice(&bytes.unwrap()).unwrap())
    }

    #[test]
    fn every_error_has_the_kind_of_its_name() {
        for error in [
            Error::Unauthenticated,
            Error::Forbidden(Scope::Send),
            Error::PlatformOnly,
            Error::NotFound("tenant"),
            Error::invalid("name", "must be given"),
            Error::Conflict("it is there already".to_owned()),
            Error::DiffChanged,
            Error::ApprovalNeeded(vec!["new host: POST https://b.example.com, any path".to_owned()]),
            Error::NeededByFlows(vec![Flow::SignIn]),
            Error::FlowOff(Flow::Mfa),
            Error::NoActiveConnection,
            Error::CountryNotAllowed("DK".to_owned()),
            Error::Limited { limit: LimitName::Cooldown, retry_after: Some(30) },
            Error::IdempotencyMismatch,
            Error::IdempotencyInFlight,
            Error::WrongCode { tries_left: 4 },
            Error::StoreUnavailable,
            Error::StoreUncertain,
            Error::ReportNotAuthentic,
            Error::ReportMalformed,
            Error::ReportUnread,
            Error::Busy,
            Error::Stopping,
            Error::Internal("a row of 123456".to_owned()),
        ] {
            let name = error.name();
            assert_eq!(Kind::of(&error).name(), name);
            let (parts, document) = rendered(error);
            assert_eq!(document["type"], format!("/problems/{name}"));
            assert_eq!(document["status"], parts.status.as_u16());
            assert_eq!(document["instance"], "urn:sendbox:request:ab12");
            assert_eq!(parts.headers[CONTENT_TYPE], PROBLEM_JSON);
        }
    }

    #[test]
    fn members_and_headers_of_their_own() {
        let (parts, document) = rendered(Error::Limited { limit: LimitName::NumberPerHour, retry_after: Some(90) });
        assert_eq!((parts.status.as_u16(), &parts.headers[RETRY_AFTER]), (429, &HeaderValue::from(90)));
        assert_eq!(document["limit"], "number-per-hour");
        assert_eq!(document["retryAfter"], 90);
        assert_eq!(document["endUserMessage"], NEUTRAL);

        let (parts, document) = rendered(Error::Limited { limit: LimitName::SpendCap, retry_after: None });
        assert!(!parts.headers.contains_key(RETRY_AFTER) && document.get("retryAfter").is_none());

        let (parts, _) = rendered(Error::Unauthenticated);
        assert_eq!(parts.headers[WWW_AUTHENTICATE], "Bearer");
        let (parts, document) = rendered(Error::StoreUnavailable);
        assert_eq!((parts.status.as_u16(), &parts.headers[RETRY_AFTER]), (503, &HeaderValue::from(1)));
        assert_eq!(document["retryAfter"], 1);
        let (_, document) = rendered(Error::WrongCode { tries_left: 4 });
        assert_eq!(document["triesLeft"], 4);
        let (_, document) = rendered(Error::invalid("name", "must be given"));
        assert_eq!(document["errors"], serde_json::json!([{"field": "name", "message": "must be given"}]));
        let (_, document) = rendered(Error::Internal("a row of 123456".to_owned()));
        assert!(!document.to_string().contains("123456"), "{document}");
    }

    #[test]
    fn answers_of_libraries_become_problems() {
        for (status, kind) in
            [(303, "bad-request"), (400, "bad-request"), (418, "bad-request"), (404, "not-found"), (502, "internal")]
        {
            let response = (StatusCode::from_u16(status).unwrap(), "a page").into_response();
            let (parts, _) = render(response, &Method::GET, "ab12").into_parts();
            assert_eq!(parts.headers[CONTENT_TYPE], PROBLEM_JSON);
            let expected = Kind::ALL.iter().find(|one| one.name() == kind).unwrap();
            assert_eq!(parts.status, expected.status());
        }
    }
}
