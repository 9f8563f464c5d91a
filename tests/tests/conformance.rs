//! The built-in connectors, as they ship, against the simulator: what arrives is correct in every field, and every way in which the
//! provider can respond is classified.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sendbox_sandbox::policy::Limits;
use sendbox_sandbox::{FailureClass, Outcome, RequestSent};
use sendbox_simulator::{HttpSmsAccount, SimulatorConfig, TlsMode, TwilioAccount};
use sendbox_tests::sandbox_fixture::{CODE, E164, TEXT, impatient};
use sendbox_tests::simulator_setup::{SimulatorSetup, connection};
use sendbox_tests::{expect_accepted, expect_failure};
use serde_json::{Value, json};

const AUTHORIZATION: &str = "Bearer canary of the endpoint";
const ENDPOINT: &str = "https://hooks.simulator.test/send?tenant=7";
const ELSEWHERE: &str = "elsewhere.simulator.test";

async fn setup(limits: Limits) -> SimulatorSetup {
    let http = HttpSmsAccount {
        authorization: Some(AUTHORIZATION.into()),
        webhook_secret: Some(format!("whsec_{}", webhook_secret())),
        ..HttpSmsAccount::default()
    };
    SimulatorSetup::new(
        SimulatorConfig { http, extra_hosts: vec![ELSEWHERE.into()], ..SimulatorConfig::default() },
        limits,
    )
    .await
}

fn webhook_secret() -> String {
    STANDARD.encode([7_u8; 32])
}

fn twilio() -> Value {
    connection("twilio").0
}

fn http() -> Value {
    json!({ "endpoint": ENDPOINT, "authorization": AUTHORIZATION, "webhookSecret": webhook_secret() })
}

#[tokio::test]
async fn twilio_accepts_a_message() {
    let setup = setup(Limits::default()).await;
    let connector = setup.load("twilio").await;
    let report = setup.send(&connector, "a", &twilio(), "").await;
    assert_eq!(report.hosts_reached, ["https://api.twilio.com"]);
    let receipt = expect_accepted("twilio", report);
    let inbox = setup.simulator.inbox();
    assert_eq!(inbox.len(), 1);
    assert_eq!((inbox[0].to.as_str(), inbox[0].text.as_deref()), (E164, Some(TEXT)));
    assert_eq!(receipt.message_id, inbox[0].provider_id);

    let mut edge = twilio();
    edge["edge"] = "dublin".into();
    edge["region"] = "ie1".into();
    let report = setup.send(&connector, "b", &edge, "").await;
    assert_eq!(report.hosts_reached, ["https://api.dublin.ie1.twilio.com"]);
    expect_accepted("twilio in Ireland", report);
    assert_eq!(setup.simulator.inbox().len(), 2);
}

#[tokio::test]
async fn twilio_accepts_an_api_key_in_place_of_the_auth_token() {
    let setup = setup(Limits::default()).await;
    let connector = setup.load("twilio").await;
    let account = TwilioAccount::default();
    let mut parameters = twilio();
    parameters.as_object_mut().unwrap().remove("authToken");
    parameters["apiKeySid"] = account.api_key_sid.into();
    parameters["apiKeySecret"] = account.api_key_secret.into();
    expect_accepted("an API key", setup.send(&connector, "a", &parameters, "").await);
    assert_eq!(setup.simulator.inbox().len(), 1);

    parameters["apiKeySecret"] = "not the right one".into();
    let report = setup.send(&connector, "b", &parameters, "").await;
    let failure = expect_failure("a wrong secret", report, FailureClass::AuthenticationFailed, RequestSent::Yes);
    assert!(!failure.text.contains("not the right one"), "{}", failure.text);
    assert_eq!(setup.simulator.inbox().len(), 1);
}

