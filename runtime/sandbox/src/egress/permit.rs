//! Turns a guest's request into a request that may be sent.
//!
//! A guest's request is a list of literal and sealed parts. They are assembled here and checked with all rules of `sendbox-policy`:
//! sizes, headers, the grant, the labels of its values, its composition, and that its bytes have the structure of the composition.
//! Only a request that passes becomes a [`Permitted`], and only a [`Permitted`] can be sent.
//!
//! A request of the host itself ([`permit_own`]) has no sealed parts, and no grant: it is checked with the operator's policy.
//!
//! Guarantees: a [`Violation`] reveals nothing about sealed bytes except that a rule was violated.

use sendbox_contract::{MalformedRequest, Violation, Void};
use sendbox_policy::{
    Carries, Composition, EffectiveGrant, Label, Labels, Limits, Mark, MessageRule, Method, OperatorPolicy,
    Piece as Part, RequestBytes, RequestShape, RequestView, Scheme, ShapeReadings, header,
};
use url::Url;
use zeroize::Zeroizing;

use super::pool::PoolKey;
use crate::parameters::Parameters;
use crate::sealed::Piece;

/// AssembledPart parts.
#[derive(Default)]
pub(crate) struct AssembledPart {
    pub(crate) bytes: Zeroizing<Vec<u8>>,
    pub(crate) labels: Labels,
    pub(crate) view: Composition,
    /// The same with `[recipient]`, `[text]`, `[secret authToken]` for sealed parts.
    pub(crate) masked: String,
    /// Length of the literal text before the first sealed part, in bytes.
    literal_prefix: usize,
    /// Whether every sealed part consists of characters that are allowed in a URL.
    url_safe: bool,
    /// Why a part has no bytes, if one has none.
    void: Option<Void>,
}

impl AssembledPart {
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
                    assembled.labels = assembled.labels.union(value.labels());
                    assembled.view.extend(value.made_of());
                    assembled.masked.push_str(&mask(value.labels()));
                    match value.bytes() {
                        Ok(bytes) => {
                            assembled.url_safe &= bytes.iter().all(|byte| is_url_safe(*byte));
                            assembled.bytes.extend_from_slice(bytes);
                        }
                        Err(void) => assembled.void = Some(void),
                    }
                }
            }
        }
        assembled
    }
}

/// What is displayed in place of a sealed value.
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

/// Unreserved characters, percent signs and what the form serialiser leaves unescaped: nothing that ends a path segment or a query.
fn is_url_safe(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'%' | b'+' | b'*')
}

/// A request as the guest asked for it.
pub(crate) struct Draft {
    pub(crate) method: Method,
    pub(crate) url: AssembledPart,
    pub(crate) headers: Vec<(String, AssembledPart)>,
    pub(crate) body: AssembledPart,
}

/// What the host knows about the send in addition to the draft.
pub(crate) struct Rules<'a> {
    pub(crate) grant: &'a EffectiveGrant,
    pub(crate) message: MessageRule<'a>,
    /// The same with the contents of earlier responses, which explain literals of the shape, but no numbers. `None` before any
    /// response.
    pub(crate) answered: Option<MessageRule<'a>>,
    pub(crate) limits: &'a Limits,
    /// The parameters of the connection.
    pub(crate) parameters: &'a Parameters,
    /// Whether a request with the message may already have been sent in this call.
    pub(crate) message_gone: bool,
    /// The origin that sealed values may already have been sent to in this call.
    pub(crate) sealed_origin: Option<&'a str>,
    pub(crate) pool: &'a PoolKey,
    /// The bytes of the parts of the message, to find each at its declared position.
    pub(crate) value_of: &'a dyn Fn(&Mark) -> Option<&'a [u8]>,
}

/// A request that may be sent. Only [`permit`] and [`permit_own`] create it.
pub(crate) struct Permitted {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) headers: Vec<(String, Zeroizing<Vec<u8>>)>,
    pub(super) body: Zeroizing<Vec<u8>>,
    pub(super) pool: PoolKey,
    scheme: Scheme,
    carries_message: bool,
    labels: Labels,
}

/// The composition of a permitted request. Separate from it, so that it can be dropped while the request is in progress.
pub(crate) struct Skeleton {
    view: RequestView,
    /// The shape of the request.
    pub(crate) shape: RequestShape,
}

impl Skeleton {
    /// All readings of the shape.
    pub(crate) fn readings(&self, rule: &MessageRule<'_>) -> ShapeReadings {
        // The request has been judged, so it can be parsed again.
        self.view.readings(rule).unwrap_or_default()
    }
}

impl Permitted {
    /// Whether this request contains the recipient and the message.
    pub(crate) fn carries_message(&self) -> bool {
        self.carries_message
    }

