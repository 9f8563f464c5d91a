//! Versions of a connector come and go: what is withdrawn ends, and one that is dropped leaves nothing behind.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

use std::fs;
use std::time::{Duration, Instant};

use sendbox_sandbox::policy::Limits;
use sendbox_sandbox::{Failure, FailureClass, Party, RequestSent, SendResult};
use sendbox_tests::lab::hostile;
use sendbox_tests::{Handshake, Lab, LabConfig, Script, Step, expect_accepted, expect_failure};
use tokio_util::sync::CancellationToken;

/// No test waits so long unless it fails.
const NEVER: Duration = Duration::from_secs(60);

/// Limits that end nothing before the withdrawal does.
async fn patient_lab() -> Lab {
    let ms = 4 * NEVER.as_millis() as u64;
    let limits = Limits { connect_ms: ms, tls_ms: ms, first_byte_ms: ms, send_ms: ms, cpu_ms: ms, ..Limits::default() };
    Lab::with(LabConfig { limits, ..LabConfig::default() }).await
}

async fn until(what: &str, condition: impl Fn() -> bool) {
    let deadline = Instant::now() + NEVER;
    while !condition() {
        assert!(Instant::now() < deadline, "{what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn expect_withdrawn(what: &str, report: SendResult, class: FailureClass, sent: RequestSent) -> Failure {
    let failure = expect_failure(what, report, class, sent);
    assert_eq!(failure.party, Party::Host, "{what}");
    assert!(failure.text.contains("withdrawn"), "{what}: {}", failure.text);
    failure
}

/// One send, and the withdrawal as soon as `ready`. Both must end.
async fn withdrawn_when(lab: &Lab, behaviour: &str, ready: impl Fn() -> bool) -> SendResult {
    let withdrawal = async {
        until("the send is under way", ready).await;
        lab.withdrawn.cancel();
    };
    tokio::time::timeout(2 * NEVER, async { tokio::join!(lab.send(behaviour, ""), withdrawal).0 })
        .await
        .expect("the withdrawal ends the send")
}

#[tokio::test]
async fn a_withdrawn_send_does_not_begin() {
    let mut lab = Lab::new().await;
    lab.expect_next_send_works("nothing").await;
    lab.withdrawn.cancel();
    expect_withdrawn("afterwards", lab.send("honest", "").await, FailureClass::Unavailable, RequestSent::No);
    lab.expect_seen(1, "after the withdrawal");
    // It was those sends that were withdrawn: the version is as good as before.
    lab.withdrawn = CancellationToken::new();
    lab.expect_next_send_works("a withdrawal").await;
}

#[tokio::test]
async fn a_send_whose_request_has_left_is_in_doubt() {
    let lab = patient_lab().await;
    lab.server.play(Script::steps([Step::Read, Step::Silence]));
    let report = withdrawn_when(&lab, "honest", || lab.server.seen().len() == 1).await;
    let failure = expect_withdrawn("after the request", report, FailureClass::InDoubt, RequestSent::Maybe);
    assert!(failure.text.contains("under way"), "{}", failure.text);
    // The connection of the send goes with it.
    lab.server.until_closed(1).await;
}

#[tokio::test]
async fn a_send_that_still_connects_is_not_sent() {
    let lab = patient_lab().await;
    lab.server.play(Script::handshake(Handshake::Stall));
    let report = withdrawn_when(&lab, "honest", || lab.server.connections() == 1).await;
    expect_withdrawn("while connecting", report, FailureClass::NotSent, RequestSent::No);
    lab.expect_seen(0, "while connecting");
}

#[tokio::test]
async fn a_guest_that_computes_is_ended() {
    let lab = patient_lab().await;
    // It has no way to say that it runs; long before this many polls it does.
    let polls = std::cell::Cell::new(0);
    let report = withdrawn_when(&lab, "loop_in_send", || polls.replace(polls.get() + 1) > 20).await;
    expect_withdrawn("in a loop", report, FailureClass::NotSent, RequestSent::No);
}

#[tokio::test]
async fn a_send_that_waits_for_its_place_is_refused() {
    let lab = patient_lab().await;
    lab.server.play(Script::steps([Step::Read, Step::Silence]));
    // The lab has four places.
    let withdrawal = async {
        until("all places are taken", || lab.server.seen().len() == 4).await;
        lab.withdrawn.cancel();
    };
    let send = || lab.send("honest", "");
    let (a, b, c, d, e, ()) = tokio::join!(send(), send(), send(), send(), send(), withdrawal);
    let classes: Vec<_> = [a, b, c, d]
        .into_iter()
        .map(|report| expect_withdrawn("with a place", report, FailureClass::InDoubt, RequestSent::Maybe).class)
        .collect();
    assert_eq!(classes.len(), 4);
    expect_withdrawn("in line", e, FailureClass::Unavailable, RequestSent::No);
    lab.expect_seen(4, "with four places");
}

/// The same component with another custom section, so that it is another version.
fn version(number: u32) -> Vec<u8> {
    let name = b"\x07version";
    let mut component = hostile();
    component.extend([0, u8::try_from(name.len() + 4).unwrap()]);
    component.extend(name);
    component.extend(number.to_le_bytes());
    component
}

fn mappings() -> usize {
    fs::read_to_string("/proc/self/maps").unwrap().lines().count()
}

/// Two hundred versions, each loaded, used and dropped. What is held for the twentieth is what is held for the last.
#[tokio::test]
async fn a_dropped_version_leaves_nothing_behind() {
    let mut lab = Lab::with(LabConfig { one_owner: true, ..LabConfig::default() }).await;
    let mut at_the_twentieth = 0;
    for number in 1..=200 {
        let connector = lab.sandbox.load(&version(number)).await.unwrap();
        // The version before is dropped here, and its client with it.
        lab.connector = connector;
        assert_eq!(lab.sandbox.http_clients(), 0, "before the first send of version {number}");
        expect_accepted("a send", lab.send("honest", "").await);
        assert_eq!(lab.sandbox.http_clients(), 1, "version {number} keeps its connections");
        if number == 20 {
            at_the_twentieth = mappings();
        }
    }
    let grown = mappings().saturating_sub(at_the_twentieth);
    // Threads of the runtime and their heaps come and go; a mapping for each version would be 180 of them.
    assert!(grown < 40, "{grown} mappings more, from {at_the_twentieth} on");
}
