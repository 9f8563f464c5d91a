//! What every route relies on: bodies, queries, paths, headers, logging and panics, with handlers of the test and no service.

use std::io::Write;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use axum::body::Body;
use axum::extract::Request;
use axum::routing::{get, post};
use http_body::Frame;
use hyper::service::Service as _;
use hyper_util::service::TowerToHyperService;
use sendbox_domain::model::{Deletion, KeyRotation, NewTenant};
use serde_json::{Value, json};

use super::*;
use crate::body::{JsonBody, LARGE, OptionalJsonBody};
use crate::body_budget::SMALL;
use crate::idempotency::IdempotencyKey;
use crate::path::{ConnectionPath, Path};
use crate::query::Query;

fn test_router() -> Router {
    let router = Router::new()
        .route("/panic", get(async || -> StatusCode { panic!("+4512345678") }))
        .route("/body", post(async |JsonBody(new): JsonBody<NewTenant>| new.name))
        .route("/large", post(async |JsonBody(new): JsonBody<NewTenant, LARGE>| new.name))
        .route(
            "/optional",
            post(async |OptionalJsonBody(rotation): OptionalJsonBody<KeyRotation>| rotation.grace_seconds.to_string()),
        )
        .route("/query", get(async |Query(deletion): Query<Deletion>| deletion.force.to_string()))
        .route("/key", get(async |IdempotencyKey(key): IdempotencyKey| key.unwrap_or_default()))
        .route(
            "/of/{tenant}/by/{name}",
            get(async |Path(path): Path<ConnectionPath>| format!("{} {}", &*path.tenant, &*path.name)),
        );
    with_middleware(router, Shared::default())
}

