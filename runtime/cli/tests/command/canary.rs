//! Nothing that `send` prints contains a number, code, text or credential, whatever happens.

use super::fixture::{BEARER, CODE, CliFixture, CommandOutput, NUMBER, TEXT, TOKEN};

fn clean(ran: &CommandOutput, what: &str) {
    let national = NUMBER.trim_start_matches("+45");
    for canary in [NUMBER, national, CODE, TEXT, TOKEN, BEARER, "canary-authorization"] {
        for (name, text) in [("stdout", &ran.stdout), ("stderr", &ran.stderr)] {
            assert!(!text.contains(canary), "{what}: {canary} is on {name}:\n{text}");
        }
    }
}

#[tokio::test]
async fn nothing_sealed_is_printed() {
    for fault in ["", "*=echo", "*=echo:201", "*=status:400", "*=garbage", "*=code:21211", "*=reset-after"] {
        for connector in ["twilio", "http"] {
            let fixture = CliFixture::new().await;
            if !fault.is_empty() && (connector == "twilio" || !fault.contains("code:")) {
                fixture.simulator.inject_spec(fault.parse().unwrap()).unwrap();
            }
            for json in [&["--trace"][..], &["--trace", "--json"][..]] {
                let ran = fixture.send(connector, json).await;
                assert!(!ran.stdout.is_empty(), "{fault}: {}", ran.stderr);
                clean(&ran, &format!("{connector} {fault} {json:?}"));
            }
            assert!(
                !fixture.simulator.requests().is_empty(),
                "{connector} {fault}: nothing was sent, so nothing was tested"
            );
        }
    }
}

#[tokio::test]
async fn nothing_sealed_is_in_errors_of_the_input() {
    let fixture = CliFixture::new().await;
    for more in [
        &["--lifetime", "1d"][..],
        &["--variable", TOKEN],
        &["--variable", &format!("code={CODE}")],
        &["--usage", "sign-in", "--idempotency-key", "no such key"],
        &["--client-ip", NUMBER],
    ] {
        let ran = fixture.send("twilio", more).await;
        assert_eq!(ran.exit, 2, "{more:?}: {}", ran.stderr);
        clean(&ran, &format!("{more:?}"));
    }
    let ran = fixture.send_piped(&format!("{TEXT} {CODE}"), &[]).await;
    assert_eq!(ran.exit, 2);
    clean(&ran, "a bad code");
}
