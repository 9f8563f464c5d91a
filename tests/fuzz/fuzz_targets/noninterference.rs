//! Fuzzes what a guest observes. See `sendbox_tests::noninterference` for the checked property.

#![no_main]

use std::sync::LazyLock;

use sendbox_tests::noninterference::Comparison;
use tokio::runtime::Runtime;

/// Started once, for all inputs.
static STARTED: LazyLock<(Runtime, Comparison)> = LazyLock::new(|| {
    let runtime = Runtime::new().expect("a runtime starts");
    let comparison = runtime.block_on(Comparison::start());
    (runtime, comparison)
});

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let (runtime, comparison) = &*STARTED;
    if let Err(finding) = runtime.block_on(comparison.check_input(input)) {
        panic!("{finding}");
    }
});
