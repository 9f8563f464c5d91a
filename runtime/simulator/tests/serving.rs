//! The listener itself: TLS by name, hosts, HTTP/1.1, a client that everybody uses.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a panic is how a test fails; clippy's allowance covers test functions and not what they call"
)]

mod client;

use client::*;
use sendbox_simulator::{Simulator, SimulatorConfig, SimulatorError, TlsMode};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

async fn dial_error(simulator: &Simulator, host: &str) -> String {
    match dial(simulator, host).await {
        Ok(_) => panic!("a TLS session for {host}"),
        Err(error) => error.to_string(),
    }
}

#[tokio::test]
async fn unknown_names_are_refused_in_the_handshake() {
    let simulator = start().await;
    for host in ["evil.example", "twilio.com", "api.a.b.c.twilio.com", "xapi.twilio.com", "api.one.twilio.com"] {
        assert!(dial_error(&simulator, host).await.contains("alert"), "{host}");
    }
    // No name at all: an address in SNI is not allowed, so none is sent.
    assert!(dial_error(&simulator, "127.0.0.1").await.contains("alert"));
    assert_eq!(good_twilio().to(&simulator).await.status, 201);
    assert_eq!(simulator.counters().failed_handshakes, 6);
    assert!(matches!(simulator.set_tls_mode("evil.example", TlsMode::Good), Err(SimulatorError::FaultTarget { .. })));
}

#[tokio::test]
async fn each_kind_of_bad_certificate_affects_one_host() {
    let simulator = start().await;
    simulator.set_tls_mode(TWILIO, TlsMode::WrongName).unwrap();
    let error = dial_error(&simulator, TWILIO).await;
    assert!(error.contains("not valid for name"), "{error}");
    simulator.set_tls_mode(TWILIO, TlsMode::UnknownCa).unwrap();
    let error = dial_error(&simulator, TWILIO).await;
    assert!(error.contains("UnknownIssuer"), "{error}");
    assert_eq!(good_hook().to(&simulator).await.status, 200);
    simulator.set_tls_mode(TWILIO, TlsMode::Good).unwrap();
    assert_eq!(good_twilio().to(&simulator).await.status, 201);
    assert_eq!(simulator.requests().len(), 2);
}

#[tokio::test]
async fn a_stalled_handshake_is_never_answered_and_blocks_nobody() {
    let simulator = start().await;
    simulator.set_tls_mode(TWILIO, TlsMode::Stall).unwrap();
    let mut stalled = std::pin::pin!(dial(&simulator, TWILIO));
    // Another host's request can only be served after the stalled connection was accepted, and is not held up by it.
    let other = tokio::select! {
        _ = &mut stalled => panic!("the handshake was answered"),
        answer = async {
            while simulator.counters().connections == 0 {
                tokio::task::yield_now().await;
            }
            good_hook().to(&simulator).await
        } => answer,
    };
    assert_eq!(other.status, 200);
    simulator.set_tls_mode(TWILIO, TlsMode::Good).unwrap();
    assert_eq!(good_twilio().to(&simulator).await.status, 201);
}

#[tokio::test]
async fn hosts_that_only_record() {
    let config = SimulatorConfig { extra_hosts: vec!["evil.example".into()], ..SimulatorConfig::default() };
    let simulator = Simulator::start(config).await.unwrap();
    let mut request = good_twilio();
    request.host = "evil.example".into();
    let answer = request.to(&simulator).await;
    assert_eq!(answer.status, 404);
    assert!(answer.json()["error"].is_string());
    assert_eq!(simulator.requests()[0].host, "evil.example");
    assert!(simulator.inbox().is_empty());
    simulator.inject_spec("evil.example=redirect:https://api.twilio.com/".parse().unwrap()).unwrap();
    assert_eq!(request.to(&simulator).await.status, 307);
}

#[tokio::test]
async fn a_host_header_of_another_name_is_misdirected() {
    let simulator = start().await;
    let mut stream = dial(&simulator, HOOKS).await.unwrap();
    stream.write_all(&good_twilio().bytes()).await.unwrap();
    assert_eq!(Answer::parse(&read_all(&mut stream).await.0).status, 421);
    assert!(simulator.inbox().is_empty());
    assert_eq!(simulator.requests().len(), 1);
}

