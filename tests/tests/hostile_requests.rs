//! Every request that a guest must not make, every lie about one, and every attempt to read a sealed value. Each ends in its
//! own typed error, nothing forbidden is on the wire, and the next send on the same sandbox works.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

use sendbox_sandbox::policy::{
    CompositionViolation as Composition, DenialRule, LabelKind, Limits, RequestPart, TenantGrant,
};
use sendbox_sandbox::{ConnectorFault as Fault, FailureClass, Outcome, Party, RequestSent, TraceKind, Violation};
use sendbox_tests::guests::Behaviour;
use sendbox_tests::sandbox_fixture::{self, CODE, E164, TEXT, TOKEN, impatient, text, variables};
use sendbox_tests::server::answer;
use sendbox_tests::verdict::{denial, fault, malformed, violation};
use sendbox_tests::{SandboxFixture, SandboxFixtureConfig, Script, Step, expect_accepted, expect_failure, needles};
use serde_json::json;

// ---- where a request goes ----

#[tokio::test]
async fn a_request_stays_inside_the_manifest() {
    let fixture = SandboxFixture::new().await;
    let cases = [
        ("https://elsewhere.hostile.test/v1/messages", DenialRule::NotInManifest),
        ("https://api.hostile.test.elsewhere.hostile.test/v1", DenialRule::NotInManifest),
        ("https://hostile.test/v1/messages", DenialRule::NotInManifest),
        ("https://api.hostile.test:8443/v1/messages", DenialRule::NotInManifest),
        ("http://api.hostile.test/v1/messages", DenialRule::NotInManifest),
        ("https://api.hostile.test/v2/messages", DenialRule::Path),
        ("https://api.hostile.test/v12", DenialRule::Path),
        ("https://api.hostile.test/v1/../v2", DenialRule::Path),
        ("https://api.hostile.test/v1/%2e%2e/v2", DenialRule::Path),
        ("https://127.0.0.1/v1/messages", DenialRule::NotInManifest),
        ("https://2130706433/v1/messages", DenialRule::NotInManifest),
        ("https://0x7f.1/v1/messages", DenialRule::NotInManifest),
        ("https://0177.0.0.1/v1/messages", DenialRule::NotInManifest),
        ("https://169.254.169.254/latest/meta-data", DenialRule::NotInManifest),
        ("https://[::1]/v1/messages", DenialRule::NotInManifest),
        ("https://[::ffff:127.0.0.1]/v1/messages", DenialRule::NotInManifest),
        ("https://１２７.0.0.1/v1/messages", DenialRule::NotInManifest),
    ];
    for (url, expected) in cases {
        let report = fixture.send(Behaviour::Elsewhere, url).await;
        assert!(report.hosts_reached.is_empty(), "{url}");
        assert_eq!(denial(url, report), expected, "{url}");
        fixture.expect_seen(0, url);
    }
    for method in ["GET", "PUT", "PATCH", "DELETE"] {
        assert_eq!(denial(method, fixture.send(Behaviour::OtherMethod, method).await), DenialRule::Method, "{method}");
    }
    fixture.expect_seen(0, "methods");
    assert_eq!(fixture.server.connections(), 0, "no connection was made for a request that was refused");
    fixture.expect_next_send_works("denials").await;
}

#[tokio::test]
async fn a_url_that_hides_something_is_malformed() {
    let fixture = SandboxFixture::new().await;
    for url in [
        "https://user:word@api.hostile.test/v1/messages",
        "https://api.hostile.test@elsewhere.hostile.test/v1",
        "https://api.hostile.test/v1/messages#part",
        "https://api.hostile.test\\@elsewhere.hostile.test/v1",
        "https://api.hostile.test/v1/mess\tages",
        "https://api.hostile.test/v1/a b",
        "https://",
        "nonsense",
    ] {
        malformed(url, fixture.send(Behaviour::Elsewhere, url).await);
    }
    for aim in ["host", "host end", "port", "user", "scheme", "raw", "fragment"] {
        let what = format!("sealed_in_url {aim}");
        let failure = malformed(&what, fixture.send(Behaviour::SealedInUrl, aim).await);
        assert!(!failure.text.contains("canary"), "{what}");
    }
    fixture.expect_seen(0, "URLs");
    assert_eq!(fixture.server.connections(), 0);
    fixture.expect_next_send_works("URLs").await;
}

