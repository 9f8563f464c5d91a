//! The request to the endpoint: `{"to", "type", "payload", "ip"?}`, the same as from Logto's HTTP SMS connector; or the number and
//! the code in a form or a query.
//!
//! `to` is digits only, `type` is Logto's name of the usage, and `payload` has `code`, then `locale`, then the other variables in
//! their order. A form and a query have the code, and no other variable. With a webhook secret, the request is signed by Standard
//! Webhooks (<https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>).

use sendbox_connector_sdk::{
    Config, Encoding, Failure, Hash, Json, Message, Method, Parts, Request, Usage, Variable, form, parts,
};

use crate::authentication;
use crate::extra::{self, Placeholders};

/// Builds the request of a message.
pub(crate) fn build(message: &Message, config: &Config<'_>) -> Result<Request, Failure> {
    let placeholders = Placeholders::new(message, logto_type(message.usage));
    let method = method(config)?;
    let (url, content_type, body) = match config.text("formEndpoint") {
        Some(_) if method == Method::Get => {
            return Err(Failure::configuration("a form cannot be sent with `method` GET; enter the URL as `endpoint`"));
        }
        Some(url) => {
            check_query(&url, &["to", "code", "ip"])?;
            (url.into(), Some("application/x-www-form-urlencoded"), form(pairs(message, config, &placeholders)?))
        }
        None => {
            let url = config.required("endpoint")?;
            check_query(&url, if method == Method::Get { &["to", "code", "ip"] } else { &["to", "payload", "ip"] })?;
            if method == Method::Get {
                (with_query(&url, form(pairs(message, config, &placeholders)?)), None, Parts::new())
            } else {
                (url.into(), Some("application/json"), json(message, config, &placeholders)?)
            }
        }
    };

    let mut headers = Vec::new();
    headers.extend(authentication::authorization(config)?.map(|value| ("Authorization".to_owned(), value)));
    headers.extend(content_type.map(|value| ("Content-Type".to_owned(), value.into())));
    headers.extend(authentication::api_key(config));
    for (name, value) in placeholders.headers(config)? {
        if headers.iter().any(|(other, _)| other.eq_ignore_ascii_case(&name)) {
            return Err(Failure::configuration(format!("`headers` has `{name}`, which has the API key")));
        }
        headers.push((name, value));
    }
    if let Some(secret) = config.secret("webhookSecret") {
        if method == Method::Get {
            return Err(Failure::configuration(
                "a request with `method` GET cannot be signed: the signature is of the body",
            ));
        }
        let id = &message.message_key;
        let timestamp = (message.attempt.started_at / 1000).to_string();
        let signature = parts![id, ".", &timestamp, ".", &body]
            .seal()
            .hmac(Hash::Sha256, &secret.decode(Encoding::Base64))
            .encode(Encoding::Base64);
        headers.push(("webhook-id".to_owned(), id.into()));
        headers.push(("webhook-timestamp".to_owned(), timestamp.into()));
        headers.push(("webhook-signature".to_owned(), parts!["v1,", signature]));
    }
    Ok(Request { method, url, headers, body })
}

fn method(config: &Config<'_>) -> Result<Method, Failure> {
    match config.text("method").as_deref() {
        None | Some("POST") => Ok(Method::Post),
        Some("PUT") => Ok(Method::Put),
        Some("PATCH") => Ok(Method::Patch),
        Some("GET") => Ok(Method::Get),
        Some(_) => Err(Failure::configuration("parameter `method` must be POST, PUT, PATCH or GET")),
    }
}

/// The body as JSON.
fn json(message: &Message, config: &Config<'_>, placeholders: &Placeholders<'_>) -> Result<Parts, Failure> {
    let mut members = vec![
        ("to".to_owned(), Json::from(&message.recipient.digits)),
        ("type".to_owned(), Json::from(logto_type(message.usage))),
        ("payload".to_owned(), payload(message.variables()?, message.locale.as_deref())),
    ];
    members.extend(message.client_ip.as_ref().map(|address| ("ip".to_owned(), Json::from(address))));
    members.extend(placeholders.members(config)?);
    Ok(Json::object(members).to_parts())
}

/// The fields of a form or a query.
fn pairs(
    message: &Message,
    config: &Config<'_>,
    placeholders: &Placeholders<'_>,
) -> Result<Vec<(String, Parts)>, Failure> {
    let mut pairs = vec![
        ("to".to_owned(), Parts::from(&message.recipient.digits)),
        ("type".to_owned(), logto_type(message.usage).into()),
        ("code".to_owned(), message.code()?.into()),
    ];
    pairs.extend(message.locale.as_deref().map(|locale| ("locale".to_owned(), locale.into())));
    pairs.extend(message.client_ip.as_ref().map(|address| ("ip".to_owned(), address.into())));
    pairs.extend(placeholders.pairs(config)?);
    Ok(pairs)
}

