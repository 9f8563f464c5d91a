//! The request to GatewayAPI: `POST {endpoint}`, or to GatewayAPI's own URL if no endpoint is set.
//!
//! With the parameters of Logto's connector and a text in the GSM alphabet, the request is the same, member by member. Any other
//! text is sent with `encoding: UCS2`, without which GatewayAPI corrupts it. Other members follow, each only if its parameter is
//! set.

use sendbox_connector_sdk::{Config, Failure, FailureClass, Json, Message, Request, TextEncoding, basic_auth};

/// Maximum segments of a message (3GPP TS 23.040; `max_parts` in GatewayAPI's documentation).
const MAX_SEGMENTS: u32 = 255;

/// Minimum validity period, in seconds. GatewayAPI raises shorter ones to it.
const MIN_VALIDITY: u32 = 60;

/// GatewayAPI's own URL. It is not the default of a parameter: the host of a request is in the metadata, or the tenant enters it.
pub(crate) const ORIGIN: &str = "https://gatewayapi.com";
pub(crate) const PATH: &str = "/rest/mtsms";

/// Builds the request of a message.
pub(crate) fn build(message: &Message, config: &Config<'_>) -> Result<Request, Failure> {
    let content = message.text()?;
    if content.units == 0 {
        return Err(Failure::new(FailureClass::ContentRejected).text("the text is empty"));
    }
    if content.segments > MAX_SEGMENTS {
        let text = format!("the text has {} segments; GatewayAPI accepts {MAX_SEGMENTS}", content.segments);
        return Err(Failure::new(FailureClass::ContentRejected).text(text));
    }
    let recipient = Json::object([("msisdn", Json::from(&message.recipient.digits))]);
    let mut members = vec![
        ("sender", Json::from(config.required("sender")?)),
        ("message", Json::from(&content.text)),
        ("recipients", Json::array([recipient])),
    ];
    if content.encoding == TextEncoding::Ucs2 {
        members.push(("encoding", Json::from("UCS2")));
    }
    members.extend(config.text("messageClass").map(|class| ("class", Json::from(class))));
    members.extend(config.text("priority").map(|priority| ("priority", Json::from(priority))));
    members.extend(validity(message, config)?.map(|seconds| ("validity_period", Json::from(seconds))));
    members.extend(config.text("callbackUrl").map(|url| ("callback_url", Json::from(url))));

    let endpoint = config.text("endpoint").filter(|endpoint| !endpoint.is_empty());
    Ok(Request::post(endpoint.unwrap_or_else(|| format!("{ORIGIN}{PATH}")))
        .header("Authorization", basic_auth(config.required_secret("apiToken")?, ""))
        .header("Content-Type", "application/json")
        .body(Json::object(members).to_parts()))
}

fn validity(message: &Message, config: &Config<'_>) -> Result<Option<i64>, Failure> {
    match config.text("validityPeriod").as_deref() {
        None => Ok(None),
        Some("lifetime") => Ok(Some(message.lifetime_seconds.max(MIN_VALIDITY).into())),
        Some(_) => config.integer("validityPeriod"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::GatewayApi;
    use sendbox_connector_sdk::testing::{Harness, merge_patch, metadata_problems};
    use serde_json::{Value, json};

    fn harness(more: Value) -> Harness<GatewayApi> {
        let all = json!({ "apiToken": "to:ken", "sender": "My Shop" });
        Harness::new(merge_patch(all, more)).to("+4512345678", "45")
    }

    const BODY: &str = r#"{"sender":"My Shop","message":"xx","recipients":[{"msisdn":"4512345678"}]"#;

    #[test]
    fn with_logtos_parameters_it_is_logtos_request() {
        let request = harness(json!({})).text("Your code: 123456 \"~*+\"\n").request();
        assert_eq!((request.method.as_str(), request.url.as_str()), ("POST", "https://gatewayapi.com/rest/mtsms"));
        // printf 'to:ken:' | base64
        let headers = [("Authorization", "Basic dG86a2VuOg=="), ("Content-Type", "application/json")];
        assert_eq!(request.headers, headers.map(|(name, value)| (name.to_owned(), value.to_owned())));
        assert_eq!(
            request.body,
            r#"{"sender":"My Shop","message":"Your code: 123456 \"~*+\"\n","recipients":[{"msisdn":"4512345678"}]}"#
        );
    }

    #[test]
    fn a_text_outside_the_gsm_alphabet_asks_for_ucs2() {
        assert_eq!(
            harness(json!({})).text("验证码 123456 😀").request().body,
            r#"{"sender":"My Shop","message":"验证码 123456 😀","recipients":[{"msisdn":"4512345678"}],"encoding":"UCS2"}"#
        );
    }

    #[test]
    fn every_other_parameter_adds_its_member_after_logtos() {
        for (more, want) in [
            (json!({ "messageClass": "premium" }), r#""class":"premium""#),
            (json!({ "priority": "VERY_URGENT" }), r#""priority":"VERY_URGENT""#),
            (json!({ "validityPeriod": 120 }), r#""validity_period":120"#),
            (json!({ "validityPeriod": "lifetime" }), r#""validity_period":300"#),
            (json!({ "callbackUrl": "https://a.example/r?x=1" }), r#""callback_url":"https://a.example/r?x=1""#),
        ] {
            let body = harness(more).text("xx").lifetime_seconds(300).request().body;
            assert_eq!(body, format!("{BODY},{want}}}"));
        }
        let short = harness(json!({ "validityPeriod": "lifetime" })).text("xx").lifetime_seconds(1).request().body;
        assert_eq!(short, format!(r#"{BODY},"validity_period":60}}"#));
    }

    #[test]
    fn the_endpoint_is_that_of_the_tenant() {
        for endpoint in ["https://gatewayapi.eu/rest/mtsms", "https://proxy.example:8443/gw?tenant=7"] {
            assert_eq!(harness(json!({ "endpoint": endpoint })).text("xx").request().url, endpoint);
        }
    }

    #[test]
    fn an_unsendable_message_is_refused_before_sending() {
        for (harness, want) in [
            (harness(json!({})).text(""), FailureClass::ContentRejected),
            (harness(json!({})).text(&"x".repeat(255 * 153 + 1)), FailureClass::ContentRejected),
            (harness(json!({})).variables([("code", "123456")]), FailureClass::InvalidRequest),
            (Harness::new(json!({ "sender": "x" })).text("xx"), FailureClass::ConfigurationInvalid),
            (Harness::new(json!({ "apiToken": "x" })).text("xx"), FailureClass::ConfigurationInvalid),
        ] {
            let run = harness.send([]);
            assert!(run.requests.is_empty());
            assert_eq!(run.result.unwrap_err().class, want);
        }
        assert_eq!(harness(json!({})).text(&"x".repeat(255 * 153)).send([]).requests.len(), 1);
    }

    #[test]
    fn the_metadata_is_sound() {
        assert_eq!(metadata_problems::<GatewayApi>(), Vec::<String>::new());
    }
}
