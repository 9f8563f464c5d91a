//! One request of a connector and what came back, as plain data.
//!
//! Must not know: how it travels. In a component the host sends it; in a test a script answers.

use std::fmt;

use serde::de::DeserializeOwned;

use crate::sealed::Parts;

/// Request methods.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// `GET`
    Get,
    /// `POST`
    Post,
    /// `PUT`
    Put,
    /// `PATCH`
    Patch,
    /// `DELETE`
    Delete,
}

impl Method {
    /// The name on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

/// A request that is to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// An absolute URL that begins with `https://`. Sealed pieces may stand only in path and query, and only once encoded.
    pub url: Parts,
    /// In order, each name once. `Accept`, `Accept-Language`, `Authorization`, `Content-Type`, `Idempotency-Key`, `User-Agent`,
    /// `Webhook-*` and the provider's own `X-…`; the host alone sets the others.
    pub headers: Vec<(String, Parts)>,
    /// Empty for none.
    pub body: Parts,
}

impl Request {
    /// A `POST` without headers and body yet.
    pub fn post(url: impl Into<Parts>) -> Self {
        Self::new(Method::Post, url)
    }

    /// A request without headers and body yet.
    pub fn new(method: Method, url: impl Into<Parts>) -> Self {
        Self { method, url: url.into(), headers: Vec::new(), body: Parts::new() }
    }

    /// With one more header.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<Parts>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// With this body.
    #[must_use]
    pub fn body(mut self, body: impl Into<Parts>) -> Self {
        self.body = body.into();
        self
    }
}

/// The provider's answer. What was sent to this origin sealed is scrubbed from it: it reads `[sealed]`, or `0`
/// where JSON has a number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// `content-type`, `date`, `retry-after` and `x-ratelimit-*`, in lower case, in the order received. All others stay with
    /// the host.
    pub headers: Vec<(String, String)>,
    /// Decompressed.
    pub body: Vec<u8>,
}

impl Response {
    /// Whether the status is 2xx.
    #[must_use]
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The body as JSON of shape `T`; `None` when it is anything else.
    #[must_use]
    pub fn json<T: DeserializeOwned>(&self) -> Option<T> {
        serde_json::from_slice(&self.body).ok()
    }

    /// The first header of this (lower-case) name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HttpErrorKind {
    /// The name did not resolve.
    Dns,
    /// The name resolved to an address that may not be reached.
    AddressRefused,
    /// No TCP connection within the limit.
    Connect,
    /// No verified TLS session.
    Tls,
    /// A time limit passed after the connection stood.
    Timeout,
    /// The connection broke after it stood.
    Reset,
    /// The answer broke a limit or the protocol.
    BadResponse,
}

impl fmt::Display for HttpErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Dns => "the provider's name did not resolve",
            Self::AddressRefused => "the provider's name resolved to an address that may not be reached",
            Self::Connect => "no connection to the provider within the time limit",
            Self::Tls => "no verified TLS session with the provider",
            Self::Timeout => "the provider did not answer within the time limit",
            Self::Reset => "the connection to the provider broke",
            Self::BadResponse => "the provider's answer broke a limit or the HTTP protocol",
        })
    }
}

/// There is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HttpError {
    /// What broke.
    pub kind: HttpErrorKind,
    /// Whether bytes may have reached the provider.
    pub request_may_have_left: bool,
}

/// Why [`Host::send`](crate::Host::send) gave no answer. `?` turns it into the fitting [`Failure`](crate::Failure).
///
/// A request that breaks a rule is not among these: it ends the send, and the connector is not told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SendError {
    /// A sealed value that the request needs is not there: a secret of this key is not set, or the message has no such part.
    /// Nothing left.
    Missing(String),
    /// The request was lost.
    Http(HttpError),
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(what) => write!(f, "`{what}` is not set"),
            Self::Http(error) => error.kind.fmt(f),
        }
    }
}

impl std::error::Error for SendError {}
