//! Invalid input is reported with what to do, and ends with exit code 2.

use super::fixture::{CliFixture, run, snapshot};

/// Command lines that are invalid by themselves.
#[tokio::test]
async fn the_command_line() {
    let cases: &[&[&str]] = &[
        &[],
        &["sned"],
        &["send"],
        &["inspect", "twillio"],
        &["inspect", "./none.wasm"],
        &["inspect", "Cargo.toml/"],
        &["new", "Bad_Name"],
        &["new", "crate"],
        &["dev", "/no/such/project"],
        &["dev", "src"],
        &["dev", "--component", "none.wasm"],
        &["dev", "--component", "Cargo.toml", "--config", "none.json"],
        &["connector", "list", "--server", "nonsense"],
        &["connector", "list", "--server", "http://10.0.0.1"],
        &["connector", "list", "--key-file", "none"],
        &["connector", "list"],
        &["connector", "show", "..", "ab"],
        &["connector", "show", "acme-sms", "xyz"],
        &["connector", "canary", "acme-sms", "ab", "100"],
        &["connector", "canary", "acme-sms"],
        &["connector", "canary", "acme-sms", "ab", "10", "--end"],
        &["connector", "push", "a.wasm", "--activate", "--canary", "10"],
        &["events", "list"],
        &["events", "list", "--tenant", "acme"],
        &["events", "resend", "..", "--tenant", "acme"],
        &["listen", "--tenant", "acme"],
        &["listen", "--tenant", "acme", "--forward-to", "127.0.0.1:3000"],
        &["listen", "--tenant", "acme", "--forward-to", "http://127.0.0.1:3000", "--events", "message.sent"],
        &["serve", "--public-url", "sms.example.com"],
        &["serve", "--public-url", "https://sms.example.com/?a=b"],
        &["simulate", "--fault", "twilio=sloth"],
        &["simulate", "--fault", "nobody=stall"],
        &["simulate", "--fault", "twilio=code:1"],
        &["simulate", "--answer", "api.example.com"],
        &["simulate", "--ca-file", "/no/such/folder/ca.pem"],
    ];
    let mut snapshot = snapshot();
    for args in cases {
        let ran = run(args).await;
        assert_eq!((ran.exit, ran.stdout.as_str()), (2, ""), "{args:?}: {}", ran.stderr);
        snapshot.record(args, Some(ran.exit), &ran.stdout, &ran.stderr);
    }
    snapshot.assert("errors-of-the-command-line");
}

/// Flags of `send` with invalid values.
#[tokio::test]
async fn the_values_of_a_send() {
    let fixture = CliFixture::new().await;
    let cases: &[&[&str]] = &[
        &["--show-sealed"],
        &["--usage", "signing"],
        &["--lifetime", "soon"],
        &["--lifetime", "2h"],
        &["--client-ip", "here"],
        &["--variable", "code=1"],
        &["--variable", "link"],
        &["--idempotency-key", "a b"],
        &["--allow-reveal", "all"],
        &["--connect-to", "a.example:443=10.0.0.1:443"],
        &["--connect-to", "nonsense"],
        &["--extra-ca", "Cargo.toml"],
        &["--extra-ca", "none.pem"],
        &["--limits", "none.json"],
        &["--grant", "Cargo.toml"],
        &["--cache", "a", "--no-cache"],
    ];
    let mut snapshot = fixture.snapshot();
    for more in cases {
        let ran = fixture.recorded_send(&mut snapshot, "twilio", more).await;
        assert_eq!((ran.exit, ran.stdout.as_str()), (2, ""), "{more:?}: {}", ran.stderr);
    }
    snapshot.assert("errors-of-a-send");
    assert!(fixture.simulator.requests().is_empty());
}

/// Configuration files with invalid contents.
#[tokio::test]
async fn configurations() {
    let cases = [
        "{",
        "{}",
        r#"{"accountSID": "AC"}"#,
        r#"{"parameters": {"authToken": {"$env": "NOT_SET_HERE"}}}"#,
        r#"{"parameters": {"authToken": {"$file": "none"}}}"#,
        r#"{"parameters": {}, "templates": [{"usage": "generic", "content": "hello"}]}"#,
        r#"{"parameters": {"accountSID": "x", "authToken": "t", "tokn": 1}}"#,
        r#"{"parameters": {}, "templates": [{"usage": "generic", "content": "{{code}}"}]}"#,
        r#"{"parameters": {}, "templates": [{"usage": "register", "content": "{{code}}"}]}"#,
    ];
    let fixture = CliFixture::new().await;
    let mut snapshot = fixture.snapshot();
    for config in cases {
        fixture.write("twilio.json", config);
        let ran = fixture.send("twilio", &[]).await;
        assert_eq!((ran.exit, ran.stdout.as_str()), (2, ""), "{config}: {}", ran.stderr);
        snapshot.record(&["send --config", config], Some(ran.exit), &ran.stdout, &ran.stderr);
    }
    snapshot.assert("errors-of-a-configuration");
}

#[tokio::test]
async fn all_errors_at_once_and_as_json() {
    let fixture = CliFixture::new().await;
    fixture.write("twilio.json", r#"{"parameters": {"accountSID": "x"}}"#);
    let mut snapshot = fixture.snapshot();
    let ran = fixture.recorded_send(&mut snapshot, "twilio", &["--json", "--lifetime", "0", "--client-ip", "x"]).await;
    snapshot.assert("errors-as-json");
    assert_eq!(ran.exit, 2);
    let error = ran.json()["error"].clone();
    assert_eq!((error["class"].as_str(), error["requestSent"].as_str()), (Some("invalid-input"), Some("no")));
}

#[tokio::test]
async fn files_that_are_not_connectors() {
    let fixture = CliFixture::new().await;
    let mut snapshot = fixture.snapshot();
    for (name, contents) in
        [("text.wasm", &b"hello"[..]), ("module.wasm", b"\0asm\x01\0\0\0"), ("cut.wasm", b"\0asm\x0d\0\x01\0\x01\x09")]
    {
        let path = fixture.path(name).display().to_string();
        std::fs::write(&path, contents).unwrap();
        let args = ["inspect", &path];
        let ran = run(&args).await;
        assert_eq!(ran.exit, 2, "{name}: {}", ran.stderr);
        snapshot.record(&args, Some(ran.exit), &ran.stdout, &ran.stderr);
    }
    snapshot.assert("errors-of-a-component");
}

#[tokio::test]
async fn an_invalid_command_line_is_json_too() {
    for (args, part) in [
        (&["send", "--usage", "nonsense", "--json"][..], "nonsense"),
        (&["send", "--json", "--what"], "--what"),
        (&["inspect", "--json", "--what"], "--what"),
        (&["connector", "list", "--json", "--tenant"], "--tenant"),
    ] {
        let ran = run(args).await;
        assert_eq!((ran.exit, ran.stderr.as_str()), (2, ""), "{args:?}");
        let error = ran.json()["error"].clone();
        assert_eq!((&error["class"], &error["requestSent"]), (&"invalid-input".into(), &"no".into()), "{error}");
        let message = error["message"].as_str().unwrap();
        assert!(message.contains(part) && !message.contains("Usage:"), "{message}");
    }
    let help = run(&["send", "--json", "--help"]).await;
    assert!(help.exit == 0 && help.stdout.contains("Usage:"), "{}", help.stdout);
}
