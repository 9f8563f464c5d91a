//! What is wrong with a call of each platform, beside what `a_refusal_is_one_that_the_platform_understands` has: nothing is sent, the platform
//! gets a refusal that it understands, and the log of the ingress says what to do.

use std::time::Duration;

use sendbox_tests::api::{Api, ApiResponse, text};
use sendbox_tests::test_service::{TestService, open_limits};
use sendbox_tests::{Database, on_every_database};
use serde_json::{Value, json};

use super::requests::{headers, requests};
use super::twilio::{ACCOUNT_PATH, twilio};
use super::{CODE, DIGITS, FORM, Ingress, JSON, assert_hidden, at, call, create};

on_every_database!(
    calls_without_a_secret_late_and_huge_are_refused,
    a_recorded_call_sends_nothing,
    what_the_tenant_does_not_send_is_refused,
    twilio_is_refused_in_its_own_words
);

/// Whether the platform takes a response for a success.
fn is_success(kind: &str, answer: &ApiResponse) -> bool {
    match kind {
        "supabase" => answer.status == 200 && answer.json.get("error").is_none(),
        "zitadel" => answer.status == 200 && answer.json.get("refused").is_none(),
        "authgear" => answer.json["code"] == "ok",
        _ => answer.status < 400,
    }
}

/// Fails unless a call was refused, for this reason, and says nothing of the number, the code and the secret.
async fn assert_refused(api: &Api, kind: &str, ingress: &Ingress, answer: &ApiResponse, detail: &str) {
    assert!(!is_success(kind, answer), "{kind} {detail}: {} {}", answer.status, answer.text);
    assert_hidden(&answer.text, ingress);
    let newest = ingress.calls(&api.platform()).await.remove(0);
    assert_eq!(newest["outcome"], "refused", "{kind} {detail}: {newest}");
    assert!(text(&newest["detail"]).contains(detail), "{kind} {detail}: {newest}");
    assert_hidden(&newest.to_string(), ingress);
}

async fn calls_without_a_secret_late_and_huge_are_refused(database: &Database) {
    let api = Api::over(TestService::new(database).await).await;
    for (kind, rest, content_type, body, ..) in requests() {
        let ingress = create(&api, kind).await;
        // Without a secret or a signature, and with two of them.
        api.backend.clock.advance_monotonic(Duration::from_secs(1));
        let plain = [("Content-Type", content_type)];
        let path = format!("{}{rest}", ingress.path);
        let answer = api.wire("POST", &path, &plain, body.as_bytes()).await;
        assert_eq!(answer.status, 401, "{kind}: {}", answer.text);
        assert_refused(&api, kind, &ingress, &answer, "no secret or signature").await;
        let authentic = headers(kind, &ingress, body.as_bytes());
        let doubled: Vec<(&str, &str)> = plain
            .into_iter()
            .chain(authentic.iter().chain(&authentic).map(|(name, value)| (name.as_str(), value.as_str())))
            .collect();
        api.backend.clock.advance_millis(1);
        let answer = api.wire("POST", &path, &doubled, body.as_bytes()).await;
        assert_refused(&api, kind, &ingress, &answer, "or has it twice").await;
        // A body that is too large is not read to its end.
        api.backend.clock.advance_monotonic(Duration::from_secs(1));
        let huge = format!("{body}{}", " ".repeat(600 * 1024));
        let answer = call(&api, kind, &ingress, rest, content_type, &huge).await;
        assert_refused(&api, kind, &ingress, &answer, "too large").await;
    }
    assert_eq!(api.backend.received_count(DIGITS), 0);
}

async fn a_recorded_call_sends_nothing(database: &Database) {
    let api = Api::over(TestService::new(database).await).await;
    for (kind, rest, content_type, body, ..) in requests() {
        let ingress = create(&api, kind).await;
        call(&api, kind, &ingress, rest, content_type, &body).await.expect(200);
    }
    let before = api.backend.received_count(DIGITS);
    // While the signature is valid, a recorded call is a repetition, which sends nothing.
    for (kind, rest, content_type, body, ..) in requests() {
        let ingress = Ingress::create(&api, kind, &saved(&api, kind).await).await;
        call(&api, kind, &ingress, rest, content_type, &body).await.expect(200);
        assert_eq!(ingress.calls(&api.platform()).await[0]["outcome"], "repeated", "{kind}");
    }
    assert_eq!(api.backend.received_count(DIGITS), before);
    // Later, those that sign a time are refused.
    api.backend.clock.advance_millis(6 * 60_000);
    for (kind, rest, content_type, body, ..) in requests() {
        if !["supabase", "zitadel", "authsignal", "auth0-gateway"].contains(&kind) {
            continue;
        }
        let ingress = Ingress::create(&api, kind, &saved(&api, kind).await).await;
        let answer = call(&api, kind, &ingress, rest, content_type, &body).await;
        assert_eq!(answer.status, 401, "{kind}: {}", answer.text);
        assert_refused(&api, kind, &ingress, &answer, "5 minutes").await;
    }
    assert_eq!(api.backend.received_count(DIGITS), before);
}

/// An ingress as it was saved, so that saving it again changes nothing.
async fn saved(api: &Api, kind: &str) -> Value {
    let shown = api.platform().get(&at(&format!("ingresses/{kind}"))).await.expect(200);
    json!({ "kind": kind, "settings": shown["settings"] })
}

