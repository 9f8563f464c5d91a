//! Every way in which a send can fail has its exit code, and the output says who failed, whether anything was sent, and what to do.

use sendbox_simulator::TlsMode;
use serde_json::Value;

use super::fixture::{CODE, CliFixture, CommandOutput, run, snapshot};
use crate::command_snapshot::CommandSnapshot;

/// Sends as text and as JSON, and records both. Returns the second.
async fn send_both_ways(
    fixture: &CliFixture,
    snapshot: &mut CommandSnapshot,
    connector: &str,
    more: &[&str],
) -> CommandOutput {
    let text = fixture.recorded_send(snapshot, connector, more).await;
    let json = fixture.recorded_send(snapshot, connector, &[more, &["--json"]].concat()).await;
    assert_eq!(text.exit, json.exit, "{more:?}");
    json
}

async fn check(snapshot: &mut CommandSnapshot, fault: &str, exit: i32, class: &str, sent: &str) {
    let fixture = CliFixture::new().await;
    fixture.simulator.inject_spec(fault.parse().unwrap()).unwrap();
    // Only where no response will come: elsewhere a slow machine must not decide.
    let limits = fixture.write("limits.json", r#"{"first_byte_ms": 500}"#);
    let patience: &[&str] = if fault.ends_with("stall") { &["--limits", &limits] } else { &[] };
    snapshot.replace(&limits, "limits.json");
    snapshot.title(&format!("fault {fault}"));
    let ran = send_both_ways(&fixture, snapshot, "twilio", patience).await;
    let error = ran.json()["error"].clone();
    assert_eq!(
        (ran.exit, error["class"].as_str(), error["requestSent"].as_str()),
        (exit, Some(class), Some(sent)),
        "{fault}: {error}"
    );
    for key in ["party", "message", "providerCode", "retryAfter", "advice"] {
        assert!(error.get(key).is_some(), "{fault}: {key} is missing in {error}");
    }
}

#[tokio::test]
async fn the_provider_refuses() {
    let mut snapshot = snapshot();
    check(&mut snapshot, "twilio=code:21211", 4, "invalid-recipient", "yes").await;
    check(&mut snapshot, "twilio=code:21610", 4, "recipient-unsubscribed", "yes").await;
    check(&mut snapshot, "twilio=code:20003", 4, "authentication-failed", "yes").await;
    check(&mut snapshot, "twilio=status:503", 4, "provider-unavailable", "yes").await;
    check(&mut snapshot, "twilio=retry-after:7", 4, "rate-limited", "yes").await;
    snapshot.assert("send-refused-by-the-provider");
}

#[tokio::test]
async fn the_outcome_is_unknown() {
    let mut snapshot = snapshot();
    check(&mut snapshot, "twilio=reset-after", 5, "in-doubt", "maybe").await;
    check(&mut snapshot, "twilio=stall", 5, "in-doubt", "maybe").await;
    check(&mut snapshot, "twilio=garbage", 5, "in-doubt", "maybe").await;
    check(&mut snapshot, "twilio=status:500", 5, "in-doubt", "yes").await;
    snapshot.assert("send-in-doubt");
}

#[tokio::test]
async fn the_network_fails_first() {
    let fixture = CliFixture::new().await;
    let mut snapshot = fixture.snapshot();
    fixture.simulator.set_tls_mode("api.twilio.com", TlsMode::UnknownCa).unwrap();
    let ran = send_both_ways(&fixture, &mut snapshot, "twilio", &[]).await;
    snapshot.assert("send-network-failure");
    let error = ran.json()["error"].clone();
    assert_eq!(
        (ran.exit, error["requestSent"].as_str(), error["party"].as_str()),
        (6, Some("no"), Some("network")),
        "{error}"
    );
    assert!(fixture.simulator.inbox().is_empty());
}

#[tokio::test]
async fn a_grant_refuses_it() {
    let fixture = CliFixture::new().await;
    let mut snapshot = fixture.snapshot();
    let grant =
        fixture.write("grant.json", r#"{"entries": [{"origin": "https://api.example.com", "methods": ["POST"]}]}"#);
    let ran = send_both_ways(&fixture, &mut snapshot, "twilio", &["--grant", &grant]).await;
    snapshot.assert("send-refused-by-the-grant");
    assert_eq!(ran.exit, 3, "{}", ran.stderr);
    assert!(fixture.simulator.requests().is_empty());
}

#[tokio::test]
async fn a_limit_refuses_it() {
    let fixture = CliFixture::new().await;
    let mut snapshot = fixture.snapshot();
    let limits = fixture.write("limits.json", r#"{"host_calls": 3}"#);
    let ran = send_both_ways(&fixture, &mut snapshot, "twilio", &["--limits", &limits]).await;
    snapshot.assert("send-refused-by-a-limit");
    let error = ran.json()["error"].clone();
    assert_eq!((ran.exit, error["class"].as_str()), (3, Some("connector-fault")), "{error}");
}

#[tokio::test]
async fn without_the_flags_loopback_is_not_reached() {
    let fixture = CliFixture::new().await;
    let mut args = fixture.args("http");
    let at = args.iter().position(|one| one == "--connect-to").unwrap();
    args.truncate(at);
    // A literal loopback address is refused by its class, before anything is resolved or dialled.
    fixture.write("http.json", r#"{"parameters": {"endpoint": "https://127.0.0.1/sms"}}"#);
    args.extend(["--code", CODE, "--json"].map(str::to_owned));
    let ran = run(&args).await;
    let mut snapshot = fixture.snapshot();
    snapshot.record(&args, Some(ran.exit), &ran.stdout, &ran.stderr);
    snapshot.assert("send-refused-address");
    assert_eq!(ran.exit, 3, "{}{}", ran.stdout, ran.stderr);
    assert_eq!(ran.json()["error"]["requestSent"], Value::from("no"));
    assert!(ran.stderr.is_empty(), "{}", ran.stderr);
}
