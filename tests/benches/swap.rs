//! The cost of swapping a connector under load, with the service and its journal in this process, on SQLite.
//!
//! - `swap`: p99 of a synchronous send at ten swaps per second / without swaps, interleaved, medians;
//! - `failed`: messages that were not accepted, over all runs, and messages whose version was neither active nor a canary;
//! - `rollback`: from the activation of a version that traps, under load, to the end of it; every message of that time is accepted;
//! - `growth`: mappings and resident memory after 1,000 swaps, each of which loads a version and unloads one, / after 100.
//!
//! The rate of sends depends on the machine: each send is two commits to disk. A run in which a message failed is not
//! counted: the benchmark ends with an error instead.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a benchmark"
)]

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use sendbox_domain::model::{Activation, VersionActivation, VersionState};
use sendbox_service::Caller;
use sendbox_tests::test_service::{TENANT, TestService, message};
use sendbox_tests::versioned::{ID, digest, input, version};

const REPETITIONS: usize = 5;
const RUN: Duration = Duration::from_secs(4);
const SENDERS: u64 = 16;
const SWAPS_A_SECOND: u32 = 10;
const VERSIONS: u32 = 40;
const BAD: u32 = 10;
const SWAPS: u32 = 1000;
const WARM: u32 = 100;
const ADMIN: &Caller = &Caller::Platform;

fn main() {
    if !std::env::args().any(|argument| argument == "--bench") {
        println!("run with `cargo bench -p sendbox-tests --bench swap`");
        return;
    }
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap().block_on(run());
}

struct Bench {
    fixture: TestService,
    versions: Vec<String>,
    number: AtomicU64,
    /// Messages that a bad version refused and the previous version sent.
    rescued: AtomicU64,
}

async fn run() {
    let fixture = TestService::standalone().await;
    let mut versions = Vec::new();
    for number in 0..VERSIONS {
        versions.push(upload(&fixture, &version(number, "honest")).await);
    }
    for number in 0..BAD {
        upload(&fixture, &version(5000 + number, "trap")).await;
    }
    fixture.service.save_connection(ADMIN, TENANT, "acme", input()).await.unwrap();
    fixture.service.activate(ADMIN, TENANT, Activation { name: "acme".to_owned() }).await.unwrap();
    let bench = Arc::new(Bench { fixture, versions, number: AtomicU64::new(20_000_000), rescued: AtomicU64::new(0) });
    let turning = Arc::clone(&bench);
    // The manual clock advances with the real time.
    let clock = tokio::spawn(async move {
        let (began, mut last_tick) = (Instant::now(), 0);
        loop {
            tokio::time::sleep(Duration::from_millis(2)).await;
            let now = i64::try_from(began.elapsed().as_millis()).unwrap();
            turning.fixture.clock.advance_millis(now - last_tick);
            last_tick = now;
        }
    });

    bench.load(RUN, 0).await;
    let (mut quiet, mut swapped) = (Vec::new(), Vec::new());
    for _ in 0..REPETITIONS {
        quiet.push(bench.load(RUN, 0).await);
        swapped.push(bench.load(RUN, SWAPS_A_SECOND).await);
    }
    let (quiet, swapped) = (median(quiet), median(swapped));
    println!("without swaps          {:>6.0} sends/s, p99 {:.2} ms", quiet.rate, quiet.p99);
    println!("{SWAPS_A_SECOND} swaps a second       {:>6.0} sends/s, p99 {:.2} ms", swapped.rate, swapped.p99);
    let (slowest, rescued) = bench.bad_versions().await;
    println!(
        "{BAD} bad versions          slowest rollback {:.0} ms, {rescued} messages rescued",
        slowest.as_secs_f64() * 1000.0
    );
    let (early, late, rate) = bench.many_swaps().await;
    println!("{SWAPS} swaps under load   {rate:>6.0} swaps/s");
    println!("after {WARM} swaps        {:>6} mappings, {:>6} KiB resident", early.0, early.1);
    println!("after {SWAPS} swaps       {:>6} mappings, {:>6} KiB resident", late.0, late.1);
    clock.abort();
    println!();
    println!("failed messages        0");
    println!("rollback, s            {:.2}", slowest.as_secs_f64());
    println!("growth, mappings       {:.3}", late.0 as f64 / early.0 as f64);
    println!("growth, resident       {:.3}", late.1 as f64 / early.1 as f64);
    println!("swap, p99              {:.2}", swapped.p99 / quiet.p99);
}

