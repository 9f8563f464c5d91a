//! Origins: patterns with parameters in a manifest, and what they mean for one tenant.
//!
//! Accepted forms:
//!
//! | written | meaning |
//! |---|---|
//! | `https://api.example.com` | exactly that host, port 443 |
//! | `https://api.example.com:8443` | the same on another port (the operator must allow the port) |
//! | `https://*.example.com` | exactly one label before `example.com` |
//! | `https://api.{region}.example.com` | the label is filled in from the tenant's parameter `region` |
//! | `{endpoint}` | the tenant's own endpoint: its origin and its exact path |
//!
//! Promises: the last two labels are always literal, so neither a `*` nor a tenant's value can choose the domain; a value can only
//! fill a label with `[a-z0-9-]`. Public suffixes are not checked: `*.co.uk` parses, and the person who grants it sees it.
//!
//! Must not know: who grants what. Errors name the parameter and never quote its value.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use url::Url;

use crate::host::{CanonicalHost, HostPattern, NamePart, Shape, canonical_label, is_numeric_label};
use crate::pattern::PatternError;

/// The scheme of a URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scheme {
    /// HTTP over verified TLS.
    Https,
    /// Unencrypted HTTP. Refused unless the operator names the host.
    Http,
}

impl Scheme {
    /// The scheme's name: `https` or `http`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Https => "https",
            Self::Http => "http",
        }
    }

    /// The default port: 443 or 80.
    #[must_use]
    pub fn default_port(self) -> u16 {
        match self {
            Self::Https => 443,
            Self::Http => 80,
        }
    }

    /// The scheme of a URL. `None` for any other scheme.
    #[must_use]
    pub fn of(url: &Url) -> Option<Self> {
        match url.scheme() {
            "https" => Some(Self::Https),
            "http" => Some(Self::Http),
            _ => None,
        }
    }
}

/// An origin as written in a manifest; see the module for its forms.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct OriginPattern(OriginForm);

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum OriginForm {
    Endpoint { parameter: String },
    Named { scheme: Scheme, host: HostTemplate, port: u16 },
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum HostTemplate {
    Address(IpAddr),
    Name(Vec<LabelTemplate>),
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum LabelTemplate {
    Any,
    Exactly(String),
    Filled(Vec<Chunk>),
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Chunk {
    Text(String),
    Parameter(String),
}

/// An origin with every parameter filled in.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Origin {
    /// `https`, or `http` where the operator allows it.
    pub scheme: Scheme,
    /// The host, or a pattern of hosts.
    pub host: HostPattern,
    /// The port.
    pub port: u16,
    /// For a tenant's own endpoint, the exact path, percent-encoded as in the URL. `None` for a whole origin.
    pub exact_path: Option<String>,
}

impl OriginPattern {
    /// Parses one of the forms in the module's table.
    ///
    /// # Errors
    /// A [`PatternError`] that says which part is wrong.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        if let Some(parameter) = text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
            return Ok(Self(OriginForm::Endpoint { parameter: parameter_key(parameter)? }));
        }
        let (scheme, authority) = split_scheme(text)?;
        if authority.contains(['/', '?', '#', '@', '\\']) || authority.contains(char::is_whitespace) {
            return Err(PatternError::MoreThanOrigin);
        }
        let (host, port) = split_port(authority)?;
        let port = port.unwrap_or(scheme.default_port());
        Ok(Self(OriginForm::Named { scheme, host: HostTemplate::parse(host)?, port }))
    }

    /// The keys of the parameters, in order.
    #[must_use]
    pub fn parameters(&self) -> Vec<&str> {
        match &self.0 {
            OriginForm::Endpoint { parameter } => vec![parameter],
            OriginForm::Named { host: HostTemplate::Address(_), .. } => Vec::new(),
            OriginForm::Named { host: HostTemplate::Name(labels), .. } => labels
                .iter()
                .flat_map(|label| match label {
                    LabelTemplate::Filled(chunks) => chunks.as_slice(),
                    LabelTemplate::Any | LabelTemplate::Exactly(_) => &[],
                })
                .filter_map(|chunk| match chunk {
                    Chunk::Parameter(key) => Some(key.as_str()),
                    Chunk::Text(_) => None,
                })
                .collect(),
        }
    }

    /// Whether this is a tenant's own endpoint, `{parameter}`.
    #[must_use]
    pub fn is_endpoint(&self) -> bool {
        matches!(self.0, OriginForm::Endpoint { .. })
    }

    /// Fills in the tenant's parameters. `None` if one is not set or empty, in which case the need is left out.
    ///
    /// # Errors
    /// [`PatternError::Value`] or [`PatternError::Endpoint`] with the parameter's key.
    pub fn fill(&self, parameters: &BTreeMap<String, String>) -> Result<Option<Origin>, PatternError> {
        let value = |key: &str| parameters.get(key).map(String::as_str).filter(|value| !value.is_empty());
        match &self.0 {
            OriginForm::Endpoint { parameter } => match value(parameter) {
                None => Ok(None),
                Some(url) => {
                    endpoint(url).map(Some).ok_or_else(|| PatternError::Endpoint { parameter: parameter.clone() })
                }
            },
            OriginForm::Named { scheme, host, port } => {
                let host = match host {
                    HostTemplate::Address(address) => HostPattern(Shape::Address(*address)),
                    HostTemplate::Name(labels) => {
                        let mut parts = Vec::with_capacity(labels.len());
                        for label in labels {
                            match label.fill(value)? {
                                Some(part) => parts.push(part),
                                None => return Ok(None),
                            }
                        }
                        HostPattern(Shape::Name(parts))
                    }
                };
                Ok(Some(Origin { scheme: *scheme, host, port: *port, exact_path: None }))
            }
        }
    }

    /// Whether this pattern covers everything that `other` can match. Parameters are compared by key.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (
                OriginForm::Named { scheme, host: HostTemplate::Name(mine), port },
                OriginForm::Named { scheme: other_scheme, host: HostTemplate::Name(theirs), port: other_port },
            ) => {
                scheme == other_scheme
                    && port == other_port
                    && mine.len() == theirs.len()
                    && mine.iter().zip(theirs).all(|(a, b)| *a == LabelTemplate::Any || a == b)
            }
            (mine, theirs) => mine == theirs,
        }
    }
}

