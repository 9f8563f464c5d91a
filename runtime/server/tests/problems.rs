//! The whole router, seen by a caller without a key.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use http::response::Parts;
use hyper::service::Service as _;
use hyper_util::service::TowerToHyperService;
use sendbox_domain::rules::request_rate::RequestRates;
use sendbox_domain::rules::retention::Retention;
use sendbox_sandbox::policy::OperatorPolicy;
use sendbox_sandbox::{Sandbox, SandboxConfig};
use sendbox_service::Store;
use sendbox_service::clock::SystemClock;
use sendbox_service::vault::MasterKeys;
use sendbox_service::{Service, ServiceConfig};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::OnceCell;

/// A service without connectors. Its folder lives as long as the guard.
async fn service() -> (Service, TempDir) {
    rustls::crypto::ring::default_provider().install_default().ok();
    let folder = tempfile::tempdir().unwrap();
    let config = ServiceConfig {
        store: Store::open(&format!("sqlite://{}/sendbox.db", folder.path().display())).await.unwrap(),
        sandbox: Arc::new(Sandbox::new(SandboxConfig { in_flight: 1, ..SandboxConfig::default() }).unwrap()),
        calls: None,
        master_keys: MasterKeys::parse(&MasterKeys::generate().unwrap()).unwrap(),
        platform_key: "p".repeat(32).into(),
        connectors: Vec::new(),
        default_templates: Vec::new(),
        operator: OperatorPolicy::default(),
        clock: Arc::new(SystemClock),
        exclusive: true,
        retention: Retention { days: 1, ..Retention::default() },
        public_url: None,
        ingress_url: None,
        request_rates: RequestRates::default(),
    };
    (Service::start(config).await.unwrap(), folder)
}

/// One service for all requests of a test, which change nothing.
static SERVICE: OnceCell<(Service, TempDir)> = OnceCell::const_new();

async fn send(request: Request) -> (Parts, Vec<u8>) {
    let (service, _) = SERVICE.get_or_init(service).await;
    let response = TowerToHyperService::new(sendbox_server::router(service.clone())).call(request).await.unwrap();
    let (parts, body) = response.into_parts();
    (parts, to_bytes(body, 8 << 20).await.unwrap().to_vec())
}

fn request(method: &str, path: &str) -> http::request::Builder {
    Request::builder().method(method).uri(path)
}

async fn problem(request: Request) -> (Parts, Value) {
    let (parts, body) = send(request).await;
    assert_eq!(parts.headers["content-type"], "application/problem+json");
    assert_eq!(parts.headers["cache-control"], "no-store");
    let problem: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(problem["status"], parts.status.as_u16());
    (parts, problem)
}

#[tokio::test]
async fn every_path_below_v1_needs_a_key() {
    let document = serde_json::to_value(sendbox_server::openapi()).unwrap();
    let mut routes = 0;
    for (path, item) in document["paths"].as_object().unwrap() {
        // Signing in is how a caller presents the key.
        let is_outside = |method: &str| !path.starts_with("/v1/") || (path == "/v1/session" && method == "post");
        for method in item.as_object().unwrap().keys().filter(|method| !is_outside(method)) {
            // The key is checked before the path, the query and the body.
            for path in [path.clone(), path.replace('{', "%00").replace('}', ""), format!("{path}?junk=1")] {
                let path = path.replace(['{', '}'], "");
                let request = request(&method.to_uppercase(), &path).body(Body::from("{")).unwrap();
                let (parts, problem) = problem(request).await;
                assert_eq!(problem["type"], "/problems/unauthenticated", "{method} {path}");
                assert_eq!(parts.headers["www-authenticate"], "Bearer");
                routes += 1;
            }
        }
    }
    assert_eq!(routes, 3 * 92);
}

#[tokio::test]
async fn malformed_credentials_are_refused() {
    let long = format!("Bearer {}", "a".repeat(257));
    for header in ["", "Bearer", "Bearer ", "Basic YTpi", "Bearer a b", "Token abc", &long] {
        let request = request("GET", "/v1/tenants").header("authorization", header).body(Body::empty()).unwrap();
        assert_eq!(problem(request).await.1["status"], 401, "{header}");
    }
    let twice = request("GET", "/v1/tenants").header("authorization", "Bearer a").header("authorization", "Bearer a");
    assert_eq!(problem(twice.body(Body::empty()).unwrap()).await.1["status"], 401);
}

#[tokio::test]
async fn unknown_paths_are_not_found() {
    for path in [
        "/nowhere",
        "/v1",
        "/v1/",
        "/v2/tenants",
        "/v1/tenants/",
        "/v1//tenants",
        "/V1/tenants",
        "/healthz/",
        "/docs/",
        "/docs/index.html",
        "/docs/../Cargo.toml",
        "/docs/%2e%2e%2fCargo.toml",
        "/docs/%ff",
        "/problems/nonsense",
        "/problems/..%2fhealthz",
    ] {
        let (_, problem) = problem(request("GET", path).body(Body::empty()).unwrap()).await;
        assert_eq!(problem["type"], "/problems/not-found", "{path}");
    }
}

