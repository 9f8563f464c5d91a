//! Requests of the embedding program itself, such as webhooks: no guest makes them, and they hold no message.
//!
//! They leave through the same [`Egress`](crate::egress::Egress) function as those of guests, with the same address rules, limits and
//! TLS, if the operator's policy allows their target. Their HTTP clients are their own, so that many targets displace none of the clients
//! that messages are sent with.
//!
//! Must not know: what the requests are for.

use std::sync::Arc;
use std::time::Duration;

use sendbox_policy::{Limits, OperatorPolicy};
use tokio::time::Instant;
use zeroize::Zeroizing;

use crate::egress::LeavingFlag;
use crate::egress::permit::{OwnDraft, permit_own};
use crate::egress::pool::PoolKey;
use crate::egress::revocation::Revocation;
use crate::sandbox::Sandbox;

/// Maximum size of a response, in bytes. Its body is not used.
const RESPONSE_BODY: usize = 64 * 1024;

/// A POST request. Has no `Debug`: its headers may hold a signature.
pub struct Post {
    /// The owner, as any text. Open connections are shared only between requests of one owner.
    pub owner: String,
    /// An absolute URL.
    pub url: String,
    /// Names and values. The host adds `Host`, `Content-Length` and others.
    pub headers: Vec<(String, String)>,
    /// The exact body.
    pub body: Zeroizing<Vec<u8>>,
}

/// What counts of a response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PostResponse {
    /// The HTTP status.
    pub status: u16,
    /// The header `Retry-After`, if it is ASCII and occurs once.
    pub retry_after: Option<String>,
}

/// A request without a response.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct PostError {
    /// Why there is no response. Contains neither the URL nor anything of the request.
    pub reason: String,
    /// Whether the request may have been sent.
    pub maybe_sent: bool,
}

impl Sandbox {
    /// Sends a request, and returns what counts of the response. Takes at most [`Limits::send_ms`]; nothing leaves once the request is
    /// revoked. Redirects are not followed.
    ///
    /// # Errors
    /// When a rule refuses the request or its target, and when there is no complete response within the limits.
    pub async fn post(
        &self,
        operator: &OperatorPolicy,
        request: Post,
        revocation: &Revocation,
    ) -> Result<PostResponse, PostError> {
        let deadline = Instant::now() + Duration::from_millis(self.limits.send_ms);
        let limits = Limits { response_body: self.limits.response_body.min(RESPONSE_BODY), ..(*self.limits).clone() };
        let pool = PoolKey { owner: request.owner.into(), revision: "own".into() };
        let draft = OwnDraft { url: &request.url, headers: &request.headers, body: request.body };
        let permitted = permit_own(draft, operator, &limits, pool)
            .map_err(|violation| PostError { reason: violation.to_string(), maybe_sent: false })?;
        let leaving = Arc::new(LeavingFlag::default());
        match self.own_egress.send(permitted, &limits, deadline, revocation, &leaving).await {
            Ok(answer) => Ok(PostResponse { status: answer.status, retry_after: retry_after(&answer.headers) }),
            Err(error) => Err(PostError { reason: error.message, maybe_sent: error.maybe_sent }),
        }
    }
}

fn retry_after(headers: &[(String, Vec<u8>)]) -> Option<String> {
    let mut values = headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("retry-after"));
    let value = values.next().and_then(|(_, value)| std::str::from_utf8(value).ok())?;
    (values.next().is_none() && value.is_ascii()).then(|| value.trim().to_owned())
}
