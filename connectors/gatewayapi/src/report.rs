//! GatewayAPI's status notifications: `{id, msisdn, time, status, error?, code?}` as JSON.
//!
//! If the webhook has an authentication token, GatewayAPI sends a JWT in `X-Gwapi-Signature`: the whole notification, signed with
//! HMAC-SHA256. Then the connector reads the JWT, because the body is not signed. Without an authentication token, nothing is
//! signed, and the callback URL, which cannot be guessed, is the only protection. The JWT contains the phone number, so the host
//! verifies it and returns its claims with the number replaced.

use sendbox_connector_sdk::{
    Callback, CallbackError, Config, DeliveryReports, FailureClass, Report, State, Verifier, scalar,
};
use serde::Deserialize;
use serde_json::Value;

use crate::{GatewayApi, errors};

/// What is read of a notification.
#[derive(Deserialize)]
struct Notification {
    id: Value,
    status: String,
    #[serde(default)]
    time: Value,
    #[serde(default)]
    error: Option<String>,
    #[serde(default)]
    code: Option<String>,
}

impl DeliveryReports for GatewayApi {
    fn parse(
        callback: &Callback,
        config: &Config<'_>,
        verifier: &mut impl Verifier,
    ) -> Result<Vec<Report>, CallbackError> {
        let notification: Notification = match config.secret("webhookSecret") {
            Some(secret) => {
                let token = callback.sealed_header("x-gwapi-signature").ok_or(CallbackError::NotAuthentic)?;
                let claims = verifier.jwt(token, &secret).ok_or(CallbackError::NotAuthentic)?;
                serde_json::from_str(&claims)
            }
            None => serde_json::from_str(&callback.body),
        }
        .map_err(|_| CallbackError::Malformed)?;
        let id = scalar(&notification.id).ok_or(CallbackError::Malformed)?;
        let state = state(&notification.status);
        let failed = state.is_failure();
        let code = notification.code.filter(|code| !code.is_empty());
        let class = code.as_deref().and_then(errors::parse).and_then(errors::class_of);
        Ok(vec![Report {
            message_id: id,
            state,
            class: failed.then(|| class.unwrap_or(FailureClass::Unknown)),
            provider_code: code,
            text: notification.error,
            at: scalar(&notification.time),
        }])
    }
}

