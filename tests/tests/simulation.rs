//! Hundreds of runs of the simulation (`tests/src/simulation.rs`): crashes, failed commits, slow providers, steps of clocks and several
//! processes, in every order that a seed decides. `SENDBOX_SIMULATION_SEEDS` sets how many;
//! `cargo run --release -p sendbox-tests --example simulation -- --seeds 1000000` runs more.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test")]

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use sendbox_tests::simulation::{Fault, Simulation, Tally};

/// What fits into a run of all tests: a seed takes a third of a second of CPU in a debug build.
const SEEDS: u64 = 400;
/// Each core runs seeds of its own.
const THREADS: usize = 2;

#[test]
fn every_promise_is_kept_in_every_run() {
    let seeds = std::env::var("SENDBOX_SIMULATION_SEEDS").map_or(SEEDS, |seeds| seeds.parse().unwrap());
    let simulation = Simulation::prepare();
    let (next, all) = (AtomicU64::new(0), Mutex::new(Tally::default()));
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds {
                        return;
                    }
                    match simulation.run(seed) {
                        Ok(passed) => all.lock().unwrap().add(&passed.tally),
                        Err(finding) => panic!("{finding}"),
                    }
                }
            });
        }
    });
    let all = all.into_inner().unwrap();
    println!("{all}");
    for fault in Fault::ALL {
        assert!(all.of(fault) > 0, "{fault:?} has never happened");
    }
    assert!(all.sent > seeds && all.approved > seeds / 20 && all.limited > seeds / 50, "{all}");
}

#[test]
fn seeds_that_found_something_pass() {
    let simulation = Simulation::prepare();
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/simulation/seeds.txt");
    let text = std::fs::read_to_string(file).unwrap();
    let seeds = text.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_whitespace().next());
    for seed in seeds {
        if let Err(finding) = simulation.run(seed.parse().unwrap()) {
            panic!("{finding}");
        }
    }
}

#[test]
fn a_seed_gives_the_same_history_each_time() {
    let (one, other) = (Simulation::prepare(), Simulation::prepare());
    for seed in 0..10 {
        let [one, other] = [&one, &other].map(|simulation| match simulation.run(seed) {
            Ok(passed) => passed.history,
            Err(finding) => panic!("{finding}"),
        });
        assert_eq!(one, other, "seed {seed}");
    }
}