/// Uploads a version, and waits for the end of its check.
async fn upload(fixture: &TestService, file: &[u8]) -> String {
    fixture.service.upload(ADMIN, None, file).await.unwrap();
    loop {
        let uploaded = fixture.service.uploaded(ADMIN, None, &digest(file)).await.unwrap();
        match uploaded.state {
            VersionState::Ready => return digest(file),
            VersionState::Refused => panic!("{:?}", uploaded.refusal),
            VersionState::Checking => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
}

#[derive(Clone, Copy)]
struct Run {
    rate: f64,
    p99: f64,
}

fn median(mut runs: Vec<Run>) -> Run {
    let middle = |values: &mut Vec<f64>| {
        values.sort_by(f64::total_cmp);
        values[values.len() / 2]
    };
    let mut rates: Vec<f64> = runs.iter().map(|run| run.rate).collect();
    let mut p99s: Vec<f64> = runs.drain(..).map(|run| run.p99).collect();
    Run { rate: middle(&mut rates), p99: middle(&mut p99s) }
}

impl Bench {
    /// Sends for a while with this many swaps per second, and checks the outcome of all messages.
    async fn load(self: &Arc<Self>, time: Duration, swaps_a_second: u32) -> Run {
        let over = Arc::new(AtomicBool::new(false));
        let senders: Vec<_> =
            (0..SENDERS).map(|_| tokio::spawn(Arc::clone(self).send_until(Arc::clone(&over)))).collect();
        let began = Instant::now();
        let mut swap = 0;
        while began.elapsed() < time {
            if swaps_a_second == 0 {
                tokio::time::sleep(Duration::from_millis(20)).await;
                continue;
            }
            self.swap(swap, 10).await;
            swap += 1;
            tokio::time::sleep_until((began + Duration::from_secs(1) * swap / swaps_a_second).into()).await;
        }
        over.store(true, Ordering::Relaxed);
        let mut latencies = Vec::new();
        for sender in senders {
            latencies.extend(sender.await.unwrap());
        }
        let rate = latencies.len() as f64 / began.elapsed().as_secs_f64();
        latencies.sort_unstable();
        let p99 = latencies[latencies.len() * 99 / 100];
        Run { rate, p99: p99.as_secs_f64() * 1000.0 }
    }

    async fn send_until(self: Arc<Self>, over: Arc<AtomicBool>) -> Vec<Duration> {
        let known: BTreeSet<&String> = self.versions.iter().collect();
        let mut latencies = Vec::new();
        while !over.load(Ordering::Relaxed) {
            let number = format!("+45{}", self.number.fetch_add(1, Ordering::Relaxed));
            let began = Instant::now();
            let sent = self.fixture.service.send_message(ADMIN, TENANT, message(&number, "314159"), None).await;
            latencies.push(began.elapsed());
            let sent = sent.expect("a message failed: this run does not count");
            assert_eq!(sent.status.as_str(), "accepted", "a message was not accepted: this run does not count");
            let last = sent.attempts.last().expect("an attempt");
            assert!(known.contains(&last.connector_digest), "sent by a version that is not good");
            if sent.attempts.len() > 1 {
                self.rescued.fetch_add(1, Ordering::Relaxed);
            }
        }
        latencies
    }

    async fn swap(&self, number: u32, drain: u32) {
        let release = self.fixture.service.release(ADMIN, None, ID).await.unwrap();
        let others: Vec<&String> = self.versions.iter().filter(|digest| **digest != release.active).collect();
        let activation = VersionActivation {
            digest: others[number as usize % others.len()].clone(),
            generation: None,
            auto_rollback_seconds: None,
            drain_seconds: Some(drain),
        };
        self.fixture.service.activate_version(ADMIN, None, ID, activation).await.unwrap();
    }

    /// Activates versions that trap, under load. Returns the longest time until a rollback, and the number of affected messages.
    async fn bad_versions(self: &Arc<Self>) -> (Duration, u64) {
        let over = Arc::new(AtomicBool::new(false));
        let senders: Vec<_> =
            (0..SENDERS).map(|_| tokio::spawn(Arc::clone(self).send_until(Arc::clone(&over)))).collect();
        let before = self.rescued.load(Ordering::Relaxed);
        let mut slowest = Duration::ZERO;
        for number in 0..BAD {
            let bad = digest(&version(5000 + number, "trap"));
            let activation = VersionActivation {
                digest: bad.clone(),
                generation: None,
                auto_rollback_seconds: None,
                drain_seconds: None,
            };
            self.fixture.service.activate_version(ADMIN, None, ID, activation).await.unwrap();
            let began = Instant::now();
            while self.fixture.service.release(ADMIN, None, ID).await.unwrap().active == bad {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            slowest = slowest.max(began.elapsed());
        }
        over.store(true, Ordering::Relaxed);
        for sender in senders {
            sender.await.unwrap();
        }
        (slowest, self.rescued.load(Ordering::Relaxed) - before)
    }

    /// Swaps as fast as possible, under load. Returns the process's mappings and memory early on and at the end.
    async fn many_swaps(self: &Arc<Self>) -> ((u64, u64), (u64, u64), f64) {
        let over = Arc::new(AtomicBool::new(false));
        let senders: Vec<_> =
            (0..SENDERS).map(|_| tokio::spawn(Arc::clone(self).send_until(Arc::clone(&over)))).collect();
        let began = Instant::now();
        let mut early = (0, 0);
        for number in 0..SWAPS {
            // Two seconds: longer than any send here, and short enough that versions are unloaded all the time.
            self.swap(number, 2).await;
            if number == WARM {
                early = footprint();
            }
        }
        let rate = f64::from(SWAPS) / began.elapsed().as_secs_f64();
        let late = footprint();
        over.store(true, Ordering::Relaxed);
        for sender in senders {
            sender.await.unwrap();
        }
        (early, late, rate)
    }
}

/// Mappings and resident KiB of this process.
fn footprint() -> (u64, u64) {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap().lines().count() as u64;
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    (maps, resident.trim().trim_end_matches(" kB").parse().unwrap())
}