#[tokio::test]
async fn an_endpoint_accepts_a_message_with_its_signature() {
    let setup = setup(Limits::default()).await;
    let connector = setup.load("http").await;
    expect_accepted("http", setup.send(&connector, "a", &http(), "").await);
    let inbox = setup.simulator.inbox();
    assert_eq!(inbox.len(), 1);
    assert_eq!(inbox[0].to.trim_start_matches('+'), &E164[1..]);
    assert_eq!(inbox[0].variables.get("code").map(String::as_str), Some(CODE));

    let mut unsigned = http();
    unsigned["webhookSecret"] = STANDARD.encode([8_u8; 32]).into();
    let report = setup.send(&connector, "b", &unsigned, "").await;
    expect_failure("a wrong key", report, FailureClass::AuthenticationFailed, RequestSent::Yes);
    assert_eq!(setup.simulator.inbox().len(), 1);
}

#[tokio::test]
async fn wrong_credentials_are_classified() {
    let setup = setup(Limits::default()).await;
    for (name, mut parameters, key) in [("twilio", twilio(), "authToken"), ("http", http(), "authorization")] {
        let connector = setup.load(name).await;
        parameters[key] = "not the right one".into();
        let report = setup.send(&connector, "a", &parameters, "").await;
        let failure = expect_failure(name, report, FailureClass::AuthenticationFailed, RequestSent::Yes);
        assert!(!failure.text.contains("not the right one"), "{name}: {}", failure.text);
    }
    assert!(setup.simulator.inbox().is_empty());
}

#[tokio::test]
async fn twilio_errors_are_classified() {
    use FailureClass as Class;
    let setup = setup(Limits::default()).await;
    let connector = setup.load("twilio").await;
    for (code, class) in [
        ("10001", Class::AccountSuspended),
        ("20003", Class::AuthenticationFailed),
        ("20404", Class::InvalidRequest),
        ("20429", Class::RateLimited),
        ("20500", Class::InDoubt),
        ("20503", Class::ProviderUnavailable),
        ("21211", Class::InvalidRecipient),
        ("21212", Class::SenderRejected),
        ("21408", Class::UnsupportedDestination),
        ("21606", Class::SenderRejected),
        ("21608", Class::UnsupportedDestination),
        ("21610", Class::RecipientUnsubscribed),
        ("21612", Class::UnsupportedDestination),
        ("21614", Class::InvalidRecipient),
        ("21617", Class::ContentRejected),
        ("21703", Class::ConfigurationInvalid),
        ("30001", Class::RateLimited),
        ("30007", Class::ContentRejected),
        ("30034", Class::SenderRejected),
        ("30450", Class::FraudBlocked),
    ] {
        setup.simulator.inject_spec(format!("twilio=code:{code},times=1").parse().unwrap()).unwrap();
        let report = setup.send(&connector, code, &twilio(), "").await;
        let failure = expect_failure(code, report, class, RequestSent::Yes);
        assert_eq!(failure.provider_code.as_deref(), Some(code));
    }
    assert!(setup.simulator.inbox().is_empty());
    expect_accepted("afterwards", setup.send(&connector, "after", &twilio(), "").await);
}