#[tokio::test]
async fn a_wrong_method_gets_the_allowed_ones() {
    for (method, path, allow) in [
        ("DELETE", "/v1/tenants", "POST,GET,HEAD"),
        ("PUT", "/v1/tenants/acme", "GET,HEAD,PATCH,DELETE"),
        ("POST", "/healthz", "GET,HEAD"),
        ("OPTIONS", "/v1/tenants/acme/unlocks", "POST"),
        ("TRACE", "/docs", "GET,HEAD"),
        ("PUT", "/reports/acme/main/token", "GET,HEAD,POST"),
    ] {
        let (parts, problem) = problem(request(method, path).body(Body::empty()).unwrap()).await;
        assert_eq!(problem["type"], "/problems/method-not-allowed", "{method} {path}");
        let sorted = |list: &str| {
            let mut methods: Vec<_> = list.split(',').map(str::to_owned).collect();
            methods.sort();
            methods
        };
        assert_eq!(sorted(parts.headers["allow"].to_str().unwrap()), sorted(allow), "{method} {path}");
    }
}

#[tokio::test]
async fn problem_types_can_be_retrieved() {
    let (_, list) = send(request("GET", "/problems").body(Body::empty()).unwrap()).await;
    let list: Vec<Value> = serde_json::from_slice(&list).unwrap();
    assert_eq!(list.len(), 41);
    for kind in list {
        let path = kind["type"].as_str().unwrap();
        let (parts, one) = send(request("GET", path).body(Body::empty()).unwrap()).await;
        assert_eq!((parts.status.as_u16(), serde_json::from_slice::<Value>(&one).unwrap()), (200, kind.clone()));
    }
}

#[tokio::test]
async fn browsers_are_redirected_to_the_console_and_programs_are_not() {
    let get = async |path: &str, accept: &str| {
        send(request("GET", path).header("accept", accept).body(Body::empty()).unwrap()).await
    };
    let page = "text/html,application/xhtml+xml,*/*;q=0.8";
    for (path, accept) in [("/", page), ("/console", page), ("/console", "*/*")] {
        let (parts, body) = get(path, accept).await;
        assert_eq!((parts.status.as_u16(), parts.headers["location"].to_str().unwrap()), (307, "/console/"), "{path}");
        assert!(body.is_empty());
    }
    for path in ["/console/", "/console/t/acme/messages"] {
        let (parts, body) = get(path, page).await;
        assert_eq!(parts.headers["content-type"], "text/html; charset=utf-8");
        let policy = parts.headers["content-security-policy"].to_str().unwrap();
        let nonce = policy.split("'nonce-").nth(1).unwrap().split('\'').next().unwrap();
        let body = String::from_utf8(body).unwrap();
        assert!(!body.contains("__STYLE_NONCE__"), "{path}");
        assert!(body.contains(&format!("nonce=\"{nonce}\"")) || body.contains("not part of this build"), "{path}");
    }
    assert_eq!(get("/", "application/json").await.0.status, 200);
    assert_eq!(get("/console/t/acme/messages", "*/*").await.0.status, 404);
    assert_eq!(get("/console/../v1/tenants", page).await.0.headers["content-type"], "text/html; charset=utf-8");
}

#[tokio::test]
async fn the_server_describes_itself() {
    let (parts, body) = send(request("GET", "/").body(Body::empty()).unwrap()).await;
    assert_eq!(parts.status, 200);
    let about: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!((&about["name"], &about["docs"]), (&json!("sendbox"), &json!("/docs")));
    let (parts, body) = send(request("GET", "/healthz").body(Body::empty()).unwrap()).await;
    assert_eq!((parts.status.as_u16(), body.as_slice()), (200, &br#"{"status":"ok"}"#[..]));
    let (parts, body) = send(request("GET", "/openapi.json").body(Body::empty()).unwrap()).await;
    assert_eq!(parts.headers["content-type"], "application/json");
    assert_eq!(
        serde_json::from_slice::<Value>(&body).unwrap(),
        serde_json::to_value(sendbox_server::openapi()).unwrap()
    );
}

#[tokio::test]
async fn the_reference_page_uses_its_own_origin_only() {
    let (parts, page) = send(request("GET", "/docs").body(Body::empty()).unwrap()).await;
    assert_eq!(parts.headers["content-type"], "text/html; charset=utf-8");
    let csp = parts.headers["content-security-policy"].to_str().unwrap();
    assert!(csp.starts_with("default-src 'none'; script-src 'self';") && !csp.contains("http"), "{csp}");
    let page = String::from_utf8(page).unwrap();
    assert!(!page.contains("http://") && !page.contains("https://"), "{page}");
    let files: Vec<_> = page.split('"').filter(|part| part.starts_with("/docs/")).collect();
    assert_eq!(files, ["/docs/swagger-ui.css", "/docs/swagger-ui-bundle.js", "/docs/start.js"]);
    for file in files {
        let (parts, body) = send(request("GET", file).body(Body::empty()).unwrap()).await;
        assert!(parts.status == 200 && !body.is_empty(), "{file}");
        assert_eq!(parts.headers["cache-control"], "public, max-age=3600");
        assert_eq!(parts.headers["x-content-type-options"], "nosniff");
    }
}
