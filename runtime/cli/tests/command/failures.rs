//! Every way to fail has its exit code, and says who failed, whether bytes were sent, and what to do.

use sendbox_simulator::TlsMode;
use serde_json::Value;

use super::fixture::{CODE, CliFixture, run};

async fn check(fault: &str, exit: i32, class: &str, sent: &str) {
    let fixture = CliFixture::new().await;
    fixture.simulator.inject_spec(fault.parse().unwrap()).unwrap();
    // Only where nothing will come: elsewhere a slow machine must not decide.
    let limits = fixture.write("limits.json", r#"{"first_byte_ms": 500}"#);
    let patience: &[&str] = if fault.ends_with("stall") { &["--limits", &limits] } else { &[] };
    let ran = fixture.send("twilio", &[&["--json"], patience].concat()).await;
    let error = ran.json()["error"].clone();
    assert_eq!(
        (ran.exit, error["class"].as_str(), error["requestSent"].as_str()),
        (exit, Some(class), Some(sent)),
        "{fault}: {error}"
    );
    for key in ["party", "text", "providerCode", "retryAfter", "advice"] {
        assert!(error.get(key).is_some(), "{fault}: {key} is missing in {error}");
    }
}

#[tokio::test]
async fn the_provider_says_no() {
    check("twilio=code:21211", 4, "invalid-recipient", "yes").await;
    check("twilio=code:21610", 4, "recipient-unsubscribed", "yes").await;
    check("twilio=code:20003", 4, "authentication-failed", "yes").await;
    check("twilio=status:503", 4, "provider-unavailable", "yes").await;
    check("twilio=retry-after:7", 4, "rate-limited", "yes").await;
}

#[tokio::test]
async fn nobody_can_know() {
    check("twilio=reset-after", 5, "in-doubt", "maybe").await;
    check("twilio=stall", 5, "in-doubt", "maybe").await;
    check("twilio=garbage", 5, "in-doubt", "maybe").await;
    check("twilio=status:500", 5, "in-doubt", "yes").await;
}

#[tokio::test]
async fn the_network_fails_first() {
    let fixture = CliFixture::new().await;
    fixture.simulator.set_tls_mode("api.twilio.com", TlsMode::UnknownCa).unwrap();
    let ran = fixture.send("twilio", &["--json"]).await;
    let error = ran.json()["error"].clone();
    assert_eq!(
        (ran.exit, error["requestSent"].as_str(), error["party"].as_str()),
        (6, Some("no"), Some("network")),
        "{error}"
    );
    assert!(fixture.simulator.inbox().is_empty());
}

#[tokio::test]
async fn a_rule_stops_it() {
    let fixture = CliFixture::new().await;
    let grant =
        fixture.write("grant.json", r#"{"entries": [{"origin": "https://api.example.com", "methods": ["POST"]}]}"#);
    let ran = fixture.send("twilio", &["--grant", &grant]).await;
    assert_eq!(ran.exit, 3, "{}", ran.stderr);
    for part in
        ["a rule of Sendbox stopped it", "no, nothing of the message has left", "To allow it", "add the line above"]
    {
        assert!(ran.stderr.contains(part), "{part}\n{}", ran.stderr);
    }
    assert!(fixture.simulator.requests().is_empty());
}

#[tokio::test]
async fn a_limit_stops_it() {
    let fixture = CliFixture::new().await;
    let limits = fixture.write("limits.json", r#"{"host_calls": 3}"#);
    let ran = fixture.send("twilio", &["--json", "--limits", &limits]).await;
    let error = ran.json()["error"].clone();
    assert_eq!((ran.exit, error["class"].as_str()), (3, Some("connector-fault")), "{error}");
    assert!(error["text"].as_str().unwrap().contains("called the host more than 3 times"), "{error}");
}

#[tokio::test]
async fn without_the_flags_nothing_here_is_reached() {
    let fixture = CliFixture::new().await;
    let mut args = fixture.args("http");
    let at = args.iter().position(|one| one == "--connect-to").unwrap();
    args.truncate(at);
    // A literal loopback address is refused by its class, before anybody is asked or dialled.
    fixture.write("http.json", r#"{"parameters": {"endpoint": "https://127.0.0.1/sms"}}"#);
    args.extend(["--code", CODE, "--json"].map(str::to_owned));
    let ran = run(&args).await;
    assert_eq!(ran.exit, 3, "{}{}", ran.stdout, ran.stderr);
    assert_eq!(ran.json()["error"]["requestSent"], Value::from("no"));
    assert!(ran.stderr.is_empty(), "{}", ran.stderr);
}