#[tokio::test]
async fn a_denial_names_the_rule_and_the_line_that_would_allow_it() {
    let fixture = SandboxFixture::new().await;
    let report = fixture.send(Behaviour::Elsewhere, "https://elsewhere.hostile.test/v1").await;
    let failure = expect_failure("denial", report, FailureClass::ConnectorFault, RequestSent::No);
    assert_eq!(failure.party, Party::Policy);
    for part in
        ["`elsewhere.hostile.test` is not in the connector's manifest", "https://elsewhere.hostile.test", "hosts"]
    {
        assert!(failure.text.contains(part), "{part} is not in: {}", failure.text);
    }
}

// ---- headers and sizes ----

#[tokio::test]
async fn headers_cannot_be_broken_out_of() {
    let fixture = SandboxFixture::new().await;
    for aim in ["name", "space in name", "colon in name", "value", "sealed value", "joined value", "nul"] {
        malformed(aim, fixture.send(Behaviour::HeaderInjection, aim).await);
    }
    for name in [
        "Host",
        "content-length",
        "Transfer-Encoding",
        "Connection",
        "X-Forwarded-For",
        "Forwarded",
        "Cookie",
        "TE",
        "Trailer",
        "Expect",
        "Upgrade",
        "Via",
        "Proxy-Authorization",
        "Accept-Encoding",
        "too many",
        "too long",
    ] {
        malformed(name, fixture.send(Behaviour::ForbiddenHeader, name).await);
    }
    for aim in ["body", "url"] {
        malformed(aim, fixture.send(Behaviour::GiantRequest, aim).await);
    }
    fixture.expect_seen(0, "headers");
    assert_eq!(fixture.server.connections(), 0);
    fixture.expect_next_send_works("headers").await;
}

// ---- secrets and the message ----

#[tokio::test]
async fn a_secret_leaves_only_to_the_host_that_it_is_bound_to() {
    let fixture = SandboxFixture::new().await;
    let token = DenialRule::SecretNotBound { key: "token".into() };
    for aim in ["raw", "header", "base64", "hex", "url", "twice", "joined", "digest", "key"] {
        assert_eq!(denial(aim, fixture.send(Behaviour::SecretElsewhere, aim).await), token, "{aim}");
    }
    let signer = DenialRule::SecretNotBound { key: "signer".into() };
    assert_eq!(denial("plain", fixture.send(Behaviour::SigningSecret, "plain").await), signer);
    for aim in ["whole", "recipient", "text", "digest"] {
        let rule = denial(aim, fixture.send(Behaviour::MessageElsewhere, aim).await);
        assert_eq!(rule, DenialRule::MessageNotForHost, "{aim}");
    }
    fixture.expect_seen(0, "secrets");
    assert_eq!(fixture.server.connections(), 0);

    expect_accepted("signature", fixture.send(Behaviour::SigningSecret, "signature").await);
    let seen = &fixture.server.seen()[0];
    assert!(seen.head.contains("x-signature: ") && !seen.head.contains(sandbox_fixture::SIGNER));
    fixture.expect_next_send_works("secrets").await;
}

#[tokio::test]
async fn the_message_request_carries_recipient_and_message_once_and_unaltered() {
    let fixture = SandboxFixture::new().await;
    for aim in [
        "no recipient",
        "no message",
        "recipient twice",
        "message twice",
        "digits before",
        "digits after",
        "other country",
        "list",
        "repeated key",
        "words before",
        "words after",
        "in a key",
    ] {
        // The zoo's table says which rule each of them breaks.
        let violation = violation(aim, fixture.send(Behaviour::WrongParts, aim).await);
        assert!(matches!(violation, Violation::Composition(_)), "{aim}: {violation:?}");
    }
    fixture.expect_seen(0, "compositions");
    fixture.expect_next_send_works("compositions").await;
}

