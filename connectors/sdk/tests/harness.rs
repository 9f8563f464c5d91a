//! A connector that does what those of this repository do not: two requests in one send, a log line, `reveal`, and a
//! report that is a signed body.

#![cfg(feature = "testing")]

use sendbox_connector_sdk::testing::{Harness, Incoming, example_host, example_metadata, response};
use sendbox_connector_sdk::*;
use serde_json::json;

struct TwoSteps;

impl Connector for TwoSteps {
    fn metadata() -> Metadata {
        Metadata {
            parameters_schema: r#"{"type":"object","properties":{
                "key":{"type":"string","writeOnly":true},
                "host":{"type":"string","default":"api.example.com"},
                "retries":{"type":"integer","default":3}}}"#,
            hosts: vec![HostNeed {
                origin: "https://{host}",
                methods: vec![Method::Get, Method::Post],
                message: Some(MessagePlaces::form(NumberFormat::National, "to", "text")),
                secrets: vec![("key", SecretUse::Sent)],
                ..example_host()
            }],
            ..example_metadata()
        }
    }

    fn build_request(message: &Message, config: &Config<'_>) -> Result<Request, Failure> {
        let body = form([("to", &message.recipient.national), ("text", &message.text()?.text)]);
        Ok(Request::post(parts!["https://", config.required("host")?, "/send"]).body(body))
    }

    fn read_response(_: &Response) -> Result<Receipt, Failure> {
        Ok(Receipt::default())
    }

    fn send(message: &Message, config: &Config<'_>, host: &mut impl Host) -> Result<Receipt, Failure> {
        let base = format!("https://{}", config.required("host")?);
        let key = config.required_secret("key")?;
        let session = host.send(&Request::new(Method::Get, parts![&base, "/session?key=", percent(&key)]))?;
        let Some(session) = session.json::<String>() else { return Err(Failure::new(FailureClass::Unknown)) };
        host.log(LogLevel::Info, "session open");
        let seen = host.reveal(&key).map_or(0, |bytes| bytes.len());
        let response = host.send(&Self::build_request(message, config)?.header("x-session", session))?;
        Ok(Receipt { segments: u32::try_from(seen).ok(), ..Self::read_response(&response)? })
    }
}

impl DeliveryReports for TwoSteps {
    fn parse(
        callback: &Callback,
        config: &Config<'_>,
        verifier: &mut impl Verifier,
    ) -> Result<Vec<Report>, CallbackError> {
        let key = config.secret("key").ok_or(CallbackError::NotAuthentic)?;
        let id = callback.query.first().ok_or(CallbackError::Malformed)?;
        let computed = parts![&id.sealed, ".", &callback.sealed_body].seal().hmac(Hash::Sha1, &key);
        let received = callback.sealed_header("x-signature").ok_or(CallbackError::NotAuthentic)?;
        if !verifier.matches(&computed, &received.decode(Encoding::Base64)) {
            return Err(CallbackError::NotAuthentic);
        }
        Ok(vec![Report {
            message_id: id.value.clone(),
            state: State::Delivered,
            class: None,
            provider_code: None,
            text: Some(callback.body.clone()),
            at: None,
        }])
    }
}

fn harness() -> Harness<TwoSteps> {
    Harness::new(json!({ "key": "a/b" })).to("+14155550100", "1").text("x")
}

fn session() -> Response {
    response(200, "\"s1\"")
}

#[test]
fn requests_get_scripted_responses_in_order() {
    let run = harness().send([session(), response(200, "")]);
    let urls: Vec<&str> = run.requests.iter().map(|request| request.url.as_str()).collect();
    assert_eq!(urls, ["https://api.example.com/session?key=a%2Fb", "https://api.example.com/send"]);
    assert_eq!(run.requests[1].header("X-Session"), Some("s1"));
    assert_eq!(run.requests[1].body, "to=4155550100&text=x");
    assert_eq!(run.log, [(LogLevel::Info, "session open".to_owned())]);
    assert_eq!(run.result, Ok(Receipt { segments: Some(0), ..Receipt::default() }), "reveal needs a grant");
}

#[test]
fn with_a_grant_reveal_gives_the_bytes() {
    let run = harness().revealing().send([session(), response(200, "")]);
    assert_eq!(run.result.unwrap().segments, Some(3));
}

#[test]
fn a_request_after_the_last_response_is_in_doubt() {
    let run = harness().send([session()]);
    assert_eq!(run.requests.len(), 2);
    assert_eq!(run.result.unwrap_err().class, FailureClass::InDoubt);
}

#[test]
fn a_lost_request_becomes_the_failure_of_its_kind() {
    let error = HttpError { kind: HttpErrorKind::Dns, request_may_have_left: false };
    let failure = harness().send_into(error).result.unwrap_err();
    assert_eq!(failure, Failure::new(FailureClass::NotSent).text("the provider's name did not resolve"));
}

#[test]
fn a_signed_body_is_a_report_and_a_changed_one_is_not() {
    let incoming = |body: &str| {
        Incoming::body("https://us.example/r?id=7", body)
            .query(&[("id", "7")])
            .header("X-Signature", &testing::hmac_sha1_base64(b"a/b", b"7.done"))
    };
    let reports = harness().parse(&incoming("done")).unwrap();
    assert_eq!((reports[0].message_id.as_str(), reports[0].text.as_deref()), ("7", Some("done")));
    assert_eq!(harness().parse(&incoming("Done")), Err(CallbackError::NotAuthentic));
}

#[test]
#[should_panic(expected = "no request may follow")]
fn a_second_message_ends_the_send() {
    struct Twice;
    impl Connector for Twice {
        fn metadata() -> Metadata {
            TwoSteps::metadata()
        }

        fn build_request(message: &Message, config: &Config<'_>) -> Result<Request, Failure> {
            TwoSteps::build_request(message, config)
        }

        fn read_response(response: &Response) -> Result<Receipt, Failure> {
            TwoSteps::read_response(response)
        }

        fn send(message: &Message, config: &Config<'_>, host: &mut impl Host) -> Result<Receipt, Failure> {
            let twice = [TwoSteps::send(message, config, host), TwoSteps::send(message, config, host)];
            twice.into_iter().next_back().unwrap_or_else(|| Ok(Receipt::default()))
        }
    }
    let run = Harness::<Twice>::new(json!({ "key": "a" })).text("x").send([session(), response(200, ""), session()]);
    drop(run);
}

#[test]
#[should_panic(expected = "`received` must be one received value")]
fn a_signature_is_compared_only_with_a_received_value() {
    struct Guessing;
    impl Connector for Guessing {
        fn metadata() -> Metadata {
            TwoSteps::metadata()
        }

        fn build_request(message: &Message, config: &Config<'_>) -> Result<Request, Failure> {
            TwoSteps::build_request(message, config)
        }

        fn read_response(response: &Response) -> Result<Receipt, Failure> {
            TwoSteps::read_response(response)
        }
    }
    impl DeliveryReports for Guessing {
        fn parse(
            _: &Callback,
            config: &Config<'_>,
            verifier: &mut impl Verifier,
        ) -> Result<Vec<Report>, CallbackError> {
            let key = config.secret("key").ok_or(CallbackError::NotAuthentic)?;
            verifier.matches(&key.digest(Hash::Md5), &parts!["guess"].seal());
            Ok(vec![])
        }
    }
    drop(Harness::<Guessing>::new(json!({ "key": "a" })).parse(&Incoming::body("https://us.example/r", "")));
}
