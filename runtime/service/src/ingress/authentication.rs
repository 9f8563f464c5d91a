//! Authenticates a call of an ingress, by its headers and its raw body, before anything of the body is parsed.
//!
//! Promises
//! - secrets and signatures are compared in constant time, with each of the one or two secrets;
//! - a signed time may lie 5 minutes in the past or in the future, and no more;
//! - a header that matters and occurs twice is refused;
//! - no error contains anything of the call.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use sendbox_domain::model::{IngressAuthenticationType as Method, Timestamp, TwilioApiKey};
use serde_json::Value;
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::standard_webhooks;
use crate::vault::constant_time_eq;

/// How far a signed time may lie in the past or in the future, in seconds.
const TOLERANCE_SECONDS: i64 = 300;
/// Maximum number of signatures in a header.
const MAX_SIGNATURES: usize = 8;

/// A call of an ingress, as it was received. Has no `Debug`: it contains numbers and codes.
pub struct IngressRequest {
    /// `POST`
    pub method: String,
    /// What follows the token in the path.
    pub path: String,
    /// The query string.
    pub query: String,
    /// Names, in lower case, and values.
    pub headers: Vec<(String, String)>,
    /// The exact body.
    pub body: Zeroizing<Vec<u8>>,
}

impl IngressRequest {
    /// The value of a header that occurs once.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name));
        let value = values.next()?.1.as_str();
        values.next().is_none().then_some(value)
    }
}

/// How an ingress authenticates its calls.
pub(crate) struct Authentication<'a> {
    pub(crate) method: Method,
    /// The header, the user name or the audience.
    pub(crate) name: Option<&'a str>,
    pub(crate) secrets: &'a [Zeroizing<String>],
    /// A user name and password beside them, for HTTP Basic.
    pub(crate) api_key: Option<&'a TwilioApiKey>,
}

/// Why a call is not authentic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotAuthentic {
    #[error("the ingress has no secret yet, so that every call is refused; enter the one that the platform has made")]
    NoSecret,
    #[error(
        "the call has no secret or signature, or has it twice; compare how the platform authenticates with this ingress"
    )]
    Missing,
    #[error("the secret or signature is wrong; compare it with the one in the platform's configuration")]
    Wrong,
    #[error(
        "the signed time is more than 5 minutes away from the clock here; check both clocks, or the call was recorded and repeated"
    )]
    Time,
    #[error("the token is for another audience")]
    Audience,
}

