//! What hostile neighbours cost a good tenant in the sandbox.
//!
//! - `neighbour`: p99 of the sends of one owner beside eight owners whose guests loop, one whose guest takes all the memory that it
//!   can get, and one with 64 sends that stall / p99 of the same sends alone, interleaved, medians;
//! - `refused`: sends of the good owner that were not accepted, over all runs.
//!
//! Everything is in this process, and shares its cores. If a good send fails, the benchmark ends with an error.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, reason = "a benchmark")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use sendbox_sandbox::Outcome;
use sendbox_sandbox::policy::Limits;
use sendbox_tests::bench::{is_benchmark, median, runtime};
use sendbox_tests::guests::Behaviour;
use sendbox_tests::sandbox_fixture::{SandboxFixture, SandboxFixtureConfig};
use sendbox_tests::server::{Script, Step};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

const REPETITIONS: usize = 5;
const RUN: Duration = Duration::from_secs(4);
const LOOPERS: usize = 8;
const STALLED: usize = 64;
/// The slots that one owner may hold, three quarters of them all.
const SHARE: usize = 48;
/// The time between two sends of the good owner, so that it does not compete with itself.
const PAUSE: Duration = Duration::from_millis(5);
const GOOD: &str = "good";

fn main() {
    if is_benchmark("neighbour") {
        rustls::crypto::ring::default_provider().install_default().expect("nobody chose a provider before");
        runtime().block_on(run());
    }
}

async fn run() {
    // A send that stalls lasts as long as a run.
    let limits = Limits { first_byte_ms: 600_000, send_ms: 900_000, ..Limits::default() };
    let config = SandboxFixtureConfig { limits, in_flight: Some(64), ..SandboxFixtureConfig::default() };
    let fixture = Arc::new(SandboxFixture::with(config).await);
    good_sends(&fixture).await;
    let mut ratios = Vec::new();
    for round in 1..=REPETITIONS {
        let alone = p99(good_sends(&fixture).await);
        let neighbours = Neighbours::start(&fixture).await;
        let beside = p99(good_sends(&fixture).await);
        neighbours.stop().await;
        let ratio = beside.as_secs_f64() / alone.as_secs_f64();
        println!("{round}: p99 {alone:?} alone, {beside:?} beside hostile neighbours ({ratio:.2})");
        ratios.push(ratio);
    }
    println!("refused    0");
    println!("neighbour  {:.2}   (must reach 1.50)", median(ratios));
}

/// Sends one message after the other for a while. Returns how long each took.
async fn good_sends(fixture: &SandboxFixture) -> Vec<Duration> {
    let (mut took, begun) = (Vec::new(), Instant::now());
    while begun.elapsed() < RUN {
        let at = Instant::now();
        let result = fixture.send_as(GOOD, Behaviour::Honest).await;
        took.push(at.elapsed());
        assert!(matches!(result.outcome, Outcome::Accepted(_)), "a good send failed: {:?}", result.outcome);
        tokio::time::sleep(PAUSE).await;
    }
    took
}

fn p99(mut took: Vec<Duration>) -> Duration {
    took.sort_unstable();
    *took.get(took.len() * 99 / 100).unwrap()
}

struct Neighbours {
    stop: CancellationToken,
    sends: JoinSet<()>,
}

impl Neighbours {
    async fn start(fixture: &Arc<SandboxFixture>) -> Self {
        let (stop, mut sends) = (CancellationToken::new(), JoinSet::new());
        fixture.server.play(Script::steps([Step::Read, Step::WaitFor(stop.clone())]));
        fixture.server.forget();
        for _ in 0..STALLED {
            let fixture = Arc::clone(fixture);
            sends.spawn(async move { drop(fixture.send_as("stalls", Behaviour::Honest).await) });
        }
        while fixture.server.seen().len() < SHARE {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        fixture.server.play(Script::good());
        let hostile = (0..LOOPERS).map(|number| (format!("loops-{number}"), Behaviour::LoopInSend));
        for (owner, behaviour) in hostile.chain([("bomb".to_owned(), Behaviour::MemoryBomb)]) {
            let (fixture, stop) = (Arc::clone(fixture), stop.clone());
            sends.spawn(async move {
                while !stop.is_cancelled() {
                    drop(fixture.send_as(&owner, behaviour).await);
                }
            });
        }
        Self { stop, sends }
    }

    async fn stop(mut self) {
        self.stop.cancel();
        while let Some(ended) = self.sends.join_next().await {
            ended.unwrap();
        }
    }
}
