//! The session of a browser: its cookie, and the proof that a request comes from a page of this server.
//!
//! Promises
//! - the cookie is `HttpOnly` and `SameSite=Strict`; over a network without TLS nobody can sign in;
//! - where TLS is used, the cookie is one that only this host can have set (`__Host-`): a page of a neighbouring domain can neither
//!   replace the session nor end it;
//! - with a session, every change needs a token that only a page of this origin can have read, and a request that a browser
//!   declares to come from another origin is refused.
//!
//! Must not know: what a session permits. The service does.

use std::net::IpAddr;

use axum::extract::FromRequestParts;
use http::header::{COOKIE, HOST, ORIGIN};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use sendbox_domain::model::Session;
use sendbox_service::Error;
use subtle::ConstantTimeEq as _;
use url::{Host, Url};

use crate::api::Api;
use crate::problem::{ApiError, Kind};
use crate::query;

/// The path of the session's operations.
pub(crate) const PATH: &str = "/v1/session";
/// The name of the cookie. Browsers take a cookie with this prefix only over TLS, from the host itself, for all of its paths.
pub(crate) const COOKIE_NAME: &str = "__Host-sendbox_session";
/// Its name over `http` on this machine, where browsers do not take the other one.
const LOOPBACK_COOKIE_NAME: &str = "sendbox_session";
/// Proves that the request comes from a page that could read a response of this server.
const CSRF: HeaderName = HeaderName::from_static("x-csrf-token");
/// Where a request comes from, according to the browser.
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
/// No session's secret is longer; a longer one is refused without being hashed.
const LONGEST_COOKIE: usize = 128;

/// The value of the cookie, if there is exactly one of the name. The name without the prefix counts only on this machine.
pub(crate) fn cookie(headers: &HeaderMap) -> Option<String> {
    let named = |name| {
        let pairs = headers.get_all(COOKIE).iter().filter_map(|header| header.to_str().ok());
        let pairs = pairs.flat_map(|header| header.split(';')).filter_map(|pair| pair.trim().split_once('='));
        pairs.filter(move |(found, _)| *found == name).map(|(_, value)| value)
    };
    let name = if named(COOKIE_NAME).next().is_none() && names_this_machine(headers) {
        LOOPBACK_COOKIE_NAME
    } else {
        COOKIE_NAME
    };
    let mut found = named(name);
    let value = found.next()?;
    let plain = (1..=LONGEST_COOKIE).contains(&value.len()) && value.bytes().all(|byte| byte.is_ascii_graphic());
    (found.next().is_none() && plain).then(|| value.to_owned())
}

/// Whether the request was made to a name or an address of this machine.
fn names_this_machine(headers: &HeaderMap) -> bool {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    host.and_then(|host| Url::parse(&format!("http://{host}")).ok()).is_some_and(|host| is_loopback(&host))
}

/// Refuses a request with a session that does not prove where it comes from.
pub(crate) fn guard(method: &Method, headers: &HeaderMap, session: &Session) -> Result<(), ApiError> {
    let same_origin = is_same_origin(headers);
    let reads = matches!(*method, Method::GET | Method::HEAD);
    let token = headers.get(CSRF).map(HeaderValue::as_bytes).unwrap_or_default();
    let expected = session.csrf_token.as_deref().unwrap_or_default().as_bytes();
    let proven = !expected.is_empty() && bool::from(token.ct_eq(expected));
    if same_origin && (reads || proven) {
        return Ok(());
    }
    Err(ApiError::of(Kind::CrossSite, Kind::CrossSite.remedy()))
}

/// Whether no header says that a page of another origin sent this. A page cannot set `Sec-Fetch-Site`, so it is trusted; browsers
/// without it send `Origin`.
fn is_same_origin(headers: &HeaderMap) -> bool {
    if let Some(site) = headers.get(SEC_FETCH_SITE) {
        return site == "same-origin" || site == "none";
    }
    let Some(origin) = headers.get(ORIGIN) else { return true };
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let authority = origin.to_str().ok().and_then(|origin| origin.split_once("://")).map(|(_, authority)| authority);
    authority.is_some_and(|authority| !host.is_empty() && authority.eq_ignore_ascii_case(host))
}

