//! A scripted TLS server on loopback.
//!
//! Every connection follows the script that is set when it is opened, step by step; after the last step it closes.
//! The server records every request that it could read, and counts connections.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use crate::authority::Authority;

/// The names that the good certificate is for.
pub const NAMES: [&str; 8] = [
    "api.hostile.test",
    "side.hostile.test",
    "tenant.hostile.test",
    "elsewhere.hostile.test",
    "api.twilio.com",
    "rebound.names.test",
    "hooks.platform.test",
    "slow.platform.test",
];

/// The outcome of the TLS handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handshake {
    /// A certificate for the name, from the authority that the sandbox trusts.
    Good,
    /// A certificate for another name.
    WrongName,
    /// A certificate from an unknown authority.
    UnknownAuthority,
    /// No TLS: an unencrypted HTTP response.
    PlainText,
    /// The connection is accepted, and nothing is sent.
    Stall,
    /// The connection closes immediately.
    Close,
}

/// One step of a connection.
#[derive(Clone)]
pub enum Step {
    /// Reads a whole request and records it. Ends the connection if the client has left.
    Read,
    /// Reads only the first byte of a request.
    ReadByte,
    /// Writes bytes.
    Write(Vec<u8>),
    /// Writes a byte every 20 ms, forever.
    Drip(u8),
    /// Responds with everything in the request, in several encodings.
    Echo(u16),
    /// Responds with exactly what the request contained: its parts as they were sent, and each value of a JSON or form body again.
    /// The argument is further header lines.
    Mirror(String),
    /// Writes `first` as long as every request since [`Server::forget`] was for this path and had no credentials, and `then`
    /// from then on.
    WriteUntil {
        /// The path of a request without sealed values.
        path: &'static str,
        /// The first response.
        first: Vec<u8>,
        /// The later response.
        then: Vec<u8>,
    },
    /// Sends nothing until the client leaves.
    Silence,
    /// Waits until this is cancelled.
    WaitFor(CancellationToken),
    /// Resets the TCP connection.
    Reset,
    /// Writes bytes to the socket, bypassing TLS.
    InClear(Vec<u8>),
    /// Starts again from the first step.
    Again,
}

/// The behaviour of every new connection.
#[derive(Clone)]
pub struct Script {
    /// The handshake.
    pub handshake: Handshake,
    /// The steps after the handshake.
    pub steps: Vec<Step>,
}

impl Script {
    /// These steps after a good handshake.
    pub fn steps(steps: impl IntoIterator<Item = Step>) -> Self {
        Self { handshake: Handshake::Good, steps: steps.into_iter().collect() }
    }

    /// Reads a request, writes these bytes, closes.
    pub fn raw(answer: impl Into<Vec<u8>>) -> Self {
        Self::steps([Step::Read, Step::Write(answer.into())])
    }

