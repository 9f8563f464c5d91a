//! Authenticates the caller by `Authorization: Bearer …` or by a browser's session, before anything else of the request is read.
//! Unknown query parameters are refused next.

use axum::extract::{FromRequestParts, MatchedPath, RawPathParams};
use http::Method;
use http::header::AUTHORIZATION;
use http::request::Parts;
use sendbox_domain::model::{Scope, Session};
use sendbox_service::{Caller, Error};

use crate::api::Api;
use crate::log::LogContext;
use crate::problem::ApiError;
use crate::{query, session};

/// No key is longer; a longer one is refused without being hashed.
const LONGEST_KEY: usize = 256;

/// The caller. Every handler below `/v1` takes this first, since every method of the service needs it.
pub(crate) struct Authenticated(pub(crate) Caller);

/// The caller and its session, for the operations on the session.
pub(crate) struct SignedIn {
    pub(crate) caller: Caller,
    pub(crate) view: Session,
    /// The session's secret; `None` for a caller with a key.
    pub(crate) cookie: Option<String>,
}

impl FromRequestParts<Api> for Authenticated {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, ApiError> {
        SignedIn::from_request_parts(parts, api).await.map(|signed_in| Self(signed_in.caller))
    }
}

impl FromRequestParts<Api> for SignedIn {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, ApiError> {
        // A key takes precedence over a cookie: a program may run in a browser that is signed in.
        let signed_in = if parts.headers.contains_key(AUTHORIZATION) {
            let bearer = bearer(parts).ok_or(Error::Unauthenticated)?;
            let caller = api.service.authenticate(bearer).await?;
            Self { view: api.service.describe_caller(&caller), caller, cookie: None }
        } else {
            let cookie = session::cookie(&parts.headers).ok_or(Error::Unauthenticated)?;
            let (caller, view) = api.service.authenticate_session(&cookie).await?;
            session::guard(&parts.method, &parts.headers, &view)?;
            Self { caller, view, cookie: Some(cookie) }
        };
        if let Some(context) = parts.extensions.get::<LogContext>() {
            context.set_caller(&signed_in.caller);
        }
        query::refuse_unexpected(parts, api.document)?;
        require_before_body(parts, api, &signed_in.caller).await?;
        Ok(signed_in)
    }
}

/// What an operation with a body needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Needs {
    Nothing,
    Platform,
    OfTenant(Scope),
}

/// What the operation of a route needs, by the path as it is declared.
fn needs(route: &str) -> Needs {
    if route == "/v1/session" {
        return Needs::Nothing;
    }
    let Some(of_tenant) = route.strip_prefix("/v1/tenants/{tenant}") else { return Needs::Platform };
    Needs::OfTenant(match of_tenant.trim_start_matches('/').split('/').next().unwrap_or_default() {
        "messages" => Scope::Send,
        "verifications" => Scope::Verify,
        "template-previews" => Scope::Read,
        _ => Scope::Manage,
    })
}

/// Refuses a caller that may not call the operation before its body is read: bodies are large, and clients decide how fast they come.
/// The operation checks again.
async fn require_before_body(parts: &mut Parts, api: &Api, caller: &Caller) -> Result<(), ApiError> {
    if matches!(parts.method, Method::GET | Method::HEAD | Method::DELETE) {
        return Ok(());
    }
    let route = parts.extensions.get::<MatchedPath>().map(|path| needs(path.as_str()));
    match route.unwrap_or(Needs::Nothing) {
        Needs::Nothing => Ok(()),
        Needs::Platform => Ok(caller.may_in(None, Scope::Manage)?),
        Needs::OfTenant(scope) => {
            // A path that cannot be read is refused where it is read.
            let Ok(parameters) = RawPathParams::from_request_parts(parts, api).await else { return Ok(()) };
            let tenant = parameters.iter().find(|(name, _)| *name == "tenant").map(|(_, value)| value.to_owned());
            Ok(caller.may_in(Some(&tenant.unwrap_or_default()), scope)?)
        }
    }
}

/// The bearer token, if there is exactly one such header. The scheme is case-insensitive (RFC 9110 section 11.1).
fn bearer(parts: &Parts) -> Option<&str> {
    let mut headers = parts.headers.get_all(AUTHORIZATION).iter();
    let header = headers.next()?.to_str().ok()?;
    if headers.next().is_some() {
        return None;
    }
    let (scheme, key) = header.split_once(' ')?;
    let key = key.trim();
    let plausible = !key.is_empty() && key.len() <= LONGEST_KEY && key.bytes().all(|byte| byte.is_ascii_graphic());
    (scheme.eq_ignore_ascii_case("bearer") && plausible).then_some(key)
}
