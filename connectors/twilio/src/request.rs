//! The request to Twilio: `POST …/Accounts/{accountSID}/Messages.json`.
//!
//! With the parameters of Logto's connector, the request is the same, field by field. Other fields follow, each only if its
//! parameter is set.

use sendbox_connector_sdk::{Config, Failure, FailureClass, Message, Parts, Request, basic_auth, form, parts, percent};

/// Maximum length of a text, in septets or UTF-16 code units. Twilio refuses longer ones (error 21617).
const MAX_UNITS: u32 = 1600;

/// Maximum validity period, in seconds.
const MAX_VALIDITY: u32 = 36_000;

/// Builds the request of a message.
pub(crate) fn build(message: &Message, config: &Config<'_>) -> Result<Request, Failure> {
    let content = message.text()?;
    if content.units > MAX_UNITS {
        let text = format!("the text has {} units; Twilio accepts {MAX_UNITS}", content.units);
        return Err(Failure::new(FailureClass::ContentRejected).text(text));
    }
    let account = config.required("accountSID")?;
    let service = config.text("fromMessagingServiceSID");
    let sender = config.text("from");
    if service.is_none() && sender.is_none() {
        return Err(Failure::configuration("set `fromMessagingServiceSID` or `from`"));
    }
    let risk_check = if config.flag("disableRiskCheck")?.unwrap_or(false) { "disable" } else { "enable" };

    let mut fields = vec![("To", Parts::from(&message.recipient.e164))];
    fields.extend(service.map(|service| ("MessagingServiceSid", service.into())));
    fields.push(("Body", Parts::from(&content.text)));
    fields.push(("RiskCheck", risk_check.into()));
    fields.extend(sender.map(|sender| ("From", sender.into())));
    fields.extend(config.text("statusCallback").map(|url| ("StatusCallback", url.into())));
    fields.extend(validity(message, config)?.map(|seconds| ("ValidityPeriod", seconds.into())));

    let url = parts![host(config)?, crate::PATH_PREFIX, percent(&account), "/Messages.json"];
    Ok(Request::post(url)
        .header("Authorization", credentials(account, config)?)
        .header("Content-Type", "application/x-www-form-urlencoded")
        .body(form(fields)))
}

/// The API key if there is one, else the account's SID and auth token.
fn credentials(account: String, config: &Config<'_>) -> Result<Parts, Failure> {
    match config.text("apiKeySid") {
        Some(key) => Ok(basic_auth(key, config.required_secret("apiKeySecret")?)),
        None => Ok(basic_auth(account, config.required_secret("authToken")?)),
    }
}

/// The origin: `https://api.twilio.com`, or that of an edge and a region. An edge alone means region `us1`; since April 2026,
/// Twilio has no host for a region alone.
fn host(config: &Config<'_>) -> Result<String, Failure> {
    match (config.text("edge"), config.text("region")) {
        (Some(edge), region) => Ok(format!("https://api.{edge}.{}.twilio.com", region.as_deref().unwrap_or("us1"))),
        (None, None) => Ok("https://api.twilio.com".to_owned()),
        (None, Some(region)) if region == "us1" => Ok("https://api.twilio.com".to_owned()),
        (None, Some(region)) => {
            Err(Failure::configuration(format!("region `{region}` needs an `edge`, for instance `dublin` for `ie1`")))
        }
    }
}

