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
    /// An absolute `https` URL. Sealed pieces may stand only in path and query, and only encoded.
    pub url: Parts,
    /// In order. The host alone sets `Host`, `Content-Length` and the like.
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

/// The provider's answer. What the host sealed is already scrubbed from it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// Names in lower case, in the order received.
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
    /// Outside manifest or grant.
    Denied,
    /// Malformed: URL, header, size.
    InvalidRequest,
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
    /// This send has made all the requests that it may make.
    TooManyRequests,
}

/// There is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpError {
    /// What broke.
    pub kind: HttpErrorKind,
    /// The host's words, for people.
    pub message: String,
    /// Whether bytes may have reached the provider.
    pub request_may_have_left: bool,
}

/// A plan could not be carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SealedError {
    /// `JsonString` was asked of bytes that are not UTF-8.
    NotText,
    /// `decode` was asked of bytes that are not of that encoding, or of something else than a secret.
    NotDecodable,
    /// A secret with this key is not set, or a value of the message is not there.
    Missing(String),
}

impl fmt::Display for SealedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotText => f.write_str("a sealed value that should be text is not UTF-8"),
            Self::NotDecodable => f.write_str("a secret is not written in the encoding that this connector expects"),
            Self::Missing(what) => write!(f, "`{what}` is not set"),
        }
    }
}

/// Why [`Host::send`](crate::Host::send) gave no answer. `?` turns it into the fitting [`Failure`](crate::Failure).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SendError {
    /// The request could not be put together; nothing left.
    Sealed(SealedError),
    /// The request was refused or lost.
    Http(HttpError),
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sealed(error) => error.fmt(f),
            Self::Http(error) => f.write_str(&error.message),
        }
    }
}

impl std::error::Error for SendError {}
