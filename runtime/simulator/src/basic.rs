//! HTTP Basic (RFC 7617), for the simulated providers that use it.
//!
//! Promises to compare in constant time and to accept exactly one header. Knows no provider.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use subtle::ConstantTimeEq as _;

use crate::request::IncomingRequest;

/// Whether the request has the credentials of this user.
pub(crate) fn is_authorized(request: &IncomingRequest, user: &str, password: &str) -> bool {
    let given = request
        .header("authorization")
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("basic"))
        .and_then(|(_, encoded)| STANDARD.decode(encoded).ok());
    given.is_some_and(|given| bool::from(given.ct_eq(format!("{user}:{password}").as_bytes())))
}
