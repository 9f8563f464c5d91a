//! Every way in which a provider, or somebody in its place, can misbehave. Each ends in a typed error within its limit, reports
//! correctly whether bytes had left, and the next send on the same sandbox works.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

use std::io::Write;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use base64::Engine as _;
use sendbox_sandbox::policy::{DenialRule, Limits};
use sendbox_sandbox::{Answers, FailureClass, Outcome, Party, RequestSent, Resolve};
use sendbox_tests::guests::Behaviour;
use sendbox_tests::sandbox_fixture::{impatient, text};
use sendbox_tests::server::answer;
use sendbox_tests::{Handshake, SandboxFixture, SandboxFixtureConfig, Script, Step, expect_accepted, expect_failure};
use serde_json::json;

async fn impatient_fixture() -> SandboxFixture {
    SandboxFixture::with(SandboxFixtureConfig { limits: impatient(), ..SandboxFixtureConfig::default() }).await
}

/// A fixture that reuses connections between sends.
async fn one_owner_fixture() -> SandboxFixture {
    SandboxFixture::with(SandboxFixtureConfig {
        limits: impatient(),
        one_owner: true,
        ..SandboxFixtureConfig::default()
    })
    .await
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// 10 MiB of zeros, compressed with Node's `zlib.brotliCompressSync` to 27 bytes.
const BROTLI_BOMB: &str = "y///P/gnAOKxQCD3/i///z/wTwDEYRGA7v0H";

fn brotli_bomb() -> Vec<u8> {
    base64::engine::general_purpose::STANDARD.decode(BROTLI_BOMB).unwrap()
}

// ---- before a byte leaves ----

#[tokio::test]
async fn without_a_verified_session_nothing_leaves() {
    let fixture = impatient_fixture().await;
    for (handshake, kind) in [
        (Handshake::WrongName, "ErrorKind::Tls"),
        (Handshake::UnknownAuthority, "ErrorKind::Tls"),
        (Handshake::PlainText, "ErrorKind::Tls"),
        (Handshake::Stall, "ErrorKind::Connect"),
        (Handshake::Close, "ErrorKind::Connect"),
    ] {
        fixture.server.play(Script::handshake(handshake));
        let what = format!("{handshake:?}");
        let connections = fixture.server.connections();
        let failure =
            expect_failure(&what, fixture.send(Behaviour::Honest, "").await, FailureClass::NotSent, RequestSent::No);
        assert!(failure.text.starts_with(&format!("{kind}/no (")), "{what}: {}", failure.text);
        assert_eq!(failure.party, Party::Network, "{what}");
        assert!(fixture.server.connections() > connections, "{what}: no attempt was made");
        assert_eq!(fixture.server.seen().len(), 0, "{what}: a request was read");
    }
    fixture.expect_next_send_works("handshakes").await;
}

#[tokio::test]
async fn a_refused_connection_is_certainly_not_sent() {
    // A port that was free a moment ago, and that nothing else on this machine uses.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let connect_to = vec![format!("tenant.hostile.test:443={port}")];
    let fixture = SandboxFixture::with(SandboxFixtureConfig {
        limits: impatient(),
        connect_to,
        ..SandboxFixtureConfig::default()
    })
    .await;
    let parameters = json!({
        "behaviour": Behaviour::Elsewhere.name(),
        "aim": "https://tenant.hostile.test/hook",
        "endpoint": "https://tenant.hostile.test/hook",
    });
    let report = fixture.send_with(parameters, text()).await;
    let failure = expect_failure("refused", report, FailureClass::NotSent, RequestSent::No);
    assert!(failure.text.starts_with("ErrorKind::Connect/no ("), "{}", failure.text);
    assert_eq!(failure.party, Party::Network);
    fixture.expect_next_send_works("a refused connection").await;
}

/// Resolves each name to the addresses that it contains.
#[derive(Debug, Default)]
struct Scripted {
    asked: AtomicUsize,
}

impl Resolve for Scripted {
    fn resolve<'a>(&'a self, host: &'a str) -> Answers<'a> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let addresses: &[&str] = match host {
            "private.names.test" => &["10.0.0.7"],
            "loopback.names.test" => &["127.0.0.1"],
            "loopback6.names.test" => &["::1"],
            "metadata.names.test" => &["169.254.169.254"],
            "mapped.names.test" => &["::ffff:127.0.0.1"],
            "nat64.names.test" => &["64:ff9b::7f00:1"],
            "mixed.names.test" => &["8.8.8.8", "127.0.0.1"],
            "mixed-end.names.test" => &["127.0.0.1", "2606:4700::1111"],
            "empty.names.test" => &[],
            _ => {
                let error = sendbox_sandbox::ResolveError { host: host.to_owned(), reason: "no such name".into() };
                return Box::pin(async move { Err(error) });
            }
        };
        let addresses = addresses.iter().map(|address| address.parse::<IpAddr>().unwrap()).collect();
        Box::pin(async move { Ok(addresses) })
    }
}