impl Authentication<'_> {
    /// Checks a call.
    ///
    /// # Errors
    /// [`NotAuthentic`].
    pub(crate) fn check(&self, call: &IngressRequest, now: Timestamp) -> Result<(), NotAuthentic> {
        if self.method == Method::None {
            return Ok(());
        }
        if self.secrets.is_empty() {
            return Err(NotAuthentic::NoSecret);
        }
        match self.method {
            Method::None => Ok(()),
            Method::Bearer => self.equals(authorization(call, "bearer")?),
            Method::Basic => self.basic(authorization(call, "basic")?),
            Method::Header => self.equals(call.header(self.name.unwrap_or_default()).ok_or(NotAuthentic::Missing)?),
            Method::StandardWebhooks => self.standard_webhooks(call, now),
            Method::ZitadelSignature => self.zitadel(call, now),
            Method::AuthgearSignature => {
                let given = call.header("x-authgear-body-signature").ok_or(NotAuthentic::Missing)?;
                let given = hex::decode(given).map_err(|_| NotAuthentic::Wrong)?;
                self.verifies(&[&call.body], &[given], as_text)
            }
            Method::AuthsignalSignature => self.authsignal(call, now),
            Method::JwtHs256 => self.token(authorization(call, "bearer")?, now),
        }
    }

    /// Whether a text is one of the secrets.
    fn equals(&self, given: &str) -> Result<(), NotAuthentic> {
        let is_equal = |secret: &Zeroizing<String>| constant_time_eq(secret.as_bytes(), given.as_bytes());
        if any(self.secrets, is_equal) { Ok(()) } else { Err(NotAuthentic::Wrong) }
    }

    fn basic(&self, credentials: &str) -> Result<(), NotAuthentic> {
        let decoded = Zeroizing::new(STANDARD.decode(credentials).map_err(|_| NotAuthentic::Wrong)?);
        let text = std::str::from_utf8(&decoded).map_err(|_| NotAuthentic::Wrong)?;
        let (username, password) = text.split_once(':').ok_or(NotAuthentic::Wrong)?;
        let is_user = constant_time_eq(username.as_bytes(), self.name.unwrap_or_default().as_bytes());
        let is_authentic = self.equals(password).is_ok();
        let is_api_key = self.api_key.is_some_and(|key| {
            constant_time_eq(username.as_bytes(), key.sid.as_bytes())
                & constant_time_eq(password.as_bytes(), key.secret.as_bytes())
        });
        if (is_user & is_authentic) | is_api_key { Ok(()) } else { Err(NotAuthentic::Wrong) }
    }

    /// <https://www.standardwebhooks.com>.
    fn standard_webhooks(&self, call: &IngressRequest, now: Timestamp) -> Result<(), NotAuthentic> {
        let header = |name: &str| call.header(name).ok_or(NotAuthentic::Missing);
        let (id, time, signatures) =
            (header("webhook-id")?, header("webhook-timestamp")?, header("webhook-signature")?);
        check_time(time, now)?;
        let given = standard_webhooks::signatures_in(signatures);
        self.verifies(&standard_webhooks::signed(id, time, &call.body), &given, standard_webhooks::key_of)
    }

    fn zitadel(&self, call: &IngressRequest, now: Timestamp) -> Result<(), NotAuthentic> {
        let (time, given) = timed(call.header("zitadel-signature").ok_or(NotAuthentic::Missing)?, "v1")?;
        check_time(time, now)?;
        let given: Vec<Vec<u8>> = given.iter().filter_map(|text| hex::decode(text).ok()).collect();
        self.verifies(&[time.as_bytes(), b".", &call.body], &given, as_text)
    }

    fn authsignal(&self, call: &IngressRequest, now: Timestamp) -> Result<(), NotAuthentic> {
        let (time, given) = timed(call.header("x-signature-v2").ok_or(NotAuthentic::Missing)?, "v2")?;
        check_time(time, now)?;
        let decode = |text: &&str| STANDARD_NO_PAD.decode(text.trim_end_matches('=')).ok();
        let given: Vec<Vec<u8>> = given.iter().filter_map(decode).collect();
        self.verifies(&[time.as_bytes(), b".", &call.body], &given, as_text)
    }

    /// A token that is signed under a secret, has not expired, and is for the audience.
    fn token(&self, token: &str, now: Timestamp) -> Result<(), NotAuthentic> {
        let claims = self
            .secrets
            .iter()
            .find_map(|secret| sendbox_sandbox::jwt_claims(token.as_bytes(), secret.as_bytes()))
            .ok_or(NotAuthentic::Wrong)?;
        let claims: Value = serde_json::from_str(&claims).map_err(|_| NotAuthentic::Wrong)?;
        let seconds = |name: &str| claims.get(name).and_then(Value::as_i64);
        let now = now.0.div_euclid(1000);
        let (expires, issued) = (seconds("exp"), seconds("iat"));
        // A token that is valid for ever could be repeated for ever.
        let is_current = match (expires, issued) {
            (Some(end), _) => now < end.saturating_add(TOLERANCE_SECONDS),
            (None, Some(start)) => now <= start.saturating_add(TOLERANCE_SECONDS),
            (None, None) => false,
        };
        let has_begun = [issued, seconds("nbf")].into_iter().flatten().all(|start| start <= now + TOLERANCE_SECONDS);
        if !is_current || !has_begun {
            return Err(NotAuthentic::Time);
        }
        let Some(audience) = self.name else { return Ok(()) };
        let is_for_it = match claims.get("aud") {
            Some(Value::String(given)) => given == audience,
            Some(Value::Array(given)) => given.iter().any(|one| one == audience),
            _ => false,
        };
        if is_for_it { Ok(()) } else { Err(NotAuthentic::Audience) }
    }

    /// Whether one of the signatures is the HMAC-SHA256 of a text under one of the secrets.
    fn verifies(
        &self,
        signed: &[&[u8]],
        given: &[Vec<u8>],
        key_of: impl Fn(&str) -> Option<Zeroizing<Vec<u8>>>,
    ) -> Result<(), NotAuthentic> {
        if given.is_empty() {
            return Err(NotAuthentic::Missing);
        }
        let verifies = |secret: &Zeroizing<String>| {
            let Some(mac) = key_of(secret).and_then(|key| Hmac::<Sha256>::new_from_slice(&key).ok()) else {
                return false;
            };
            let mac = signed.iter().fold(mac, |mac, part| mac.chain_update(part));
            any(given, |signature| mac.clone().verify_slice(signature).is_ok())
        };
        if any(self.secrets, verifies) { Ok(()) } else { Err(NotAuthentic::Wrong) }
    }
}

/// Whether a condition holds for one of the values; looks at all of them, so that time does not tell which.
fn any<T>(values: &[T], condition: impl Fn(&T) -> bool) -> bool {
    values.iter().fold(false, |found, value| found | condition(value))
}

fn as_text(secret: &str) -> Option<Zeroizing<Vec<u8>>> {
    Some(Zeroizing::new(secret.as_bytes().to_vec()))
}

/// What follows the scheme in the one `Authorization` header.
fn authorization<'a>(call: &'a IngressRequest, scheme: &str) -> Result<&'a str, NotAuthentic> {
    let (given, rest) =
        call.header("authorization").and_then(|value| value.split_once(' ')).ok_or(NotAuthentic::Missing)?;
    if given.eq_ignore_ascii_case(scheme) { Ok(rest.trim()) } else { Err(NotAuthentic::Missing) }
}

/// The time and the signatures in `t=…,v1=…,v1=…`.
fn timed<'a>(header: &'a str, version: &str) -> Result<(&'a str, Vec<&'a str>), NotAuthentic> {
    let mut time = None;
    let mut signatures = Vec::new();
    for piece in header.split(',') {
        match piece.trim().split_once('=') {
            Some(("t", value)) if time.is_none() => time = Some(value),
            Some(("t", _)) => return Err(NotAuthentic::Wrong),
            Some((name, value)) if name == version && signatures.len() < MAX_SIGNATURES => signatures.push(value),
            _ => {}
        }
    }
    Ok((time.ok_or(NotAuthentic::Missing)?, signatures))
}

fn check_time(seconds: &str, now: Timestamp) -> Result<(), NotAuthentic> {
    let signed: i64 = seconds.parse().map_err(|_| NotAuthentic::Wrong)?;
    let distance = now.0.div_euclid(1000).checked_sub(signed).map_or(u64::MAX, i64::unsigned_abs);
    if distance <= TOLERANCE_SECONDS.unsigned_abs() { Ok(()) } else { Err(NotAuthentic::Time) }
}

#[cfg(test)]
mod tests;
