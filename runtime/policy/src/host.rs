//! Hosts in canonical form, and patterns of hosts.
//!
//! Promises: two notations of one host (case, IDNA, percent-encoding, trailing dot, an address in decimal, hexadecimal, octal or as
//! IPv4-mapped IPv6) are equal, because both go through the WHATWG host parser that the HTTP client uses as well. A `*` stands for
//! exactly one label and never matches an address.
//!
//! Must not know: what a host resolves to. That is [`crate::address`].

use std::fmt;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use url::{Host, Url};

use crate::pattern::PatternError;

/// A host as the HTTP client interprets it: in lower case, IDNA-encoded, without a trailing dot.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CanonicalHost {
    /// A DNS name.
    Domain(String),
    /// A literal address, in whatever notation it was written. Never an IPv4-mapped IPv6 address.
    Address(IpAddr),
}

impl CanonicalHost {
    /// Parses a host as it is written in a URL (IPv6 in brackets).
    ///
    /// # Errors
    /// [`PatternError::Host`] if the WHATWG parser refuses it or a label is empty.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        let host = Host::parse(text).map_err(|_| PatternError::Host)?;
        Self::from_url_host(host).ok_or(PatternError::Host)
    }

    /// The host of a parsed `http` or `https` URL. `None` if it has none, or one with an empty label.
    #[must_use]
    pub fn of(url: &Url) -> Option<Self> {
        Self::from_url_host(url.host()?.to_owned())
    }

    fn from_url_host(host: Host<String>) -> Option<Self> {
        match host {
            Host::Ipv4(address) => Some(Self::Address(IpAddr::V4(address))),
            Host::Ipv6(address) => Some(Self::Address(IpAddr::V6(address).to_canonical())),
            Host::Domain(name) => {
                let name = name.strip_suffix('.').unwrap_or(&name);
                let well_formed = name.len() <= 253 && name.split('.').all(|label| (1..=63).contains(&label.len()));
                well_formed.then(|| Self::Domain(name.to_owned()))
            }
        }
    }
}

impl fmt::Display for CanonicalHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Domain(name) => f.write_str(name),
            Self::Address(IpAddr::V4(address)) => write!(f, "{address}"),
            Self::Address(IpAddr::V6(address)) => write!(f, "[{address}]"),
        }
    }
}

/// An exact host, or a name in which some labels are `*`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct HostPattern(pub(crate) Shape);

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Shape {
    Address(IpAddr),
    Name(Vec<NamePart>),
}

/// `Any` sorts first, so that a more specific pattern is greater.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum NamePart {
    Any,
    Exactly(String),
}

impl HostPattern {
    /// Parses `api.example.com`, `*.example.com`, `192.0.2.1` or `[2001:db8::1]`.
    ///
    /// # Errors
    /// [`PatternError::Host`] if it is not a host, [`PatternError::Wildcard`] if a `*` is not a whole label or is the last one.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        if !text.contains('*') {
            return Ok(CanonicalHost::parse(text)?.into());
        }
        let parts: Vec<_> = text
            .split('.')
            .map(|label| match label {
                "*" => Ok(NamePart::Any),
                _ if label.contains('*') => Err(PatternError::Wildcard),
                _ => canonical_label(label).map(NamePart::Exactly),
            })
            .collect::<Result<_, _>>()?;
        match parts.last() {
            Some(NamePart::Exactly(last)) if !is_numeric_label(last) => Ok(Self(Shape::Name(parts))),
            _ => Err(PatternError::Wildcard),
        }
    }

    /// Whether the pattern matches this host.
    #[must_use]
    pub fn matches(&self, host: &CanonicalHost) -> bool {
        match (&self.0, host) {
            (Shape::Address(mine), CanonicalHost::Address(other)) => mine == other,
            (Shape::Name(parts), CanonicalHost::Domain(name)) => {
                let mut labels = name.split('.');
                parts.iter().all(|part| {
                    labels.next().is_some_and(|label| match part {
                        NamePart::Any => !label.is_empty(),
                        NamePart::Exactly(mine) => mine == label,
                    })
                }) && labels.next().is_none()
            }
            _ => false,
        }
    }

    /// Whether the pattern matches this host or a parent domain of it. For deny lists, where denying `example.com` but allowing
    /// `a.example.com` would be surprising.
    #[must_use]
    pub fn matches_with_subdomains(&self, host: &CanonicalHost) -> bool {
        let CanonicalHost::Domain(name) = host else { return self.matches(host) };
        let mut rest = name.as_str();
        loop {
            if self.matches(&CanonicalHost::Domain(rest.to_owned())) {
                return true;
            }
            match rest.split_once('.') {
                Some((_, parent)) => rest = parent,
                None => return false,
            }
        }
    }

    /// The pattern of hosts that both patterns match. `None` if there are none.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Option<Self> {
        match (&self.0, &other.0) {
            (Shape::Address(mine), Shape::Address(theirs)) => (mine == theirs).then(|| self.clone()),
            (Shape::Name(mine), Shape::Name(theirs)) if mine.len() == theirs.len() => mine
                .iter()
                .zip(theirs)
                .map(|pair| match pair {
                    (NamePart::Any, part) | (part, NamePart::Any) => Some(part.clone()),
                    (a, b) => (a == b).then(|| a.clone()),
                })
                .collect::<Option<Vec<_>>>()
                .map(|parts| Self(Shape::Name(parts))),
            _ => None,
        }
    }

    /// The literal address, if the pattern is one.
    #[must_use]
    pub fn address(&self) -> Option<IpAddr> {
        match self.0 {
            Shape::Address(address) => Some(address),
            Shape::Name(_) => None,
        }
    }

    /// The only host that the pattern matches. `None` if it contains a `*`.
    #[must_use]
    pub fn exact(&self) -> Option<CanonicalHost> {
        match &self.0 {
            Shape::Address(address) => Some(CanonicalHost::Address(*address)),
            Shape::Name(parts) => parts
                .iter()
                .map(|part| match part {
                    NamePart::Any => None,
                    NamePart::Exactly(label) => Some(label.as_str()),
                })
                .collect::<Option<Vec<_>>>()
                .map(|labels| CanonicalHost::Domain(labels.join("."))),
        }
    }

    /// The number of `*` labels: fewer is more specific.
    pub(crate) fn wildcards(&self) -> usize {
        match &self.0 {
            Shape::Address(_) => 0,
            Shape::Name(parts) => parts.iter().filter(|part| **part == NamePart::Any).count(),
        }
    }
}