    /// Responds to every request with 201 and a small JSON document.
    pub fn good() -> Self {
        Self::steps([Step::Read, Step::Write(answer(201, "", br#"{"id":"m-1"}"#)), Step::Again])
    }

    /// A failing handshake, and nothing else.
    pub fn handshake(handshake: Handshake) -> Self {
        Self { handshake, steps: vec![] }
    }
}

/// A response with a `Content-Length`. `headers` are lines that end with CRLF.
pub fn answer(status: u16, headers: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\n{headers}\r\n", body.len());
    [head.as_bytes(), body].concat()
}

/// A request, as it arrived.
#[derive(Clone)]
pub struct Seen {
    /// Request line and headers.
    pub head: String,
    /// The body.
    pub body: Vec<u8>,
}

impl Seen {
    /// Head and body as text.
    pub fn text(&self) -> String {
        format!("{}{}", self.head, String::from_utf8_lossy(&self.body))
    }
}

struct Shared {
    script: Mutex<Script>,
    seen: Mutex<Vec<Seen>>,
    connections: AtomicUsize,
    closed: watch::Sender<usize>,
    good: Arc<ServerConfig>,
    wrong_name: Arc<ServerConfig>,
    unknown: Arc<ServerConfig>,
}

/// A running server. Ends when it is dropped.
pub struct Server {
    shared: Arc<Shared>,
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    /// Starts a server whose good certificates `authority` signs.
    pub async fn start(authority: &Authority, script: Script) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            script: Mutex::new(script),
            seen: Mutex::default(),
            connections: AtomicUsize::new(0),
            closed: watch::Sender::new(0),
            good: authority.server_config(&NAMES),
            wrong_name: authority.server_config(&["other.hostile.test"]),
            unknown: Authority::new("Nobody knows this one").server_config(&NAMES),
        });
        let serving = Arc::clone(&shared);
        let task = tokio::spawn(async move {
            while let Ok((tcp, _)) = listener.accept().await {
                serving.connections.fetch_add(1, Ordering::SeqCst);
                let shared = Arc::clone(&serving);
                tokio::spawn(async move {
                    // Many scripts make the client leave.
                    shared.connection(tcp).await.ok();
                    shared.closed.send_modify(|closed| *closed += 1);
                });
            }
        });
        Self { shared, address, task }
    }

    /// `name:443=127.0.0.1:PORT`, for the address rules.
    pub fn connect_to(&self, name: &str) -> String {
        format!("{name}:443={}", self.address)
    }

    /// Sets the script of new connections.
    pub fn play(&self, script: Script) {
        *self.shared.script.lock().unwrap() = script;
    }

    /// Every request so far.
    pub fn seen(&self) -> Vec<Seen> {
        self.shared.seen.lock().unwrap().clone()
    }

    /// Forgets every request so far.
    pub fn forget(&self) {
        self.shared.seen.lock().unwrap().clear();
    }

    /// Connections so far, good or not.
    pub fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::SeqCst)
    }

    /// Returns once that many connections have ended.
    pub async fn until_closed(&self, count: usize) {
        self.shared.closed.subscribe().wait_for(|closed| *closed >= count).await.unwrap();
    }
}

impl Shared {
    async fn connection(&self, tcp: TcpStream) -> io::Result<()> {
        let script = self.script.lock().unwrap().clone();
        let config = match script.handshake {
            Handshake::Good => &self.good,
            Handshake::WrongName => &self.wrong_name,
            Handshake::UnknownAuthority => &self.unknown,
            Handshake::PlainText => {
                let mut tcp = tcp;
                tcp.write_all(&answer(200, "", b"{}")).await?;
                return until_left(&mut tcp).await;
            }
            Handshake::Stall => {
                let mut tcp = tcp;
                return until_left(&mut tcp).await;
            }
            Handshake::Close => return Ok(()),
        };
        let mut tls = TlsAcceptor::from(Arc::clone(config)).accept(tcp).await?;
        let mut at = 0;
        while let Some(step) = script.steps.get(at) {
            at += 1;
            match step {
                Step::Read => {
                    let seen = read_request(&mut tls).await?;
                    self.seen.lock().unwrap().push(seen);
                }
                Step::ReadByte => drop(tls.read_u8().await?),
                Step::Write(bytes) => {
                    tls.write_all(bytes).await?;
                    tls.flush().await?;
                }
                Step::Drip(byte) => loop {
                    tls.write_all(&[*byte]).await?;
                    tls.flush().await?;
                    tokio::time::sleep(Duration::from_millis(20)).await;
                },
                Step::Echo(status) => {
                    let seen = self.seen.lock().unwrap().last().cloned().expect("nothing to echo");
                    tls.write_all(&echo(*status, &seen)).await?;
                    tls.flush().await?;
                }
                Step::Mirror(headers) => {
                    let seen = self.seen.lock().unwrap().last().cloned().expect("nothing to repeat");
                    tls.write_all(&mirror(headers, &seen)).await?;
                    tls.flush().await?;
                }
                Step::WriteUntil { path, first, then } => {
                    let is_bare = |seen: &Seen| {
                        seen.head.starts_with(&format!("GET {path} ")) && !seen.head.contains("\nauthorization:")
                    };
                    let all_bare = self.seen.lock().unwrap().iter().all(is_bare);
                    tls.write_all(if all_bare { first } else { then }).await?;
                    tls.flush().await?;
                }
                Step::Silence => return until_left(&mut tls).await,
                Step::WaitFor(token) => token.cancelled().await,
                Step::Reset => {
                    let (tcp, _) = tls.into_inner();
                    socket2::SockRef::from(&tcp).set_linger(Some(Duration::ZERO))?;
                    return Ok(());
                }
                Step::InClear(bytes) => {
                    let (mut tcp, _) = tls.into_inner();
                    tcp.write_all(bytes).await?;
                    return until_left(&mut tcp).await;
                }
                Step::Again => at = 0,
            }
        }
        tls.shutdown().await
    }
}

