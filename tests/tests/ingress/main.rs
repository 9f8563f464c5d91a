//! Ingress: what identity platforms send, over HTTP, through the real server and store, to the provider; and what they get in return.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

mod bad_input;
mod callbacks;
mod notices;
mod requests;
mod signers;
mod twilio;

use sendbox_tests::api::{Api, ApiResponse, Client, text};
use sendbox_tests::test_service::{PUBLIC_URL, TENANT, TestService, open_limits};
use sendbox_tests::{Database, on_every_database};
use serde_json::{Value, json};

use self::requests::{headers, requests};

const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";
/// The number that platforms send to, without `+`, and the code.
const DIGITS: &str = "4531415926";
const CODE: &str = "271828";

on_every_database!(
    every_platform_is_served,
    a_repetition_is_the_same_message,
    a_message_that_was_not_sent_is_sent_again,
    a_refusal_is_one_that_the_platform_understands,
    a_call_waits_no_longer_than_its_platform,
    messages_without_a_code_are_refused_ignored_or_sent,
    an_address_is_shown_to_managers_and_can_be_rotated,
);

fn at(rest: &str) -> String {
    format!("/v1/tenants/{TENANT}/{rest}")
}

/// An ingress: the path of its address, its newest secret, and its user name.
struct Ingress {
    name: String,
    path: String,
    secret: String,
    username: String,
}

impl Ingress {
    async fn create(api: &Api, name: &str, input: &Value) -> Self {
        let saved = api.platform().put(&at(&format!("ingresses/{name}")), input).await;
        assert!([200, 201].contains(&saved.status), "{}", saved.text);
        Self::of(&saved.json)
    }

    fn of(saved: &Value) -> Self {
        let authentication = &saved["authentication"];
        Self {
            name: text(&saved["name"]),
            path: text(&saved["address"]).strip_prefix(PUBLIC_URL).unwrap().to_owned(),
            secret: authentication["secrets"][0].as_str().unwrap_or_default().to_owned(),
            username: authentication["username"].as_str().unwrap_or_default().to_owned(),
        }
    }

    async fn calls(&self, client: &Client) -> Vec<Value> {
        let calls = client.get(&at(&format!("ingresses/{}/calls", self.name))).await.expect(200);
        calls.as_array().unwrap().clone()
    }
}

