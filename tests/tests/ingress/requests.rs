//! Requests of each platform, as recorded, and how each authenticates them.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use sendbox_tests::test_service::START;
use serde_json::{Value, json};

use super::{CODE, DIGITS, FORM, Ingress, JSON};

fn seconds() -> i64 {
    START.0 / 1000
}

fn hmac(key: &[u8], signed: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(key).unwrap();
    mac.update(signed);
    mac.finalize().into_bytes().to_vec()
}

/// The headers by which a platform authenticates a call, made by another implementation than the one that checks them.
pub(super) fn headers(kind: &str, ingress: &Ingress, body: &[u8]) -> Vec<(String, String)> {
    let secret = ingress.secret.as_str();
    let header = |name: &str, value: String| vec![(name.to_owned(), value)];
    let basic =
        || header("Authorization", format!("Basic {}", STANDARD.encode(format!("{}:{secret}", ingress.username))));
    match kind {
        "supabase" => {
            let key = STANDARD.decode(secret.strip_prefix("v1,whsec_").unwrap()).unwrap();
            let signed = [format!("an-id.{}.", seconds()).as_bytes(), body].concat();
            let signature = format!("v1,{}", STANDARD.encode(hmac(&key, &signed)));
            [
                ("webhook-id", "an-id".to_owned()),
                ("webhook-timestamp", seconds().to_string()),
                ("webhook-signature", signature),
            ]
            .map(|(name, value)| (name.to_owned(), value))
            .to_vec()
        }
        "zitadel" => {
            let signed = [format!("{}.", seconds()).as_bytes(), body].concat();
            header("ZITADEL-Signature", format!("t={},v1={}", seconds(), hex::encode(hmac(secret.as_bytes(), &signed))))
        }
        "authgear" => header("X-Authgear-Body-Signature", hex::encode(hmac(secret.as_bytes(), body))),
        "authsignal" => {
            let signed = [format!("{}.", seconds()).as_bytes(), body].concat();
            let signature = STANDARD_NO_PAD.encode(hmac(secret.as_bytes(), &signed));
            header("X-Signature-V2", format!("t={},v2={signature}", seconds()))
        }
        "auth0-gateway" => {
            let claims = format!(r#"{{"sub":"auth0","aud":"sendbox","iat":{}}}"#, seconds());
            let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256"}"#), URL_SAFE_NO_PAD.encode(claims));
            let signature = URL_SAFE_NO_PAD.encode(hmac(secret.as_bytes(), signed.as_bytes()));
            header("Authorization", format!("Bearer {signed}.{signature}"))
        }
        "fusionauth" | "authentik" | "twilio" => basic(),
        "kratos" | "casdoor" | "keycloak" => header("X-Api-Key", secret.to_owned()),
        _ => header("Authorization", format!("Bearer {secret}")),
    }
}

/// A request of each platform, as recorded: kind, rest of the address, content type, body; the answer and the text that is sent.
pub(super) fn requests() -> Vec<(&'static str, &'static str, &'static str, String, &'static str, String)> {
    let template = format!("{CODE} is your code.");
    let generic = template.clone();
    let original = format!("Your verification code is: {CODE}");
    let json = |value: Value| value.to_string();
    let plus = format!("+{DIGITS}");
    vec![
        (
            "logto",
            "",
            JSON,
            json(
                json!({ "to": DIGITS, "type": "SignIn", "payload": { "code": CODE, "locale": "en" }, "ip": "203.0.113.7" }),
            ),
            "{}",
            template.clone(),
        ),
        (
            "supabase",
            "",
            JSON,
            json(json!({
                "metadata": { "uuid": "8484b834", "time": "2026-11-30T12:00:00Z", "name": "send-sms", "ip_address": "203.0.113.7" },
                "user": { "id": "1", "phone": DIGITS }, "sms": { "otp": CODE, "phone": DIGITS },
            })),
            "{}",
            generic.clone(),
        ),
        (
            "zitadel",
            "",
            JSON,
            json(json!({
                "contextInfo": { "recipientPhoneNumber": plus, "eventType": "user.human.phone.code.added", "provider": { "id": "1" } },
                "templateData": { "text": format!("Hello, {CODE}") }, "args": { "oTP": CODE, "expiry": 300_000_000_000_u64 },
            })),
            "{}",
            generic.clone(),
        ),
        (
            "kratos",
            "",
            JSON,
            json(json!({
                "recipient": plus, "template_type": "login_code_valid", "to": plus, "verification_code": null,
                "body": format!("Your login code is: {CODE}\n\nIt expires in 15 minutes.\n\n@example.com #{CODE}"),
            })),
            "{}",
            template.clone(),
        ),
        (
            "better-auth",
            "/api/v1/sms/send",
            JSON,
            json(json!({ "to": plus, "code": CODE, "template": "sign-in-otp" })),
            "",
            template.clone(),
        ),
        (
            "fusionauth",
            "",
            JSON,
            json(
                json!({ "code": CODE, "phoneNumber": &DIGITS[2..], "textMessage": format!("Two Factor Code: {CODE}"), "type": "SMS" }),
            ),
            "{}",
            generic.clone(),
        ),
        (
            "authentik",
            "",
            JSON,
            json(json!({ "From": "x", "To": plus, "Body": CODE, "Message": format!("Use this code: {CODE}") })),
            "{}",
            generic.clone(),
        ),
        (
            "authgear",
            "",
            JSON,
            json(json!({
                "to": plus, "body": format!("{CODE} is it"), "app_id": "a", "template_name": "verification_sms.txt",
                "language_tag": "en", "template_variables": { "code": CODE, "app_name": "A" },
            })),
            r#"{"code":"ok"}"#,
            generic.clone(),
        ),
        (
            "authsignal",
            "",
            JSON,
            json(json!({
                "version": 1, "id": "1", "type": "sms.created", "tenantId": "t", "time": "2026-11-30T12:00:00Z",
                "data": { "to": plus, "code": CODE, "userId": "u", "idempotencyKey": "k-1", "actionCode": "signIn" },
            })),
            "{}",
            generic.clone(),
        ),
        (
            "auth0-gateway",
            "",
            JSON,
            json(
                json!({ "recipient": "+45 3141 5926", "body": original, "sender": "+1 234 567", "req": { "ip": "::1" } }),
            ),
            "{}",
            original.clone(),
        ),
        (
            "casdoor",
            "",
            FORM,
            format!("phoneNumber=%2B{DIGITS}&content=Your+verification+code+is:+{CODE}"),
            "{}",
            original.clone(),
        ),
        ("keycloak", "", JSON, json(json!({ "phone": plus, "message": original })), "{}", original.clone()),
        ("generic", "", FORM, format!("to=%2B{DIGITS}&otp={CODE}&usage=sign-in"), "", template),
    ]
}