async fn answer(request: Request) -> (http::response::Parts, String) {
    let response = TowerToHyperService::new(test_router()).call(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let bytes = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    (parts, String::from_utf8(bytes.to_vec()).unwrap())
}

async fn problem(request: Request) -> Value {
    let (parts, body) = answer(request).await;
    assert_eq!(parts.headers["content-type"], "application/problem+json");
    let problem: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(problem["status"], parts.status.as_u16());
    assert_eq!(problem["instance"], format!("urn:sendbox:request:{}", parts.headers["x-request-id"].to_str().unwrap()));
    problem
}

fn get_of(path: &str) -> Request {
    Request::get(path).body(Body::empty()).unwrap()
}

fn post_of(path: &str, content_type: Option<&str>, body: impl Into<Body>) -> Request {
    let request =
        content_type.into_iter().fold(Request::post(path), |request, value| request.header("content-type", value));
    request.body(body.into()).unwrap()
}

const JSON: Option<&str> = Some("application/json");

#[tokio::test]
async fn bodies_are_bounded_typed_and_strict() {
    let tenant = |name: &str| json!({"name": name, "environment": "development"}).to_string();
    for (path, content_type, body, status, kind) in [
        ("/body", JSON, "{".to_owned(), 400, "malformed-json"),
        ("/body", JSON, String::new(), 400, "malformed-json"),
        ("/body", None, tenant("a"), 415, "unsupported-media-type"),
        ("/body", Some("text/plain"), tenant("a"), 415, "unsupported-media-type"),
        ("/body", JSON, tenant(&"a".repeat(SMALL)), 413, "body-too-large"),
        ("/large", JSON, tenant(&"a".repeat(LARGE)), 413, "body-too-large"),
        ("/body", JSON, "{}".to_owned(), 422, "invalid-input"),
        ("/optional", JSON, "{".to_owned(), 400, "malformed-json"),
        ("/optional", None, "{}".to_owned(), 415, "unsupported-media-type"),
        ("/optional", JSON, json!({"grace": 1}).to_string(), 422, "invalid-input"),
    ] {
        let problem = problem(post_of(path, content_type, body)).await;
        assert_eq!(
            (&problem["status"], &problem["type"]),
            (&json!(status), &json!(format!("/problems/{kind}"))),
            "{problem}"
        );
    }
    // Without a Content-Length.
    assert_eq!(problem(post_of("/body", JSON, Body::new(Unannounced(SMALL * 2)))).await["status"], 413);

    assert_eq!(answer(post_of("/body", JSON, tenant("a"))).await.1, "a");
    assert_eq!(answer(post_of("/large", JSON, tenant(&"a".repeat(SMALL)))).await.1.len(), SMALL);
    assert_eq!(answer(post_of("/optional", None, Body::empty())).await.1, "0");
    assert_eq!(answer(post_of("/optional", JSON, "null")).await.1, "0");
    assert_eq!(answer(post_of("/optional", JSON, r#"{"graceSeconds": 9}"#)).await.1, "9");
}

/// So many bytes, in pieces, without saying beforehand how many.
struct Unannounced(usize);

impl http_body::Body for Unannounced {
    type Data = axum::body::Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        self.0 = self.0.saturating_sub(1024);
        Poll::Ready((self.0 > 0).then(|| Ok(Frame::data(Self::Data::from_static(&[b' '; 1024])))))
    }
}

#[tokio::test]
async fn queries_and_headers_are_strict() {
    let invalid = problem(get_of("/query?force=123456")).await;
    assert_eq!(invalid["errors"], json!([{"field": "force", "message": "must be true or false"}]));
    assert_eq!(problem(get_of("/query?limit=1")).await["errors"][0]["field"], "limit");
    assert_eq!(answer(get_of("/query?force=true")).await.1, "true");

    let keyed = |key: &[u8]| Request::get("/key").header("idempotency-key", key).body(Body::empty()).unwrap();
    assert_eq!(answer(keyed(b"a-1")).await.1, "a-1");
    assert_eq!(answer(keyed(&[b'a'; 255])).await.1.len(), 255);
    for key in [&b""[..], b"a b", "\u{e4}".as_bytes(), &[b'a'; 256]] {
        let invalid = problem(keyed(key)).await;
        assert_eq!(
            (&invalid["status"], &invalid["errors"][0]["field"]),
            (&json!(422), &json!("Idempotency-Key")),
            "{key:?}"
        );
    }
    let twice = Request::get("/key").header("idempotency-key", "a").header("idempotency-key", "a").body(Body::empty());
    assert_eq!(problem(twice.unwrap()).await["status"], 422);
}

#[tokio::test]
async fn paths_match_their_patterns() {
    assert_eq!(answer(get_of("/of/acme/by/main")).await.1, "acme main");
    assert_eq!(answer(get_of("/of/acm%65/by/main")).await.1, "acme main");
    let long = format!("/of/acme/by/{}", "a".repeat(101));
    for path in [
        "/of/acme/by/main/",
        "/of/acme/by/",
        "/of//by/main",
        "/of/../by/main",
        "/of/%2e%2e/by/main",
        "/of/acme/by/a%2fb",
        "/of/acme/by/a%00",
        "/of/acme/by/%ff",
        "/of/Acme/by/main",
        "/of/acme/by/%2B4512345678",
        "/of/acme%20/by/main",
        &long,
    ] {
        let not_found = problem(get_of(path)).await;
        assert_eq!(not_found["type"], "/problems/not-found", "{path}");
        assert!(!not_found.to_string().contains("4512345678"), "{not_found}");
    }
}

#[tokio::test]
async fn every_response_has_its_headers() {
    let (ok, _) = answer(get_of("/query")).await;
    let (head, body) =
        answer(Request::head("/nowhere").header("x-request-id", "mine").body(Body::empty()).unwrap()).await;
    assert_eq!((head.status.as_u16(), body.as_str()), (404, ""));
    assert_eq!(head.headers["content-type"], "application/problem+json");
    for parts in [&ok, &head] {
        assert_eq!(parts.headers["cache-control"], "no-store");
        assert_eq!(parts.headers["x-content-type-options"], "nosniff");
        assert_eq!(parts.headers["x-request-id"].len(), 16);
    }
    assert_ne!(ok.headers["x-request-id"], head.headers["x-request-id"]);

    let (parts, _) = answer(Request::delete("/query").body(Body::empty()).unwrap()).await;
    assert_eq!((parts.status.as_u16(), parts.headers["allow"].to_str().unwrap()), (405, "GET,HEAD"));
}

/// Collects what is logged.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Whether this is a process that runs `test` and nothing else; if not, such a process is started and has to succeed.
///
/// `tracing` remembers for the whole process whether anybody wants a log statement. The tests beside a test that reads the log have
/// no subscriber, and may reach the statement first.
fn runs_alone(test: &str) -> bool {
    const ALONE: &str = "SENDBOX_TEST_ALONE";
    if std::env::var_os(ALONE).is_some() {
        return true;
    }
    let output = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", &format!("routes::tests::{test}"), "--nocapture"])
        .env(ALONE, "1")
        .output()
        .unwrap();
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{stdout}{}", String::from_utf8_lossy(&output.stderr));
    assert!(stdout.contains("1 passed"), "{stdout}");
    false
}

#[tokio::test]
async fn the_log_names_the_route_and_contains_nothing_of_the_request() {
    if !runs_alone("the_log_names_the_route_and_contains_nothing_of_the_request") {
        return;
    }
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber =
        tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(move || writer.clone()).finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    for request in [
        get_of("/of/acme/by/main?to=%2B4512345678"),
        get_of("/of/%2B4512345678/by/main"),
        get_of("/+4512345678"),
        get_of("/panic?4512345678"),
        post_of("/body", JSON, r#"{"name": 4512345678}"#),
        Request::builder().method("M4512345678").uri("/query").body(Body::empty()).unwrap(),
        Request::get("/key")
            .header("idempotency-key", "4512345678")
            .header("authorization", "4512345678")
            .body(Body::empty())
            .unwrap(),
    ] {
        answer(request).await;
    }
    let log = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    assert_eq!(log.lines().filter(|line| line.contains("status=")).count(), 7, "{log}");
    assert!(log.contains("route=\"/of/{tenant}/by/{name}\" status=200") && log.contains("tenant=\"acme\""), "{log}");
    assert!(!log.contains("4512345678"), "{log}");
}

#[tokio::test]
async fn a_panic_is_a_problem_without_details() {
    let internal = problem(get_of("/panic")).await;
    assert_eq!((&internal["status"], &internal["type"]), (&json!(500), &json!("/problems/internal")));
    assert!(!internal.to_string().contains("4512345678"), "{internal}");
}