/// How the browser reaches this server. Determined when a cookie is about to be set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transport {
    /// Over `https`, or from a program that is not a browser.
    Secure,
    /// Over `http`, on this machine.
    Loopback,
}

impl Transport {
    /// A browser says with `Origin` how it reaches this server, whatever terminates TLS in between. `None`: a network without
    /// TLS, or a page of another origin.
    fn of(headers: &HeaderMap) -> Option<Self> {
        if !is_same_origin(headers) {
            return None;
        }
        let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
        let Some(origin) = text(ORIGIN) else {
            return Some(if names_this_machine(headers) { Self::Loopback } else { Self::Secure });
        };
        let origin = Url::parse(origin).ok()?;
        match origin.scheme() {
            "https" => Some(Self::Secure),
            "http" if is_loopback(&origin) => Some(Self::Loopback),
            _ => None,
        }
    }
}

impl FromRequestParts<Api> for Transport {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, ApiError> {
        if !is_same_origin(&parts.headers) {
            return Err(ApiError::of(Kind::CrossSite, Kind::CrossSite.remedy()));
        }
        query::refuse_unexpected(parts, api.document)?;
        Self::of(&parts.headers).ok_or_else(|| ApiError::of(Kind::InsecureTransport, Kind::InsecureTransport.remedy()))
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => IpAddr::from(address).is_loopback(),
        Some(Host::Ipv6(address)) => IpAddr::from(address).is_loopback(),
        None => false,
    }
}

/// The header that sets the cookie. It lasts as long as the browser runs; the service ends the session earlier.
pub(crate) fn set(secret: &str, transport: Transport) -> Result<HeaderValue, Error> {
    header(secret, "", transport)
}

/// The header that clears the cookie.
pub(crate) fn clear(headers: &HeaderMap) -> Result<HeaderValue, Error> {
    header("", "; Max-Age=0", Transport::of(headers).unwrap_or(Transport::Secure))
}

fn header(value: &str, age: &str, transport: Transport) -> Result<HeaderValue, Error> {
    let (name, secure) = match transport {
        Transport::Secure => (COOKIE_NAME, "; Secure"),
        Transport::Loopback => (LOOPBACK_COOKIE_NAME, ""),
    };
    let text = format!("{name}={value}; Path=/; HttpOnly; SameSite=Strict{secure}{age}");
    let mut header =
        HeaderValue::from_str(&text).map_err(|_| Error::Internal("the cookie is not a valid header".to_owned()))?;
    header.set_sensitive(true);
    Ok(header)
}