impl From<CanonicalHost> for HostPattern {
    fn from(host: CanonicalHost) -> Self {
        match host {
            CanonicalHost::Address(address) => Self(Shape::Address(address)),
            CanonicalHost::Domain(name) => {
                Self(Shape::Name(name.split('.').map(|label| NamePart::Exactly(label.to_owned())).collect()))
            }
        }
    }
}

impl fmt::Display for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Shape::Address(address) => CanonicalHost::Address(*address).fmt(f),
            Shape::Name(parts) => {
                for (index, part) in parts.iter().enumerate() {
                    let dot = if index == 0 { "" } else { "." };
                    let label = match part {
                        NamePart::Any => "*",
                        NamePart::Exactly(label) => label,
                    };
                    write!(f, "{dot}{label}")?;
                }
                Ok(())
            }
        }
    }
}

impl TryFrom<String> for HostPattern {
    type Error = PatternError;
    fn try_from(text: String) -> Result<Self, PatternError> {
        Self::parse(&text)
    }
}

impl From<HostPattern> for String {
    fn from(pattern: HostPattern) -> Self {
        pattern.to_string()
    }
}

/// A literal label in canonical form. It is parsed as part of a name, because `1` alone would be an address.
pub(crate) fn canonical_label(label: &str) -> Result<String, PatternError> {
    if label.contains('.') {
        return Err(PatternError::Host);
    }
    match CanonicalHost::parse(&format!("{label}.invalid"))? {
        CanonicalHost::Domain(name) => {
            let label = name.strip_suffix(".invalid").ok_or(PatternError::Host)?;
            if label.is_empty() || label.contains('.') { Err(PatternError::Host) } else { Ok(label.to_owned()) }
        }
        CanonicalHost::Address(_) => Err(PatternError::Host),
    }
}

