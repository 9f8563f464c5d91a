//! Authenticates the caller by `Authorization: Bearer …` or by a browser's session, before anything else of the request is read.
//! Unknown query parameters are refused next.

use std::time::Duration;

use axum::extract::{FromRequestParts, MatchedPath, RawPathParams};
use http::Method;
use http::header::AUTHORIZATION;
use http::request::Parts;
use sendbox_domain::model::{Scope, Session};
use sendbox_domain::rules::request_rate::Work;
use sendbox_service::{Caller, Error, RequestKind};
use tokio::time::sleep;

use crate::api::Api;
use crate::log::RequestContext;
use crate::problem::ApiError;
use crate::{query, session};

/// No key is longer; a longer one is refused without being hashed.
const LONGEST_KEY: usize = 256;

/// A request that is refused for its rate is answered after this time: a client that does not heed `Retry-After` makes a few requests a
/// second for each of its connections, whose number is bounded, and not as many as the processor can refuse.
const REFUSAL_DELAY: Duration = Duration::from_millis(250);

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
        let context = parts.extensions.get::<RequestContext>().cloned();
        if let Some(context) = &context {
            context.set_caller(&signed_in.caller);
        }
        query::refuse_unexpected(parts, api.document)?;
        require_before_body(parts, api, &signed_in.caller).await?;
        let kind = parts.extensions.get::<MatchedPath>().map(|path| kind(&parts.method, path.as_str()));
        let admitted = match api.service.admit_request(&signed_in.caller, kind.unwrap_or(UNKNOWN)) {
            Ok(admitted) => admitted,
            Err(refused) => {
                sleep(REFUSAL_DELAY).await;
                return Err(refused.into());
            }
        };
        if let (Some(context), Some(admitted)) = (context, admitted) {
            context.hold(admitted);
        }
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
        "messages" | "verifications" if of_tenant.ends_with("/search") => Scope::Read,
        "messages" => Scope::Send,
        "verifications" => Scope::Verify,
        "template-previews" => Scope::Read,
        _ => Scope::Manage,
    })
}

/// What a request to a path without a route counts as.
const UNKNOWN: RequestKind = RequestKind::Management(Work::Read);

/// What an operation asks for, by its method and the path as it is declared.
fn kind(method: &Method, route: &str) -> RequestKind {
    let of_tenant = route.strip_prefix("/v1/tenants/{tenant}/").unwrap_or_default();
    let mut segments = of_tenant.split('/');
    let (first, second) = (segments.next().unwrap_or_default(), segments.next());
    let reads = matches!(*method, Method::GET | Method::HEAD);
    match (first, second) {
        ("messages" | "verifications", Some("search")) => RequestKind::Management(Work::SearchOrChange),
        // Platforms ask for the state of what they have sent as often as they send.
        ("messages" | "verifications", second) if !reads || second.is_some() => RequestKind::Messaging,
        ("template-previews" | "connection-tests", _) => RequestKind::Management(Work::Compute),
        // Uploads.
        ("connectors", None) if !reads => RequestKind::Management(Work::Compute),
        ("messages" | "verifications" | "statistics" | "audit", _) | ("events", None) => {
            RequestKind::Management(Work::SearchOrChange)
        }
        _ if reads => RequestKind::Management(Work::Read),
        _ => RequestKind::Management(Work::SearchOrChange),
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_cost_what_they_cause() {
        let of_tenant = |method, path: &str| kind(&method, &format!("/v1/tenants/{{tenant}}{path}"));
        let management = RequestKind::Management;
        for (found, expected) in [
            (of_tenant(Method::POST, "/messages"), RequestKind::Messaging),
            (of_tenant(Method::GET, "/messages/{id}"), RequestKind::Messaging),
            (of_tenant(Method::POST, "/verifications/{id}/check"), RequestKind::Messaging),
            (of_tenant(Method::GET, "/messages"), management(Work::SearchOrChange)),
            (of_tenant(Method::POST, "/messages/search"), management(Work::SearchOrChange)),
            (of_tenant(Method::POST, "/verifications/search"), management(Work::SearchOrChange)),
            (of_tenant(Method::POST, "/messages/{id}/cancel"), RequestKind::Messaging),
            (of_tenant(Method::GET, "/audit"), management(Work::SearchOrChange)),
            (of_tenant(Method::POST, "/connection-tests"), management(Work::Compute)),
            (of_tenant(Method::POST, "/template-previews"), management(Work::Compute)),
            (of_tenant(Method::POST, "/connectors"), management(Work::Compute)),
            (of_tenant(Method::GET, "/connectors"), management(Work::Read)),
            (of_tenant(Method::PUT, "/policy"), management(Work::SearchOrChange)),
            (of_tenant(Method::GET, ""), management(Work::Read)),
            (kind(&Method::GET, "/v1/session"), management(Work::Read)),
            (kind(&Method::POST, "/v1/tenants"), management(Work::SearchOrChange)),
        ] {
            assert_eq!(found, expected);
        }
    }
}
