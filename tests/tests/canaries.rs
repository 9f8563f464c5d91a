//! After a thousand sends, sealed values are nowhere but on the wire to the provider: not in the connector's
//! memory, not in a trace, an outcome, an error or a `Debug`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

use std::fmt::Write as _;
use std::sync::Arc;

use sendbox_sandbox::policy::{LabelKind, TenantGrant};
use sendbox_sandbox::{DryRun, Outcome, SendRequest, SendResult};
use sendbox_tests::needles::{self, Needle};
use sendbox_tests::sandbox_fixture::{CODE, E164, TOKEN, memory_scanner, message, text};
use sendbox_tests::{SandboxFixture, SandboxFixtureConfig, Script, Step};
use serde_json::{Value, json};

/// The mask that the scanner XORs needles with, as in `tests/guests/memory-scanner/src/scan.rs`.
const MASK: u8 = 0xa5;

fn masked(needles: &[Needle]) -> String {
    let hex = |needle: &Needle| needle.bytes.iter().map(|byte| format!("{:02x}", byte ^ MASK)).collect::<String>();
    needles.iter().map(hex).collect::<Vec<_>>().join(",")
}

fn parameters(needles: &[Needle]) -> Value {
    json!({
        "accountSID": format!("AC{}", "5e".repeat(16)),
        "authToken": TOKEN,
        "fromMessagingServiceSID": format!("MG{}", "7a".repeat(16)),
        "needles": masked(needles),
    })
}

async fn fixture(tenant: TenantGrant) -> SandboxFixture {
    let fixture = SandboxFixture::with(SandboxFixtureConfig {
        component: Some(memory_scanner()),
        tenant,
        ..SandboxFixtureConfig::default()
    })
    .await;
    // The provider refuses every twentieth and echoes the credentials: errors are where leaks occur.
    let refused = [Step::Read, Step::Echo(401)];
    let taken = [Step::Read, Step::Echo(201)].into_iter().cycle().take(38);
    fixture.server.play(Script::steps(taken.chain(refused).chain([Step::Again])));
    fixture
}