/// Calls an ingress as its platform does.
async fn call(api: &Api, kind: &str, ingress: &Ingress, rest: &str, content_type: &str, body: &str) -> ApiResponse {
    // Calls are listed in the order of their times.
    api.backend.clock.advance_millis(1);
    let headers = headers(kind, ingress, body.as_bytes());
    let mut all = vec![("Content-Type", content_type)];
    all.extend(headers.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    api.wire("POST", &format!("{}{rest}", ingress.path), &all, body.as_bytes()).await
}

/// Creates an ingress with what its platform needs.
async fn create(api: &Api, kind: &str) -> Ingress {
    let mut input = json!({ "kind": kind, "settings": { "repeatSeconds": 600 } });
    match kind {
        "zitadel" | "authgear" | "authsignal" => {
            let method = format!("{kind}-signature");
            input["authentication"] = json!({ "type": method, "secrets": ["made-by-the-platform"] });
        }
        "fusionauth" => input["settings"]["defaultRegion"] = json!("DK"),
        "auth0-gateway" => input["authentication"] = json!({ "type": "jwt-hs256", "audience": "sendbox" }),
        _ => {}
    }
    Ingress::create(api, kind, &input).await
}

/// Fails if a text contains the number, the code or the secret of an ingress.
fn assert_hidden(shown: &str, ingress: &Ingress) {
    for hidden in [&DIGITS[2..], CODE] {
        assert!(!shown.contains(hidden), "{hidden} in {shown}");
    }
    assert!(ingress.secret.is_empty() || !shown.contains(&ingress.secret), "a secret in {shown}");
}

async fn every_platform_is_served(database: &Database) {
    let api = Api::over(TestService::new(database).await).await;
    for (kind, rest, content_type, body, expected, sent) in requests() {
        let ingress = create(&api, kind).await;
        let before = api.backend.received_count(DIGITS);
        let answer = call(&api, kind, &ingress, rest, content_type, &body).await;
        assert_eq!(answer.status, 200, "{kind}: {} {:?}", answer.text, ingress.calls(&api.platform()).await);
        assert_eq!(answer.headers["content-type"], JSON, "{kind}");
        assert!(expected.is_empty() || answer.text == expected, "{kind}: {}", answer.text);
        assert_eq!(api.backend.received_count(DIGITS), before + 1, "{kind}");
        let received = api.backend.simulator.inbox().pop().unwrap();
        assert_eq!(received.text.as_deref(), Some(sent.as_str()), "{kind}");
        // The log of the ingress shows the call, and the message that it caused.
        let calls = ingress.calls(&api.platform()).await;
        assert_eq!(calls.len(), 1, "{kind}");
        assert_eq!(
            (&calls[0]["outcome"], &calls[0]["messageStatus"]),
            (&json!("stored"), &json!("accepted")),
            "{kind}"
        );
        assert_eq!(calls[0]["to"], "+45…26");
        assert_hidden(&format!("{}{calls:?}", answer.text), &ingress);
    }
    // Unknown addresses are not found, whatever is called.
    for path in ["/v1/ingress/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "/v1/ingress/x", "/v1/ingress/x/y/z"] {
        api.wire("POST", path, &[("Content-Type", JSON)], b"{}").await.problem(404, "not-found");
    }
}

async fn a_repetition_is_the_same_message(database: &Database) {
    let api = Api::over(TestService::new(database).await).await;
    for (kind, rest, content_type, body, ..) in requests() {
        let ingress = create(&api, kind).await;
        let before = api.backend.received_count(DIGITS);
        for _ in 0..3 {
            call(&api, kind, &ingress, rest, content_type, &body).await.expect(200);
        }
        assert_eq!(api.backend.received_count(DIGITS), before + 1, "{kind}");
        let calls = ingress.calls(&api.platform()).await;
        let message = &calls.last().unwrap()["message"];
        for repeated in &calls[..2] {
            assert_eq!((&repeated["outcome"], &repeated["message"]), (&json!("repeated"), message), "{kind}");
        }
        // Another code is another message.
        let other = body.replace(CODE, "314159").replace("8484b834", "8484b835").replace("k-1", "k-2");
        call(&api, kind, &ingress, rest, content_type, &other).await.expect(200);
        assert_eq!(api.backend.received_count(DIGITS), before + 2, "{kind}");
    }
    // All at once, too.
    let ingress = Ingress::create(&api, "at-once", &json!({ "kind": "generic" })).await;
    let body = json!({ "to": "+4531415927", "code": CODE }).to_string();
    let calls = (0..16).map(|_| call(&api, "generic", &ingress, "", JSON, &body));
    for answer in futures_util::future::join_all(calls).await {
        answer.expect(200);
    }
    assert_eq!(api.backend.received_count("4531415927"), 1);
    // After the life of the code it is a new one.
    api.backend.clock.advance_millis(3_600_000);
    call(&api, "generic", &ingress, "", JSON, &body).await.expect(200);
    assert_eq!(api.backend.received_count("4531415927"), 2);
}

async fn a_message_that_was_not_sent_is_sent_again(database: &Database) {
    let api = Api::over(TestService::new(database).await).await;
    let ingress = create(&api, "kratos").await;
    let body = json!({ "recipient": format!("+{DIGITS}"), "login_code": CODE, "template_type": "login_code_valid" })
        .to_string();
    api.backend.simulator.inject_spec("twilio=code:21610,times=1".parse().unwrap()).unwrap();
    let refused = call(&api, "kratos", &ingress, "", JSON, &body).await;
    assert_eq!(refused.status, 424, "{}", refused.text);
    assert_hidden(&refused.text, &ingress);
    call(&api, "kratos", &ingress, "", JSON, &body).await.expect(200);
    call(&api, "kratos", &ingress, "", JSON, &body).await.expect(200);
    assert_eq!(api.backend.received_count(DIGITS), 1);
    let outcomes: Vec<String> =
        ingress.calls(&api.platform()).await.iter().map(|call| text(&call["outcome"])).collect();
    assert_eq!(outcomes, ["repeated", "stored", "stored"]);
}

async fn a_refusal_is_one_that_the_platform_understands(database: &Database) {
    let api = Api::over(TestService::new(database).await).await;
    for (kind, rest, content_type, body, ..) in requests() {
        let ingress = create(&api, kind).await;
        let stranger = Ingress { secret: secret_like(&ingress.secret), ..Ingress::of(&show(&api, &ingress).await) };
        let short = body.replace(DIGITS, "45314").replace(&DIGITS[2..], "314").replace("3141 5926", "314");
        let empty = if content_type == JSON { "{}" } else { "a=b" };
        let cases = [
            (&stranger, content_type, body.as_str(), "secret or signature"),
            (&ingress, "text/plain", body.as_str(), "content type"),
            (&ingress, JSON, "{\"to\": 1", "not valid JSON"),
            (&ingress, JSON, "{\"to\": 1, \"to\": 2}", "twice"),
            (&ingress, content_type, empty, "no phone number"),
            (&ingress, content_type, short.as_str(), "number"),
        ];
        let count = cases.len();
        for (caller, content_type, body, detail) in cases {
            // So that each call is recorded.
            api.backend.clock.advance_monotonic(std::time::Duration::from_secs(1));
            let answer = call(&api, kind, caller, rest, content_type, body).await;
            let is_success = match kind {
                "supabase" => answer.status == 200 && answer.json.get("error").is_none(),
                "zitadel" => answer.status == 200 && answer.json.get("refused").is_none(),
                "authgear" => answer.json["code"] == "ok",
                _ => answer.status < 400,
            };
            assert!(!is_success, "{kind} {detail}: {} {}", answer.status, answer.text);
            assert!(answer.headers.get("retry-after").is_none(), "{kind} {detail}");
            assert_hidden(&answer.text, &ingress);
            let newest = ingress.calls(&api.platform()).await.remove(0);
            assert_eq!(newest["outcome"], "refused", "{kind} {detail}");
            assert!(text(&newest["detail"]).contains(detail), "{kind} {detail}: {newest}");
            assert_hidden(&newest.to_string(), &ingress);
        }
        assert_eq!(ingress.calls(&api.platform()).await.len(), count, "{kind}");
    }
    assert_eq!(api.backend.received_count(DIGITS), 0);

    // What the tenant does not allow is a final refusal, which Supabase shows and ZITADEL does not repeat.
    let policy = json!({ "limits": open_limits(), "countries": { "all": false, "only": ["SE"] } });
    api.platform().put(&at("policy"), &policy).await.expect(200);
    for (kind, status, body) in [
        (
            "supabase",
            200,
            json!({ "error": { "http_code": 403, "message": "Messages cannot be sent to this phone number." } }),
        ),
        ("zitadel", 200, json!({ "refused": "not-allowed" })),
        ("logto", 403, json!({ "error": "not-allowed", "message": "Messages cannot be sent to this phone number." })),
        ("authgear", 200, json!({ "code": "delivery_rejected" })),
    ] {
        let ingress = create(&api, kind).await;
        let (_, rest, content_type, request, ..) = requests().into_iter().find(|(of, ..)| *of == kind).unwrap();
        let answer = call(&api, kind, &ingress, rest, content_type, &request).await;
        assert_eq!((answer.status, &answer.json), (status, &body), "{kind}");
    }
}

/// A secret of the same form, which is another one.
fn secret_like(secret: &str) -> String {
    let flip = |character: char| if character == 'A' { 'B' } else { 'A' };
    match secret.strip_prefix("v1,whsec_") {
        Some(rest) => format!("v1,whsec_{}{}", flip(rest.chars().next().unwrap()), &rest[1..]),
        None => format!("{}{}", flip(secret.chars().next().unwrap()), &secret[1..]),
    }
}

async fn show(api: &Api, ingress: &Ingress) -> Value {
    api.platform().get(&at(&format!("ingresses/{}", ingress.name))).await.expect(200)
}

async fn a_call_waits_no_longer_than_its_platform(database: &Database) {
    let api = Api::over(TestService::new(database).await).await;
    let input = json!({ "kind": "better-auth", "settings": { "waitMs": 1 } });
    let ingress = Ingress::create(&api, "impatient", &input).await;
    api.backend.simulator.inject_spec("twilio=stall,times=1".parse().unwrap()).unwrap();
    let body = json!({ "to": format!("+{DIGITS}"), "code": CODE, "template": "sign-in-otp" }).to_string();
    let answer = call(&api, "better-auth", &ingress, "/sms/send", JSON, &body).await.expect(200);
    let message = text(&answer["messageId"]);
    let now = api.platform().get(&at(&format!("messages/{message}"))).await.expect(200);
    assert_eq!(now["status"], "sending");
    // A repetition does not wait for it either.
    let again = call(&api, "better-auth", &ingress, "/sms/send", JSON, &body).await.expect(200);
    assert_eq!(again["messageId"], message.as_str());
    // The same in the API.
    api.backend.simulator.inject_spec("twilio=stall,times=1".parse().unwrap()).unwrap();
    let new = json!({ "to": "+4531415927", "usage": "sign-in", "code": CODE, "waitMs": 1 });
    assert_eq!(api.platform().post(&at("messages"), &new).await.expect(202)["status"], "sending");
    for wait in [0, 25_001] {
        let new = json!({ "to": "+4531415927", "usage": "sign-in", "code": CODE, "waitMs": wait });
        api.platform().post(&at("messages"), &new).await.problem(422, "invalid-input");
    }
}

async fn messages_without_a_code_are_refused_ignored_or_sent(database: &Database) {
    const NOTICE: &str = "A security key was added to your account.";
    let api = Api::over(TestService::new(database).await).await;
    let body = json!({ "recipient": format!("+{DIGITS}"), "template_type": "authenticator_key_added", "body": NOTICE });
    for (action, status, outcome, count) in
        [("refuse", 400, "refused", 0), ("ignore", 200, "ignored", 0), ("send", 200, "stored", 1)]
    {
        let input = json!({ "kind": "kratos", "settings": { "messagesWithoutCode": action, "text": "original" } });
        let ingress = Ingress::create(&api, action, &input).await;
        let answer = call(&api, "kratos", &ingress, "", JSON, &body.to_string()).await;
        assert_eq!(answer.status, status, "{action}: {}", answer.text);
        assert_eq!(ingress.calls(&api.platform()).await[0]["outcome"], outcome);
        assert_eq!(api.backend.received_count(DIGITS), count);
    }
    assert_eq!(api.backend.simulator.inbox().pop().unwrap().text.as_deref(), Some(NOTICE));

    // The same in the API: a text alone, and a text with its code.
    let send = async |rest: Value| {
        let mut new = json!({ "to": "+4531415927", "usage": "sign-in" });
        new.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
        api.platform().post(&at("messages"), &new).await
    };
    send(json!({ "text": NOTICE })).await.expect(200);
    assert_eq!(api.backend.simulator.inbox().pop().unwrap().text.as_deref(), Some(NOTICE));
    send(json!({ "text": "271828: it is you.", "code": CODE })).await.expect(200);
    assert_eq!(api.backend.simulator.inbox().pop().unwrap().text.as_deref(), Some("271828: it is you."));
    for (rest, field) in [
        (json!({ "text": "it is you.", "code": CODE }), "/text"),
        (json!({ "text": "" }), "/text"),
        (json!({}), "/code"),
    ] {
        let problem = send(rest).await.problem(422, "invalid-input");
        assert_eq!(problem["errors"][0]["field"], field, "{problem}");
    }
}

async fn an_address_is_shown_to_managers_and_can_be_rotated(database: &Database) {
    let api = Api::over(TestService::new(database).await).await;
    let ingress = create(&api, "logto").await;
    let (_, secret) = api.create_key(TENANT, &["read"]).await;
    let reader = api.client(&secret);
    let shown = reader.get(&at("ingresses/logto")).await.expect(200);
    assert_eq!(
        (&shown["address"], &shown["authentication"]["secrets"], &shown["setup"]),
        (&Value::Null, &Value::Null, &json!([]))
    );
    for path in ["ingresses", "audit"] {
        let listed = reader.get(&at(path)).await.expect(200).to_string();
        assert!(!listed.contains(&ingress.secret) && !listed.contains(&ingress.path), "{listed}");
    }
    reader.put(&at("ingresses/logto"), &json!({ "kind": "logto" })).await.problem(403, "insufficient-scope");

    // Secrets that are left out stay; a new one replaces them, and two are accepted.
    let again = Ingress::create(&api, "logto", &json!({ "kind": "logto" })).await;
    assert_eq!((&again.path, &again.secret), (&ingress.path, &ingress.secret));
    let two = json!({ "kind": "logto", "authentication": { "type": "bearer", "secrets": ["a-newer-secret", ingress.secret] } });
    let newer = Ingress::create(&api, "logto", &two).await;
    let (_, rest, content_type, body, ..) = requests().remove(0);
    for caller in [&ingress, &newer] {
        call(&api, "logto", caller, rest, content_type, &body).await.expect(200);
    }
    api.platform().put(&at("ingresses/logto"), &json!({ "kind": "kratos" })).await.problem(409, "conflict");

    // The previous address works during its grace period.
    let path = at("ingresses/logto/rotate-address");
    let rotated = Ingress::of(&api.platform().post(&path, &json!({ "graceSeconds": 60 })).await.expect(200));
    assert_ne!(rotated.path, ingress.path);
    call(&api, "logto", &newer, rest, content_type, &body).await.expect(200);
    call(&api, "logto", &rotated, rest, content_type, &body).await.expect(200);
    api.backend.clock.advance_millis(61_000);
    call(&api, "logto", &newer, rest, content_type, &body).await.problem(404, "not-found");
    call(&api, "logto", &rotated, rest, content_type, &body).await.expect(200);

    // Disabled, and deleted.
    let disabled = json!({ "kind": "logto", "enabled": false });
    api.platform().put(&at("ingresses/logto"), &disabled).await.expect(200);
    call(&api, "logto", &rotated, rest, content_type, &body).await.expect(403);
    api.platform().delete(&at("ingresses/logto")).await.expect(204);
    call(&api, "logto", &rotated, rest, content_type, &body).await.problem(404, "not-found");
    api.platform().get(&at("ingresses/logto/calls")).await.problem(404, "not-found");
}