#[tokio::test]
async fn no_second_number_leaves_in_clear() {
    let fixture = SandboxFixture::new().await;
    for (aim, place) in [
        ("form", RequestPart::Body),
        ("spaced", RequestPart::Body),
        ("percent", RequestPart::Body),
        ("query", RequestPart::Url),
        ("path", RequestPart::Url),
        ("header", RequestPart::Header("x-cc".into())),
        ("json number", RequestPart::Body),
        ("json string", RequestPart::Body),
        ("escaped", RequestPart::Body),
        ("other digits", RequestPart::Body),
        ("without the message", RequestPart::Body),
    ] {
        let report = fixture.send(Behaviour::SecondNumber, aim).await;
        match violation(aim, report) {
            Violation::Composition(Composition::SecondNumber { digits, part: at }) => {
                assert_eq!(at, place, "{aim}");
                assert!((8..=10).contains(&digits), "{aim}: {digits}");
            }
            other => panic!("{aim}: {other:?}"),
        }
    }
    malformed("header name", fixture.send(Behaviour::SecondNumber, "header name").await);
    fixture.expect_seen(0, "second numbers");
    fixture.expect_next_send_works("second numbers").await;
}

#[tokio::test]
async fn a_value_of_too_many_parts_is_refused() {
    let fixture = SandboxFixture::new().await;
    let fault = fault("many_pieces", fixture.send(Behaviour::ManyPieces, "").await);
    assert_eq!(fault, Fault::SealedPieces { limit: Limits::default().sealed_pieces });
    fixture.expect_seen(0, "many pieces");
    fixture.expect_next_send_works("many pieces").await;
}

#[tokio::test]
async fn one_send_is_one_message() {
    let fixture = SandboxFixture::new().await;
    for aim in ["tell of the first", "tell of the second"] {
        let report = fixture.send(Behaviour::SecondMessage, aim).await;
        // The provider accepted the first message, and only the connector could have reported it.
        let failure = expect_failure(aim, report, FailureClass::InDoubt, RequestSent::Yes);
        let Some(Fault::ManifestViolation(violation)) = failure.fault else { panic!("{aim}: {failure:?}") };
        assert_eq!(*violation, Violation::AfterMessage, "{aim}");
    }
    fixture.expect_seen(2, "one for each send");
    fixture.expect_next_send_works("a second message").await;
}

#[tokio::test]
async fn a_send_makes_four_requests_at_most() {
    let fixture = SandboxFixture::new().await;
    let report = fixture.send(Behaviour::ManyRequests, "").await;
    assert_eq!(report.used.requests, 5);
    assert_eq!(violation("many", report), Violation::TooManyRequests { limit: 4 });
    fixture.expect_seen(4, "many requests");
    fixture.expect_next_send_works("many requests").await;
}

// ---- lies about the outcome ----

#[tokio::test]
async fn a_receipt_for_nothing_is_a_fault() {
    let fixture = SandboxFixture::new().await;
    assert_eq!(
        fault("nothing", fixture.send(Behaviour::ReceiptWithoutRequest, "nothing").await),
        Fault::ReceiptWithoutRequest
    );
    fixture.expect_seen(0, "nothing");
    let other = fault("another request", fixture.send(Behaviour::ReceiptWithoutRequest, "another request").await);
    assert_eq!(other, Fault::ReceiptWithoutRequest);
    let rule = denial("refused", fixture.send(Behaviour::ReceiptWithoutRequest, "refused").await);
    assert_eq!(rule, DenialRule::NotInManifest);
    fixture.expect_seen(1, "one request to the side host");
    fixture.expect_next_send_works("false receipts").await;
}