#[tokio::test]
async fn a_name_that_resolves_to_a_private_address_is_refused() {
    let resolver = Arc::new(Scripted::default());
    let config = SandboxFixtureConfig {
        limits: impatient(),
        resolver: Some(Arc::clone(&resolver) as _),
        ..SandboxFixtureConfig::default()
    };
    let fixture = SandboxFixture::with(config).await;
    for (name, kind, party) in [
        ("private", "AddressRefused", Party::Policy),
        ("loopback", "AddressRefused", Party::Policy),
        ("loopback6", "AddressRefused", Party::Policy),
        ("metadata", "AddressRefused", Party::Policy),
        ("mapped", "AddressRefused", Party::Policy),
        ("nat64", "AddressRefused", Party::Policy),
        ("mixed", "AddressRefused", Party::Policy),
        ("mixed-end", "AddressRefused", Party::Policy),
        ("empty", "Dns", Party::Network),
        ("unknown", "Dns", Party::Network),
    ] {
        let url = format!("https://{name}.names.test/hook");
        let asked = resolver.asked.load(Ordering::SeqCst);
        let report = fixture
            .send_with(json!({"behaviour": Behaviour::Elsewhere.name(), "aim": url, "endpoint": url}), text())
            .await;
        assert!(report.hosts_reached.is_empty(), "{name}");
        let failure = expect_failure(name, report, FailureClass::NotSent, RequestSent::No);
        assert!(failure.text.starts_with(&format!("ErrorKind::{kind}/no (")), "{name}: {}", failure.text);
        assert_eq!(failure.party, party, "{name}");
        assert_eq!(resolver.asked.load(Ordering::SeqCst), asked + 1, "{name}: resolved once");
    }
    assert_eq!(fixture.server.connections() + fixture.elsewhere.connections(), 0);
    fixture.expect_next_send_works("names").await;
}

/// An endpoint that a tenant configures is judged like any other: an IP address is not granted by being configured.
#[tokio::test]
async fn a_private_endpoint_of_a_tenant_is_refused() {
    let fixture = impatient_fixture().await;
    for url in ["https://127.0.0.1/hook", "https://169.254.169.254/hook", "https://[::1]/hook", "https://10.1.2.3/hook"]
    {
        let report = fixture
            .send_with(json!({"behaviour": Behaviour::Elsewhere.name(), "aim": url, "endpoint": url}), text())
            .await;
        let failure = expect_failure(url, report, FailureClass::ConfigurationInvalid, RequestSent::No);
        let Some(sendbox_sandbox::ConnectorFault::ManifestViolation(violation)) = failure.fault else {
            panic!("{url}: {:?}", failure.fault)
        };
        let sendbox_sandbox::Violation::Denied(denial) = *violation else { panic!("{url}: {violation:?}") };
        assert_eq!(denial.rule, DenialRule::LiteralAddress, "{url}");
    }
    assert_eq!(fixture.server.connections() + fixture.elsewhere.connections(), 0);
    fixture.expect_next_send_works("endpoints").await;
}

