//! HTTP requests and responses as plain data. In a component the host sends a request; in a test, responses are scripted.

use std::fmt;

use serde::de::DeserializeOwned;

use crate::sealed::Parts;

/// An HTTP request method.
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
    /// The name as HTTP writes it: `POST`.
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

/// An HTTP request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The HTTP method. The metadata must allow it for the host ([`HostNeed::methods`](crate::HostNeed::methods)).
    pub method: Method,
    /// An absolute URL that begins with `https://`. Sealed values are allowed in path and query only, encoded with
    /// [`percent`](crate::percent) or [`form`](fn@crate::form).
    pub url: Parts,
    /// Headers in order, each name once. Allowed are `Accept`, `Accept-Language`, `Authorization`, `Content-Type`,
    /// `Idempotency-Key`, `User-Agent`, `Webhook-*` and the provider's own `X-…`. The host sets all others.
    pub headers: Vec<(String, Parts)>,
    /// The body; empty for none.
    pub body: Parts,
}

impl Request {
    /// A `POST` request without headers and body.
    pub fn post(url: impl Into<Parts>) -> Self {
        Self::new(Method::Post, url)
    }

    /// A request without headers and body.
    pub fn new(method: Method, url: impl Into<Parts>) -> Self {
        Self { method, url: url.into(), headers: Vec::new(), body: Parts::new() }
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<Parts>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Sets the body.
    #[must_use]
    pub fn body(mut self, body: impl Into<Parts>) -> Self {
        self.body = body.into();
        self
    }
}

/// The provider's response. Sealed values that were sent to this origin are masked in it: as `[sealed]`, or `0` where JSON
/// has a number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Response {
    /// The HTTP status code.
    pub status: u16,
    /// `content-type`, `date`, `retry-after` and `x-ratelimit-*`, in the order received, names in lower case. The host passes
    /// no other headers on.
    pub headers: Vec<(String, String)>,
    /// The body, decompressed.
    pub body: Vec<u8>,
}

impl Response {
    /// Whether the status is 2xx.
    #[must_use]
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The body parsed as JSON into `T`; `None` when it is anything else.
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

/// The step at which a request failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HttpErrorKind {
    /// The host name did not resolve.
    Dns,
    /// The host name resolved to an address that may not be reached, such as a private one.
    AddressRefused,
    /// No TCP connection was established within the time limit.
    Connect,
    /// No verified TLS session was established.
    Tls,
    /// The time limit passed after the connection was established.
    Timeout,
    /// The connection broke after it was established.
    Reset,
    /// The response exceeded a limit or violated HTTP.
    BadResponse,
}

impl fmt::Display for HttpErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Dns => "the provider's name did not resolve",
            Self::AddressRefused => "the provider's name resolved to an address that may not be reached",
            Self::Connect => "no connection to the provider within the time limit",
            Self::Tls => "no verified TLS session with the provider",
            Self::Timeout => "the provider did not respond within the time limit",
            Self::Reset => "the connection to the provider broke",
            Self::BadResponse => "the provider's response exceeded a limit or violated HTTP",
        })
    }
}

/// A request without a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HttpError {
    /// The step at which it failed.
    pub kind: HttpErrorKind,
    /// Whether bytes of the request may have reached the provider. If so, the message may have been sent.
    pub request_may_have_left: bool,
}

/// Why [`Host::send`](crate::Host::send) returned no response. `?` turns it into the right [`Failure`](crate::Failure).
///
/// A request that breaks a rule is not among these: it ends the send immediately.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SendError {
    /// A sealed value that the request needs is missing: the secret with this key is not set, or the message has no such
    /// part. Nothing was sent.
    Missing(String),
    /// There was no response.
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