/// Everything about a send that an embedder can print.
fn printed(report: &SendResult) -> String {
    let mut all = format!("{:?} {:?} {:?}", report.outcome, report.used, report.hosts_reached);
    write!(all, " {:?} {}", report.trace, serde_json::to_string(&report.trace).unwrap()).unwrap();
    match &report.outcome {
        Outcome::Accepted(receipt) => write!(all, " {}", serde_json::to_string(receipt).unwrap()).unwrap(),
        Outcome::Failed(failure) => write!(all, " {failure} {}", serde_json::to_string(failure).unwrap()).unwrap(),
        Outcome::NotSentDryRun => {}
    }
    for request in &report.requests {
        assert!(request.clear.is_none(), "only a dry run that asks for it sees a request in clear text");
        write!(all, " {} {} {:?} {}", request.method, request.url, request.headers, request.body).unwrap();
    }
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_sends_leave_nothing_behind() {
    let needles = needles::all();
    let fixture = fixture(TenantGrant::default()).await;
    let parameters = Arc::new(fixture.connector.parameters(&parameters(&needles)).unwrap());
    let grant = Arc::new(fixture.connector.grant(&parameters, &Default::default(), &TenantGrant::default()).unwrap());
    let mut accepted = 0;
    for number in 0..1_000 {
        let request = SendRequest {
            owner: "tenant-1".into(),
            parameters: Arc::clone(&parameters),
            grant: Arc::clone(&grant),
            message: message(text()),
            pinned: None,
            dry_run: None,
            withdrawn: None,
            revocation: None,
        };
        let report = fixture.sandbox.send(&fixture.connector, request).await;
        let printed = printed(&report);
        needles::assert_clean(&format!("what send {number} printed"), &printed, &needles);
        match &report.outcome {
            Outcome::Accepted(receipt) => {
                assert_eq!(receipt.message_id.as_deref(), Some("SM1"), "send {number}");
                accepted += 1;
            }
            Outcome::Failed(failure) => {
                let found =
                    failure.text.split(' ').find_map(|word| word.strip_prefix("needle-")?.parse::<usize>().ok());
                if let Some(found) = found {
                    panic!("{} is in the memory of send {number}", needles[found].what);
                }
                assert!(failure.text.contains("[sealed]"), "send {number}: nothing was echoed: {}", failure.text);
            }
            Outcome::NotSentDryRun => panic!("this was no dry run"),
        }
    }
    let seen = fixture.server.seen();
    assert_eq!((accepted, seen.len()), (950, 1_000));
    // The canaries were sent: without them on the wire, finding none would prove nothing.
    let body = seen[999].text();
    assert!(body.contains(CODE) && body.contains(&E164[1..]), "{body}");
}

#[tokio::test]
async fn the_scanner_finds_what_is_there() {
    let planted = "planted-value-7391";
    let mut needles = needles::all();
    let first = needles.len();
    needles.extend(needles::forms("the planted value", planted));
    let found = async |fixture: &SandboxFixture, more: (&str, Value)| {
        let mut given = parameters(&needles);
        given[more.0] = more.1;
        let report = fixture.send_with(given, text()).await;
        match report.outcome {
            Outcome::Accepted(_) => Vec::new(),
            Outcome::Failed(failure) => failure
                .text
                .split(' ')
                .map(|word| word.strip_prefix("needle-").unwrap_or_else(|| panic!("{}", failure.text)).parse().unwrap())
                .collect::<Vec<usize>>(),
            Outcome::NotSentDryRun => panic!("this was no dry run"),
        }
    };
    let blind = fixture(TenantGrant::default()).await;
    assert!(found(&blind, ("region", "us1".into())).await.is_empty(), "the control of the scanner");
    assert_eq!(found(&blind, ("planted", planted.into())).await, [first], "a parameter in clear");
    assert_eq!(needles[first].what, "the planted value in clear");
    // The pool slot of that instance is reused, and nothing of it is left.
    for _ in 0..8 {
        assert!(found(&blind, ("region", "us1".into())).await.is_empty(), "an earlier send's data");
    }

    let reveal = TenantGrant { reveal: [LabelKind::Secret].into(), ..TenantGrant::default() };
    let seeing = fixture(reveal).await;
    let found = found(&seeing, ("reveal", true.into())).await;
    assert_eq!(found.first().map(|index| needles[*index].what.as_str()), Some("the token in clear"));
}

#[tokio::test]
async fn nothing_that_can_be_printed_shows_what_was_given() {
    let needles = needles::all();
    let fixture = fixture(TenantGrant::default()).await;
    let given = parameters(&needles);
    let parameters = fixture.connector.parameters(&given).unwrap();
    let grant = fixture.connector.grant(&parameters, &Default::default(), &TenantGrant::default()).unwrap();
    let inspection = fixture.connector.inspect();
    let all = format!("{grant:?} {inspection:?} {}", serde_json::to_string(&inspection).unwrap());
    needles::assert_clean("grant and inspection", &all, &needles);

    // An error does not quote a secret that violates the schema.
    let mut wrong = given.clone();
    wrong["authToken"] = json!([TOKEN]);
    let Err(error) = fixture.connector.parameters(&wrong) else { panic!("a list is no string") };
    needles::assert_clean("the error of the parameters", &format!("{error} {error:?}"), &needles);

    // A dry run masks sealed values, unless clear values are requested.
    let report = fixture.run(given.clone(), text(), Some(DryRun { show_sealed: false })).await;
    assert_eq!(report.requests.len(), 1);
    needles::assert_clean("a masked dry run", &printed(&report), &needles);
    let report = fixture.run(given, text(), Some(DryRun { show_sealed: true })).await;
    let clear = report.requests[0].clear.as_ref().expect("it was requested");
    assert!(clear.body.contains(CODE) && clear.body.contains(&E164[1..]), "{}", clear.body);
    assert_eq!(fixture.server.connections(), 0, "a dry run let something out");
}