/// A resolver that never responds costs the send its time limit, and nothing else.
#[tokio::test]
async fn a_resolver_that_stalls_is_bounded() {
    #[derive(Debug)]
    struct Stalls;
    impl Resolve for Stalls {
        fn resolve<'a>(&'a self, _host: &'a str) -> Answers<'a> {
            Box::pin(std::future::pending())
        }
    }
    let limits = Limits { send_ms: 2_000, ..impatient() };
    let fixture = SandboxFixture::with(SandboxFixtureConfig {
        limits,
        resolver: Some(Arc::new(Stalls)),
        ..SandboxFixtureConfig::default()
    })
    .await;
    let url = "https://slow.names.test/hook";
    let report =
        fixture.send_with(json!({"behaviour": Behaviour::Elsewhere.name(), "aim": url, "endpoint": url}), text()).await;
    let failure = expect_failure("stalled name", report, FailureClass::NotSent, RequestSent::No);
    assert_eq!(failure.party, Party::Network);
    fixture.expect_next_send_works("a stalled name").await;
}

// ---- after bytes have left ----

#[tokio::test]
async fn without_a_complete_response_the_outcome_is_in_doubt() {
    let fixture = impatient_fixture().await;
    let head = |headers: &str| format!("HTTP/1.1 200 OK\r\n{headers}\r\n").into_bytes();
    let half = [head("content-length: 100\r\n"), b"{\"half\"".to_vec()].concat();
    let many: String = (0..100).map(|number| format!("x-{number}: y\r\n")).collect();
    let informational = b"HTTP/1.1 102 Processing\r\n\r\n".repeat(20_000);
    let chunked = |chunks: &[u8]| [head("transfer-encoding: chunked\r\n"), chunks.to_vec()].concat();
    let compressed = |encoding: &str, body: &[u8]| answer(200, &format!("content-encoding: {encoding}\r\n"), body);
    let steps = |steps: Vec<Step>| Script::steps(steps);
    let cases = [
        ("never answers", steps(vec![Step::Read, Step::Silence]), "Timeout"),
        (
            "drips a head",
            steps(vec![Step::Read, Step::Write(b"HTTP/1.1 200 OK\r\nx: ".to_vec()), Step::Drip(b'y')]),
            "Timeout",
        ),
        (
            "drips a body",
            steps(vec![Step::Read, Step::Write(head("content-length: 200000\r\n")), Step::Drip(b' ')]),
            "Timeout",
        ),
        ("closes after the request", steps(vec![Step::Read]), "Reset"),
        ("resets after the first byte", steps(vec![Step::ReadByte, Step::Reset]), "Reset"),
        ("resets after the request", steps(vec![Step::Read, Step::Reset]), "Reset"),
        ("breaks the TLS session", steps(vec![Step::Read, Step::InClear(answer(200, "", b"{}"))]), "Reset"),
        ("half a body", Script::raw(half.clone()), "Reset"),
        ("half a body, reset", steps(vec![Step::Read, Step::Write(half), Step::Reset]), "Reset"),
        ("half a head", Script::raw(b"HTTP/1.1 200 OK\r\ncontent-le".to_vec()), "Reset"),
        ("no HTTP", Script::raw(b"SSH-2.0-OpenSSH_9.2\r\n\r\n".to_vec()), "BadResponse"),
        ("noise", Script::raw((0..512).map(|n| (n * 167 % 251) as u8).collect::<Vec<u8>>()), "BadResponse"),
        ("HTTP/2", Script::raw(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec()), "BadResponse"),
        ("two lengths", Script::raw(head("content-length: 2\r\ncontent-length: 3\r\n")), "BadResponse"),
        ("a length that is no number", Script::raw(head("content-length: -1\r\n")), "BadResponse"),
        ("a chunk that is no number", Script::raw(chunked(b"zz\r\nhello\r\n0\r\n\r\n")), "Reset"),
        ("a chunk without an end", Script::raw(chunked(b"5\r\nhel")), "Reset"),
        ("a chunk larger than memory", Script::raw(chunked(b"fffffffffffffffff\r\nx")), "Reset"),
        ("a hundred headers", Script::raw(answer(200, &many, b"{}")), "BadResponse"),
        (
            "a header of 20 KiB",
            Script::raw(answer(200, &format!("x-long: {}\r\n", "y".repeat(20 << 10)), b"{}")),
            "BadResponse",
        ),
        (
            "a header of a megabyte",
            Script::raw(answer(200, &format!("x-long: {}\r\n", "y".repeat(1 << 20)), b"{}")),
            "BadResponse",
        ),
        ("a large body", Script::raw(answer(200, "", &vec![b' '; (256 << 10) + 1])), "BadResponse"),
        (
            "a large chunked body",
            Script::raw(chunked(&[b"50000\r\n".to_vec(), vec![b' '; 0x50000], b"\r\n0\r\n\r\n".to_vec()].concat())),
            "BadResponse",
        ),
        ("gzip bomb", Script::raw(compressed("gzip", &gzip(&vec![0; 10 << 20]))), "BadResponse"),
        ("brotli bomb", Script::raw(compressed("br", &brotli_bomb())), "BadResponse"),
        ("gzip, cut off", Script::raw(compressed("gzip", &gzip(&[7; 4096])[..20])), "BadResponse"),
        ("no gzip", Script::raw(compressed("gzip", b"{\"id\":1}")), "BadResponse"),
        ("gzip in gzip", Script::raw(compressed("gzip, gzip", &gzip(&gzip(b"{}")))), "BadResponse"),
        ("an encoding not asked for", Script::raw(compressed("zstd", b"(\xb5/\xfd")), "BadResponse"),
        (
            "informational answers without end",
            steps(vec![Step::Read, Step::Write(informational), Step::Silence]),
            "Timeout",
        ),
    ];
    for (what, script, kind) in cases {
        fixture.server.play(script);
        let seen = fixture.server.seen().len();
        let failure =
            expect_failure(what, fixture.send(Behaviour::Honest, "").await, FailureClass::InDoubt, RequestSent::Maybe);
        // Right at the deadline, the host may end the guest before it could report anything.
        let is_reported = failure.text.starts_with(&format!("ErrorKind::{kind}/maybe ("));
        assert!(is_reported || (kind == "Timeout" && failure.text.contains("did not end")), "{what}: {}", failure.text);
        assert!(fixture.server.seen().len() <= seen + 1, "{what}: sent twice");
        fixture.expect_next_send_works(what).await;
    }
    assert_eq!(fixture.elsewhere.connections(), 0);
}

