//! From what a guest asked for to what may leave.
//!
//! A guest's request is a list of parts, literal and sealed. Here it is put together, and judged by everything that
//! `sendbox-policy` knows: sizes, header rules, the grant, the labels of what stands in it, and its composition. Only what
//! passes becomes a [`Permitted`], and only a [`Permitted`] leaves.

use sendbox_policy::{
    Carries, Composition, EffectiveGrant, Label, Labels, Limits, MessageRule, Method, Piece as Part, RequestView,
    Scheme, header,
};
use url::Url;
use zeroize::Zeroizing;

use super::{EgressError, EgressErrorKind, PoolKey};
use crate::outcome::Violation;
use crate::sealed::Piece;

/// Parts, put together.
#[derive(Default)]
pub(crate) struct Assembled {
    pub(crate) bytes: Zeroizing<Vec<u8>>,
    pub(crate) labels: Labels,
    pub(crate) view: Composition,
    /// The same, with `[recipient]`, `[text]`, `[secret authToken]` for sealed parts.
    pub(crate) masked: String,
    /// Bytes of literal text before the first sealed part.
    literal_prefix: usize,
    /// Whether every sealed part consists of characters that a URL may hold.
    url_safe: bool,
}

impl Assembled {
    pub(crate) fn new(pieces: &[Piece<'_>]) -> Self {
        let mut assembled = Self { url_safe: true, ..Self::default() };
        let mut sealed_seen = false;
        for piece in pieces {
            match piece {
                Piece::Text(text) => {
                    assembled.bytes.extend_from_slice(text.as_bytes());
                    assembled.view.push(Part::Literal((*text).to_owned()));
                    assembled.masked.push_str(text);
                    if !sealed_seen {
                        assembled.literal_prefix += text.len();
                    }
                }
                Piece::Sealed(value) => {
                    sealed_seen = true;
                    assembled.url_safe &= value.bytes().iter().all(|byte| is_url_safe(*byte));
                    assembled.bytes.extend_from_slice(value.bytes());
                    assembled.labels = assembled.labels.union(value.labels());
                    assembled.view.extend(value.made_of());
                    assembled.masked.push_str(&mask(value.labels()));
                }
            }
        }
        assembled
    }
}

/// What a person sees in place of a sealed value.
pub(crate) fn mask(labels: &Labels) -> String {
    let mut names: Vec<String> = Vec::new();
    for label in labels.iter() {
        names.push(match label {
            Label::Secret(key) => format!("secret {key}"),
            Label::Variable(name) => format!("variable {name}"),
            other => other.kind().name().to_owned(),
        });
    }
    if names.is_empty() { "[sealed literal]".to_owned() } else { format!("[{}]", names.join(" + ")) }
}

/// Unreserved characters, percent signs and what the form serialiser leaves: nothing that ends a path segment or a query.
fn is_url_safe(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'%' | b'+' | b'*')
}

/// A request as the guest asked for it.
pub(crate) struct Draft {
    pub(crate) method: Method,
    pub(crate) url: Assembled,
    pub(crate) headers: Vec<(String, Assembled)>,
    pub(crate) body: Assembled,
}

/// What a draft is judged against.
pub(crate) struct Rules<'a> {
    pub(crate) grant: &'a EffectiveGrant,
    pub(crate) message: &'a MessageRule<'a>,
    pub(crate) limits: &'a Limits,
    /// Whether bytes of a request with the message have left already in this send.
    pub(crate) message_gone: bool,
    pub(crate) pool: &'a PoolKey,
}

/// A request that may leave. Made by [`permit`] and nothing else.
pub(crate) struct Permitted {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) headers: Vec<(String, Zeroizing<Vec<u8>>)>,
    pub(super) body: Zeroizing<Vec<u8>>,
    pub(super) pool: PoolKey,
    scheme: Scheme,
    carries_message: bool,
}

impl Permitted {
    /// Whether this is the request that carries recipient and message.
    pub(crate) fn carries_message(&self) -> bool {
        self.carries_message
    }

    pub(super) fn scheme(&self) -> Scheme {
        self.scheme
    }

    pub(super) fn host(&self) -> &str {
        self.url.host_str().unwrap_or_default()
    }

    pub(super) fn port(&self) -> u16 {
        self.url.port_or_known_default().unwrap_or_default()
    }

    /// `https://api.twilio.com`: where it goes, for people.
    pub(crate) fn origin(&self) -> String {
        self.url.origin().ascii_serialization()
    }

    /// What the host adds to the connector's own headers, for people.
    pub(crate) fn added_headers(&self, from_guest: usize) -> Vec<(String, String)> {
        let own = self.headers.iter().skip(from_guest);
        own.map(|(name, value)| (name.clone(), String::from_utf8_lossy(value).into_owned()))
            .chain(self.framing_headers())
            .collect()
    }

    /// What the HTTP client writes.
    fn framing_headers(&self) -> [(String, String); 2] {
        let host = match self.url.port() {
            Some(port) => format!("{}:{port}", self.host()),
            None => self.host().to_owned(),
        };
        [("host".to_owned(), host), ("content-length".to_owned(), self.body.len().to_string())]
    }

    pub(crate) fn body_bytes(&self) -> usize {
        self.body.len()
    }

    /// The exact request, in clear: for a dry run that was asked to show it.
    pub(crate) fn in_clear(&self) -> ClearRequest {
        ClearRequest {
            url: self.url.to_string(),
            headers: self
                .headers
                .iter()
                .map(|(name, value)| (name.clone(), String::from_utf8_lossy(value).into_owned()))
                .chain(self.framing_headers())
                .collect(),
            body: String::from_utf8_lossy(&self.body).into_owned(),
        }
    }
}

