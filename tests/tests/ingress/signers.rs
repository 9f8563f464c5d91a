//! Calls of Supabase, signed by the library of Standard Webhooks for Rust, with the two quirks of Supabase.

use sendbox_tests::api::{Api, ApiResponse, text};
use sendbox_tests::test_service::{START, TestService};
use sendbox_tests::{Database, on_every_database};
use serde_json::{Value, json};
use standardwebhooks::Webhook;

use super::{CODE, DIGITS, Ingress, JSON, at};

on_every_database!(supabase_signs_with_one_secret_and_with_two);

/// Signs as Supabase does. It writes `v1,` before a secret, which the library does not know.
fn sign(secret: &str, body: &str) -> String {
    let webhook = Webhook::new(secret.strip_prefix("v1,").unwrap()).unwrap();
    webhook.sign("an-id", START.0 / 1000, body.as_bytes()).unwrap()
}

async fn call(api: &Api, ingress: &Ingress, signature: &str, body: &str) -> ApiResponse {
    // Calls are listed in the order of their times, and each is recorded.
    api.backend.clock.advance_monotonic(std::time::Duration::from_secs(1));
    api.backend.clock.advance_millis(1);
    let time = (START.0 / 1000).to_string();
    let headers = [
        ("Content-Type", JSON),
        ("webhook-id", "an-id"),
        ("webhook-timestamp", &time),
        ("webhook-signature", signature),
    ];
    api.wire("POST", &ingress.path, &headers, body.as_bytes()).await
}

async fn supabase_signs_with_one_secret_and_with_two(database: &Database) {
    let api = Api::over(TestService::new(database).await).await;
    let ingress = Ingress::create(&api, "supabase", &json!({ "kind": "supabase" })).await;
    let body = json!({ "metadata": { "uuid": "8484b834" }, "user": { "phone": DIGITS }, "sms": { "otp": CODE, "phone": DIGITS } })
        .to_string();
    let first = sign(&ingress.secret, &body);
    assert_eq!(call(&api, &ingress, &first, &body).await.expect(200), json!({}));
    assert_eq!(api.backend.received_count(DIGITS), 1);

    // While a secret is replaced, Supabase signs with both, and separates the signatures with a comma and a space.
    let other = "v1,whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let second = sign(other, &body);
    for signatures in [format!("{first}, {second}"), format!("{second}, {first}"), format!("{second} {first}")] {
        assert_eq!(call(&api, &ingress, &signatures, &body).await.expect(200), json!({}), "{signatures}");
    }
    let both = json!({ "kind": "supabase", "authentication": { "type": "standard-webhooks", "secrets": [other, ingress.secret] } });
    api.platform().put(&at("ingresses/supabase"), &both).await.expect(200);
    for signatures in [&first, &second] {
        assert_eq!(call(&api, &ingress, signatures, &body).await.expect(200), json!({}));
    }
    // All of it was one message.
    assert_eq!(api.backend.received_count(DIGITS), 1);

    let changed = body.replace(CODE, "314159");
    for (signatures, body) in [(second.trim_start_matches("v1,"), &body), ("", &body), (first.as_str(), &changed)] {
        call(&api, &ingress, signatures, body).await.expect(401);
    }
    let calls = ingress.calls(&api.platform()).await;
    let outcomes: Vec<&Value> = calls.iter().map(|call| &call["outcome"]).collect();
    assert_eq!(outcomes[..3], [&json!("refused"), &json!("refused"), &json!("refused")]);
    assert!(calls[..3].iter().all(|call| text(&call["detail"]).contains("signature")), "{calls:?}");
    assert_eq!(api.backend.received_count(DIGITS), 1);
}
