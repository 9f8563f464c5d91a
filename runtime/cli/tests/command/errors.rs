//! What is typed wrong is said to be wrong, with what to do, and ends with 2.

use super::fixture::{CliFixture, run};

/// `arguments`, and what stderr must say.
type Case = (&'static [&'static str], &'static [&'static str]);

#[tokio::test]
async fn the_command_line() {
    let cases: &[Case] = &[
        (&[], &["Usage: sendbox <COMMAND>"]),
        (&["sned"], &["unrecognized subcommand"]),
        (&["send"], &["--connector", "--config", "--to"]),
        (&["inspect", "twillio"], &["no connector `twillio`", "http", "twilio", "./mine.wasm"]),
        (&["inspect", "./none.wasm"], &["cannot read ./none.wasm"]),
        (&["inspect", "Cargo.toml/"], &["cannot read"]),
        (&["new", "Bad_Name"], &["a-z, 0-9 and `-`"]),
        (&["new", "crate"], &["use that name themselves"]),
        (&["dev", "/no/such/project"], &["cannot read /no/such/project"]),
        (&["dev", "src"], &["there is no Cargo.toml in", "--component"]),
        (&["dev", "--component", "none.wasm"], &["cannot read none.wasm", "build it first"]),
        (&["dev", "--component", "Cargo.toml", "--config", "none.json"], &["none.json is not there", "--config"]),
        (&["connector", "list", "--server", "nonsense"], &["--server nonsense is no URL"]),
        (&["connector", "list", "--server", "http://10.0.0.1"], &["not encrypted", "--insecure"]),
        (&["connector", "list", "--key-file", "none"], &["cannot read the key from none"]),
        (&["connector", "list"], &["there is no key", "SENDBOX_KEY", "--key-file"]),
        (&["connector", "show", "..", "ab"], &["must be an id"]),
        (&["connector", "show", "acme-sms", "xyz"], &["hexadecimal"]),
        (&["connector", "canary", "acme-sms", "ab", "100"], &["1..=99"]),
        (&["connector", "canary", "acme-sms"], &["<DIGEST>", "<PERCENT>"]),
        (&["connector", "canary", "acme-sms", "ab", "10", "--end"], &["cannot be used with"]),
        (&["connector", "push", "a.wasm", "--activate", "--canary", "10"], &["cannot be used with"]),
        (&["serve", "--public-url", "sms.example.com"], &["must be like `https://sms.example.com`"]),
        (&["serve", "--public-url", "https://sms.example.com/?a=b"], &["no user, query or fragment"]),
        (&["simulate", "--fault", "twilio=sloth"], &["is no fault"]),
        (&["simulate", "--fault", "nobody=stall"], &["no fault can hit `nobody`"]),
        (&["simulate", "--fault", "twilio=code:1"], &["no error code `1`"]),
        (&["simulate", "--answer", "api.example.com"], &["HOST=FILE.json"]),
        (&["simulate", "--ca-file", "/no/such/folder/ca.pem"], &["/no/such/folder/ca.pem"]),
    ];
    for (args, wanted) in cases {
        let ran = run(args).await;
        assert_eq!((ran.exit, ran.stdout.as_str()), (2, ""), "{args:?}: {}", ran.stderr);
        for part in *wanted {
            assert!(ran.stderr.contains(part), "{args:?}: {part}\n{}", ran.stderr);
        }
    }
}

#[tokio::test]
async fn the_values_of_a_send() {
    let fixture = CliFixture::new().await;
    let cases: &[Case] = &[
        (&["--show-sealed"], &["--dry-run"]),
        (&["--usage", "signing"], &["`signing` is no usage", "sign-in"]),
        (&["--lifetime", "soon"], &["--lifetime must be"]),
        (&["--lifetime", "2h"], &["--lifetime: must be from 1 second to 1 hour"]),
        (&["--locale", "da_DK"], &["--locale: must be a language tag"]),
        (&["--client-ip", "here"], &["--client-ip: must be an IPv4 or IPv6 address"]),
        (&["--variable", "code=1"], &["--variable code: has its value from the message"]),
        (&["--variable", "link"], &["NAME=VALUE"]),
        (&["--idempotency-key", "a b"], &["--idempotency-key: must be 1 to 255"]),
        (&["--allow-reveal", "all"], &["secret, code, recipient, text, variable, client-ip"]),
        (&["--connect-to", "a.example:443=10.0.0.1:443"], &["not a loopback address"]),
        (&["--connect-to", "nonsense"], &["HOST:PORT=ADDRESS:PORT"]),
        (&["--extra-ca", "Cargo.toml"], &["--extra-ca Cargo.toml", "no certificate"]),
        (&["--extra-ca", "none.pem"], &["--extra-ca none.pem"]),
        (&["--limits", "none.json"], &["cannot read none.json"]),
        (&["--grant", "Cargo.toml"], &["Cargo.toml is not what is wanted"]),
        (&["--cache", "a", "--no-cache"], &["cannot be used with"]),
    ];
    for (more, wanted) in cases {
        let ran = fixture.send("twilio", more).await;
        assert_eq!((ran.exit, ran.stdout.as_str()), (2, ""), "{more:?}: {}", ran.stderr);
        for part in *wanted {
            assert!(ran.stderr.contains(part), "{more:?}: {part}\n{}", ran.stderr);
        }
    }
    assert!(fixture.simulator.requests().is_empty());
}