fn validity(message: &Message, config: &Config<'_>) -> Result<Option<String>, Failure> {
    match config.text("validityPeriod").as_deref() {
        None => Ok(None),
        Some("lifetime") => Ok(Some(message.lifetime_seconds.clamp(1, MAX_VALIDITY).to_string())),
        Some(_) => Ok(config.integer("validityPeriod")?.map(|seconds| seconds.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Twilio;
    use sendbox_connector_sdk::testing::{Harness, merge_patch};
    use serde_json::{Value, json};

    const SID: &str = "AC0123456789abcdef0123456789abcdef";

    fn parameters(more: Value) -> Value {
        merge_patch(json!({ "accountSID": SID, "authToken": "tok:en" }), more)
    }

    fn service(more: Value) -> Value {
        merge_patch(parameters(json!({ "fromMessagingServiceSID": "MG0123456789abcdef0123456789abcdef" })), more)
    }

    #[test]
    fn with_logtos_parameters_it_is_logtos_request() {
        let harness = Harness::<Twilio>::new(service(json!({}))).to("+4512345678", "45").text("Din kode: 123456 ~*ø");
        let request = harness.request();
        assert_eq!(request.method, "POST");
        assert_eq!(request.url, format!("https://api.twilio.com/2010-04-01/Accounts/{SID}/Messages.json"));
        assert_eq!(
            request.headers,
            [
                // echo -n 'AC0123456789abcdef0123456789abcdef:tok:en' | base64
                (
                    "Authorization".to_owned(),
                    "Basic QUMwMTIzNDU2Nzg5YWJjZGVmMDEyMzQ1Njc4OWFiY2RlZjp0b2s6ZW4=".to_owned()
                ),
                ("Content-Type".to_owned(), "application/x-www-form-urlencoded".to_owned()),
            ]
        );
        assert_eq!(
            request.body,
            "To=%2B4512345678&MessagingServiceSid=MG0123456789abcdef0123456789abcdef\
             &Body=Din+kode%3A+123456+%7E*%C3%B8&RiskCheck=enable"
        );
    }

    #[test]
    fn an_api_key_replaces_the_auth_token() {
        let key = json!({ "apiKeySid": "SK0123456789abcdef0123456789abcdef", "apiKeySecret": "key:secret" });
        let with_token = Harness::<Twilio>::new(service(key.clone())).text("x").request();
        // printf 'SK0123456789abcdef0123456789abcdef:key:secret' | base64 -w0
        let want = "Basic U0swMTIzNDU2Nzg5YWJjZGVmMDEyMzQ1Njc4OWFiY2RlZjprZXk6c2VjcmV0";
        assert_eq!(with_token.header("authorization"), Some(want));
        assert_eq!(with_token.url, format!("https://api.twilio.com/2010-04-01/Accounts/{SID}/Messages.json"));

        let without_token = merge_patch(service(key.clone()), json!({ "authToken": null }));
        assert_eq!(Harness::<Twilio>::new(without_token).text("x").request(), with_token);

        for missing in ["apiKeySecret", "apiKeySid"] {
            let incomplete = merge_patch(service(key.clone()), json!({ "authToken": null, missing: null }));
            let run = Harness::<Twilio>::new(incomplete).text("x").send([]);
            assert!(run.requests.is_empty());
            assert_eq!(run.result.unwrap_err().class, FailureClass::ConfigurationInvalid, "{missing}");
        }
    }

    #[test]
    fn every_other_parameter_adds_its_field_after_logtos() {
        let body = |parameters: Value| {
            Harness::<Twilio>::new(parameters).to("+4512345678", "45").text("x").lifetime_seconds(600).request().body
        };
        let service_fields = "To=%2B4512345678&MessagingServiceSid=MG0123456789abcdef0123456789abcdef&Body=x";
        let cases = [
            (service(json!({ "disableRiskCheck": true })), format!("{service_fields}&RiskCheck=disable")),
            (
                parameters(json!({ "from": "+14155550100" })),
                "To=%2B4512345678&Body=x&RiskCheck=enable&From=%2B14155550100".to_owned(),
            ),
            (
                parameters(json!({ "from": "My Shop" })),
                "To=%2B4512345678&Body=x&RiskCheck=enable&From=My+Shop".to_owned(),
            ),
            (
                service(json!({ "from": "12345", "statusCallback": "https://a.example/r?x=1" })),
                format!(
                    "{service_fields}&RiskCheck=enable&From=12345&StatusCallback=https%3A%2F%2Fa.example%2Fr%3Fx%3D1"
                ),
            ),
            (
                service(json!({ "validityPeriod": 120 })),
                format!("{service_fields}&RiskCheck=enable&ValidityPeriod=120"),
            ),
            (
                service(json!({ "validityPeriod": "lifetime" })),
                format!("{service_fields}&RiskCheck=enable&ValidityPeriod=600"),
            ),
        ];
        for (parameters, want) in cases {
            assert_eq!(body(parameters), want);
        }
    }

    #[test]
    fn a_lifetime_outside_twilios_range_is_brought_into_it() {
        for (lifetime, want) in [(0, "1"), (36_001, "36000")] {
            let harness = Harness::<Twilio>::new(service(json!({ "validityPeriod": "lifetime" }))).text("x");
            let body = harness.lifetime_seconds(lifetime).request().body;
            assert!(body.ends_with(&format!("&ValidityPeriod={want}")), "{body}");
        }
    }

    #[test]
    fn edge_and_region_choose_the_host() {
        for (more, want) in [
            (json!({}), Some("https://api.twilio.com")),
            (json!({ "region": "us1" }), Some("https://api.twilio.com")),
            (json!({ "edge": "sydney" }), Some("https://api.sydney.us1.twilio.com")),
            (json!({ "edge": "dublin", "region": "ie1" }), Some("https://api.dublin.ie1.twilio.com")),
            (json!({ "region": "ie1" }), None),
        ] {
            let run = Harness::<Twilio>::new(service(more.clone())).text("x").send([]);
            match want {
                Some(host) => {
                    let url = format!("{host}/2010-04-01/Accounts/{SID}/Messages.json");
                    assert_eq!(run.requests.first().map(|request| &request.url), Some(&url), "{more}");
                }
                None => {
                    assert!(run.requests.is_empty());
                    assert_eq!(run.result.unwrap_err().class, FailureClass::ConfigurationInvalid);
                }
            }
        }
    }

    #[test]
    fn an_unsendable_message_is_refused_before_sending() {
        let long = Harness::<Twilio>::new(service(json!({}))).text(&"x".repeat(1601)).send([]);
        let no_sender = Harness::<Twilio>::new(parameters(json!({}))).text("x").send([]);
        let no_text = Harness::<Twilio>::new(service(json!({}))).variables([("code", "123456")]).send([]);
        for (run, want) in [
            (long, FailureClass::ContentRejected),
            (no_sender, FailureClass::ConfigurationInvalid),
            (no_text, FailureClass::InvalidRequest),
        ] {
            assert!(run.requests.is_empty());
            assert_eq!(run.result.unwrap_err().class, want);
        }
        assert_eq!(Harness::<Twilio>::new(service(json!({}))).text(&"x".repeat(1600)).send([]).requests.len(), 1);
    }

    #[test]
    fn an_account_stays_one_path_segment() {
        let mut evil = service(json!({}));
        evil["accountSID"] = "../../x?y=".into();
        let url = Harness::<Twilio>::new(evil).text("x").request().url;
        assert_eq!(url, "https://api.twilio.com/2010-04-01/Accounts/..%2F..%2Fx%3Fy%3D/Messages.json");
    }

    #[test]
    fn the_metadata_is_sound() {
        assert_eq!(sendbox_connector_sdk::testing::metadata_problems::<Twilio>(), Vec::<String>::new());
    }
}
