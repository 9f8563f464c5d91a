//! HTTP/1.1 on one TLS connection, written by hand because faults need the bytes and the socket.
//!
//! Promises bounded heads and bodies, and to refuse ambiguous framing (two lengths, a length and chunks): a request that can be
//! read in two ways is a mistake of the sender that a test should see. Knows no provider and no fault.

use std::io;
use std::time::{Duration, SystemTime};

use axum::http::StatusCode;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::server::TlsStream;

use crate::provider::SimResponse;

/// Maximum size of the request line and headers in bytes.
const MAX_HEAD: usize = 32 << 10;
/// Maximum number of headers.
const MAX_HEADERS: usize = 100;
/// Maximum size of a body in bytes: four times the sandbox's limit.
const MAX_BODY: usize = 256 << 10;

/// How long the rest of a refused request is read and discarded.
const LINGER: Duration = Duration::from_secs(1);

/// One connection after the handshake.
pub(crate) struct Connection {
    stream: Box<TlsStream<TcpStream>>,
    /// Bytes that were read and not yet used.
    buffer: Vec<u8>,
}

/// The head of a request.
pub(crate) struct Head {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) keep_alive: bool,
    pub(crate) received_at: SystemTime,
    framing: Framing,
    expects_continue: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Framing {
    Length(usize),
    Chunked,
}

/// Why a request could not be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WireError {
    /// Refused with this status and text, after which the connection ends.
    #[error("{1}")]
    Refused(u16, &'static str),
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl Head {
    /// All values of a header.
    fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.headers.iter().filter(move |(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// The host that the request is for, without port, lower case. HTTP/1.1 wants exactly one.
    pub(crate) fn host(&self) -> Result<String, WireError> {
        let mut hosts = self.values("host");
        let (Some(host), None) = (hosts.next(), hosts.next()) else {
            return Err(WireError::Refused(400, "there must be exactly one Host header"));
        };
        Ok(host.split(':').next().unwrap_or_default().to_ascii_lowercase())
    }
}

impl Connection {
    pub(crate) fn new(stream: Box<TlsStream<TcpStream>>) -> Self {
        Self { stream, buffer: Vec::new() }
    }

    /// The next request's head; `None` when the client has left between two requests.
    pub(crate) async fn read_head(&mut self) -> Result<Option<Head>, WireError> {
        loop {
            if let Some((head, used)) = parse_head(&self.buffer)? {
                self.buffer.drain(..used);
                return Ok(Some(head));
            }
            if self.buffer.len() > MAX_HEAD {
                return Err(WireError::Refused(431, "the request line and headers are too long"));
            }
            let idle = self.buffer.is_empty();
            if self.fill().await? == 0 {
                return if idle { Ok(None) } else { Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()) };
            }
        }
    }

    /// The body that belongs to `head`.
    pub(crate) async fn read_body(&mut self, head: &Head) -> Result<Vec<u8>, WireError> {
        if head.expects_continue {
            self.send(b"HTTP/1.1 100 Continue\r\n\r\n").await?;
        }
        match head.framing {
            Framing::Length(length) => self.read_exactly(length).await,
            Framing::Chunked => self.read_chunks().await,
        }
    }

    async fn read_exactly(&mut self, length: usize) -> Result<Vec<u8>, WireError> {
        while self.buffer.len() < length {
            self.fill_or_end().await?;
        }
        Ok(self.buffer.drain(..length).collect())
    }

    async fn read_chunks(&mut self) -> Result<Vec<u8>, WireError> {
        let mut body = Vec::new();
        loop {
            let size = loop {
                match httparse::parse_chunk_size(&self.buffer) {
                    Ok(httparse::Status::Complete((used, size))) => {
                        self.buffer.drain(..used);
                        break usize::try_from(size).unwrap_or(usize::MAX);
                    }
                    Ok(httparse::Status::Partial) if self.buffer.len() < MAX_HEAD => self.fill_or_end().await?,
                    _ => return Err(WireError::Refused(400, "a chunk's size cannot be read")),
                }
            };
            if size == 0 {
                // No trailers are expected from an HTTP client of ours, so none are accepted.
                return if self.read_exactly(2).await? == b"\r\n" {
                    Ok(body)
                } else {
                    Err(WireError::Refused(400, "trailers are not accepted"))
                };
            }
            if body.len().saturating_add(size) > MAX_BODY {
                return Err(WireError::Refused(413, "the body is larger than 256 KiB"));
            }
            body.extend(self.read_exactly(size).await?);
            if self.read_exactly(2).await? != b"\r\n" {
                return Err(WireError::Refused(400, "a chunk is longer than its size"));
            }
        }
    }

    async fn fill(&mut self) -> io::Result<usize> {
        let mut piece = [0; 8192];
        let read = self.stream.read(&mut piece).await?;
        self.buffer.extend(piece.iter().take(read));
        Ok(read)
    }

    async fn fill_or_end(&mut self) -> io::Result<()> {
        if self.fill().await? == 0 { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(()) }
    }

    /// Returns when the client has closed or reset the connection. Discards what it still sends.
    pub(crate) async fn client_left(&mut self) {
        self.buffer.clear();
        while self.fill().await.is_ok_and(|read| read > 0) {
            self.buffer.clear();
        }
    }

    /// Writes bytes, and flushes them.
    pub(crate) async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes).await?;
        self.stream.flush().await
    }

    /// Writes a complete response.
    pub(crate) async fn respond(&mut self, response: &SimResponse, keep_alive: bool) -> io::Result<()> {
        let mut bytes = response_head(response, Some(response.body.len()), keep_alive);
        if !has_no_body(response.status) {
            bytes.extend_from_slice(&response.body);
        }
        self.send(&bytes).await
    }

    /// Ends the connection as TLS wants it: an alert, then the end of the stream.
    pub(crate) async fn close(mut self) {
        self.stream.shutdown().await.ok();
    }

    /// Ends the connection after a response that was sent before the request was read: closing a socket with unread bytes resets
    /// it, and the client could lose the response.
    pub(crate) async fn close_early(mut self) {
        self.stream.shutdown().await.ok();
        timeout(LINGER, self.client_left()).await.ok();
    }

    /// Ends the connection with a TCP reset, whatever is unread or unsent.
    pub(crate) fn reset(self) {
        // Zero linger turns the close into RST. If the socket refuses the option, the client sees a plain close.
        self.stream.get_ref().0.set_zero_linger().ok();
    }
}

