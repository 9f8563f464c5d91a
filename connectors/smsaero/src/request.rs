//! The request to SMS Aero: `POST …/v2/sms/send`.
//!
//! With the parameters of Logto's connector, the request is the same, member by member. Other members follow, each only if its
//! parameter is set.

use sendbox_connector_sdk::{Config, Failure, FailureClass, Json, Message, Request, basic_auth, parts};

/// The length of a text, in septets or UTF-16 code units.
const UNITS: std::ops::RangeInclusive<u32> = 2..=640;

/// The server that Logto uses, and the first that SMS Aero's own clients try.
const DEFAULT_HOST: &str = "gate.smsaero.ru";

/// Builds the request of a message.
pub(crate) fn build(message: &Message, config: &Config<'_>) -> Result<Request, Failure> {
    let content = message.text()?;
    if !UNITS.contains(&content.units) {
        let text =
            format!("the text has {} units; SMS Aero accepts {} to {}", content.units, UNITS.start(), UNITS.end());
        return Err(Failure::new(FailureClass::ContentRejected).text(text));
    }
    let mut members = vec![
        ("number", Json::from(&message.recipient.digits)),
        ("sign", Json::from(config.required("senderName")?)),
        ("text", Json::from(&content.text)),
    ];
    if let Some(url) = config.text("callbackUrl") {
        members.push(("callbackUrl", Json::from(url)));
        members.push(("callbackFormat", Json::from("JSON")));
    }
    let host = config.text("host").unwrap_or_else(|| DEFAULT_HOST.to_owned());
    Ok(Request::post(parts!["https://", host, crate::PATH])
        .header("Authorization", basic_auth(config.required("email")?, config.required_secret("apiKey")?))
        .header("Content-Type", "application/json")
        .body(Json::object(members).to_parts()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SmsAero;
    use sendbox_connector_sdk::testing::{Harness, merge_patch, metadata_problems};
    use serde_json::{Value, json};

    fn parameters(more: Value) -> Value {
        merge_patch(json!({ "email": "me@example.com", "apiKey": "k:ey", "senderName": "SMS Aero" }), more)
    }

    fn harness(more: Value) -> Harness<SmsAero> {
        Harness::new(parameters(more)).to("+79031234567", "7")
    }

    #[test]
    fn with_logtos_parameters_it_is_logtos_request() {
        let request = harness(json!({})).text("Код: 123456 \"~*+\"\n😀").request();
        assert_eq!((request.method.as_str(), request.url.as_str()), ("POST", "https://gate.smsaero.ru/v2/sms/send"));
        // printf 'me@example.com:k:ey' | base64
        let headers = [("Authorization", "Basic bWVAZXhhbXBsZS5jb206azpleQ=="), ("Content-Type", "application/json")];
        assert_eq!(request.headers, headers.map(|(name, value)| (name.to_owned(), value.to_owned())));
        assert_eq!(request.body, r#"{"number":"79031234567","sign":"SMS Aero","text":"Код: 123456 \"~*+\"\n😀"}"#);
    }

    #[test]
    fn other_parameters_choose_the_server_and_add_members() {
        for (host, want) in [
            ("gate.smsaero.org", "https://gate.smsaero.org/v2/sms/send"),
            ("gate.smsaero.net", "https://gate.smsaero.net/v2/sms/send"),
        ] {
            assert_eq!(harness(json!({ "host": host })).text("xx").request().url, want);
        }
        let body = harness(json!({ "callbackUrl": "https://a.example/r?x=1" })).text("xx").request().body;
        assert_eq!(
            body,
            r#"{"number":"79031234567","sign":"SMS Aero","text":"xx","callbackUrl":"https://a.example/r?x=1","callbackFormat":"JSON"}"#
        );
    }

    #[test]
    fn an_unsendable_message_is_refused_before_sending() {
        for (harness, want) in [
            (harness(json!({})).text("x"), FailureClass::ContentRejected),
            (harness(json!({})).text(""), FailureClass::ContentRejected),
            (harness(json!({})).text(&"x".repeat(641)), FailureClass::ContentRejected),
            (harness(json!({})).text(&"ж".repeat(641)), FailureClass::ContentRejected),
            (harness(json!({})).variables([("code", "123456")]), FailureClass::InvalidRequest),
            (Harness::new(json!({})).text("xx"), FailureClass::ConfigurationInvalid),
        ] {
            let run = harness.send([]);
            assert!(run.requests.is_empty());
            assert_eq!(run.result.unwrap_err().class, want);
        }
        for text in ["xx".to_owned(), "x".repeat(640), "ж".repeat(640)] {
            assert_eq!(harness(json!({})).text(&text).send([]).requests.len(), 1);
        }
    }

    #[test]
    fn the_metadata_is_sound() {
        assert_eq!(metadata_problems::<SmsAero>(), Vec::<String>::new());
    }
}