/// The state of a GatewayAPI status. `ACCEPTED` comes from the network, not from the phone.
fn state(status: &str) -> State {
    match status {
        "SCHEDULED" | "BUFFERED" => State::Queued,
        "ENROUTE" | "ACCEPTED" => State::Sent,
        "DELIVERED" => State::Delivered,
        "UNDELIVERABLE" => State::Undelivered,
        "EXPIRED" => State::Expired,
        "REJECTED" | "DELETED" | "SKIPPED" => State::Rejected,
        _ => State::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sendbox_connector_sdk::testing::{Harness, Incoming};
    use serde_json::json;

    const URL: &str = "https://us.example/reports/7";
    /// The example in GatewayAPI's documentation, signed with `secret`: id 2381703, time 1522764062, DELIVERED.
    const PUBLISHED: [&str; 3] = [
        "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9",
        "eyJpZCI6MjM4MTcwMywibXNpc2RuIjo0NTQyNjA5MDQ1LCJ0aW1lIjoxNTIyNzY0MDYyLCJzdGF0dXMiOiJERUxJVkVSRUQiLCJlcnJvciI6\
         bnVsbCwiY29kZSI6bnVsbCwidXNlcnJlZiI6bnVsbCwiY2FsbGJhY2tfdXJsIjoiaHR0cDovL2JiYWY3MTQyLm5ncm9rLmlvIiwiYXBpIjo0fQ",
        "KdfDH65bnQtgxEkFnpAQodOciAJedZFB13r9wEo8t3Y",
    ];

    fn unsigned(body: &str) -> Result<Vec<Report>, CallbackError> {
        Harness::<GatewayApi>::new(json!({})).parse(&Incoming::body(URL, body))
    }

    fn signed(secret: &str, token: &str) -> Result<Vec<Report>, CallbackError> {
        let forged = Incoming::body(URL, r#"{"id":1,"status":"REJECTED"}"#);
        let incoming = if token.is_empty() { forged } else { forged.header("X-Gwapi-Signature", token) };
        Harness::<GatewayApi>::new(json!({ "webhookSecret": secret })).parse(&incoming)
    }

    #[test]
    fn the_published_token_is_accepted_and_its_payload_is_what_counts() {
        let want = Report {
            message_id: "2381703".into(),
            state: State::Delivered,
            class: None,
            provider_code: None,
            text: None,
            at: Some("1522764062".into()),
        };
        assert_eq!(signed("secret", &PUBLISHED.join(".")), Ok(vec![want]));
    }

    #[test]
    fn any_other_token_is_not_authentic() {
        let [header, payload, signature] = PUBLISHED;
        let changed = payload.replacen("eyJpZCI6Mj", "eyJpZCI6Mz", 1);
        // {"typ":"JWT","alg":"none"} and {"typ":"JWT","alg":"HS512"}
        let none = "eyJ0eXAiOiJKV1QiLCJhbGciOiJub25lIn0";
        let sha512 = "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzUxMiJ9";
        for (secret, token) in [
            ("wrong", PUBLISHED.join(".")),
            ("secret", [header, changed.as_str(), signature].join(".")),
            ("secret", [none, payload, signature].join(".")),
            ("secret", [none, payload, ""].join(".")),
            ("secret", [sha512, payload, signature].join(".")),
            ("secret", [header, payload].join(".")),
            ("secret", format!("{}.x", PUBLISHED.join("."))),
            ("secret", "not_valid".to_owned()),
            ("secret", String::new()),
        ] {
            assert_eq!(signed(secret, &token), Err(CallbackError::NotAuthentic), "{token}");
        }
    }

    #[test]
    fn statuses_become_states() {
        for (status, code, state, class) in [
            ("SCHEDULED", "", State::Queued, None),
            ("BUFFERED", "", State::Queued, None),
            ("ENROUTE", "", State::Sent, None),
            ("ACCEPTED", "", State::Sent, None),
            ("DELIVERED", "", State::Delivered, None),
            ("EXPIRED", "0x1013", State::Expired, None),
            ("UNDELIVERABLE", "0x1010", State::Undelivered, Some(FailureClass::InvalidRecipient)),
            ("UNDELIVERABLE", "0x1019", State::Undelivered, Some(FailureClass::Unknown)),
            ("UNDELIVERABLE", "", State::Undelivered, Some(FailureClass::Unknown)),
            ("REJECTED", "0x1035", State::Rejected, Some(FailureClass::ContentRejected)),
            ("REJECTED", "0xFFFF", State::Rejected, Some(FailureClass::Unknown)),
            ("DELETED", "", State::Rejected, Some(FailureClass::Unknown)),
            ("SKIPPED", "", State::Rejected, Some(FailureClass::Unknown)),
            ("UNKNOWN", "", State::Unknown, None),
            ("NEWWORD", "", State::Unknown, None),
        ] {
            let body = json!({ "id": 1000001, "msisdn": 1000002, "time": 1450000000, "status": status, "code": code, "error": "why" });
            let want = Report {
                message_id: "1000001".into(),
                state,
                class,
                provider_code: (!code.is_empty()).then(|| code.to_owned()),
                text: Some("why".into()),
                at: Some("1450000000".into()),
            };
            assert_eq!(unsigned(&body.to_string()), Ok(vec![want]), "{status} {code}");
        }
    }

    #[test]
    fn what_is_no_report_is_malformed() {
        for body in [
            "",
            "{}",
            "[]",
            r#"{"id":1}"#,
            r#"{"status":"DELIVERED"}"#,
            r#"{"id":null,"status":"DELIVERED"}"#,
            // An incoming message.
            r#"{"id":1,"msisdn":2,"receiver":451204,"message":"foo","senttime":1}"#,
        ] {
            assert_eq!(unsigned(body), Err(CallbackError::Malformed), "{body}");
        }
    }
}