#[tokio::test]
async fn without_a_response_the_claim_of_the_connector_does_not_count() {
    for (behaviour, aim) in [(Behaviour::ReceiptWithoutRequest, "unanswered"), (Behaviour::NotSentClaim, "")] {
        let fixture =
            SandboxFixture::with(SandboxFixtureConfig { limits: impatient(), ..SandboxFixtureConfig::default() }).await;
        fixture.server.play(Script::steps([Step::Read, Step::Silence]));
        expect_failure(behaviour.name(), fixture.send(behaviour, aim).await, FailureClass::InDoubt, RequestSent::Maybe);
        fixture.expect_seen(1, behaviour.name());
        fixture.expect_next_send_works(behaviour.name()).await;
    }
}

/// The provider accepted the message and the connector denies it: another attempt would send it twice.
#[tokio::test]
async fn an_answered_request_is_never_reported_as_not_sent() {
    let fixture = SandboxFixture::new().await;
    let report = fixture.send(Behaviour::NotSentClaim, "").await;
    let Outcome::Failed(failure) = report.outcome else { panic!("{:?}", report.outcome) };
    assert_eq!(failure.request_sent, RequestSent::Yes);
    fixture.expect_seen(1, "not_sent_claim");
}

#[tokio::test]
async fn what_a_provider_echoes_is_scrubbed() {
    let needles = needles::all();
    let fixture = SandboxFixture::new().await;
    for aim in ["failure", "log", "receipt", "trap"] {
        fixture.server.play(Script::steps([Step::Read, Step::Echo(200)]));
        let report = fixture.send(Behaviour::Echo, aim).await;
        let place = format!("echo {aim}");
        let shown = format!("{:?} {}", report.outcome, serde_json::to_string(&report.trace).unwrap());
        needles::assert_clean(&place, &shown, &needles);
        assert!(shown.contains("[sealed]"), "{place}: nothing was echoed: {shown}");
    }
    fixture.expect_next_send_works("echoes").await;
}

// ---- reading and guessing ----

#[tokio::test]
async fn reveal_needs_a_grant_and_is_visible() {
    let sum = |text: &str| text.bytes().map(u32::from).sum::<u32>();
    let revealed = |text: &str| format!("revealed {} bytes, sum {}", text.len(), sum(text));

    let fixture = SandboxFixture::new().await;
    assert!(fixture.connector.inspect().reveals, "an inspection says that it can");
    for (aim, kind) in [
        ("secret", LabelKind::Secret),
        ("encoded secret", LabelKind::Secret),
        ("joined", LabelKind::Secret),
        ("content", LabelKind::Text),
        ("recipient", LabelKind::Recipient),
    ] {
        let rule = denial(aim, fixture.send(Behaviour::Reveal, aim).await);
        assert_eq!(rule, DenialRule::RevealNotGranted { kind }, "{aim}");
    }
    fixture.expect_next_send_works("reveal").await;

    let tenant = TenantGrant { reveal: [LabelKind::Secret].into(), ..TenantGrant::default() };
    let fixture = SandboxFixture::with(SandboxFixtureConfig { tenant, ..SandboxFixtureConfig::default() }).await;
    let report = fixture.send(Behaviour::Reveal, "secret").await;
    assert!(
        report
            .trace
            .iter()
            .any(|event| matches!(&event.what, TraceKind::Revealed { labels } if labels == "[secret token]"))
    );
    let failure = expect_failure("secret", report, FailureClass::Unknown, RequestSent::No);
    assert_eq!(failure.text, revealed(TOKEN));
    for (aim, kind) in [("content", LabelKind::Text), ("joined", LabelKind::Text), ("recipient", LabelKind::Recipient)]
    {
        let rule = denial(aim, fixture.send(Behaviour::Reveal, aim).await);
        assert_eq!(rule, DenialRule::RevealNotGranted { kind }, "{aim} with a grant for secrets");
    }

    let tenant = TenantGrant { reveal: [LabelKind::Text, LabelKind::Recipient].into(), ..TenantGrant::default() };
    let fixture = SandboxFixture::with(SandboxFixtureConfig { tenant, ..SandboxFixtureConfig::default() }).await;
    for (aim, value) in [("content", TEXT), ("recipient", E164), ("literal", "abc")] {
        let failure =
            expect_failure(aim, fixture.send(Behaviour::Reveal, aim).await, FailureClass::Unknown, RequestSent::No);
        assert_eq!(failure.text, revealed(value), "{aim}");
    }
    assert_eq!(
        denial("secret", fixture.send(Behaviour::Reveal, "secret").await),
        DenialRule::RevealNotGranted { kind: LabelKind::Secret }
    );
}

