//! The host bounds what a guest asks for before it allocates. In a process of its own, because the test measures the process.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test")]

use sendbox_sandbox::{Outcome, RequestSent};
use sendbox_tests::SandboxFixture;
use sendbox_tests::guests::Behaviour;

/// The peak memory of this process, in KiB.
fn peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("this is not Linux");
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// 700 handles of one value of 480 KiB would be a body of 328 MiB. It must be refused before it is assembled.
#[tokio::test]
async fn a_request_of_many_handles_is_never_put_together() {
    let fixture = SandboxFixture::new().await;
    fixture.expect_next_send_works("nothing yet").await;
    let before = peak_kib();
    let report = fixture.send(Behaviour::GiantRequest, "handles").await;
    assert_eq!(report.used.requests, 1, "it reached the request");
    let Outcome::Failed(failure) = report.outcome else { panic!("{:?}", report.outcome) };
    assert_eq!(failure.request_sent, RequestSent::No);
    let grown = peak_kib() - before;
    assert!(grown < 64 << 10, "the host took {grown} KiB for a request that it refuses");
    fixture.expect_next_send_works("a giant request").await;
}
