//! The session of a browser: its cookie, and what shows that a request comes from a page of this server.
//!
//! Promises
//! - the cookie is `HttpOnly` and `SameSite=Strict`, and `Secure` wherever TLS is spoken; over a network without TLS nobody
//!   is signed in at all;
//! - with a session, everything but reading needs a token that only a page of this origin can have read, and no request is
//!   taken that a browser says comes from elsewhere.
//!
//! Must not know: what a session is worth. That is the service's.

use std::net::IpAddr;

use axum::extract::FromRequestParts;
use http::header::{COOKIE, HOST, ORIGIN};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use sendbox_domain::model::SessionView;
use sendbox_service::Error;
use subtle::ConstantTimeEq as _;
use url::{Host, Url};

use crate::problem::{Kind, Refusal};
use crate::query;

/// Where a session is opened, read and ended.
pub(crate) const PATH: &str = "/v1/session";
/// The cookie's name.
pub(crate) const COOKIE_NAME: &str = "sendbox_session";
/// Shows that the request comes from a page that could read an answer of this server.
const CSRF: HeaderName = HeaderName::from_static("x-csrf-token");
/// Where a request comes from, as the browser says.
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
/// Longer than any session's; what is longer is none, and is not hashed.
const LONGEST_COOKIE: usize = 128;

/// What the cookie holds, when there is exactly one of the name.
pub(crate) fn cookie(headers: &HeaderMap) -> Option<String> {
    let pairs = headers.get_all(COOKIE).iter().filter_map(|header| header.to_str().ok());
    let mut found = pairs
        .flat_map(|header| header.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .filter(|(name, _)| *name == COOKIE_NAME)
        .map(|(_, value)| value);
    let value = found.next()?;
    let plain = (1..=LONGEST_COOKIE).contains(&value.len()) && value.bytes().all(|byte| byte.is_ascii_graphic());
    (found.next().is_none() && plain).then(|| value.to_owned())
}

/// Refuses a request with a session that does not show where it comes from.
pub(crate) fn guard(method: &Method, headers: &HeaderMap, session: &SessionView) -> Result<(), Refusal> {
    let from_here = is_from_here(headers);
    let reads = matches!(*method, Method::GET | Method::HEAD);
    let token = headers.get(CSRF).map(HeaderValue::as_bytes).unwrap_or_default();
    let expected = session.csrf_token.as_deref().unwrap_or_default().as_bytes();
    let shown = !expected.is_empty() && bool::from(token.ct_eq(expected));
    if from_here && (reads || shown) {
        return Ok(());
    }
    Err(Refusal::of(Kind::CrossSite, Kind::CrossSite.remedy()))
}

/// Whether nothing says that a page of another origin sent this. `Sec-Fetch-Site` cannot be set by a page, so it is believed;
/// browsers without it send `Origin`.
fn is_from_here(headers: &HeaderMap) -> bool {
    if let Some(site) = headers.get(SEC_FETCH_SITE) {
        return site == "same-origin" || site == "none";
    }
    let Some(origin) = headers.get(ORIGIN) else { return true };
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let authority = origin.to_str().ok().and_then(|origin| origin.split_once("://")).map(|(_, authority)| authority);
    authority.is_some_and(|authority| !host.is_empty() && authority.eq_ignore_ascii_case(host))
}

/// How the browser speaks with this server. Taken where a cookie is to be given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transport {
    /// By `https`, or by whatever a program uses that is no browser.
    Secure,
    /// By `http`, on this machine alone.
    Loopback,
}

impl Transport {
    /// A browser says with `Origin` how it sees this server, whatever ends TLS in between. `None`: a network without TLS, or a
    /// page from elsewhere.
    fn of(headers: &HeaderMap) -> Option<Self> {
        if !is_from_here(headers) {
            return None;
        }
        let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
        let Some(origin) = text(ORIGIN) else {
            let host = text(HOST).and_then(|host| Url::parse(&format!("http://{host}")).ok());
            return Some(if host.is_some_and(|host| is_loopback(&host)) { Self::Loopback } else { Self::Secure });
        };
        let origin = Url::parse(origin).ok()?;
        match origin.scheme() {
            "https" => Some(Self::Secure),
            "http" if is_loopback(&origin) => Some(Self::Loopback),
            _ => None,
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Transport {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        if !is_from_here(&parts.headers) {
            return Err(Refusal::of(Kind::CrossSite, Kind::CrossSite.remedy()));
        }
        query::refuse_where_none_is_taken(parts)?;
        Self::of(&parts.headers).ok_or_else(|| Refusal::of(Kind::SignInInClear, Kind::SignInInClear.remedy()))
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

/// The header that gives the cookie. It ends with the browser; the service ends it earlier.
pub(crate) fn set(secret: &str, transport: Transport) -> Result<HeaderValue, Error> {
    header(secret, "", transport)
}

/// The header that takes it back.
pub(crate) fn clear(headers: &HeaderMap) -> Result<HeaderValue, Error> {
    header("", "; Max-Age=0", Transport::of(headers).unwrap_or(Transport::Secure))
}

fn header(value: &str, age: &str, transport: Transport) -> Result<HeaderValue, Error> {
    let secure = if transport == Transport::Secure { "; Secure" } else { "" };
    let text = format!("{COOKIE_NAME}={value}; Path=/; HttpOnly; SameSite=Strict{secure}{age}");
    let mut header =
        HeaderValue::from_str(&text).map_err(|_| Error::Internal("a cookie cannot be written".to_owned()))?;
    header.set_sensitive(true);
    Ok(header)
}

#[cfg(test)]
mod tests {
    use sendbox_domain::model::SessionOf;

    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap())).collect()
    }

    #[test]
    fn one_cookie_of_the_name_counts() {
        for (header, value) in [
            ("sendbox_session=abc", Some("abc")),
            ("theme=dark; sendbox_session=abc; other=1", Some("abc")),
            ("sendbox_session=a; sendbox_session=b", None),
            ("sendbox_session=", None),
            ("xsendbox_session=abc", None),
            ("sendbox_session", None),
            ("", None),
        ] {
            assert_eq!(cookie(&headers(&[("cookie", header)])).as_deref(), value, "{header}");
        }
        let long = format!("sendbox_session={}", "a".repeat(LONGEST_COOKIE + 1));
        assert_eq!(cookie(&headers(&[("cookie", &long)])), None);
    }

    #[test]
    fn a_request_with_a_session_shows_where_it_comes_from() {
        let view = SessionView {
            who: SessionOf::Platform,
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
    fn nobody_is_signed_in_over_a_network_without_tls() {
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
            "sendbox_session=abc; Path=/; HttpOnly; SameSite=Strict; Secure"
        );
        assert_eq!(text(set("abc", Transport::Loopback)), "sendbox_session=abc; Path=/; HttpOnly; SameSite=Strict");
        assert!(text(clear(&HeaderMap::new())).ends_with("; Max-Age=0"));
    }
}