    /// The labels of its sealed values.
    pub(crate) fn labels(&self) -> &Labels {
        &self.labels
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

    /// The target for display: `https://api.twilio.com`.
    pub(crate) fn origin(&self) -> String {
        self.url.origin().ascii_serialization()
    }

    /// The headers that the host adds to the connector's own, for display. Without the length, which would reveal the size of
    /// sealed values.
    pub(crate) fn added_headers(&self, from_guest: usize) -> Vec<(String, String)> {
        let own = self.headers.iter().skip(from_guest);
        own.map(|(name, value)| (name.clone(), String::from_utf8_lossy(value).into_owned()))
            .chain(std::iter::once(self.host_header()))
            .collect()
    }

    /// As the HTTP client writes it.
    fn host_header(&self) -> (String, String) {
        let host = match self.url.port() {
            Some(port) => format!("{}:{port}", self.host()),
            None => self.host().to_owned(),
        };
        ("host".to_owned(), host)
    }

    pub(crate) fn has_body(&self) -> bool {
        !self.body.is_empty()
    }

    /// The exact request in plain text, for a dry run that asked for it.
    pub(crate) fn in_clear(&self) -> ClearRequest {
        ClearRequest {
            url: self.url.to_string(),
            headers: self
                .headers
                .iter()
                .map(|(name, value)| (name.clone(), String::from_utf8_lossy(value).into_owned()))
                .chain([self.host_header(), ("content-length".to_owned(), self.body.len().to_string())])
                .collect(),
            body: String::from_utf8_lossy(&self.body).into_owned(),
        }
    }
}

/// A request with its sealed values in plain text. Exists only if [`DryRun::show_sealed`](crate::DryRun::show_sealed) asked for it.
#[derive(Clone)]
pub struct ClearRequest {
    /// The absolute URL.
    pub url: String,
    /// The names and values of the headers, in the order in which they are sent.
    pub headers: Vec<(String, String)>,
    /// The body as text. Bytes that are not UTF-8 are replaced by U+FFFD.
    pub body: String,
}

/// Checks a draft. If it is refused, nothing has been sent.
pub(crate) fn permit(draft: Draft, rules: &Rules<'_>) -> Result<(Permitted, Skeleton), Violation> {
    if rules.message_gone {
        return Err(Violation::AfterMessage);
    }
    let void = [&draft.url, &draft.body].into_iter().chain(draft.headers.iter().map(|(_, value)| value));
    if let Some(void) = void.filter_map(|part| part.void.clone()).next() {
        return Err(Violation::Void(void));
    }
    let url = url(&draft.url, rules.limits).map_err(|malformed| cause(malformed, &draft, rules.parameters))?;
    if draft.body.bytes.len() > rules.limits.request_body {
        let malformed = MalformedRequest::BodySize { limit: rules.limits.request_body };
        return Err(cause(malformed, &draft, rules.parameters));
    }
    check_headers(&draft.headers, rules.limits).map_err(|malformed| cause(malformed, &draft, rules.parameters))?;

    let entry = rules.grant.check(draft.method, &url)?;
    let labels = draft
        .headers
        .iter()
        .map(|(_, value)| &value.labels)
        .fold(draft.url.labels.union(&draft.body.labels), |all, labels| all.union(labels));
    entry.may_receive(&labels)?;
    if rules.sealed_origin.is_some_and(|first| first != url.origin().ascii_serialization()) {
        return Err(Violation::OtherOrigin);
    }

    let Draft { method, url: url_parts, headers, body } = draft;
    let added = host_headers(&headers);
    let (views, headers): (Vec<_>, Vec<_>) =
        headers.into_iter().map(|(name, value)| ((name.clone(), value.view), (name, value.bytes))).unzip();
    let view = RequestView { method, url: url_parts.view, headers: views, body: body.view };
    let header_bytes: Vec<(&str, &[u8])> =
        headers.iter().map(|(name, value)| (name.as_str(), value.as_slice())).collect();
    let bytes = RequestBytes {
        // As it will be sent.
        url: url.as_str(),
        headers: &header_bytes,
        body: &body.bytes,
        value_of: &|mark: &Mark| (rules.value_of)(mark),
    };
    let judged = view.judge_and_confirm(entry.message.as_ref(), &rules.message, &bytes)?;
    let shape = match &rules.answered {
        Some(answered) => view.shape(answered)?,
        None => judged.shape,
    };

    let permitted = Permitted {
        method,
        url,
        pool: rules.pool.clone(),
        scheme: entry.origin.scheme,
        carries_message: judged.carries == Carries::Message,
        labels,
        headers: headers.into_iter().chain(added).collect(),
        body: body.bytes,
    };
    Ok((permitted, Skeleton { view, shape }))
}

/// A request that the host makes itself, in plain text.
pub(crate) struct OwnDraft<'a> {
    pub(crate) url: &'a str,
    pub(crate) headers: &'a [(String, String)],
    pub(crate) body: Zeroizing<Vec<u8>>,
}

