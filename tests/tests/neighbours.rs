//! A tenant whose sends stall or loop leaves room for the others: promise P10. What it costs them is measured by the benchmark
//! `neighbour`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test")]

use std::sync::Arc;
use std::time::Duration;

use sendbox_contract::ConnectorFault;
use sendbox_sandbox::policy::Limits;
use sendbox_sandbox::{Outcome, SendResult};
use sendbox_tests::expect_accepted;
use sendbox_tests::guests::Behaviour;
use sendbox_tests::sandbox_fixture::{SandboxFixture, SandboxFixtureConfig};
use sendbox_tests::server::{Script, Step};
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
