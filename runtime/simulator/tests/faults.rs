//! Every fault as a client over real TLS sees it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a panic is how a test fails; clippy's allowance covers test functions and not what they call"
)]

mod client;

use std::io::{ErrorKind, Read as _};
use std::time::{Duration, Instant};

use client::*;
use sendbox_simulator::{Fault, Simulator, SimulatorError, TwilioAccount};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

async fn with(spec: &str) -> Simulator {
    let simulator = start().await;
    simulator.inject_spec(spec.parse().unwrap()).unwrap();
    simulator
}

#[tokio::test]
async fn status_code_and_retry_after_use_the_providers_format() {
    let cases = [
        ("twilio=status:503", 503, 20503),
        ("twilio=status:401", 401, 20003),
        ("twilio=code:21211", 400, 21211),
        ("twilio=code:20429", 429, 20429),
        ("twilio=code:10001", 403, 10001),
        ("api.twilio.com=code:30450", 400, 30450),
        ("*=retry-after:7", 429, 20429),
    ];
    for (spec, status, code) in cases {
        let simulator = with(spec).await;
        let answer = good_twilio().to(&simulator).await;
        assert_eq!((answer.status, &answer.json()["code"]), (status, &code.into()), "{spec}");
        assert_eq!(answer.header("retry-after"), (spec == "*=retry-after:7").then_some("7"));
        assert!(simulator.inbox().is_empty(), "{spec}: the provider did not act");
    }
    let simulator = with("http=status:500").await;
    let answer = good_hook().to(&simulator).await;
    assert_eq!(answer.status, 500);
    assert!(answer.json()["error"].is_string());
    assert_eq!(good_twilio().to(&simulator).await.status, 201, "the fault is for http alone");
    let answer = with("*=status:204").await;
    assert_eq!(good_twilio().to(&answer).await.body, b"");
}

#[tokio::test]
async fn every_code_of_the_table_can_be_injected() {
    let simulator = start().await;
    for code in [
        20003, 20404, 20429, 10001, 21211, 21614, 21610, 21608, 21612, 21408, 21606, 21212, 30001, 30003, 30005, 30006,
        30007, 30034, 21617, 21703, 21705, 30002, 30450, 11200,
    ] {
        simulator.inject(Fault::Code(code.to_string()), Some(1)).unwrap();
        let json = good_twilio().to(&simulator).await.json();
        assert_eq!(json["code"], code);
        assert!(json["message"].as_str().is_some_and(|m| !m.is_empty()));
    }
    assert!(simulator.faults().is_empty());
}

#[tokio::test]
async fn a_fault_that_matches_nothing_is_refused() {
    let simulator = start().await;
    let inject = |spec: &str| simulator.inject_spec(spec.parse().unwrap());
    assert!(matches!(inject("twillio=stall"), Err(SimulatorError::FaultTarget { .. })));
    assert!(matches!(inject("twilio=code:1"), Err(SimulatorError::FaultCode { .. })));
    assert!(matches!(inject("http=code:21211"), Err(SimulatorError::FaultCode { .. })));
    assert!(matches!(inject("api.twilio.com=code:x"), Err(SimulatorError::FaultCode { .. })));
    assert!(inject("*=code:21211").is_ok());
    assert!(inject("hooks.simulator.test=stall").is_ok());
    simulator.clear_faults();
    assert_eq!(good_hook().to(&simulator).await.status, 200);
}

#[tokio::test]
async fn counts_run_out_and_delays_add_up() {
    let simulator = start().await;
    for spec in ["*=delay:30ms,times=1", "*=delay:20ms,times=1", "*=status:500,times=2"] {
        simulator.inject_spec(spec.parse().unwrap()).unwrap();
    }
    let start = Instant::now();
    assert_eq!(good_twilio().to(&simulator).await.status, 500);
    assert!(start.elapsed() >= Duration::from_millis(50));
    assert_eq!(simulator.faults().iter().map(ToString::to_string).collect::<Vec<_>>(), ["*=status:500,times=1"]);
    assert_eq!(good_twilio().to(&simulator).await.status, 500);
    assert_eq!(good_twilio().to(&simulator).await.status, 201);
    assert_eq!(simulator.counters().faults, 2);
}

#[tokio::test]
async fn stall_reads_everything_and_never_responds() {
    let simulator = with("*=stall").await;
    let mut events = simulator.subscribe();
    let mut stream = dial(&simulator, TWILIO).await.unwrap();
    stream.write_all(&good_twilio().bytes()).await.unwrap();
    let message = next_message(&mut events).await;
    assert_eq!(message.fault.as_deref(), Some("stall"));
    simulator.shutdown().await;
    assert_eq!(read_all(&mut stream).await.0, b"");
}

#[tokio::test]
async fn dropping_the_simulator_ends_what_stalls() {
    let simulator = with("*=stall").await;
    let mut events = simulator.subscribe();
    let mut stream = dial(&simulator, TWILIO).await.unwrap();
    stream.write_all(&good_twilio().bytes()).await.unwrap();
    next_message(&mut events).await;
    drop(simulator);
    assert_eq!(read_all(&mut stream).await.0, b"");
}