/// Checks a POST request of the host itself. If it is refused, nothing has been sent.
pub(crate) fn permit_own(
    draft: OwnDraft<'_>,
    operator: &OperatorPolicy,
    limits: &Limits,
    pool: PoolKey,
) -> Result<Permitted, Violation> {
    let url = url(&AssembledPart::new(&[Piece::Text(draft.url)]), limits)?;
    if draft.body.len() > limits.request_body {
        return Err(MalformedRequest::BodySize { limit: limits.request_body }.into());
    }
    let part = |value: &String| AssembledPart::new(&[Piece::Text(value)]);
    let headers: Vec<(String, AssembledPart)> =
        draft.headers.iter().map(|(name, value)| (name.clone(), part(value))).collect();
    check_headers(&headers, limits)?;
    let scheme = operator.check(Method::Post, &url)?;
    let added = host_headers(&headers);
    Ok(Permitted {
        method: Method::Post,
        url,
        headers: headers.into_iter().map(|(name, value)| (name, value.bytes)).chain(added).collect(),
        body: draft.body,
        pool,
        scheme,
        carries_message: false,
        labels: Labels::default(),
    })
}

/// The headers that the host sets. The HTTP client sets `Host` and `Content-Length`.
fn host_headers(from_guest: &[(String, AssembledPart)]) -> Vec<(String, Zeroizing<Vec<u8>>)> {
    let mut headers = vec![("accept-encoding".to_owned(), Zeroizing::new(b"gzip, br".to_vec()))];
    for (name, value) in [("accept", "*/*"), ("user-agent", concat!("sendbox/", env!("CARGO_PKG_VERSION")))] {
        if !from_guest.iter().any(|(given, _)| given.eq_ignore_ascii_case(name)) {
            headers.push((name.to_owned(), Zeroizing::new(value.as_bytes().to_vec())));
        }
    }
    headers
}

/// Whether a request is too large because of a parameter of the connection, or because of the connector.
fn cause(malformed: MalformedRequest, draft: &Draft, parameters: &Parameters) -> Violation {
    let headers = draft.headers.iter().map(|(_, value)| value.bytes.as_slice());
    let (parts, size, limit): (Vec<&[u8]>, usize, usize) = match malformed {
        MalformedRequest::UrlSize { limit } => (vec![&draft.url.bytes], draft.url.bytes.len(), limit),
        MalformedRequest::BodySize { limit } => (vec![&draft.body.bytes], draft.body.bytes.len(), limit),
        MalformedRequest::HeaderSize { limit } => (headers.collect(), header_bytes(&draft.headers), limit),
        other => return other.into(),
    };
    match parameters.longest_in(&parts, size.saturating_sub(limit)) {
        Some(key) => Violation::LongParameter { key: key.into(), malformed },
        None => malformed.into(),
    }
}

fn header_bytes(headers: &[(String, AssembledPart)]) -> usize {
    headers.iter().map(|(name, value)| name.len() + value.bytes.len() + 4).sum()
}

fn url(assembled: &AssembledPart, limits: &Limits) -> Result<Url, MalformedRequest> {
    if assembled.bytes.len() > limits.url_bytes {
        return Err(MalformedRequest::UrlSize { limit: limits.url_bytes });
    }
    let text = std::str::from_utf8(&assembled.bytes).map_err(|_| MalformedRequest::UrlText)?;
    if !assembled.url_safe {
        return Err(MalformedRequest::UrlEncoding);
    }
    if text.chars().any(|character| character.is_control() || character == ' ' || character == '\\') {
        return Err(MalformedRequest::UrlCharacters);
    }
    // Scheme, host and port must be literal: a sealed value there would be sent in plain text, as a part of a host name. Only these
    // two spellings are allowed: lenient parsers accept `https:host` as well, and do not agree on where the host ends.
    let after_scheme = ["https://", "http://"]
        .iter()
        .find_map(|scheme| text.strip_prefix(scheme))
        .ok_or(MalformedRequest::UrlScheme)?;
    let authority = after_scheme.find(['/', '?', '#']).unwrap_or(after_scheme.len());
    let authority_end = text.len() - after_scheme.len() + authority;
    if assembled.literal_prefix <= authority_end && assembled.literal_prefix < text.len() {
        return Err(MalformedRequest::UrlAuthority);
    }
    let url = Url::parse(text).map_err(|_| MalformedRequest::Url)?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(MalformedRequest::UrlCredentials);
    }
    if url.fragment().is_some() {
        return Err(MalformedRequest::UrlFragment);
    }
    Ok(url)
}

