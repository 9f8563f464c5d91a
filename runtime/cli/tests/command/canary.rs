//! No number, code, text or credential is in anything that `send` prints, whatever happens.

use super::world::{BEARER, CODE, NUMBER, Ran, TEXT, TOKEN, World};

fn clean(ran: &Ran, what: &str) {
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
            let world = World::new().await;
            if !fault.is_empty() && (connector == "twilio" || !fault.contains("code:")) {
                world.simulator.inject_spec(fault.parse().unwrap()).unwrap();
            }
            for json in [&["--trace"][..], &["--trace", "--json"][..]] {
                let ran = world.send(connector, json).await;
                assert!(!ran.stdout.is_empty(), "{fault}: {}", ran.stderr);
                clean(&ran, &format!("{connector} {fault} {json:?}"));
            }
            assert!(
                !world.simulator.requests().is_empty(),
                "{connector} {fault}: nothing was sent, so nothing was tested"
            );
        }
    }
}

#[tokio::test]
async fn nor_by_errors_of_the_input() {
    let world = World::new().await;
    for more in [
        &["--lifetime", "1d"][..],
        &["--variable", TOKEN],
        &["--variable", &format!("code={CODE}")],
        &["--usage", "sign-in", "--locale", "no such tag"],
        &["--client-ip", NUMBER],
    ] {
        let ran = world.send("twilio", more).await;
        assert_eq!(ran.exit, 2, "{more:?}: {}", ran.stderr);
        clean(&ran, &format!("{more:?}"));
    }
    let ran = world.send_piped(&format!("{TEXT} {CODE}"), &[]).await;
    assert_eq!(ran.exit, 2);
    clean(&ran, "a bad code");
}
