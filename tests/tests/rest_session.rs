//! Signing in to the console: what a session may do, when it ends, and who cannot use it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

use sendbox_service::clock::Clock as _;
use sendbox_tests::api::{Api, ApiFixture, ApiResponse, LIVE, SCOPES, text};
use sendbox_tests::test_service::{PLATFORM_KEY, TENANT, TestService};
use serde_json::{Value, json};

/// A browser that is signed in.
struct Browser<'a> {
    api: &'a Api,
    cookie: String,
    csrf: String,
    /// The session that it received.
    view: Value,
}

async fn sign_in<'a>(api: &'a Api, key: &str) -> Browser<'a> {
    let answer = api.anonymous().post("/v1/session", &json!({ "key": key })).await;
    let cookie = answer.headers["set-cookie"].to_str().unwrap().to_owned();
    assert!(cookie.ends_with("; Path=/; HttpOnly; SameSite=Strict"), "{cookie}");
    assert!(!answer.text.contains(key) && !cookie.contains(key), "the key does not come back");
    let view = answer.expect(201);
    let cookie = cookie.split(';').next().unwrap().to_owned();
    assert!(!view.to_string().contains(cookie.split_once('=').unwrap().1), "no script can read the cookie");
    Browser { api, cookie, csrf: text(&view["csrfToken"]), view }
}

