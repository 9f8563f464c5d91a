//! A tenant whose sends stall or loop, or whose schemas are slow, leaves room for the others: promise P10. What it costs them is measured by
//! the benchmark `neighbour`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test")]

use std::sync::Arc;
use std::time::Duration;

use sendbox_contract::ConnectorFault;
use sendbox_domain::model::{Activation, Environment};
use sendbox_sandbox::policy::Limits;
use sendbox_sandbox::{Outcome, SendResult};
use sendbox_service::{Caller, Error};
use sendbox_tests::expect_accepted;
use sendbox_tests::guests::Behaviour;
use sendbox_tests::sandbox_fixture::{SandboxFixture, SandboxFixtureConfig};
use sendbox_tests::server::{Script, Step};
use sendbox_tests::test_service::{TENANT, TestService, message, test_of_main, twilio_in_dublin};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// More than the fixture has slots.
const SENDS: usize = 20;
/// Slots of the fixture that one owner may hold.
const SHARE: usize = 3;

/// A fixture in which no send ends because the machine is slow.
async fn fixture(cpu_ms: u64) -> Arc<SandboxFixture> {
    let limits = Limits { first_byte_ms: 600_000, send_ms: 900_000, cpu_ms, ..Limits::default() };
    Arc::new(SandboxFixture::with(SandboxFixtureConfig { limits, ..SandboxFixtureConfig::default() }).await)
}

fn sends(fixture: &Arc<SandboxFixture>, owner: &'static str, behaviour: Behaviour) -> JoinSet<SendResult> {
    let send = |_| {
        let fixture = Arc::clone(fixture);
        async move { fixture.send_as(owner, behaviour).await }
    };
    (0..SENDS).map(send).collect()
}

#[tokio::test]
async fn sends_that_stall_leave_room_for_other_owners() {
    let fixture = fixture(Limits::default().cpu_ms).await;
    fixture.server.play(Script::steps([Step::Read, Step::WaitFor(CancellationToken::new())]));
    let mut stalled = sends(&fixture, "stalls", Behaviour::Honest);
    while fixture.server.seen().len() < SHARE {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    fixture.server.play(Script::good());
    for owner in ["one", "other", "one"] {
        expect_accepted(owner, fixture.send_as(owner, Behaviour::Honest).await);
    }
    assert_eq!(fixture.server.seen().len(), SHARE + 3, "the others of the owner that stalls are still waiting");
    assert!(stalled.try_join_next().is_none(), "the provider has not answered");
}

#[tokio::test]
async fn guests_that_loop_leave_room_for_other_owners() {
    let fixture = fixture(50).await;
    let mut looping = sends(&fixture, "loops", Behaviour::LoopInSend);
    for owner in ["one", "other", "one"] {
        expect_accepted(owner, fixture.send_as(owner, Behaviour::Honest).await);
    }
    while let Some(looped) = looping.join_next().await {
        let Outcome::Failed(failure) = looped.unwrap().outcome else { panic!("a loop has no end") };
        assert!(matches!(failure.fault, Some(ConnectorFault::Cpu { limit_ms: 50 })), "{failure:?}");
    }
}

/// Runs something of [`TENANT`] that needs a validation, and holds the validation back. Meanwhile another tenant writes.
async fn others_write_during_the_validation_of<T: Send + 'static>(
    fixture: &TestService,
    operation: impl Future<Output = Result<T, Error>> + Send + 'static,
) -> T {
    let held = fixture.service.hold_validations().await;
    let operation = tokio::spawn(operation);
    while held.waiting() == 0 {
        assert!(!operation.is_finished(), "it needed no validation");
        tokio::task::yield_now().await;
    }
    // Far longer than a write takes: it ends only what would never end.
    let write =
        tokio::time::timeout(Duration::from_secs(60), fixture.set_policy("other", |policy| policy.codes.digits = 7));
    write.await.expect("another tenant waits for the validation");
    assert!(!operation.is_finished(), "it does not wait for its validation");
    drop(held);
    operation.await.unwrap().unwrap()
}

#[tokio::test]
async fn a_schema_is_validated_while_no_transaction_writes() {
    let fixture = TestService::standalone().await;
    fixture.add_tenant("other", Environment::Development).await;
    let admin = || &Caller::Platform;

    let service = fixture.service.clone();
    let save = async move { service.save_connection(admin(), TENANT, "second", twilio_in_dublin()).await };
    others_write_during_the_validation_of(&fixture, save).await;

    let service = fixture.service.clone();
    let test = async move {
        let mut test = test_of_main("+4512345678");
        test.parameters = Some(twilio_in_dublin().parameters);
        service.test_connection(admin(), TENANT, test).await
    };
    others_write_during_the_validation_of(&fixture, test).await;

    // Nothing is remembered by a new process.
    let fixture = fixture.restart().await;
    let service = fixture.service.clone();
    let activate = async move { service.activate(admin(), TENANT, Activation { name: "second".to_owned() }).await };
    others_write_during_the_validation_of(&fixture, activate).await;

    let fixture = fixture.restart().await;
    let service = fixture.service.clone();
    let send = async move { service.send_message(admin(), TENANT, message("+4512345678", "123456"), None).await };
    others_write_during_the_validation_of(&fixture, send).await;
}