/// A connector that may read a secret still cannot write it where people or logs would show it.
#[tokio::test]
async fn revealed_values_are_masked_everywhere() {
    let needles = needles::forms("the token", TOKEN);
    let tenant = TenantGrant { reveal: [LabelKind::Secret].into(), ..TenantGrant::default() };
    let fixture = SandboxFixture::with(SandboxFixtureConfig { tenant, ..SandboxFixtureConfig::default() }).await;
    for aim in [
        "to the log",
        "to a body",
        "to a path",
        "to a header",
        "to a header name",
        "to a host",
        "to the failure",
        "to a crash",
    ] {
        let report = fixture.send(Behaviour::RevealedInClear, aim).await;
        let place = |what: &str| format!("{what} of a token {aim}");
        assert!(report.trace.iter().any(|event| matches!(event.what, TraceKind::Revealed { .. })), "{aim}");
        needles::assert_clean(&place("the outcome"), &format!("{:?}", report.outcome), &needles);
        needles::assert_clean(&place("the trace"), &serde_json::to_string(&report.trace).unwrap(), &needles);
        for request in &report.requests {
            let shown = format!("{} {:?} {}", request.url, request.headers, request.body);
            needles::assert_clean(&place("a request"), &shown, &needles);
        }
    }
}

#[tokio::test]
async fn a_code_cannot_be_guessed_by_asking() {
    let fixture = SandboxFixture::new().await;
    let comparisons = [
        "secret",
        "encoded secret",
        "secret beside its signature",
        "content",
        "digest of content",
        "signed content",
        "content as a key",
        "recipient",
        "signature",
    ];
    let decodings = ["decode content", "decode recipient", "decode encoded content", "decode joined"];
    for content in [text, variables] {
        for aim in comparisons {
            let report = fixture.send_with(json!({"behaviour": Behaviour::Oracle.name(), "aim": aim}), content()).await;
            assert_eq!(fault(aim, report), Fault::ImportRefused("signature.matches"), "{aim}");
        }
        for aim in decodings {
            let report = fixture.send_with(json!({"behaviour": Behaviour::Oracle.name(), "aim": aim}), content()).await;
            assert_eq!(violation(aim, report), Violation::NotDecodable, "{aim}");
        }
    }
    fixture.expect_next_send_works("guesses").await;
}

/// The control for all other tests: an honest message arrives correctly.
#[tokio::test]
async fn an_honest_send_arrives() {
    let fixture = SandboxFixture::new().await;
    fixture.server.play(Script::raw(answer(201, "", b"{}")));
    let receipt = expect_accepted("honest", fixture.send(Behaviour::Honest, "").await);
    assert_eq!(receipt.status.as_deref(), Some("status 201"));
    let seen = fixture.server.seen()[0].clone();
    assert!(seen.head.starts_with("POST /v1/messages HTTP/1.1\r\n"), "{}", seen.head);
    assert!(seen.head.contains(&format!("authorization: Bearer {TOKEN}")), "{}", seen.head);
    let body = String::from_utf8(seen.body).unwrap();
    assert!(body.starts_with("To=%2B4520918374&Body=Kode+") && body.contains(CODE), "{body}");
}
