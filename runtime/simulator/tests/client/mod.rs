//! A small client over real TLS that shows the bytes as they came, and requests to vary.

#![allow(dead_code, reason = "each test file uses a part of it")]

use std::io;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, ServerName};
use sendbox_simulator::{InboxEvent, InboxMessage, Simulator, SimulatorConfig, TwilioAccount};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::broadcast::Receiver;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

pub const TWILIO: &str = "api.twilio.com";
pub const HOOKS: &str = "hooks.simulator.test";
pub const TO: &str = "+4512345678";
pub const TEXT: &str = "Din kode er 246810 – æøå";

pub async fn start() -> Simulator {
    Simulator::start(SimulatorConfig::default()).await.unwrap()
}

pub async fn dial(simulator: &Simulator, host: &str) -> io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(simulator.ca_pem().as_bytes()).unwrap()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let tcp = TcpStream::connect(simulator.tls_addr()).await?;
    let name = ServerName::try_from(host.to_owned()).unwrap();
    TlsConnector::from(Arc::new(config)).connect(name, tcp).await
}

/// All bytes until the end, and how it ended.
pub async fn read_all(stream: &mut TlsStream<TcpStream>) -> (Vec<u8>, io::Result<()>) {
    let mut bytes = Vec::new();
    let end = stream.read_to_end(&mut bytes).await.map(|_| ());
    (bytes, end)
}

pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn parse(bytes: &[u8]) -> Self {
        let split = bytes.windows(4).position(|w| w == b"\r\n\r\n").expect("a whole head");
        let head = String::from_utf8(bytes[..split + 2].to_vec()).unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Self { status, head, body: bytes[split + 4..].to_vec() }
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// A request that closes the connection afterwards.
#[derive(Clone)]
pub struct Sent {
    pub host: String,
    pub method: String,
    pub path: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Sent {
    pub fn set(&mut self, name: &str, value: &str) {
        self.remove(name);
        self.headers.push((name.into(), value.into()));
    }

    pub fn remove(&mut self, name: &str) {
        self.headers.retain(|(n, _)| n != name);
    }

    pub fn head(&self) -> String {
        let headers: String = self.headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let Self { host, method, path, body, .. } = self;
        format!(
            "{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Length: {}\r\n{headers}\r\n",
            body.len()
        )
    }

    pub fn bytes(&self) -> Vec<u8> {
        [self.head().as_bytes(), &self.body].concat()
    }

    pub async fn raw(&self, simulator: &Simulator) -> (Vec<u8>, io::Result<()>) {
        let mut stream = dial(simulator, &self.host).await.unwrap();
        stream.write_all(&self.bytes()).await.unwrap();
        read_all(&mut stream).await
    }

    pub async fn to(&self, simulator: &Simulator) -> Answer {
        let (bytes, end) = self.raw(simulator).await;
        end.unwrap();
        Answer::parse(&bytes)
    }
}

pub fn form(fields: &[(&str, &str)]) -> Vec<u8> {
    let mut out = url::form_urlencoded::Serializer::new(String::new());
    out.extend_pairs(fields).finish().into_bytes()
}

pub fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
}

pub fn service() -> String {
    format!("MG{}", "0a".repeat(16))
}

/// A good request to the default Twilio account, with these fields.
pub fn twilio(fields: &[(&str, &str)]) -> Sent {
    let account = TwilioAccount::default();
    Sent {
        host: TWILIO.into(),
        method: "POST".into(),
        path: format!("/2010-04-01/Accounts/{}/Messages.json", account.account_sid),
        headers: vec![
            ("Authorization".into(), basic(&account.account_sid, &account.auth_token)),
            ("Content-Type".into(), "application/x-www-form-urlencoded".into()),
        ],
        body: form(fields),
    }
}

pub fn good_twilio() -> Sent {
    twilio(&[("To", TO), ("MessagingServiceSid", &service()), ("Body", TEXT), ("RiskCheck", "enable")])
}

/// A good request to the default HTTP SMS endpoint, with this body.
pub fn hook(body: &str) -> Sent {
    Sent {
        host: HOOKS.into(),
        method: "POST".into(),
        path: "/sms?tenant=1".into(),
        headers: vec![("Content-Type".into(), "application/json".into())],
        body: body.as_bytes().to_vec(),
    }
}

pub fn good_hook() -> Sent {
    hook(r#"{"to":"4512345678","type":"SignIn","payload":{"code":"246810","locale":"da"},"ip":"192.0.2.7"}"#)
}

pub async fn next_message(events: &mut Receiver<InboxEvent>) -> Arc<InboxMessage> {
    match events.recv().await.unwrap() {
        InboxEvent::Message(message) => message,
        InboxEvent::Cleared => panic!("the inbox was cleared"),
    }
}
