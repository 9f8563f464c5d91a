//! The request to the endpoint: `{"to", "type", "payload", "ip"?}`, the same as from Logto's HTTP SMS connector.
//!
//! `to` is digits only, `type` is Logto's name of the usage, and `payload` has `code`, then `locale`, then the other variables in
//! their order. With a webhook secret, the request is signed by Standard Webhooks
//! (<https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>).

use sendbox_connector_sdk::{Config, Encoding, Failure, Hash, Json, Message, Request, Usage, Variable, parts};

/// Builds the request of a message.
pub(crate) fn build(message: &Message, config: &Config<'_>) -> Result<Request, Failure> {
    let mut members = vec![
        ("to", Json::from(&message.recipient.digits)),
        ("type", Json::from(logto_type(message.usage))),
        ("payload", payload(message.variables()?, message.locale.as_deref())),
    ];
    members.extend(message.client_ip.as_ref().map(|address| ("ip", Json::from(address))));
    let body = Json::object(members).to_parts();

    let mut request = Request::post(config.required("endpoint")?);
    if let Some(authorization) = config.secret("authorization") {
        request = request.header("Authorization", authorization);
    }
    request = request.header("Content-Type", "application/json");
    if let Some(secret) = config.secret("webhookSecret") {
        let id = &message.message_key;
        let timestamp = (message.attempt.started_at / 1000).to_string();
        let signature = parts![id, ".", &timestamp, ".", &body]
            .seal()
            .hmac(Hash::Sha256, &secret.decode(Encoding::Base64))
            .encode(Encoding::Base64);
        request = request
            .header("webhook-id", id)
            .header("webhook-timestamp", timestamp)
            .header("webhook-signature", parts!["v1,", signature]);
    }
    Ok(request.body(body))
}

/// The variables, with `code` and the locale first, as in Logto. A variable named `locale` replaces the locale.
fn payload(variables: &[Variable], locale: Option<&str>) -> Json {
    let (code, others): (Vec<&Variable>, Vec<&Variable>) = variables.iter().partition(|one| one.name == "code");
    let member = |one: &Variable| (one.name.clone(), Json::from(&one.value));
    let locale = locale.filter(|_| !variables.iter().any(|one| one.name == "locale"));
    let members = code
        .into_iter()
        .map(member)
        .chain(locale.map(|locale| ("locale".to_owned(), Json::from(locale))))
        .chain(others.into_iter().map(member));
    Json::object(members)
}

/// Logto's name of a usage (its `TemplateType`).
fn logto_type(usage: Usage) -> &'static str {
    match usage {
        Usage::Register => "Register",
        Usage::SignIn => "SignIn",
        Usage::ForgotPassword => "ForgotPassword",
        Usage::Generic => "Generic",
        Usage::OrganizationInvitation => "OrganizationInvitation",
        Usage::UserPermissionValidation => "UserPermissionValidation",
        Usage::BindNewIdentifier => "BindNewIdentifier",
        Usage::MfaVerification => "MfaVerification",
        Usage::BindMfa => "BindMfa",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::HttpSms;
    use sendbox_connector_sdk::testing::{Harness, metadata_problems};
    use serde_json::json;

    const ENDPOINT: &str = "https://sms.example.com/send?tenant=7";

    #[test]
    fn the_request_equals_logtos() {
        let harness = Harness::<HttpSms>::new(json!({ "endpoint": ENDPOINT, "authorization": "Bearer a b" }))
            .to("+4512345678", "45")
            .variables([("code", "123456")])
            .locale("da");
        let request = harness.request();
        assert_eq!((request.method.as_str(), request.url.as_str()), ("POST", ENDPOINT));
        let headers = [("Authorization", "Bearer a b"), ("Content-Type", "application/json")];
        assert_eq!(request.headers, headers.map(|(name, value)| (name.to_owned(), value.to_owned())));
        assert_eq!(request.body, r#"{"to":"4512345678","type":"SignIn","payload":{"code":"123456","locale":"da"}}"#);
    }

    #[test]
    fn what_is_not_set_is_not_sent() {
        let harness = Harness::<HttpSms>::new(json!({ "endpoint": ENDPOINT })).variables([("code", "1")]);
        let request = harness.request();
        assert_eq!(request.headers, [("Content-Type".to_owned(), "application/json".to_owned())]);
        assert_eq!(request.body, r#"{"to":"4512345678","type":"SignIn","payload":{"code":"1"}}"#);
    }

    #[test]
    fn payload_and_ip() {
        let harness = || Harness::<HttpSms>::new(json!({ "endpoint": ENDPOINT }));
        let cases = [
            (
                harness().variables([("link", "https://a.example/\"x\""), ("code", "123456")]).locale("da"),
                r#"{"to":"4512345678","type":"SignIn","payload":{"code":"123456","locale":"da","link":"https://a.example/\"x\""}}"#,
            ),
            (
                harness().variables([("code", "1"), ("locale", "fr")]).locale("da"),
                r#"{"to":"4512345678","type":"SignIn","payload":{"code":"1","locale":"fr"}}"#,
            ),
            (
                harness().variables([]).client_ip("2001:db8::1").usage(Usage::BindMfa),
                r#"{"to":"4512345678","type":"BindMfa","payload":{},"ip":"2001:db8::1"}"#,
            ),
        ];
        for (harness, want) in cases {
            assert_eq!(harness.request().body, want);
        }
    }

    #[test]
    fn every_usage_has_logtos_name() {
        let types: Vec<&str> = Usage::ALL.into_iter().map(logto_type).collect();
        assert_eq!(
            types,
            [
                "Register",
                "SignIn",
                "ForgotPassword",
                "Generic",
                "OrganizationInvitation",
                "UserPermissionValidation",
                "BindNewIdentifier",
                "MfaVerification",
                "BindMfa"
            ]
        );
    }

    /// The expected value was computed with Python's `hmac` and `base64`.
    #[test]
    fn the_signature_is_standard_webhooks() {
        let harness = Harness::<HttpSms>::new(json!({
            "endpoint": ENDPOINT,
            "webhookSecret": "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
        }))
        .variables([("code", "123456")])
        .message_key("msg_1")
        .started_at(1_700_000_000_999);
        let request = harness.request();
        assert_eq!(request.header("webhook-id"), Some("msg_1"));
        assert_eq!(request.header("webhook-timestamp"), Some("1700000000"));
        assert_eq!(request.header("webhook-signature"), Some("v1,OZj780kmj4HSdP9XK07LZ34RNd1tMQElIU/D4ftBtuI="));
    }

    /// The schema refuses such a secret; the host would end the send.
    #[test]
    #[should_panic(expected = "not in the encoding")]
    fn with_a_secret_that_is_not_base64_nothing_is_sent() {
        let harness = Harness::<HttpSms>::new(json!({ "endpoint": ENDPOINT, "webhookSecret": "whsec_MDEy" }));
        drop(harness.variables([("code", "1")]).send([]));
    }

    #[test]
    fn the_metadata_is_sound() {
        assert_eq!(metadata_problems::<HttpSms>(), Vec::<String>::new());
    }
}
