use super::fixture::{CODE, CliFixture, NUMBER, TEXT, TOKEN, binary};

#[tokio::test]
async fn an_accepted_message_as_text() {
    let fixture = CliFixture::new().await;
    let mut snapshot = fixture.snapshot();
    let ran = fixture.recorded_send(&mut snapshot, "twilio", &["--trace"]).await;
    fixture.recorded_send(&mut snapshot, "http", &["--locale", "da"]).await;
    snapshot.assert("send-accepted");
    assert_eq!(ran.exit, 0, "{}", ran.stderr);
    let inbox = fixture.simulator.inbox();
    assert_eq!(inbox.len(), 2);
    assert_eq!((inbox[0].to.as_str(), inbox[0].text.clone()), (NUMBER, Some(format!("{TEXT} {CODE}"))));
    let id = inbox[0].provider_id.clone().unwrap();
    assert!(ran.stdout.contains(&format!("provider id  {id}")), "{}", ran.stdout);
    assert!(ran.stderr.contains("DEVELOPMENT FLAGS") && ran.stderr.lines().count() == 1, "{}", ran.stderr);
}

#[tokio::test]
async fn an_accepted_message_as_json() {
    let fixture = CliFixture::new().await;
    let link = "link=https://a.example";
    let more = ["--json", "--usage", "sign-in", "--locale", "da-DK", "--lifetime", "61s", "--variable", link];
    let mut snapshot = fixture.snapshot();
    let ran = fixture.recorded_send(&mut snapshot, "twilio", &more).await;
    snapshot.assert("send-accepted-as-json");
    let json = ran.json();
    assert_eq!(ran.exit, 0, "{json}");
    let inbox = fixture.simulator.inbox();
    assert_eq!(inbox[0].text, Some(format!("{TEXT} på dansk {CODE} 2 min https://a.example")));
    assert_eq!(json["outcome"], "accepted");
    assert_eq!(json["receipt"]["messageId"].as_str(), inbox[0].provider_id.as_deref());
    assert_eq!(json["receipt"]["status"], "accepted");
    assert_eq!(json["text"], serde_json::json!({"encoding": "gsm7", "segments": 1, "units": 51}));
    assert_eq!(json["hostsReached"], serde_json::json!(["https://api.twilio.com"]));
    assert_eq!(json["connector"]["id"], "twilio-short-message-service");
    for key in ["timeUs", "cpuUs", "memoryBytes", "hostCalls", "requests"] {
        assert!(json["used"][key].is_u64(), "{key}: {json}");
    }
    assert!(json.get("trace").is_none());
}

#[tokio::test]
async fn the_code_comes_from_standard_input_or_the_environment() {
    let fixture = CliFixture::new().await;
    assert_eq!(fixture.send_piped("224466\n", &[]).await.exit, 0);
    let output = binary().args(fixture.args("twilio")).env("SENDBOX_CODE", "335577").output().await.unwrap();
    assert!(output.status.success());
    let texts: Vec<String> = fixture.simulator.inbox().into_iter().filter_map(|message| message.text).collect();
    assert_eq!(texts, [format!("{TEXT} 224466"), format!("{TEXT} 335577")]);
}

#[tokio::test]
async fn secrets_come_from_the_environment_or_a_file() {
    let fixture = CliFixture::new().await;
    fixture.write("token", &format!("{TOKEN}\n"));
    let config = std::fs::read_to_string(fixture.path("twilio.json")).unwrap();
    for reference in [r#"{"$env": "TWILIO_TOKEN"}"#, r#"{"$file": "token"}"#] {
        fixture.write("twilio.json", &config.replace(&format!("\"{TOKEN}\""), reference));
        let output = binary()
            .args(fixture.args("twilio"))
            .args(["--code", CODE])
            .env("TWILIO_TOKEN", TOKEN)
            .output()
            .await
            .unwrap();
        assert!(output.status.success(), "{reference}: {}", String::from_utf8_lossy(&output.stderr));
    }
    assert_eq!(fixture.simulator.counters().accepted, 2);
}

#[tokio::test]
async fn bare_variables_reach_the_tenants_own_endpoint() {
    let fixture = CliFixture::new().await;
    let more = ["--usage", "mfa-verification", "--locale", "da", "--variable", "link=x", "--client-ip", "2001:db8::7"];
    let ran = fixture.send("http", &more).await;
    assert_eq!(ran.exit, 0, "{}", ran.stderr);
    let body = &fixture.simulator.inbox()[0].request.body;
    let want = format!(
        r#"{{"to":"4598765401","type":"MfaVerification","payload":{{"code":"{CODE}","locale":"da","link":"x"}},"ip":"2001:db8::7"}}"#
    );
    assert_eq!(body, &want);
}

#[tokio::test]
async fn a_variable_without_a_value_is_a_warning() {
    let fixture = CliFixture::new().await;
    let mut snapshot = fixture.snapshot();
    let ran = fixture.recorded_send(&mut snapshot, "twilio", &["--usage", "sign-in", "--locale", "da"]).await;
    snapshot.assert("send-with-a-warning");
    assert_eq!(ran.exit, 0);
    assert!(ran.stderr.contains("{{link}}"), "{}", ran.stderr);
}