async fn until_left(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<()> {
    let mut buffer = [0; 1024];
    while stream.read(&mut buffer).await? > 0 {}
    Ok(())
}

/// Reads one request with a `Content-Length` or without a body.
async fn read_request(stream: &mut (impl AsyncRead + AsyncWrite + Unpin)) -> io::Result<Seen> {
    let mut bytes = Vec::new();
    let head_end = loop {
        if let Some(at) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break at + 4;
        }
        if stream.read_buf(&mut bytes).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    };
    let mut body = bytes.split_off(head_end);
    let head = String::from_utf8_lossy(&bytes).into_owned();
    let length = head
        .lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .map_or(0, |(_, value)| value.trim().parse::<usize>().unwrap());
    while body.len() < length {
        if stream.read_buf(&mut body).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(Seen { head, body })
}

/// Echoes like a careless provider: the credentials in a header and in the text of an error, the fields decoded.
fn echo(status: u16, seen: &Seen) -> Vec<u8> {
    let authorization = seen.head.lines().find_map(|line| line.strip_prefix("authorization: ")).unwrap_or_default();
    let credentials = authorization.split_once(' ').map_or("", |(_, credentials)| credentials);
    let body = String::from_utf8_lossy(&seen.body).into_owned();
    let decode =
        |text: &str| percent_encoding::percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned();
    let fields: serde_json::Map<String, serde_json::Value> = body
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .map(|(key, value)| (decode(key), decode(value).into()))
        .collect();
    use base64::Engine as _;
    let basic = base64::engine::general_purpose::STANDARD.decode(credentials).unwrap_or_default();
    let json = serde_json::json!({
        "sid": "SM1", "status": "queued", "code": 20003, "message": format!("no: {authorization} / {}", decode(&body)),
        "fields": fields, "raw": body, "basic": String::from_utf8_lossy(&basic),
    });
    let headers = format!("x-echo: {authorization}\r\nx-body: {body}\r\ncontent-type: application/json\r\n");
    answer(status, &headers, json.to_string().as_bytes())
}

fn mirror(headers: &str, seen: &Seen) -> Vec<u8> {
    let body = String::from_utf8_lossy(&seen.body).into_owned();
    let lines: Vec<&str> = seen.head.lines().filter(|line| !line.starts_with("content-length")).collect();
    let is_form = seen.head.contains("application/x-www-form-urlencoded");
    let fields = if is_form { seen.body.as_slice() } else { b"" };
    let fields: Vec<(String, String)> = url::form_urlencoded::parse(fields).into_owned().collect();
    let values = serde_json::from_str::<serde_json::Value>(&body).unwrap_or_default();
    let json =
        serde_json::json!({ "id": "a-message", "head": lines, "body": body, "values": values, "fields": fields });
    let length = format!("{headers}x-length: {}\r\nx-ratelimit-body: {}\r\n", body.len(), lines.join(" "));
    answer(201, &length, json.to_string().as_bytes())
}