#[tokio::test]
async fn reset_before_comes_without_waiting_for_the_body() {
    let simulator = with("*=reset-before").await;
    let mut stream = dial(&simulator, TWILIO).await.unwrap();
    stream.write_all(good_twilio().head().as_bytes()).await.unwrap();
    let (bytes, end) = read_all(&mut stream).await;
    assert_eq!((bytes.len(), end.unwrap_err().kind()), (0, ErrorKind::ConnectionReset));
    assert_eq!((simulator.requests().len(), simulator.requests()[0].body.len()), (1, 0));
    assert!(simulator.inbox().is_empty());
}

#[tokio::test]
async fn reset_after_loses_the_response_to_an_accepted_message() {
    let simulator = with("*=reset-after").await;
    let (bytes, end) = good_twilio().raw(&simulator).await;
    assert_eq!((bytes.len(), end.unwrap_err().kind()), (0, ErrorKind::ConnectionReset));
    assert_eq!(simulator.requests()[0].body, good_twilio().body);
    assert_eq!(simulator.inbox()[0].fault.as_deref(), Some("reset-after"));
}

#[tokio::test]
async fn redirect_points_elsewhere() {
    let simulator = with("*=redirect:https://elsewhere.example/x").await;
    let answer = good_twilio().to(&simulator).await;
    assert_eq!((answer.status, answer.header("location")), (307, Some("https://elsewhere.example/x")));
}

#[tokio::test]
async fn oversize_and_bomb_are_as_large_as_they_say() {
    let simulator = with("*=oversize:3000000,times=1").await;
    assert_eq!(good_twilio().to(&simulator).await.body.len(), 3_000_000);

    simulator.inject(Fault::GzipBomb, None).unwrap();
    let answer = good_twilio().to(&simulator).await;
    assert_eq!(answer.header("content-encoding"), Some("gzip"));
    assert!(answer.body.len() < 64 << 10);
    let mut unpacked = Vec::new();
    flate2::read::GzDecoder::new(answer.body.as_slice()).read_to_end(&mut unpacked).unwrap();
    assert_eq!(unpacked.len(), 16 << 20);
}

#[tokio::test]
async fn garbage_is_not_http() {
    let simulator = with("*=garbage").await;
    let (bytes, _) = good_twilio().raw(&simulator).await;
    let mut headers = [httparse::EMPTY_HEADER; 16];
    assert_eq!(bytes.len(), 512);
    assert!(httparse::Response::new(&mut headers).parse(&bytes).is_err());
    assert_eq!(simulator.inbox()[0].fault.as_deref(), Some("garbage"));
}

#[tokio::test]
async fn echo_returns_every_secret() {
    let token = TwilioAccount::default().auth_token;
    let raw = good_twilio().headers[0].1.clone();
    for (spec, status) in [("*=echo", 400), ("*=echo:201", 201)] {
        let simulator = with(spec).await;
        let answer = good_twilio().to(&simulator).await;
        assert_eq!(answer.status, status);
        let body = answer.json().to_string();
        for secret in [token.as_str(), raw.as_str(), TO, TEXT] {
            assert!(body.contains(secret), "{spec}: {body}");
            assert!(answer.head.contains(secret), "{spec}: {}", answer.head);
        }
    }
    let answer = good_hook().to(&with("*=echo").await).await;
    for secret in ["4512345678", "246810", "192.0.2.7"] {
        assert!(answer.head.contains(secret) && answer.json()["error"].as_str().unwrap().contains(secret));
    }
}

#[tokio::test]
async fn drip_never_ends_by_itself() {
    let simulator = with("*=drip:1ms").await;
    let mut stream = dial(&simulator, TWILIO).await.unwrap();
    stream.write_all(&good_twilio().bytes()).await.unwrap();
    let mut bytes = Vec::new();
    while bytes.windows(6).filter(|w| w == b"1\r\n \r\n").count() < 5 {
        assert!(stream.read_buf(&mut bytes).await.unwrap() > 0);
    }
    assert!(bytes.starts_with(b"HTTP/1.1 201 "));
    assert_eq!(simulator.inbox().len(), 1);
    simulator.shutdown().await;
    bytes.extend(read_all(&mut stream).await.0);
    assert!(!bytes.ends_with(b"0\r\n\r\n"));
}

#[tokio::test]
async fn lie_length_ends_cleanly_and_too_early() {
    let simulator = with("*=lie-length").await;
    let (bytes, end) = good_twilio().raw(&simulator).await;
    end.unwrap();
    let answer = Answer::parse(&bytes);
    assert_eq!(answer.header("content-length").unwrap().parse::<usize>().unwrap(), answer.body.len() + 64);
    assert_eq!(answer.json()["status"], "accepted");
    assert_eq!(simulator.inbox()[0].fault.as_deref(), Some("lie-length"));
}

#[tokio::test]
async fn close_mid_body_cuts_the_session_off() {
    for request in [good_twilio(), good_hook()] {
        let simulator = with("*=close-mid-body").await;
        let (bytes, end) = request.raw(&simulator).await;
        assert_eq!(end.unwrap_err().kind(), ErrorKind::UnexpectedEof);
        let answer = Answer::parse(&bytes);
        let promised = answer.header("content-length").unwrap().parse::<usize>().unwrap();
        assert_eq!(answer.body.len(), promised / 2);
        assert!(promised > 0);
    }
}
