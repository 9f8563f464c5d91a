//! The inbox page and its API over plain HTTP.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a panic is how a test fails; clippy's allowance covers test functions and not what they call"
)]

mod client;

use client::*;
use sendbox_simulator::Simulator;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

async fn open(simulator: &Simulator, request: &str) -> TcpStream {
    let mut stream = TcpStream::connect(simulator.inbox_addr()).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    stream
}

async fn call_with(simulator: &Simulator, method: &str, path: &str, headers: &str, body: &str) -> Answer {
    let request = format!(
        "{method} {path} HTTP/1.1\r\n{headers}Connection: close\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut bytes = Vec::new();
    open(simulator, &request).await.read_to_end(&mut bytes).await.unwrap();
    Answer::parse(&bytes)
}

async fn call(simulator: &Simulator, method: &str, path: &str, body: &str) -> Answer {
    let headers = format!("Host: {}\r\nContent-Type: application/json\r\n", simulator.inbox_addr());
    call_with(simulator, method, path, &headers, body).await
}

/// Reads events until one of this name, and gives its data.
async fn event(stream: &mut TcpStream, seen: &mut String, name: &str) -> Value {
    loop {
        let found = seen.find(&format!("event: {name}\ndata: ")).and_then(|at| {
            let data = seen[at..].split("data: ").nth(1)?;
            Some((at, data[..data.find("\n\n")?].to_owned()))
        });
        if let Some((at, data)) = found {
            seen.replace_range(..at + "event: ".len(), "");
            return serde_json::from_str(&data).unwrap();
        }
        let mut piece = vec![0; 4096];
        let read = stream.read(&mut piece).await.unwrap();
        assert!(read > 0, "the stream ended before {name}: {seen}");
        seen.push_str(std::str::from_utf8(&piece[..read]).unwrap());
    }
}

#[tokio::test]
async fn messages_are_listed_and_cleared() {
    let simulator = start().await;
    assert_eq!(call(&simulator, "GET", "/messages", "").await.json(), json!([]));
    good_twilio().to(&simulator).await;
    good_hook().to(&simulator).await;
    let list = call(&simulator, "GET", "/messages", "").await.json();
    assert_eq!((&list[0]["to"], &list[0]["text"]), (&json!(TO), &json!(TEXT)));
    assert_eq!((&list[1]["usage"], &list[1]["variables"]["code"]), (&json!("SignIn"), &json!("246810")));
    assert_eq!(call(&simulator, "GET", "/counters", "").await.json()["accepted"], 2);
    assert_eq!(call(&simulator, "DELETE", "/messages", "").await.status, 204);
    assert!(simulator.inbox().is_empty());
}

#[tokio::test]
async fn events_begin_with_a_snapshot_and_continue_live() {
    let simulator = start().await;
    good_twilio().to(&simulator).await;
    let host = simulator.inbox_addr();
    let mut stream = open(&simulator, &format!("GET /events HTTP/1.1\r\nHost: {host}\r\n\r\n")).await;
    let mut seen = String::new();
    let snapshot = event(&mut stream, &mut seen, "snapshot").await;
    assert_eq!((snapshot.as_array().unwrap().len(), &snapshot[0]["number"]), (1, &json!(1)));
    good_hook().to(&simulator).await;
    assert_eq!(event(&mut stream, &mut seen, "message").await["number"], 2);
    simulator.clear_inbox();
    event(&mut stream, &mut seen, "cleared").await;
    // A watcher does not keep the simulator from ending.
    simulator.shutdown().await;
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).await.unwrap();
}

#[tokio::test]
async fn faults_are_set_listed_and_cleared() {
    let simulator = start().await;
    let answer = call(&simulator, "POST", "/faults", r#"{"target":"twilio","fault":"status:503","times":2}"#).await;
    assert_eq!(answer.status, 201);
    assert_eq!(good_twilio().to(&simulator).await.status, 503);
    let list = call(&simulator, "GET", "/faults", "").await.json();
    assert_eq!(list, json!([{ "target": "twilio", "fault": "status:503", "times": 1 }]));
    assert_eq!(call(&simulator, "DELETE", "/faults", "").await.status, 204);
    assert_eq!(good_twilio().to(&simulator).await.status, 201);
    assert_eq!(call(&simulator, "POST", "/faults", r#"{"fault":"stall"}"#).await.json()["target"], "*");

    for (body, status) in [
        (r#"{"fault":"sloth"}"#, 422),
        (r#"{"target":"nobody","fault":"stall"}"#, 422),
        (r#"{"target":"twilio","fault":"code:1"}"#, 422),
        (r#"{"fault":"#, 400),
    ] {
        let answer = call(&simulator, "POST", "/faults", body).await;
        assert_eq!(answer.status, status, "{body}");
        assert!(answer.json()["error"].as_str().is_some_and(|error| !error.is_empty()), "{body}");
    }
    let simple = format!("Host: {}\r\nContent-Type: text/plain\r\n", simulator.inbox_addr());
    assert_eq!(call_with(&simulator, "POST", "/faults", &simple, r#"{"fault":"stall"}"#).await.status, 415);
}

#[tokio::test]
async fn other_paths_and_methods_are_refused_in_json() {
    let simulator = start().await;
    for (method, path, status) in [("GET", "/nope", 404), ("POST", "/messages", 405), ("PUT", "/", 405)] {
        let answer = call(&simulator, method, path, "").await;
        assert_eq!(answer.status, status, "{method} {path}");
        assert!(answer.json()["error"].is_string());
    }
}

#[tokio::test]
async fn other_web_pages_are_kept_out() {
    let simulator = start().await;
    good_twilio().to(&simulator).await;
    let port = simulator.inbox_addr().port();
    for (headers, status) in [
        (format!("Host: localhost:{port}\r\n"), 200),
        (format!("Host: rebound.evil.example:{port}\r\n"), 403),
        (format!("Host: 127.0.0.1:{port}\r\nOrigin: https://evil.example\r\n"), 403),
    ] {
        let answer = call_with(&simulator, "GET", "/messages", &headers, "").await;
        assert_eq!(answer.status, status, "{headers}");
        assert_eq!(String::from_utf8_lossy(&answer.body).contains(TO), status == 200);
        assert_eq!(answer.header("access-control-allow-origin"), None);
    }
}

#[tokio::test]
async fn the_page_needs_nothing_from_outside_and_runs_only_its_own_script() {
    let simulator = start().await;
    let answer = call(&simulator, "GET", "/", "").await;
    assert_eq!(answer.status, 200);
    assert!(answer.header("content-type").unwrap().starts_with("text/html"));
    let page = String::from_utf8(answer.body.clone()).unwrap();
    let policy = answer.header("content-security-policy").unwrap();
    let nonce = policy.split("'nonce-").nth(1).unwrap().split('\'').next().unwrap();
    assert!(policy.contains("default-src 'none'") && page.contains(&format!("<script nonce=\"{nonce}\">")));
    for word in ["{{nonce}}", "innerHTML", "insertAdjacentHTML", "src=", "href=", "http://", "@import"] {
        assert!(!page.contains(word), "{word}");
    }
    let again = call(&simulator, "GET", "/", "").await;
    assert_ne!(again.header("content-security-policy"), answer.header("content-security-policy"));
}
