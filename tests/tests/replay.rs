//! The same inputs give the same requests, so that a recorded send can be replayed: promise P15.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

use sendbox_sandbox::policy::Limits;
use sendbox_sandbox::{Attempt, ClearRequest, Outcome};
use sendbox_simulator::SimulatorConfig;
use sendbox_tests::guests::Behaviour;
use sendbox_tests::sandbox_fixture::SandboxFixture;
use sendbox_tests::simulator_setup::{SimulatorSetup, connection};

async fn setup() -> SimulatorSetup {
    SimulatorSetup::new(SimulatorConfig::default(), Limits::default()).await
}

/// URL, headers and body of each request.
type Compared<'a> = Vec<(&'a str, &'a [(String, String)], &'a str)>;

fn compared(requests: &[ClearRequest]) -> Compared<'_> {
    requests.iter().map(|request| (request.url.as_str(), request.headers.as_slice(), request.body.as_str())).collect()
}

#[tokio::test]
async fn the_same_inputs_give_the_same_requests() {
    // Two sandboxes, like two processes.
    let (one, other) = (setup().await, setup().await);
    let mut depend_on_the_attempt = Vec::new();
    for built_in in sendbox_catalogue::all() {
        let name = built_in.name;
        let (parameters, template) = connection(name);
        let (here, there) = (one.load(name).await, other.load(name).await);
        let attempt = Attempt::first().unwrap();
        let sent = one.requests(&here, &attempt, &parameters, template).await;
        assert_eq!(sent.len(), 1, "{name}");
        let replayed = other.requests(&there, &attempt, &parameters, template).await;
        assert_eq!(compared(&sent), compared(&replayed), "{name}");
        let later = Attempt { started_at: attempt.started_at + 2_000, ..Attempt::first().unwrap() };
        if compared(&sent) != compared(&one.requests(&here, &later, &parameters, template).await) {
            depend_on_the_attempt.push(name);
        }
    }
    // Otherwise the comparison would prove nothing.
    assert!(depend_on_the_attempt.contains(&"aliyun") && depend_on_the_attempt.contains(&"tencent"));
}

#[tokio::test]
async fn random_bytes_follow_from_the_nonce_of_the_attempt() {
    let (one, other) = (SandboxFixture::new().await, SandboxFixture::new().await);
    let observed = async |fixture: &SandboxFixture, attempt: &Attempt| match fixture
        .send_attempt(Behaviour::RandomSeeds, attempt.clone())
        .await
        .outcome
    {
        Outcome::Failed(failure) => failure.text,
        other => panic!("{other:?}"),
    };
    let attempt = Attempt::first().unwrap();
    let first = observed(&one, &attempt).await;
    assert!(first.contains("random ("), "{first}");
    assert_eq!(first, observed(&one, &attempt).await);
    assert_eq!(first, observed(&other, &attempt).await);
    let next = Attempt { number: 2, ..Attempt::first().unwrap() };
    assert_ne!(first, observed(&one, &next).await);
    let time = Attempt { started_at: attempt.started_at + 1, ..attempt.clone() };
    assert_eq!(first, observed(&one, &time).await, "a nonce is enough");
}
