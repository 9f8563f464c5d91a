//! Twilio's API: messages and Verify.

use sendbox_tests::api::{Api, ApiResponse, text};
use sendbox_tests::test_service::TestService;
use sendbox_tests::{Database, on_every_database};
use serde_json::{Value, json};

use super::requests::headers;
use super::{CODE, DIGITS, FORM, Ingress, assert_hidden, secret_like, show};

on_every_database!(twilio_sends_and_retrieves_messages, twilio_starts_and_checks_verifications);

pub(super) const ACCOUNT_PATH: &str = "/2010-04-01/Accounts";
const SERVICE: &str = "/v2/Services/VA0123456789abcdef0123456789abcdef";

pub(super) async fn twilio(api: &Api, ingress: &Ingress, method: &str, rest: &str, form: &str) -> ApiResponse {
    let headers = headers("twilio", ingress, form.as_bytes());
    let mut all = vec![("Content-Type", FORM)];
    all.extend(headers.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    api.wire(method, &format!("{}{rest}", ingress.path), &all, form.as_bytes()).await
}

async fn twilio_sends_and_retrieves_messages(database: &Database) {
    let api = Api::over(TestService::new(database).await).await;
    let ingress = Ingress::create(&api, "twilio", &json!({ "kind": "twilio" })).await;
    let messages = format!("{ACCOUNT_PATH}/{}/Messages", ingress.username);
    let body = format!("To=%2B{DIGITS}&From=%2B15005550006&Body=Your+Acme+code+is+{CODE}");
    let sent = twilio(&api, &ingress, "POST", &format!("{messages}.json"), &body).await.expect(201);
    assert_eq!((&sent["status"], &sent["error_code"]), (&json!("queued"), &Value::Null), "{sent}");
    assert_eq!(sent["account_sid"], ingress.username.as_str());
    assert_hidden(&sent.to_string(), &ingress);
    let sid = text(&sent["sid"]);
    assert!(sid.len() == 34 && sid.starts_with("SM"), "{sid}");
    let message = text(&ingress.calls(&api.platform()).await[0]["message"]);
    api.backend.until_final(&message).await;
    let fetched = twilio(&api, &ingress, "GET", &format!("{messages}/{sid}.json"), "").await.expect(200);
    assert_eq!((&fetched["status"], &fetched["sid"]), (&json!("sent"), &json!(sid)));
    let received = api.backend.simulator.inbox().pop().unwrap();
    assert_eq!(received.text.as_deref(), Some("Your Acme code is 271828"));
    // Twilio sends the same text twice if it is asked to.
    twilio(&api, &ingress, "POST", &format!("{messages}.json"), &body).await.expect(201);

    let unknown = format!("{messages}/SM{}.json", "0".repeat(32));
    let stranger = Ingress { secret: secret_like(&ingress.secret), ..Ingress::of(&show(&api, &ingress).await) };
    for (caller, method, path, form, status, code) in [
        (&stranger, "POST", format!("{messages}.json"), body.as_str(), 401, 20003),
        (&ingress, "POST", format!("{messages}.json"), "To=%2B453&Body=1234", 400, 21211),
        (&ingress, "POST", format!("{messages}.json"), "To=%2B4531415926", 400, 21602),
        (&ingress, "POST", format!("{messages}.json"), "To=%2B4531415926&Body=Hello", 400, 21602),
        (&ingress, "POST", format!("{messages}.json"), "To=1&To=2&Body=1234", 400, 20001),
        (&ingress, "POST", format!("{messages}.json"), "To=%2B4531415926&Body=1234&SendAt=2026-12-24", 400, 20001),
        (
            &ingress,
            "POST",
            format!("{messages}.json"),
            "To=%2B4531415926&Body=1234&StatusCallback=http://hooks.platform.test/",
            400,
            21609,
        ),
        (&ingress, "GET", unknown, "", 404, 20404),
        (&ingress, "POST", "/2010-04-01/Accounts/AC1/Calls.json".to_owned(), "To=1", 404, 20404),
    ] {
        let answer = twilio(&api, caller, method, &path, form).await;
        assert_eq!((answer.status, &answer.json["code"]), (status, &json!(code)), "{path} {form}");
    }
}

async fn twilio_starts_and_checks_verifications(database: &Database) {
    let api = Api::over(TestService::new(database).await).await;
    let input = json!({ "kind": "twilio", "settings": { "usages": { "*": "sign-in" } } });
    let ingress = Ingress::create(&api, "twilio", &input).await;
    let to = format!("To=%2B{DIGITS}");
    let start = async || {
        twilio(&api, &ingress, "POST", &format!("{SERVICE}/Verifications"), &format!("{to}&Channel=sms")).await
    };
    let check = async |form: &str| twilio(&api, &ingress, "POST", &format!("{SERVICE}/VerificationCheck"), form).await;
    let started = start().await.expect(201);
    assert_eq!(
        (&started["status"], &started["valid"], &started["channel"]),
        (&json!("pending"), &json!(false), &json!("sms"))
    );
    let sid = text(&started["sid"]);
    let message = text(&ingress.calls(&api.platform()).await[0]["message"]);
    api.backend.until_final(&message).await;
    let code = api.backend.received_code(DIGITS);
    let wrong = if code == "000000" { "000001" } else { "000000" };

    let pending = check(&format!("{to}&Code={wrong}")).await.expect(200);
    assert_eq!(
        (&pending["status"], &pending["valid"], &pending["sid"]),
        (&json!("pending"), &json!(false), &json!(sid))
    );
    let approved = check(&format!("VerificationSid={sid}&Code={code}")).await.expect(200);
    assert_eq!((&approved["status"], &approved["valid"]), (&json!("approved"), &json!(true)));
    let fetched = twilio(&api, &ingress, "GET", &format!("{SERVICE}/Verifications/{sid}"), "").await.expect(200);
    assert_eq!(fetched["status"], "approved");
    // A code verifies once.
    for form in [format!("{to}&Code={code}"), format!("VerificationSid={sid}&Code={code}")] {
        assert_eq!(check(&form).await.expect(404)["code"], 20404);
    }

    // Tries run out.
    api.backend.clock.advance_millis(120_000);
    let second = text(&start().await.expect(201)["sid"]);
    let statuses = async {
        let mut statuses = Vec::new();
        for _ in 0..12 {
            statuses.push(check(&format!("VerificationSid={second}&Code=nope")).await.status);
        }
        statuses
    };
    let statuses = statuses.await;
    assert_eq!((statuses[0], statuses[11]), (200, 429), "{statuses:?}");
    let cancelled = twilio(&api, &ingress, "POST", &format!("{SERVICE}/Verifications/{sid}"), "Status=canceled").await;
    assert_eq!(cancelled.status, 404);

    for (form, code) in [
        ("Channel=sms".to_owned(), 60200),
        (format!("{to}&Channel=call"), 60200),
        (format!("{to}&Channel=sms&CustomCode=1234"), 60200),
        (format!("{to}&Channel=sms&Amount=5&Payee=x"), 60200),
        ("To=%2B453&Channel=sms".to_owned(), 60200),
    ] {
        let refused = twilio(&api, &ingress, "POST", &format!("{SERVICE}/Verifications"), &form).await;
        assert_eq!((refused.status, &refused.json["code"]), (400, &json!(code)), "{form}");
    }
}