impl HostTemplate {
    fn parse(text: &str) -> Result<Self, PatternError> {
        if !text.contains(['*', '{', '}']) {
            return Ok(match CanonicalHost::parse(text)? {
                CanonicalHost::Address(address) => Self::Address(address),
                CanonicalHost::Domain(name) => {
                    Self::Name(name.split('.').map(|label| LabelTemplate::Exactly(label.to_owned())).collect())
                }
            });
        }
        let labels = text.split('.').map(LabelTemplate::parse).collect::<Result<Vec<_>, _>>()?;
        let tail_start = labels.len().saturating_sub(2);
        let tail = labels.get(tail_start..).unwrap_or_default();
        for label in tail {
            match label {
                LabelTemplate::Exactly(_) => {}
                LabelTemplate::Any => return Err(PatternError::Wildcard),
                LabelTemplate::Filled(_) => return Err(PatternError::Placeholder),
            }
        }
        match tail.last() {
            Some(LabelTemplate::Exactly(last)) if is_numeric_label(last) => Err(PatternError::Host),
            _ => Ok(Self::Name(labels)),
        }
    }
}

impl LabelTemplate {
    fn parse(text: &str) -> Result<Self, PatternError> {
        if text == "*" {
            return Ok(Self::Any);
        }
        if text.contains('*') {
            return Err(PatternError::Wildcard);
        }
        if !text.contains(['{', '}']) {
            return canonical_label(text).map(Self::Exactly);
        }
        let mut chunks = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            if let Some(inner) = rest.strip_prefix('{') {
                let (key, after) = inner.split_once('}').ok_or(PatternError::Placeholder)?;
                // Adjacent values would be ambiguous, and nobody needs them.
                if matches!(chunks.last(), Some(Chunk::Parameter(_))) {
                    return Err(PatternError::Placeholder);
                }
                chunks.push(Chunk::Parameter(parameter_key(key)?));
                rest = after;
            } else {
                let (literal, after) = rest.split_at(rest.find('{').unwrap_or(rest.len()));
                let literal = literal.to_ascii_lowercase();
                if !literal.bytes().all(is_label_byte) {
                    return Err(PatternError::Placeholder);
                }
                chunks.push(Chunk::Text(literal));
                rest = after;
            }
        }
        Ok(Self::Filled(chunks))
    }

    fn fill<'v>(&self, value: impl Fn(&str) -> Option<&'v str>) -> Result<Option<NamePart>, PatternError> {
        let chunks = match self {
            Self::Any => return Ok(Some(NamePart::Any)),
            Self::Exactly(label) => return Ok(Some(NamePart::Exactly(label.clone()))),
            Self::Filled(chunks) => chunks,
        };
        let mut label = String::new();
        let mut last_key = "";
        for chunk in chunks {
            match chunk {
                Chunk::Text(text) => label.push_str(text),
                Chunk::Parameter(key) => {
                    last_key = key;
                    let Some(value) = value(key) else { return Ok(None) };
                    if value.len() > 63 || !value.bytes().all(is_label_byte) {
                        return Err(PatternError::Value { parameter: key.clone() });
                    }
                    label.push_str(value);
                }
            }
        }
        if label.len() > 63 || label.starts_with('-') || label.ends_with('-') {
            return Err(PatternError::Value { parameter: last_key.to_owned() });
        }
        Ok(Some(NamePart::Exactly(label)))
    }
}