/// Checks that the URL's own query has none of the names at which the request has the message: a server that merges query and body
/// would use either of the two, so the host ends such a send.
fn check_query(url: &str, names: &[&str]) -> Result<(), Failure> {
    let query = url.split_once('?').map_or("", |(_, query)| query);
    let mut own = query.split('&').map(|pair| pair.split_once('=').map_or(pair, |(name, _)| name));
    match own.find(|name| extra::is_any_of(name, names)) {
        None => Ok(()),
        Some(name) => {
            Err(Failure::configuration(format!("the URL has `{name}` in its query, where Sendbox sends the message")))
        }
    }
}

/// The URL with more parameters at the end of its query.
fn with_query(url: &str, query: Parts) -> Parts {
    let separator = match url.split_once('?') {
        None => "?",
        Some((_, before)) if before.is_empty() || before.ends_with('&') => "",
        Some(_) => "&",
    };
    parts![url, separator, query]
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

    #[test]
    fn each_method_is_sent() {
        for method in ["POST", "PUT", "PATCH"] {
            let harness = Harness::<HttpSms>::new(json!({ "endpoint": ENDPOINT, "method": method }));
            let request = harness.variables([("code", "1")]).request();
            assert_eq!((request.method.as_str(), request.url.as_str()), (method, ENDPOINT));
            assert_eq!(request.body, r#"{"to":"4512345678","type":"SignIn","payload":{"code":"1"}}"#);
        }
    }

    #[test]
    fn with_get_everything_is_in_the_query() {
        for (endpoint, start) in [
            ("https://sms.example.com", "https://sms.example.com?"),
            ("https://sms.example.com/send?", "https://sms.example.com/send?"),
            ("https://sms.example.com/send?a=1", "https://sms.example.com/send?a=1&"),
            ("https://sms.example.com/send?a=1&", "https://sms.example.com/send?a=1&"),
        ] {
            let harness = Harness::<HttpSms>::new(json!({ "endpoint": endpoint, "method": "GET" }))
                .variables([("code", "1 2"), ("minutes", "10")])
                .locale("da")
                .client_ip("2001:db8::1");
            let request = harness.request();
            let query = "to=4512345678&type=SignIn&code=1+2&locale=da&ip=2001%3Adb8%3A%3A1";
            assert_eq!((request.method.as_str(), request.url), ("GET", format!("{start}{query}")));
            assert_eq!((request.headers, request.body.as_str()), (vec![], ""));
        }
    }

    #[test]
    fn a_form_is_signed_like_json() {
        let harness = Harness::<HttpSms>::new(json!({
            "formEndpoint": ENDPOINT,
            "method": "PUT",
            "webhookSecret": "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
        }))
        .variables([("code", "123456"), ("minutes", "10")])
        .message_key("msg_1")
        .started_at(1_700_000_000_999);
        let request = harness.request();
        assert_eq!((request.method.as_str(), request.url.as_str()), ("PUT", ENDPOINT));
        assert_eq!(request.header("content-type"), Some("application/x-www-form-urlencoded"));
        assert_eq!(request.body, "to=4512345678&type=SignIn&code=123456");
        assert_eq!(request.header("webhook-signature"), Some("v1,b2nBmrbstj55t2iAZ0iGMjLLk0JXfWsq6DvHLn6JaD8="));
    }

    #[test]
    fn an_unsendable_message_is_refused_before_sending() {
        use sendbox_connector_sdk::FailureClass;
        let secret = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";
        for (parameters, want) in [
            (json!({}), FailureClass::ConfigurationInvalid),
            (json!({ "endpoint": ENDPOINT, "method": "DELETE" }), FailureClass::ConfigurationInvalid),
            (json!({ "formEndpoint": ENDPOINT, "method": "GET" }), FailureClass::ConfigurationInvalid),
            (
                json!({ "endpoint": ENDPOINT, "method": "GET", "webhookSecret": secret }),
                FailureClass::ConfigurationInvalid,
            ),
            (
                json!({ "endpoint": ENDPOINT, "apiKey": "k", "headers": { "x-api-key": "l" } }),
                FailureClass::ConfigurationInvalid,
            ),
            (json!({ "endpoint": ENDPOINT, "successStatus": "200" }), FailureClass::ConfigurationInvalid),
            (json!({ "endpoint": "https://a.example/?x=1&To=2" }), FailureClass::ConfigurationInvalid),
            (json!({ "endpoint": "https://a.example/?payload" }), FailureClass::ConfigurationInvalid),
            (json!({ "endpoint": "https://a.example/?c_ode=1", "method": "GET" }), FailureClass::ConfigurationInvalid),
            (json!({ "formEndpoint": "https://a.example/?ip=1" }), FailureClass::ConfigurationInvalid),
        ] {
            let run = Harness::<HttpSms>::new(parameters.clone()).variables([("code", "1")]).send([]);
            assert!(run.requests.is_empty(), "{parameters}");
            assert_eq!(run.result.unwrap_err().class, want, "{parameters}");
        }
        let run = Harness::<HttpSms>::new(json!({ "formEndpoint": ENDPOINT })).variables([("link", "x")]).send([]);
        assert_eq!(run.result.unwrap_err().class, FailureClass::InvalidRequest);
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