/// RFC 9110, 6.4.1 and 8.6: responses with these statuses end with their headers, and have no length.
fn has_no_body(status: u16) -> bool {
    matches!(status, 204 | 304)
}

/// Status line and headers. `length` is what Content-Length says; `None` announces chunks.
pub(crate) fn response_head(response: &SimResponse, length: Option<usize>, keep_alive: bool) -> Vec<u8> {
    let reason = StatusCode::from_u16(response.status).ok().and_then(|status| status.canonical_reason());
    let mut head = format!("HTTP/1.1 {} {}\r\n", response.status, reason.unwrap_or("Unknown"));
    let mut add = |name: &str, value: &str| {
        // An echo may hold anything; no control character gets into a header.
        let value: String = value.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        head.push_str(&format!("{name}: {value}\r\n"));
    };
    // RFC 9110 wants IMF-fixdate, which is RFC 2822 in UTC with the zone written as GMT.
    let date = OffsetDateTime::now_utc().format(&Rfc2822).unwrap_or_default().replace("+0000", "GMT");
    add("date", &date);
    for (name, value) in &response.headers {
        add(name, value);
    }
    match length {
        Some(_) if has_no_body(response.status) => {}
        Some(length) => add("content-length", &length.to_string()),
        None => add("transfer-encoding", "chunked"),
    }
    if !keep_alive {
        add("connection", "close");
    }
    head.push_str("\r\n");
    head.into_bytes()
}

