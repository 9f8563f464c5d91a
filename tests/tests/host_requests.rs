//! Requests of the host itself, such as webhooks, have the rules of those of guests: addresses, TLS, no redirects, limits.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

use std::net::IpAddr;
use std::sync::Arc;

use sendbox_sandbox::policy::OperatorPolicy;
use sendbox_sandbox::{Answers, Post, PostError, Resolve, ResolveError, Revocation, Sandbox, SandboxConfig};
use sendbox_tests::sandbox_fixture::{addresses, authority, impatient};
use sendbox_tests::server::{Handshake, answer};
use sendbox_tests::{Script, Server, Step};

const HOOKS: &str = "hooks.platform.test";

/// Resolves names to addresses that may not be dialled.
#[derive(Debug)]
struct Inward;

impl Resolve for Inward {
    fn resolve<'a>(&'a self, host: &'a str) -> Answers<'a> {
        let addresses: &[&str] = match host {
            "private.names.test" => &["10.0.0.7"],
            "loopback.names.test" => &["127.0.0.1"],
            "metadata.names.test" => &["169.254.169.254"],
            "mapped.names.test" => &["::ffff:127.0.0.1"],
            "mixed.names.test" => &["8.8.8.8", "127.0.0.1"],
            _ => {
                let error = ResolveError { host: host.to_owned(), reason: "no such name".into() };
                return Box::pin(async move { Err(error) });
            }
        };
        let addresses = addresses.iter().map(|address| address.parse::<IpAddr>().unwrap()).collect();
        Box::pin(async move { Ok(addresses) })
    }
}

async fn setup(script: Script) -> (Server, Sandbox) {
    let server = Server::start(authority(), script).await;
    let sandbox = Sandbox::new(SandboxConfig {
        limits: impatient(),
        in_flight: 1,
        addresses: addresses([server.connect_to(HOOKS)]),
        extra_authorities: vec![authority().der()],
        resolver: Some(Arc::new(Inward)),
        ..SandboxConfig::default()
    });
    (server, sandbox.unwrap())
}

async fn post(sandbox: &Sandbox, url: &str, revocation: &Revocation) -> Result<u16, PostError> {
    let headers = vec![("webhook-id".to_owned(), "e1".to_owned())];
    let request = Post { owner: "acme".to_owned(), url: url.to_owned(), headers, body: b"{}".to_vec().into() };
    sandbox.post(&OperatorPolicy::default(), request, revocation).await.map(|response| response.status)
}

#[tokio::test]
async fn addresses_that_are_not_public_are_refused() {
    let (server, sandbox) = setup(Script::good()).await;
    for name in ["private", "loopback", "metadata", "mapped", "mixed", "unknown"] {
        let error = post(&sandbox, &format!("https://{name}.names.test/"), &Revocation::default()).await.unwrap_err();
        assert!(!error.maybe_sent, "{name}: {error}");
    }
    for url in
        ["https://127.0.0.1/", "https://[::1]/", "http://hooks.platform.test/", "https://hooks.platform.test:22/"]
    {
        let error = post(&sandbox, url, &Revocation::default()).await.unwrap_err();
        assert!(!error.maybe_sent && error.reason.contains("operator"), "{url}: {error}");
    }
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn only_the_status_of_a_response_within_the_limits_counts() {
    let url = format!("https://{HOOKS}/hooks");
    let redirect = answer(302, &format!("connection: close\r\nlocation: https://{HOOKS}/other\r\n"), b"");
    let full = answer(200, "connection: close\r\n", &[b'a'; 64 << 10]);
    let too_large = answer(200, "connection: close\r\n", &[b'a'; (64 << 10) + 1]);
    for (what, script, expected) in [
        ("a good response", Script::raw(answer(204, "connection: close\r\n", b"")), Ok(204)),
        ("a redirect", Script::raw(redirect), Ok(302)),
        ("a full response", Script::raw(full), Ok(200)),
        ("a response that is too large", Script::raw(too_large), Err(true)),
        (
            "an endless response",
            Script::steps([Step::Read, Step::Write(b"HTTP/1.1 200 OK\r\n\r\n".to_vec()), Step::Drip(b'a')]),
            Err(true),
        ),
        ("silence", Script::steps([Step::Read, Step::Silence]), Err(true)),
        ("a certificate for another name", Script::handshake(Handshake::WrongName), Err(false)),
        ("an unknown authority", Script::handshake(Handshake::UnknownAuthority), Err(false)),
        ("no TLS", Script::handshake(Handshake::PlainText), Err(false)),
    ] {
        let (server, sandbox) = setup(script).await;
        let result = post(&sandbox, &url, &Revocation::default()).await.map_err(|error| error.maybe_sent);
        assert_eq!(result, expected, "{what}");
        assert!(server.seen().len() <= 1, "{what}");
        for seen in server.seen() {
            assert!(
                seen.head.starts_with("POST /hooks HTTP/1.1\r\n") && seen.head.contains("webhook-id: e1\r\n"),
                "{what}"
            );
        }
    }
}

#[tokio::test]
async fn nothing_leaves_that_may_not() {
    let (server, sandbox) = setup(Script::good()).await;
    let revocation = Revocation { may_leave: Some(Arc::new(|| false)), ..Revocation::default() };
    let error = post(&sandbox, &format!("https://{HOOKS}/"), &revocation).await.unwrap_err();
    assert!(!error.maybe_sent);
    assert_eq!(server.seen().len(), 0);
}
