//! Problem documents (RFC 9457): the format of every response that is not 2xx.
//!
//! A handler returns an [`ApiError`]. It carries the document in the response's extensions; [`render`] writes the body last, when
//! the request's id is known, and makes a document for whatever a library responded on its own.

mod kind;
mod responses;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, Method, StatusCode};
use sendbox_domain::FieldError;
use sendbox_domain::model::{Flow, Message, Scope, Verification};
use sendbox_service::Error;
use serde::Serialize;
use utoipa::ToSchema;

pub(crate) use self::kind::{Kind, ProblemType, ProblemTypeUri};
pub(crate) use self::responses::*;

/// The text about a limit that you may show to an end user. The same for every limit, so that it reveals nothing about accounts.
const NEUTRAL: &str = "Please try again later.";

/// Why a request failed (RFC 9457).
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Problem {
    /// Identifies the kind of problem: `/problems/` and a name that never changes. Programs branch on it. It is also a path of this
    /// server that explains the problem.
    #[serde(rename = "type")]
    #[schema(value_type = ProblemTypeUri, example = "/problems/invalid-input")]
    pub(crate) kind: String,
    /// A short title, the same for every problem of this type.
    #[schema(example = "Invalid input")]
    pub(crate) title: &'static str,
    /// The HTTP status.
    #[schema(minimum = 400, maximum = 599, example = 422)]
    pub(crate) status: u16,
    /// What is wrong with this request, and what to do. For developers, not for programs or end users.
    #[schema(example = "invalid input: /name: must be given")]
    pub(crate) detail: String,
    /// The id of this request, under which the server's log has more.
    #[schema(example = "urn:sendbox:request:5f0c1e9b2a7d4c33")]
    pub(crate) instance: String,
    /// With `invalid-input`: everything that is wrong with the input.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) errors: Option<Vec<FieldError>>,
    /// With `limit-reached` and `quota-reached`: the name of the limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "number-per-hour")]
    pub(crate) limit: Option<&'static str>,
    /// Seconds until the same request could succeed. Absent when waiting does not help.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 30)]
    pub(crate) retry_after: Option<u64>,
    /// With `limit-reached`: a neutral sentence that you may show to an end user.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "Please try again later.")]
    pub(crate) end_user_message: Option<&'static str>,
    /// With `flow-disabled`: the flow.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) flow: Option<Flow>,
    /// With `connection-in-use`: the enabled flows that depend on the connection.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) flows: Option<Vec<Flow>>,
    /// With `insufficient-scope`: the scope that the key lacks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) scope: Option<Scope>,
    /// With `country-not-allowed`: the country of the number (ISO 3166-1 alpha-2).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "DK")]
    pub(crate) country: Option<String>,
    /// With `wrong-code`: how many tries this code has left.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 4)]
    pub(crate) tries_left: Option<u32>,
    /// With `message-not-sent`: the message, which is stored.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) message: Option<Message>,
    /// With `message-not-sent`: the verification, which is still pending. With `verification-ended`: how it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) verification: Option<Verification>,
}

/// A problem document before the request's id is known. Handlers fail with it.
#[derive(Clone, Debug)]
pub(crate) struct ApiError {
    kind: Kind,
    problem: Box<Problem>,
}

impl ApiError {
    /// An error of this kind.
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