/// Whether a label looks like a number: a URL parser treats a name with such a last label as an address or as invalid.
pub(crate) fn is_numeric_label(label: &str) -> bool {
    label.bytes().all(|byte| byte.is_ascii_digit()) || label.starts_with("0x")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_disguise_of_a_host_is_that_host() {
        for (spelt, canonical) in [
            ("API.Example.COM", "api.example.com"),
            ("api.example.com.", "api.example.com"),
            ("ex%61mple.com", "example.com"),
            ("ｅｘａｍｐｌｅ.com", "example.com"),
            ("bücher.example", "xn--bcher-kva.example"),
            ("127.0.0.1", "127.0.0.1"),
            ("2130706433", "127.0.0.1"),
            ("0x7f000001", "127.0.0.1"),
            ("0177.0.0.1", "127.0.0.1"),
            ("127.1", "127.0.0.1"),
            ("127.0.0.1.", "127.0.0.1"),
            ("１２７.0.0.1", "127.0.0.1"),
            ("[::1]", "[::1]"),
            ("[::ffff:127.0.0.1]", "127.0.0.1"),
            ("[0:0::FFFF:a00:1]", "10.0.0.1"),
        ] {
            assert_eq!(CanonicalHost::parse(spelt).map(|host| host.to_string()), Ok(canonical.to_owned()), "{spelt}");
        }
        for wrong in ["", ".", "a..b", ".a", "a b", "a/b", "a@b", "1.2.3.4.5", "256.256.256.256", "[::1", "a\0"] {
            assert_eq!(CanonicalHost::parse(wrong), Err(PatternError::Host), "{wrong:?}");
        }
    }

    /// RFC 1035: 255 octets on the wire are 253 in text. A trailing dot does not count.
    #[test]
    fn the_longest_name() {
        let name = |length: usize| {
            let name = format!("{}.{}.{}.{}", "a".repeat(63), "b".repeat(63), "c".repeat(63), "d".repeat(length - 192));
            assert_eq!(name.len(), length);
            name
        };
        assert_eq!(CanonicalHost::parse(&name(253)).map(|host| host.to_string()), Ok(name(253)));
        assert_eq!(CanonicalHost::parse(&format!("{}.", name(253))).map(|host| host.to_string()), Ok(name(253)));
        assert_eq!(CanonicalHost::parse(&name(254)), Err(PatternError::Host));
        assert_eq!(CanonicalHost::parse(&format!("{}.x", "a".repeat(64))), Err(PatternError::Host));
        assert!(CanonicalHost::parse(&format!("{}.x", "a".repeat(63))).is_ok());
    }

    #[test]
    fn patterns() {
        for (pattern, host, matches) in [
            ("api.example.com", "API.example.com.", true),
            ("api.example.com", "example.com", false),
            ("*.example.com", "a.example.com", true),
            ("*.example.com", "example.com", false),
            ("*.example.com", "a.b.example.com", false),
            ("a.*.example.com", "a.b.example.com", true),
            ("10.0.0.1", "0x0a000001", true),
            ("10.0.0.1", "[::ffff:10.0.0.1]", true),
        ] {
            let host = CanonicalHost::parse(host).unwrap();
            assert_eq!(HostPattern::parse(pattern).unwrap().matches(&host), matches, "{pattern} {host}");
        }
        for wrong in ["*", "a.*", "a*.example.com", "*.0.0.1", "*.0x1"] {
            assert_eq!(HostPattern::parse(wrong), Err(PatternError::Wildcard), "{wrong}");
        }
    }

    #[test]
    fn a_denied_host_denies_what_is_below() {
        let denied = HostPattern::parse("example.com").unwrap();
        for (host, hit) in [("example.com", true), ("a.b.example.com", true), ("badexample.com", false), ("com", false)]
        {
            assert_eq!(denied.matches_with_subdomains(&CanonicalHost::parse(host).unwrap()), hit, "{host}");
        }
    }

    #[test]
    fn intersections() {
        for (a, b, both) in [
            ("*.example.com", "a.example.com", Some("a.example.com")),
            ("*.b.example.com", "a.*.example.com", Some("a.b.example.com")),
            ("a.example.com", "b.example.com", None),
            ("*.example.com", "a.b.example.com", None),
            ("10.0.0.1", "10.0.0.1", Some("10.0.0.1")),
            ("10.0.0.1", "10.0.0.2", None),
        ] {
            let (a, b) = (HostPattern::parse(a).unwrap(), HostPattern::parse(b).unwrap());
            assert_eq!(a.intersection(&b).map(|host| host.to_string()).as_deref(), both, "{a} {b}");
            assert_eq!(b.intersection(&a), a.intersection(&b), "{a} {b}");
        }
    }

    proptest! {
        #[test]
        fn an_intersection_matches_what_both_match(
            a in "(\\*|[ab])\\.(\\*|[ab])\\.[cd]", b in "(\\*|[ab])\\.(\\*|[ab])\\.[cd]", host in "[ab]\\.[ab]\\.[cd]",
        ) {
            let (a, b) = (HostPattern::parse(&a).unwrap(), HostPattern::parse(&b).unwrap());
            let host = CanonicalHost::parse(&host).unwrap();
            let both = a.intersection(&b).is_some_and(|both| both.matches(&host));
            prop_assert_eq!(both, a.matches(&host) && b.matches(&host));
        }

        #[test]
        fn a_pattern_is_read_back_as_written(text in "(\\*\\.)?[a-z][a-z0-9-]{0,5}[a-z]\\.[a-z]{2,4}") {
            prop_assume!(!text.contains("xn--"));
            let pattern = HostPattern::parse(&text).unwrap();
            prop_assert_eq!(pattern.to_string(), text);
        }
    }
}