// ---- odd but valid responses ----

#[tokio::test]
async fn a_redirect_is_a_response() {
    let fixture = SandboxFixture::new().await;
    for status in [301, 302, 303, 307, 308] {
        let location = "location: https://elsewhere.hostile.test/v1/messages\r\n";
        fixture.server.play(Script::raw(answer(status, location, b"moved")));
        let report = fixture.send(Behaviour::Honest, "").await;
        let failure = expect_failure("redirect", report, FailureClass::InvalidRequest, RequestSent::Yes);
        assert_eq!(failure.provider_code, Some(status.to_string()));
        assert_eq!(fixture.elsewhere.connections(), 0, "{status} was followed");
    }
    fixture.expect_seen(5, "redirects");
    fixture.expect_next_send_works("redirects").await;
}

#[tokio::test]
async fn an_odd_response_within_the_limits_is_accepted() {
    let fixture = SandboxFixture::new().await;
    let json = br#"{"id":"m-1"}"#;
    let cases = [
        ("gzip", answer(201, "content-encoding: gzip\r\n", &gzip(json))),
        ("identity", answer(201, "content-encoding: identity\r\n", json)),
        ("one informational answer", [b"HTTP/1.1 103 Early Hints\r\n\r\n".to_vec(), answer(201, "", json)].concat()),
        ("more than its length", [answer(201, "", json), b"HTTP/1.1 200 OK\r\n\r\n".to_vec()].concat()),
        ("until the end", b"HTTP/1.1 201 Created\r\n\r\n{}".to_vec()),
        ("no reason", b"HTTP/1.1 201\r\ncontent-length: 0\r\n\r\n".to_vec()),
        ("a cookie", answer(201, "set-cookie: session=1\r\n", json)),
        ("a full body", answer(201, "", &vec![b' '; 256 << 10])),
    ];
    for (what, bytes) in cases {
        fixture.server.play(Script::raw(bytes));
        expect_accepted(what, fixture.send(Behaviour::Honest, "").await);
        fixture.expect_next_send_works(what).await;
    }
    assert!(
        !fixture.server.seen().iter().any(|seen| seen.head.to_lowercase().contains("cookie")),
        "a cookie came back"
    );
    for seen in fixture.server.seen() {
        assert!(seen.head.contains("accept-encoding: gzip, br\r\n"), "{}", seen.head);
    }
}