/// A request with sealed values in clear. Exists only where a person asked for it on their own machine.
#[derive(Clone)]
pub struct ClearRequest {
    /// Absolute.
    pub url: String,
    /// In the order sent.
    pub headers: Vec<(String, String)>,
    /// As text.
    pub body: String,
}

/// A draft that may not leave: the error for the guest, and for a broken rule the rule.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) error: EgressError,
    pub(crate) violation: Option<Violation>,
}

impl Refused {
    fn malformed(message: impl Into<String>) -> Self {
        Self { error: EgressError::unsent(EgressErrorKind::InvalidRequest, message), violation: None }
    }
}

impl<T: Into<Violation>> From<T> for Refused {
    fn from(violation: T) -> Self {
        let violation = violation.into();
        Self { error: EgressError::unsent(EgressErrorKind::Denied, violation.to_string()), violation: Some(violation) }
    }
}

/// Judges a draft. Nothing has left when this refuses.
pub(crate) fn permit(draft: Draft, rules: &Rules<'_>) -> Result<Permitted, Refused> {
    let url = url(&draft.url, rules.limits)?;
    if draft.body.bytes.len() > rules.limits.request_body {
        return Err(Refused::malformed(format!(
            "the request body has {} bytes; {} are allowed",
            draft.body.bytes.len(),
            rules.limits.request_body
        )));
    }
    check_headers(&draft.headers, rules.limits)?;

    let entry = rules.grant.check(draft.method, &url)?;
    let labels = draft
        .headers
        .iter()
        .map(|(_, value)| &value.labels)
        .fold(draft.url.labels.union(&draft.body.labels), |all, labels| all.union(labels));
    entry.may_receive(&labels)?;

    let view = RequestView {
        url: draft.url.view,
        headers: draft.headers.iter().map(|(name, value)| (name.clone(), value.view.clone())).collect(),
        body: draft.body.view,
    };
    let carries_message = view.judge(rules.message)? == Carries::Message;
    if carries_message && rules.message_gone {
        return Err(Violation::SecondMessage.into());
    }

    let scheme = entry.origin.scheme;
    let headers = host_headers(&draft.headers);
    Ok(Permitted {
        method: draft.method,
        url,
        headers: draft.headers.into_iter().map(|(name, value)| (name, value.bytes)).chain(headers).collect(),
        body: draft.body.bytes,
        pool: rules.pool.clone(),
        scheme,
        carries_message,
    })
}

/// What the host itself sets. `Host` and `Content-Length` are the HTTP client's.
fn host_headers(from_guest: &[(String, Assembled)]) -> Vec<(String, Zeroizing<Vec<u8>>)> {
    let mut headers = vec![("accept-encoding".to_owned(), Zeroizing::new(b"gzip, br".to_vec()))];
    for (name, value) in [("accept", "*/*"), ("user-agent", concat!("sendbox/", env!("CARGO_PKG_VERSION")))] {
        if !from_guest.iter().any(|(given, _)| given.eq_ignore_ascii_case(name)) {
            headers.push((name.to_owned(), Zeroizing::new(value.as_bytes().to_vec())));
        }
    }
    headers
}

fn url(assembled: &Assembled, limits: &Limits) -> Result<Url, Refused> {
    if assembled.bytes.len() > limits.url_bytes {
        return Err(Refused::malformed(format!("the URL has more than {} bytes", limits.url_bytes)));
    }
    let text = std::str::from_utf8(&assembled.bytes).map_err(|_| Refused::malformed("the URL is not text"))?;
    if !assembled.url_safe {
        return Err(Refused::malformed("a sealed part of the URL is not encoded; encode it with `percent`"));
    }
    if text.chars().any(|character| character.is_control() || character == ' ' || character == '\\') {
        return Err(Refused::malformed("the URL holds control characters, spaces or backslashes"));
    }
    // Scheme, host and port must be literal: a sealed value there would leave in the name of a host, in clear.
    let authority_end = text
        .find("://")
        .and_then(|scheme| {
            let rest = text.get(scheme + 3..)?;
            Some(scheme + 3 + rest.find(['/', '?'])?)
        })
        .unwrap_or(text.len());
    if authority_end >= assembled.literal_prefix && assembled.literal_prefix < text.len() {
        return Err(Refused::malformed("a sealed part stands in the scheme, host or port of the URL"));
    }
    let url = Url::parse(text).map_err(|error| Refused::malformed(format!("the URL does not parse: {error}")))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Refused::malformed("the URL holds a user name or password; use an Authorization header"));
    }
    if url.fragment().is_some() {
        return Err(Refused::malformed("the URL holds a fragment"));
    }
    Ok(url)
}

fn check_headers(headers: &[(String, Assembled)], limits: &Limits) -> Result<(), Refused> {
    if headers.len() > limits.request_headers {
        return Err(Refused::malformed(format!(
            "the request has {} headers; {} are allowed",
            headers.len(),
            limits.request_headers
        )));
    }
    let bytes: usize = headers.iter().map(|(name, value)| name.len() + value.bytes.len() + 4).sum();
    if bytes > limits.request_header_bytes {
        return Err(Refused::malformed(format!(
            "the request headers have {bytes} bytes; {} are allowed",
            limits.request_header_bytes
        )));
    }
    for (name, value) in headers {
        header::check_name(name).map_err(|refusal| Refused::malformed(refusal.to_string()))?;
        header::check_value(&value.bytes).map_err(|refusal| Refused::malformed(refusal.to_string()))?;
    }
    Ok(())
}
