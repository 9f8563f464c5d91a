//! Random inputs, and those that a fuzzer found: the policy keeps its promises for each.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use fastrand::Rng;
use sendbox_request_fuzz::{Checked, check};

const INPUTS: u64 = 3_000;

#[test]
fn random_requests_leave_as_what_they_were_judged_to_be() {
    let mut ends: BTreeMap<Checked, usize> = BTreeMap::new();
    for seed in 0..INPUTS {
        let mut random = Rng::with_seed(seed);
        let length = random.usize(96..800);
        let input: Vec<u8> = std::iter::repeat_with(|| random.u8(..)).take(length).collect();
        match check(&input) {
            Ok(end) => *ends.entry(end).or_default() += 1,
            Err(finding) => panic!("seed {seed}: {finding}"),
        }
    }
    println!("{ends:?}");
    // The test would prove nothing if all requests were refused, or all permitted.
    for end in [Checked::Refused, Checked::NotConfirmed, Checked::LeavesEmpty, Checked::Leaves] {
        assert!(ends.get(&end).copied().unwrap_or_default() > INPUTS as usize / 100, "{end:?}: {ends:?}");
    }
}

#[test]
fn inputs_of_any_length_are_requests() {
    for length in 0..300 {
        for byte in [0, 1, 0x7f, 0xff] {
            if let Err(finding) = check(&vec![byte; length]) {
                panic!("{length} times {byte}: {finding}");
            }
        }
    }
}

#[test]
fn inputs_that_a_fuzzer_found() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/seeds/request");
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(files.len() > 20, "only {} inputs", files.len());
    for file in files {
        if let Err(finding) = check(&fs::read(&file).unwrap()) {
            panic!("{}: {finding}", file.display());
        }
    }
}