impl Origin {
    /// Parses an origin without parameters, as written in a grant. With a path (`https://a.example/hook`) it means exactly that
    /// path.
    ///
    /// # Errors
    /// A [`PatternError`]; [`PatternError::Placeholder`] if it contains a `{parameter}`.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        let (_, rest) = split_scheme(text)?;
        if rest.contains('/') && !rest.contains(['*', '{', '}']) {
            if rest.contains(['?', '#', '@', '\\']) {
                return Err(PatternError::MoreThanOrigin);
            }
            return endpoint(text).ok_or(PatternError::Host);
        }
        let pattern = OriginPattern::parse(text)?;
        pattern.fill(&BTreeMap::new())?.ok_or(PatternError::Placeholder)
    }

    /// Whether scheme, host and port match. The grant checks the path.
    #[must_use]
    pub fn matches(&self, scheme: Scheme, host: &CanonicalHost, port: u16) -> bool {
        self.scheme == scheme && self.port == port && self.host.matches(host)
    }
}

/// A whole URL as an exact origin and path. The query is up to the connector and is dropped.
fn endpoint(text: &str) -> Option<Origin> {
    if text.contains(|c: char| c.is_control() || c.is_whitespace()) {
        return None;
    }
    let url = Url::parse(text).ok()?;
    // `https:host` and `https:\\host` parse as well, but are always mistakes.
    split_scheme(text).ok()?;
    if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
        return None;
    }
    Some(Origin {
        scheme: Scheme::of(&url)?,
        host: CanonicalHost::of(&url)?.into(),
        port: url.port_or_known_default().filter(|port| *port != 0)?,
        exact_path: Some(url.path().to_owned()),
    })
}

fn split_scheme(text: &str) -> Result<(Scheme, &str), PatternError> {
    [Scheme::Https, Scheme::Http]
        .into_iter()
        .find_map(|scheme| {
            let (head, rest) = text.split_once("://")?;
            head.eq_ignore_ascii_case(scheme.name()).then_some((scheme, rest))
        })
        .ok_or(PatternError::Scheme)
}

/// Splits `host[:port]`. An IPv6 address is in brackets.
pub(crate) fn split_port(authority: &str) -> Result<(&str, Option<u16>), PatternError> {
    let cut = match authority.rfind(']') {
        Some(bracket) => authority.get(bracket..).and_then(|rest| rest.find(':')).map(|at| bracket + at),
        None => authority.rfind(':'),
    };
    let Some((host, port)) = cut.and_then(|at| authority.split_at_checked(at)) else { return Ok((authority, None)) };
    let digits = port.trim_start_matches(':');
    match digits.parse::<u16>() {
        Ok(port) if port != 0 && digits.bytes().all(|byte| byte.is_ascii_digit()) => Ok((host, Some(port))),
        _ => Err(PatternError::Port),
    }
}

fn parameter_key(key: &str) -> Result<String, PatternError> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    if (1..=64).contains(&key.len()) && key.bytes().all(fits) {
        Ok(key.to_owned())
    } else {
        Err(PatternError::Placeholder)
    }
}

fn is_label_byte(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-'
}

fn write_port(f: &mut fmt::Formatter<'_>, scheme: Scheme, port: u16) -> fmt::Result {
    if port == scheme.default_port() { Ok(()) } else { write!(f, ":{port}") }
}

impl fmt::Display for OriginPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            OriginForm::Endpoint { parameter } => write!(f, "{{{parameter}}}"),
            OriginForm::Named { scheme, host, port } => {
                write!(f, "{}://", scheme.name())?;
                match host {
                    HostTemplate::Address(address) => CanonicalHost::Address(*address).fmt(f)?,
                    HostTemplate::Name(labels) => {
                        for (index, label) in labels.iter().enumerate() {
                            if index > 0 {
                                f.write_str(".")?;
                            }
                            label.fmt(f)?;
                        }
                    }
                }
                write_port(f, *scheme, *port)
            }
        }
    }
}

impl fmt::Display for LabelTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("*"),
            Self::Exactly(label) => f.write_str(label),
            Self::Filled(chunks) => chunks.iter().try_for_each(|chunk| match chunk {
                Chunk::Text(text) => f.write_str(text),
                Chunk::Parameter(key) => write!(f, "{{{key}}}"),
            }),
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme.name(), self.host)?;
        write_port(f, self.scheme, self.port)?;
        f.write_str(self.exact_path.as_deref().unwrap_or_default())
    }
}

impl TryFrom<String> for OriginPattern {
    type Error = PatternError;
    fn try_from(text: String) -> Result<Self, PatternError> {
        Self::parse(&text)
    }
}

impl From<OriginPattern> for String {
    fn from(pattern: OriginPattern) -> Self {
        pattern.to_string()
    }
}

impl TryFrom<String> for Origin {
    type Error = PatternError;
    fn try_from(text: String) -> Result<Self, PatternError> {
        Self::parse(&text)
    }
}

impl From<Origin> for String {
    fn from(origin: Origin) -> Self {
        origin.to_string()
    }
}

#[cfg(test)]
mod tests;
