use super::fixture::{CODE, CliFixture, TOKEN};
use serde_json::{Value, json};

#[tokio::test]
async fn masked_it_is_exactly_this() {
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
    assert!(fixture.simulator.requests().is_empty(), "something left");
}

#[tokio::test]
async fn in_clear_it_is_what_a_real_send_then_does() {
    let fixture = CliFixture::new().await;
    let ran = fixture.send("twilio", &["--dry-run", "--show-sealed", "--json"]).await;
    assert!(fixture.simulator.requests().is_empty(), "something left");
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
async fn a_person_sees_brackets_or_values() {
    let fixture = CliFixture::new().await;
    let masked = fixture.send("twilio", &["--dry-run"]).await;
    assert!(masked.stdout.starts_with("POST https://api.twilio.com/2010-04-01/Accounts/AC"), "{}", masked.stdout);
    assert!(masked.stdout.contains("Body=[text]") && masked.stderr.contains("nothing was sent"), "{}", masked.stdout);
    let clear = fixture.send("twilio", &["--dry-run", "--show-sealed"]).await;
    assert!(clear.stdout.contains(CODE) && !masked.stdout.contains(CODE));
    assert!(!clear.stdout.contains(TOKEN), "Basic credentials are shown encoded, as they leave");
}

#[tokio::test]
async fn what_may_not_leave_fails_in_a_dry_run_too() {
    let fixture = CliFixture::new().await;
    let policy = fixture.write("policy.json", r#"{"denied_hosts": ["twilio.com"]}"#);
    let ran = fixture.send("twilio", &["--dry-run", "--json", "--operator-policy", &policy]).await;
    assert_eq!((ran.exit, &ran.json()["error"]["party"]), (3, &Value::from("policy")));
}
