use super::fixture::{CODE, CliFixture, TOKEN};
use serde_json::{Value, json};

#[tokio::test]
async fn the_masked_request_is_printed() {
    let fixture = CliFixture::new().await;
    let ran = fixture.send("twilio", &["--dry-run", "--json"]).await;
    assert_eq!(ran.exit, 0, "{}", ran.stderr);
    let json = ran.json();
    let requests = json["requests"].as_array().unwrap();
    assert_eq!((json.as_object().unwrap().len(), requests.len()), (1, 1));
    let request = requests[0].as_object().unwrap();
    assert_eq!(request.keys().collect::<Vec<_>>(), ["body", "headers", "method", "url"]);
    assert_eq!(request["method"], "POST");
    assert_eq!(
        request["body"],
        format!("To=[recipient]&MessagingServiceSid=MG{}&Body=[text]&RiskCheck=enable", "0a".repeat(16))
    );
    let headers = request["headers"].as_array().unwrap();
    assert!(headers.contains(&json!(["Authorization", "Basic [secret authToken]"])), "{headers:?}");
    assert!(fixture.simulator.requests().is_empty(), "something was sent");
}

#[tokio::test]
async fn in_clear_text_it_equals_a_real_send() {
    let fixture = CliFixture::new().await;
    let ran = fixture.send("twilio", &["--dry-run", "--show-sealed", "--json"]).await;
    assert!(fixture.simulator.requests().is_empty(), "something was sent");
    let shown = ran.json()["requests"][0].clone();
    assert_eq!(fixture.send("twilio", &[]).await.exit, 0);
    let sent = &fixture.simulator.requests()[0];
    assert_eq!(shown["method"], sent.method.as_str());
    assert_eq!(shown["url"], format!("https://{}{}", sent.host, sent.path));
    assert_eq!(shown["body"].as_str().unwrap().as_bytes(), sent.body);
    for header in shown["headers"].as_array().unwrap() {
        let (name, value) = (header[0].as_str().unwrap().to_ascii_lowercase(), header[1].as_str().unwrap());
        assert_eq!(sent.header(&name), Some(value), "{name}");
    }
}

#[tokio::test]
async fn text_output_masks_sealed_values_by_default() {
    let fixture = CliFixture::new().await;
    let mut snapshot = fixture.snapshot();
    let masked = fixture.recorded_send(&mut snapshot, "twilio", &["--dry-run"]).await;
    let clear = fixture.recorded_send(&mut snapshot, "twilio", &["--dry-run", "--show-sealed"]).await;
    snapshot.assert("send-dry-run");
    assert!(clear.stdout.contains(CODE) && !masked.stdout.contains(CODE));
    assert!(!clear.stdout.contains(TOKEN), "Basic credentials are shown encoded, as they leave");
}

#[tokio::test]
async fn a_forbidden_request_fails_in_a_dry_run_too() {
    let fixture = CliFixture::new().await;
    let policy = fixture.write("policy.json", r#"{"denied_hosts": ["twilio.com"]}"#);
    let mut snapshot = fixture.snapshot();
    let ran =
        fixture.recorded_send(&mut snapshot, "twilio", &["--dry-run", "--json", "--operator-policy", &policy]).await;
    snapshot.assert("send-refused-by-the-operator");
    assert_eq!((ran.exit, &ran.json()["error"]["party"]), (3, &Value::from("policy")));
}
