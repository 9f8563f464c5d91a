//! Provider callbacks, read by the built-in connectors: signatures are verified, numbers stay out of the guest, ids are restored.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test")]

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sendbox_sandbox::policy::Limits;
use sendbox_sandbox::{Callback, CallbackError, Connector, DeliveryReport, DeliveryState, FailureClass, ReportRefusal};
use sendbox_simulator::SimulatorConfig;
use sendbox_tests::simulator_setup::{SimulatorSetup, connection};
use serde_json::Value;

const FORM: (&str, &str) = ("Content-Type", "application/x-www-form-urlencoded");
const JSON: (&str, &str) = ("Content-Type", "application/json");
const URL: &str = "https://platform.example/reports/tenant-7?c=20918374";

async fn setup() -> SimulatorSetup {
    SimulatorSetup::new(SimulatorConfig::default(), Limits::default()).await
}

async fn parse(
    setup: &SimulatorSetup,
    connector: &Connector,
    parameters: &Value,
    url: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Result<Vec<DeliveryReport>, CallbackError> {
    let parameters = Arc::new(connector.parameters(parameters).unwrap());
    let callback = Callback {
        method: if body.is_empty() { "GET" } else { "POST" }.into(),
        url: url.into(),
        headers: headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        body: body.as_bytes().to_vec().into(),
    };
    setup.sandbox.parse_report(connector, parameters, &callback).await
}

/// Twilio's signature: over the URL and then the names and values of the form, sorted by name, without separators.
fn twilio_signature(token: &str, url: &str, fields: &[(&str, &str)]) -> String {
    let mut sorted = fields.to_vec();
    sorted.sort_unstable();
    let mut mac = Hmac::<sha1::Sha1>::new_from_slice(token.as_bytes()).unwrap();
    mac.update(url.as_bytes());
    for (name, value) in sorted {
        mac.update(name.as_bytes());
        mac.update(value.as_bytes());
    }
    STANDARD.encode(mac.finalize().into_bytes())
}

#[tokio::test]
async fn twilio_signs_the_url_and_the_form() {
    let setup = setup().await;
    let connector = setup.load("twilio").await;
    let (parameters, _) = connection("twilio");
    let token = parameters["authToken"].as_str().unwrap();
    let fields = [
        ("MessageSid", "SM7f3a9c0d41e85b26f0a7c3d9e1b84625"),
        ("MessageStatus", "undelivered"),
        ("To", "+4520918374"),
        ("ErrorCode", "30007"),
        ("AccountSid", parameters["accountSID"].as_str().unwrap()),
    ];
    let body = url_form(&fields);
    let signature = twilio_signature(token, URL, &fields);
    let signed = [FORM, ("X-Twilio-Signature", signature.as_str())];
    let reports = parse(&setup, &connector, &parameters, URL, &signed, &body).await.unwrap();
    assert_eq!(reports.len(), 1);
    assert_eq!(reports[0].message_id, "SM7f3a9c0d41e85b26f0a7c3d9e1b84625");
    assert_eq!(reports[0].state, DeliveryState::Undelivered);
    assert_eq!(reports[0].class, Some(FailureClass::ContentRejected));
    assert_eq!(reports[0].provider_code.as_deref(), Some("30007"));

    let refused = Err(CallbackError::Refused(ReportRefusal::NotAuthentic));
    let forged = body.replace("undelivered", "delivered");
    assert_eq!(parse(&setup, &connector, &parameters, URL, &signed, &forged).await, refused);
    // Another number in the URL: the guest sees the same placeholder, but the signature differs.
    let elsewhere = URL.replace("20918374", "20918375");
    assert_eq!(parse(&setup, &connector, &parameters, &elsewhere, &signed, &body).await, refused);
    assert_eq!(parse(&setup, &connector, &parameters, URL, &[FORM], &body).await, refused);
}

fn url_form(fields: &[(&str, &str)]) -> String {
    let encoded: Vec<String> = fields
        .iter()
        .map(|(name, value)| {
            format!("{name}={}", percent_encoding::utf8_percent_encode(value, percent_encoding::NON_ALPHANUMERIC))
        })
        .collect();
    encoded.join("&")
}

/// The token from GatewayAPI's documentation, with the key `secret`.
const GATEWAYAPI_TOKEN: &str = "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9.eyJpZCI6MjM4MTcwMywibXNpc2RuIjo0NTQyNjA5MDQ1LCJ0aW1lIjoxNTIyNzY0MDYyLCJzdGF0dXMiOiJERUxJVkVSRUQiLCJlcnJvciI6bnVsbCwiY29kZSI6bnVsbCwidXNlcnJlZiI6bnVsbCwiY2FsbGJhY2tfdXJsIjoiaHR0cDovL2JiYWY3MTQyLm5ncm9rLmlvIiwiYXBpIjo0fQ.KdfDH65bnQtgxEkFnpAQodOciAJedZFB13r9wEo8t3Y";

#[tokio::test]
async fn gatewayapis_token_is_checked_by_the_host() {
    let setup = setup().await;
    let connector = setup.load("gatewayapi").await;
    let (mut parameters, _) = connection("gatewayapi");
    // The body is not signed, so it must be ignored.
    let body = r#"{"id":1,"msisdn":4542609045,"time":1522764062,"status":"REJECTED"}"#;
    let signed = [JSON, ("X-Gwapi-Signature", GATEWAYAPI_TOKEN)];
    parameters["webhookSecret"] = "secret".into();
    let reports = parse(&setup, &connector, &parameters, URL, &signed, body).await.unwrap();
    assert_eq!((reports[0].message_id.as_str(), reports[0].state), ("2381703", DeliveryState::Delivered));

    let refused = Err(CallbackError::Refused(ReportRefusal::NotAuthentic));
    assert_eq!(parse(&setup, &connector, &parameters, URL, &[JSON], body).await, refused);
    parameters["webhookSecret"] = "another".into();
    assert_eq!(parse(&setup, &connector, &parameters, URL, &signed, body).await, refused);
}

#[tokio::test]
async fn ids_of_digits_come_back_whole() {
    let setup = setup().await;
    let cases = [
        (
            "smsaero",
            URL,
            JSON,
            r#"{"id":264681782,"status":1,"number":"4520918374"}"#,
            "264681782",
            DeliveryState::Delivered,
        ),
        (
            "vonage",
            "https://platform.example/r?messageId=0B00000127FDBC63&status=expired&msisdn=4520918374&err-code=1",
            JSON,
            "",
            "0B00000127FDBC63",
            DeliveryState::Expired,
        ),
        (
            "tencent",
            URL,
            JSON,
            r#"[{"user_receive_time":"2026-11-23 08:03:04","nationcode":"45","mobile":"20918374","report_status":"SUCCESS","errmsg":"DELIVRD","description":"ok","sid":"2019:538351676"}]"#,
            "2019:538351676",
            DeliveryState::Delivered,
        ),
        (
            "aliyun",
            URL,
            JSON,
            r#"[{"phone_number":"4520918374","send_time":"2026-11-23 08:03:04","report_time":"2026-11-23 08:03:05","success":true,"err_code":"DELIVERED","err_msg":"ok","sms_size":"1","biz_id":"1234567890^0","out_id":""}]"#,
            "1234567890^0",
            DeliveryState::Delivered,
        ),
    ];
    for (name, url, content_type, body, id, state) in cases {
        let connector = setup.load(name).await;
        let (parameters, _) = connection(name);
        let reports = parse(&setup, &connector, &parameters, url, &[content_type], body).await.expect(name);
        assert_eq!(reports.len(), 1, "{name}");
        assert_eq!((reports[0].message_id.as_str(), reports[0].state), (id, state), "{name}: {reports:?}");
        assert!(!format!("{reports:?}").contains("20918374"), "{name}");
    }
    let http = setup.load("http").await;
    let (parameters, _) = connection("http");
    assert_eq!(parse(&setup, &http, &parameters, URL, &[JSON], "{}").await, Err(CallbackError::NotSupported));
}
