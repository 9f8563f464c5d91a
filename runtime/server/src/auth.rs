//! Who asks: `Authorization: Bearer …`, asked of the service before anything else of the request is looked at. A query that
//! the operation does not take is refused next.

use axum::extract::FromRequestParts;
use http::header::AUTHORIZATION;
use http::request::Parts;
use sendbox_service::{Caller, Error};

use crate::api::Api;
use crate::log::Trail;
use crate::problem::Refusal;
use crate::query;

/// Longer than any key; what is longer is none, and is not hashed.
const LONGEST_KEY: usize = 256;

/// The caller. Every handler below `/v1` takes this first, since no method of the service can be called without it.
pub(crate) struct Authenticated(pub(crate) Caller);

impl FromRequestParts<Api> for Authenticated {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Refusal> {
        let bearer = bearer(parts).ok_or(Error::Unauthenticated)?;
        let caller = api.service.authenticate(bearer).await?;
        if let Some(trail) = parts.extensions.get::<Trail>() {
            trail.actor(&caller);
        }
        query::refuse_where_none_is_taken(parts)?;
        Ok(Self(caller))
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
