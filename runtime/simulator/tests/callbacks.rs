//! Status callbacks: sent only to configured deployments, and signed as the providers sign them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a panic is how a test fails; clippy's allowance covers test functions and not what they call"
)]

mod client;

use client::*;
use hmac::{Hmac, KeyInit, Mac};
use sendbox_simulator::{Simulator, SimulatorConfig, TwilioAccount};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use url::form_urlencoded;

const ORIGIN: &str = "https://sms.acme.example";

/// A deployment that takes one call at a time.
async fn deployment() -> (Simulator, TcpListener) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let fronts = [(ORIGIN.to_owned(), listener.local_addr().unwrap())].into();
    (Simulator::start(SimulatorConfig { fronts, ..SimulatorConfig::default() }).await.unwrap(), listener)
}

/// The next call: its head and its body.
async fn call(listener: &TcpListener) -> (String, String) {
    let (mut stream, _) = listener.accept().await.unwrap();
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8(bytes.clone()).unwrap();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
            if body.len() == length.parse::<usize>().unwrap() {
                stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").await.unwrap();
                return (head.to_owned(), body.to_owned());
            }
        }
        assert!(stream.read_buf(&mut bytes).await.unwrap() > 0, "the call ended early");
    }
}

fn header<'a>(head: &'a str, name: &str) -> &'a str {
    head.lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
        .unwrap_or_else(|| panic!("{name}: {head}"))
}

fn to(number: &str, callback: &str) -> Sent {
    let service = service();
    let fields =
        [("To", number), ("MessagingServiceSid", service.as_str()), ("Body", TEXT), ("StatusCallback", callback)];
    twilio(&fields)
}

#[tokio::test]
async fn twilio_reports_and_signs() {
    for (number, end, code) in [(TO, "delivered", None), ("+15005550030", "undelivered", Some("30003"))] {
        let (simulator, listener) = deployment().await;
        let answer = to(number, &format!("{ORIGIN}/reports/a?b=c")).to(&simulator).await;
        assert_eq!(answer.status, 201);
        for status in ["sent", end] {
            let (head, body) = call(&listener).await;
            assert!(head.starts_with("POST /reports/a?b=c HTTP/1.1\r\n"), "{head}");
            assert_eq!(header(&head, "host"), "sms.acme.example");
            let mut form: Vec<(String, String)> = form_urlencoded::parse(body.as_bytes()).into_owned().collect();
            let field = |name: &str| form.iter().find(|field| field.0 == name).map(|field| field.1.as_str());
            assert_eq!((field("MessageStatus"), field("To")), (Some(status), Some(number)));
            assert_eq!(field("MessageSid"), answer.json()["sid"].as_str());
            assert_eq!(field("ErrorCode"), code.filter(|_| status == end));
            form.sort();
            let token = TwilioAccount::default().auth_token;
            let mut mac = <Hmac<sha1::Sha1> as KeyInit>::new_from_slice(token.as_bytes()).unwrap();
            mac.update(format!("{ORIGIN}/reports/a?b=c").as_bytes());
            form.iter().for_each(|(name, value)| mac.update(format!("{name}{value}").as_bytes()));
            assert_eq!(header(&head, "x-twilio-signature"), base64(&mac.finalize().into_bytes()));
        }
        simulator.shutdown().await;
    }
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

#[tokio::test]
async fn nothing_is_sent_to_other_origins() {
    let (simulator, listener) = deployment().await;
    // Another host, another scheme's port, and a name that only begins like it.
    for elsewhere in
        ["https://other.example/r", "https://sms.acme.example:8443/r", "https://sms.acme.example.evil.example/r"]
    {
        assert_eq!(to(TO, elsewhere).to(&simulator).await.status, 201);
    }
    assert_eq!(to(TO, &format!("{ORIGIN}/last")).to(&simulator).await.status, 201);
    for _ in ["sent", "delivered"] {
        // In the order in which they were asked for: had the others led anywhere, they would be here.
        assert!(call(&listener).await.0.starts_with("POST /last "), "a call that nobody asked for");
    }
    simulator.shutdown().await;
}

#[tokio::test]
async fn deployments_must_be_on_loopback() {
    let fronts = [(ORIGIN.to_owned(), "192.0.2.1:80".parse().unwrap())].into();
    assert!(Simulator::start(SimulatorConfig { fronts, ..SimulatorConfig::default() }).await.is_err());
}
