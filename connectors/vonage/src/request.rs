//! The request to Vonage: `POST https://rest.nexmo.com/sms/json`.
//!
//! With the parameters of Logto's connector and a text in the GSM alphabet, the request is the same, member by member. Any other
//! text is sent with `type: unicode`, without which Vonage loses characters. Other members follow, each only if its parameter
//! is set.

use sendbox_connector_sdk::{Config, Failure, FailureClass, Json, Message, Request, TextEncoding, basic_auth, parts};

/// Maximum length of a text, in septets or UTF-16 code units. Vonage refuses longer ones with status 12. The number is from its
/// support pages; the reference has none.
const MAX_UNITS: u32 = 3200;

/// Minimum `ttl` by Vonage's reference, in milliseconds.
const MIN_TTL: i64 = 20_000;

/// Maximum `ttl` for a code's lifetime, in milliseconds: longer than any code is valid, and with too few digits for a phone
/// number, which the host would refuse.
const MAX_LIFETIME_TTL: i64 = 999_000;

/// Builds the request of a message.
pub(crate) fn build(message: &Message, config: &Config<'_>) -> Result<Request, Failure> {
    let content = message.text()?;
    if content.units == 0 {
        return Err(Failure::new(FailureClass::ContentRejected).text("the text is empty"));
    }
    if content.units > MAX_UNITS {
        let text = format!("the text has {} units; Vonage accepts {MAX_UNITS}", content.units);
        return Err(Failure::new(FailureClass::ContentRejected).text(text));
    }
    let mut members = vec![
        ("from", Json::from(config.required("brandName")?)),
        ("to", Json::from(&message.recipient.digits)),
        ("text", Json::from(&content.text)),
    ];
    if content.encoding == TextEncoding::Ucs2 {
        members.push(("type", Json::from("unicode")));
    }
    members.extend(ttl(message, config)?.map(|milliseconds| ("ttl", Json::from(milliseconds))));
    members.extend(config.text("callbackUrl").map(|url| ("callback", Json::from(url))));

    let credentials = basic_auth(config.required_secret("apiKey")?, config.required_secret("apiSecret")?);
    Ok(Request::post(parts![crate::ORIGIN, crate::PATH])
        .header("Authorization", credentials)
        .header("Content-Type", "application/json")
        .body(Json::object(members).to_parts()))
}

fn ttl(message: &Message, config: &Config<'_>) -> Result<Option<i64>, Failure> {
    match config.text("ttl").as_deref() {
        None => Ok(None),
        Some("lifetime") => Ok(Some((i64::from(message.lifetime_seconds) * 1000).clamp(MIN_TTL, MAX_LIFETIME_TTL))),
        Some(_) => config.integer("ttl"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Vonage;
    use sendbox_connector_sdk::testing::{Harness, merge_patch, metadata_problems};
    use serde_json::{Value, json};

    fn harness(more: Value) -> Harness<Vonage> {
        let all = json!({ "apiKey": "key", "apiSecret": "sec:ret", "brandName": "My Shop" });
        Harness::new(merge_patch(all, more)).to("+4512345678", "45")
    }

    #[test]
    fn with_logtos_parameters_it_is_logtos_request() {
        let request = harness(json!({})).text("Your code: 123456 \"~*+\"\n").request();
        assert_eq!((request.method.as_str(), request.url.as_str()), ("POST", "https://rest.nexmo.com/sms/json"));
        // printf 'key:sec:ret' | base64
        let headers = [("Authorization", "Basic a2V5OnNlYzpyZXQ="), ("Content-Type", "application/json")];
        assert_eq!(request.headers, headers.map(|(name, value)| (name.to_owned(), value.to_owned())));
        assert_eq!(request.body, r#"{"from":"My Shop","to":"4512345678","text":"Your code: 123456 \"~*+\"\n"}"#);
    }

    #[test]
    fn a_text_outside_the_gsm_alphabet_is_unicode() {
        assert_eq!(
            harness(json!({})).text("Код 123456 😀").request().body,
            r#"{"from":"My Shop","to":"4512345678","text":"Код 123456 😀","type":"unicode"}"#
        );
    }

    #[test]
    fn every_other_parameter_adds_its_member_after_logtos() {
        for (more, lifetime, want) in [
            (json!({ "ttl": 604_800_000 }), 600, r#""ttl":604800000"#),
            (json!({ "ttl": "lifetime" }), 600, r#""ttl":600000"#),
            (json!({ "ttl": "lifetime" }), 1, r#""ttl":20000"#),
            (json!({ "ttl": "lifetime" }), 3600, r#""ttl":999000"#),
            (json!({ "callbackUrl": "https://a.example/r?x=1" }), 600, r#""callback":"https://a.example/r?x=1""#),
        ] {
            let body = harness(more).text("xx").lifetime_seconds(lifetime).request().body;
            assert_eq!(body, format!(r#"{{"from":"My Shop","to":"4512345678","text":"xx",{want}}}"#));
        }
    }

    #[test]
    fn an_unsendable_message_is_refused_before_sending() {
        for (harness, want) in [
            (harness(json!({})).text(""), FailureClass::ContentRejected),
            (harness(json!({})).text(&"x".repeat(3201)), FailureClass::ContentRejected),
            (harness(json!({})).variables([("code", "123456")]), FailureClass::InvalidRequest),
            (Harness::new(json!({ "apiKey": "k", "apiSecret": "s" })).text("xx"), FailureClass::ConfigurationInvalid),
            (Harness::new(json!({ "apiKey": "k", "brandName": "b" })).text("xx"), FailureClass::ConfigurationInvalid),
        ] {
            let run = harness.send([]);
            assert!(run.requests.is_empty());
            assert_eq!(run.result.unwrap_err().class, want);
        }
        assert_eq!(harness(json!({})).text(&"x".repeat(3200)).send([]).requests.len(), 1);
    }

    #[test]
    fn the_metadata_is_sound() {
        assert_eq!(metadata_problems::<Vonage>(), Vec::<String>::new());
    }
}
