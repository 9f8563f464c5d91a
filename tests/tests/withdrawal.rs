//! Sends end early: with a version of a connector that is withdrawn, and with a message that has expired or is no longer wanted. A
//! dropped version leaves nothing behind.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use sendbox_sandbox::policy::Limits;
use sendbox_sandbox::{Failure, FailureClass, Party, RequestSent, Revocation, SendResult};
use sendbox_tests::guests::Behaviour;
use sendbox_tests::sandbox_fixture::hostile;
use sendbox_tests::server::answer;
use sendbox_tests::{Handshake, SandboxFixture, SandboxFixtureConfig, Script, Step, expect_accepted, expect_failure};
use tokio_util::sync::CancellationToken;

/// No test waits this long unless it fails.
const NEVER: Duration = Duration::from_secs(60);

/// A fixture whose limits end nothing before the withdrawal does.
async fn patient_fixture() -> SandboxFixture {
    let ms = 4 * NEVER.as_millis() as u64;
    let limits = Limits { connect_ms: ms, tls_ms: ms, first_byte_ms: ms, send_ms: ms, cpu_ms: ms, ..Limits::default() };
    SandboxFixture::with(SandboxFixtureConfig { limits, ..SandboxFixtureConfig::default() }).await
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

/// Sends, and withdraws the version as soon as `ready`. Both must end.
async fn withdrawn_when(fixture: &SandboxFixture, behaviour: Behaviour, ready: impl Fn() -> bool) -> SendResult {
    let withdrawal = async {
        until("the send is under way", ready).await;
        fixture.withdrawn.cancel();
    };
    tokio::time::timeout(2 * NEVER, async { tokio::join!(fixture.send(behaviour, ""), withdrawal).0 })
        .await
        .expect("the withdrawal ends the send")
}

#[tokio::test]
async fn a_withdrawn_send_does_not_begin() {
    let mut fixture = SandboxFixture::new().await;
    fixture.expect_next_send_works("nothing").await;
    fixture.withdrawn.cancel();
    expect_withdrawn(
        "afterwards",
        fixture.send(Behaviour::Honest, "").await,
        FailureClass::Unavailable,
        RequestSent::No,
    );
    fixture.expect_seen(1, "after the withdrawal");
    // Only those sends were withdrawn: the version still works.
    fixture.withdrawn = CancellationToken::new();
    fixture.expect_next_send_works("a withdrawal").await;
}

#[tokio::test]
async fn a_send_whose_request_has_left_is_in_doubt() {
    let fixture = patient_fixture().await;
    fixture.server.play(Script::steps([Step::Read, Step::Silence]));
    let report = withdrawn_when(&fixture, Behaviour::Honest, || fixture.server.seen().len() == 1).await;
    let failure = expect_withdrawn("after the request", report, FailureClass::InDoubt, RequestSent::Maybe);
    assert!(failure.text.contains("under way"), "{}", failure.text);
    // The connection of the send is closed, too.
    fixture.server.until_closed(1).await;
}

#[tokio::test]
async fn a_send_that_still_connects_is_not_sent() {
    let fixture = patient_fixture().await;
    fixture.server.play(Script::handshake(Handshake::Stall));
    let report = withdrawn_when(&fixture, Behaviour::Honest, || fixture.server.connections() == 1).await;
    expect_withdrawn("while connecting", report, FailureClass::NotSent, RequestSent::No);
    fixture.expect_seen(0, "while connecting");
}

#[tokio::test]
async fn a_running_guest_is_ended() {
    let fixture = patient_fixture().await;
    // It cannot report that it runs, but it does long before this many polls.
    let polls = std::cell::Cell::new(0);
    let report = withdrawn_when(&fixture, Behaviour::LoopInSend, || polls.replace(polls.get() + 1) > 20).await;
    expect_withdrawn("in a loop", report, FailureClass::NotSent, RequestSent::No);
}

#[tokio::test]
async fn a_send_that_waits_for_a_slot_is_refused() {
    let fixture = patient_fixture().await;
    fixture.server.play(Script::steps([Step::Read, Step::Silence]));
    // The fixture has four slots.
    let withdrawal = async {
        until("all places are taken", || fixture.server.seen().len() == 4).await;
        fixture.withdrawn.cancel();
    };
    let send = || fixture.send(Behaviour::Honest, "");
    let (a, b, c, d, e, ()) = tokio::join!(send(), send(), send(), send(), send(), withdrawal);
    let classes: Vec<_> = [a, b, c, d]
        .into_iter()
        .map(|report| expect_withdrawn("with a place", report, FailureClass::InDoubt, RequestSent::Maybe).class)
        .collect();
    assert_eq!(classes.len(), 4);
    expect_withdrawn("in line", e, FailureClass::Unavailable, RequestSent::No);
    fixture.expect_seen(4, "with four places");
}

fn expect_revoked(what: &str, result: SendResult) {
    let failure = expect_failure(what, result, FailureClass::NotSent, RequestSent::No);
    assert!(failure.text.contains("has expired or was cancelled"), "{what}: {}", failure.text);
}

#[tokio::test]
async fn nothing_leaves_of_a_message_that_is_cancelled_while_its_send_connects() {
    let fixture = patient_fixture().await;
    fixture.server.play(Script::handshake(Handshake::Stall));
    let cancel = async {
        until("the send connects", || fixture.server.connections() == 1).await;
        fixture.revocation.cancelled.cancel();
    };
    let (result, ()) = tokio::join!(fixture.send(Behaviour::Honest, ""), cancel);
    expect_revoked("while connecting", result);
    fixture.expect_seen(0, "while connecting");
}

#[tokio::test]
async fn nothing_leaves_of_a_message_that_expires_while_its_send_waits() {
    let mut fixture = patient_fixture().await;
    let soon = || Some(tokio::time::Instant::now() + Duration::from_millis(300));
    // It connects to a server that never finishes the handshake.
    fixture.server.play(Script::handshake(Handshake::Stall));
    fixture.revocation.expires_at = soon();
    expect_revoked("while connecting", fixture.send(Behaviour::Honest, "").await);
    // It waits for one of the fixture's four slots, which sends without an end hold.
    fixture.server.play(Script::steps([Step::Read, Step::Silence]));
    fixture.revocation.expires_at = None;
    let endless = [0; 4].map(|_| fixture.send(Behaviour::Honest, ""));
    let mut endless = Box::pin(futures_util::future::join_all(endless));
    tokio::select! {
        _ = &mut endless => panic!("the slots are free"),
        () = until("all slots are taken", || fixture.server.seen().len() == 4) => {}
    }
    let expired = async {
        let revocation = Revocation { expires_at: soon(), ..Revocation::default() };
        fixture.send_until(Behaviour::Honest, revocation).await
    };
    tokio::select! {
        _ = &mut endless => panic!("the slots are free"),
        result = expired => expect_revoked("while waiting", result),
    }
    fixture.expect_seen(4, "only those with a slot");
}

/// A process that was suspended continues right before the first byte: there, and not only at the beginning, it asks whether it may
/// send.
#[tokio::test]
async fn nothing_leaves_when_the_condition_fails_right_before_the_first_byte() {
    let mut fixture = patient_fixture().await;
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    fixture.revocation.may_leave = Some(Arc::new(move || count.fetch_add(1, Ordering::SeqCst) == 0));
    expect_revoked("at the last moment", fixture.send(Behaviour::Honest, "").await);
    assert_eq!((asked.load(Ordering::SeqCst), fixture.server.connections()), (2, 1));
    fixture.expect_seen(0, "at the last moment");
}

#[tokio::test]
async fn a_message_that_has_left_gets_its_response_whatever_happens_to_its_code() {
    let fixture = patient_fixture().await;
    let cancel = async {
        until("the request has left", || fixture.server.seen().len() == 1).await;
        fixture.revocation.cancelled.cancel();
    };
    // The provider responds after the cancel.
    let cancelled = fixture.revocation.cancelled.clone();
    let response = answer(201, "", br#"{"id":"m-1"}"#);
    fixture.server.play(Script::steps([Step::Read, Step::WaitFor(cancelled), Step::Write(response)]));
    let (result, ()) = tokio::join!(fixture.send(Behaviour::Honest, ""), cancel);
    expect_accepted("after the cancel", result);
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

/// Two hundred versions, each loaded, used and dropped. The last one takes as much memory as the twentieth.
#[tokio::test]
async fn a_dropped_version_leaves_nothing_behind() {
    let mut fixture =
        SandboxFixture::with(SandboxFixtureConfig { one_owner: true, ..SandboxFixtureConfig::default() }).await;
    let mut at_the_twentieth = 0;
    for number in 1..=200 {
        let connector = fixture.sandbox.load(&version(number)).await.unwrap();
        // The previous version is dropped here, with its client.
        fixture.connector = connector;
        assert_eq!(fixture.sandbox.http_clients(), 0, "before the first send of version {number}");
        expect_accepted("a send", fixture.send(Behaviour::Honest, "").await);
        assert_eq!(fixture.sandbox.http_clients(), 1, "version {number} keeps its connections");
        if number == 20 {
            at_the_twentieth = mappings();
        }
    }
    let grown = mappings().saturating_sub(at_the_twentieth);
    // Threads of the runtime and their heaps come and go; a mapping for each version would be 180 of them.
    assert!(grown < 40, "{grown} more mappings than {at_the_twentieth} at the twentieth version");
}