// ---- reused connections ----

/// A server may close idle connections at any time. The report must match what it received.
#[tokio::test]
async fn a_connection_closed_between_two_sends_is_reported_correctly() {
    let fixture = one_owner_fixture().await;
    for round in 1..=10 {
        // Closed right after the response, without `Connection: close`.
        fixture.server.play(Script::raw(answer(201, "", b"{}")));
        let before = (fixture.server.seen().len(), fixture.server.connections());
        let report = fixture.send(Behaviour::Honest, "").await;
        let delivered = fixture.server.seen().len() - before.0;
        match report.outcome {
            Outcome::Accepted(_) => assert_eq!(delivered, 1, "round {round}"),
            Outcome::Failed(failure) if failure.request_sent == RequestSent::No => {
                assert_eq!(delivered, 0, "round {round}: delivered, but reported as not sent");
            }
            Outcome::Failed(failure) => {
                assert_eq!(failure.class, FailureClass::InDoubt, "round {round}: {failure:?}");
                assert!(delivered <= 1, "round {round}: sent twice");
            }
            Outcome::NotSentDryRun => panic!("this was no dry run"),
        }
        if fixture.server.connections() > before.1 {
            fixture.server.until_closed(fixture.server.connections()).await;
        }
    }
}

/// The server reads the second request on a reused connection and breaks it: the request arrived, so it is in doubt, and it
/// is not silently sent again.
#[tokio::test]
async fn a_reused_connection_that_breaks_is_in_doubt_and_not_retried() {
    for end in [None, Some(Step::Reset)] {
        let fixture = one_owner_fixture().await;
        let good = Step::Write(answer(201, "", b"{}"));
        fixture.server.play(Script::steps([Step::Read, good, Step::Read].into_iter().chain(end)));
        expect_accepted("first", fixture.send(Behaviour::Honest, "").await);
        let report = fixture.send(Behaviour::Honest, "").await;
        expect_failure("second", report, FailureClass::InDoubt, RequestSent::Maybe);
        fixture.expect_seen(2, "each request once");
        assert_eq!(fixture.server.connections(), 1, "the connection was reused");
        fixture.expect_next_send_works("a broken connection").await;
    }
}

/// An unsolicited response must not be taken for the response to the next request.
#[tokio::test]
async fn a_response_before_its_request_is_not_accepted() {
    let fixture = one_owner_fixture().await;
    let forged = [answer(201, "", b"{}"), answer(201, "", br#"{"id":"forged"}"#)].concat();
    fixture.server.play(Script::steps([Step::Read, Step::Write(forged), Step::Silence]));
    expect_accepted("first", fixture.send(Behaviour::Honest, "").await);
    fixture.server.play(Script::raw(answer(400, "", b"no")));
    let report = fixture.send(Behaviour::Honest, "").await;
    if let Outcome::Accepted(receipt) = &report.outcome {
        panic!("the forged response was accepted: {receipt:?}");
    }
    fixture.expect_next_send_works("a forged answer").await;
}