async fn what_the_tenant_does_not_send_is_refused(database: &Database) {
    let api = Api::over(TestService::new(database).await).await;
    let policy = async |limits: Value, countries: Value| {
        api.platform().put(&at("policy"), &json!({ "limits": limits, "countries": countries })).await.expect(200);
    };
    let flows = async |is_on: bool| {
        api.platform().put(&at("flows"), &json!({ "sign-in": is_on, "mfa": is_on })).await.expect(200);
    };
    let all = json!({ "all": true });
    for (kind, rest, content_type, body, ..) in requests() {
        create(&api, kind).await;
        // Whatever the platform calls it, it is for signing in.
        let mut input = saved(&api, kind).await;
        let words =
            ["SignIn", "user.human.phone.code.added", "login_code_valid", "sign-in-otp", "verification_sms.txt"];
        input["settings"]["usages"] = json!({ "*": "sign-in" });
        for word in words {
            input["settings"]["usages"][word] = json!("sign-in");
        }
        let ingress = Ingress::create(&api, kind, &input).await;
        let before = api.backend.received_count(DIGITS);
        flows(false).await;
        let answer = call(&api, kind, &ingress, rest, content_type, &body).await;
        assert_refused(&api, kind, &ingress, &answer, "flow `sign-in` is disabled").await;
        flows(true).await;
        policy(json!(open_limits()), json!({ "all": false, "only": ["SE"] })).await;
        api.backend.clock.advance_monotonic(Duration::from_secs(1));
        let answer = call(&api, kind, &ingress, rest, content_type, &body).await;
        assert_refused(&api, kind, &ingress, &answer, "messages to DK").await;
        assert_eq!(api.backend.received_count(DIGITS), before, "{kind}");
        // A limit: the second message to the number within an hour.
        policy(json!(open_limits()), all.clone()).await;
        call(&api, kind, &ingress, rest, content_type, &body).await.expect(200);
        assert_eq!(api.backend.received_count(DIGITS), before + 1, "{kind}");
        let mut narrow = json!(open_limits());
        narrow["numberPerHour"] = json!(1);
        policy(narrow, all.clone()).await;
        let other = body.replace(CODE, "314159").replace("8484b834", "8484b835").replace("k-1", "k-2");
        api.backend.clock.advance_monotonic(Duration::from_secs(1));
        let answer = call(&api, kind, &ingress, rest, content_type, &other).await;
        assert_refused(&api, kind, &ingress, &answer, "limit `number-per-hour`").await;
        assert_eq!(api.backend.received_count(DIGITS), before + 1, "{kind}");
        policy(json!(open_limits()), all.clone()).await;
    }
}

async fn twilio_is_refused_in_its_own_words(database: &Database) {
    let api = Api::over(TestService::new(database).await).await;
    let input = json!({ "kind": "twilio", "settings": { "usages": { "*": "sign-in" } } });
    let ingress = Ingress::create(&api, "twilio", &input).await;
    let path = format!("{ACCOUNT_PATH}/{}/Messages.json", ingress.username);
    let form = format!("To=%2B{DIGITS}&Body=Your+code+is+{CODE}");
    let wire = async |content_type: &str, body: &[u8]| {
        api.backend.clock.advance_monotonic(Duration::from_secs(1));
        api.backend.clock.advance_millis(1);
        let credentials = headers("twilio", &ingress, body);
        let mut all = vec![("Content-Type", content_type)];
        all.extend(credentials.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        api.wire("POST", &format!("{}{path}", ingress.path), &all, body).await
    };
    let huge = format!("{form}&X={}", "x".repeat(600 * 1024));
    for (content_type, body, code, detail) in [
        ("text/plain", form.as_str(), 20001, "content type"),
        (JSON, "{\"To\": 1", 20001, "not valid JSON"),
        (FORM, huge.as_str(), 21617, "too large"),
        (FORM, "To=%2B4531415926&To=%2B4531415926&Body=1234", 20001, "twice"),
    ] {
        let answer = wire(content_type, body.as_bytes()).await;
        assert_eq!(answer.json["code"], code, "{detail}: {}", answer.text);
        assert_refused(&api, "twilio", &ingress, &answer, detail).await;
    }
    let without =
        api.wire("POST", &format!("{}{path}", ingress.path), &[("Content-Type", FORM)], form.as_bytes()).await;
    assert_eq!((without.status, &without.json["code"]), (401, &json!(20003)));

    let mut narrow = json!(open_limits());
    narrow["numberPerHour"] = json!(1);
    for (policy, flow, code, detail) in [
        (json!({ "limits": open_limits(), "countries": { "all": true } }), false, 20403, "flow `sign-in` is disabled"),
        (
            json!({ "limits": open_limits(), "countries": { "all": false, "only": ["SE"] } }),
            true,
            21408,
            "messages to DK",
        ),
    ] {
        api.platform().put(&at("policy"), &policy).await.expect(200);
        api.platform().put(&at("flows"), &json!({ "sign-in": flow })).await.expect(200);
        let answer = wire(FORM, form.as_bytes()).await;
        assert_eq!(answer.json["code"], code, "{detail}: {}", answer.text);
        assert_refused(&api, "twilio", &ingress, &answer, detail).await;
    }
    assert_eq!(api.backend.received_count(DIGITS), 0);
    let policy = json!({ "limits": narrow, "countries": { "all": true } });
    api.platform().put(&at("policy"), &policy).await.expect(200);
    twilio(&api, &ingress, "POST", &path, &form).await.expect(201);
    let answer = wire(FORM, form.as_bytes()).await;
    assert_eq!((answer.status, &answer.json["code"]), (429, &json!(20429)));
    assert_refused(&api, "twilio", &ingress, &answer, "limit `number-per-hour`").await;
}