#[tokio::test]
async fn provider_failures_are_reported_correctly() {
    use FailureClass as Class;
    let setup = setup(Limits { send_ms: 3_000, ..impatient() }).await;
    let redirect = format!("redirect:https://{ELSEWHERE}/");
    // The fault, and the outcome of the send for each connector.
    let cases = [
        ("status:503", RequestSent::Yes, [Class::ProviderUnavailable, Class::ProviderUnavailable]),
        ("status:500", RequestSent::Yes, [Class::InDoubt, Class::InDoubt]),
        ("status:404", RequestSent::Yes, [Class::InvalidRequest, Class::ConfigurationInvalid]),
        ("retry-after:7", RequestSent::Yes, [Class::RateLimited, Class::RateLimited]),
        (redirect.as_str(), RequestSent::Yes, [Class::Unknown, Class::ConfigurationInvalid]),
        ("echo:401", RequestSent::Yes, [Class::AuthenticationFailed, Class::AuthenticationFailed]),
        ("stall", RequestSent::Maybe, [Class::InDoubt, Class::InDoubt]),
        ("drip:20ms", RequestSent::Maybe, [Class::InDoubt, Class::InDoubt]),
        ("reset-before", RequestSent::Maybe, [Class::InDoubt, Class::InDoubt]),
        ("reset-after", RequestSent::Maybe, [Class::InDoubt, Class::InDoubt]),
        ("garbage", RequestSent::Maybe, [Class::InDoubt, Class::InDoubt]),
        ("lie-length", RequestSent::Maybe, [Class::InDoubt, Class::InDoubt]),
        ("close-mid-body", RequestSent::Maybe, [Class::InDoubt, Class::InDoubt]),
        ("gzip-bomb", RequestSent::Maybe, [Class::InDoubt, Class::InDoubt]),
        ("oversize:300000", RequestSent::Maybe, [Class::InDoubt, Class::InDoubt]),
    ];
    for (index, (name, parameters)) in [("twilio", twilio()), ("http", http())].into_iter().enumerate() {
        let connector = setup.load(name).await;
        for (fault, sent, classes) in &cases {
            let what = format!("{name} {fault}");
            setup.simulator.inject_spec(format!("{name}={fault},times=1").parse().unwrap()).unwrap();
            let requests = setup.simulator.requests().len();
            let report = setup.send(&connector, &what, &parameters, "").await;
            let failure = expect_failure(&what, report, classes[index], *sent);
            assert!(!failure.text.contains("canary"), "{what}: {}", failure.text);
            if *fault == "retry-after:7" {
                assert_eq!(failure.retry_after, Some(7), "{what}");
            }
            assert_eq!(setup.simulator.requests().len(), requests + 1, "{what}: each send is one request");
            expect_accepted(&what, setup.send(&connector, &format!("after {what}"), &parameters, "").await);
        }
    }
    let elsewhere = setup.simulator.requests().iter().filter(|request| request.host == ELSEWHERE).count();
    assert_eq!(elsewhere, 0, "a redirect was followed");
}

#[tokio::test]
async fn without_a_verified_session_no_connector_sends() {
    let setup = setup(impatient()).await;
    let connector = setup.load("twilio").await;
    for mode in [TlsMode::WrongName, TlsMode::UnknownCa, TlsMode::Stall] {
        setup.simulator.set_tls_mode("api.twilio.com", mode).unwrap();
        let what = format!("{mode:?}");
        let report = setup.send(&connector, &what, &twilio(), "").await;
        expect_failure(&what, report, FailureClass::NotSent, RequestSent::No);
    }
    assert!(setup.simulator.requests().is_empty());
    setup.simulator.set_tls_mode("api.twilio.com", TlsMode::Good).unwrap();
    expect_accepted("good again", setup.send(&connector, "good", &twilio(), "").await);
}

/// The number of messages at the provider matches the outcomes, whatever goes wrong.
#[tokio::test]
async fn accepted_means_received_and_not_sent_means_not_received() {
    let setup = setup(Limits { send_ms: 3_000, ..impatient() }).await;
    let connector = setup.load("twilio").await;
    let faults = ["status:503", "reset-after", "stall", "lie-length", "garbage", "code:21211"];
    for round in 0..18 {
        if round % 3 != 2 {
            let fault = faults[round % faults.len()];
            setup.simulator.inject_spec(format!("twilio={fault},times=1").parse().unwrap()).unwrap();
        }
        let before = setup.simulator.inbox().len();
        // One owner: connections are reused, including broken ones.
        let report = setup.send(&connector, "one", &twilio(), "").await;
        let arrived = setup.simulator.inbox().len() - before;
        match report.outcome {
            Outcome::Accepted(_) => assert_eq!(arrived, 1, "round {round}"),
            Outcome::Failed(failure) if failure.class == FailureClass::InDoubt => {
                assert!(arrived <= 1, "round {round}")
            }
            Outcome::Failed(failure) => assert_eq!(arrived, 0, "round {round}: {failure:?}"),
            Outcome::NotSentDryRun => panic!("this was no dry run"),
        }
        setup.simulator.clear_faults();
    }
}
