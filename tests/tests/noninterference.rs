//! Nothing that a guest observes depends on a sealed value: a thousand random programs, each run twice with different secrets,
//! numbers, codes and texts. `cargo run --release -p sendbox-tests --example noninterference -- --programs 1000000` runs more,
//! and `tests/fuzz/run noninterference 600` searches for those that reach other code.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test")]

use std::fs;
use std::path::Path;

use sendbox_tests::noninterference::{Comparison, Tally};

const PROGRAMS: u64 = 1_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_programs_observe_the_same_whatever_is_sealed() {
    let comparison = Comparison::start().await;
    let mut all = Tally::default();
    for seed in 0..PROGRAMS {
        match comparison.check(seed).await {
            Ok(tally) => all.add(&tally),
            Err(finding) => panic!("{finding}"),
        }
    }
    // Programs that do nothing would not prove anything.
    println!("{all}");
    assert!(all.observations > 20 * PROGRAMS as usize, "{all}");
    assert!(all.answered > PROGRAMS as usize, "{all}");
    assert!(all.ended > PROGRAMS as usize / 4, "{all}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn programs_that_a_fuzzer_found() {
    let comparison = Comparison::start().await;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds/noninterference");
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty());
    for file in files {
        if let Err(finding) = comparison.check_input(&fs::read(&file).unwrap()).await {
            panic!("{}: {finding}", file.display());
        }
    }
}