/// A head and how many bytes it has; `None` if it is incomplete.
fn parse_head(bytes: &[u8]) -> Result<Option<(Head, usize)>, WireError> {
    let mut slots = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut parsed = httparse::Request::new(&mut slots);
    let used = match parsed.parse(bytes) {
        Ok(httparse::Status::Complete(used)) => used,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(httparse::Error::TooManyHeaders) => {
            return Err(WireError::Refused(431, "there are more than 100 headers"));
        }
        Err(_) => {
            return Err(WireError::Refused(400, "the request line or a header is malformed"));
        }
    };
    let headers: Vec<(String, String)> = parsed
        .headers
        .iter()
        .map(|h| (h.name.to_ascii_lowercase(), String::from_utf8_lossy(h.value).into_owned()))
        .collect();
    let says = |name: &str, word: &str| {
        let mut values = headers.iter().filter(|(n, _)| n == name).map(|(_, value)| value);
        values.any(|value| value.split(',').any(|part| part.trim().eq_ignore_ascii_case(word)))
    };
    let newest = parsed.version == Some(1);
    let head = Head {
        method: parsed.method.unwrap_or_default().to_owned(),
        path: parsed.path.unwrap_or_default().to_owned(),
        keep_alive: newest && !says("connection", "close"),
        expects_continue: newest && says("expect", "100-continue"),
        framing: framing(&headers)?,
        received_at: SystemTime::now(),
        headers,
    };
    Ok(Some((head, used)))
}

fn framing(headers: &[(String, String)]) -> Result<Framing, WireError> {
    let values = |name: &'static str| headers.iter().filter(move |(n, _)| n == name).map(|(_, value)| value.as_str());
    let (mut lengths, mut codings) = (values("content-length"), values("transfer-encoding"));
    match (lengths.next(), lengths.next(), codings.next(), codings.next()) {
        (None, None, None, None) => Ok(Framing::Length(0)),
        (None, None, Some(coding), None) if coding.eq_ignore_ascii_case("chunked") => Ok(Framing::Chunked),
        (Some(length), None, None, None) if length.bytes().all(|b| b.is_ascii_digit()) && !length.is_empty() => {
            match length.parse() {
                Ok(length) if length <= MAX_BODY => Ok(Framing::Length(length)),
                _ => Err(WireError::Refused(413, "the body is larger than 256 KiB")),
            }
        }
        _ => Err(WireError::Refused(400, "Content-Length and Transfer-Encoding are ambiguous or malformed")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Option<(Head, usize)>, WireError> {
        parse_head(text.as_bytes())
    }

    fn refusal(text: &str) -> u16 {
        match parse(text) {
            Err(WireError::Refused(status, _)) => status,
            _ => 0,
        }
    }

    #[test]
    fn heads() {
        assert!(parse("POST / HTTP/1.1\r\nHost: a").unwrap().is_none());
        let text = "POST /a?b HTTP/1.1\r\nHost: A.test:1\r\nContent-Length: 3\r\n\r\nabc";
        let (head, used) = parse(text).ok().flatten().unwrap();
        assert_eq!((head.path.as_str(), head.framing, head.keep_alive), ("/a?b", Framing::Length(3), true));
        assert_eq!((head.host().unwrap().as_str(), &text[used..]), ("a.test", "abc"));
        let (old, _) = parse("GET / HTTP/1.0\r\n\r\n").ok().flatten().unwrap();
        assert!(!old.keep_alive && old.host().is_err());
    }

    #[test]
    fn ambiguous_bodies_are_refused() {
        let with = |headers: &str| refusal(&format!("POST / HTTP/1.1\r\n{headers}\r\n\r\n"));
        assert_eq!(with("Content-Length: 1\r\nContent-Length: 1"), 400);
        assert_eq!(with("Content-Length: 1\r\nTransfer-Encoding: chunked"), 400);
        assert_eq!(with("Content-Length: +1"), 400);
        assert_eq!(with("Transfer-Encoding: gzip"), 400);
        assert_eq!(with("Content-Length: 262145"), 413);
        assert_eq!(with("Content-Length: 99999999999999999999999"), 413);
        assert_eq!(with("Content-Length: 262144"), 0);
    }

    #[test]
    fn header_values_cannot_break_out() {
        let response = SimResponse::empty(200).with_header("x-echo", "a\r\nx-evil: b");
        let head = String::from_utf8(response_head(&response, Some(0), true)).unwrap();
        assert!(head.contains("x-echo: a  x-evil: b\r\n"), "{head}");
        assert!(!String::from_utf8(response_head(&SimResponse::empty(204), Some(0), true)).unwrap().contains("length"));
    }
}