#[tokio::test]
async fn malformed_requests_get_a_response_and_are_closed() {
    let simulator = start().await;
    let long = format!("GET / HTTP/1.1\r\nHost: {TWILIO}\r\nX: {}", "a".repeat(40_000));
    for (bytes, status) in [
        ("POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n".to_owned(), 400),
        (format!("POST / HTTP/1.1\r\nHost: {TWILIO}\r\nHost: {TWILIO}\r\n\r\n"), 400),
        (format!("POST / HTTP/1.1\r\nHost: {TWILIO}\r\nContent-Length: 9999999\r\n\r\n"), 413),
        ("\u{1}\u{2}\r\n\r\n".to_owned(), 400),
        (long, 431),
    ] {
        let mut stream = dial(&simulator, TWILIO).await.unwrap();
        stream.write_all(bytes.as_bytes()).await.unwrap();
        let mut answer = vec![0; 12];
        stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(String::from_utf8(answer).unwrap(), format!("HTTP/1.1 {status}"));
    }
    assert_eq!(good_twilio().to(&simulator).await.status, 201);
}

#[tokio::test]
async fn chunks_and_expectations_are_understood() {
    let simulator = start().await;
    let mut request = good_twilio();
    let body = std::mem::take(&mut request.body);
    let (a, b) = body.split_at(10);
    let head = request.head().replace("Content-Length: 0", "Transfer-Encoding: chunked\r\nExpect: 100-continue");
    let mut stream = dial(&simulator, TWILIO).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut interim = vec![0; 25];
    stream.read_exact(&mut interim).await.unwrap();
    assert_eq!(interim, b"HTTP/1.1 100 Continue\r\n\r\n");
    for chunk in [a, b] {
        stream.write_all(format!("{:x}\r\n", chunk.len()).as_bytes()).await.unwrap();
        stream.write_all(chunk).await.unwrap();
        stream.write_all(b"\r\n").await.unwrap();
    }
    stream.write_all(b"0\r\n\r\n").await.unwrap();
    assert_eq!(Answer::parse(&read_all(&mut stream).await.0).status, 201);
    assert_eq!(simulator.requests()[0].body, body);
}

#[tokio::test]
async fn an_ordinary_client_reuses_its_connection() {
    rustls::crypto::ring::default_provider().install_default().ok();
    let simulator = start().await;
    let root = reqwest::Certificate::from_pem(simulator.ca_pem().as_bytes()).unwrap();
    let client = reqwest::Client::builder()
        .tls_certs_only([root])
        .no_proxy()
        .resolve(TWILIO, simulator.tls_addr())
        .build()
        .unwrap();
    let sent = good_twilio();
    let url = format!("https://{TWILIO}:{}{}", simulator.tls_addr().port(), sent.path);
    for _ in 0..3 {
        let mut request = client.post(&url).body(sent.body.clone());
        for (name, value) in &sent.headers {
            request = request.header(name, value);
        }
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 201);
        assert!(answer.text().await.unwrap().contains("accepted"));
    }
    let ids: Vec<u64> = simulator.requests().iter().map(|request| request.connection_id).collect();
    assert_eq!(ids, [1, 1, 1]);
    assert_eq!(simulator.counters().connections, 1);
}

#[tokio::test]
async fn ports_are_as_configured_and_released() {
    let first = start().await;
    let (tls, page) = (first.tls_addr(), first.inbox_addr());
    assert!(tls.ip().is_loopback() && page.ip().is_loopback());
    let config =
        SimulatorConfig { tls_port: Some(tls.port()), inbox_port: Some(page.port()), ..SimulatorConfig::default() };
    let taken = Simulator::start(config.clone()).await.unwrap_err();
    assert!(matches!(&taken, SimulatorError::Listen { addr, .. } if *addr == tls), "{taken}");
    first.shutdown().await;
    assert!(TcpStream::connect(tls).await.is_err());
    let second = Simulator::start(config).await.unwrap();
    assert_eq!((second.tls_addr(), second.inbox_addr()), (tls, page));
}

#[tokio::test]
async fn the_root_is_new_every_time_and_can_be_written() {
    let (first, second) = (start().await, start().await);
    assert_ne!(first.ca_pem(), second.ca_pem());
    let path = std::env::temp_dir().join(format!("sendbox-simulator-{}.pem", std::process::id()));
    first.write_ca(&path).unwrap();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), first.ca_pem());
    std::fs::remove_file(&path).unwrap();
    let error = first.write_ca("/nonexistent/ca.pem").unwrap_err().to_string();
    assert!(error.contains("/nonexistent/ca.pem"), "{error}");
    assert!(!first.ca_pem().contains("PRIVATE"));
}