#[tokio::test]
async fn configurations() {
    let cases: &[(&str, &[&str])] = &[
        ("{", &["twilio.json is not what is wanted", "line 1"]),
        ("{}", &["/parameters: is missing"]),
        (r#"{"accountSID": "AC"}"#, &["/accountSID: unknown field", "stand in `parameters`"]),
        (
            r#"{"parameters": {"authToken": {"$env": "NOT_SET_HERE"}}}"#,
            &["/parameters/authToken", "NOT_SET_HERE is not set"],
        ),
        (r#"{"parameters": {"authToken": {"$file": "none"}}}"#, &["/parameters/authToken", "cannot read"]),
        (
            r#"{"parameters": {}, "templates": [{"usage": "generic", "content": "hello"}]}"#,
            &["/templates/0/content", "{{code}}"],
        ),
        (
            r#"{"parameters": {"accountSID": "x", "authToken": "t", "tokn": 1}}"#,
            &["/parameters/accountSID", "tokn", "fromMessagingServiceSID", "/templates", "there are no templates"],
        ),
        (
            r#"{"parameters": {}, "templates": [{"usage": "generic", "content": "{{code}}"}]}"#,
            &[
                "/parameters/accountSID: is missing",
                "/parameters/authToken: is missing",
                "one of these is needed: fromMessagingServiceSID, from",
            ],
        ),
        (
            r#"{"parameters": {}, "templates": [{"usage": "register", "content": "{{code}}"}]}"#,
            &["no template for `generic`", "there is register"],
        ),
    ];
    let fixture = CliFixture::new().await;
    for (config, wanted) in cases {
        fixture.write("twilio.json", config);
        let ran = fixture.send("twilio", &[]).await;
        assert_eq!((ran.exit, ran.stdout.as_str()), (2, ""), "{config}: {}", ran.stderr);
        for part in *wanted {
            assert!(ran.stderr.contains(part), "{config}: {part}\n{}", ran.stderr);
        }
    }
}

#[tokio::test]
async fn everything_at_once_and_as_json() {
    let fixture = CliFixture::new().await;
    fixture.write("twilio.json", r#"{"parameters": {"accountSID": "x"}}"#);
    let ran = fixture.send("twilio", &["--json", "--lifetime", "0", "--client-ip", "x"]).await;
    assert_eq!(ran.exit, 2);
    let error = ran.json()["error"].clone();
    assert_eq!((error["class"].as_str(), error["requestSent"].as_str()), (Some("invalid-input"), Some("no")));
    let fields: Vec<&str> =
        error["problems"].as_array().unwrap().iter().map(|problem| problem["field"].as_str().unwrap()).collect();
    for field in ["/parameters/accountSID", "/parameters", "--lifetime", "--client-ip", "/templates"] {
        assert!(fields.contains(&field), "{field}: {fields:?}");
    }
}

#[tokio::test]
async fn files_that_are_no_connectors() {
    let fixture = CliFixture::new().await;
    for (name, contents, wanted) in [
        ("text.wasm", &b"hello"[..], "not WebAssembly"),
        ("module.wasm", b"\0asm\x01\0\0\0", "core module"),
        ("cut.wasm", b"\0asm\x0d\0\x01\0\x01\x09", "malformed"),
    ] {
        std::fs::write(fixture.path(name), contents).unwrap();
        let ran = run(&["inspect", &fixture.path(name).display().to_string()]).await;
        assert_eq!(ran.exit, 2, "{name}: {}", ran.stderr);
        assert!(ran.stderr.contains(wanted), "{name}: {}", ran.stderr);
    }
}
