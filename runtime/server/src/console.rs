//! The console: a page and its files below `/console/`. They use the REST API like every other client.
//!
//! Promises: the page makes no request to another origin; no inline script and no `eval` runs, whatever a response contains; no
//! other site can frame the page.

use axum::Router;
use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use http::header::{
    ACCEPT, ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION,
    REFERRER_POLICY, VARY,
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use sendbox_service::Error;

use crate::api::Api;
use crate::problem::{ApiError, NotAProblem};

/// The path of the console.
pub(crate) const PATH: &str = "/console/";

/// Sites that open the console, or are opened by it, get no reference to its window.
const OPENER_POLICY: (HeaderName, &str) = (HeaderName::from_static("cross-origin-opener-policy"), "same-origin");
/// The page uses no feature of the browser that needs permission.
const PERMISSIONS: (HeaderName, &str) =
    (HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=(), payment=(), usb=()");

pub(crate) fn routes() -> Router<Api> {
    Router::new()
        .route("/console", get(async || redirect(PATH)))
        .route(PATH, get(page))
        .route("/console/{*path}", get(file_or_page))
}

/// Whether the request is a browser's request for a page.
pub(crate) fn wants_html(headers: &HeaderMap) -> bool {
    headers.get(ACCEPT).and_then(|accept| accept.to_str().ok()).is_some_and(|accept| accept.contains("text/html"))
}

/// Redirects a browser.
pub(crate) fn redirect(path: &'static str) -> Response {
    let headers = [(LOCATION, path), (VARY, "Accept")];
    let mut response = (StatusCode::TEMPORARY_REDIRECT, headers).into_response();
    response.extensions_mut().insert(NotAProblem);
    response
}

/// The page, with a fresh nonce: the editor adds its styles to the page, and the nonce permits those only.
async fn page() -> Result<Response, ApiError> {
    let mut nonce = [0; 16];
    getrandom::fill(&mut nonce).map_err(|_| Error::Internal("the system has no random numbers".to_owned()))?;
    let nonce = STANDARD_NO_PAD.encode(nonce);
    let page = sendbox_console::page().replace(sendbox_console::NONCE, &nonce);
    let policy = format!(
        "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-{nonce}'; img-src 'self' data:; connect-src 'self'; \
         font-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    );
    let policy = HeaderValue::from_str(&policy)
        .map_err(|_| Error::Internal("the content security policy is not a valid header".to_owned()))?;
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
        (CONTENT_SECURITY_POLICY, policy),
        (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    Ok((headers, [OPENER_POLICY, PERMISSIONS], page).into_response())
}

/// A file, or the page, whose router shows what belongs to the path.
async fn file_or_page(headers: HeaderMap, path: Result<Path<String>, PathRejection>) -> Result<Response, ApiError> {
    let not_found = || ApiError::from(Error::NotFound("path"));
    let Path(path) = path.map_err(|_| not_found())?;
    let gzip = headers.get(ACCEPT_ENCODING).and_then(|accepted| accepted.to_str().ok()).is_some_and(accepts_gzip);
    let Some(file) = sendbox_console::file(&path, gzip) else {
        return if wants_html(&headers) { page().await } else { Err(not_found()) };
    };
    let cache_control = if file.is_immutable { "public, max-age=31536000, immutable" } else { "public, max-age=3600" };
    let headers = [(CONTENT_TYPE, file.media_type), (CACHE_CONTROL, cache_control), (VARY, "Accept-Encoding")];
    let encoded = file.is_gzip.then_some([(CONTENT_ENCODING, "gzip")]);
    let mut response = (headers, file.bytes.into_owned()).into_response();
    for (name, value) in encoded.into_iter().flatten() {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    // An SVG that is opened on its own runs no script either.
    response.headers_mut().insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; sandbox"));
    Ok(response)
}

/// Whether the client accepts gzip: `gzip, br` does; `gzip;q=0` does not.
fn accepts_gzip(accepted: &str) -> bool {
    accepted.split(',').any(|one| {
        let (name, weight) = one.split_once(';').unwrap_or((one, ""));
        name.trim().eq_ignore_ascii_case("gzip") && !matches!(weight.trim(), "q=0" | "q=0.0" | "q=0.00" | "q=0.000")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(response: &Response, name: &str) -> String {
        response.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
    }

    async fn get_path(path: &str, accept: &'static str) -> Result<Response, ApiError> {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static(accept));
        file_or_page(headers, Ok(Path(path.to_owned()))).await
    }

    #[tokio::test]
    async fn the_page_runs_nothing_but_its_own_files() {
        let response = page().await.unwrap();
        let policy = header(&response, "content-security-policy");
        assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{policy}");
        assert!(!policy.contains("unsafe") && !policy.contains("http"), "{policy}");
        assert_eq!(header(&response, "referrer-policy"), "no-referrer");
        assert_eq!(header(&response, "cache-control"), "no-store");
        let other = page().await.unwrap();
        assert_ne!(policy, header(&other, "content-security-policy"), "a nonce is used once");
    }

    #[tokio::test]
    async fn every_path_of_the_console_is_the_page_for_browsers_only() {
        let response = get_path("tenants/acme", "text/html,*/*").await.unwrap();
        assert_eq!(header(&response, "content-type"), "text/html; charset=utf-8");
        for path in ["tenants/acme", "assets/none.js", "../Cargo.toml"] {
            assert!(get_path(path, "*/*").await.is_err(), "{path}");
        }
    }

    #[test]
    fn gzip_is_sent_to_clients_that_accept_it() {
        for (accepted, accepts) in [
            ("gzip, deflate, br", true),
            ("br;q=1.0, GZIP;q=0.5", true),
            ("gzip;q=0", false),
            ("br", false),
            ("", false),
        ] {
            assert_eq!(accepts_gzip(accepted), accepts, "{accepted}");
        }
    }
}