#[cfg(test)]
mod tests {
    use sendbox_domain::model::Principal;

    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap())).collect()
    }

    #[test]
    fn exactly_one_cookie_of_the_name_is_accepted() {
        let found = |host: &str, header: &str| cookie(&headers(&[("host", host), ("cookie", header)]));
        for (header, value) in [
            ("__Host-sendbox_session=abc", Some("abc")),
            ("theme=dark; __Host-sendbox_session=abc; other=1", Some("abc")),
            ("__Host-sendbox_session=a; __Host-sendbox_session=b", None),
            ("__Host-sendbox_session=", None),
            ("x__Host-sendbox_session=abc", None),
            ("__host-sendbox_session=abc", None),
            ("__Host-sendbox_session", None),
            ("", None),
            // Which any page of the domain can have set.
            ("sendbox_session=abc", None),
            ("sendbox_session=evil; __Host-sendbox_session=abc; sendbox_session=evil", Some("abc")),
        ] {
            assert_eq!(found("sms.example", header).as_deref(), value, "{header}");
        }
        for (header, value) in [
            ("sendbox_session=abc", Some("abc")),
            ("sendbox_session=a; sendbox_session=b", None),
            ("sendbox_session=evil; __Host-sendbox_session=abc", Some("abc")),
        ] {
            assert_eq!(found("127.0.0.1:8080", header).as_deref(), value, "{header}");
            assert_eq!(found("localhost:8080", header).as_deref(), value, "{header}");
        }
        let long = format!("__Host-sendbox_session={}", "a".repeat(LONGEST_COOKIE + 1));
        assert_eq!(found("sms.example", &long), None);
    }

    #[test]
    fn a_request_with_a_session_proves_where_it_comes_from() {
        let view = Session {
            principal: Principal::Platform,
            tenant: None,
            key: None,
            scopes: [].into(),
            csrf_token: Some("token".to_owned()),
            expires_at: None,
        };
        let allowed = |method: Method, pairs: &[(&'static str, &str)]| guard(&method, &headers(pairs), &view).is_ok();
        let (token, host) = (("x-csrf-token", "token"), ("host", "sms.example:8443"));
        assert!(allowed(Method::GET, &[]));
        assert!(allowed(Method::GET, &[("sec-fetch-site", "none")]));
        assert!(!allowed(Method::GET, &[("sec-fetch-site", "cross-site")]));
        assert!(!allowed(Method::POST, &[]));
        assert!(!allowed(Method::DELETE, &[("sec-fetch-site", "same-origin")]));
        assert!(!allowed(Method::PUT, &[("x-csrf-token", "tokem")]));
        assert!(!allowed(Method::PUT, &[("x-csrf-token", "")]));
        assert!(allowed(Method::POST, &[token]));
        assert!(allowed(Method::POST, &[token, ("sec-fetch-site", "same-origin")]));
        assert!(!allowed(Method::POST, &[token, ("sec-fetch-site", "same-site")]));
        assert!(allowed(Method::POST, &[token, host, ("origin", "https://sms.example:8443")]));
        assert!(!allowed(Method::POST, &[token, host, ("origin", "https://sms.example")]));
        assert!(!allowed(Method::POST, &[token, host, ("origin", "null")]));
        assert!(!allowed(Method::POST, &[token, ("origin", "https://")]));
    }

    #[test]
    fn nobody_can_sign_in_over_a_network_without_tls() {
        let of = |pairs: &[(&'static str, &str)]| Transport::of(&headers(pairs));
        let same = ("sec-fetch-site", "same-origin");
        for (origin, transport) in [
            ("https://sms.example", Some(Transport::Secure)),
            ("http://127.0.0.1:8080", Some(Transport::Loopback)),
            ("http://[::1]:8080", Some(Transport::Loopback)),
            ("http://localhost:8080", Some(Transport::Loopback)),
            ("http://sms.example", None),
            ("http://localhost.evil.example", None),
            ("null", None),
        ] {
            assert_eq!(of(&[same, ("origin", origin)]), transport, "{origin}");
        }
        // Programs send no Origin.
        assert_eq!(of(&[("host", "127.0.0.1:8080")]), Some(Transport::Loopback));
        assert_eq!(of(&[("host", "sms.example")]), Some(Transport::Secure));
        assert_eq!(of(&[("sec-fetch-site", "cross-site"), ("origin", "https://sms.example")]), None);
    }

    #[test]
    fn the_cookie_is_out_of_reach_of_scripts_and_other_sites() {
        let text = |value: Result<HeaderValue, Error>| value.unwrap().to_str().unwrap().to_owned();
        assert_eq!(
            text(set("abc", Transport::Secure)),
            "__Host-sendbox_session=abc; Path=/; HttpOnly; SameSite=Strict; Secure"
        );
        assert_eq!(text(set("abc", Transport::Loopback)), "sendbox_session=abc; Path=/; HttpOnly; SameSite=Strict");
        assert!(text(clear(&HeaderMap::new())).ends_with("; Max-Age=0"));
    }
}