fn check_headers(headers: &[(String, AssembledPart)], limits: &Limits) -> Result<(), MalformedRequest> {
    if headers.len() > limits.request_headers {
        return Err(MalformedRequest::Headers { limit: limits.request_headers });
    }
    if header_bytes(headers) > limits.request_header_bytes {
        return Err(MalformedRequest::HeaderSize { limit: limits.request_header_bytes });
    }
    header::check_names(headers.iter().map(|(name, _)| name.as_str()))?;
    headers.iter().try_for_each(|(_, value)| Ok(header::check_value(&value.bytes)?))
}

#[cfg(test)]
mod tests {
    use sendbox_policy::Label;

    use super::*;
    use crate::sealed::{SECRET_BOUND, Sealed};

    fn secret(text: &str) -> Sealed {
        let key = "key".into();
        Sealed::root(text.as_bytes().to_vec(), SECRET_BOUND, Label::Secret("key".into()), Mark::Secret(key))
    }

    fn read(pieces: &[Piece<'_>]) -> Result<String, MalformedRequest> {
        url(&AssembledPart::new(pieces), &Limits::default()).map(String::from)
    }

    #[test]
    fn a_request_of_the_host_has_the_rules_of_a_guests() {
        let own = |url: &str, headers: &[(&str, &str)], body: usize| {
            let headers: Vec<_> =
                headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            let draft = OwnDraft { url, headers: &headers, body: Zeroizing::new(vec![b'x'; body]) };
            let pool = PoolKey { owner: "owner".into(), revision: "own".into() };
            permit_own(draft, &OperatorPolicy::default(), &Limits::default(), pool).map(|permitted| permitted.origin())
        };
        let fine = "https://hooks.example/a";
        assert_eq!(own(fine, &[("webhook-id", "e1")], 64 << 10).unwrap(), "https://hooks.example");
        for (url, headers, body) in [
            ("http://hooks.example/", &[][..], 1),
            ("https://127.0.0.1/", &[], 1),
            ("https://user:secret@hooks.example/", &[], 1),
            ("https://hooks.example/#fragment", &[], 1),
            ("https:hooks.example/", &[], 1),
            ("file:///etc/passwd", &[], 1),
            (fine, &[("host", "other.example")], 1),
            (fine, &[("webhook-id", "a\r\nb: c")], 1),
            (fine, &[], (64 << 10) + 1),
        ] {
            assert!(own(url, headers, body).is_err(), "{url} {headers:?} {body}");
        }
    }

    #[test]
    fn a_header_value_that_could_end_its_line_is_refused() {
        let check = |value: &[u8]| {
            let assembled = AssembledPart { bytes: Zeroizing::new(value.to_vec()), ..AssembledPart::default() };
            check_headers(&[("authorization".to_owned(), assembled)], &Limits::default())
        };
        assert_eq!(check(b"Basic YTpi"), Ok(()));
        for value in [&b"a\r\nx-injected: b"[..], b"a\nb", b"a\0b"] {
            assert!(matches!(check(value), Err(MalformedRequest::Header(_))), "{value:?}");
        }
    }

    #[test]
    fn a_sealed_value_in_a_url_is_encoded() {
        let with = |text: &str| read(&[Piece::Text("https://a.example/?k="), Piece::Sealed(&secret(text))]);
        assert_eq!(with("a%26b-._~+*").unwrap(), "https://a.example/?k=a%26b-._~+*");
        for text in ["a&b", "a/b", "a=b", "a?b", "a#b", "a:b", "ä", "a b", "a;b"] {
            assert_eq!(with(text), Err(MalformedRequest::UrlEncoding), "{text}");
        }
    }

    /// Not even an empty one: what follows a host at once could become a part of it.
    #[test]
    fn nothing_sealed_touches_the_host() {
        for (before, sealed, after) in [
            ("https://", "a", ".example/"),
            ("https://a", "b", ".example/"),
            ("https://a.example", "b", "/"),
            ("https://a.example", "", "/x"),
            ("https://a.example:", "1", "/"),
        ] {
            let refused = read(&[Piece::Text(before), Piece::Sealed(&secret(sealed)), Piece::Text(after)]);
            assert_eq!(refused, Err(MalformedRequest::UrlAuthority), "{before}«{sealed}»{after}");
        }
        assert!(read(&[Piece::Text("https://a.example/"), Piece::Sealed(&secret("b"))]).is_ok());
    }
}