impl Browser<'_> {
    async fn call(&self, method: &str, path: &str, body: Option<&Value>, headers: &[(&str, &str)]) -> ApiResponse {
        let all = [&[("Cookie", self.cookie.as_str())], headers].concat();
        self.api.anonymous().call(method, path, body, &all).await
    }

    async fn get(&self, path: &str) -> ApiResponse {
        self.call("GET", path, None, &[]).await
    }

    /// Sends a change with the CSRF token.
    async fn change(&self, method: &str, path: &str, body: Option<&Value>) -> ApiResponse {
        self.call(method, path, body, &[("X-CSRF-Token", &self.csrf)]).await
    }

    async fn is_in(&self) -> bool {
        let answer = self.get("/v1/session").await;
        match answer.status {
            200 => true,
            _ => {
                answer.problem(401, "unauthenticated");
                false
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_may_do_what_its_key_may() {
    let fixture = ApiFixture::new().await;
    let platform = sign_in(&fixture.api, PLATFORM_KEY).await;
    assert_eq!((&platform.view["principal"], &platform.view["tenant"]), (&json!("platform"), &Value::Null));
    assert_eq!(platform.view["expiresAt"], "2026-11-24T08:00:00Z");
    assert_eq!(platform.get("/v1/session").await.expect(200), platform.view);
    platform.get("/v1/tenants").await.expect(200);

    let (key, secret) = fixture.api.create_key(TENANT, &["read"]).await;
    let reader = sign_in(&fixture.api, &secret).await;
    let shown = json!([reader.view["principal"], reader.view["tenant"], reader.view["key"], reader.view["scopes"]]);
    assert_eq!(shown, json!(["tenant", TENANT, key, ["read"]]));
    reader.get(&format!("/v1/tenants/{TENANT}/messages")).await.expect(200);
    reader.get(&format!("/v1/tenants/{LIVE}/messages")).await.problem(404, "not-found");
    reader.get("/v1/tenants").await.problem(403, "platform-only");
    let new = json!({ "name": "Acme" });
    reader.change("PATCH", &format!("/v1/tenants/{TENANT}"), Some(&new)).await.problem(403, "insufficient-scope");

    // A caller with a key has no session, but still learns who they are.
    let view = fixture.api.client(&secret).get("/v1/session").await.expect(200);
    assert_eq!((&view["key"], &view["csrfToken"]), (&json!(key), &Value::Null));

    let entries = platform.get("/v1/audit").await.expect(200);
    let opened: Vec<_> =
        entries["items"].as_array().unwrap().iter().filter(|entry| entry["action"] == "session.open").collect();
    assert_eq!((&opened[0]["target"], &opened[1]["target"]), (&json!(format!("key:{key}")), &json!("platform")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_need_the_token_and_a_page_of_this_server() {
    let api = Api::over(TestService::standalone().await).await;
    let browser = sign_in(&api, PLATFORM_KEY).await;
    let other = sign_in(&api, PLATFORM_KEY).await;
    let path = format!("/v1/tenants/{TENANT}");
    let body = json!({ "name": "Acme Ltd" });
    let change = async |headers: &[(&str, &str)]| browser.call("PATCH", &path, Some(&body), headers).await;
    let token = ("X-CSRF-Token", browser.csrf.as_str());
    for headers in [
        vec![],
        vec![("X-CSRF-Token", "")],
        vec![("X-CSRF-Token", other.csrf.as_str())],
        vec![token, ("Sec-Fetch-Site", "cross-site")],
        vec![token, ("Sec-Fetch-Site", "same-site")],
        vec![token, ("Origin", "https://evil.example")],
        vec![token, ("Origin", "null")],
    ] {
        change(&headers).await.problem(403, "cross-site");
    }
    assert_eq!(browser.get(&path).await.expect(200)["name"], "Acme");
    browser.call("GET", &path, None, &[("Sec-Fetch-Site", "cross-site")]).await.problem(403, "cross-site");
    change(&[token, ("Sec-Fetch-Site", "same-origin")]).await.expect(200);

    // Requests of other origins, and over unencrypted connections, do not sign in.
    let key = json!({ "key": PLATFORM_KEY });
    let sign_in =
        async |headers: &[(&str, &str)]| api.anonymous().call("POST", "/v1/session", Some(&key), headers).await;
    sign_in(&[("Sec-Fetch-Site", "cross-site")]).await.problem(403, "cross-site");
    sign_in(&[("Origin", "https://evil.example")]).await.problem(403, "cross-site");
    let same = ("Sec-Fetch-Site", "same-origin");
    sign_in(&[same, ("Origin", "http://sms.example")]).await.problem(403, "insecure-transport");
    let by_tls = sign_in(&[same, ("Origin", "https://sms.example")]).await;
    let cookie = by_tls.headers["set-cookie"].to_str().unwrap();
    assert!(cookie.starts_with("__Host-sendbox_session=") && cookie.ends_with("; Secure"), "{cookie}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_ends() {
    let api = Api::over(TestService::standalone().await).await;
    let clock = api.backend.clock.clone();

    // When somebody signs out: that session, and no other.
    let (one, other) = (sign_in(&api, PLATFORM_KEY).await, sign_in(&api, PLATFORM_KEY).await);
    one.call("DELETE", "/v1/session", None, &[]).await.problem(403, "cross-site");
    let out = one.change("DELETE", "/v1/session", None).await;
    assert!(out.headers["set-cookie"].to_str().unwrap().contains("sendbox_session=; "));
    out.expect(204);
    assert!(!one.is_in().await && other.is_in().await);

    // With its key: revoked, rotated, expired.
    let (revoked, secret) = api.create_key(TENANT, &SCOPES).await;
    let session = sign_in(&api, &secret).await;
    api.platform().delete(&format!("/v1/tenants/{TENANT}/keys/{revoked}")).await.expect(204);
    assert!(!session.is_in().await);

    let (rotated, secret) = api.create_key(TENANT, &SCOPES).await;
    let session = sign_in(&api, &secret).await;
    let path = format!("/v1/tenants/{TENANT}/keys/{rotated}/rotate");
    api.platform().post(&path, &json!({ "graceSeconds": 60 })).await.expect(200);
    assert!(session.is_in().await, "the old secret still works");
    clock.advance_millis(61_000);
    assert!(!session.is_in().await);

    let expiring = json!({ "name": "short", "scopes": ["read"], "expiresAt": clock.now().plus_seconds(60) });
    let made = api.platform().post(&format!("/v1/tenants/{TENANT}/keys"), &expiring).await.expect(201);
    let session = sign_in(&api, &text(&made["secret"])).await;
    clock.advance_millis(60_000);
    assert!(!session.is_in().await);

    // After an hour without a request, and after twelve hours in any case.
    let (idle, busy) = (sign_in(&api, PLATFORM_KEY).await, sign_in(&api, PLATFORM_KEY).await);
    for _ in 0..11 {
        clock.advance_millis(59 * 60_000);
        assert!(busy.is_in().await);
    }
    assert!(!idle.is_in().await);
    clock.advance_millis(59 * 60_000);
    assert!(busy.is_in().await);
    clock.advance_millis(12 * 60_000);
    assert!(!busy.is_in().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn invalid_keys_and_sessions_are_refused() {
    let api = Api::over(TestService::standalone().await).await;
    let browser = sign_in(&api, PLATFORM_KEY).await;
    let expected = api.anonymous().post("/v1/session", &json!({ "key": "x" })).await.comparable();
    for key in ["", "sbx_k1_x", &PLATFORM_KEY[1..], browser.cookie.split_once('=').unwrap().1] {
        let refused = api.anonymous().post("/v1/session", &json!({ "key": key })).await;
        assert!(!refused.headers.contains_key("set-cookie"));
        assert_eq!(refused.comparable(), expected, "{key:?}");
        refused.problem(401, "unauthenticated");
    }
    for cookie in [
        "sendbox_session=".to_owned(),
        format!("sendbox_session={PLATFORM_KEY}"),
        format!("{}x", browser.cookie),
        format!("{0}; {0}", browser.cookie),
        browser.cookie.to_uppercase(),
    ] {
        let answer = api.anonymous().call("GET", "/v1/session", None, &[("Cookie", &cookie)]).await;
        answer.problem(401, "unauthenticated");
    }
    // A key takes precedence over a cookie.
    let both = browser.call("GET", "/v1/session", None, &[("Authorization", "Bearer x")]).await;
    both.problem(401, "unauthenticated");
    // The database contains nothing that could be used to sign in.
    let mut tx = api.backend.store.begin_read().await.unwrap();
    let rows = sendbox_store::sessions::of_key(&mut tx, None).await.unwrap();
    assert_eq!(rows.len(), 1);
    assert!(rows.iter().all(|row| row.id != browser.cookie.as_bytes() && row.proof.len() == 32));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_sessions_of_a_key_are_bounded() {
    let api = Api::over(TestService::standalone().await).await;
    let first = sign_in(&api, PLATFORM_KEY).await;
    for _ in 0..49 {
        api.backend.clock.advance_millis(1);
        sign_in(&api, PLATFORM_KEY).await;
    }
    assert!(first.is_in().await);
    api.backend.clock.advance_millis(1);
    let last = sign_in(&api, PLATFORM_KEY).await;
    assert!(!first.is_in().await && last.is_in().await);
}
