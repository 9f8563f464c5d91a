//! Who asks: `Authorization: Bearer …`, or the session of a browser, asked of the service before anything else of the request
//! is looked at. A query that the operation does not take is refused next.

use axum::extract::FromRequestParts;
use http::header::AUTHORIZATION;
use http::request::Parts;
use sendbox_domain::model::SessionView;
use sendbox_service::{Caller, Error};

use crate::api::Api;
use crate::log::Trail;
use crate::problem::Refusal;
use crate::{query, session};

/// Longer than any key; what is longer is none, and is not hashed.
const LONGEST_KEY: usize = 256;

/// The caller. Every handler below `/v1` takes this first, since no method of the service can be called without it.
pub(crate) struct Authenticated(pub(crate) Caller);

/// The caller, and what is known of the session, for those who look at it or end it.
pub(crate) struct SignedIn {
    pub(crate) caller: Caller,
    pub(crate) view: SessionView,
    /// What the cookie holds. `None`: a key was given.
    pub(crate) cookie: Option<String>,
}

impl FromRequestParts<Api> for Authenticated {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Refusal> {
        SignedIn::from_request_parts(parts, api).await.map(|signed_in| Self(signed_in.caller))
    }
}

impl FromRequestParts<Api> for SignedIn {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Refusal> {
        // A key counts before a cookie: a program may well run in a browser that is signed in.
        let signed_in = if parts.headers.contains_key(AUTHORIZATION) {
            let bearer = bearer(parts).ok_or(Error::Unauthenticated)?;
            let caller = api.service.authenticate(bearer).await?;
            Self { view: api.service.who(&caller), caller, cookie: None }
        } else {
            let cookie = session::cookie(&parts.headers).ok_or(Error::Unauthenticated)?;
            let (caller, view) = api.service.authenticate_session(&cookie).await?;
            session::guard(&parts.method, &parts.headers, &view)?;
            Self { caller, view, cookie: Some(cookie) }
        };
        if let Some(trail) = parts.extensions.get::<Trail>() {
            trail.actor(&signed_in.caller);
        }
        query::refuse_where_none_is_taken(parts)?;
        Ok(signed_in)
    }
}

/// What stands behind `Bearer `, when there is exactly one such header. The scheme's case does not count (RFC 9110 11.1).
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