    /// The error for a response that a library made.
    fn from_status(status: StatusCode) -> Self {
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

    pub(crate) fn kind(&self) -> Kind {
        self.kind
    }

    #[cfg(test)]
    pub(crate) fn detail(&self) -> &str {
        &self.problem.detail
    }
}

impl From<Error> for ApiError {
    fn from(error: Error) -> Self {
        let kind = Kind::of(&error);
        let mut api_error = Self::of(kind, error.to_string());
        let problem = &mut *api_error.problem;
        match error {
            Error::Forbidden(scope) => problem.scope = Some(scope),
            Error::Invalid(problems) => problem.errors = Some(problems.0),
            Error::ConnectionInUse(flows) => problem.flows = Some(flows),
            Error::FlowDisabled(flow) => problem.flow = Some(flow),
            Error::CountryNotAllowed(country) => problem.country = Some(country),
            Error::Limited { limit, retry_after } => {
                problem.limit = Some(limit.as_str());
                problem.retry_after = retry_after;
                problem.end_user_message = Some(NEUTRAL);
            }
            Error::TooManyRequests { retry_after } => problem.retry_after = Some(retry_after),
            Error::QuotaReached { quota, retry_after } => {
                problem.limit = Some(quota.as_str());
                problem.retry_after = retry_after;
            }
            Error::NotSent { message, verification } => {
                problem.message = Some(*message);
                problem.verification = verification.map(|verification| *verification);
            }
            Error::WrongCode { tries_left } => problem.tries_left = Some(tries_left),
            Error::VerificationEnded(verification) => problem.verification = Some(*verification),
            // The reason may quote stored values: it goes to the log, and the caller learns the request's id.
            Error::Internal(reason) => {
                tracing::error!(reason, "a request failed");
                kind.meaning().clone_into(&mut problem.detail);
            }
            Error::VersionNotLoaded { .. } | Error::SettingsNotValidated(_) | Error::LimitsAhead { .. } => {
                kind.meaning().clone_into(&mut problem.detail)
            }
            Error::Unauthenticated
            | Error::PlatformOnly
            | Error::NotFound(_)
            | Error::Conflict(_)
            | Error::DiffChanged
            | Error::NumberKindNotAllowed(_)
            | Error::PreconditionFailed
            | Error::ApprovalRequired(_)
            | Error::NoticesDisabled
            | Error::NoActiveConnection
            | Error::IdempotencyMismatch
            | Error::IdempotencyInFlight
            | Error::StoreUnavailable
            | Error::StoreConflict
            | Error::StoreUncertain
            | Error::ReportNotAuthentic
            | Error::ReportMalformed
            | Error::ReportUnreadable
            | Error::Busy
            | Error::MasterKeyMissing
            | Error::Stopping => {}
        }
        api_error
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = self.kind.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// Marks a response that is neither 2xx nor a problem, such as a redirect.
#[derive(Clone, Copy)]
pub(crate) struct NotAProblem;

/// Writes the problem document of every response that needs one, and leaves the others as they are.
pub(crate) fn render(response: Response, method: &Method, request_id: &str) -> Response {
    let (mut parts, body) = response.into_parts();
    let error = match parts.extensions.remove::<ApiError>() {
        Some(error) => error,
        None if parts.status.is_success() || parts.extensions.remove::<NotAProblem>().is_some() => {
            return Response::from_parts(parts, body);
        }
        None => ApiError::from_status(parts.status),
    };
    let ApiError { kind, mut problem } = error;
    problem.instance = format!("urn:sendbox:request:{request_id}");
    parts.status = kind.status();
    parts.headers.remove(http::header::CONTENT_LENGTH);
    parts.headers.insert(CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
    if let Some(seconds) = problem.retry_after {
        parts.headers.insert(RETRY_AFTER, seconds.into());
    }
    if kind == Kind::TooManyRequests {
        parts.headers.insert("ratelimit-remaining", 0.into());
        parts.headers.insert("ratelimit-reset", problem.retry_after.unwrap_or(1).into());
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
    use sendbox_domain::phone::NumberKind;
    use sendbox_domain::rules::quota::Quota;

    use super::*;

    fn rendered(error: Error) -> (http::response::Parts, serde_json::Value) {
        let (parts, body) = render(ApiError::from(error).into_response(), &Method::POST, "ab12").into_parts();
        let bytes = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap()
            .block_on(axum::body::to_bytes(body, 1 << 20));
        (parts, serde_json::from_slice(&bytes.unwrap()).unwrap())
    }

    #[test]
    fn every_error_has_the_problem_type_of_its_name() {
        for error in [
            Error::Unauthenticated,
            Error::Forbidden(Scope::Send),
            Error::PlatformOnly,
            Error::NotFound("tenant"),
            Error::invalid("name", "must be given"),
            Error::Conflict("it is there already".to_owned()),
            Error::DiffChanged,
            Error::ApprovalRequired(vec!["new host: POST https://b.example.com, any path".to_owned()]),
            Error::ConnectionInUse(vec![Flow::SignIn]),
            Error::FlowDisabled(Flow::Mfa),
            Error::NoticesDisabled,
            Error::NoActiveConnection,
            Error::CountryNotAllowed("DK".to_owned()),
            Error::NumberKindNotAllowed(NumberKind::PremiumRate),
            Error::PreconditionFailed,
            Error::Limited { limit: LimitName::Cooldown, retry_after: Some(30) },
            Error::IdempotencyMismatch,
            Error::IdempotencyInFlight,
            Error::WrongCode { tries_left: 4 },
            Error::StoreUnavailable,
            Error::StoreUncertain,
            Error::ReportNotAuthentic,
            Error::ReportMalformed,
            Error::ReportUnreadable,
            Error::TooManyRequests { retry_after: 3 },
            Error::QuotaReached { quota: Quota::Keys, retry_after: None },
            Error::Busy,
            Error::MasterKeyMissing,
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
    fn some_problems_have_members_and_headers_of_their_own() {
        let (parts, document) = rendered(Error::Limited { limit: LimitName::NumberPerHour, retry_after: Some(90) });
        assert_eq!((parts.status.as_u16(), &parts.headers[RETRY_AFTER]), (429, &HeaderValue::from(90)));
        assert_eq!(document["limit"], "number-per-hour");
        assert_eq!(document["retryAfter"], 90);
        assert_eq!(document["endUserMessage"], NEUTRAL);

        let (parts, document) = rendered(Error::Limited { limit: LimitName::SpendCap, retry_after: None });
        assert!(!parts.headers.contains_key(RETRY_AFTER) && document.get("retryAfter").is_none());

        let quota = Quota::ChangesPerDay;
        let (parts, document) = rendered(Error::QuotaReached { quota, retry_after: Some(60) });
        assert_eq!((parts.status.as_u16(), &parts.headers[RETRY_AFTER]), (429, &HeaderValue::from(60)));
        assert_eq!((&document["limit"], &document["retryAfter"]), (&"changes-per-day".into(), &60.into()));
        assert!(document.get("endUserMessage").is_none());

        let (parts, _) = rendered(Error::TooManyRequests { retry_after: 3 });
        let headers = ["retry-after", "ratelimit-reset", "ratelimit-remaining"].map(|name| &parts.headers[name]);
        assert_eq!(headers, ["3", "3", "0"]);
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
    fn responses_of_libraries_become_problems() {
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
