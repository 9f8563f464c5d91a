//! `sendbox events` and `sendbox listen`, as a developer runs them, against a running `sendbox serve`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

use std::process::Stdio;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use sendbox_service::webhook_signature;
use sendbox_tests::process::{Deployment, Process, binary};
use sendbox_tests::test_service::{PLATFORM_KEY, TENANT};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;
use tokio::process::Command;

/// After this time a story fails that would wait forever.
const PATIENCE: Duration = Duration::from_secs(60);

async fn command(process: &Process, args: &[&str]) -> Command {
    let mut command = Command::new(binary().await);
    command.env_clear().env("SENDBOX_SERVER", process.client.address()).env("SENDBOX_KEY", PLATFORM_KEY);
    command.env("SENDBOX_TENANT", TENANT).args(args).stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true);
    command
}

/// Runs a command to its end. Returns its exit code and what it printed.
async fn run(process: &Process, args: &[&str]) -> (Option<i32>, String) {
    let output = command(process, args).await.stderr(Stdio::piped()).output().await.unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(text).unwrap())
}

async fn send(process: &Process) -> String {
    let message = json!({ "to": "+4520918374", "usage": "sign-in", "code": "271828" });
    let sent = process.client.post("messages", &message, None).await.unwrap();
    assert!(sent.is_success(), "{sent:?}");
    sent.text("/id").to_owned()
}

/// The webhook endpoint that a command has created.
async fn endpoint(process: &Process) -> Value {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let endpoints = process.client.get("webhook-endpoints").await.body;
        if let Some(endpoint) = endpoints.as_array().and_then(|endpoints| endpoints.first()) {
            return endpoint.clone();
        }
        assert!(Instant::now() < deadline, "the command creates no endpoint");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Reads one request with a body, and responds with 204.
async fn receive(listener: &TcpListener) -> (String, Vec<u8>) {
    let (mut stream, _) = listener.accept().await.unwrap();
    let mut bytes = Vec::new();
    loop {
        assert!(stream.read_buf(&mut bytes).await.unwrap() > 0, "the request ends early");
        let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else { continue };
        let head = String::from_utf8(bytes[..end].to_vec()).unwrap().to_ascii_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
        let body = &bytes[end + 4..];
        if body.len() < length.parse::<usize>().unwrap() {
            continue;
        }
        let body = body.to_vec();
        stream.write_all(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n").await.unwrap();
        return (head, body);
    }
}

#[tokio::test]
async fn events_are_forwarded_signed_and_listed() {
    let deployment = Deployment::new().await;
    let process = deployment.start().await;
    process.client.add_tenant().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/webhooks", listener.local_addr().unwrap());
    let args = ["listen", "--forward-to", &url, "--events", "message.accepted", "--json"];
    let mut listening = command(&process, &args).await.spawn().unwrap();
    let mut lines = BufReader::new(listening.stdout.take().unwrap()).lines();
    let endpoint = endpoint(&process).await;
    assert_eq!((&endpoint["name"], &endpoint["url"]), (&json!("sendbox listen"), &Value::Null));
    let secret = process.client.get(&format!("webhook-endpoints/{}/secret", endpoint["id"].as_str().unwrap())).await;
    let secret = secret.text("/secret").to_owned();

    for _ in 0..2 {
        let message = send(&process).await;
        let (head, body) = receive(&listener).await;
        assert!(head.starts_with("post /webhooks http/1.1\r\n"), "{head}");
        let header = |name: &str| head.lines().find_map(|line| line.strip_prefix(&format!("{name}: "))).unwrap();
        let seconds: i64 = header("webhook-timestamp").parse().unwrap();
        let signature = webhook_signature(&secret, header("webhook-id"), seconds, &body).unwrap();
        assert_eq!(header("webhook-signature"), signature.to_ascii_lowercase());
        let told: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!((&told["type"], &told["data"]["id"]), (&json!("message.accepted"), &json!(message)));
        let line: Value = serde_json::from_str(&lines.next_line().await.unwrap().unwrap()).unwrap();
        assert_eq!((&line["status"], &line["event"]["data"]["id"]), (&json!(204), &json!(message)));

        let (exit, text) = run(&process, &["events", "list", "--subject", &message]).await;
        assert_eq!(exit, Some(0), "{text}");
        assert!(
            text.contains("message.accepted") && text.contains(&message) && !text.contains("+4520918374"),
            "{text}"
        );
        let event = header("webhook-id");
        let (exit, text) = run(&process, &["events", "resend", event]).await;
        assert_eq!(exit, Some(3), "it was meant for no endpoint with a URL: {text}");
        assert!(text.contains("one must be enabled and have a URL"), "{text}");
    }
    let (exit, text) = run(&process, &["events", "resend", "enothing"]).await;
    assert_eq!(exit, Some(2), "{text}");
    let (exit, text) = run(&process, &["events", "list", "--json", "--type", "message.failed"]).await;
    assert_eq!((exit, serde_json::from_str::<Value>(&text).unwrap()), (Some(0), json!({ "items": [] })));

    let id = Pid::from_raw(i32::try_from(listening.id().unwrap()).unwrap()).unwrap();
    kill_process(id, Signal::INT).unwrap();
    assert_eq!(listening.wait().await.unwrap().code(), Some(0));
    assert_eq!(process.client.get("webhook-endpoints").await.body, json!([]));
    process.stop().await;
}

#[tokio::test]
async fn events_are_followed() {
    let deployment = Deployment::new().await;
    let process = deployment.start().await;
    process.client.add_tenant().await;
    let new = json!({ "name": "stored", "events": ["message.accepted"] });
    assert!(process.client.post("webhook-endpoints", &new, None).await.unwrap().is_success());
    let before = send(&process).await;
    let mut following = command(&process, &["events", "follow", "--json"]).await.spawn().unwrap();
    let mut lines = BufReader::new(following.stdout.take().unwrap()).lines();
    // Which of these is the first to be followed depends on when the command has started.
    let (first, sent) = {
        let mut sent = Vec::new();
        let mut next = std::pin::pin!(lines.next_line());
        loop {
            sent.push(send(&process).await);
            tokio::select! {
                line = &mut next => break (line.unwrap().unwrap(), sent),
                () = tokio::time::sleep(Duration::from_millis(500)) => {}
            }
        }
    };
    let id = |line: &str| serde_json::from_str::<Value>(line).unwrap()["data"]["id"].as_str().unwrap().to_owned();
    let from = sent.iter().position(|message| *message == id(&first)).expect("one of those that were sent");
    for message in &sent[from + 1..] {
        assert_eq!(id(&lines.next_line().await.unwrap().unwrap()), *message);
    }
    assert!(!sent.contains(&before));
    let pid = Pid::from_raw(i32::try_from(following.id().unwrap()).unwrap()).unwrap();
    kill_process(pid, Signal::INT).unwrap();
    assert_eq!(following.wait().await.unwrap().code(), Some(0));
    process.stop().await;
}
